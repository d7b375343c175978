//! What financial-grade servers require (FAPI): signed requests and responses, pushed requests, bound tokens,
//! detailed authorizations. The server verifies and signs with a library that the project did not write.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};

use crate::support::{Home, OidcProvider, Servers, assert_no_secret, jwt_part};
use crate::user::{listening, parameters, provider, visit};

const KEY: &str = "scopes = [\"openid\"]\nprivate_key = { file = \"key.pem\" }\n";

/// A server with these options, and a home with the key of its client `cli-jwt`.
fn scene(options: &[&str]) -> (OidcProvider, Home) {
    let home = Home::new();
    let key = KeyPair::generate().unwrap();
    let point = key.der_bytes().to_vec();
    let [x, y] = [&point[1..33], &point[33..65]].map(|half| URL_SAFE_NO_PAD.encode(half));
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256" });
    let jwks = home.path("config/oauthctl/jwks.json");
    home.write(&jwks, &json!({ "keys": [jwk] }).to_string());
    home.write(&home.path("config/oauthctl/key.pem"), &key.serialize_pem());
    let jwks = ["--client-jwks", jwks.to_str().unwrap()];
    (Servers::oidc_provider_with(&[&jwks, options].concat()), home)
}

#[test]
fn server_that_requires_signed_requests_gets_them() {
    let (server, mut home) = scene(&["--jar", "1"]);
    let more = "authorization_params = { max_age = 3600 }\nresource = [\"https://api.example\"]\n";
    home.profile("p", &server.issuer, "cli-jwt", &format!("{KEY}{more}"));
    let browser = home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "p"]).ok();
    let sent = parameters(&browser.openings()[0].url);
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["client_id", "request"]);
    let claims = jwt_part(&sent["request"], 1);
    assert_eq!((&claims["iss"], &claims["client_id"]), (&json!("cli-jwt"), &json!("cli-jwt")));
    assert_eq!((&claims["aud"], &claims["max_age"]), (&json!(server.issuer), &json!(3600)));
    assert!(claims["code_challenge"].is_string() && claims["nonce"].is_string(), "{claims}");
    // And pushed, and as the profile says where nothing is required.
    home.config("").profile("p", &server.issuer, "cli-jwt", &format!("{KEY}par = \"always\"\n"));
    let browser = home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "p"]).ok();
    let sent = parameters(&browser.openings()[0].url);
    assert_eq!(sent.keys().collect::<Vec<_>>(), ["client_id", "request_uri"]);
}

#[test]
fn key_command_runs_once_for_a_signed_request() {
    let (server, mut home) = scene(&["--jar", "1"]);
    let log = home.path("asked");
    let key = home.path("config/oauthctl/key.pem");
    let script = format!("echo asked >> {}; cat {}", log.display(), key.display());
    let more = format!(
        "scopes = [\"openid\"]\nprivate_key = {{ command = [\"sh\", \"-c\", {script:?}] }}\n"
    );
    home.profile("p", &server.issuer, "cli-jwt", &more);
    home.login("p");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "asked\n");
}

#[test]
fn client_secret_signs_requests_where_there_is_no_key() {
    let (server, mut home) = scene(&["--jar", "1"]);
    let secret = "thirty-two-bytes-or-more-for-HS256-keys";
    let more = format!(
        "client_auth = \"client_secret_jwt\"\nclient_secret = {secret:?}\nscopes = [\"openid\"]\n"
    );
    for jar in ["auto", "always"] {
        let more = format!("{more}jar = {jar:?}\n");
        home.config("").profile("p", &server.issuer, "cli-secret-jwt", &more);
        let browser = home.browser(&json!({ "mode": "honest" }));
        let login = home.run(["login", "p", "--trace"]).ok();
        let request = parameters(&browser.openings()[0].url)["request"].clone();
        let header = URL_SAFE_NO_PAD.decode(request.split('.').next().unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((&header["alg"], &header["kid"]), (&json!("HS256"), &Value::Null));
        assert!(!login.stderr.contains(secret), "{}", login.stderr);
    }
}

#[test]
fn signed_request_without_a_key_opens_no_browser() {
    let (server, mut home) = scene(&["--jar", "1"]);
    let browser = home.browser(&json!({ "mode": "honest" }));
    home.profile("p", &server.issuer, "cli", "scopes = [\"openid\"]\n");
    let refused = home.run(["login", "p"]).fails(3);
    assert!(refused.stderr.contains("`private_key`"), "{}", refused.stderr);
    home.config("").profile("p", &server.issuer, "cli-jwt", &format!("{KEY}jar = \"never\"\n"));
    let never = home.run(["login", "p"]).fails(3);
    assert!(never.stderr.contains("jar = \"auto\""), "{}", never.stderr);
    assert!(browser.openings().is_empty());
    home.config("").profile("p", &server.issuer, "cli-jwt", &format!("{KEY}jar = \"auto\"\n"));
    home.login("p");
}

#[test]
fn every_response_mode_logs_in() {
    for mode in ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"] {
        let mut home = Home::new();
        let lines = format!("scopes = [\"openid\"]\nresponse_mode = {mode:?}\n");
        home.profile("p", &provider().issuer, "cli", &lines);
        let browser = home.browser(&json!({ "mode": "honest" }));
        let login = home.run(["login", "p", "--trace"]).ok();
        assert_eq!(parameters(&browser.openings()[0].url)["response_mode"], mode);
        let signed = login.stderr.contains("signed authorization response");
        assert_eq!(signed, mode.ends_with("jwt"), "{mode}: {}", login.stderr);
        let token = home.run(["token"]).ok().line().to_owned();
        assert_no_secret(&home, [token]);
    }
}

#[test]
fn signed_response_is_completed_in_another_process() {
    let home = Home::new();
    let lines = "scopes = [\"openid\"]\nresponse_mode = \"jwt\"\n\
        redirect_uri = \"http://127.0.0.1:7/callback\"\n";
    home.profile("p", &provider().issuer, "cli", lines);
    let started = home.run(["start", "p"]).ok().json();
    let url = started["authorization_url"].as_str().unwrap();
    let callback = follow(url);
    assert!(callback.starts_with("http://127.0.0.1:7/callback?response="), "{callback}");
    let done = home.run_with(["complete", "-"], &callback).ok().json();
    assert_eq!(done["grant_id"], started["grant_id"]);
    home.run_with(["complete", "-"], &callback).fails(7);
}

/// Follows the pages of the server with cookies, up to the callback.
#[track_caller]
fn follow(url: &str) -> String {
    let jar = tempfile::NamedTempFile::new().unwrap();
    let jar = jar.path().to_str().unwrap();
    let mut url = url.to_owned();
    for _ in 0..20 {
        let output = std::process::Command::new("curl")
            .args(["-sS", "-o", "/dev/null", "-b", jar, "-c", jar, "-w", "%{redirect_url}", &url])
            .output()
            .unwrap();
        url = String::from_utf8(output.stdout).unwrap();
        if url.starts_with("http://127.0.0.1:7/") {
            return url;
        }
    }
    panic!("no callback: {url}");
}

#[test]
fn forged_signed_response_is_never_redeemed() {
    let server = Servers::oidc_provider();
    for case in ["ES256", "RS256", "HS256", "none", "plain"] {
        let home = Home::new();
        let lines = "scopes = [\"openid\"]\nresponse_mode = \"jwt\"\n";
        home.profile("p", &server.issuer, "cli", lines);
        let (running, url) = listening(&home, &["p"]);
        let sent = parameters(&url);
        let claims = json!({
            "iss": server.issuer, "aud": "cli", "exp": 4_102_444_800_u64, "code": "forged",
            "state": sent["state"],
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signature = URL_SAFE_NO_PAD.encode([7; 64]);
        let header = part(&json!({ "alg": case }));
        let query = match case {
            "plain" => format!("code=forged&state={}&iss={}", sent["state"], server.issuer),
            _ => format!("response={header}.{}.{signature}", part(&claims)),
        };
        let page = visit(&format!("{}?{query}", sent["redirect_uri"])).unwrap();
        assert!(page.status >= 400, "{case}: {page:?}");
        running.wait().fails(7);
    }
    assert_eq!(server.count("authorization_code"), 0);
}

#[test]
fn signed_response_of_another_state_is_ignored() {
    let home = Home::new();
    let lines = "scopes = [\"openid\"]\nresponse_mode = \"jwt\"\n";
    home.profile("p", &provider().issuer, "cli", lines);
    let (mut running, url) = listening(&home, &["p"]);
    let to = parameters(&url)["redirect_uri"].clone();
    let state = URL_SAFE_NO_PAD.encode(json!({ "state": "other", "code": "c" }).to_string());
    for query in [
        format!("response=e30.{state}.c2ln"),
        "response=".to_owned(),
        "response=a.b.c".to_owned(),
        format!("response={}", "x".repeat(4000)),
    ] {
        let page = visit(&format!("{to}?{query}")).unwrap();
        assert!((400..=499).contains(&page.status), "{query}: {page:?}");
    }
    running.await_stderr(|text| text.contains("warning:").then_some(()));
    drop(running);
}

#[test]
fn granted_details_are_kept_with_the_grant() {
    let (server, home) = (Servers::machines(), Home::new());
    home.profile(
        "p",
        &server.issuer,
        "svc",
        &format!(
            "grant = \"client_credentials\"\nclient_secret = {:?}\n\
             authorization_details = [{{ type = \"payment\", amount = {{ value = 5 }} }}]\n",
            server.secret
        ),
    );
    let token = home.run(["token", "-p", "p", "--json"]).ok().json();
    let granted = json!([{ "type": "payment", "amount": { "value": 5 }, "id": "granted" }]);
    assert_eq!(token["kept"]["authorization_details"], granted);
}
