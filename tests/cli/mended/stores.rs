//! Hints about stored tokens, keys and the state, in the state that they are about.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::json;

use super::{commands, shell, span, with_option};
use crate::fixture::{PROFILE, TOKEN, grant, logged_in, plant, planted, with_sandbox};
use crate::support::{Home, Output, await_some};

/// The only record of the file store.
fn record(home: &Home) -> PathBuf {
    let dir = home.path("data/oauthctl/tokens");
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut records: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "age")).collect();
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

#[test]
fn damaged_record_is_replaced_as_told() {
    let (mut home, _sandbox) = logged_in(None);
    std::fs::write(record(&home), "damaged").unwrap();
    let failed = home.run(["token", "s"]).fails(10);
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &commands(&failed)[0], "").ok();
    home.run(["token", "s"]).ok();
}

#[test]
fn lost_key_is_given_up_as_told() {
    let (mut home, _sandbox) = logged_in(None);
    let key = home.path("config/oauthctl/store.key");
    let kept = std::fs::read(&key).unwrap();
    let other = Home::new();
    other.config(PROFILE);
    plant(&other, &grant("default", TOKEN, |_| ()));
    std::fs::copy(other.path("config/oauthctl/store.key"), &key).unwrap();
    let failed = home.run(["token", "s"]).fails(10);
    assert!(failed.stderr.contains("OAUTHCTL_STORE_KEY_FILE"), "{}", failed.stderr);
    std::fs::write(home.path("kept.key"), &kept).unwrap();
    std::fs::set_permissions(home.path("kept.key"), PermissionsExt::from_mode(0o600)).unwrap();
    let variable = format!("OAUTHCTL_STORE_KEY_FILE={}", home.path("kept.key").display());
    shell(&home, &format!("{variable} oauthctl token s"), "").ok();
    shell(&home, &commands(&failed)[0], "").ok();
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "s"]).ok();
    home.run(["token", "s"]).ok();
}

/// A grant of another profile.
fn of_profile(profile: &str, account: &str) -> String {
    grant(account, TOKEN, |grant| grant["key"]["profile"] = profile.into())
}

/// Follows a hint to remove the record that the key in the environment cannot decrypt.
#[track_caller]
fn remove_undecryptable(home: &Home, failed: &Output) {
    assert!(failed.stderr.contains("wrong key or damaged record"), "{}", failed.stderr);
    let told: Vec<String> = commands(failed);
    let removes: Vec<&String> = told.iter().filter(|line| line.contains(" logout ")).collect();
    assert_eq!(removes.len(), 1, "{}", failed.stderr);
    shell(home, removes[0], "").ok();
}

#[test]
fn hint_removes_the_account_that_cannot_be_read() {
    for (is_indexed, account) in [(true, "ci"), (true, "default"), (false, "ci")] {
        let mut home = Home::new();
        let profile = PROFILE.replace("[profiles.p]", "[profiles.sandbox]");
        home.config(&format!("[defaults]\nprofile = \"sandbox\"\n{profile}"));
        plant(&home, &of_profile("sandbox", "default"));
        plant(&home, &of_profile("sandbox", account));
        let line = of_profile("gitlab", account);
        plant(&home, &line);
        if !is_indexed {
            std::fs::remove_dir_all(home.state_dir()).unwrap();
        }
        let other = Home::new().run(["store", "keygen"]).ok().line().to_owned();
        home.set("OAUTHCTL_STORE_KEY", other);
        let failed = home.run_with(["import", "--replace"], &line).fails(10);
        remove_undecryptable(&home, &failed);
        home.run_with(["import"], &line).ok();
        home.unset("OAUTHCTL_STORE_KEY");
        // Nothing else is gone.
        home.run(["token", "--cached"]).ok();
        home.run(["token", "--cached", "--account", account]).ok();
    }
}

#[test]
fn status_names_the_account_that_is_to_be_removed() {
    let mut home = planted(TOKEN);
    plant(&home, &grant("ci", TOKEN, |_| ()));
    let own = home.run(["store", "keygen"]).ok().line().to_owned();
    home.unset("OAUTHCTL_STORE").set("OAUTHCTL_STORE_KEY", own);
    home.run_with(["import", "--store", "file:there"], &grant("two", TOKEN, |_| ())).ok();
    home.unset("OAUTHCTL_STORE_KEY");
    let status = home.run(["status", "p", "--json"]).ok().json();
    let hints = status.as_array().unwrap().iter().filter_map(|account| account["hint"].as_str());
    let told: Vec<&str> =
        hints.flat_map(|hint| hint.split('`')).filter(|span| span.contains(" logout ")).collect();
    assert_eq!(told.len(), 1, "{status}");
    assert!(told[0].contains("--account two"), "{told:?}");
    shell(&home, told[0], "").ok();
    let left = home.run(["status", "p", "--json"]).ok().json();
    let left: Vec<_> = left.as_array().unwrap().iter().map(|one| &one["account"]).collect();
    assert_eq!(left, ["ci", "default"]);
}

#[test]
fn damaged_record_of_import_names_its_account() {
    let home = Home::new();
    let profile = PROFILE.replace("[profiles.p]", "[profiles.sandbox]");
    home.config(&format!("[defaults]\nprofile = \"sandbox\"\n{profile}"));
    let line = of_profile("gitlab", "ci");
    plant(&home, &line);
    std::fs::write(record(&home), "damaged").unwrap();
    let failed = home.run_with(["import", "--replace"], &line).fails(10);
    assert_eq!(commands(&failed), ["oauthctl login gitlab --account ci"], "{}", failed.stderr);
}

#[test]
fn missing_keyring_is_replaced_for_every_command() {
    for is_variable in [true, false] {
        let (mut home, _sandbox) = with_sandbox(None);
        home.unset("OAUTHCTL_STORE").unset("DBUS_SESSION_BUS_ADDRESS");
        let failed = home.run(["login", "s"]).fails(10);
        assert_eq!(failed.stderr.matches("encrypted files").count(), 1, "{}", failed.stderr);
        assert!(!failed.stderr.contains("another store"), "{}", failed.stderr);
        if is_variable {
            assert!(failed.stderr.contains("set OAUTHCTL_STORE=file"), "{}", failed.stderr);
            home.set("OAUTHCTL_STORE", "file");
        } else {
            let line = span(&failed, "store = ");
            assert!(failed.stderr.contains("under [defaults]"), "{}", failed.stderr);
            let config = std::fs::read_to_string(home.config_path()).unwrap();
            home.config(&format!("[defaults]\n{line}\n{config}"));
        }
        home.run(["login", "s"]).ok();
        home.run(["token", "s"]).ok();
    }
}

#[test]
fn invalid_store_key_is_replaced_as_told() {
    let mut home = planted(TOKEN);
    home.set("OAUTHCTL_STORE_KEY", "bogus");
    let failed = home.run(["token", "p"]).fails(10);
    let made = shell(&home, &commands(&failed)[0], "").ok().stdout;
    home.set("OAUTHCTL_STORE_KEY", made.trim());
    plant(&home, &grant("two", TOKEN, |_| ()));
    home.run(["token", "p", "--account", "two"]).ok();
}

#[test]
fn older_copy_of_a_record_is_replaced_as_told() {
    let (mut home, _sandbox) = logged_in(Some("rotate-grace"));
    let (path, old) = (record(&home), std::fs::read(record(&home)).unwrap());
    home.run(["refresh", "s"]).ok();
    std::fs::write(&path, &old).unwrap();
    let failed = home.run(["refresh", "s"]).fails(10);
    let told = commands(&failed);
    assert_eq!(told.len(), 1, "{}", failed.stderr);
    // A copy of it elsewhere would be as useless.
    let exported = home.run(["export", "s"]).fails(10);
    assert!(exported.stdout.is_empty());
    assert_eq!(commands(&exported), told);
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &told[0], "").ok();
    home.run(["token", "s"]).ok();
    home.run(["refresh", "s"]).ok();
}

/// How often the refresh token was sent without an answer.
fn sends(home: &Home) -> u64 {
    let intents = std::fs::read_dir(home.path("state/locks")).unwrap().filter_map(|entry| {
        let text = std::fs::read_to_string(entry.unwrap().path()).ok()?;
        serde_json::from_str::<serde_json::Value>(text.trim()).ok()?["sends"].as_u64()
    });
    intents.max().unwrap_or(0)
}

#[test]
fn refreshes_without_an_answer_are_tried_or_replaced() {
    let (mut home, _sandbox) = logged_in(Some("refresh-stall"));
    let killed = |call: &[&str], number: u64| {
        let process = home.spawn(call);
        await_some("a refresh that is sent", || (sends(&home) == number).then_some(()));
        drop(process);
    };
    killed(&["refresh", "s"], 1);
    killed(&["refresh", "s"], 2);
    let failed = home.run(["token", "s", "--min-ttl", "2h"]);
    let told = commands(&failed);
    assert_eq!(told.len(), 2, "{}", failed.stderr);
    let call: Vec<&str> = told[0].split(' ').skip(1).collect();
    killed(&call, 3);
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &told[1], "").ok();
    home.run(["token", "s"]).ok();
}

#[test]
fn cached_token_that_is_over_is_refreshed_as_told() {
    let (home, _sandbox) = logged_in(None);
    let failed = home.run(["token", "s", "--cached", "--min-ttl", "2h"]).fails(4);
    assert!(failed.stderr.contains("omit `--cached`"), "{}", failed.stderr);
    home.run(["token", "s", "--min-ttl", "50m"]).ok();
    assert!(failed.stderr.contains("or lower `--min-ttl`"), "{}", failed.stderr);
    home.run(["token", "s", "--cached", "--min-ttl", "1m"]).ok();
}

#[test]
fn profile_that_moved_is_logged_in_to_as_told() {
    let (mut home, sandbox) = logged_in(None);
    super::set(&home, "s", &format!("issuer = \"{}/s/rotate\"", sandbox.issuer));
    let failed = home.run(["refresh", "s"]).fails(4);
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &commands(&failed)[0], "").ok();
    home.run(["refresh", "s"]).ok();
}

#[test]
fn store_that_status_names_is_used_as_told() {
    let mut home = Home::new();
    home.unset("OAUTHCTL_STORE");
    home.config(PROFILE);
    let elsewhere = format!("file:{}", home.path("else where").display());
    home.run_with(["import", "--store", &elsewhere], &grant("default", TOKEN, |_| ())).ok();
    let mut told = home.run(["status"]).ok();
    // There they are rows.
    told.stderr = told.stdout.clone();
    with_option(&home, &["token", "p"], &span(&told, "--store ")).ok();
    super::set(&home, "p", &span(&told, "store = "));
    home.run(["token", "p"]).ok();
}

#[test]
fn damaged_intent_is_forgotten_by_the_login_as_told() {
    let (mut home, _sandbox) = logged_in(Some("refresh-drop"));
    home.run(["refresh", "s"]);
    let locks = home.path("state/locks");
    let mut damaged = 0;
    for entry in std::fs::read_dir(locks).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::metadata(&path).unwrap().len() > 0 {
            std::fs::write(&path, "damaged").unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0);
    let failed = home.run(["token", "s", "--min-ttl", "2h"]).fails(10);
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &commands(&failed)[0], "").ok();
    home.run(["token", "s"]).ok();
}

/// As an earlier version wrote it: anyone who knows the public key could have.
fn without_tag(home: &Home) {
    let key = std::fs::read_to_string(home.path("config/oauthctl/store.key")).unwrap();
    let identity: age::x25519::Identity = key.lines().last().unwrap().parse().unwrap();
    let path = record(home);
    let plain = age::decrypt(&identity, &std::fs::read(&path).unwrap()).unwrap();
    let mut json: serde_json::Value = serde_json::from_slice(&plain).unwrap();
    json.as_object_mut().unwrap().remove("mac").expect("a tag");
    let sealed = age::encrypt(&identity.to_public(), json.to_string().as_bytes()).unwrap();
    std::fs::write(&path, sealed).unwrap();
}

#[test]
fn record_without_a_tag_is_accepted_or_replaced() {
    for which in [0, 1] {
        let (mut home, _sandbox) = logged_in(None);
        without_tag(&home);
        let failed = home.run(["token", "s"]).fails(10);
        let told = commands(&failed);
        assert_eq!(told.len(), 2, "{}", failed.stderr);
        home.browser(&json!({ "mode": "honest" }));
        shell(&home, &told[which], "").ok();
        home.run(["token", "s"]).ok();
    }
}

#[test]
fn store_that_cannot_be_made_is_elsewhere_as_told() {
    let (mut home, _sandbox) = with_sandbox(None);
    let failed = home.run(["login", "s", "--store", "file:/proc/no"]).fails(10);
    let option = span(&failed, "--store file:").replace("DIR", "there");
    home.browser(&json!({ "mode": "honest" }));
    with_option(&home, &["login", "s"], &option).ok();
    with_option(&home, &["token", "s"], &option).ok();
}

#[test]
fn configuration_others_can_write_is_fixed_as_told() {
    let home = planted(TOKEN);
    let path = home.config_path();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    let failed = home.run(["token", "p"]).fails(3);
    let mend = super::spans(&failed).into_iter().find(|span| span.starts_with("chmod "));
    shell(&home, &mend.unwrap_or_else(|| panic!("{}", failed.stderr)), "").ok();
    home.run(["token", "p"]).ok();
}

#[test]
fn secret_is_kept_in_the_token_store_as_told() {
    let home = planted(TOKEN);
    home.config(&format!("{PROFILE}client_secret = {{ env = \"X\" }}\n"));
    let failed = home.run_with(["profile", "set-secret", "p"], "x\n").fails(3);
    home.config(PROFILE);
    super::set(&home, "p", &span(&failed, "client_secret = "));
    home.run_with(["profile", "set-secret", "p"], "x\n").ok();
}
