//! Nothing is spent that cannot be saved; what is damaged is kept; what is stored can move.

mod keyrings;
mod older;

use std::process::Command;

use serde_json::json;

use crate::scene::{Scene, files_like, forge};
use crate::support::shapes::echo;
use crate::support::{
    REFRESH_GRANT, assert_no_secret, can_start, give_away, set_mode, without_root,
};

#[test]
fn full_disk_prevents_the_refresh() {
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
fn read_only_directory_prevents_the_refresh() {
    let scene = Scene::logged_in("honest", 30);
    let before = std::fs::read(scene.record()).unwrap();
    let tokens = scene.record().parent().unwrap().to_owned();
    // Root may write everywhere: another user may not.
    let way = without_root();
    give_away(&scene.home);
    set_mode(&tokens, 0o500);
    if !can_start(way) {
        eprintln!("not run: nobody cannot start the program from where it was built");
        return;
    }
    let output = scene.home.run_through(way, &["token", "-p", "p"]).fails(10);
    assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    assert_eq!(scene.refreshes(), 0);
    assert_eq!(std::fs::read(scene.record()).unwrap(), before);
    set_mode(&tokens, 0o700);
    scene.home.run_through(way, &["token", "-p", "p"]).ok();
}

#[test]
fn damaged_record_is_reported_and_kept() {
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
fn forged_record_gives_no_token() {
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
fn unauthenticated_record_is_accepted_by_the_hint() {
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
fn key_is_the_environments_or_a_files() {
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
fn login_with_another_key_fails_before_the_browser() {
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
    let start_anew = "logout p --account default --local";
    assert!(output.stderr.contains(&format!("`oauthctl {start_anew}`")), "{}", output.stderr);
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
    scene.home.run(start_anew.split(' ')).ok();
    scene.home.login("p");
    scene.works();
}

#[test]
fn logout_with_another_key_keeps_the_record() {
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

#[test]
fn no_secret_is_stored_in_clear() {
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
fn secret_repeated_by_a_server_is_not_shown() {
    let scene = Scene::scripted().log_in(30);
    scene.server.refuse(REFRESH_GRANT, &echo(), usize::MAX);
    let output = scene.home.run(["token", "-p", "p"]).fails(8);
    crate::support::assert_not_shown(&output.stderr, scene.server.secrets());
    assert_no_secret(&scene.home, scene.server.secrets());
}
