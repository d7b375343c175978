//! Connecting accounts, and the tokens that come of it.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use oauthctl_broker::storage::Space;
use oauthctl_sandbox::SandboxOptions;
use serde_json::json;

use crate::authority::Authority;
use crate::faults::token_of;
use crate::support::{Api, Browser, Home, Scene, provider, start_broker, token_requests};

#[tokio::test]
async fn connected_account_gives_a_token_and_ends_for_good() {
    let Scene { sandbox, broker, api, .. } = &Scene::new().await;
    api.token("sandbox", "u-1").await.problem(404);

    let body = json!({ "provider": "sandbox", "user": "u-1", "attributes": { "plan": "gold" } });
    let started = api.post("/v1/connections", &body).await.json(201);
    let link = started["authorize_url"].as_str().unwrap();
    assert!(link.starts_with(&broker.url), "{link}");
    let page = Browser::default().follow(link).await;
    assert_eq!(page.status, 200, "{}", page.text);

    let token = api.token("sandbox", "u-1").await.json(200);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token.as_object().unwrap().len(), 4, "{token}");
    let again = api.token("sandbox", "u-1").await.json(200);
    assert_eq!(token, again);
    assert_eq!(token_requests(sandbox), 1);

    let connection = api.get("/v1/connections/sandbox/u-1").await;
    let tag = connection.header("etag").to_owned();
    let connection = connection.json(200);
    assert_eq!(connection["grant_id"], started["grant_id"]);
    assert_eq!(connection["attributes"]["plan"], "gold");
    assert_eq!(connection["status"], "connected");
    assert!(!connection.to_string().contains(token["access_token"].as_str().unwrap()));
    assert!(!tag.is_empty());

    assert_eq!(api.delete("/v1/connections/sandbox/u-1").await.status, 204);
    api.token("sandbox", "u-1").await.problem(404);
    api.get("/v1/connections/sandbox/u-1").await.problem(404);
    let journal = sandbox.journal();
    assert!(journal.iter().any(|entry| entry.endpoint == "revoke"), "not revoked");
}

#[tokio::test]
async fn link_opened_in_one_browser_fails_in_another() {
    let scene = Scene::new().await;
    let mut own = Browser::default();
    let callback = own.callback_of(&scene.link().await).await;
    let foreign = Browser::default().open(&callback).await;
    assert_eq!(foreign.status, 403, "{}", foreign.text);
    assert_eq!(token_requests(&scene.sandbox), 0);
    scene.api.token("sandbox", "u-1").await.problem(404);
    // The attempt has cost the user nothing.
    assert_eq!(own.open(&callback).await.status, 200);
    assert_eq!(own.open(&callback).await.status, 404);
    assert_eq!(token_requests(&scene.sandbox), 1);
}

#[tokio::test]
async fn tokens_wait_until_application_confirms_the_user() {
    let back = "https://app.example/connected?from=broker";
    let scene = Scene::with(SandboxOptions::default(), &[back], &[]).await;
    let Scene { broker, api, home, .. } = &scene;
    let body = json!({ "provider": "sandbox", "user": "u-1", "binding": "application", "redirect_to": back });
    for (user, status) in [("u-2", 404), ("u-1", 200)] {
        let link = api.link(&body).await;
        // Without any cookie: the application vouches for the user.
        let callback = Browser::default().callback_of(&link).await;
        let sent = Browser::default().open(&callback).await;
        let url = sent.header("location");
        let confirmation = url.strip_prefix(&format!("{back}&confirmation=")).unwrap();
        api.token("sandbox", "u-1").await.problem(404);
        api.get("/v1/connections/sandbox/u-1").await.problem(404);
        let confirmed = json!({ "confirmation": confirmation, "user": user });
        assert_eq!(api.post("/v1/confirmations", &confirmed).await.status, status);
        // It works once.
        api.post("/v1/confirmations", &confirmed).await.problem(404);
    }
    api.token("sandbox", "u-1").await.json(200);
    let other = broker.api(&home.tenant("other", &[]));
    other.token("sandbox", "u-1").await.problem(404);
}

#[tokio::test]
async fn unconfirmed_grant_is_out_of_reach() {
    let back = "https://app.example/connected";
    let scene = Scene::with(SandboxOptions::default(), &[back], &[]).await;
    let api = &scene.api;
    let body = json!({ "provider": "sandbox", "user": "u-1", "binding": "application", "redirect_to": back });
    let created = api.post("/v1/connections", &body).await.json(201);
    let link = created["authorize_url"].as_str().unwrap();
    let callback = Browser::default().callback_of(link).await;
    let sent = Browser::default().open(&callback).await;
    // Under this name, the broker keeps the grant until it is confirmed.
    let user = format!("%01unconfirmed%20{}", created["grant_id"].as_str().unwrap());
    let path = format!("/v1/connections/sandbox/{user}");
    api.get(&format!("{path}/token")).await.problem(404);
    api.get(&path).await.problem(404);
    let change = json!({ "attributes": { "a": 1 } });
    api.patch_if("*", &path, &change).await.problem(404);
    api.delete(&path).await.problem(404);
    let listed = api.get(&format!("/v1/connections?user={user}")).await.json(200);
    assert_eq!(listed["connections"], json!([]));
    let confirmation = sent.header("location").split_once("confirmation=").unwrap().1;
    let confirmed = json!({ "confirmation": confirmation, "user": "u-1" });
    api.post("/v1/confirmations", &confirmed).await.json(200);
    api.token("sandbox", "u-1").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_changes_of_a_revision_is_accepted() {
    let sandbox = provider().await;
    let (_home, _broker, api) = start_broker();
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let path = "/v1/connections/sandbox/u-1";
    for round in 0..4 {
        let tag = api.get(path).await.header("etag").to_owned();
        let changes = (0..12).map(|writer| {
            let (api, tag) = (api.clone(), tag.clone());
            let body = json!({ "attributes": { "round": round, "writer": writer } });
            tokio::spawn(async move { (writer, api.patch_if(&tag, path, &body).await) })
        });
        let mut accepted = Vec::new();
        for change in changes.collect::<Vec<_>>() {
            let (writer, answer) = change.await.unwrap();
            match answer.status {
                200 => accepted.push(writer),
                _ => assert_eq!(answer.problem(412)["error"], "precondition_failed"),
            }
        }
        assert_eq!(accepted.len(), 1, "in round {round}: {accepted:?}");
        let now = api.get(path).await.json(200);
        assert_eq!(now["attributes"], json!({ "round": round, "writer": accepted[0] }));
    }
    let tag = api.get(path).await.header("etag").to_owned();
    let removed = json!({ "attributes": { "round": null, "writer": null } });
    api.patch_if(&format!("W/{tag}"), path, &removed).await.problem(412);
    api.patch_if("*", "/v1/connections/sandbox/u-2", &removed).await.problem(404);
    let changed = api.patch_if("*", path, &removed).await.json(200);
    assert_eq!(changed["attributes"], json!({}));
    // All or none.
    let mixed = json!({ "attributes": { "good": 1, "": 2 } });
    api.patch_if("*", path, &mixed).await.problem(400);
    assert_eq!(api.get(path).await.json(200)["attributes"], json!({}));
}

#[tokio::test]
async fn link_that_cannot_work_is_refused_at_once() {
    let scene = Scene::new().await;
    let api = &scene.api;
    let long = "x".repeat(20_000);
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    for (member, value) in [
        ("attributes", json!({ "a": long })),
        ("attributes", json!({ "": 1 })),
        ("attributes", json!({ "a": deep })),
        ("scopes", json!([" "])),
    ] {
        let mut body = json!({ "provider": "sandbox", "user": "u-1" });
        body[member] = value;
        let refused = api.post("/v1/connections", &body).await.problem(400);
        assert_eq!(refused["error"], "invalid_request", "{body}");
    }
}

#[tokio::test]
async fn scopes_with_spaces_are_several_scopes() {
    let scene = Scene::new().await;
    let scopes = ["openid email", "email", " profile"];
    let body = json!({ "provider": "sandbox", "user": "u-1", "scopes": scopes, "page": true });
    let link = scene.api.link(&body).await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await;
    for scope in ["openid", "email", "profile"] {
        assert_eq!(
            page.text.matches(&format!("<li><code>{scope}</code></li>")).count(),
            1,
            "{}",
            page.text
        );
    }
    let answer = page.text.split("?continue=").nth(1).unwrap().split('"').next().unwrap();
    browser.follow(&format!("{link}?continue={answer}")).await;
    let connection = scene.api.get("/v1/connections/sandbox/u-1").await.json(200);
    assert_eq!(connection["scopes"], json!(["openid", "email", "profile"]), "{connection}");
    let all = json!({ "issuer": scene.sandbox.issuer(), "client_id": "app", "scopes": scopes });
    scene.api.put("/v1/providers/sandbox", &all).await.json(200);
    let shown = scene.api.get("/v1/providers/sandbox").await.json(200);
    assert_eq!(shown["scopes"], json!(scopes), "{shown}");
}

#[tokio::test]
async fn list_has_each_provider_and_no_secret() {
    let (_home, broker, api) = start_broker();
    let empty = api.get("/v1/providers").await.json(200);
    assert_eq!(empty, json!({ "providers": [], "next_cursor": null }));
    for name in ["github", "acme", "google"] {
        let keys = json!({
            "client_id": "app",
            "client_secret": "canary-secret",
            "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token",
        });
        api.put(&format!("/v1/providers/{name}"), &keys).await.json(201);
    }
    let listed = api.get("/v1/providers").await;
    assert!(!listed.text.contains("canary"), "{}", listed.text);
    let listed = listed.json(200);
    for (at, name) in ["acme", "github", "google"].into_iter().enumerate() {
        let one = api.get(&format!("/v1/providers/{name}")).await.json(200);
        assert_eq!(listed["providers"][at], one);
    }
    let first = api.get("/v1/providers?limit=2").await.json(200);
    let rest = format!("/v1/providers?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    let rest = api.get(&rest).await.json(200);
    assert_eq!(rest, json!({ "providers": [listed["providers"][2]], "next_cursor": null }));
    assert!(!broker.log().contains("canary"));
}

#[tokio::test]
async fn connection_that_has_changed_is_not_deleted() {
    let scene = Scene::new().await;
    scene.connect().await;
    let api = &scene.api;
    let path = "/v1/connections/sandbox/u-1";
    let old = api.get(path).await.header("etag").to_owned();
    // The user connects again: another grant.
    scene.connect().await;
    for tag in [old.as_str(), "\"x\"", "x"] {
        let refused = api.delete_if(tag, path).await.problem(412);
        assert_eq!(refused["error"], "precondition_failed", "{tag}");
    }
    let new = api.get(path).await.header("etag").to_owned();
    api.delete_if(&format!("W/{new}"), path).await.problem(412);
    api.delete_if("*", "/v1/connections/sandbox/u-2").await.problem(404);
    assert!(!scene.sandbox.journal().iter().any(|entry| entry.endpoint == "revoke"));
    assert_eq!(api.delete_if(&format!("{old}, {new}"), path).await.status, 204);
    api.get(path).await.problem(404);
    api.delete_if("*", path).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn link_of_a_dead_connection_stays_the_same() {
    let sandbox = provider().await;
    let (home, _broker, api) = start_broker();
    api.provide("sandbox", &sandbox.issuer_with("refresh-invalid-grant")).await;
    for user in ["u-1", "u-2"] {
        api.connect("sandbox", user).await;
    }
    let longer = |user: &str| format!("/v1/connections/sandbox/{user}/token?min_ttl=2h");
    let ask = async |user: &str| {
        let problem = api.get(&longer(user)).await.problem(409);
        assert_eq!(problem["error"], "login_required");
        problem["authorize_url"].as_str().unwrap().to_owned()
    };
    let first = ask("u-1").await;
    home.json(&["tenant", "quota", "acme", "--pending", "2"]);
    let polls: Vec<_> = (0..30)
        .map(|_| {
            let (api, path) = (api.clone(), longer("u-1"));
            tokio::spawn(async move { api.get(&path).await.problem(409)["authorize_url"].clone() })
        })
        .collect();
    for poll in polls {
        assert_eq!(poll.await.unwrap(), first);
    }
    // Whoever asks at the same time gets the same one as well.
    let polls: Vec<_> = (0..30)
        .map(|_| {
            let (api, path) = (api.clone(), longer("u-2"));
            tokio::spawn(async move { api.get(&path).await.problem(409)["authorize_url"].clone() })
        })
        .collect();
    let mut others = std::collections::BTreeSet::new();
    for poll in polls {
        others.insert(poll.await.unwrap().as_str().unwrap().to_owned());
    }
    assert_eq!(others.len(), 1, "{others:?}");
    assert!(!others.contains(&first));
    assert_eq!(Browser::default().follow(&first).await.status, 200);
    api.token("sandbox", "u-1").await.json(200);
    // A link that was used is not given to anybody again.
    let next = ask("u-1").await;
    assert_ne!(next, first);
    assert_eq!(Browser::default().open(&first).await.status, 404);
}

#[tokio::test]
async fn callback_of_a_disabled_tenant_spends_nothing() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let callback = browser.callback_of(&scene.link().await).await;
    scene.home.json(&["tenant", "disable", "acme"]);
    let before = token_requests(&scene.sandbox);
    assert_eq!(browser.open(&callback).await.status, 404);
    assert_eq!(token_requests(&scene.sandbox), before);
    scene.home.json(&["tenant", "enable", "acme"]);
    assert_eq!(browser.open(&callback).await.status, 200);
}

/// Waits until `acme` has so many records in these spaces.
async fn wait_for_counts<const N: usize>(home: &Home, spaces: [Space; N], expected: [u32; N]) {
    let (store, until) = (home.database(), Instant::now() + Duration::from_secs(30));
    let count = |space: Space| {
        let query = "SELECT count(*) FROM records WHERE tenant = 'acme' AND space = ?1";
        store.query_row(query, [space.number()], |row| row.get::<_, u32>(0)).unwrap()
    };
    while spaces.map(count) != expected {
        assert!(Instant::now() < until, "{:?}", spaces.map(count));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Where users of an application go back to.
pub const BACK: &str = "https://app.example/connected";

/// A confirmation of a flow that the user `u-1` has been through.
pub async fn confirmation(api: &Api) -> String {
    let body =
        json!({ "provider": "p", "user": "u-1", "binding": "application", "redirect_to": BACK });
    let callback = Browser::default().callback_of(&api.link(&body).await).await;
    let sent = Browser::default().open(&callback).await;
    sent.header("location").split_once("confirmation=").unwrap().1.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_whose_client_left_is_finished_too() {
    let (home, authority) = (Home::new(), Authority::start().await);
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[BACK]));
    home.json(&["tenant", "quota", "acme", "--connections", "5"]);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    let confirmation = confirmation(&api).await;
    // It waits for a refresh of the connection that it replaces.
    authority.memory().delay = Duration::from_secs(2);
    let (asking, path) = (api.clone(), token_of("u-1", "?min_ttl=24h"));
    let refresh = tokio::spawn(async move { asking.get(&path).await });
    authority.receives(1).await;
    let body = json!({ "confirmation": confirmation, "user": "u-1" }).to_string();
    let mut stream = TcpStream::connect(broker.url.trim_start_matches("http://")).unwrap();
    let (key, length) = (&api.key, body.len());
    write!(
        stream,
        "POST /v1/confirmations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    wait_for_counts(&home, [Space::Reservations], [1]).await;
    drop(stream);
    refresh.await.unwrap().json(200);
    wait_for_counts(&home, [Space::Confirmations, Space::Reservations], [0, 0]).await;
    let token = api.token("p", "u-1").await.json(200);
    assert_eq!(token["access_token"], "at-1-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_that_is_stored_succeeds() {
    let (home, authority) = (Home::new(), Authority::start().await);
    let mut broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[BACK]));
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    let confirmation = confirmation(&api).await;
    // What is written after the connection fails.
    let fails = format!(
        "CREATE TRIGGER fails BEFORE INSERT ON records WHEN NEW.space = {}
         BEGIN SELECT RAISE(ABORT, 'no'); END",
        Space::Accounts.number()
    );
    home.database().execute(&fails, []).unwrap();
    let body = json!({ "confirmation": confirmation, "user": "u-1" });
    let connection = api.post("/v1/confirmations", &body).await.json(200);
    assert_eq!(connection["user"], "u-1");
    broker
        .process
        .await_stderr(|log| log.contains("a confirmed connection is not announced").then_some(()));
    api.token("p", "u-1").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn flow_whose_browser_left_is_finished_too() {
    let (home, authority) = (Home::new(), Authority::start().await);
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[BACK]));
    home.json(&["tenant", "quota", "acme", "--connections", "5"]);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    let body =
        json!({ "provider": "p", "user": "u-1", "binding": "application", "redirect_to": BACK });
    let link = api.link(&body).await;
    let callback = Browser::default().callback_of(&link).await;
    authority.memory().login_delay = Duration::from_secs(1);
    let mut stream = TcpStream::connect(broker.url.trim_start_matches("http://")).unwrap();
    let path = callback.strip_prefix(&broker.url).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while authority.memory().logins.is_empty() {
        assert!(Instant::now() < until, "no code came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(stream);
    let spaces = [Space::Confirmations, Space::Links, Space::OpenFlows, Space::Reservations];
    wait_for_counts(&home, spaces, [1, 0, 0, 0]).await;
    assert_eq!(Browser::default().open(&link).await.status, 404);
}
