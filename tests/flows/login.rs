//! The main functions against a third-party server: login, token, refresh, logout; with every kind of
//! client, redirect URI and flag.

mod accounts;
mod opening;
mod redirect_uri;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::*;
use crate::user::*;

/// A profile `p` of the strict server.
fn profile_at(home: &Home, server: &OidcProvider, client: &str, more: &str) {
    home.config("");
    home.profile("p", &server.issuer, client, &format!("{OPENID}{more}"));
}

fn main_job(home: &mut Home) {
    profile_at(home, provider(), "cli", "");
    let browser = home.browser(&json!({ "mode": "honest" }));
    let output = home.run(["login", "p", "--json"]).ok();
    let login = output.json();
    let names: Vec<&String> = login.as_object().unwrap().keys().collect();
    let expected = [
        "profile",
        "account",
        "identity",
        "scopes",
        "token_type",
        "expires_at",
        "has_refresh_token",
        "grant_id",
    ];
    assert_eq!(names, expected);
    assert_eq!((&login["profile"], &login["account"]), (&json!("p"), &json!("default")));
    assert_eq!(login["identity"]["sub"], "alice");
    assert_eq!(login["scopes"], json!(["openid", "api"]));
    assert_eq!(login["token_type"], "Bearer");
    assert_eq!(login["has_refresh_token"], true);
    assert!(login["expires_at"].as_str().unwrap().ends_with('Z'), "{login}");
    assert!(output.stderr.contains("as alice"), "{}", output.stderr);
    assert_eq!(browser.openings().len(), 1);

    let first = home.run(["token"]).ok().line().to_owned();
    assert_not_shown(&output.stderr, [&first]);
    let token = home.run(["token", "--json"]).ok().json();
    assert_eq!((&token["access_token"], &token["grant_id"]), (&json!(first), &login["grant_id"]));
    let status = home.run(["status", "p", "--json"]).ok().json();
    assert_eq!(status[0]["identity"]["sub"], "alice");

    // Each refresh rotates, and an old refresh token would revoke everything.
    let mut seen = vec![first];
    for _ in 0..3 {
        assert_eq!(home.run(["refresh", "p"]).ok().stdout, "");
        let next = home.run(["token"]).ok().line().to_owned();
        assert!(!seen.contains(&next), "a refresh gives another token");
        seen.push(next);
    }
    assert_eq!(home.run(["token", "--json"]).ok().json()["grant_id"], login["grant_id"]);
    assert_no_secret(home, &seen);
    home.assert_private();

    home.run(["logout", "p"]).ok();
    home.run(["token"]).fails(4);
    assert_eq!(home.run(["status", "--json"]).ok().json(), json!([]));
    assert_no_secret(home, &seen);
}

#[test]
fn main_job_with_encrypted_files() {
    main_job(&mut Home::new());
}

#[test]
fn main_job_with_a_real_secret_service() {
    let service = SecretService::start();
    let mut home = Home::new();
    home.keyring(&service);
    main_job(&mut home);
}

/// A key of the client's own: its PEM, and the JWK Set that the server knows it by.
fn client_key() -> (String, Value) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let point = rcgen::PublicKeyData::der_bytes(&key).to_vec();
    let [x, y] = [&point[1..33], &point[33..65]].map(|half| URL_SAFE_NO_PAD.encode(half));
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": "own" });
    (key.serialize_pem(), json!({ "keys": [jwk] }))
}

/// Every way to be a client: logs in, refreshes, and is shown to have used the way it says.
#[test]
fn every_kind_of_client_logs_in_and_refreshes() {
    let dir = tempfile::tempdir().unwrap();
    let (pem, jwks) = client_key();
    let jwks_file = dir.path().join("jwks.json");
    std::fs::write(&jwks_file, jwks.to_string()).unwrap();
    let server = Servers::oidc_provider_with(&[
        "--client-jwks",
        jwks_file.to_str().unwrap(),
        "--dpop-nonce",
        "1",
    ]);
    let secret = format!("client_secret = {:?}\n", server.secret);
    let from_env =
        "client_secret = { env = \"APP_SECRET\" }\nclient_auth = \"client_secret_basic\"\n";
    let post = format!("{secret}client_auth = \"client_secret_post\"\n");
    let signed = "client_secret = \"thirty-two-bytes-or-more-for-HS256-keys\"\nclient_auth = \"client_secret_jwt\"\n";
    let key = "private_key = { file = \"../client.pem\" }\nclient_auth = \"private_key_jwt\"\n";
    // Client, further lines, the token's type, whether it can be refreshed.
    let rows = [
        ("cli", "", "Bearer", true),
        ("cli-es256", "", "Bearer", true),
        ("cli-no-refresh", "", "Bearer", false),
        ("cli-secret", secret.as_str(), "Bearer", true),
        ("cli-secret", from_env, "Bearer", true),
        ("cli-post", post.as_str(), "Bearer", true),
        ("cli-secret-jwt", signed, "Bearer", true),
        ("cli-jwt", key, "Bearer", true),
        ("cli-par", "par = \"always\"\n", "Bearer", true),
        ("cli-dpop", "dpop = true\n", "DPoP", true),
    ];
    let mut home = Home::new();
    home.write(&home.path("config/client.pem"), &pem);
    home.set("APP_SECRET", &server.secret);
    for (client, more, token_type, refreshes) in rows {
        let more = more.replace("../client.pem", home.path("config/client.pem").to_str().unwrap());
        profile_at(&home, &server, client, &more);
        let browser = home.browser(&json!({ "mode": "honest" }));
        let login = home.run(["login", "p", "--json", "--account", client]).ok().json();
        assert_eq!(login["token_type"], token_type, "{client}");
        assert_eq!(login["has_refresh_token"], refreshes, "{client}");
        home.run(["refresh", "p", "--account", client]).code(if refreshes { 0 } else { 4 });
        home.run(["token", "-p", "p", "--account", client]).ok();
        let opened = &browser.openings()[0];
        assert!(
            !opened.environ.contains_key("APP_SECRET") || !more.contains("APP_SECRET"),
            "{client}"
        );
        if client == "cli-par" {
            let names: Vec<String> = parameters(&opened.url).into_keys().collect();
            assert_eq!(names, ["client_id", "request_uri"]);
        }
    }
}

/// Nobody is asked who it was but where the profile names the place, and then with a proof.
#[test]
fn bound_token_without_openid_has_named_user_or_none() {
    for nonce in [false, true] {
        let flags: &[&str] = if nonce { &["--dpop-nonce", "1"] } else { &[] };
        let server = Servers::oidc_provider_with(flags);
        let mut home = Home::new();
        let bound = |home: &Home, more: &str| {
            home.config("");
            let more = format!("scopes = [\"api\"]\ndpop = true\n{more}");
            home.profile("p", &server.issuer, "cli-dpop", &more);
        };
        let named = |place: &str| format!("userinfo_endpoint = {place:?}");
        bound(&home, "");
        home.browser(&json!({ "mode": "honest" }));
        let output = home.run(["login", "p", "--json"]).ok();
        assert!(!output.stderr.contains("warning"), "{}", output.stderr);
        let login = output.json();
        assert_eq!((&login["identity"], &login["token_type"]), (&json!({}), &json!("DPoP")));
        assert_eq!(login["scopes"], json!(["api"]));
        home.run(["refresh", "p"]).ok();

        // This one does not say it without `openid`: that is no reason to complain.
        bound(&home, &named(&format!("{}/me", server.issuer)));
        home.browser(&json!({ "mode": "honest" }));
        let output = home.run(["login", "p", "--json"]).ok();
        assert!(!output.stderr.contains("warning"), "{}", output.stderr);
        assert_eq!(output.json()["identity"], json!({}));

        bound(&home, &named(&server.who().0));
        home.browser(&json!({ "mode": "honest" }));
        let login = home.run(["login", "p", "--json"]).ok().json();
        assert_eq!(login["identity"], json!({ "sub": "alice-of-who" }), "nonce: {nonce}");
        let asked = json!([401, "use_dpop_nonce"]);
        let heard = json!([200, null]);
        assert_eq!(server.who().1, if nonce { vec![asked, heard] } else { vec![heard] });
        home.run(["refresh", "p"]).ok();
        let status = home.run(["status", "p", "--json"]).ok().json();
        assert_eq!(status[0]["identity"], json!({ "sub": "alice-of-who" }), "kept");
    }
}

/// Every way out of the program at once: streams, trace, HAR, files and arguments.
#[test]
fn login_leaves_no_secret_anywhere() {
    let home = home("tag.traced");
    let secret = hostile().secrets["cli-secret"].as_deref().unwrap();
    let more = "client_secret = { env = \"APP_SECRET\" }\nclient_auth = \"client_secret_basic\"\n";
    home.config("");
    home.profile("p", &hostile().issuer("tag.traced"), "cli-secret", &format!("{OPENID}{more}"));
    let mut home = home;
    home.set("APP_SECRET", secret);
    let har = home.path("trace.har");
    let flags = ["p", "--trace", "--json", "--trace-har", har.to_str().unwrap()];
    let (running, url) = listening(&home, &flags);
    let arguments = std::fs::read_to_string(format!("/proc/{}/cmdline", running.pid()));
    let to = callback(&url);
    let page = visit(&to).unwrap();
    let output = running.wait().ok();
    assert!(har.is_file());
    let minted = hostile().secrets_minted();
    let page = format!("{:?} {}", page.headers, page.body);
    let shown = [&*output.stdout, &output.stderr, &page, &arguments.unwrap_or_default()];
    assert_not_shown(&shown.join("\n"), &minted);
    assert_no_secret(&home, &minted);
    // The verifier and what it hides behind are not in the URL, nor in `state`.
    assert_not_shown(&format!("{url}\n{to}"), minted.iter().filter(|m| !to.contains(m.as_str())));
    home.run(["refresh", "p", "--trace"]).ok();
    home.assert_private();
}

#[test]
fn login_options_reach_the_server() {
    let mut home = Home::new();
    profile_at(&home, provider(), "cli", "authorization_params = { ui_locales = \"fr\" }\n");
    let browser = home.browser(&json!({ "mode": "honest" }));
    let flags = [
        "--login-hint",
        "bob",
        "--prompt",
        "consent",
        "--param",
        "ui_locales=de +en&é%20/=x",
        "--scope",
        "openid",
    ];
    let login = home.run([&["login", "p", "--json"], &flags[..]].concat()).ok().json();
    assert_eq!(login["identity"]["sub"], "bob");
    assert_eq!(login["scopes"], json!(["openid"]));
    let sent = parameters(&browser.openings()[0].url);
    for (name, value) in [
        ("login_hint", "bob"),
        ("prompt", "consent"),
        ("ui_locales", "de +en&é%20/=x"),
        ("scope", "openid"),
        ("response_type", "code"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(sent[name], value, "{name}");
    }
    assert_eq!(sent["code_challenge"].len(), 43);
    assert!(sent["state"].len() >= 22 && sent["nonce"].len() >= 22);
}

#[test]
fn state_nonce_and_challenge_are_new_every_time() {
    let home = Home::new();
    profile(&home, "tag.new", OPENID);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..5 {
        let mut running = home.spawn(["login", "p", "--flow", "paste", "--no-browser"]);
        let sent = parameters(&url_to_open(&mut running));
        running.wait().fails(4);
        for name in ["state", "nonce", "code_challenge"] {
            assert!(seen.insert(sent[name].clone()), "{name} was used before");
        }
    }
}
