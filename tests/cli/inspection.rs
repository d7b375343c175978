//! `inspect`, `userinfo`, `introspect` and `discover`: what a token, its user and its server are.

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::fixture::{Sandbox, TOKEN, logged_in, planted};
use crate::support::{Home, assert_not_shown, exported, jwt_part};

/// The stored tokens of profile `s`.
fn tokens(home: &Home) -> Value {
    let line = home.run(["export", "-p", "s"]).ok();
    exported(line.line())["tokens"].take()
}

fn jwt(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[test]
fn inspect_own_id_token_is_verified_and_explained() {
    let (home, sandbox) = logged_in(None);
    let id_token = tokens(&home)["id_token"].as_str().unwrap().to_owned();
    let stored = home.run(["inspect", "-p", "s", "--id-token", "--json"]).ok().json();
    let piped = home.run_with(["inspect", "-", "--json"], &format!("{id_token}\n")).ok().json();
    let given = home.run(["inspect", &id_token, "--json"]).ok().json();
    for found in [&stored, &piped, &given] {
        assert_eq!((&found["verified"], &found["signature"]), (&json!(true), &json!("valid")));
        assert_eq!(found["claims"]["iss"], json!(sandbox.issuer));
        assert_eq!((&found["profile"], &found["expired"]), (&json!("s"), &json!(false)));
        assert_eq!(found["header"]["alg"], "ES256");
        assert!(found["meanings"]["claims"]["sub"].as_str().unwrap().starts_with("subject"));
    }
    let text = home.run(["inspect", "-p", "s", "--id-token"]).ok().stdout;
    assert!(text.contains("valid: signed with a key of the server of profile `s`"), "{text}");
    assert!(text.contains("(issuer: the server that created the token)"), "{text}");
}

#[test]
fn inspect_altered_token_prints_it_and_fails() {
    let (home, _sandbox) = logged_in(None);
    let id_token = tokens(&home)["id_token"].as_str().unwrap().to_owned();
    let parts: Vec<&str> = id_token.split('.').collect();
    let mut claims = jwt_part(&id_token, 1);
    claims["sub"] = json!("somebody-else");
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let altered = format!("{}.{payload}.{}", parts[0], parts[2]);
    let output = home.run_with(["inspect", "-", "--json"], &altered).code(7);
    assert_eq!(
        (&output.json()["verified"], &output.json()["signature"]),
        (&json!(false), &json!("invalid"))
    );
    assert_eq!(output.json()["claims"]["sub"], "somebody-else");
    assert_eq!(output.error_json()["error"], "validation");
    // Offline nothing says so.
    let output = home.run_with(["inspect", "-", "--json", "--offline"], &altered).ok().json();
    assert_eq!(output["signature"], "not_verified");
}

#[test]
fn inspect_unsigned_token_fails() {
    let token = jwt(&json!({ "alg": "none" }), &json!({ "iss": "https://as.invalid" }), "");
    for args in [["inspect", &token].as_slice(), &["inspect", &token, "--offline"]] {
        let output = Home::new().run(args).code(7);
        assert!(output.stdout.contains("INVALID: the token is unsigned"), "{}", output.stdout);
    }
}

#[test]
fn inspect_foreign_issuer_is_never_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let header =
        json!({ "alg": "RS256", "kid": "k", "jku": format!("{issuer}/keys"), "x5u": issuer });
    let token = jwt(&header, &json!({ "iss": issuer, "exp": 1 }), "c2ln");
    let home = Home::new();
    let found = home.run_with(["inspect", "-", "--json"], &token).ok().json();
    assert_eq!((&found["signature"], &found["expired"]), (&json!("not_verified"), &json!(true)));
    std::thread::sleep(Duration::from_millis(1));
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn inspect_opaque_token_names_what_helps() {
    let (home, _sandbox) = logged_in(None);
    let output = home.run(["inspect", "-p", "s"]).fails(7);
    assert!(output.stderr.contains("is not a JWT"), "{}", output.stderr);
    assert_not_shown(&output.stderr, [tokens(&home)["access_token"].as_str().unwrap()]);
    let spans: Vec<&str> = output.stderr.split('`').skip(1).step_by(2).collect();
    let [command, option] = spans[..] else { panic!("{}", output.stderr) };
    home.run(command.split(' ').skip(1)).ok();
    home.run(["inspect", "-p", "s", option]).ok();
    home.run_with(["inspect", "-"], "").fails(2);
    planted(TOKEN).run(["inspect", "-p", "p", "--id-token"]).fails(4);
}

#[test]
fn inspect_hostile_claims_cannot_control_terminal() {
    let home = Home::new();
    let claims = json!({ "name": "a\u{1b}[2Jb\nsub  forged", "x\ny\u{202e}": [1] });
    let token = jwt(&json!({ "alg": "RS256" }), &claims, "c2ln");
    let text = home.run_with(["inspect", "-"], &token).ok().stdout;
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("sub")), "{text}");
}

#[test]
fn userinfo_of_the_same_subject_is_printed() {
    let (home, _sandbox) = logged_in(None);
    let claims = home.run(["userinfo", "s", "--json"]).ok().json();
    let id_token = home.run(["inspect", "-p", "s", "--id-token", "--json"]).ok().json();
    assert_eq!(claims["sub"], id_token["claims"]["sub"]);
    let text = home.run(["userinfo", "-p", "s"]).ok().stdout;
    let sub = claims["sub"].as_str().unwrap();
    let is_sub = |line: &str| line.split_whitespace().eq(["sub", sub]);
    assert!(text.lines().any(is_sub), "{text}");
}

#[test]
fn userinfo_of_another_subject_is_refused() {
    let (home, _sandbox) = logged_in(Some("userinfo-other-sub"));
    let output = home.run(["userinfo", "s", "--json"]).fails(7);
    assert_eq!(output.error_json()["error"], "validation");
    assert!(output.error_json()["message"].as_str().unwrap().contains("a different user"));
}

#[test]
fn userinfo_refusals_have_their_exit_codes() {
    for (scenario, code) in [("userinfo-401", 8), ("userinfo-html", 7)] {
        let (home, _sandbox) = logged_in(Some(scenario));
        let secret = tokens(&home)["access_token"].as_str().unwrap().to_owned();
        let output = home.run(["userinfo", "s", "--trace"]).fails(code);
        assert_not_shown(&output.stderr, [secret.as_str()]);
        home.run(["token", "-p", "s", "--cached"]).ok();
    }
}

#[test]
fn introspect_tells_active_tokens_from_others() {
    let (home, _sandbox) = logged_in(None);
    let found = home.run(["introspect", "s", "--json"]).ok().json();
    assert_eq!((&found["active"], &found["client_id"]), (&json!(true), &json!("demo")));
    let refresh = home.run(["introspect", "s", "--refresh-token", "--json"]).ok().json();
    assert_eq!(refresh["active"], true);
    let other = home.run_with(["introspect", "s", "--token-stdin", "--json"], "unknown").ok();
    assert_eq!(other.json(), json!({ "active": false }));
    let secret = tokens(&home)["access_token"].as_str().unwrap().to_owned();
    let traced = home.run(["introspect", "s", "--trace"]).ok();
    assert!(traced.stderr.contains("RFC 7662"), "{}", traced.stderr);
    assert_not_shown(&traced.stderr, [secret.as_str()]);
    home.run(["introspect", "s", "--account", "nobody"]).fails(4);
}

#[test]
fn introspect_without_an_endpoint_names_the_key() {
    let output = planted(TOKEN).run(["introspect", "p"]).fails(3);
    assert!(output.stderr.contains("`introspection_endpoint`"), "{}", output.stderr);
    let output = planted(TOKEN).run(["userinfo", "p"]).fails(3);
    assert!(output.stderr.contains("`userinfo_endpoint`"), "{}", output.stderr);
}

#[test]
fn discover_shows_and_explains_metadata() {
    let home = Home::new();
    let sandbox = Sandbox::start(&home);
    let found = home.run(["discover", &sandbox.issuer, "--json"]).ok().json();
    assert_eq!(
        (&found["kind"], &found["issuer"]),
        (&json!("authorization_server"), &json!(sandbox.issuer))
    );
    assert_eq!(found["metadata"]["issuer"], json!(sandbox.issuer));
    assert!(found["metadata_url"].as_str().unwrap().contains("/.well-known/"));
    let text = home.run(["discover", &sandbox.issuer]).ok();
    assert!(text.stdout.contains("codes and refresh tokens are exchanged here"), "{}", text.stdout);
    assert!(text.stdout.contains("S256 is supported"), "{}", text.stdout);
    // Nothing is left behind.
    assert!(!home.state_dir().exists());
    let command = text.stderr.split('`').nth(1).unwrap();
    home.run(command.split(' ').skip(1)).ok();
}

#[test]
fn discover_refuses_what_is_not_the_issuer() {
    let home = Home::new();
    let sandbox = Sandbox::start(&home);
    let slash = home.run(["discover", &format!("{}/", sandbox.issuer), "--json"]).ok().json();
    assert_eq!(slash["issuer"], json!(sandbox.issuer));
    home.run(["discover", &format!("{}/s/discovery-slash-issuer", sandbox.issuer)]).fails(7);
    let nothing = home.run(["discover", &format!("{}/no/such/issuer", sandbox.issuer)]).fails(7);
    let what = format!(
        "{0}/no/such/issuer is neither an issuer nor a resource with metadata: that of its host \
         belongs to a different resource, {0}/resource",
        sandbox.issuer
    );
    assert!(nothing.stderr.contains(&what), "{}", nothing.stderr);
    home.run(["discover", "http://as.invalid"]).fails(2);
    home.run(["discover", ""]).fails(2);
    home.run(["discover", "http://127.0.0.1:1"]).fails(9);
}
