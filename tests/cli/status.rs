//! `status` reports what `token` does, whatever the state of the store.

use serde_json::{Value, json};

use crate::fixture::{FAR, PROFILE, TOKEN, grant, plant, planted, with_sandbox};
use crate::support::{Home, Output, SecretService};

/// The record of the only account.
fn record(home: &Home) -> std::path::PathBuf {
    let files = home.files();
    files.into_iter().find(|path| path.extension().is_some_and(|e| e == "age")).expect("a record")
}

/// What `status --json` says of the only account.
#[track_caller]
fn status(home: &Home) -> Value {
    let mut all = home.run(["status", "--json"]).ok().json();
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    all[0].take()
}

/// The command that the text form names.
#[track_caller]
fn hinted(output: &Output) -> Vec<String> {
    let hint = output.stdout.lines().find_map(|line| line.trim().strip_prefix("hint"));
    let hint = hint.unwrap_or_else(|| panic!("no hint: {}", output.stdout));
    let command = hint.split('`').nth(1).unwrap_or_else(|| panic!("no command: {hint}"));
    command.split(' ').skip(1).map(str::to_owned).collect()
}

#[test]
fn emptied_store_needs_the_login_it_names() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.run(["login", "s", "--account", "work"]).ok();
    assert_eq!(status(&home)["stored"], true);
    std::fs::remove_file(record(&home)).unwrap();

    home.run(["token", "-p", "s", "--account", "work"]).fails(4);
    let object = status(&home);
    assert_eq!((&object["stored"], &object["login_required"]), (&json!(false), &json!(true)));
    assert_eq!((&object["expires_in"], &object["attributes"]), (&json!(null), &json!({})));
    let text = home.run(["status"]).ok();
    assert!(
        text.stdout.contains("problem    it is no longer in the store `file`"),
        "{}",
        text.stdout
    );
    assert!(!text.stdout.contains(" left"), "{}", text.stdout);
    home.browser(&json!({ "mode": "honest" }));
    home.run(hinted(&text)).ok();
    assert_eq!((&status(&home)["stored"], &status(&home)["problem"]), (&json!(true), &json!(null)));
    home.run(["token", "-p", "s", "--account", "work"]).ok();
}

#[test]
fn refresh_in_the_second_of_the_login_is_shown() {
    for (grant_type, generation, rotates, is_refreshed) in [
        ("authorization_code", 1, json!(null), false),
        ("authorization_code", 3, json!(null), false),
        ("authorization_code", 2, json!(false), true),
        ("authorization_code", 2, json!(true), true),
        ("client_credentials", 1, json!(null), false),
        ("client_credentials", 2, json!(null), true),
    ] {
        let home = Home::new();
        home.config(PROFILE);
        plant(
            &home,
            &grant("default", TOKEN, |grant| {
                grant["grant_type"] = json!(grant_type);
                grant["generation"] = json!(generation);
                grant["rotates"] = rotates.clone();
                assert_eq!(grant["obtained_at"], grant["refreshed_at"]);
            }),
        );
        let object = status(&home);
        assert_eq!(object["last_refresh"].is_string(), is_refreshed, "{grant_type}: {object}");
        let text = home.run(["status"]).ok().stdout;
        assert_eq!(text.contains("\n  refreshed "), is_refreshed, "{text}");
        assert_eq!(text.contains("\n  logged in "), !is_refreshed, "{text}");
    }
}

#[test]
fn older_copy_is_a_problem_in_both() {
    let (mut home, _sandbox) = with_sandbox(Some("rotate"));
    home.run(["login", "s"]).ok();
    let (place, copy) = (record(&home), std::fs::read(record(&home)).unwrap());
    home.run(["refresh", "s"]).ok();
    home.run(["refresh", "s"]).ok();
    std::fs::write(&place, copy).unwrap();
    home.run(["token", "-p", "s", "--force-refresh"]).fails(10);
    assert!(status(&home)["problem"].as_str().unwrap().contains("is an older copy"));
    let text = home.run(["status"]).ok();
    home.browser(&json!({ "mode": "honest" }));
    home.run(hinted(&text)).ok();
    assert_eq!(status(&home)["problem"], json!(null));
    home.run(["token", "-p", "s", "--force-refresh"]).ok();
}

#[test]
fn login_replaced_in_the_store_is_shown() {
    let home = planted(TOKEN);
    let other = planted("another-token");
    let theirs = grant("default", "another-token", |grant| {
        grant["id"] = json!("g_other");
        grant["tokens"]["scopes"] = json!(["other"]);
        grant["tokens"]["expires_at"] = json!(FAR - 1_000);
    });
    plant(&other, &theirs);
    std::fs::copy(other.path("config/oauthctl/store.key"), home.path("config/oauthctl/store.key"))
        .unwrap();
    std::fs::copy(record(&other), record(&home)).unwrap();
    let object = status(&home);
    assert_eq!((&object["grant_id"], &object["scopes"]), (&json!("g_other"), &json!(["other"])));
    assert_eq!(home.run(["token"]).ok().line(), "another-token");
}

#[test]
fn account_lost_from_the_index_is_found_in_the_store() {
    let home = planted(TOKEN);
    std::fs::remove_dir_all(home.state_dir()).unwrap();
    assert_eq!(status(&home)["profile"], "p");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    std::fs::remove_file(record(&home)).unwrap();
    assert_eq!(home.run(["status", "--json"]).ok().json(), json!([]));
    assert!(home.run(["status", "p"]).ok().stderr.contains("Run `oauthctl login p`"));
}

#[test]
fn store_that_commands_do_not_use_is_named() {
    let mut home = planted(TOKEN);
    home.unset("OAUTHCTL_STORE");
    home.config(&format!("{PROFILE}store = \"file:elsewhere\"\n"));
    home.run(["token"]).fails(4);
    let object = status(&home);
    assert!(object["problem"].as_str().unwrap().contains("/elsewhere`"), "{object}");
    assert!(object["hint"].as_str().unwrap().contains("`--store file`"), "{object}");
    home.run(["token", "--store", "file"]).ok();
    assert_eq!(
        home.run(["status", "--store", "file", "--json"]).ok().json()[0]["problem"],
        json!(null)
    );
}

#[test]
fn unreadable_record_shows_the_indexed_account() {
    let home = planted(TOKEN);
    std::fs::write(record(&home), "damaged").unwrap();
    home.run(["token"]).fails(10);
    let object = status(&home);
    assert_eq!((&object["stored"], &object["profile"]), (&json!(null), &json!("p")));
    assert!(object["problem"].as_str().unwrap().contains("last recorded state"), "{object}");
}

#[test]
fn many_accounts_are_shown_as_indexed() {
    let home = planted(TOKEN);
    for n in 0..100 {
        plant(&home, &grant(&format!("u{n}"), TOKEN, |_| ()));
    }
    for path in home.files().iter().filter(|path| path.extension().is_some_and(|e| e == "age")) {
        std::fs::remove_file(path).unwrap();
    }
    let all = home.run(["status"]).ok();
    assert!(all.stderr.contains("Showing the last recorded state"), "{}", all.stderr);
    assert!(!all.stdout.contains("problem"), "{}", all.stdout);
    let object = home.run(["status", "--json"]).ok().json();
    assert!(object.as_array().unwrap().iter().all(|account| account["stored"] == json!(null)));
}

#[test]
fn records_that_no_key_opens_are_an_error() {
    let home = planted(TOKEN);
    std::fs::remove_dir_all(home.path("state")).unwrap();
    assert_eq!(status(&home)["stored"], true);
    let key = home.files().into_iter().find(|path| path.ends_with("store.key")).unwrap();
    std::fs::remove_file(key).unwrap();
    for call in [&["status"][..], &["status", "p"], &["status", "--json"]] {
        let output = home.run(call).fails(10);
        assert!(output.stderr.contains("cannot read `p`"), "{call:?}: {}", output.stderr);
        assert!(!output.stderr.contains("Not logged in"), "{call:?}: {}", output.stderr);
    }
}

#[test]
fn status_check_exits_4_where_a_login_is_needed() {
    let home = planted(TOKEN);
    home.run(["status", "--check"]).ok();
    home.run(["status", "p", "--check", "--json"]).ok();
    std::fs::remove_file(record(&home)).unwrap();
    let output = home.run(["status", "--check", "--json"]).code(4);
    assert_eq!(output.json()[0]["login_required"], true);
    assert!(output.json()[0]["hint"].as_str().unwrap().contains("`oauthctl login p`"));
    assert!(home.run(["status", "--check"]).code(4).stdout.contains("hint"));
    home.run(["status"]).ok();
    let home = Home::new();
    home.config(PROFILE);
    home.run(["status", "p", "--check"]).code(4);
}

#[test]
fn refused_client_is_a_problem_with_its_remedy() {
    for (scenario, problem) in [("refresh-invalid-client", true), ("refresh-500", false)] {
        let (home, _sandbox) = with_sandbox(Some(scenario));
        home.run(["login", "s", "--account", "work"]).ok();
        home.run(["status", "--check"]).ok();
        assert!(!home.run(["refresh", "s", "--account", "work"]).stderr.is_empty());
        let output = home.run(["status", "--check", "--json"]);
        let object = output.json()[0].clone();
        assert!(object["last_error"]["message"].is_string(), "{object}");
        if !problem {
            output.code(0);
            assert_eq!(object["problem"], json!(null), "a transient failure");
            continue;
        }
        output.code(4);
        assert!(object["problem"].as_str().unwrap().contains("invalid_client"), "{object}");
        let hint = object["hint"].as_str().unwrap();
        for command in ["profile set-secret s", "refresh s --account work"] {
            assert!(hint.contains(&format!("`oauthctl {command}`")), "{hint}");
        }
        assert_eq!(object["login_required"], json!(false), "a login needs the client too");
    }
}

#[test]
fn changed_client_is_a_problem_in_every_store() {
    for store in ["file", "keyring"] {
        let service = (store == "keyring").then(SecretService::start);
        let (mut home, sandbox) = with_sandbox(None);
        if let Some(service) = &service {
            home.keyring(service);
        }
        home.set("OAUTHCTL_STORE", store);
        home.browser(&json!({ "mode": "honest" }));
        home.run(["login", "s"]).ok();
        home.run(["status", "s", "--check"]).ok();
        home.config("");
        home.profile("s", &sandbox.issuer, "public", "");
        let output = home.run(["status", "s", "--check", "--json"]).code(4);
        let problem = output.json()[0]["problem"].as_str().unwrap().to_owned();
        assert!(problem.contains("different client"), "{store}: {problem}");
        home.run(hinted(&home.run(["status"]).ok())).ok();
        home.run(["status", "s", "--check"]).ok();
    }
}

#[test]
fn status_of_an_unknown_store_is_an_error() {
    let home = Home::new();
    let typo = home.run(["--store", "files", "status"]).fails(2);
    assert!(typo.stderr.contains("files"), "{}", typo.stderr);
}

#[test]
fn profile_without_users_needs_no_login() {
    let (home, sandbox) = with_sandbox(None);
    let add = ["profile", "add", "robot", "--issuer", &sandbox.issuer, "--client-id", "c"];
    let grant = ["--set", "grant=client_credentials", "--client-secret-stdin"];
    let added = home.run_with([&add[..], &grant].concat(), "secret\n").ok();
    assert!(added.stderr.contains("`oauthctl token robot`"), "{}", added.stderr);
    let status = home.run(["status", "robot"]).ok();
    let said = status.stdout + &status.stderr;
    assert!(said.contains("needs no login. Run `oauthctl token robot`"), "{said}");
    home.run(["token", "robot"]).ok();
    let unused = ["--flow", "device", "--scope", "x"];
    let said = home.run([&["login", "robot"][..], &unused].concat()).ok().stderr;
    let told = "the grant client_credentials needs no user: --flow, --scope";
    assert!(said.contains(told), "{said}");
}
