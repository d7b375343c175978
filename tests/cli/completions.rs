//! The completion scripts that are shipped in `completions/` are those that the program prints. They are made
//! anew by `OAUTHCTL_UPDATE_SNAPSHOTS=1 cargo test --test cli completions`.

use std::path::Path;
use std::process::Command;

use crate::support::Home;

const SCRIPTS: [(&str, &str); 5] = [
    ("bash", "oauthctl.bash"),
    ("zsh", "_oauthctl"),
    ("fish", "oauthctl.fish"),
    ("powershell", "_oauthctl.ps1"),
    ("elvish", "oauthctl.elv"),
];

#[test]
fn shipped_scripts_are_current() {
    let home = Home::new();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    for (shell, file) in SCRIPTS {
        let script = home.run(["completions", shell]).ok().stdout;
        if std::env::var_os("OAUTHCTL_UPDATE_SNAPSHOTS").is_some_and(|v| v == "1") {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(dir.join(file), script).unwrap();
            continue;
        }
        let shipped = std::fs::read_to_string(dir.join(file)).unwrap_or_default();
        assert!(shipped == script, "completions/{file} is not current");
    }
}

#[test]
fn shells_take_their_scripts_and_complete() {
    let home = Home::new();
    let script = home.run(["completions", "bash"]).ok().stdout;
    // It is longer than one argument may be.
    let file = home.path("script");
    std::fs::write(&file, script).unwrap();
    let ask = ". \"$1\"; COMP_WORDS=(oauthctl tok); COMP_CWORD=1; _oauthctl oauthctl tok oauthctl; \
               printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash").args(["-c", ask, "bash"]).arg(&file).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "token\n");
    for (shell, option) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let script = home.run(["completions", shell]).ok().stdout;
        std::fs::write(&file, script).unwrap();
        let output = Command::new(shell).arg(option).arg(&file).output().unwrap();
        assert!(output.status.success(), "{shell}: {output:?}");
    }
}
