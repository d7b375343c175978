//! The identity that granted: stored beside the caller's own reference, and checked against a required one.

use serde_json::{Value, json};

use crate::scene::{REDIRECT, Scene, complete, profile, visit};
use crate::support::shapes::{Shape, body, status, with_type, without};
use crate::support::signed::{Unsigned, changed, jwk, keys};
use crate::support::{CODE_GRANT, Home, Output, Scripted, Servers, consent};

const OPENID: &str = "openid";

/// Completes a flow at this issuer, for this user of ours, with a required identity.
fn required(home: &Home, issuer: &str, user: &str, scope: &str, who: &str) -> Output {
    home.config("");
    let lines = format!("scopes = [{scope:?}]\nredirect_uri = {REDIRECT:?}\n");
    home.profile("p", issuer, "cli", &lines);
    let begun = home.run(["start", "p", "--user", user]).ok().json();
    let callback = visit(begun["authorization_url"].as_str().unwrap());
    complete(home, &callback, &["--require-identity", who])
}

/// A change of an id_token.
type Claims = fn(Unsigned) -> Unsigned;

/// Makes the server one whose id_token and userinfo response say this of alice.
fn says(server: &Scripted, claims: Claims, userinfo: &Value) {
    server.reply("jwks", &keys(vec![jwk("k1")]));
    let alice = |token: Unsigned| token.claim("sub", json!("alice")).claim("email", json!(EMAIL));
    server.reply(CODE_GRANT, &changed(move |token| claims(alice(token))));
    server.refuse("userinfo", &body(userinfo.to_string()), usize::MAX);
}

const EMAIL: &str = "alice@example.com";

/// What a server says of alice at its userinfo endpoint, with other members.
fn userinfo(more: &Value) -> Value {
    let mut all = json!({ "sub": "alice", "email": EMAIL, "name": "Alice Example" });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    all
}

/// Every stored grant, with its identity.
fn stored(home: &Home) -> Vec<(Value, Value)> {
    let all = home.run(["status", "--json"]).ok().json();
    let grant = |entry: &Value| (entry["grant_id"].clone(), entry["identity"].clone());
    all.as_array().unwrap().iter().map(grant).collect()
}

#[test]
fn address_must_belong_to_the_user() {
    let (server, home) = (Scripted::start(), Home::new());
    let mail = "email=alice@example.com";
    let honest = userinfo(&json!({}));
    let verified: [Claims; 2] = [
        |token| token.claim("email_verified", json!(true)),
        |token| token.claim("email_verified", json!("true")),
    ];
    for (n, claims) in verified.into_iter().enumerate() {
        says(&server, claims, &honest);
        let user = format!("verified-{n}");
        let output = required(&home, server.issuer(), &user, OPENID, mail).ok();
        assert_eq!(output.stderr, "", "{user}");
        assert_eq!(output.json()["identity"]["email_verified"], true);
    }
    says(&server, |token| token, &honest);
    let output = required(&home, server.issuer(), "unsaid", OPENID, mail).ok();
    assert!(
        output.stderr.contains("warning:") && output.stderr.contains("sub="),
        "it does not say"
    );
    // Whoever is known by the subject is known, whatever is said of the address.
    let both = ["--require-identity", "sub=alice", "--require-identity", mail];
    let begun = home.run(["start", "p", "--user", "both"]).ok().json();
    let callback = visit(begun["authorization_url"].as_str().unwrap());
    assert_eq!(complete(&home, &callback, &both).ok().stderr, "");
    let before = stored(&home);
    let unverified: Claims = |token| token.claim("email_verified", json!(false));
    let missing: Claims = |token| token.without("email");
    let rows: [(&str, Claims, Value); 7] = [
        ("unverified", unverified, honest.clone()),
        (
            "unverified-string",
            |token| token.claim("email_verified", json!("false")),
            honest.clone(),
        ),
        ("verified-nonsense", |token| token.claim("email_verified", json!(1)), honest.clone()),
        (
            "invisible",
            |token| {
                let email = json!("alice@example.com\u{200b}");
                token.claim("email", email).claim("email_verified", json!(true))
            },
            honest.clone(),
        ),
        ("missing", missing, userinfo(&json!({ "email_verified": "false" }))),
        ("other", missing, json!({ "sub": "mallory", "email": "mallory@example.com" })),
        ("other-same-email", missing, json!({ "sub": "mallory", "email": EMAIL })),
    ];
    for (n, (name, claims, userinfo)) in rows.into_iter().enumerate() {
        says(&server, claims, &userinfo);
        let output = required(&home, server.issuer(), name, OPENID, mail).fails(7);
        assert!(output.stderr.contains("hint:"), "{name}: {}", output.stderr);
        let revoked = server.requests_at("revoke");
        assert_eq!(revoked.len(), n + 1, "{name}: revoked");
        assert_eq!(revoked[n].form["token_type_hint"], "refresh_token", "{name}: the whole grant");
    }
    assert_eq!(stored(&home), before, "nothing was stored");
    // The subject says who it is, whatever becomes of the address.
    says(&server, unverified, &honest);
    required(&home, server.issuer(), "sub", OPENID, "sub=alice").ok();
}

#[test]
fn tokens_of_another_user_not_revoked_are_reported() {
    let (server, home) = (Scripted::start(), Home::new());
    for (failure, told) in [(Some(500), true), (Some(503), true), (None, false)] {
        server.honest();
        if let Some(code) = failure {
            server.refuse("revoke", &status(code), usize::MAX);
        }
        let before = server.requests_at("revoke").len();
        let said = required(&home, server.issuer(), "u", OPENID, "sub=nobody").fails(7).stderr;
        assert_eq!(said.contains("could not be revoked"), told, "{failure:?}: {said}");
        assert!(server.requests_at("revoke").len() > before, "{failure:?}");
    }
    assert_eq!(stored(&home), []);
}

#[test]
fn identity_is_compared_byte_for_byte() {
    let scene = Scene::new("honest");
    for (n, who) in [
        "email=Alice@example.com",
        "email=alice@EXAMPLE.com",
        "email=alice@example.com ",
        "email=alice@example.com.",
        "sub=Alice",
        "sub=alice ",
        "sub=alic",
        "sub=alice\u{200b}",
    ]
    .into_iter()
    .enumerate()
    {
        let scenario = format!("tag.exact-{n}");
        let issuer = scene.server.issuer(&scenario);
        required(&scene.home, &issuer, &scenario, OPENID, who).fails(7);
    }
    assert_eq!(stored(&scene.home), []);
    let both =
        ["--require-identity", "sub=alice", "--require-identity", "email=mallory@example.com"];
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &both).fails(7);
    for wrong in ["sub=", "sub", "=alice", "name=alice", ""] {
        scene.home.run(["complete", "-", "--require-identity", wrong]).fails(2);
    }
    let twice = ["complete", "-", "--require-identity", "sub=a", "--require-identity", "sub=b"];
    scene.home.run(twice).fails(2);
}

#[test]
fn userinfo_says_who_it_is_where_there_is_no_id_token() {
    let scene = Scene::new("honest");
    let at = |tag: &str| scene.server.issuer(tag);
    let output = required(&scene.home, &at("tag.plain"), "plain", "api", "sub=alice").ok();
    let identity = userinfo(&json!({}));
    assert_eq!(output.json()["identity"], identity);
    let token = ["token", "-p", "p", "--account", "plain", "--force-refresh"];
    scene.home.run(token).ok();
    assert_eq!(stored(&scene.home)[0].1, identity, "kept over a refresh");
    let before = stored(&scene.home);
    required(&scene.home, &at("tag.other"), "other", "api", "sub=mallory").fails(7);
    let server = Scripted::start();
    let unnamed = json!({ "email": EMAIL });
    let rows: [(&str, Shape, &str, &[i32]); 8] = [
        ("sub-other", body(userinfo(&json!({ "sub": "mallory" })).to_string()), "sub=alice", &[7]),
        ("sub-missing", body(unnamed.to_string()), "sub=alice", &[7]),
        (
            "sub-invisible",
            body(userinfo(&json!({ "sub": "alice\u{200b}" })).to_string()),
            "sub=alice",
            &[7],
        ),
        (
            "email-unverified",
            body(userinfo(&json!({ "email_verified": "false" })).to_string()),
            "email=alice@example.com",
            &[7],
        ),
        ("html", with_type("text/html", body("<title>Hello</title>")), "sub=alice", &[7, 9]),
        ("array", body("[]"), "sub=alice", &[7, 9]),
        ("status-500", status(500), "sub=alice", &[7, 9]),
        ("status-403", status(403), "sub=alice", &[8]),
    ];
    for (name, shape, who, codes) in rows {
        server.refuse("userinfo", &shape, usize::MAX);
        let output = required(&scene.home, server.issuer(), name, "api", who);
        assert!(codes.contains(&output.status), "{name}: {} {}", output.status, output.stderr);
    }
    assert_eq!(stored(&scene.home), before);
}

#[test]
fn userinfo_endpoint_of_the_profile_is_always_used() {
    let (server, home) = (Scripted::start(), Home::new());
    let page = with_type("text/html", body("<title>Hello</title>"));
    for (name, shape) in [("named", body(userinfo(&json!({})).to_string())), ("html", page)] {
        server.refuse("userinfo", &shape, usize::MAX);
        home.config("");
        let more = format!("userinfo_endpoint = \"{}/userinfo\"\n", server.issuer());
        profile(&home, &server, "p", "", &more);
        let begun = home.run(["start", "p"]).ok().json();
        let callback = visit(begun["authorization_url"].as_str().unwrap());
        let output = complete(&home, &callback, &[]).ok();
        assert_eq!(output.stderr, "", "{name}");
        let found = output.json()["identity"]["sub"].clone();
        assert_eq!(found.is_null(), name == "html", "{name}: {found}");
    }
}

/// A token that is bound to a key names nobody by itself where no `openid` was asked for. The place that the
/// profile names says who it is, to a proof of the key.
#[test]
fn bound_token_without_a_proof_has_no_user() {
    for nonce in [false, true] {
        let flags: &[&str] = if nonce { &["--dpop-nonce", "1"] } else { &[] };
        let server = Servers::oidc_provider_with(flags);
        let home = Home::new();
        let completed = |more: &str, args: &[&str], code: i32| {
            home.config("");
            let lines =
                format!("redirect_uri = {REDIRECT:?}\nscopes = [\"api\"]\ndpop = true\n{more}");
            home.profile("p", &server.issuer, "cli-dpop", &lines);
            let begun = home.run(["start", "p"]).ok().json();
            let callback = consent(begun["authorization_url"].as_str().unwrap());
            complete(&home, &callback, args).code(code)
        };
        let output = completed("", &[], 0);
        assert_eq!((&output.json()["identity"], &*output.stderr), (&json!({}), ""));
        home.run(["token", "-p", "p", "--force-refresh"]).ok();
        // An identity is required, but this server returns none without `openid`.
        let before = stored(&home);
        let output = completed("", &["--require-identity", "sub=alice"], 8);
        assert!(
            output.stderr.contains("userinfo request was refused: status 403"),
            "{}",
            output.stderr
        );

        let named = format!("userinfo_endpoint = {:?}", server.who().0);
        completed(&named, &["--require-identity", "sub=alice"], 7);
        assert_eq!(stored(&home), before, "nothing was stored");
        let required = ["--require-identity", "sub=alice-of-who"];
        for args in [&required[..], &[]] {
            let output = completed(&named, args, 0);
            assert_eq!(output.json()["identity"], json!({ "sub": "alice-of-who" }));
            assert_eq!(output.stderr, "");
        }
        let (asked, heard) = (json!([401, "use_dpop_nonce"]), json!([200, null]));
        let each = if nonce { vec![asked, heard] } else { vec![heard] };
        let all: Vec<Value> = std::iter::repeat_n(each, 3).flatten().collect();
        assert_eq!(server.who().1, all, "each with a proof that was right");
    }
}

/// A server that was unknown at the start gets no token, wherever a profile leads later.
#[test]
fn unsaved_tokens_are_revoked_only_at_their_server() {
    let elsewhere = Scripted::start();
    let scene = Scene::scripted("");
    scene.server.reply("metadata", &without("revocation_endpoint"));
    scene.server.refuse("userinfo", &body(userinfo(&json!({})).to_string()), usize::MAX);
    let before = std::fs::read_to_string(scene.home.config_path()).unwrap();
    for (server, sent) in [(&elsewhere, 0), (&scene.server, 1)] {
        scene.home.config(&before);
        let (_, callback) = scene.come_back(&[]);
        let place = format!("{}/revoke", server.issuer_with("rotate"));
        scene.home.config(&format!("{before}\nrevocation_endpoint = {place:?}\n"));
        scene.complete(&callback, &["--require-identity", "sub=mallory"]).fails(7);
        assert_eq!(server.requests_at("revoke").len(), sent);
    }
    assert_eq!(stored(&scene.home), []);
}
