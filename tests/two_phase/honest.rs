//! The normal flow, for any number of users.

use serde_json::json;

use crate::scene::{REDIRECT, Scene, complete, visit};
use crate::support::{Home, Servers, assert_no_secret, assert_not_shown, consent, jwt_part};

#[test]
fn start_here_complete_there_with_a_strict_server() {
    let server = Servers::oidc_provider();
    let home = Home::new();
    let more = format!(
        "scopes = [\"openid\", \"offline_access\", \"api\"]\nredirect_uri = {REDIRECT:?}\n\
         authorization_params = {{ prompt = \"consent\" }}"
    );
    home.profile("p", &server.issuer, "cli", &more);
    let user = "Zoë \u{1F980}\t/../\u{202e}x\n";
    let begun = home
        .run(["start", "p", "--user", user, "--attr", "tenant=acme", "--ttl", "5m"])
        .ok()
        .json();
    let names: Vec<&String> = begun.as_object().unwrap().keys().collect();
    assert_eq!(names, ["authorization_url", "state", "grant_id", "profile", "user", "expires_at"]);
    assert_eq!((&begun["profile"], &begun["user"]), (&json!("p"), &json!(user)));
    let state = begun["state"].as_str().unwrap();
    let (header, claims) = (jwt_part(state, 0), jwt_part(state, 1));
    assert_eq!(header["alg"], "HS256");
    assert_eq!((&claims["as"], &claims["aud"]), (&json!(server.issuer), &json!("cli")));
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);

    let callback = consent(begun["authorization_url"].as_str().unwrap());
    let wrong = complete(&home, &callback, &["--expect-state", "another"]).fails(7);
    assert_not_shown(&wrong.stderr, [state]);
    let done = complete(&home, &callback, &["--expect-state", state, "--show-token"]).ok().json();
    assert_eq!(done["grant_id"], begun["grant_id"]);
    assert_eq!((&done["account"], &done["user"]), (&json!(user), &json!(user)));
    assert_eq!(done["attributes"], json!({ "tenant": "acme" }));
    assert!(done["identity"]["sub"].is_string() && done["expires_at"].is_string(), "{done}");
    let token = home.run(["token", "-p", "p", "--account", user]).ok();
    assert_eq!(json!(token.line()), done["access_token"]);
    complete(&home, &callback, &[]).fails(7);
    assert_eq!(server.count("authorization_code"), 1);
    home.assert_private();
}

#[test]
fn pending_flow_is_sealed_and_listed_without_the_user() {
    let scene = Scene::new("honest");
    let user = "alice-the-person";
    let (begun, callback) = scene.come_back(&["--user", user, "--attr", "note=a-private-note"]);
    let shown = format!("{}{}", begun["state"], begun["authorization_url"]);
    assert_not_shown(&shown, [user, "a-private-note"]);
    assert!(!jwt_part(begun["state"].as_str().unwrap(), 1).to_string().contains(user));
    let verifier_to_be = begun["authorization_url"].as_str().unwrap();
    let challenge = verifier_to_be.split("code_challenge=").nth(1).unwrap()[..43].to_owned();
    assert_no_secret(
        &scene.home,
        [user, "a-private-note", &challenge, begun["state"].as_str().unwrap()],
    );
    scene.complete(&callback, &[]).ok();
    assert_no_secret(&scene.home, scene.server.secrets_minted());
    scene.home.assert_private();
}

#[test]
fn many_flows_of_many_users_are_open_at_once() {
    let scene = Scene::new("honest");
    let open: Vec<_> = (0..12)
        .map(|n| {
            (n, scene.come_back(&["--user", &format!("u{}", n % 4), "--attr", &format!("n={n}")]))
        })
        .collect();
    assert_eq!(
        scene.home.run(["pending", "list", "--json"]).ok().json().as_array().unwrap().len(),
        12
    );
    for (n, (begun, callback)) in open.iter().rev() {
        let done = scene.complete(callback, &[]).ok().json();
        assert_eq!(done["user"], json!(format!("u{}", n % 4)));
        assert_eq!(done["attributes"]["n"], json!(n.to_string()));
        assert_eq!(done["grant_id"], begun["grant_id"]);
    }
    assert_eq!(scene.redemptions(), 12);
    assert_eq!(scene.home.run(["status", "--json"]).ok().json().as_array().unwrap().len(), 4);
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), json!([]));
}

#[test]
fn code_and_state_can_be_given_one_by_one() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&[]);
    let value = |name: &str| {
        let url = url::Url::parse(&callback).unwrap();
        url.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned()
    };
    let (code, state, iss) = (value("code"), value("state"), value("iss"));
    let home = &scene.home;
    home.run(["complete", "--code", &code, "--state", &state, "--iss", "https://x.example"])
        .fails(7);
    home.run(["complete", "--code", &code]).fails(2);
    home.run(["complete"]).fails(2);
    assert_eq!(scene.redemptions(), 0);
    let args = ["complete", "--code", &code, "--state", &state, "--iss", &iss];
    let done = home.run(args).ok().json();
    assert_eq!((&done["account"], &done["user"]), (&json!("default"), &json!(null)));
    assert_eq!(done["grant_id"], begun["grant_id"]);
}

#[test]
fn flow_can_be_shown_and_cancelled() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&["--user", "bob"]);
    let id = begun["grant_id"].as_str().unwrap();
    let shown = scene.home.run(["pending", "show", id, "--json"]).ok();
    assert_eq!(shown.json()["user"], "bob");
    assert_not_shown(&shown.stdout, [begun["state"].as_str().unwrap()]);
    assert!(scene.home.run(["pending", "show", id]).ok().stdout.contains("bob"));
    scene.home.run(["pending", "cancel", id]).ok();
    scene.home.run(["pending", "cancel", id]).fails(3);
    scene.home.run(["pending", "show", id]).fails(3);
    scene.refuses(&callback, &[]);
}

#[test]
fn completion_refuses_another_user_than_required() {
    let scene = Scene::with("honest", "");
    scene.home.config("");
    let more = format!("scopes = [\"openid\", \"api\"]\nredirect_uri = {REDIRECT:?}");
    scene.home.profile("p", &scene.server.issuer("honest"), "cli", &more);
    let (_, callback) = scene.come_back(&["--user", "a"]);
    scene.home.run(["complete", &callback, "--require-identity", "phone=1"]).fails(2);
    scene.complete(&callback, &["--require-identity", "sub=somebody-else"]).fails(7);
    assert_eq!(scene.home.run(["status", "--json"]).ok().json(), json!([]), "nothing was stored");
    let (_, callback) = scene.come_back(&["--user", "a"]);
    let sub = scene.complete(&callback, &[]).ok().json()["identity"]["sub"].clone();
    let (_, callback) = scene.come_back(&["--user", "a"]);
    let required = format!("sub={}", sub.as_str().unwrap());
    scene.complete(&callback, &["--require-identity", &required]).ok();
}

#[test]
fn denial_ends_the_flow_with_its_own_code() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&[]);
    let state = begun["state"].as_str().unwrap();
    let iss = scene.server.issuer("honest");
    let denied = |iss: &str| format!("{REDIRECT}?error=access_denied&state={state}&iss={iss}");
    scene.refuses(&denied("https://x.example"), &[]);
    scene.complete(&denied(&iss), &[]).fails(5);
    scene.refuses(&callback, &[]);
}

#[test]
fn state_signed_with_ed25519_works_as_well() {
    let scene = Scene::new("honest");
    let (_, before) = scene.come_back(&[]);
    scene.home.run(["pending", "rotate-key", "--alg", "EdDSA"]).ok();
    let (begun, callback) = scene.come_back(&[]);
    assert_eq!(jwt_part(begun["state"].as_str().unwrap(), 0)["alg"], "EdDSA");
    scene.complete(&callback, &[]).ok();
    scene.complete(&before, &[]).ok();
    let (_, old) = scene.come_back(&[]);
    scene.home.run(["pending", "rotate-key"]).ok();
    scene.home.run(["pending", "rotate-key"]).ok();
    scene.refuses(&old, &[]);
}

#[test]
fn impossible_start_is_refused_and_stores_nothing() {
    let scene = Scene::new("honest");
    let long = "x".repeat(1025);
    for (more, code) in [
        (["--user", ""], 2),
        (["--user", &long], 2),
        (["--ttl", "0"], 2),
        (["--ttl", "365d"], 2),
        (["--redirect-uri", "http://app.example/cb"], 2),
        (["--redirect-uri", "nonsense"], 2),
        (["--attr", "=x"], 2),
        (["--param", "state=x"], 2),
        (["--profile", "nobody"], 2),
    ] {
        scene.home.run(["start", "p"].iter().chain(&more)).fails(code);
    }
    scene.home.run(["start", "nobody"]).fails(3);
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), json!([]));
    let longest = "\u{1F980}".repeat(256);
    let begun = scene.start(&["--user", &longest]);
    let callback = visit(begun["authorization_url"].as_str().unwrap());
    assert_eq!(scene.complete(&callback, &[]).ok().json()["user"], json!(longest));
}
