//! A broker that listens on loopback, but whose tenants are elsewhere.

use serde_json::json;

use crate::support::Home;

#[tokio::test]
async fn loopback_can_be_refused_behind_a_proxy() {
    let public = ["--public-url", "https://broker.example"];
    let local = ["--public-url", "http://localhost:8700"];
    let refused = [&public[..], &["--behind-proxy"], &["--behind-proxy", local[0], local[1]]];
    let allow = "--allow-private-endpoints";
    let allowed = [&[][..], &local[..], &[allow, public[0], public[1]], &[allow, "--behind-proxy"]];
    let loopback = "http://127.0.0.1:9";
    let requests = [
        ("providers/p", json!({ "issuer": loopback, "client_id": "app" })),
        ("webhooks/w", json!({ "url": loopback })),
        ("rules/pre_token", json!({ "callback": loopback })),
    ];
    let cases = refused.map(|more| (more, false)).into_iter();
    for (more, is_allowed) in cases.chain(allowed.map(|more| (more, true))) {
        let home = Home::new();
        if !more.contains(&allow) {
            home.config("[serve]\nallow_private_endpoints = false\n");
        }
        let key = home.tenant("acme", &[]);
        let broker = home.serve(more);
        let api = broker.api(&key);
        for (path, body) in &requests {
            let answer = api.put(&format!("/v1/{path}"), body).await;
            if is_allowed {
                assert_eq!(answer.status, 201, "{more:?}: {}", answer.text);
            } else {
                let detail = answer.problem(400)["detail"].to_string();
                assert!(detail.contains("`allow_private_endpoints`"), "{more:?}: {detail}");
            }
        }
        assert!(!broker.log().contains("allow_private_endpoints"), "{more:?}: {}", broker.log());
    }
}

#[tokio::test]
async fn loopback_behind_a_proxy_is_warned_about() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let mut broker = home.serve(&["--behind-proxy"]);
    broker.process.await_stderr(|log| log.contains("set `allow_private_endpoints`").then_some(()));
    let body = json!({ "issuer": "http://127.0.0.1:9", "client_id": "app" });
    assert_eq!(broker.api(&key).put("/v1/providers/p", &body).await.status, 201);
}
