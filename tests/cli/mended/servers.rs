//! Hints about what a server sends, at the sandbox.

use serde_json::json;

use super::{remove, set, span};
use crate::fixture::with_sandbox;
use crate::support::{Home, Output};

/// A login to profile `s` that has no time for more than an answer at once.
fn log_in(home: &mut Home) -> Output {
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "s", "--timeout", "3s"])
}

#[test]
fn key_of_a_hint_lets_the_login_succeed() {
    for (scenario, before, key) in [
        ("requires-par", "par = \"never\"", "par = "),
        ("id-token-extra-aud", "", "trusted_audiences = "),
    ] {
        let (mut home, _sandbox) = with_sandbox(Some(scenario));
        if !before.is_empty() {
            set(&home, "s", before);
        }
        let failed = log_in(&mut home);
        assert_ne!(failed.status, 0, "{scenario}: {}", failed.stderr);
        set(&home, "s", &span(&failed, key));
        let done = log_in(&mut home);
        assert_eq!(done.status, 0, "{scenario}: {}", done.stderr);
    }
}

/// The sandbox answers as another issuer then: the metadata at least is accepted.
#[test]
fn issuer_of_the_metadata_is_set_as_told() {
    let (mut home, _sandbox) = with_sandbox(Some("discovery-slash-issuer"));
    let failed = log_in(&mut home).fails(7);
    assert!(!failed.stderr.contains("Open"), "{}", failed.stderr);
    set(&home, "s", &span(&failed, "issuer = "));
    let failed = log_in(&mut home).fails(7);
    assert!(failed.stderr.contains("Opening the browser"), "{}", failed.stderr);
}

/// The sandbox itself wants PKCE, whatever its metadata says: the program no longer refuses.
#[test]
fn pkce_is_turned_off_as_told() {
    let (mut home, _sandbox) = with_sandbox(Some("discovery-plain-pkce-only"));
    let failed = log_in(&mut home).fails(7);
    set(&home, "s", &span(&failed, "pkce = "));
    let refused = log_in(&mut home).fails(8);
    assert!(refused.stderr.contains("code_challenge_method must be S256"), "{}", refused.stderr);
}

#[test]
fn issuer_that_no_profile_names_is_set_as_told() {
    let (mut home, sandbox) = with_sandbox(Some("wrong-iss"));
    let at = format!("{}/s/wrong-iss", sandbox.issuer);
    remove(&home, "s", "issuer");
    set(&home, "s", "scopes = [\"email\"]");
    set(&home, "s", &format!("authorization_endpoint = \"{at}/authorize\""));
    set(&home, "s", &format!("token_endpoint = \"{at}/token\""));
    let failed = log_in(&mut home).fails(7);
    let key = span(&failed, "issuer = ");
    let (_, named) = failed.stderr.split_once("names the issuer ").unwrap();
    let (issuer, _) = named.split_once(',').unwrap();
    set(&home, "s", &key.replace('…', issuer));
    let shown = home.run(["profile", "show", "s"]).ok().stdout;
    assert!(shown.contains(issuer), "{shown}");
}

#[test]
fn login_without_openid_needs_no_id_token() {
    for scenario in ["id-token-missing", "id-token-no-nonce", "id-token-alg-none"] {
        let (mut home, _sandbox) = with_sandbox(Some(scenario));
        let failed = log_in(&mut home).fails(7);
        assert!(
            failed.stderr.contains("emove `openid` from `scopes`"),
            "{scenario}: {}",
            failed.stderr
        );
        set(&home, "s", "scopes = [\"email\", \"offline_access\"]");
        log_in(&mut home).ok();
    }
}

/// Sets the endpoints that these names are of, as the server at this place has them.
fn set_endpoints<'a>(home: &Home, at: &str, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        let path = match name {
            "authorization_endpoint" => "authorize",
            "token_endpoint" => "token",
            "jwks_uri" => "jwks",
            "revocation_endpoint" => "revoke",
            _ => continue,
        };
        set(home, "s", &format!("{name} = \"{at}/{path}\""));
    }
}

#[test]
fn endpoints_without_metadata_are_set_as_told() {
    for (scenario, scopes, count) in [
        ("discovery-404", "\"openid\"", 3),
        ("discovery-404", "\"email\"", 2),
        ("discovery-html", "\"openid\"", 3),
        ("discovery-no-token-endpoint", "\"openid\"", 1),
        ("jwks-empty", "\"openid\"", 1),
    ] {
        let (mut home, sandbox) = with_sandbox(Some(scenario));
        set(&home, "s", &format!("scopes = [{scopes}]"));
        let failed = log_in(&mut home);
        let (_, hint) = failed.stderr.split_once("hint: ").unwrap();
        let (_, told) = hint.split_once("set ").unwrap_or_else(|| panic!("{}", failed.stderr));
        let names: Vec<&str> = told.split('`').skip(1).step_by(2).collect();
        assert_eq!(names.len(), count, "{scenario}: {}", failed.stderr);
        let at = match scenario {
            // The keys are elsewhere.
            "jwks-empty" => sandbox.issuer.clone(),
            _ => format!("{}/s/{scenario}", sandbox.issuer),
        };
        set_endpoints(&home, &at, names);
        let done = log_in(&mut home);
        assert_eq!(done.status, 0, "{scenario}: {}", done.stderr);
    }
}

#[test]
fn endpoints_replace_an_issuer_with_unsafe_metadata() {
    for scenario in ["discovery-http-endpoint", "discovery-script-endpoint"] {
        let (mut home, sandbox) = with_sandbox(Some(scenario));
        let failed = log_in(&mut home).fails(7);
        let told = "its endpoints in the profile, without `issuer`";
        assert!(failed.stderr.contains(told), "{}", failed.stderr);
        remove(&home, "s", "issuer");
        let at = format!("{}/s/{scenario}", sandbox.issuer);
        set_endpoints(&home, &at, ["authorization_endpoint", "token_endpoint"]);
        log_in(&mut home).ok();
    }
}

#[test]
fn missing_secret_or_auth_none_is_set_as_told() {
    let (mut home, _sandbox) = with_sandbox(None);
    set(&home, "s", "client_auth = \"client_secret_basic\"");
    let failed = log_in(&mut home).fails(3);
    assert!(failed.stderr.contains("needs a `client_secret`"), "{}", failed.stderr);
    set(&home, "s", "client_secret = { env = \"THE_SECRET\" }");
    let failed = log_in(&mut home).fails(3);
    assert!(failed.stderr.contains("hint: set the variable THE_SECRET"), "{}", failed.stderr);
    home.set("THE_SECRET", "x");
    assert!(!log_in(&mut home).stderr.contains("THE_SECRET"));
}

#[test]
fn trace_shows_the_exchange_that_a_hint_wants_seen() {
    for scenario in ["token-empty-400", "missing-access-token", "odd-token-type", "error-in-200"] {
        let (mut home, _sandbox) = with_sandbox(Some(scenario));
        let failed = log_in(&mut home);
        let option = span(&failed, "--trace");
        home.browser(&json!({ "mode": "honest" }));
        let traced = home.run(["login", "s", &option]);
        assert_eq!(traced.status, failed.status, "{scenario}");
        assert!(traced.stderr.contains("/token"), "{scenario}: {}", traced.stderr);
    }
}

#[test]
fn profiles_that_share_a_callback_get_paths_as_told() {
    let (mut home, sandbox) = with_sandbox(Some("no-iss"));
    set(&home, "s", "redirect_uri = \"http://127.0.0.1/cb\"");
    home.profile(
        "other",
        &format!("{}/s/rotate", sandbox.issuer),
        "c",
        "redirect_uri = \"http://127.0.0.1/cb\"",
    );
    let warned = log_in(&mut home).ok();
    let key = span(&warned, "redirect_uri = ");
    set(&home, "s", &key);
    let done = log_in(&mut home).ok();
    assert!(!done.stderr.contains("warning:"), "{}", done.stderr);
}

#[test]
fn revocation_endpoint_is_set_as_told() {
    let (mut home, sandbox) = with_sandbox(Some("no-iss"));
    let at = format!("{}/s/no-iss", sandbox.issuer);
    remove(&home, "s", "issuer");
    set(&home, "s", "scopes = [\"email\"]");
    set(&home, "s", &format!("authorization_endpoint = \"{at}/authorize\""));
    set(&home, "s", &format!("token_endpoint = \"{at}/token\""));
    log_in(&mut home).ok();
    let warned = home.run(["logout", "s"]).ok();
    assert!(
        warned.stderr.contains("set `revocation_endpoint` in the profile"),
        "{}",
        warned.stderr
    );
    set(&home, "s", &format!("revocation_endpoint = \"{at}/revoke\""));
    log_in(&mut home).ok();
    let done = home.run(["logout", "s"]).ok();
    assert!(
        done.stderr.contains("revoked") && !done.stderr.contains("warning:"),
        "{}",
        done.stderr
    );
}

#[test]
fn keys_about_id_tokens_are_accepted_as_told() {
    let (mut home, _sandbox) = with_sandbox(Some("id-token-hs256"));
    let failed = log_in(&mut home).fails(7);
    set(&home, "s", &span(&failed, "id_token_signed_response_alg = "));
    assert!(failed.stderr.contains("it needs a `client_secret`"), "{}", failed.stderr);
    home.set("THE_SECRET", "a secret of thirty-two bytes or more");
    set(&home, "s", "client_auth = \"client_secret_basic\"");
    set(&home, "s", "client_secret = { env = \"THE_SECRET\" }");
    // The sandbox knows no secret of this client.
    let refused = log_in(&mut home);
    assert!(refused.status != 0 && !refused.stderr.contains("HS256, which"), "{}", refused.stderr);
    let (mut home, _sandbox) = with_sandbox(Some("id-token-wrong-iss"));
    let failed = log_in(&mut home).fails(7);
    let key = span(&failed, "issuer = ");
    set(&home, "s", &key);
    let shown = home.run(["profile", "show", "s"]).ok().stdout;
    assert!(shown.contains(key.split('"').nth(1).unwrap()), "{shown}");
}

#[test]
fn unset_redirect_uri_is_set_as_told() {
    let (home, sandbox) = with_sandbox(Some("no-iss"));
    home.profile("other", &format!("{}/s/rotate", sandbox.issuer), "c", "");
    let uri = "http://127.0.0.1/of-the-site";
    let start = ["start", "s", "--redirect-uri", uri];
    let warned = home.run(start).ok();
    let key = span(&warned, "redirect_uri = ");
    set(&home, "s", &key.replace('…', uri));
    let done = home.run(start).ok();
    assert!(!done.stderr.contains("warning:"), "{}", done.stderr);
}
