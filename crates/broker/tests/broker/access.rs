//! Who may call.

use reqwest::Method;
use serde_json::json;

use crate::support::{Home, provider, start_broker};

/// Every route that needs a key.
const ROUTES: &[(&str, &str)] = &[
    ("GET", "/v1/providers"),
    ("PUT", "/v1/providers/sandbox"),
    ("GET", "/v1/providers/sandbox"),
    ("DELETE", "/v1/providers/sandbox"),
    ("POST", "/v1/connections"),
    ("GET", "/v1/connections"),
    ("GET", "/v1/connections/sandbox/ada"),
    ("PATCH", "/v1/connections/sandbox/ada"),
    ("DELETE", "/v1/connections/sandbox/ada"),
    ("GET", "/v1/connections/sandbox/ada/token"),
    ("POST", "/v1/confirmations"),
    ("GET", "/v1/webhooks"),
    ("PUT", "/v1/webhooks/all"),
    ("GET", "/v1/webhooks/all"),
    ("DELETE", "/v1/webhooks/all"),
    ("GET", "/v1/audit"),
    ("GET", "/v1/rules"),
    ("PUT", "/v1/rules/pre_token"),
    ("GET", "/v1/rules/pre_token"),
    ("DELETE", "/v1/rules/pre_token"),
];

#[tokio::test]
async fn request_without_valid_key_is_401_on_each_route() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let half = &key[..key.len() / 2];
    for wrong in ["", "x", half, &key.to_uppercase(), &format!("{key}x")] {
        let api = broker.api(wrong);
        for (method, path) in ROUTES {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = api.send(method, path, Some(&json!({}))).await;
            let problem = answer.problem(401);
            assert_eq!(problem["error"], "unauthorized", "{path}");
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"oauthctl\"");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("x-request-id").len(), 16);
        }
    }
    let answer = broker.api("x").post("/v1/keys", &json!({})).await;
    answer.problem(401);
    assert!(answer.header("www-authenticate").starts_with("Basic realm="));
}

#[tokio::test]
async fn method_that_is_missing_is_405_with_the_others() {
    let (_home, _broker, api) = start_broker();
    let routes = [
        ("DELETE", "/v1/connections", "GET, HEAD, POST"),
        ("POST", "/v1/providers/p", "DELETE, GET, HEAD, PUT"),
        ("POST", "/v1/connections/p/u/token", "GET, HEAD"),
        ("OPTIONS", "/v1/connections/p/u", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/v1/confirmations", "POST"),
        ("PUT", "/openapi.json", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
        ("GET", "/admin/login", "POST"),
        // Links change something, so HEAD must not follow them.
        ("HEAD", "/callback", "GET"),
        ("POST", "/callback", "GET"),
        ("PUT", "/connect/acme/p/callback", "GET"),
        ("HEAD", "/connect/acme/x", "GET"),
        ("HEAD", "/v1/verify?token=x", "GET, POST"),
        ("PATCH", "/v1/verify?token=x", "GET, POST"),
    ];
    for (method, path, others) in routes {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = api.send(method.clone(), path, None).await;
        assert_eq!(answer.status, 405, "{method} {path}");
        if method != Method::HEAD {
            assert_eq!(answer.problem(405)["error"], "method_not_allowed", "{path}");
        }
        let mut allowed: Vec<&str> = answer.header("allow").split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(", "), others, "{method} {path}");
    }
}

#[tokio::test]
async fn failed_request_is_in_the_log_with_its_id() {
    let (home, mut broker, api) = start_broker();
    home.database().execute_batch("ALTER TABLE records RENAME TO away").unwrap();
    let failed = api.get("/v1/connections").await;
    failed.problem(503);
    let id = failed.header("x-request-id").to_owned();
    let line = broker.process.await_stderr(|log| {
        log.lines().find(|line| line.contains("a request failed")).map(str::to_owned)
    });
    assert!(line.contains(&format!("request_id=\"{id}\"")), "{id}: {line}");
    assert!(line.contains("error=\"store\" reason=\"the SQLite store failed: "), "{line}");
}

#[tokio::test]
async fn tenant_that_is_disabled_is_refused_at_once() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    for _ in 0..3 {
        // The last ones are answered from memory.
        api.token("sandbox", "u-1").await.json(200);
    }
    home.json(&["tenant", "disable", "acme"]);
    // Another process has changed it: this one sees it within a second.
    let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
    while api.get("/v1/connections").await.status == 200 {
        assert!(std::time::Instant::now() < until, "still accepted");
    }
    api.get("/v1/connections").await.problem(403);
    api.token("sandbox", "u-1").await.problem(403);
    home.json(&["tenant", "enable", "acme"]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
    while api.get("/v1/connections").await.status == 403 {
        assert!(std::time::Instant::now() < until, "still refused");
    }
    api.get("/v1/connections").await.json(200);
}

#[tokio::test]
async fn key_that_is_revoked_is_refused_and_others_work() {
    let home = Home::new();
    let first = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let second = home.json(&["tenant", "key", "acme", "--label", "ci"]);
    let listed = home.json(&["tenant", "key", "acme", "--list"]);
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(second["api_key"].as_str().unwrap()));
    let second_key = second["api_key"].as_str().unwrap();
    broker.api(second_key).get("/v1/connections").await.json(200);
    home.json(&["tenant", "key", "acme", "--revoke", second["key_id"].as_str().unwrap()]);
    let until = std::time::Instant::now() + std::time::Duration::from_secs(1);
    while broker.api(second_key).get("/v1/connections").await.status == 200 {
        assert!(std::time::Instant::now() < until, "still accepted");
    }
    broker.api(second_key).get("/v1/connections").await.problem(401);
    broker.api(&first).get("/v1/connections").await.json(200);
}

#[test]
fn second_server_on_one_file_is_refused() {
    let home = Home::new();
    let _first = home.serve(&[]);
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]).fails(10);
    assert!(second.stderr.contains("another process already serves"), "{}", second.stderr);
}

#[test]
fn address_beyond_loopback_needs_tls_or_a_proxy() {
    let home = Home::new();
    home.run(&["serve", "--listen", "0.0.0.0:0"]).fails(3);
}
