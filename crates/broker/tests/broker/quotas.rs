//! What a tenant may have, how often it may ask, and its keys.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, Home, Scene, provider, token_requests};

#[tokio::test]
async fn quota_that_is_used_up_is_a_problem_of_its_own() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let set = home.json(&[
        "tenant",
        "quota",
        "acme",
        "--connections",
        "1",
        "--providers",
        "2",
        "--pending",
        "2",
    ]);
    assert_eq!(set["quota"]["connections"], 1);
    let listed = home.json(&["tenant", "list"]);
    assert_eq!(
        listed[0]["quota"],
        json!({ "connections": 1, "providers": 2, "pending": 2, "requests": null })
    );
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.provide("sandbox", sandbox.issuer()).await;
    api.provide("other", sandbox.issuer()).await;
    let body = json!({ "issuer": sandbox.issuer(), "client_id": "app" });
    assert_eq!(api.put("/v1/providers/third", &body).await.problem(403)["error"], "quota_exceeded");
    api.put("/v1/providers/other", &body).await.json(200);

    let link = |user: &str| json!({ "provider": "sandbox", "user": user });
    let (first, second) = (api.link(&link("u-1")).await, api.link(&link("u-2")).await);
    let refused = api.post("/v1/connections", &link("u-3")).await;
    assert_eq!(refused.problem(429)["error"], "too_many_requests");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(Browser::default().follow(&first).await.status, 200);
    // A link from before the quota was used up connects nobody beyond it.
    assert_eq!(Browser::default().follow(&second).await.status, 403);
    api.token("sandbox", "u-2").await.problem(404);
    let refused = api.post("/v1/connections", &link("u-3")).await;
    assert_eq!(refused.problem(403)["error"], "quota_exceeded");
    // Whoever is connected may connect again.
    api.post("/v1/connections", &link("u-1")).await.json(201);
    home.json(&["tenant", "quota", "acme", "--connections", "none", "--pending", "none"]);
    let until = Instant::now() + Duration::from_secs(5);
    while api.post("/v1/connections", &link("u-3")).await.status != 201 {
        assert!(Instant::now() < until, "still refused");
    }
}

#[tokio::test]
async fn quota_holds_for_users_who_come_back_later() {
    let scene = Scene::new().await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    let mut users = Vec::new();
    for user in ["u-1", "u-2"] {
        let link = api.link(&json!({ "provider": "sandbox", "user": user })).await;
        let mut browser = Browser::default();
        let callback = browser.callback_of(&link).await;
        users.push((browser, callback));
    }
    let mut answers = Vec::new();
    for (browser, callback) in &mut users {
        answers.push(browser.open(callback).await);
    }
    assert_eq!(answers[0].status, 200, "{}", answers[0].text);
    assert_eq!(answers[1].status, 403, "{}", answers[1].text);
    assert!(answers[1].text.contains("as many accounts connected"), "{}", answers[1].text);
    api.token("sandbox", "u-2").await.problem(404);
    assert_eq!(token_requests(&scene.sandbox), 1, "the code is not redeemed");
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_holds_for_confirmations() {
    let back = "https://app.example/connected";
    let scene = Scene::with(Default::default(), &[back], &[]).await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    let mut confirmations = Vec::new();
    for user in (0..8).map(|n| format!("u-{n}")) {
        let body = json!({ "provider": "sandbox", "user": user, "binding": "application", "redirect_to": back });
        let sent = Browser::default().follow(&api.link(&body).await).await;
        let confirmation = sent.header("location").split_once("confirmation=").unwrap().1;
        confirmations.push(json!({ "confirmation": confirmation, "user": user }));
    }
    let tasks: Vec<_> = confirmations
        .into_iter()
        .map(|body| {
            let api = api.clone();
            tokio::spawn(async move { (api.post("/v1/confirmations", &body).await, body) })
        })
        .collect();
    let mut refused = Vec::new();
    for task in tasks {
        let (answer, body) = task.await.unwrap();
        if answer.status != 200 {
            assert_eq!(answer.problem(403)["error"], "quota_exceeded");
            refused.push(body);
        }
    }
    assert_eq!(refused.len(), 7);
    let user = refused[0]["user"].as_str().unwrap();
    api.token("sandbox", user).await.problem(404);
    home.json(&["tenant", "quota", "acme", "--connections", "none"]);
    let until = Instant::now() + Duration::from_secs(5);
    while api.post("/v1/confirmations", &refused[0]).await.status != 200 {
        assert!(Instant::now() < until, "still refused");
    }
    api.token("sandbox", user).await.json(200);
}

#[tokio::test]
async fn link_that_is_opened_too_often_starts_no_flow() {
    let scene = Scene::new().await;
    let link = scene.link().await;
    let mut statuses = Vec::new();
    for _ in 0..41 {
        let answer = Browser::default().open(&link).await;
        statuses.push(answer.status);
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 900);
            assert!(answer.text.contains("opened too often"), "{}", answer.text);
            break;
        }
        assert_eq!(answer.status, 302, "{}", answer.text);
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    // Another link of the same user is not affected.
    assert_eq!(Browser::default().follow(&scene.link().await).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_in_parallel() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    home.json(&["tenant", "quota", "acme", "--providers", "5", "--pending", "7"]);
    let keys = json!({
        "client_id": "app",
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token",
    });
    let link = |n: usize| json!({ "provider": "p0", "user": format!("u-{n}") });
    let (expression, url) = (json!({ "expression": "true" }), "https://app.example/hook");
    api.put("/v1/providers/p0", &keys).await.json(201);
    for (path, status, most) in [
        ("/v1/rules/pre_token?provider=p", 403, 100),
        ("/v1/webhooks/w", 403, 20),
        ("/v1/providers/p", 403, 4),
        ("/v1/connections", 429, 7),
    ] {
        let mut tasks = Vec::new();
        for n in 1..=most + 30 {
            let (api, named) = (api.clone(), format!("{path}{n}"));
            let (link, keys, expression) = (link(n), keys.clone(), expression.clone());
            tasks.push(tokio::spawn(async move {
                match path {
                    "/v1/connections" => api.post(path, &link).await,
                    "/v1/providers/p" => api.put(&named, &keys).await,
                    "/v1/webhooks/w" => api.put(&named, &json!({ "url": url })).await,
                    _ => api.put(&named, &expression).await,
                }
            }));
        }
        let mut statuses = Vec::new();
        for task in tasks {
            let answer = task.await.unwrap();
            if answer.status == 403 {
                assert_eq!(answer.problem(403)["error"], "quota_exceeded");
            }
            statuses.push(answer.status);
        }
        let count = |status| statuses.iter().filter(|found| **found == status).count();
        assert_eq!((count(201), count(status)), (most, 30), "{path}: {statuses:?}");
    }
}

/// Users who come back from the provider at the same time.
pub async fn callbacks_at_once(callbacks: Vec<(Browser, String)>) -> Vec<u16> {
    let mut tasks = Vec::new();
    for (mut browser, callback) in callbacks {
        tasks.push(tokio::spawn(async move { browser.open(&callback).await.status }));
    }
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn last_place_is_for_one_of_many_users() {
    let scene = Scene::new().await;
    let Scene { api, home, .. } = &scene;
    scene.connect().await;
    home.json(&["tenant", "quota", "acme", "--connections", "2"]);
    let mut users = Vec::new();
    for n in 0..20 {
        let link = api.link(&json!({ "provider": "sandbox", "user": format!("new-{n}") })).await;
        let mut browser = Browser::default();
        let callback = browser.callback_of(&link).await;
        users.push((browser, callback));
    }
    // Who is connected needs no place.
    let mut again = Browser::default();
    let callback = again.callback_of(&scene.link().await).await;
    users.push((again, callback));
    let statuses = callbacks_at_once(users).await;
    assert_eq!(statuses, [&[200; 2][..], &[403; 19]].concat());
    let listed = api.get("/v1/connections").await.json(200);
    assert_eq!(listed["connections"].as_array().unwrap().len(), 2, "{listed}");
    // Nothing is kept for those who were refused.
    home.json(&["tenant", "quota", "acme", "--connections", "3"]);
    let last = json!({ "provider": "sandbox", "user": "last" });
    let until = Instant::now() + Duration::from_secs(5);
    while api.post("/v1/connections", &last).await.status != 201 {
        assert!(Instant::now() < until, "still refused");
    }
    api.connect("sandbox", "last").await;
}

#[tokio::test]
async fn place_of_a_flow_that_failed_is_free() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    api.provide("sandbox", sandbox.issuer()).await;
    api.provide("broken", &sandbox.issuer_with("token-500")).await;
    let link = api.link(&json!({ "provider": "broken", "user": "u-1" })).await;
    assert_eq!(Browser::default().follow(&link).await.status, 502);
    api.connect("sandbox", "u-2").await;
}

#[tokio::test]
async fn flows_of_a_tenant_are_limited_over_its_links() {
    let scene = Scene::new().await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--pending", "2"]);
    let (first, second) = (scene.link().await, scene.link().await);
    let mut browsers = Vec::new();
    for _ in 0..20 {
        let mut browser = Browser::default();
        let callback = browser.callback_of(&first).await;
        browsers.push((browser, callback));
    }
    let refused = Browser::default().open(&second).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert_eq!(refused.header("retry-after"), "60");
    assert!(refused.text.contains("Too many users"), "{}", refused.text);
    // A flow that ends makes room for another.
    let (mut browser, callback) = browsers.pop().unwrap();
    assert_eq!(browser.open(&callback).await.status, 200);
    assert_eq!(Browser::default().follow(&second).await.status, 200);
    api.token("sandbox", "u-1").await.json(200);
}

#[test]
fn quota_of_nobody_or_nonsense_is_refused() {
    let home = Home::new();
    home.tenant("acme", &[]);
    for (arguments, code) in [
        (&["tenant", "quota", "nobody"][..], 3),
        (&["tenant", "quota", "nobody", "--connections", "1"], 3),
        (&["tenant", "quota", "acme", "--connections", "-1"], 2),
        (&["tenant", "quota", "acme", "--requests", "many"], 2),
        (&["tenant", "key", "acme", "--grace", "1h"], 2),
        (&["tenant", "key", "acme", "--rotate", "none"], 3),
    ] {
        assert_eq!(home.run(arguments).status, code, "{arguments:?}");
    }
}

#[tokio::test]
async fn key_that_was_rotated_ends_after_its_grace() {
    let home = Home::new();
    let old = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let id =
        home.json(&["tenant", "key", "acme", "--list"])[0]["key_id"].as_str().unwrap().to_owned();
    let old = broker.api(&old);
    old.get("/v1/connections").await.json(200);
    let rotated = home.json(&["tenant", "key", "acme", "--rotate", &id, "--grace", "3s"]);
    let begun = Instant::now();
    let listed = home.json(&["tenant", "key", "acme", "--list"]);
    let ending = |key: &serde_json::Value| !key["expires_at"].is_null();
    assert_eq!(listed.as_array().unwrap().iter().filter(|key| ending(key)).count(), 1, "{listed}");
    let new = broker.api(rotated["api_key"].as_str().unwrap());
    new.get("/v1/connections").await.json(200);
    // Nobody changes anything any more: a key in memory ends too.
    while old.get("/v1/connections").await.status == 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "still accepted");
    }
    assert!(begun.elapsed() > Duration::from_secs(1), "no grace");
    old.get("/v1/connections").await.problem(401);
    new.get("/v1/connections").await.json(200);
    assert_eq!(home.json(&["tenant", "key", "acme", "--list"]).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn tenant_that_asks_too_often_is_slowed_down_alone() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    home.json(&["tenant", "quota", "acme", "--requests", "20"]);
    let other = home.tenant("other", &[]);
    let broker = home.serve(&[]);
    let (api, other) = (broker.api(&key), broker.api(&other));
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    for path in ["/v1/connections", "/v1/connections/sandbox/u-1/token", "/v1/nothing"] {
        let mut limited = None;
        for _ in 0..200 {
            let answer = api.send(Method::GET, path, None).await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
        }
        let limited = limited.unwrap_or_else(|| panic!("{path}: no limit"));
        assert_eq!(limited.problem(429)["error"], "too_many_requests");
        assert_eq!(limited.header("retry-after"), "1");
        other.get("/v1/connections").await.json(200);
    }
    let until = Instant::now() + Duration::from_secs(5);
    while api.token("sandbox", "u-1").await.status != 200 {
        assert!(Instant::now() < until, "limited for ever");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn too_many_requests_of_an_address_get_429() {
    let home = Home::new();
    let broker = home.serve(&["--requests-per-address", "5"]);
    let api = broker.api("none");
    let statuses = async |path: &str| {
        let mut seen = Vec::new();
        for _ in 0..40 {
            seen.push(api.get(path).await.status);
        }
        seen
    };
    for path in ["/v1/connections", "/callback", "/openapi.json"] {
        assert!(statuses(path).await.contains(&429), "{path}");
    }
    assert!(statuses("/healthz").await.iter().all(|status| *status == 200));
    let more = ["--behind-proxy", "--public-url", "https://broker.example"];
    let proxied =
        [&["serve", "--listen", "127.0.0.1:0", "--requests-per-address", "5"], &more[..]].concat();
    assert_eq!(home.run(&proxied).status, 3);
}
