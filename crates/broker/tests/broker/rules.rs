//! Rules: expressions and callbacks that decide and keep attributes.

use std::time::{Duration, Instant};

use oauthctl_sandbox::SandboxOptions;
use serde_json::{Value, json};

use crate::receiver::{Receiver, verdicts};
use crate::support::{
    Api, Broker, Browser, Home, provider, provider_with, start_broker, token_requests,
};

async fn rule(api: &Api, event: &str, expression: &str) {
    let put = api.put(&format!("/v1/rules/{event}"), &json!({ "expression": expression })).await;
    put.json(if put.status == 200 { 200 } else { 201 });
}

async fn attributes(api: &Api) -> Value {
    api.get("/v1/connections/sandbox/u-1").await.json(200)["attributes"].clone()
}

#[tokio::test]
async fn cached_token_is_not_handed_out_past_a_rule() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    // It is in memory now.
    api.token("sandbox", "u-1").await.json(200);
    api.token("sandbox", "u-1").await.json(200);
    for event in ["pre_token", "post_token"] {
        rule(
            &api,
            event,
            "if attributes.plan == \"gold\" { true } else { #{ deny: \"not paid\" } }",
        )
        .await;
        let denied = api.token("sandbox", "u-1").await.problem(403);
        assert_eq!(denied["error"], "access_denied");
        assert!(denied["detail"].as_str().unwrap().ends_with("not paid"), "{denied}");
        let gold = json!({ "attributes": { "plan": "gold" }, "ttl": 2 });
        let path = "/v1/connections/sandbox/u-1";
        api.send(reqwest::Method::PATCH, path, Some(&gold)).await.json(200);
        api.token("sandbox", "u-1").await.json(200);
        // The attribute ends, and with it the permission.
        let until = Instant::now() + Duration::from_secs(30);
        while api.token("sandbox", "u-1").await.status == 200 {
            assert!(Instant::now() < until, "never ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        api.token("sandbox", "u-1").await.problem(403);
        assert_eq!(api.delete(&format!("/v1/rules/{event}")).await.status, 204);
        api.token("sandbox", "u-1").await.json(200);
    }
    // Nothing of this was a request to the provider.
    assert_eq!(token_requests(&sandbox), 1);
}

#[tokio::test]
async fn state_of_the_authorization_is_read_at_the_token() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    rule(&api, "authorization", "#{ attributes: #{ by: user + \"@\" + provider }, ttl: \"1h\" }")
        .await;
    rule(&api, "post_token", "attributes.by == \"u-1@sandbox\"").await;
    api.connect("sandbox", "u-1").await;
    assert_eq!(attributes(&api).await, json!({ "by": "u-1@sandbox" }));
    api.token("sandbox", "u-1").await.json(200);
    // A rule can count, and its values end.
    rule(&api, "pre_token", "#{ attributes: #{ n: (attributes.n ?? 0) + 1 }, ttl: 3600 }").await;
    for _ in 0..3 {
        api.token("sandbox", "u-1").await.json(200);
    }
    assert_eq!(attributes(&api).await["n"], 3);
}

#[tokio::test]
async fn denied_authorization_redeems_nothing() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.provide("other", sandbox.issuer()).await;
    let deny = json!({ "expression": "user != \"u-1\"" });
    api.put("/v1/rules/authorization?provider=sandbox", &deny).await.json(201);
    let body = json!({ "provider": "sandbox", "user": "u-1" });
    let page = Browser::default().follow(&api.link(&body).await).await;
    assert_ne!(page.status, 200, "{}", page.text);
    assert_eq!(token_requests(&sandbox), 0);
    api.token("sandbox", "u-1").await.problem(404);
    // Another user and another provider are none of its business.
    api.connect("sandbox", "u-2").await;
    api.connect("other", "u-1").await;
    api.get("/v1/rules/authorization").await.problem(404);
    assert_eq!(
        api.get("/v1/rules/authorization?provider=sandbox").await.json(200),
        json!({ "event": "authorization", "provider": "sandbox", "expression": "user != \"u-1\"" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_that_denies_a_refresh_reports_and_recovers() {
    let options = SandboxOptions { access_ttl: Duration::from_secs(5), ..Default::default() };
    let sandbox = provider_with(options).await;
    let (_home, _broker, api) = start_broker();
    let receiver = Receiver::start().await;
    let events = ["connection.refresh_failed", "connection.recovered"];
    api.put("/v1/webhooks/all", &json!({ "url": receiver.url, "events": events })).await.json(201);
    api.provide("sandbox", &sandbox.issuer_with("rotate")).await;
    api.connect("sandbox", "u-1").await;
    rule(&api, "pre_token", "false").await;
    let failed = receiver.wait_for(1).await;
    assert_eq!(failed[0].json()["data"]["error"], "access_denied");
    assert_eq!(api.delete("/v1/rules/pre_token").await.status, 204);
    api.get("/v1/connections/sandbox/u-1/token?min_ttl=4").await.json(200);
    let kinds: Vec<_> = receiver.wait_for(2).await.iter().map(|m| m.kind()).collect();
    assert_eq!(kinds, events);
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_decides_and_its_requests_are_signed() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let receiver = Receiver::start().await;
    let callback = json!({ "callback": format!("{}/rule", receiver.url) });
    let put = api.put("/v1/rules/post_token", &callback).await.json(201);
    let secret = put["secret"].as_str().unwrap();
    api.token("sandbox", "u-1").await.json(200);
    let asked = receiver.all();
    assert_eq!(asked.len(), 1);
    assert_eq!(verdicts(secret, &asked), ["ok"]);
    let input = asked[0].json();
    assert_eq!(input["event"], "post_token");
    assert_eq!((&input["user"], &input["provider"]), (&json!("u-1"), &json!("sandbox")));
    assert!(input.get("access_token").is_none() && input.get("profile").is_none(), "{input}");
    let shown = api.get("/v1/rules/post_token").await.json(200);
    assert_eq!(shown, json!({ "event": "post_token", "callback": callback["callback"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn callback_that_fails_in_any_way_hands_nothing_out() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let receiver = Receiver::start().await;
    let callback = json!({ "callback": receiver.url });
    api.put("/v1/rules/post_token", &callback).await.json(201);
    for status in [500, 404, 302, 201, 429] {
        receiver.answer_next(&[status]);
        let failed = api.token("sandbox", "u-1").await.problem(502);
        assert_eq!(failed["error"], "rule_failed", "{status}");
    }
    for answer in ["x", "[]", "1", "{\"x\":1}", "{\"deny\":1}", "{\"attributes\":[]}", "\"yes\""] {
        receiver.answer_body(answer);
        assert_eq!(
            api.token("sandbox", "u-1").await.problem(502)["error"],
            "rule_failed",
            "{answer}"
        );
    }
    receiver.answer_body(&format!("{{\"deny\":\"{}\"}}", "x".repeat(100_000)));
    api.token("sandbox", "u-1").await.problem(502);
    receiver.answer_body("{\"deny\":\"closed\\u001b[31m today\"}");
    let denied = api.token("sandbox", "u-1").await.problem(403);
    assert!(!denied["detail"].as_str().unwrap().contains('\u{1b}'), "{denied}");
    receiver.answer_body("{\"attributes\":{\"seen\":true}}");
    api.token("sandbox", "u-1").await.json(200);
    assert_eq!(attributes(&api).await["seen"], true);
    // Nobody listens there.
    api.put("/v1/rules/post_token", &json!({ "callback": "http://127.0.0.1:9/" })).await.json(200);
    api.token("sandbox", "u-1").await.problem(502);
    // A server that never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    api.put("/v1/rules/post_token", &json!({ "callback": url })).await.json(200);
    let begun = Instant::now();
    api.token("sandbox", "u-1").await.problem(502);
    assert!(begun.elapsed() < Duration::from_secs(12), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_rule_is_logged_with_its_reason() {
    let sandbox = provider().await;
    let (_home, broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    let logs = |event: &str, reason: &str| {
        let log = broker.log();
        let of = format!("tenant=\"acme\" provider=\"sandbox\" event=\"{event}\"");
        let line = log.lines().rfind(|line| line.contains("a rule failed")).unwrap_or(&log);
        assert!(line.contains(&of) && line.contains(&format!("reason=\"{reason}\"")), "{line}");
    };
    rule(&api, "authorization", "1 / 0").await;
    let body = json!({ "provider": "sandbox", "user": "u-1" });
    let page = Browser::default().follow(&api.link(&body).await).await;
    assert_ne!(page.status, 200, "{}", page.text);
    logs("authorization", "the expression of a rule failed: an arithmetic error");
    assert_eq!(api.delete("/v1/rules/authorization").await.status, 204);
    api.connect("sandbox", "u-1").await;
    rule(&api, "pre_token", "1").await;
    api.token("sandbox", "u-1").await.problem(502);
    logs("pre_token", "a rule failed: its answer is not an object");
    assert_eq!(api.delete("/v1/rules/pre_token").await.status, 204);
    let receiver = Receiver::start().await;
    let callback = json!({ "callback": format!("{}/canary?canary", receiver.url) });
    api.put("/v1/rules/post_token", &callback).await.json(201);
    receiver.answer_body("canary");
    receiver.answer_next(&[500]);
    api.token("sandbox", "u-1").await.problem(502);
    logs("post_token", "the callback of a rule failed: HTTP status 500");
    api.token("sandbox", "u-1").await.problem(502);
    logs("post_token", "a rule failed: its answer is not an object");
    let silent = json!({ "callback": "http://127.0.0.1:9/canary" });
    api.put("/v1/rules/post_token", &silent).await.json(200);
    api.token("sandbox", "u-1").await.problem(502);
    assert!(broker.log().contains("cannot connect to 127.0.0.1:9"), "{}", broker.log());
    // A denial is not a failure.
    let count = broker.log().matches("a rule failed").count();
    rule(&api, "post_token", "false").await;
    api.token("sandbox", "u-1").await.problem(403);
    assert_eq!(broker.log().matches("a rule failed").count(), count);
    assert!(!broker.log().contains("canary"), "{}", broker.log());
}

#[tokio::test]
async fn hostile_rules_are_refused_or_fail_closed() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let long = "1+".repeat(4_000) + "1";
    let deep = format!("{}1{}", "(".repeat(2_000), ")".repeat(2_000));
    for expression in [
        "",
        "1 +",
        "while true {}",
        "loop {}",
        "let x = 1",
        "fn f() { 1 }",
        "eval(\"1\")",
        "import \"x\"",
        "|x| x",
        "throw 1",
        &long,
        &deep,
    ] {
        let answer = api.put("/v1/rules/post_token", &json!({ "expression": expression })).await;
        answer.problem(400);
        assert!(expression.len() < 9 || !answer.text.contains(expression), "{expression}");
    }
    for body in [
        json!({}),
        json!({ "expression": "true", "callback": "https://a.example/" }),
        json!({ "expression": 1 }),
        json!({ "expression": "true", "x": 1 }),
        json!({ "callback": "ftp://a.example/" }),
        json!({ "callback": "http://a.example/" }),
        json!({ "callback": "https://u:p@a.example/" }),
    ] {
        api.put("/v1/rules/post_token", &body).await.problem(400);
    }
    let put = json!({ "expression": "true" });
    for path in ["login_required", "x", "POST_TOKEN"] {
        api.put(&format!("/v1/rules/{path}"), &put).await.problem(404);
    }
    api.put("/v1/rules/post_token?provider=a%2fb", &put).await.problem(400);
    api.put("/v1/rules/post_token?x=1", &put).await.problem(400);
    // What is no answer, or fails, hands nothing out.
    for expression in [
        "1",
        "\"x\"",
        "[]",
        "unknown",
        "1 / 0",
        "attributes.a.b.c",
        "#{ x: 1 }",
        "#{ deny: 1 }",
        "#{ attributes: 1 }",
        "#{ ttl: \"soon\" }",
        "9223372036854775807 + 1",
    ] {
        rule(&api, "post_token", expression).await;
        let failed = api.token("sandbox", "u-1").await.problem(502);
        assert_eq!(failed["error"], "rule_failed", "{expression}");
    }
}

#[tokio::test]
async fn callback_on_a_private_address_is_refused() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let outside = ["--listen", "0.0.0.0:0", "--behind-proxy", "--public-url", "https://b.example"];
    let mut command = home.command(&["serve"]);
    let broker = Broker::start(command.args(outside));
    let mut api = broker.api(&key);
    api.url = api.url.replace("0.0.0.0", "127.0.0.1");
    for url in
        ["https://127.0.0.1/", "https://10.0.0.1/", "https://169.254.169.254/", "https://[::1]/"]
    {
        api.put("/v1/rules/pre_token", &json!({ "callback": url })).await.problem(400);
    }
}

#[tokio::test]
async fn rule_of_one_tenant_is_hidden_from_another() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = home.serve(&[]);
    let owner = broker.api(&home.tenant("owner", &[]));
    let other = broker.api(&home.tenant("other", &[]));
    rule(&other, "post_token", "false").await;
    owner.provide("sandbox", sandbox.issuer()).await;
    owner.connect("sandbox", "u-1").await;
    owner.token("sandbox", "u-1").await.json(200);
    owner.get("/v1/rules/post_token").await.problem(404);
    owner.delete("/v1/rules/post_token").await.problem(404);
    other.get("/v1/rules/post_token").await.json(200);
}

#[tokio::test]
async fn list_has_each_rule_and_no_secret() {
    let (home, broker, api) = start_broker();
    let empty = api.get("/v1/rules").await.json(200);
    assert_eq!(empty, json!({ "rules": [], "next_cursor": null }));
    rule(&api, "pre_token", "true").await;
    rule(&api, "post_token?provider=sandbox", "false").await;
    let callback = json!({ "callback": "http://127.0.0.1:9/ask" });
    api.put("/v1/rules/authorization", &callback).await.json(201);
    let expected = [
        json!({ "event": "authorization", "callback": "http://127.0.0.1:9/ask" }),
        json!({ "event": "post_token", "provider": "sandbox", "expression": "false" }),
        json!({ "event": "pre_token", "expression": "true" }),
    ];
    assert_eq!(api.get("/v1/rules").await.json(200)["rules"], json!(expected));
    let first = api.get("/v1/rules?limit=2").await.json(200);
    assert_eq!(first["rules"], json!(expected[..2]));
    let rest = format!("/v1/rules?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = api.get(&rest).await.json(200);
    assert_eq!(rest, json!({ "rules": expected[2..], "next_cursor": null }));
    api.get("/v1/rules?limit=0").await.problem(400);
    api.get("/v1/rules?cursor=%20").await.problem(400);
    let other = broker.api(&home.tenant("other", &[]));
    assert_eq!(other.get("/v1/rules").await.json(200)["rules"], json!([]));
}
