//! Messages that a receiver does not accept for a day.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use oauthctl_sandbox::Sandbox;
use serde_json::json;

use super::{Installation, MASTER_KEY};
use crate::faketime::shift_clock;
use crate::receiver::Receiver;
use crate::support::{Api, Broker, provider};

/// The broker of an installation, whose clock is a day ahead.
fn serve_a_day_later(installation: &Installation) -> Broker {
    let mut command = installation.home.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("OAUTHCTL_MASTER_KEY", MASTER_KEY);
    Broker::start(shift_clock(&mut command, "+25h"))
}

/// Connects users while the receiver of the webhook `all` accepts nothing.
async fn connect(api: &Api, users: usize) -> (Receiver, Sandbox) {
    let receiver = Receiver::start().await;
    receiver.answer_always(500);
    let created = json!({ "url": receiver.url, "events": ["connection.created"] });
    api.put("/v1/webhooks/all", &created).await.json(201);
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    for user in 1..=users {
        api.connect("sandbox", &format!("u-{user}")).await;
    }
    (receiver, sandbox)
}

#[tokio::test(flavor = "multi_thread")]
async fn message_is_given_up_after_a_day() {
    let installation = Installation::new("sqlite");
    let broker = installation.serve();
    let api = broker.api(&installation.key);
    let (receiver, _sandbox) = connect(&api, 1).await;
    let until = Instant::now() + Duration::from_secs(30);
    while receiver.all().is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(broker);
    let later = serve_a_day_later(&installation);
    let api = later.api(&installation.key);
    let until = Instant::now() + Duration::from_secs(60);
    let state = loop {
        let state = api.get("/v1/webhooks/all").await.json(200);
        if state["dead"] == 1 && state["pending"] == 0 {
            break state;
        }
        assert!(Instant::now() < until, "{state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(state["last_dead"]["reason"], "HTTP status 500");
    assert_eq!(state["last_dead"]["type"], "connection.created");
    assert_eq!(state["last_dead"]["id"], receiver.all()[0].id());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_message_is_given_up_before_an_attempt() {
    let installation = Installation::new("sqlite");
    let broker = installation.serve();
    let api = broker.api(&installation.key);
    let (receiver, _sandbox) = connect(&api, 20).await;
    drop(broker);
    let later = serve_a_day_later(&installation);
    let api = later.api(&installation.key);
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let state = api.get("/v1/webhooks/all").await.json(200);
        if state["pending"] == 0 {
            break;
        }
        // Those that are sent first fail again, a day later; then the receiver works.
        if state["dead"] != 0 {
            receiver.answer_always(204);
        }
        assert!(Instant::now() < until, "{state}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let sent: BTreeSet<_> = receiver.all().iter().map(|message| message.id().to_owned()).collect();
    assert_eq!(sent.len(), 20);
}
