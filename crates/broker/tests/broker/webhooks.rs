//! Webhooks, with a receiver of our own and the published library that verifies signatures.

mod given_up;
mod hostile;
mod list;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use oauthctl_sandbox::{Sandbox, SandboxOptions};
use rustix::process::Signal;
use serde_json::json;

use crate::databases;
use crate::receiver::{Receiver, verdicts};
use crate::support::{Api, Broker, Home, provider, provider_with, start_broker, token_requests};

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A tenant on a store, which any number of brokers serve.
struct Installation {
    home: Home,
    key: String,
}

impl Installation {
    fn new(store: &str) -> Self {
        let home = Home::new();
        if store != "sqlite" {
            home.set_store(store);
        }
        let arguments = ["--json", "tenant", "create", "acme"];
        let created = home.command(&arguments).env("OAUTHCTL_MASTER_KEY", MASTER_KEY).output();
        let created: serde_json::Value = serde_json::from_slice(&created.unwrap().stdout).unwrap();
        let key = created["api_key"].as_str().unwrap().to_owned();
        Self { home, key }
    }

    fn serve(&self) -> Broker {
        let arguments = ["serve", "--listen", "127.0.0.1:0"];
        Broker::start(self.home.command(&arguments).env("OAUTHCTL_MASTER_KEY", MASTER_KEY))
    }
}

/// Puts a webhook, and returns its secret.
async fn subscribe(api: &Api, name: &str, url: &str) -> String {
    let put = api.put(&format!("/v1/webhooks/{name}"), &json!({ "url": url })).await;
    put.json(201)["secret"].as_str().unwrap().to_owned()
}

/// A provider whose tokens live for five seconds, with this behavior.
async fn short_lived(api: &Api, scenario: &str) -> Sandbox {
    let options = SandboxOptions { access_ttl: Duration::from_secs(5), ..Default::default() };
    let sandbox = provider_with(options).await;
    api.provide("sandbox", &sandbox.issuer_with(scenario)).await;
    sandbox
}

async fn postgres() -> String {
    databases::postgres().await
}

async fn redis() -> String {
    databases::redis().await
}

/// Runs each of these on every kind of store.
macro_rules! on_stores {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name("sqlite").await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(&super::postgres().await).await;
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
                super::$name(&super::redis().await).await;
            })*
        }
    };
}

on_stores! {
    life_of_a_connection_is_reported_in_order,
    failed_message_is_sent_again_before_later_ones,
    killed_broker_reports_what_it_had_stored,
}

#[tokio::test(flavor = "multi_thread")]
async fn disabled_tenant_has_no_work_in_the_background() {
    let home = Home::new();
    let keys = ["acme", "beta"].map(|name| home.tenant(name, &[]));
    let broker = home.serve(&[]);
    let [acme, beta] = keys.map(|key| broker.api(&key));
    let receivers = [Receiver::start().await, Receiver::start().await];
    for (api, receiver) in [&acme, &beta].into_iter().zip(&receivers) {
        subscribe(api, "all", &receiver.url).await;
    }
    // The message of `acme` and its refresh are due within seconds when it is disabled.
    receivers[0].answer_always(500);
    let disabled = short_lived(&acme, "rotate").await;
    acme.connect("sandbox", "u-1").await;
    let until = Instant::now() + Duration::from_secs(30);
    while receivers[0].all().is_empty() {
        assert!(Instant::now() < until, "{}", broker.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    home.json(&["tenant", "disable", "acme"]);
    // What `beta` asks for later is done several times meanwhile.
    let _enabled = short_lived(&beta, "rotate").await;
    beta.connect("sandbox", "u-1").await;
    // By its first message, what was under way for `acme` is over.
    receivers[1].wait_for(1).await;
    let (sent, refreshed) = (receivers[0].all().len(), token_requests(&disabled));
    receivers[1].wait_for(5).await;
    assert_eq!(receivers[0].all().len(), sent, "a message was sent");
    assert_eq!(token_requests(&disabled), refreshed, "a token was refreshed");
    receivers[0].answer_always(204);
    home.json(&["tenant", "enable", "acme"]);
    receivers[0].wait_for(1).await;
}

async fn life_of_a_connection_is_reported_in_order(store: &str) {
    let installation = Installation::new(store);
    let broker = installation.serve();
    let api = broker.api(&installation.key);
    let receiver = Receiver::start().await;
    subscribe(&api, "all", &format!("{}/hook", receiver.url)).await;
    let gone = json!({ "url": receiver.url, "events": ["connection.revoked"] });
    api.put("/v1/webhooks/gone", &gone).await.json(201);
    let sandbox = short_lived(&api, "rotate").await;
    api.connect("sandbox", "u-1").await;
    let token = api.token("sandbox", "u-1").await.json(200);
    // The background worker refreshes it.
    receiver.wait_for(2).await;
    api.delete("/v1/connections/sandbox/u-1").await;
    let until = Instant::now() + Duration::from_secs(30);
    let (mut all, mut revoked) = (Vec::new(), Vec::new());
    while revoked.is_empty() || all.last() != Some(&"connection.revoked".to_owned()) {
        assert!(Instant::now() < until, "{all:?} {revoked:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let messages = receiver.accepted();
        let of = |path: &str| {
            messages.iter().filter(|m| m.path == path).map(|m| m.kind()).collect::<Vec<_>>()
        };
        (all, revoked) = (of("/hook"), of("/"));
    }
    assert_eq!(all[..2], ["connection.created", "connection.refreshed"]);
    assert_eq!(revoked, ["connection.revoked"]);
    for message in receiver.all() {
        let json = message.json();
        assert_eq!(json["data"]["user"], "u-1");
        assert_eq!(json["data"]["provider"], "sandbox");
        assert!(json["data"]["grant_id"].is_string(), "{json}");
        assert!(json["timestamp"].is_string(), "{json}");
        assert!(!message.body.contains(token["access_token"].as_str().unwrap()));
    }
    // The audit log has the same, with the same ids.
    let log = api.get("/v1/audit").await.json(200);
    let logged: Vec<_> = log["events"].as_array().unwrap().iter().collect();
    let kinds: Vec<_> = logged.iter().map(|entry| entry["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, all.iter().map(String::as_str).collect::<Vec<_>>());
    let ids: BTreeSet<_> = receiver.all().iter().map(|m| m.id().to_owned()).collect();
    assert!(logged.iter().all(|entry| ids.contains(entry["id"].as_str().unwrap())));
    drop(sandbox);
}

async fn failed_message_is_sent_again_before_later_ones(store: &str) {
    let installation = Installation::new(store);
    let broker = installation.serve();
    let api = broker.api(&installation.key);
    let receiver = Receiver::start().await;
    receiver.answer_next(&[500]);
    subscribe(&api, "all", &receiver.url).await;
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let until = Instant::now() + Duration::from_secs(30);
    let state = loop {
        let state = api.get("/v1/webhooks/all").await.json(200);
        if state["last_failure"].is_object() {
            break state;
        }
        assert!(Instant::now() < until, "{state}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(state["last_failure"]["reason"], "HTTP status 500");
    assert_eq!(state["pending"], 1);
    // Those of other connections wait as well, and each of them stays before its successor.
    let users: Vec<String> = (1..8).map(|n| format!("u-{n}")).collect();
    for user in &users[1..] {
        api.connect("sandbox", user).await;
    }
    for user in &users {
        api.delete(&format!("/v1/connections/sandbox/{user}")).await;
    }
    let accepted = receiver.wait_for(2 * users.len()).await;
    for user in &users {
        let of_user = accepted.iter().filter(|message| message.json()["data"]["user"] == **user);
        let kinds: Vec<_> = of_user.map(|message| message.kind()).collect();
        assert_eq!(kinds, ["connection.created", "connection.revoked"], "{user}");
    }
    let all = receiver.all();
    let again = all[1..].iter().find(|message| message.id() == all[0].id()).unwrap();
    assert_eq!(all[0].body, again.body);
    assert_eq!(all.len(), accepted.len() + 1);
    let until = Instant::now() + Duration::from_secs(30);
    while api.get("/v1/webhooks/all").await.json(200)["pending"] != 0 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let state = api.get("/v1/webhooks/all").await.json(200);
    assert!(state.get("last_failure").is_none() && state.get("failing_since").is_none(), "{state}");
}

async fn killed_broker_reports_what_it_had_stored(store: &str) {
    let installation = Installation::new(store);
    let broker = installation.serve();
    let api = broker.api(&installation.key);
    let receiver = Receiver::start().await;
    receiver.answer_always(503);
    subscribe(&api, "all", &receiver.url).await;
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    for user in 0..10 {
        api.connect("sandbox", &format!("u-{user}")).await;
    }
    // This is a SIGKILL.
    drop(broker);
    receiver.answer_always(200);
    let _again = installation.serve();
    let accepted = receiver.wait_for(10).await;
    let users: BTreeSet<_> =
        accepted.iter().map(|m| m.json()["data"]["user"].as_str().unwrap().to_owned()).collect();
    assert_eq!(users.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn published_library_accepts_messages_of_both_secrets() {
    let (_home, broker, api) = start_broker();
    let receiver = Receiver::start().await;
    let first = subscribe(&api, "all", &receiver.url).await;
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let before = receiver.wait_for(1).await;
    // Replacing it issues another secret; the first one goes on for a day.
    let put = api.put("/v1/webhooks/all", &json!({ "url": receiver.url })).await.json(200);
    let second = put["secret"].as_str().unwrap();
    assert_ne!(first, second);
    api.delete("/v1/connections/sandbox/u-1").await;
    let all = receiver.wait_for(2).await;
    assert_eq!(verdicts(&first, &before), ["ok"]);
    assert_eq!(verdicts(&first, &all[1..]), ["ok"]);
    assert_eq!(verdicts(second, &all[1..]), ["ok"]);
    // The library finds what is wrong.
    assert_ne!(verdicts(second, &before), ["ok"]);
    let mut altered = all[1].clone();
    altered.body = altered.body.replace("u-1", "u-2");
    assert_ne!(verdicts(second, &[altered]), ["ok"]);
    let shown = api.get("/v1/webhooks/all").await;
    assert!(!shown.text.contains(second) && !shown.text.contains("whsec_"), "{}", shown.text);
    assert!(!broker.log().contains("whsec_"), "{}", broker.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn message_under_way_is_finished_after_a_signal() {
    let sandbox = provider().await;
    let receiver = Receiver::start().await;
    let own = Installation::new("sqlite");
    let mut broker = own.serve();
    let api = broker.api(&own.key);
    subscribe(&api, "w", &receiver.url).await;
    api.provide("sandbox", sandbox.issuer()).await;
    receiver.fall_silent();
    api.connect("sandbox", "u-1").await;
    let until = Instant::now() + Duration::from_secs(30);
    while receiver.all().is_empty() {
        assert!(Instant::now() < until, "no message");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    broker.process.signal(Signal::TERM);
    // It has noticed the signal when it accepts no more connections.
    let address = broker.url.strip_prefix("http://").unwrap().to_owned();
    while tokio::net::TcpStream::connect(&address).await.is_ok() {
        assert!(Instant::now() < until, "still listening");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    receiver.speak(204);
    broker.process.await_end().ok();
    assert_eq!(receiver.ended(), 0, "the broker did not wait for the response");
    let again = own.serve();
    let deleted = again.api(&own.key).delete("/v1/connections/sandbox/u-1").await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    let kinds: Vec<_> = receiver.wait_for(2).await.iter().map(|m| m.kind()).collect();
    assert_eq!(kinds, ["connection.created", "connection.revoked"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_refreshes_are_reported_once() {
    let (_home, _broker, api) = start_broker();
    let receiver = Receiver::start().await;
    let events = ["connection.refresh_failed", "connection.recovered"];
    api.put("/v1/webhooks/all", &json!({ "url": receiver.url, "events": events })).await.json(201);
    let sandbox = short_lived(&api, "refresh-500").await;
    api.connect("sandbox", "u-1").await;
    let accepted = receiver.wait_for(1).await;
    assert_eq!(accepted[0].kind(), "connection.refresh_failed");
    assert_eq!(accepted[0].json()["data"]["error"], "unavailable");
    let before = token_requests(&sandbox);
    let until = Instant::now() + Duration::from_secs(60);
    while token_requests(&sandbox) == before {
        api.get("/v1/connections/sandbox/u-1/token?min_ttl=60").await;
        assert!(Instant::now() < until, "not tried again");
    }
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_grant_is_reported_as_login_required() {
    let (_home, _broker, api) = start_broker();
    let receiver = Receiver::start().await;
    subscribe(&api, "all", &receiver.url).await;
    let _sandbox = short_lived(&api, "refresh-invalid-grant").await;
    api.connect("sandbox", "u-1").await;
    receiver.wait_for(2).await;
    // What is left of the last token's lifetime is still good.
    api.get("/v1/connections/sandbox/u-1/token?min_ttl=10").await.problem(409);
    api.connect("sandbox", "u-1").await;
    let accepted = receiver.wait_for(4).await;
    let kinds: Vec<_> = accepted[..4].iter().map(|message| message.kind()).collect();
    let expected = ["created", "login_required", "created", "recovered"];
    assert_eq!(kinds, expected.map(|kind| format!("connection.{kind}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_webhook_gets_nothing_under_its_old_name() {
    let (_home, _broker, api) = start_broker();
    let receiver = Receiver::start().await;
    receiver.answer_next(&[500]);
    subscribe(&api, "all", &format!("{}/old", receiver.url)).await;
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let until = Instant::now() + Duration::from_secs(30);
    while receiver.all().is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(api.delete("/v1/webhooks/all").await.status, 204);
    subscribe(&api, "all", &format!("{}/new", receiver.url)).await;
    api.delete("/v1/connections/sandbox/u-1").await;
    let accepted = receiver.wait_for(1).await;
    assert_eq!(accepted[0].kind(), "connection.revoked");
    assert_eq!(accepted[0].path, "/new");
}
