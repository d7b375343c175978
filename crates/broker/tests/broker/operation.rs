//! Running it.

use std::process::Command;
use std::time::Duration;

use oauthctl_sandbox::SandboxOptions;

use crate::support::{Home, provider, provider_with};

#[tokio::test]
async fn health_needs_no_key_and_tells_nothing() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api("");
    for path in ["/healthz", "/readyz"] {
        let answer = api.get(path).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "ok\n"), "{path}");
    }
    api.get("/v1/unknown").await.problem(401);
    api.get("/unknown").await.problem(404);
    api.post("/healthz", &serde_json::json!({})).await.problem(405);
}

#[tokio::test]
async fn restart_keeps_connections_and_log_has_no_secret() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let mut broker = home.serve(&["-v"]);
    let api = broker.api(&key);
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let token = api.token("sandbox", "u-1").await.json(200);
    let ended = Command::new("kill").arg(broker.id().to_string()).status().unwrap();
    assert!(ended.success());
    assert_eq!(broker.wait(), Some(0));
    let log = broker.log();
    for secret in [key.as_str(), token["access_token"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
        for file in ["broker.db", "broker.db-wal"] {
            let bytes = std::fs::read(home.path().join("state").join(file)).unwrap_or_default();
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{file}");
        }
    }
    let again = home.serve(&[]);
    assert_eq!(again.api(&key).token("sandbox", "u-1").await.json(200), token);
}

#[tokio::test]
async fn expired_token_is_refreshed_once_for_many_clients() {
    let options = SandboxOptions { access_ttl: Duration::from_secs(1), ..Default::default() };
    let sandbox = provider_with(options).await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.provide("sandbox", &sandbox.issuer_with("rotate")).await;
    api.connect("sandbox", "u-1").await;
    let first = api.token("sandbox", "u-1").await.json(200);
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while api.token("sandbox", "u-1").await.json(200) == first {
        assert!(std::time::Instant::now() < until, "never refreshed");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
