//! Problems that would fail a login after the user's consent are found before the browser opens.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};
use serde_json::json;

use crate::support::*;
use crate::user::*;

/// A profile whose endpoints are named one by one, so that nothing asks the server for its metadata.
fn home_with(more: &str) -> Home {
    let home = Home::new();
    home.config(&format!(
        "[profiles.p]\nclient_id = \"c\"\nauthorization_endpoint = \"https://as.example/authorize\"\n\
         token_endpoint = \"https://as.example/token\"\n{more}\n"
    ));
    home
}

#[track_caller]
fn is_refused(mut home: Home, key: &str, says: &str) {
    let browser = home.browser(&json!({ "mode": "never" }));
    let output = home.run(["login", "p"]).fails(3);
    let error = error(&output);
    assert!(error.contains(&format!("`{key}`")) && error.contains("`p`"), "{key}: {error}");
    assert!(error.contains(says), "{key}: {error}");
    assert!(error.contains("hint: "), "{key}: {error}");
    assert!(browser.openings().is_empty(), "{key}");
}

#[test]
fn unusable_ca_file_is_found_before_the_browser() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (content, says) in [
        (None, "No such file"),
        (Some(""), "it contains no PEM certificate"),
        (Some("no PEM"), "it contains no PEM certificate"),
        (Some(garbage), "cannot use the CA file"),
    ] {
        if let Some(content) = content {
            fs::write(&file, content).unwrap();
        }
        is_refused(home_with(&format!("ca_file = {file:?}")), "ca_file", says);
    }
    is_refused(home_with(&format!("ca_file = {:?}", dir.path())), "ca_file", "not a regular file");
    // With discovery it is the metadata that cannot be asked for.
    let home = Home::new();
    home.profile("p", "https://127.0.0.1:9", "c", "ca_file = \"/nowhere/ca.pem\"");
    is_refused(home, "ca_file", "No such file");
}

#[test]
fn missing_program_is_found_before_the_browser() {
    let secret = "client_secret = \"s\"\nclient_auth = \"client_secret_basic\"\n";
    for (key, more) in [
        ("write_back", "write_back = [\"no-such-program\", \"x\"]".to_owned()),
        (
            "hooks.authorization",
            "[profiles.p.hooks]\nauthorization = [\"no-such-program\"]".to_owned(),
        ),
        ("hooks.post_token", "[profiles.p.hooks]\npost_token = [\"/nowhere/hook\"]".to_owned()),
        ("client_secret", secret.replace("\"s\"", "{ command = [\"no-such-program\"] }")),
    ] {
        is_refused(home_with(&more), key, "cannot run");
    }
}

#[test]
fn unreadable_key_is_found_before_the_browser() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key.pem");
    let reference = format!("private_key = {{ file = {file:?} }}\n");
    for method in ["private_key_jwt", "tls_client_auth"] {
        let more = format!("{reference}client_auth = \"{method}\"");
        let _ = fs::remove_file(&file);
        is_refused(home_with(&more), "private_key", "No such file");
        fs::write(&file, "no key").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        is_refused(home_with(&more), "private_key", "");
    }
}

/// A valid setup passes the checks.
#[test]
fn programs_and_files_in_order_let_the_login_begin() {
    let mut home = home("tag.in-order");
    let file = home.path("ca.pem");
    home.write(&file, &hostile().ca);
    let more = format!(
        "scopes = [\"api\"]\nca_file = {file:?}\nwrite_back = [\"cat\"]\n[profiles.p.hooks]\npre_token = [\"true\"]"
    );
    profile(&home, "tag.in-order", &more);
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "p"]).ok();
}

#[test]
fn unavailable_secret_fails_before_the_browser() {
    for (source, says) in [
        ("{ env = \"NO_SUCH_VARIABLE\" }", "NO_SUCH_VARIABLE"),
        ("{ file = \"/nowhere/secret\" }", "No such file"),
        ("{ command = [\"sh\", \"-c\", \"echo locked >&2; exit 1\"] }", "locked"),
        ("{ command = [\"true\"] }", ""),
    ] {
        let more = format!("client_secret = {source}\nclient_auth = \"client_secret_basic\"");
        let mut home = home_with(&more);
        let browser = home.browser(&json!({ "mode": "never" }));
        let output = home.run(["login", "p"]).fails(3);
        let error = error(&output);
        assert!(error.contains("`client_secret`") && error.contains(says), "{source}: {error}");
        assert!(browser.openings().is_empty(), "{source}");
    }
}

#[test]
fn secret_command_runs_once_for_a_login() {
    let mut home = Home::new();
    let sandbox = Sandbox::start(&home);
    for par in ["never", "always"] {
        let log = home.path(par);
        let script = format!("echo asked >> {}; echo {CONFIDENTIAL_SECRET}", log.display());
        let more = format!(
            "par = \"{par}\"\nclient_secret = {{ command = [\"sh\", \"-c\", {script:?}] }}"
        );
        home.profile(par, &sandbox.issuer, CONFIDENTIAL_CLIENT, &more);
        home.browser(&json!({ "mode": "honest" }));
        home.run(["login", par]).ok();
        assert_eq!(fs::read_to_string(&log).unwrap(), "asked\n", "{par}");
    }
}
