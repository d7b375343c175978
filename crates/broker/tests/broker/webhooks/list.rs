//! The list of webhooks.

use serde_json::json;

use super::subscribe;
use crate::support::start_broker;

#[tokio::test]
async fn list_has_each_webhook_and_no_secret() {
    let (home, broker, api) = start_broker();
    let empty = api.get("/v1/webhooks").await.json(200);
    assert_eq!(empty, json!({ "webhooks": [], "next_cursor": null }));
    let mut secrets = Vec::new();
    for name in ["b", "a", "c"] {
        secrets.push(subscribe(&api, name, "https://app.example/hook").await);
    }
    let listed = api.get("/v1/webhooks").await;
    for secret in secrets {
        assert!(!listed.text.contains(secret.trim_start_matches("whsec_")), "{}", listed.text);
    }
    let listed = listed.json(200);
    for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
        let mut one = api.get(&format!("/v1/webhooks/{name}")).await.json(200);
        // To count the messages of all of them would cost too much.
        assert_eq!(one.as_object_mut().unwrap().remove("pending"), Some(json!(0)));
        assert_eq!(listed["webhooks"][at], one);
    }
    let first = api.get("/v1/webhooks?limit=2").await.json(200);
    assert_eq!(first["webhooks"].as_array().unwrap().len(), 2);
    let rest = format!("/v1/webhooks?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = api.get(&rest).await.json(200);
    assert_eq!(rest, json!({ "webhooks": [listed["webhooks"][2]], "next_cursor": null }));
    let other = broker.api(&home.tenant("other", &[]));
    assert_eq!(other.get("/v1/webhooks").await.json(200)["webhooks"], json!([]));
}
