//! Refreshes that the provider delays: signals, clients that leave, and pauses.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{NEW, access_token, token_of};
use crate::authority::Authority;
use crate::support::Home;

#[tokio::test]
async fn refresh_under_way_is_finished_after_a_signal() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let authority = Authority::start().await;
    let mut broker = home.serve(&[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    authority.memory().delay = Duration::from_secs(2);
    let (asking, path) = (api.clone(), token_of("u-1", NEW));
    let request = tokio::spawn(async move { asking.get(&path).await });
    authority.receives(1).await;
    broker.process.signal(Signal::TERM);
    assert_eq!(access_token(&request.await.unwrap()), "at-0-2");
    broker.process.await_end().ok();
    let again = home.serve(&[]);
    assert_eq!(access_token(&again.api(&key).token("p", "u-1").await), "at-0-2");
    authority.assert_nothing_was_lost();
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_whose_client_left_is_finished_too() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let authority = Authority::start().await;
    let mut broker = home.serve(&[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    authority.memory().delay = Duration::from_secs(2);
    let path = token_of("u-1", NEW);
    let asked = tokio::time::timeout(Duration::from_secs(1), api.get(&path)).await;
    assert!(asked.is_err(), "{asked:?}");
    assert_eq!(authority.refreshes(), 1);
    broker.process.signal(Signal::TERM);
    broker.process.await_end().ok();
    let again = home.serve(&[]);
    assert_eq!(access_token(&again.api(&key).token("p", "u-1").await), "at-0-2");
    authority.assert_nothing_was_lost();
}

#[tokio::test]
async fn provider_that_asks_for_a_pause_gets_it() {
    let home = Home::new();
    let authority = Authority::start().await;
    authority.memory().lifetime = 10;
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    for user in 0..20 {
        api.connect("p", &format!("u-{user}")).await;
    }
    authority.memory().refusal = Some("600");
    let before = authority.refreshes();
    // Each of them is due, in the background and for a client.
    let tasks: Vec<_> = (0..20)
        .map(|user| {
            let (api, path) = (api.clone(), token_of(&format!("u-{user}"), NEW));
            tokio::spawn(async move { api.get(&path).await.status })
        })
        .collect();
    for task in tasks {
        // What is stored still lives.
        assert!(matches!(task.await.unwrap(), 200 | 502));
    }
    let first = authority.memory().refused_at.len();
    let until = Instant::now() + Duration::from_secs(14);
    tokio::time::sleep_until(until.into()).await;
    let refused = authority.memory().refused_at.len();
    assert_eq!(refused, first, "asked during the pause");
    assert_eq!(authority.refreshes(), before);
    let connection = api.get("/v1/connections/p/u-1").await.json(200);
    assert!(connection["stuck_since"].is_string(), "{connection}");
    let until = Instant::now() + Duration::from_secs(20);
    while !broker.log().contains("is_stuck=true") {
        assert!(Instant::now() < until, "{}", broker.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn failed_store_does_not_delay_a_refresh_for_long() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let authority = Authority::start().await;
    authority.memory().lifetime = 10;
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    let store = home.database();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    // The refresh is claimed, but its lock fails.
    store.execute_batch("ALTER TABLE locks RENAME TO away").unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while !broker.log().contains("not refreshed in the background") {
        assert!(Instant::now() < until, "{}", broker.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(authority.refreshes(), 0);
    store.execute_batch("ALTER TABLE away RENAME TO locks").unwrap();
    authority.receives(1).await;
}
