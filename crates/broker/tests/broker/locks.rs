//! The locks of grants, as two instances see them.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_broker::cache::Caches;
use oauthctl_broker::flow::{Flow, FlowOptions, Locks, outbound};
use oauthctl_broker::keys::MasterKey;
use oauthctl_broker::rules::hooks::Rules;
use oauthctl_broker::storage::{Location, Usage, open};
use oauthctl_broker::vault::Vault;
use oauthctl_core::grant::Intent;
use oauthctl_core::http::Reach;
use oauthctl_core::port::Coordinator;
use oauthctl_core::{AccountEntry, ErrorKind, Grant, GrantKey, Timestamp};
use serde_json::json;

use crate::databases::Own;

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// What an instance uses.
struct Instance {
    flow: Flow,
    caches: Arc<Caches>,
    _folder: tempfile::TempDir,
}

impl Instance {
    async fn on(store: &Own) -> Self {
        let location = Location::parse(&store.url, "/".as_ref()).unwrap();
        let storage = open(&location, Usage::Serve).await.unwrap();
        let master = MasterKey::parse(MASTER_KEY, "the key").unwrap();
        let vault = Arc::new(Vault::open(storage, master).await.unwrap());
        let (caches, folder) = (Arc::new(Caches::default()), tempfile::tempdir().unwrap());
        let origin = "http://127.0.0.1:1/callback";
        let (reach, spool) = (Reach::Anywhere, folder.path().join("spool"));
        let rules =
            Arc::new(Rules::new(Arc::clone(&vault), outbound(reach, Duration::from_secs(1))));
        let flow = Flow::new(&vault, &caches, FlowOptions { reach, rules, origin, spool }).unwrap();
        Self { flow, caches, _folder: folder }
    }
}

fn grant(key: &GrantKey) -> Grant {
    let now = Timestamp::now();
    serde_json::from_value(json!({
        "version": 1, "id": "g", "generation": 1, "key": key, "grant_type": "authorization_code",
        "pin": { "issuer": null, "token_endpoint": "https://as.example/token", "client_id": "c", "client_auth": "none" },
        "tokens": { "access_token": "a", "token_type": "Bearer", "expires_at": null, "scopes": [] },
        "obtained_at": now, "refreshed_at": now,
    }))
    .unwrap()
}

#[tokio::test]
async fn writer_that_lost_its_lock_writes_nothing() {
    let store = Own::start("redis").await;
    let (one, two) = (Instance::on(&store).await, Instance::on(&store).await);
    let key = GrantKey::new("acme/p", "u-1");
    let entry = AccountEntry::of(&grant(&key), "redis");
    let wait = Duration::from_secs(5);
    let mut late = one.flow.locks.lock(&key, wait).await.unwrap();
    late.publish(&entry).await.unwrap();
    let waiting = two.flow.locks.lock(&key, Duration::from_millis(50));
    let (busy, was_busy) = Locks::watch(waiting).await;
    assert_eq!(busy.err().unwrap().kind(), ErrorKind::Unavailable);
    assert!(was_busy);
    store.flush_locks().await;
    let (holder, was_busy) = Locks::watch(two.flow.locks.lock(&key, wait)).await;
    assert!(!was_busy);
    let mut holder = holder.unwrap();
    assert_eq!(late.publish(&entry).await.unwrap_err().kind(), ErrorKind::Store);
    holder.publish(&entry).await.unwrap();
    drop(holder);
    // Its lock is over as well, but it was the later one.
    assert!(late.publish(&entry).await.is_err());
}

#[tokio::test]
async fn abandoned_intent_waits_until_the_store_settles() {
    let store = Own::start("redis").await;
    let (one, two) = (Instance::on(&store).await, Instance::on(&store).await);
    let key = GrantKey::new("acme/p", "u-1");
    let mut lock = one.flow.locks.lock(&key, Duration::from_secs(5)).await.unwrap();
    let at = Timestamp::from_unix(Timestamp::now().unix() - 600);
    let (grant_id, token_hash) = ("g".to_owned(), "h".to_owned());
    let intent = Intent { grant_id, generation: 1, token_hash, at, sends: 1 };
    lock.set_intent(&intent).await.unwrap();
    drop(lock);
    // It is old, but whoever left it may just be getting the store back.
    let soon = two.flow.locks.lock(&key, Duration::from_secs(1)).await;
    assert_eq!(soon.err().unwrap().kind(), ErrorKind::Unavailable);
    let begun = Instant::now();
    let feed = async {
        loop {
            two.caches.mark_fresh(Instant::now());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = feed => unreachable!(),
        lock = two.flow.locks.lock(&key, Duration::from_secs(20)) => {
            assert_eq!(lock.unwrap().intent().await.unwrap().unwrap().grant_id, "g");
        }
    }
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn nothing_is_sent_while_the_store_fails() {
    let mut store = Own::start("redis").await;
    let one = Instance::on(&store).await;
    let begun = Cell::new(0);
    let work = || async {
        begun.set(begun.get() + 1);
        Ok(())
    };
    one.flow.present("acme/p", work()).await.unwrap();
    store.kill();
    // The server may require a certificate, which is not known now.
    let failed = one.flow.present("acme/p", work()).await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(begun.get(), 1);
}
