//! Locks, and the writes of those who have lost theirs.

use std::time::{Duration, Instant};

use oauthctl_broker::storage::{Condition, Written};

use super::{Home, MINUTE, at_once, key, on, value};

pub async fn a_lock_has_one_holder(home: &Home) {
    let fences = at_once(home, 16, |store, n| async move {
        store.lock("g", &n.to_string(), MINUTE).await.unwrap()
    })
    .await;
    assert_eq!(fences.iter().flatten().count(), 1);
    let store = home.open().await;
    assert!(store.lock("another", "x", MINUTE).await.unwrap().is_some());
    let holder = fences.iter().position(Option::is_some).unwrap();
    store.unlock("g", "x", fences[holder].unwrap()).await.unwrap();
    assert_eq!(store.lock("g", "x", MINUTE).await.unwrap(), None);
    store.unlock("g", &holder.to_string(), fences[holder].unwrap()).await.unwrap();
    assert!(store.lock("g", "x", MINUTE).await.unwrap().is_some());
}

pub async fn a_fence_grows_with_every_lock(home: &Home) {
    let store = home.open().await;
    let mut last = 0;
    for owner in ["b", "c", "b", "a", "a"] {
        let fence = store.lock("g", owner, MINUTE).await.unwrap().unwrap();
        assert!(fence > last);
        last = fence;
        if owner != "a" {
            store.unlock("g", owner, fence).await.unwrap();
        }
    }
}

pub async fn a_lock_ends_with_its_time(home: &Home) {
    let store = home.open().await;
    let first = store.lock("g", "a", Duration::from_millis(300)).await.unwrap().unwrap();
    assert_eq!(store.lock("g", "b", MINUTE).await.unwrap(), None);
    let started = Instant::now();
    let second = loop {
        if let Some(fence) = store.lock("g", "b", MINUTE).await.unwrap() {
            break fence;
        }
        assert!(started.elapsed() < MINUTE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(second > first);
}

pub async fn a_lost_lock_is_not_renewed(home: &Home) {
    let store = home.open().await;
    let first = store.lock("g", "a", MINUTE).await.unwrap().unwrap();
    assert!(store.renew("g", "a", first, MINUTE).await.unwrap());
    assert!(!store.renew("g", "b", first, MINUTE).await.unwrap());
    assert!(!store.renew("g", "a", first + 1, MINUTE).await.unwrap());
    store.unlock("g", "a", first).await.unwrap();
    let second = store.lock("g", "b", MINUTE).await.unwrap().unwrap();
    assert!(!store.renew("g", "a", first, MINUTE).await.unwrap());
    assert!(store.renew("g", "b", second, MINUTE).await.unwrap());
}

pub async fn a_late_writer_is_refused(home: &Home) {
    let store = home.open().await;
    let fenced =
        |value: &[u8], fence| on(&key("a"), value, Condition::Fence("g".to_owned(), fence));
    let first = store.lock("g", "a", MINUTE).await.unwrap().unwrap();
    assert_eq!(store.put(fenced(b"1", first)).await.unwrap(), Written::Stored(1));
    store.unlock("g", "a", first).await.unwrap();
    assert_eq!(store.put(fenced(b"2", first)).await.unwrap(), Written::Stored(2));
    let second = store.lock("g", "b", MINUTE).await.unwrap().unwrap();
    assert_eq!(store.put(fenced(b"late", first)).await.unwrap(), Written::Refused);
    assert!(!store.delete(&key("a"), Condition::Fence("g".to_owned(), first)).await.unwrap());
    store.unlock("g", "b", second).await.unwrap();
    assert_eq!(store.put(fenced(b"late", first)).await.unwrap(), Written::Refused);
    assert_eq!(value(&*store, &key("a")).await.unwrap(), b"2");
    assert!(store.delete(&key("a"), Condition::Fence("g".to_owned(), second)).await.unwrap());
}
