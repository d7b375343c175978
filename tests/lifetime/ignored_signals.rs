//! A signal that was ignored when the program started stays ignored, for what it runs as well.

use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::scene::Scene;
use crate::support::{Home, await_some};

/// Ignores these signals, and becomes the program.
const IGNORING: [&str; 4] = ["sh", "-c", "trap '' INT HUP TERM; exec \"$@\"", "sh"];

/// Prints the signals that the process ignores.
const PRINT_IGNORED: [&str; 3] = ["grep", "SigIgn", "/proc/self/status"];

/// The signals in such a line, without those that the C library uses itself.
fn ignored(line: &str) -> u64 {
    let mask = line.trim().strip_prefix("SigIgn:").unwrap_or_else(|| panic!("{line}"));
    u64::from_str_radix(mask.trim(), 16).unwrap() & 0x7fff_ffff
}

/// What a command ignores that is started by this one, without the program between them.
fn ignored_under(wrapper: &[&str]) -> u64 {
    let mut command = Command::new(wrapper[0]);
    let output = command.args(&wrapper[1..]).args(PRINT_IGNORED).output().unwrap();
    ignored(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn nohup_login_survives_a_hangup() {
    let mut scene = Scene::new("honest");
    scene.home.browser(&json!({ "mode": "honest" }));
    scene.server.hold("token-answer", 1);
    let login = scene.home.spawn_through(&["nohup"], &["login", "p"]);
    scene.server.await_held("token-answer", 1);
    login.signal(Signal::HUP);
    scene.server.release("token-answer");
    login.wait().ok();
    scene.works();
}

#[test]
fn ignored_signal_does_not_end_a_refresh() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let scene = Scene::logged_in("honest", 30);
        scene.server.hold("token-answer", 1);
        let token = scene.home.spawn_through(&IGNORING, &["token", "-p", "p"]);
        scene.server.await_held("token-answer", 1);
        token.signal(signal);
        scene.server.release("token-answer");
        let output = token.wait().ok();
        assert_eq!(output.line(), scene.newest("access_token"));
        assert_eq!(output.stderr, "", "{signal:?}");
    }
}

#[test]
fn only_the_ignored_signal_is_ignored() {
    let scene = Scene::logged_in("honest", 30);
    let background = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"];
    scene.server.hold("token-answer", 1);
    let token = scene.home.spawn_through(&background, &["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    token.signal(Signal::INT);
    token.signal(Signal::TERM);
    scene.server.release("token-answer");
    token.wait().fails(143);
    scene.works();
}

#[test]
fn exec_gives_its_command_the_inherited_signals() {
    for life in [3600, 30] {
        for wrapper in
            [IGNORING.as_slice(), &["env"], &["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]]
        {
            let scene = Scene::logged_in("honest", life);
            let args = [["exec", "-p", "p", "--"].as_slice(), &PRINT_IGNORED].concat();
            let output = scene.home.spawn_through(wrapper, &args).wait().ok();
            assert_eq!(
                ignored(&output.stdout),
                ignored_under(wrapper),
                "{wrapper:?} with {life} s left"
            );
            assert_eq!(scene.refreshes(), usize::from(life == 30));
        }
    }
}

/// A shell line that writes the signals that its own process ignores.
fn noting(home: &Home, name: &str) -> String {
    let note = home.path(&format!("tmp/{name}"));
    format!("grep SigIgn /proc/self/status > {0}.part && mv {0}.part {0}", note.display())
}

#[test]
fn hooks_and_launchers_get_the_inherited_signals() {
    for wrapper in [IGNORING.as_slice(), &["env"]] {
        let mut scene = Scene::new("honest");
        let line = |name| noting(&scene.home, name);
        let secret = format!("{}; printf 'CANARY-secret-:+%%& \u{e9}\"'", line("secret"));
        let more = format!(
            "scopes = [\"api\"]\nclient_secret = {{ command = [\"sh\", \"-c\", {secret:?}] }}\n\
             write_back = [\"sh\", \"-c\", {:?}]\n\
             [profiles.p.hooks]\npost_token = [\"sh\", \"-c\", {:?}]",
            line("write_back"),
            line("hook"),
        );
        scene.home.config("").profile("p", &scene.server.issuer("honest"), "cli-secret", &more);
        let note = line("browser");
        let browser = scene.home.browser(&json!({ "mode": "honest" }));
        let launcher = scene.home.path("tmp/launcher.sh");
        let script = format!("{note}\nexec {} \"$1\"", browser.command());
        scene.home.write(&launcher, &script);
        scene.home.set("BROWSER", format!("sh {}", launcher.display()));
        scene.home.spawn_through(wrapper, &["login", "p"]).wait().ok();
        for name in ["secret", "write_back", "hook", "browser"] {
            let note = scene.home.path(&format!("tmp/{name}"));
            let noted = await_some("the note", || std::fs::read_to_string(&note).ok());
            assert_eq!(ignored(&noted), ignored_under(wrapper), "{name} under {wrapper:?}");
        }
    }
}
