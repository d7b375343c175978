//! Nothing is spent that cannot be saved; what is damaged is kept; what is stored can move.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::scene::{Scene, files_like, forge};
use crate::support::{SecretService, assert_no_secret};

#[test]
fn no_room_for_a_record() {
    let mut scene = Scene::logged_in("honest", 30);
    let before = std::fs::read(scene.record()).unwrap();
    // A limit on the size of files simulates a full disk; SIGXFSZ is ignored, because an error reports it.
    let limited = ["prlimit", "--fsize=8192:8192", "--"];
    let output = scene.home.run_through(&limited, &["token", "-p", "p"]).fails(10);
    assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    assert_eq!(scene.refreshes(), 0);
    // Room for the record that there is would not do: an answer may be as large as answers may be.
    let barely = ["prlimit", "--fsize=200000:200000", "--"];
    scene.home.run_through(&barely, &["token", "-p", "p"]).fails(10);
    assert_eq!(scene.refreshes(), 0);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    assert!(files_like(&scene.home, ".tmp").is_empty());
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    scene.home.run_through(&limited, &["login", "p"]).fails(10);
    assert!(browser.openings().is_empty(), "refused before the browser opens");
    assert_eq!(scene.redemptions(), 1);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    scene.works();
}

#[test]
fn a_directory_that_may_not_be_written() {
    let scene = Scene::logged_in("honest", 30);
    let before = std::fs::read(scene.record()).unwrap();
    let tokens = scene.record().parent().unwrap().to_owned();
    let is_root = rustix::process::geteuid().is_root();
    let way: &[&str] = if is_root {
        // Root may write everywhere: another user may not.
        let owned =
            Command::new("chown").args(["-R", "65534:65534"]).arg(scene.home.root()).status();
        assert!(owned.unwrap().success());
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    } else {
        &["env"]
    };
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o500)).unwrap();
    if is_root && !reachable(way) {
        eprintln!("not run: nobody cannot start the program from where it was built");
        return;
    }
    let output = scene.home.run_through(way, &["token", "-p", "p"]).fails(10);
    assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    assert_eq!(scene.refreshes(), 0);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o700)).unwrap();
    scene.home.run_through(way, &["token", "-p", "p"]).ok();
}

fn reachable(way: &[&str]) -> bool {
    let mut command = Command::new(way[0]);
    command.args(&way[1..]).arg(env!("CARGO_BIN_EXE_oauthctl")).arg("--version");
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn a_locked_keyring() {
    let service = SecretService::start_locked();
    let mut scene = Scene::new("honest");
    scene.home.keyring(&service);
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    let error = scene.home.run(["--json", "login", "p"]).fails(10).error_json();
    assert_eq!(error["error"], "store");
    assert!(error["hint"].as_str().unwrap().contains("file"), "{error}");
    assert!(browser.openings().is_empty());
    scene.home.run(["token", "-p", "p"]).fails(10);
    assert_eq!(scene.redemptions() + scene.refreshes(), 0);
    assert!(files_like(&scene.home, ".age").is_empty(), "no silent fall back");
}

#[test]
fn a_bus_that_is_not_there() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STORE", "keyring");
    scene.home.set(
        "DBUS_SESSION_BUS_ADDRESS",
        format!("unix:path={}", scene.home.path("run/none").display()),
    );
    scene.home.browser(&json!({ "mode": "honest" }));
    scene.home.run(["login", "p"]).fails(10);
    scene.home.run(["token", "-p", "p"]).fails(10);
    assert_eq!(scene.redemptions(), 0);
}

#[test]
fn the_keyring_holds_a_grant_through_its_life() {
    let service = SecretService::start();
    holds_a_grant_through_its_life(&service);
}

#[test]
fn keepassxc_holds_a_grant_through_its_life() {
    let service = SecretService::keepassxc();
    holds_a_grant_through_its_life(&service);
}

#[test]
fn keepassxc_locked_fails_in_time() {
    let service = SecretService::keepassxc_locked();
    let mut scene = Scene::new("honest");
    scene.home.keyring(&service);
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    let begun = std::time::Instant::now();
    let error = scene.home.run(["--json", "login", "p"]).fails(10).error_json();
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(error["message"], "the keyring is locked");
    assert!(browser.openings().is_empty());
}

fn holds_a_grant_through_its_life(service: &SecretService) {
    let mut scene = Scene::new("honest");
    scene.home.keyring(service);
    scene.server.set(&json!({ "expires_in": 30 }));
    scene.home.login("p");
    scene.server.set(&json!({ "expires_in": 3600 }));
    crate::scene::same_token(scene.home.run_many(32, &["token", "-p", "p", "--min-ttl", "5m"]));
    assert_eq!(scene.refreshes(), 1);
    scene.works();
    assert_no_secret(&scene.home, scene.server.secrets_minted());
    // To the file store and back.
    scene.home.run(["store", "migrate", "--to", "file"]).ok();
    scene.home.run(["token", "-p", "p"]).fails(4);
    scene.home.set("OAUTHCTL_STORE", "file");
    scene.works();
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    scene.home.run(["store", "migrate", "--to", "keyring"]).ok();
    assert!(files_like(&scene.home, ".age").is_empty());
    scene.home.set("OAUTHCTL_STORE", "keyring");
    scene.works();
    assert_eq!(scene.refreshes(), 2);
    scene.home.run(["logout", "p"]).ok();
    scene.home.run(["token", "-p", "p"]).fails(4);
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}

#[test]
fn a_damaged_record_is_reported_and_kept() {
    let mut scene = Scene::logged_in("honest", 3600);
    let issuer = scene.server.issuer("tag.q");
    let (record, whole) = (scene.record(), std::fs::read(scene.record()).unwrap());
    scene.home.profile("q", &issuer, "cli", "");
    scene.home.login("q");
    let length = whole.len();
    for (nth, at) in [0, 10, 40, 100, length / 2, length - 20, length - 1].into_iter().enumerate() {
        let mut bytes = whole.clone();
        if nth % 2 == 0 {
            bytes[at] ^= 1;
        } else {
            bytes.truncate(at);
        }
        std::fs::write(&record, &bytes).unwrap();
        for args in [
            ["token", "-p", "p"].as_slice(),
            &["token", "-p", "p", "--force-refresh"],
            &["export", "-p", "p"],
            &["exec", "-p", "p", "--", "true"],
        ] {
            let output = scene.home.run(args).fails(10);
            assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        }
        assert_eq!(std::fs::read(&record).unwrap(), bytes, "unchanged, damaged at {at}");
        scene.home.run(["token", "-p", "q"]).ok();
    }
    assert_eq!(scene.refreshes(), 0);
    let damaged = std::fs::read(&record).unwrap();
    let browser = json!({ "mode": "honest" });
    scene.home.browser(&browser);
    let login = scene.home.run(["login", "p"]).ok();
    let aside = files_like(&scene.home, ".damaged-1");
    assert_eq!(std::fs::read(&aside[0]).unwrap(), damaged);
    assert!(login.stderr.contains("damaged-1"), "{}", login.stderr);
    scene.works();
}

#[test]
fn a_forged_record_gives_no_token() {
    let mut scene = Scene::logged_in("honest", 3600);
    forge(&scene.home, |record| record["tokens"]["access_token"] = json!("attackers"));
    let forged = std::fs::read(scene.record()).unwrap();
    for args in [["token", "-p", "p"].as_slice(), &["exec", "-p", "p", "--", "env"]] {
        let output = scene.home.run(args).fails(10);
        assert!(output.stderr.contains("is not authenticated"), "{}", output.stderr);
        assert!(!output.stdout.contains("attackers"), "{}", output.stdout);
    }
    // An ordinary migration accepts nothing either.
    scene.home.run(["store", "migrate", "--to", "file:elsewhere"]).fails(10);
    assert_eq!(std::fs::read(scene.record()).unwrap(), forged);
    scene.home.browser(&json!({ "mode": "honest" }));
    scene.home.run(["login", "p"]).ok();
    scene.works();
}

#[test]
fn an_unauthenticated_record_is_accepted_by_the_hint() {
    let scene = Scene::logged_in("honest", 3600);
    forge(&scene.home, |_| ());
    let refused = scene.home.run(["--json", "token", "-p", "p"]).fails(10).error_json();
    let hint = refused["hint"].as_str().unwrap();
    let command = hint.split('`').nth(1).unwrap();
    let mut words = command.split(' ');
    assert_eq!(words.next(), Some("oauthctl"), "{hint}");
    let done = scene.home.run(words).ok();
    assert!(done.stderr.contains("Accepted `p` in "), "{}", done.stderr);
    scene.works();
}

#[test]
fn the_key_is_the_environments_or_a_files() {
    let mut scene = Scene::new("honest");
    let identity = scene.home.run(["store", "keygen"]).ok().stdout;
    let other = scene.home.run(["store", "keygen"]).ok().stdout;
    assert!(identity.starts_with("AGE-SECRET-KEY-1"));
    scene.home.set("OAUTHCTL_STORE_KEY", identity.trim_end());
    scene.home.login("p");
    scene.works();
    assert!(files_like(&scene.home, "store.key").is_empty());
    let before = std::fs::read(scene.record()).unwrap();
    // Another key opens nothing, and changes nothing.
    scene.home.set("OAUTHCTL_STORE_KEY", other.trim_end());
    for args in [["token", "-p", "p"].as_slice(), &["refresh", "p"], &["export", "-p", "p"]] {
        let output = scene.home.run(args).fails(10);
        assert!(!output.stderr.contains("AGE-SECRET-KEY"), "{}", output.stderr);
    }
    scene.home.set("OAUTHCTL_STORE_KEY", "nonsense-CANARY");
    let output = scene.home.run(["token", "-p", "p"]).fails(10);
    assert!(!output.stderr.contains("nonsense-CANARY"), "{}", output.stderr);
    scene.home.unset("OAUTHCTL_STORE_KEY");
    scene.home.run(["token", "-p", "p"]).fails(10);
    assert!(files_like(&scene.home, "store.key").is_empty(), "no other key is made");
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    let file = scene.home.path("tmp/my.key");
    scene.home.write(&file, &identity);
    scene.home.set("OAUTHCTL_STORE_KEY_FILE", &file);
    scene.works();
    // The `age` program opens the record with it.
    let age =
        Command::new("age").arg("-d").arg("-i").arg(&file).arg(scene.record()).output().unwrap();
    let record: serde_json::Value = serde_json::from_slice(&age.stdout).unwrap();
    assert_eq!(record["tokens"]["access_token"], scene.newest("access_token"));
    scene.home.set("OAUTHCTL_STORE_KEY_FILE", scene.home.path("tmp/none.key"));
    scene.home.run(["token", "-p", "p"]).fails(10);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
}

#[test]
fn a_login_under_another_key_is_refused_before_the_browser_opens() {
    let mut scene = Scene::new("honest");
    let key = |scene: &Scene| scene.home.run(["store", "keygen"]).ok().line().to_owned();
    let (own, other) = (key(&scene), key(&scene));
    scene.home.set("OAUTHCTL_STORE_KEY", &own);
    scene.home.login("p");
    let before = std::fs::read(scene.record()).unwrap();
    scene.home.set("OAUTHCTL_STORE_KEY", &other);
    let browser = scene.home.browser(&json!({ "mode": "honest" }));
    let output = scene.home.run(["login", "p"]).fails(10);
    assert!(output.stderr.contains("wrong key or damaged record"), "{}", output.stderr);
    assert!(output.stderr.contains("logout --local"), "{}", output.stderr);
    assert!(browser.openings().is_empty());
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    assert!(files_like(&scene.home, ".damaged-1").is_empty());
    // A flow of two phases spends its code no more than that.
    let begun = scene.home.run(["start", "p"]).ok().json();
    let state = begun["state"].as_str().unwrap();
    let issuer = scene.server.issuer("honest");
    let complete = ["complete", "--code", "c", "--state", state, "--iss", &issuer];
    assert!(scene.home.run(complete).fails(10).stderr.contains("wrong key or damaged record"));
    assert_eq!(scene.redemptions(), 1);
    scene.home.set("OAUTHCTL_STORE_KEY", &own);
    scene.works();
    // To start anew is a decision.
    scene.home.set("OAUTHCTL_STORE_KEY", &other);
    scene.home.run(["logout", "p", "--local"]).ok();
    scene.home.login("p");
    scene.works();
}

#[test]
fn a_logout_under_another_key_leaves_the_record_unless_it_is_meant() {
    let mut scene = Scene::new("honest");
    let key = |scene: &Scene| scene.home.run(["store", "keygen"]).ok().line().to_owned();
    let (own, other) = (key(&scene), key(&scene));
    scene.home.set("OAUTHCTL_STORE_KEY", &own);
    scene.home.login("p");
    let before = std::fs::read(scene.record()).unwrap();
    scene.home.set("OAUTHCTL_STORE_KEY", &other);
    let output = scene.home.run(["logout", "p"]).fails(10);
    assert!(output.stderr.contains("wrong key or damaged record"), "{}", output.stderr);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    scene.home.set("OAUTHCTL_STORE_KEY", &own);
    scene.works();
    scene.home.run(["logout", "p"]).ok();
}

/// Logged in, with a record that has been replaced by a refresh since: the place, and the old content.
fn replaced(scenario: &str) -> (Scene, std::path::PathBuf, Vec<u8>) {
    let scene = Scene::logged_in(scenario, 3600);
    scene.home.run(["refresh", "p"]).ok();
    let (record, old) = (scene.record(), std::fs::read(scene.record()).unwrap());
    scene.home.run(["refresh", "p"]).ok();
    (scene, record, old)
}

#[test]
fn an_older_copy_of_a_record_is_not_spent() {
    let (mut scene, record, old) = replaced("honest");
    let newest = std::fs::read(&record).unwrap();
    std::fs::write(&record, &old).unwrap();
    for args in [
        ["refresh", "p"].as_slice(),
        &["token", "-p", "p", "--force-refresh"],
        &["token", "-p", "p", "--min-ttl", "2h"],
        &["attr", "set", "-p", "p", "k", "v"],
        &["refresh", "p"],
    ] {
        let output = scene.home.run(args).fails(10);
        assert!(output.stderr.contains("is an older copy"), "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains("hint: nothing was sent"), "{args:?}: {}", output.stderr);
    }
    let elsewhere = format!("file:{}", scene.home.path("elsewhere").display());
    let migration = scene.home.run(["store", "migrate", "--to", &elsewhere]);
    // By whatever name its store is called.
    let directory = record.parent().unwrap();
    let copy = scene.home.path("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(&record, copy.join(record.file_name().unwrap())).unwrap();
    for place in [format!("{}/./", directory.display()), copy.display().to_string()] {
        let output =
            scene.home.run(["--store", &format!("file:{place}"), "refresh", "p"]).fails(10);
        assert!(output.stderr.contains("is an older copy"), "{place}: {}", output.stderr);
    }
    assert!(migration.stderr.contains("is an older copy"), "{}", migration.stderr);
    assert_eq!(scene.refreshes(), 2);
    assert_eq!(std::fs::read(&record).unwrap(), old);
    // The newest record works, and so does a new login over the old one.
    std::fs::write(&record, &newest).unwrap();
    scene.home.run(["refresh", "p"]).ok();
    std::fs::write(&record, &newest).unwrap();
    scene.home.run(["refresh", "p"]).fails(10);
    scene.home.login("p");
    scene.home.run(["refresh", "p"]).ok();
    scene.home.run(["logout", "p"]).ok();
    scene.home.login("p");
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
}

/// The line of a record, as a machine exports it that knows nothing of the account.
fn exported_where_nothing_is_known(scene: &Scene) -> String {
    let mut export = scene.home.command(["export", "-p", "p"]);
    let output = export.env("OAUTHCTL_STATE_DIR", scene.home.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_old_record_is_good_where_that_is_meant_or_does_no_harm() {
    // No refresh token was replaced.
    let (scene, record, old) = replaced("rotation.omit");
    std::fs::write(&record, &old).unwrap();
    scene.home.run(["refresh", "p"]).ok();
    // Nothing is known: a job whose cache holds the records alone.
    let (scene, record, _) = replaced("honest");
    std::fs::remove_dir_all(scene.home.state_dir()).unwrap();
    assert!(record.exists());
    scene.home.run(["refresh", "p"]).ok();
    // The user explicitly uses the old record.
    let (scene, record, old) = replaced("honest");
    scene.server.set(&json!({ "grace": 1 }));
    std::fs::write(&record, &old).unwrap();
    scene.home.run(["refresh", "p"]).fails(10);
    let line = exported_where_nothing_is_known(&scene);
    scene.home.run_with(["import", "--replace", "-"], &line).ok();
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
}

/// Makes the index one that says nothing of whether the server replaces refresh tokens, as older versions wrote it.
fn forget_that_tokens_are_replaced(scene: &Scene) {
    let [entry] = files_like(&scene.home, ".json")
        .into_iter()
        .filter(|path| {
            path.parent()
                .is_some_and(|dir| dir.parent().is_some_and(|dir| dir.ends_with("accounts")))
        })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let mut value: Value = serde_json::from_slice(&std::fs::read(&entry).unwrap()).unwrap();
    assert_eq!(value.as_object_mut().unwrap().remove("rotates"), Some(json!(true)));
    std::fs::write(&entry, value.to_string()).unwrap();
}

#[test]
fn where_nothing_is_known_of_replaced_tokens_an_older_copy_is_refused_in_its_own_store() {
    let (scene, record, old) = replaced("honest");
    forget_that_tokens_are_replaced(&scene);
    std::fs::write(&record, &old).unwrap();
    let output = scene.home.run(["refresh", "p"]).fails(10);
    assert!(output.stderr.contains("is an older copy"), "{}", output.stderr);
    assert_eq!(scene.refreshes(), 2);
    // A record in another store need not be a copy of this one's.
    let copy = scene.home.path("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(&record, copy.join(record.file_name().unwrap())).unwrap();
    scene.server.set(&json!({ "grace": 1 }));
    let copy = format!("file:{}", copy.display());
    scene.home.run(["--store", &copy, "refresh", "p"]).ok();
    assert_eq!(scene.refreshes(), 3);
}

#[test]
fn where_nothing_is_known_of_replaced_tokens_a_line_is_taken() {
    let (scene, record, old) = replaced("honest");
    std::fs::write(&record, &old).unwrap();
    scene.home.run(["export", "-p", "p"]).fails(10);
    let line = exported_where_nothing_is_known(&scene);
    std::fs::remove_file(&record).unwrap();
    scene.home.run_with(["import", "-"], &line).fails(10);
    forget_that_tokens_are_replaced(&scene);
    scene.home.run_with(["import", "-"], &line).ok();
}

/// A client that logs in by itself has no refresh token that an older copy could spend.
#[test]
fn an_older_copy_of_a_clients_own_record_is_renewed() {
    let scene = Scene::new("honest");
    let secret = scene.server.secrets["service"].as_deref().unwrap();
    let more = format!("client_secret = {secret:?}\ngrant = \"client_credentials\"\n");
    scene.home.profile("s", &scene.server.issuer("honest"), "service", &more);
    scene.home.run(["token", "-p", "s"]).ok();
    let old = std::fs::read(scene.record()).unwrap();
    scene.home.run(["refresh", "s"]).ok();
    std::fs::write(scene.record(), &old).unwrap();
    scene.home.run(["refresh", "s"]).ok();
    assert_eq!(scene.server.requests("honest", "token").len(), 3);
}

#[test]
fn nothing_lies_around_in_clear() {
    let mut scene = Scene::logged_in("honest", 30);
    scene.home.run(["token", "-p", "p"]).ok();
    scene.server.hold("token-answer", 1);
    let killed = scene.home.spawn(["refresh", "p"]);
    scene.server.await_held("token-answer", 1);
    killed.signal(rustix::process::Signal::KILL);
    killed.wait().fails(137);
    scene.server.release("token-answer");
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(4);
    scene.home.login("p");
    assert_no_secret(&scene.home, scene.server.secrets_minted());
    scene.home.assert_private();
}

#[test]
fn a_server_that_repeats_what_it_was_sent_leaves_no_trace() {
    let scene = Scene::logged_in("refresh.error-echo", 30);
    let output = scene.home.run(["token", "-p", "p"]).fails(8);
    crate::support::assert_not_shown(&output.stderr, scene.server.secrets_minted());
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}
