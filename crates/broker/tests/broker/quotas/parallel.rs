//! Limits that hold when many requests come at the same time.

use std::time::{Duration, Instant};

use oauthctl_broker::storage::Space;
use serde_json::json;

use crate::authority::Authority;
use crate::connect::BACK;
use crate::support::{Browser, Home, Scene, start_broker, token_requests};

#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_in_parallel() {
    let (home, _broker, api) = start_broker();
    home.json(&["tenant", "quota", "acme", "--providers", "5", "--pending", "7"]);
    let keys = json!({
        "client_id": "app",
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token",
    });
    let link = |n: usize| json!({ "provider": "p0", "user": format!("u-{n}") });
    let (expression, url) = (json!({ "expression": "true" }), "https://app.example/hook");
    api.put("/v1/providers/p0", &keys).await.json(201);
    let limits = [
        ("/v1/rules/pre_token?provider=p", 403, 100),
        ("/v1/webhooks/w", 403, 20),
        ("/v1/providers/p", 403, 4),
        ("/v1/connections", 429, 7),
    ];
    let mut outcomes = Vec::new();
    for (path, status, most) in limits {
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
        outcomes.push((path, count(201), count(status)));
    }
    assert_eq!(outcomes, limits.map(|(path, _, most)| (path, most, 30)));
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

#[tokio::test(flavor = "multi_thread")]
async fn last_place_is_for_one_of_many_confirmations() {
    let scene = Scene::with(Default::default(), &[BACK], &[]).await;
    let Scene { api, home, .. } = &scene;
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    let mut confirmations = Vec::new();
    for n in 0..10 {
        let user = format!("u-{n}");
        let body = json!({ "provider": "sandbox", "user": user, "binding": "application", "redirect_to": BACK });
        let sent = Browser::default().follow(&api.link(&body).await).await;
        let confirmation = sent.header("location").split_once("confirmation=").unwrap().1;
        confirmations.push(json!({ "confirmation": confirmation, "user": user }));
    }
    let tasks: Vec<_> = confirmations
        .into_iter()
        .map(|body| {
            let api = api.clone();
            tokio::spawn(async move { api.post("/v1/confirmations", &body).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [&[200][..], &[403; 9]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_of_unconfirmed_flows_holds_in_parallel() {
    let scene = Scene::with(Default::default(), &[BACK], &[]).await;
    let Scene { api, home, sandbox, .. } = &scene;
    let mut users = Vec::new();
    for n in 0..12 {
        let body = json!({
            "provider": "sandbox", "user": format!("u-{n}"), "binding": "application", "redirect_to": BACK,
        });
        let mut browser = Browser::default();
        let callback = browser.callback_of(&api.link(&body).await).await;
        users.push((browser, callback));
    }
    home.json(&["tenant", "quota", "acme", "--pending", "3"]);
    let before = token_requests(sandbox);
    callbacks_at_once(users).await;
    assert_eq!(token_requests(sandbox) - before, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn place_that_was_given_to_another_is_not_used() {
    let (home, authority) = (Home::new(), Authority::start().await);
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    home.json(&["tenant", "quota", "acme", "--connections", "1"]);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    let mut users = Vec::new();
    for user in ["slow", "fast"] {
        let mut browser = Browser::default();
        let link = api.link(&json!({ "provider": "p", "user": user })).await;
        let callback = browser.callback_of(&link).await;
        users.push((browser, callback));
    }
    let [(mut slow, late), (mut fast, callback)]: [_; 2] = users.try_into().ok().unwrap();
    authority.memory().login_delay = Duration::from_secs(2);
    let redemption = tokio::spawn(async move { slow.open(&late).await });
    let until = Instant::now() + Duration::from_secs(30);
    while authority.memory().logins.is_empty() {
        assert!(Instant::now() < until, "no code came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    authority.memory().login_delay = Duration::ZERO;
    // Its time is over.
    let store = home.database();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    let space = Space::Reservations.number();
    assert_eq!(store.execute("DELETE FROM records WHERE space = ?1", [space]), Ok(1));
    assert_eq!(fast.open(&callback).await.status, 200);
    assert_eq!(redemption.await.unwrap().status, 503);
    api.token("p", "fast").await.json(200);
    api.token("p", "slow").await.problem(404);
    assert_eq!(authority.memory().revoked, ["rt-0-1"]);
}
