//! The audit log.

use serde_json::json;

use crate::support::{provider, start_broker};

#[tokio::test]
async fn audit_log_is_paged_and_belongs_to_its_tenant() {
    let sandbox = provider().await;
    let (home, broker, api) = start_broker();
    let other = broker.api(&home.tenant("other", &[]));
    api.provide("sandbox", sandbox.issuer()).await;
    for user in 0..5 {
        api.connect("sandbox", &format!("u-{user}")).await;
    }
    let (mut users, mut path) = (Vec::new(), "/v1/audit?limit=2".to_owned());
    loop {
        let page = api.get(&path).await.json(200);
        let events = page["events"].as_array().unwrap();
        assert!(events.len() <= 2);
        users.extend(events.iter().map(|entry| entry["user"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/audit?limit=2&cursor={cursor}");
    }
    assert_eq!(users, ["u-0", "u-1", "u-2", "u-3", "u-4"]);
    let empty = json!({ "events": [], "next_cursor": null });
    assert_eq!(other.get("/v1/audit").await.json(200), empty);
    assert_eq!(other.get(&path).await.json(200)["events"], json!([]));
    for query in ["limit=0", "limit=201", "limit=x", "cursor=%00", "cursor=@", "x=1"] {
        api.get(&format!("/v1/audit?{query}")).await.problem(400);
    }
}
