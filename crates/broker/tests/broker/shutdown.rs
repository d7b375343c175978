//! SIGTERM while work is in progress whose client has disconnected.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use oauthctl_broker::storage::Space;
use oauthctl_core::Timestamp;
use rustix::process::Signal;
use serde_json::json;

use crate::authority::Authority;
use crate::connect::confirmation;
use crate::faults::{Fleet, token_of};
use crate::receiver::Receiver;
use crate::support::{Api, Broker, Browser, Home};

/// Sends a request with these headers and this body. Its client can then disconnect.
fn send(api: &Api, line: &str, headers: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(api.url.trim_start_matches("http://")).unwrap();
    let (key, length) = (&api.key, body.len());
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{headers}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    stream
}

/// Waits until a receiver has so many messages.
async fn receives(receiver: &Receiver, count: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    while receiver.all().len() < count {
        assert!(Instant::now() < until, "{:?}", receiver.all());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tells a broker to stop. Returns once it accepts no more connections.
async fn stop(broker: &Broker) {
    broker.process.signal(Signal::TERM);
    let until = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(broker.url.trim_start_matches("http://")).is_ok() {
        assert!(Instant::now() < until, "it still listens");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redemption_without_its_browser_outlives_sigterm() {
    let (home, authority, rule) = (Home::new(), Authority::start().await, Receiver::start().await);
    let mut broker = home.serve(&[]);
    let key = home.tenant("acme", &[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.put("/v1/rules/authorization", &json!({ "callback": rule.url })).await.json(201);
    let link = api.link(&json!({ "provider": "p", "user": "u-1" })).await;
    let mut browser = Browser::default();
    let callback = browser.callback_of(&link).await;
    rule.fall_silent();
    let path = callback.strip_prefix(&broker.url).unwrap();
    let cookie = format!("Cookie: {}\r\n", browser.cookies());
    let stream = send(&api, &format!("GET {path}"), &cookie, "");
    receives(&rule, 1).await;
    drop(stream);
    stop(&broker).await;
    rule.speak(204);
    broker.process.await_end().ok();
    let broker = home.serve(&[]);
    assert_eq!(broker.api(&key).token("p", "u-1").await.json(200)["access_token"], "at-0-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_without_its_client_outlives_sigterm() {
    let (home, authority, rule) = (Home::new(), Authority::start().await, Receiver::start().await);
    let mut broker = home.serve(&[]);
    let key = home.tenant("acme", &[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    api.put("/v1/rules/pre_token", &json!({ "callback": rule.url })).await.json(201);
    // The rule is asked before the token is handed out, and again before the request to the provider.
    rule.fall_silent_after(1);
    let line = format!("GET {}", token_of("u-1", "?min_ttl=24h"));
    let stream = send(&api, &line, "", "");
    receives(&rule, 2).await;
    drop(stream);
    stop(&broker).await;
    rule.speak(204);
    broker.process.await_end().ok();
    assert_eq!(authority.refreshes(), 1);
    let broker = home.serve(&[]);
    assert_eq!(broker.api(&key).token("p", "u-1").await.json(200)["access_token"], "at-0-2");
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_without_its_client_outlives_sigterm() {
    let mut fleet = Fleet::start("redis", 2).await;
    fleet.api(0).connect("p", "u-1").await;
    let confirmation = confirmation(&fleet.api(0)).await;
    // It waits for a refresh of the connection that it replaces, at the other instance.
    fleet.authority.memory().delay = Duration::from_secs(3);
    let refresh = fleet.begin_refresh(0, "u-1").await;
    let body = json!({ "confirmation": confirmation, "user": "u-1" }).to_string();
    let stream = send(&fleet.api(1), "POST /v1/confirmations", "", &body);
    // Its own lock, and the one that it waits for.
    fleet.store.holds_locks(2).await;
    drop(stream);
    stop(fleet.broker(1)).await;
    fleet.await_end(1);
    refresh.await.unwrap().json(200);
    // The other instance may hand out what it had in memory for a second.
    let until = Instant::now() + Duration::from_secs(5);
    while fleet.api(0).token("p", "u-1").await.json(200)["access_token"] != "at-1-1" {
        assert!(Instant::now() < until, "{}", fleet.broker(1).log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unstarted_message_is_given_back_at_sigterm() {
    let (home, authority) = (Home::new(), Authority::start().await);
    let receiver = Receiver::start().await;
    let mut broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.put("/v1/webhooks/w", &json!({ "url": receiver.url })).await.json(201);
    receiver.answer_always(500);
    api.connect("p", "u-1").await;
    receives(&receiver, 1).await;
    let store = home.database();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    let space = Space::Deliveries.number();
    let due = || {
        let query = "SELECT due_at FROM records WHERE space = ?1";
        store.query_row(query, [space], |row| row.get::<_, u64>(0)).unwrap()
    };
    // The failure is stored.
    let until = Instant::now() + Duration::from_secs(30);
    let sent_at = Timestamp::now().unix();
    while due() > sent_at + 15 {
        assert!(Instant::now() < until, "{}", due());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let due_at = Timestamp::now().unix() + 2;
    let update = "UPDATE records SET due_at = ?1 WHERE space = ?2";
    assert_eq!(store.execute(update, (due_at, space)), Ok(1));
    // The claim has to wait for this transaction.
    store.execute_batch("BEGIN IMMEDIATE").unwrap();
    while Timestamp::now().unix() < due_at + 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop(&broker).await;
    store.execute_batch("COMMIT").unwrap();
    broker.process.await_end().ok();
    assert_eq!(receiver.all().len(), 1);
    assert_eq!(due(), due_at, "it is claimed");
}
