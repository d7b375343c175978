//! How much is stored for a tenant, whatever its providers and receivers do.

use std::time::{Duration, Instant};

use oauthctl_broker::audit;
use oauthctl_broker::keys::MasterKey;
use oauthctl_broker::storage::{Condition, Key, Location, Space, Usage, Write, open};
use oauthctl_broker::vault::Vault;
use serde_json::json;

use crate::authority::Authority;
use crate::faults::token_of;
use crate::receiver::Receiver;
use crate::support::{Browser, Scene, start_broker};

#[tokio::test]
async fn token_that_is_too_large_is_not_stored() {
    let authority = Authority::start().await;
    let (home, _broker, api) = start_broker();
    api.put("/v1/providers/as", &authority.provider()).await.json(201);
    for (size, status) in [(100_000, 200), (140_000, 502)] {
        authority.memory().padding = size;
        let user = format!("u-{size}");
        let link = api.link(&json!({ "provider": "as", "user": user })).await;
        assert_eq!(Browser::default().follow(&link).await.status, status, "{size}");
        let token = api.token("as", &user).await;
        match status {
            200 => assert!(token.json(200)["access_token"].as_str().unwrap().len() > size),
            _ => drop(token.problem(404)),
        }
    }
    let largest = "SELECT max(length(value)) FROM records";
    let largest = home.database().query_row(largest, [], |row| row.get::<_, usize>(0)).unwrap();
    assert!(largest < 130_000, "{largest}");
}

#[tokio::test]
async fn refresh_token_beside_a_large_token_is_stored() {
    let authority = Authority::start().await;
    let (_home, _broker, api) = start_broker();
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    let path = token_of("u-1", "?min_ttl=24h");
    authority.memory().padding = 140_000;
    for refreshes in [1, 2] {
        api.get(&path).await.problem(502);
        assert_eq!(authority.refreshes(), refreshes);
        authority.assert_nothing_was_lost();
    }
    assert_eq!(api.token("p", "u-1").await.json(200)["access_token"], "at-0-1");
    authority.memory().padding = 0;
    assert_eq!(api.get(&path).await.json(200)["access_token"], "at-0-4");
    authority.assert_nothing_was_lost();
}

#[tokio::test]
async fn large_token_is_not_kept_in_memory() {
    let scene = Scene::new().await;
    let Scene { api, home, sandbox, .. } = &scene;
    api.provide("huge", &sandbox.issuer_with("huge-token")).await;
    for provider in ["sandbox", "huge"] {
        api.connect(provider, "u-1").await;
    }
    let (store, grants) = (home.database(), Space::Grants.number());
    // Nobody tells the broker that the grants are out of reach: it goes on with what is in memory.
    let without_store = async |provider: &str| {
        api.token(provider, "u-1").await.json(200);
        let hide = "UPDATE records SET space = 255 WHERE space = ?1";
        assert_eq!(store.execute(hide, [grants]).unwrap(), 2);
        let status = api.token(provider, "u-1").await.status;
        store.execute("UPDATE records SET space = ?1 WHERE space = 255", [grants]).unwrap();
        status
    };
    let until = Instant::now() + Duration::from_secs(30);
    while without_store("sandbox").await != 200 {
        assert!(Instant::now() < until, "never in memory");
    }
    for _ in 0..20 {
        assert_eq!(without_store("huge").await, 404);
    }
}

#[tokio::test]
async fn messages_for_a_failing_receiver_are_limited() {
    let scene = Scene::new().await;
    let Scene { api, home, .. } = &scene;
    let (failing, working) = (Receiver::start().await, Receiver::start().await);
    failing.answer_always(500);
    for (name, receiver) in [("failing", &failing), ("working", &working)] {
        api.put(&format!("/v1/webhooks/{name}"), &json!({ "url": receiver.url })).await.json(201);
    }
    api.connect("sandbox", "u-1").await;
    working.wait_for(1).await;
    let state = async || api.get("/v1/webhooks/failing").await.json(200);
    let until = Instant::now() + Duration::from_secs(30);
    while state().await["failing_since"].is_null() {
        assert!(Instant::now() < until, "never failed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let store = home.database();
    let fill = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10000)
        INSERT INTO records (space, tenant, id, revision, value)
        SELECT ?1, 'acme', 'z/' || n, 1, X'00' FROM n";
    store.execute(fill, [Space::Deliveries.number()]).unwrap();
    api.connect("sandbox", "u-2").await;
    working.wait_for(2).await;
    let after = state().await;
    assert_eq!((&after["pending"], &after["dead"]), (&json!(1), &json!(1)), "{after}");
    assert!(scene.broker.log().contains("too many webhook messages"), "{}", scene.broker.log());
    store.execute("DELETE FROM records WHERE tenant = 'acme' AND id LIKE 'z/%'", []).unwrap();
    api.connect("sandbox", "u-3").await;
    working.wait_for(3).await;
    assert_eq!(state().await["pending"], 2);
}

#[tokio::test]
async fn oldest_entries_of_a_long_audit_log_go() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::parse("sqlite:broker.db", directory.path()).unwrap();
    let storage = open(&location, Usage::Administer).await.unwrap();
    let vault = Vault::open(storage, MasterKey::generate().unwrap()).await.unwrap();
    for (tenant, count) in [("acme", 1_210), ("other", 5)] {
        for n in 0..count {
            let key = Key::new(Space::Audit, tenant, format!("{n:015}"));
            let write = Write::new(key, vec![1], Condition::Always);
            vault.storage().put(write).await.unwrap();
        }
    }
    audit::trim(&vault, "acme", 200).await.unwrap();
    audit::trim(&vault, "other", 200).await.unwrap();
    let left = vault.storage().list(Space::Audit, "acme", "", None, 1_000).await.unwrap();
    assert_eq!(left.len(), 200);
    assert_eq!(left[0].key.id, format!("{:015}", 1_010));
    assert_eq!(vault.storage().count(Space::Audit, "other", 10).await.unwrap(), 5);
}
