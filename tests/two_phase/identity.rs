//! The identity that granted: stored beside the caller's own reference, and checked against a required one.

use serde_json::{Value, json};

use crate::scene::{REDIRECT, Scene, complete, profile};
use crate::support::{Home, Output, Servers, consent};

const OPENID: &str = "openid";

/// Completes a flow of this scenario with a required identity.
fn required(scene: &Scene, scenario: &str, scope: &str, more: &str, who: &str) -> Output {
    scene.home.config("");
    let lines = format!("scopes = [{scope:?}]\nredirect_uri = {REDIRECT:?}\n{more}");
    scene.home.profile("p", &scene.server.issuer(scenario), "cli", &lines);
    let (_, callback) = scene.come_back(&["--user", scenario]);
    scene.complete(&callback, &["--require-identity", who])
}

/// Every stored grant, with its identity.
fn stored(home: &Home) -> Vec<(Value, Value)> {
    let all = home.run(["status", "--json"]).ok().json();
    let grant = |entry: &Value| (entry["grant_id"].clone(), entry["identity"].clone());
    all.as_array().unwrap().iter().map(grant).collect()
}

#[test]
fn address_must_belong_to_the_user() {
    let scene = Scene::new("honest");
    let mail = "email=alice@example.com";
    for scenario in ["id-token.email-verified", "id-token.email-verified-string"] {
        let output = required(&scene, scenario, OPENID, "", mail).ok();
        assert_eq!(output.stderr, "", "{scenario}");
        assert_eq!(output.json()["identity"]["email_verified"], true);
    }
    let output = required(&scene, "honest", OPENID, "", mail).ok();
    assert!(
        output.stderr.contains("warning:") && output.stderr.contains("sub="),
        "it does not say"
    );
    // Whoever is known by the subject is known, whatever is said of the address.
    let both = ["--require-identity", "sub=alice", "--require-identity", mail];
    let (_, callback) = scene.come_back(&["--user", "both"]);
    assert_eq!(scene.complete(&callback, &both).ok().stderr, "");
    let before = stored(&scene.home);
    for scenario in [
        "id-token.email-unverified",
        "id-token.email-unverified-string",
        "id-token.email-verified-nonsense",
        "id-token.email-invisible",
        "id-token.email-missing~userinfo.email-unverified",
        "id-token.email-missing~userinfo.sub-other",
        "id-token.email-missing~userinfo.sub-other-email-same",
    ] {
        let output = required(&scene, scenario, OPENID, "", mail).fails(7);
        assert!(output.stderr.contains("hint:"), "{scenario}: {}", output.stderr);
        let revoked = scene.server.requests(scenario, "revoke");
        assert_eq!(revoked.len(), 1, "{scenario}: revoked");
        let sent = revoked[0]["body"].as_str().unwrap();
        assert!(sent.contains("token_type_hint=refresh_token"), "{scenario}: the whole grant");
    }
    assert_eq!(stored(&scene.home), before, "nothing was stored");
    // The subject says who it is, whatever becomes of the address.
    required(&scene, "id-token.email-unverified~tag.sub", OPENID, "", "sub=alice").ok();
}

#[test]
fn tokens_of_another_user_not_revoked_are_reported() {
    let scene = Scene::new("honest");
    for (failure, told) in [("status-500", true), ("status-503", true), ("", false)] {
        let scenario = match failure {
            "" => "tag.revoked".to_owned(),
            failure => format!("revoke.{failure}"),
        };
        let said = required(&scene, &scenario, OPENID, "", "sub=nobody").fails(7).stderr;
        assert_eq!(said.contains("could not be revoked"), told, "{scenario}: {said}");
        assert!(!scene.server.requests(&scenario, "revoke").is_empty(), "{scenario}");
    }
    assert_eq!(stored(&scene.home), []);
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
        required(&scene, &scenario, OPENID, "", who).fails(7);
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
    let output = required(&scene, "tag.plain", "api", "", "sub=alice").ok();
    let identity = json!({ "sub": "alice", "email": "alice@example.com", "name": "Alice Example" });
    assert_eq!(output.json()["identity"], identity);
    let token = ["token", "-p", "p", "--account", "tag.plain", "--force-refresh"];
    scene.home.run(token).ok();
    assert_eq!(stored(&scene.home)[0].1, identity, "kept over a refresh");
    let before = stored(&scene.home);
    for (scenario, who) in [
        ("tag.other", "sub=mallory"),
        ("userinfo.sub-other", "sub=alice"),
        ("userinfo.sub-missing", "sub=alice"),
        ("userinfo.sub-invisible", "sub=alice"),
        ("userinfo.email-unverified", "email=alice@example.com"),
    ] {
        required(&scene, scenario, "api", "", who).fails(7);
    }
    for scenario in ["userinfo.html", "userinfo.array", "userinfo.status-500"] {
        let output = required(&scene, scenario, "api", "", "sub=alice");
        assert!([7, 9].contains(&output.status), "{}", output.stderr);
    }
    required(&scene, "userinfo.status-403", "api", "", "sub=alice").fails(8);
    assert_eq!(stored(&scene.home), before);
}

#[test]
fn userinfo_endpoint_of_the_profile_is_always_used() {
    let scene = Scene::new("honest");
    for scenario in ["tag.named", "userinfo.html~tag.named"] {
        scene.home.config("");
        let endpoint = format!("{}/userinfo", scene.server.issuer(scenario));
        let more = format!("userinfo_endpoint = {endpoint:?}\n");
        profile(&scene.home, &scene.server, "p", scenario, &more);
        let (_, callback) = scene.come_back(&[]);
        let output = scene.complete(&callback, &[]).ok();
        assert_eq!(output.stderr, "", "{scenario}");
        let found = output.json()["identity"]["sub"].clone();
        assert_eq!(found.is_null(), scenario.starts_with("userinfo"), "{scenario}: {found}");
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
    let elsewhere = Servers::hostile();
    let scene = Scene::new("discovery.no-revocation");
    let before = std::fs::read_to_string(scene.home.config_path()).unwrap();
    for (server, sent) in [(&elsewhere, 0), (&scene.server, 1)] {
        scene.home.config(&before);
        let (_, callback) = scene.come_back(&[]);
        let place = format!("{}/revoke", server.issuer("tag.other"));
        scene.home.config(&format!("{before}\nrevocation_endpoint = {place:?}\n"));
        scene.complete(&callback, &["--require-identity", "sub=mallory"]).fails(7);
        assert_eq!(server.requests("tag.other", "revoke").len(), sent);
    }
    assert_eq!(stored(&scene.home), []);
}
