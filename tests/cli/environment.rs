//! Unusual environments: a clear error or a result, never a panic.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::fixture::{PROFILE, TOKEN, grant, planted, with_sandbox};
use crate::support::{Home, Output, without_root};

/// Every command, with something to do.
const ALL: &[&str] = &[
    "status",
    "token",
    "token --json",
    "refresh",
    "export",
    "exec -- true",
    "profile list",
    "profile show p",
    "profile path",
    "profile add q --issuer https://q.example --client-id c",
    "providers",
    "store info",
    "store keygen",
    "login p --no-input",
    "login p --no-browser --timeout 1s",
    "start p",
    "start p --sealed --user u",
    "complete http://127.0.0.1:4711/callback?code=c&state=s",
    "pending list",
    "attr list -p p",
    "logout --local",
    "import",
    "profile remove p",
    "completions bash",
    "man login",
    "demo",
    "--help",
];

/// Neither a panic nor a signal, and an error that is one.
#[track_caller]
fn sane(output: &Output, what: &str) {
    let Output { status, stdout, stderr } = output;
    assert!((0..=10).contains(status), "{what}: {status}\n{stderr}");
    assert!(
        !stderr.contains("panicked") && !stderr.contains("unexpected internal error"),
        "{what}: {stderr}"
    );
    if *status != 0 {
        assert!(stderr.contains("error: ") || stderr.contains("{\"error\":"), "{what}: {stderr}");
        assert!(stdout.is_empty(), "{what}: {stdout}");
        assert_ne!(*status, 1, "{what}: {stderr}");
    }
}

/// Runs a command line through a wrapper such as `prlimit`. What hangs fails the test.
fn wrapped(home: &Home, wrapper: &[&str], line: &str) -> Output {
    home.run_through(wrapper, &line.split(' ').collect::<Vec<_>>())
}

#[test]
fn unset_home_names_the_variables_to_set() {
    let mut home = planted(TOKEN);
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        home.unset(name);
    }
    for line in ALL {
        sane(&wrapped(&home, &["env"], line), line);
    }
    home.unset("OAUTHCTL_CONFIG").unset("OAUTHCTL_STATE_DIR");
    for line in ALL {
        sane(&wrapped(&home, &["env"], line), line);
    }
}

#[test]
fn unwritable_home_is_named_in_the_error() {
    let home = planted(TOKEN);
    // Root may write anywhere; another user has to try.
    let wrapper = without_root();
    if rustix::process::geteuid().is_root() {
        std::fs::set_permissions(home.root(), std::fs::Permissions::from_mode(0o755)).unwrap();
    } else {
        std::fs::set_permissions(home.path("home"), std::fs::Permissions::from_mode(0o500))
            .unwrap();
    }
    for line in ALL {
        sane(&wrapped(&home, wrapper, line), line);
    }
}

#[test]
fn closed_stdin_changes_no_outcome() {
    let home = planted(TOKEN);
    for line in ALL {
        let script = "exec \"$@\" <&-";
        sane(&wrapped(&home, &["sh", "-c", script, "sh"], line), line);
    }
    let home = planted(TOKEN);
    assert_eq!(wrapped(&home, &["sh", "-c", "exec \"$@\" <&-", "sh"], "token").line(), TOKEN);
}

#[test]
fn without_a_terminal_nothing_is_asked() {
    let home = planted(TOKEN);
    for line in ALL {
        sane(&wrapped(&home, &["setsid", "--wait"], line), line);
    }
}

#[test]
fn few_descriptors_are_enough() {
    let home = planted(TOKEN);
    for line in ALL {
        let output = wrapped(&home, &["prlimit", "--nofile=32"], line);
        sane(&output, line);
    }
    let (home, _sandbox) = with_sandbox(None);
    wrapped(&home, &["prlimit", "--nofile=32"], "login s").ok();
    wrapped(&home, &["prlimit", "--nofile=32"], "token --force-refresh").ok();
    wrapped(&home, &["prlimit", "--nofile=32"], "demo").ok();
    for count in 3..12 {
        let output = wrapped(&home, &["prlimit", &format!("--nofile={count}")], "token");
        // Below what the loader itself needs, the program does not even start.
        assert!(!output.stderr.contains("panicked"), "{count}: {}", output.stderr);
        assert!(output.status == 0 || !output.stderr.is_empty(), "{count}: {output:?}");
    }
}

#[test]
fn file_size_limit_is_an_error_and_no_death() {
    let added = "profile add r --issuer https://r.example --client-id c";
    for limit in ["--fsize=0:0", "--fsize=4096:4096"] {
        let home = planted(TOKEN);
        for line in ALL.iter().chain(&[added]) {
            let output = wrapped(&home, &["prlimit", limit, "--"], line);
            sane(&output, &format!("{line} with {limit}"));
            let writes = ["start", "profile add", "demo"];
            if limit == "--fsize=0:0" && writes.iter().any(|name| line.starts_with(name)) {
                assert!([3, 10].contains(&output.status), "{line}: {output:?}");
            }
        }
    }
    let home = planted(TOKEN);
    let into_file = ["sh", "-c", "ulimit -f 0; exec \"$@\" > \"$HOME/stdout\"", "sh"];
    for line in ["token", "status", "export", "completions bash", "--help"] {
        let output = wrapped(&home, &into_file, line).fails(1);
        assert!(
            output.stderr.contains("cannot write the result to stdout"),
            "{line}: {}",
            output.stderr
        );
    }
}

#[test]
fn little_memory_is_enough() {
    let limit = ["prlimit", "--as=268435456"];
    let (home, _sandbox) = with_sandbox(None);
    let scripted = home.run(["login", "s"]).ok();
    assert!(scripted.stderr.contains("Logged in"));
    for line in
        ["token", "token --force-refresh", "status", "demo", "logout", "--help", "completions zsh"]
    {
        wrapped(&home, &limit, line).ok();
    }
    wrapped(&home, &limit, "start s --user u").ok();
    wrapped(&home, &limit, "pending list").ok();
    wrapped(&home, &limit, "login s --no-browser --timeout 1s").fails(6);
}

#[test]
fn invalid_utf_8_is_refused_or_kept() {
    let odd = |text: &[u8]| OsString::from_vec(text.to_vec());
    for name in
        ["OAUTHCTL_STORE", "OAUTHCTL_PROFILE", "OAUTHCTL_STORE_KEY", "BROWSER", "OAUTHCTL_BROWSER"]
    {
        let mut home = planted(TOKEN);
        home.set(name, odd(b"\xff\xfe"));
        for line in
            ["token", "status", "login p --no-input", "start p", "store info", "profile list"]
        {
            sane(&home.run(line.split(' ')), &format!("{name}: {line}"));
        }
    }
    let mut home = Home::new();
    let dir = home.root().join(odd(b"\xff-dir"));
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o700)).unwrap();
    home.set("OAUTHCTL_CONFIG", dir.join("config.toml"));
    home.set("OAUTHCTL_STATE_DIR", dir.join("state"));
    home.set("XDG_DATA_HOME", dir.join("data"));
    home.write(&dir.join("config.toml"), PROFILE);
    home.run_with(["import"], &grant("default", TOKEN, |_| ())).ok();
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    for line in [
        "status",
        "store info",
        "store info --json",
        "profile path",
        "profile list",
        "profile path --json",
    ] {
        home.run(line.split(' ')).ok();
    }
    for args in [
        vec![odd(b"token"), odd(b"-p"), odd(b"\xff")],
        vec![odd(b"\xff")],
        vec![odd(b"login"), odd(b"--param"), odd(b"a=\xff")],
    ] {
        let output = home.run(&args).fails(2);
        assert!(output.stderr.starts_with("error: "), "{}", output.stderr);
    }
    home.run([odd(b"exec"), odd(b"--"), odd(b"printf"), odd(b"x\xff")]).ok();
}

#[test]
fn no_input_never_asks() {
    let (mut home, _sandbox) = with_sandbox(None);
    let browser = home.browser(&serde_json::json!({ "mode": "honest" }));
    for line in
        ["login s --no-input", "token --login --no-input", "login s --flow paste --no-input"]
    {
        let output = home.run(line.split(' ')).fails(4);
        assert!(output.stderr.contains("--no-input"), "{}", output.stderr);
    }
    assert!(browser.openings().is_empty());
}

/// Loading that library costs every run a noticeable part of its time.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn program_with_gccs_static_unwinder_needs_no_libgcc() {
    let asked = Command::new("cc").arg("-print-file-name=libgcc_eh.a").output();
    if !asked.is_ok_and(|asked| asked.stdout.starts_with(b"/")) {
        return;
    }
    let bytes = std::fs::read(Home::new().command(["token"]).get_program()).unwrap();
    let name = b"libgcc_s.so";
    assert!(!bytes.windows(name.len()).any(|window| window == name));
}
