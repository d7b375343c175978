//! A missing, locked or unresponsive keyring: a clear error, and only if a secret is needed.

use std::os::unix::net::UnixListener;

use crate::fixture::{PROFILE, TOKEN, grant};
use crate::support::{Home, Output, SecretService};

/// Commands that need no secret.
const FREE: &[&str] = &[
    "--help",
    "--version",
    "status",
    "status p",
    "profile list",
    "profile show p",
    "profile path",
    "providers",
    "providers gitlab",
    "completions bash",
    "store keygen",
];

/// Commands that need the store.
const BOUND: &[&str] =
    &["token", "export", "login p --no-browser", "logout p", "exec -- true", "refresh p"];

fn home() -> Home {
    let home = Home::new();
    home.config(PROFILE);
    home
}

#[track_caller]
fn names_the_alternatives(output: Output, line: &str) {
    let output = output.fails(10);
    let hint = output.stderr.lines().find(|l| l.starts_with("hint: ")).unwrap_or_default();
    assert!(
        hint.contains("--store file") || hint.contains("store = \"file\""),
        "{line}: {}",
        output.stderr
    );
}

#[test]
fn missing_session_bus_has_a_hint_for_the_file_store() {
    let mut home = home();
    home.unset("OAUTHCTL_STORE");
    for line in BOUND {
        names_the_alternatives(home.run(line.split(' ')), line);
    }
    let import = home.run_with(["import"], &grant("default", TOKEN, |_| ()));
    names_the_alternatives(import, "import");
    for line in FREE {
        home.run(line.split(' ')).ok();
    }
    // Nothing fell back to a file.
    let files = home.files();
    assert!(files.iter().all(|f| !std::fs::read_to_string(f).unwrap_or_default().contains(TOKEN)));
    assert!(!home.path("data").join("oauthctl").exists(), "{files:?}");
}

#[test]
fn silent_bus_times_out_and_is_used_only_if_needed() {
    let mut home = home();
    home.unset("OAUTHCTL_STORE");
    let path = home.path("run/mute");
    let bus = UnixListener::bind(&path).unwrap();
    home.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path.display()));
    for line in FREE {
        home.run(line.split(' ')).ok();
    }
    bus.set_nonblocking(true).unwrap();
    assert!(bus.accept().is_err(), "a command that needs no secret has asked the keyring");
    names_the_alternatives(home.run(["token"]), "token");
    assert!(bus.accept().is_ok());
}

#[test]
fn locked_keyring_is_an_error() {
    let service = SecretService::start_locked();
    let mut home = home();
    home.keyring(&service);
    let output = home.run(["token"]).fails(10);
    assert!(output.stderr.contains("hint: "), "{}", output.stderr);
    for line in FREE {
        home.run(line.split(' ')).ok();
    }
}

/// Somebody listens on the bus and never answers.
#[test]
fn mute_keyring_holds_status_up_for_a_second() {
    let mut home = home();
    home.run_with(["import"], &grant("default", TOKEN, |_| ())).ok();
    let index = home.files().into_iter().find(|f| f.starts_with(home.state_dir().join("accounts")));
    let index = index.unwrap();
    let entry = std::fs::read_to_string(&index).unwrap();
    home.write(&index, &entry.replace("\"store\":\"file\"", "\"store\":\"keyring\""));
    let path = home.path("run/mute");
    let _bus = UnixListener::bind(&path).unwrap();
    home.unset("OAUTHCTL_STORE");
    home.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path.display()));
    let begun = std::time::Instant::now();
    let shown = home.run(["status", "--json"]).ok().json();
    assert!(begun.elapsed() < std::time::Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(shown[0]["stored"], serde_json::json!(null));
    assert!(
        shown[0]["problem"].as_str().unwrap().contains("`keyring` does not respond"),
        "{shown}"
    );
}

#[test]
fn status_finds_out_what_the_keyring_lost() {
    let service = SecretService::start();
    let mut home = home();
    home.keyring(&service);
    home.run_with(["import"], &grant("default", TOKEN, |_| ())).ok();
    assert_eq!(home.run(["status", "--json"]).ok().json()[0]["stored"], true);
    // Another keyring, in which nothing is.
    let empty = SecretService::start();
    home.keyring(&empty);
    let shown = home.run(["status", "--json"]).ok().json();
    assert_eq!(shown[0]["stored"], false);
    assert_eq!(shown[0]["hint"], "run `oauthctl login p`");
    home.run(["token"]).fails(4);
}
