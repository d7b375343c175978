//! The feed of changes.

use std::collections::BTreeSet;
use std::time::Instant;

use oauthctl_broker::storage::{Condition, Key, Space, Storage};

use super::{Home, MINUTE, at_once, key, write};

/// Reads the feed until it has named all of these keys.
async fn told(store: &dyn Storage, mut position: String, expected: BTreeSet<Key>) -> String {
    let mut missing = expected;
    let started = Instant::now();
    while !missing.is_empty() {
        assert!(started.elapsed() < MINUTE, "never reported: {missing:?}");
        let changes = store.changes(Some(&position)).await.unwrap();
        assert!(!changes.is_incomplete);
        for change in &changes.changed {
            missing.remove(&change.key);
        }
        position = changes.position;
    }
    position
}

pub async fn changes_name_what_others_wrote(home: &Home) {
    let (store, other) = (home.open().await, home.open().await);
    store.put(write(&key("before"), b"x")).await.unwrap();
    let start = store.changes(None).await.unwrap();
    assert!(start.changed.is_empty() && !start.is_incomplete);
    other.put(write(&key("a"), b"x")).await.unwrap();
    other.put(write(&Key::new(Space::Pending, "acme", "unwatched"), b"x")).await.unwrap();
    let position = told(&*store, start.position, BTreeSet::from([key("a")])).await;
    other.delete(&key("before"), Condition::Always).await.unwrap();
    let position = told(&*store, position, BTreeSet::from([key("before")])).await;
    // A change may be named again while a transaction of anybody else is open.
    let (mut quiet, started) = (store.changes(Some(&position)).await.unwrap(), Instant::now());
    while !quiet.changed.is_empty() {
        assert!(started.elapsed() < MINUTE);
        quiet = store.changes(Some(&quiet.position)).await.unwrap();
    }
    assert!(!quiet.is_incomplete);
}

pub async fn concurrent_changes_are_all_reported(home: &Home) {
    let store = home.open().await;
    let start = store.changes(None).await.unwrap().position;
    let writers = at_once(home, 200, |store, n| async move {
        store.put(write(&key(&n.to_string()), b"x")).await.unwrap();
    });
    let expected = (0..200).map(|n| key(&n.to_string())).collect();
    tokio::join!(writers, told(&*store, start, expected));
}

pub async fn an_unknown_position_is_incomplete(home: &Home) {
    let store = home.open().await;
    store.put(write(&key("a"), b"x")).await.unwrap();
    let changes = store.changes(Some("999999999999")).await.unwrap();
    assert!(changes.is_incomplete);
    let next = store.changes(Some(&changes.position)).await.unwrap();
    assert!(!next.is_incomplete);
}
