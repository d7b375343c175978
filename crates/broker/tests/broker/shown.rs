//! Connections as the API shows them: entity tags, pages, and members without a value.

use std::time::{Duration, Instant};

use oauthctl_sandbox::SandboxOptions;
use serde_json::{Value, json};

use crate::support::{Browser, Scene, provider, start_broker};

#[tokio::test]
async fn entity_tag_changes_with_what_is_shown() {
    let scene = Scene::new().await;
    scene.connect().await;
    let (api, path) = (&scene.api, "/v1/connections/sandbox/u-1");
    let body = json!({ "attributes": { "code": 1 }, "ttl": 1 });
    let changed = api.patch_if("*", path, &body).await;
    let until = Instant::now() + Duration::from_secs(30);
    // An attribute that ends is no new revision.
    let now = loop {
        let now = api.get(path).await;
        if now.json(200)["attributes"] == json!({}) {
            break now;
        }
        assert!(Instant::now() < until, "{}", now.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let (old, new) = (changed.header("etag"), now.header("etag"));
    assert_ne!(old, new);
    assert_eq!(api.get_unless(old, path).await.json(200)["attributes"], json!({}));
    assert_eq!(api.get_unless(new, path).await.status, 304);
    assert_eq!(api.get_unless(&format!("\"x\", W/{new}"), path).await.status, 304);
    let body = json!({ "attributes": { "code": 2 } });
    api.patch_if(old, path, &body).await.problem(412);
    api.delete_if(old, path).await.problem(412);
    assert_eq!(api.patch_if(new, path, &body).await.status, 200);
}

#[tokio::test]
async fn entity_tag_changes_when_a_refresh_fails() {
    let scene = Scene::new().await;
    let api = &scene.api;
    let issuer = format!("{}/s/refresh-500", scene.sandbox.issuer());
    api.provide("failing", &issuer).await;
    api.connect("failing", "u-1").await;
    let failing = "/v1/connections/failing/u-1";
    let before = api.get(failing).await.header("etag").to_owned();
    api.get("/v1/connections/failing/u-1/token?min_ttl=9h").await;
    let now = api.get_unless(&before, failing).await;
    assert_eq!(now.json(200)["last_error"]["error"], "unavailable");
    assert_eq!(api.get_unless(now.header("etag"), failing).await.status, 304);
    let body = json!({ "attributes": { "code": 2 } });
    assert_eq!(api.patch_if(now.header("etag"), failing, &body).await.status, 200);
}

#[tokio::test]
async fn list_of_a_user_is_paged() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    for name in ["a", "a-b", "c"] {
        api.provide(name, sandbox.issuer()).await;
        api.connect(name, "u-1").await;
    }
    api.connect("a", "u-2").await;
    let names = |page: &Value| -> Vec<String> {
        let all = page["connections"].as_array().unwrap().iter();
        all.map(|one| format!("{} {}", one["provider"].as_str().unwrap(), one["user"])).collect()
    };
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..3 {
        let page = api.get(&format!("/v1/connections?user=u-1&limit=1{cursor}")).await.json(200);
        assert_eq!(names(&page).len(), 1, "{page}");
        seen.extend(names(&page));
        cursor = page["next_cursor"].as_str().map(|at| format!("&cursor={at}")).unwrap_or_default();
    }
    assert_eq!(cursor, "");
    seen.sort();
    assert_eq!(seen, ["a \"u-1\"", "a-b \"u-1\"", "c \"u-1\""]);
    let all = api.get("/v1/connections?user=u-1&limit=3").await.json(200);
    assert_eq!((names(&all).len(), &all["next_cursor"]), (3, &Value::Null));
    api.get("/v1/connections?user=u-1&cursor=%21").await.problem(400);
    let one = api.get("/v1/connections?user=u-1&provider=c&limit=1").await.json(200);
    assert_eq!((names(&one), &one["next_cursor"]), (vec!["c \"u-1\"".to_owned()], &Value::Null));
}

#[tokio::test]
async fn optional_member_that_is_null_is_missing() {
    let scene = Scene::new().await;
    let mut body = json!({ "provider": "sandbox", "user": "u-1" });
    for member in ["attributes", "redirect_to", "ttl", "scopes", "binding", "page"] {
        body[member] = Value::Null;
    }
    let link = scene.api.link(&body).await;
    assert_eq!(Browser::default().follow(&link).await.status, 200);
    for (member, value) in [("binding", json!(5)), ("user", json!(null)), ("ttl", json!([]))] {
        let mut wrong = body.clone();
        wrong[member] = value;
        let problem = scene.api.post("/v1/connections", &wrong).await.problem(400);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("of the wrong type"), "{member}: {detail}");
    }
}

#[tokio::test]
async fn token_that_nobody_can_refresh_ends_for_all_to_see() {
    let options =
        SandboxOptions { access_ttl: Duration::from_secs(2), ..SandboxOptions::default() };
    let scene = Scene::with(options, &[], &[]).await;
    let api = &scene.api;
    let issuer = format!("{}/s/no-refresh-token", scene.sandbox.issuer());
    api.provide("short", &issuer).await;
    api.connect("short", "u-1").await;
    let events = async || {
        let audit = api.get("/v1/audit").await.json(200);
        let all = audit["events"].as_array().unwrap().iter();
        all.map(|event| event["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let reported = async |count| {
        let until = Instant::now() + Duration::from_secs(30);
        // Nobody asks for the token.
        while events().await.len() < count {
            assert!(Instant::now() < until);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    reported(2).await;
    assert_eq!(events().await, ["connection.created", "connection.login_required"]);
    // An application that stores that it was told is not told again. The next connection ends after this one is due.
    let told = json!({ "attributes": { "told": true } });
    api.patch_if("*", "/v1/connections/short/u-1", &told).await.json(200);
    api.connect("short", "u-2").await;
    reported(4).await;
    let all = ["created", "login_required", "created", "login_required"];
    assert_eq!(events().await, all.map(|event| format!("connection.{event}")));
    let ended = api.get("/v1/connections/short/u-1").await.json(200);
    assert_eq!(ended["status"], "login_required");
    assert_eq!(api.token("short", "u-1").await.problem(409)["error"], "login_required");
    api.connect("short", "u-1").await;
    let all = ["created", "recovered"];
    assert_eq!(events().await[4..6], all.map(|event| format!("connection.{event}")));
}
