//! What a rule answers: validated before the code is sent, and sent with it.

use serde_json::json;

use super::rule;
use crate::scene::Scene;
use crate::support::assert_not_shown;

#[test]
fn invalid_answer_stops_before_the_code_is_sent() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let large = |length: usize| json!({ "attributes": { "x": "v".repeat(length) } }).to_string();
    let long_name = json!({ "attributes": { "n".repeat(257): 1 } }).to_string();
    let answers = [
        "{".to_owned(),
        "{}x".to_owned(),
        "\u{feff}{}".to_owned(),
        "{\"deny\":[\"x\"]}".to_owned(),
        "{\"deny\":\"a\",\"deny\":\"b\"}".to_owned(),
        "{\"attributes\":{\"a\":1,\"a\":2}}".to_owned(),
        "{\"attributes\":\"x\"}".to_owned(),
        "{\"params\":[]}".to_owned(),
        "{\"params\":{\"x\":null}}".to_owned(),
        "{\"params\":{\"x\":[\"y\"]}}".to_owned(),
        "{\"params\":{\"x y\":\"z\"}}".to_owned(),
        "{\"params\":{\"x\\u0000\":\"z\"}}".to_owned(),
        "{\"Deny\":\"x\"}".to_owned(),
        format!("{{\"attributes\":{{\"x\":{}}}}}", nested(33)),
        format!("{{\"attributes\":{{\"x\":{}}}}}", nested(120)),
        nested(100_000),
        large(40_000),
        long_name,
    ];
    let answer = scene.home.path("answer");
    for event in ["authorization", "pre_token"] {
        rule(&scene, &format!("cat > /dev/null; cat {answer:?}"), &[event]);
        for text in &answers {
            scene.home.write(&answer, text);
            let output = scene.complete(&callback, &[]).fails(3);
            assert!(output.stderr.contains("hook"), "{}", output.stderr);
            assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        }
    }
    assert_eq!(scene.redemptions(), 0);
    // What can just be kept is kept, and can be read again.
    scene.home.write(&answer, &format!("{{\"attributes\":{{\"x\":{}}}}}", nested(32)));
    scene.complete(&callback, &[]).ok();
    let stored = scene.home.run(["token", "-p", "p", "--json"]).ok().json();
    assert_eq!(stored["attributes"]["x"].to_string(), nested(32));
}

/// A later rule's word goes before an earlier one's, and a rule's before the profile's.
#[test]
fn params_of_rules_are_sent_at_login_and_refresh() {
    let scene =
        Scene::with("honest", "token_params = { tenant = \"profile\", kept = \"profile\" }\n");
    let answers = scene.home.path("answers");
    rule(&scene, &format!("cat > /dev/null; cat {answers:?}/$1"), &["authorization", "pre_token"]);
    for (event, params) in [
        ("authorization", json!({ "first": "1", "both": "first" })),
        ("pre_token", json!({ "second": 2, "both": "second", "tenant": "rule" })),
    ] {
        scene.home.write(&answers.join(event), &json!({ "params": params }).to_string());
    }
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    let both = ["second=2", "both=second", "tenant=rule", "kept=profile"];
    for (grant, first) in [("authorization_code", true), ("refresh_token", false)] {
        let sent = scene.grants(grant).remove(0);
        let sent: Vec<&str> = sent["body"].as_str().unwrap().split('&').collect();
        for pair in both {
            let name = &pair[..=pair.find('=').unwrap()];
            let of_name: Vec<&&str> = sent.iter().filter(|sent| sent.starts_with(name)).collect();
            assert_eq!(of_name, [&pair], "{grant}: {sent:?}");
        }
        assert_eq!(sent.contains(&"first=1"), first, "{grant}: {sent:?}");
    }
}

#[test]
fn rule_cannot_set_protocol_parameters() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let answer = scene.home.path("answer");
    rule(&scene, &format!("cat > /dev/null; cat {answer:?}"), &["pre_token"]);
    for name in [
        "client_secret",
        "client_id",
        "client_assertion",
        "client_assertion_type",
        "code",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
        "scope",
        "state",
        "nonce",
        "response_type",
        "request",
        "request_uri",
        "code_challenge_method",
    ] {
        scene.home.write(&answer, &json!({ "params": { name: "x" } }).to_string());
        let output = scene.complete(&callback, &[]).fails(3);
        assert!(output.stderr.contains(name), "{name}: {}", output.stderr);
    }
    assert_eq!(scene.redemptions(), 0);
    scene.home.write(&answer, "");
    scene.complete(&callback, &[]).ok();
}

#[test]
fn total_of_attributes_is_checked_before_redemption() {
    let scene = Scene::new("honest");
    let half = "v".repeat(15_000);
    let (_, callback) = scene.come_back(&["--attr", &format!("a={half}")]);
    let script = "cat > /dev/null; printf '{\"attributes\":{\"%s\":\"%s\"}}' \"$1\" \"$(head -c 15000 /dev/zero | tr '\\0' v)\"";
    rule(&scene, script, &["authorization", "pre_token"]);
    scene.complete(&callback, &[]).fails(3);
    assert_eq!(scene.redemptions(), 0);
    rule(&scene, script, &["authorization"]);
    scene.complete(&callback, &[]).ok();
    let long = format!("{}=v", "n".repeat(257));
    scene.home.run(["start", "p", "--attr", &long]).fails(2);
}

#[test]
fn client_secret_in_a_reason_is_redacted() {
    let secret = "CANARY-a-secret-that-the-rule-knows";
    let scene = Scene::with("honest", &format!("client_secret = {secret:?}\n"));
    let (_, callback) = scene.come_back(&[]);
    rule(&scene, &format!("cat > /dev/null; echo '{{\"deny\":\"no {secret}\"}}'"), &["pre_token"]);
    let output = scene.complete(&callback, &[]).fails(5);
    assert!(output.stderr.contains("no [redacted]"), "{}", output.stderr);
    assert_not_shown(&output.stderr, [secret]);
}
