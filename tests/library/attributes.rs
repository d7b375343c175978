//! Attributes that are stored with a grant.

use std::time::Duration;

use oauthctl_core::{ErrorKind, Expected, GrantKey, StartRequest, TokenRequest};
use serde_json::json;

use crate::scene::{Served, response, walk};

#[tokio::test]
async fn attributes_live_with_the_grant_or_until_expiry() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let request = StartRequest::for_user("ada").attribute("plan", json!({"name": "gold"}));
    let started = manager.start("p", request).await.unwrap();
    let key = started.key();
    let callback = walk(&started.authorization_url);
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let short = Some(Duration::from_secs(60));
    manager.set_attribute(&key, "seen", json!(1), short).await.unwrap();
    manager.set_attribute(&key, "kept", json!(2), None).await.unwrap();
    // Over a refresh, for another process.
    manager.token(&key, &TokenRequest::default().force()).await.unwrap();
    let other = served.shared.manager([]);
    let at = |seconds| {
        served.clock.advance(seconds);
        let grant = served.shared.users.row("ada", "p").unwrap();
        json!(grant.attributes_at(served.shared.clock.now()))
    };
    assert_eq!(at(59), json!({"plan": {"name": "gold"}, "seen": 1, "kept": 2}));
    assert_eq!(at(1), json!({"plan": {"name": "gold"}, "kept": 2}));
    // Nor does the record keep it for longer than until it is written anew.
    manager.token(&key, &TokenRequest::default().force()).await.unwrap();
    let kept = served.shared.users.row("ada", "p").unwrap().attributes;
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["kept", "plan"]);
    assert!(other.unset_attribute(&key, "kept").await.unwrap());
    assert!(!other.unset_attribute(&key, "kept").await.unwrap());
    assert_eq!(at(0), json!({"plan": {"name": "gold"}}));
    let grant = manager.grant(&key).await.unwrap().unwrap();
    assert_eq!(grant.id, started.grant_id, "the name of the grant stays");
}

#[tokio::test]
async fn reserved_room_is_released_after_every_outcome() {
    let served = Served::start();
    let reserved = || served.shared.users.reserved.lock().unwrap().clone();
    let refused = served.shared.manager([served.that("gzip-bomb")]);
    let (_, callback) = crate::scene::come_back(&refused, "ada").await;
    refused.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert!(reserved().is_empty(), "a completion that was refused");
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = crate::scene::come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    assert!(reserved().is_empty(), "a completion");
    manager.token(&key, &TokenRequest::default().force()).await.unwrap();
    assert!(reserved().is_empty(), "a refresh");
    served.shared.users.breaks.store(true, std::sync::atomic::Ordering::SeqCst);
    manager.token(&key, &TokenRequest::default().force()).await.unwrap_err();
    assert!(reserved().is_empty(), "a refresh whose tokens could not be saved");
}

#[tokio::test]
async fn attributes_need_a_grant_and_room() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let nobody = GrantKey::new("p", "nobody");
    let error = manager.set_attribute(&nobody, "a", json!(1), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    let (_, callback) = crate::scene::come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    let huge = json!("x".repeat(40_000));
    let error = manager.set_attribute(&key, "a", huge, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(served.shared.users.row("ada", "p").unwrap().attributes.is_empty());
    // What has had its time takes no room.
    let large = || json!("x".repeat(20_000));
    let short = Some(Duration::from_secs(60));
    manager.set_attribute(&key, "short", large(), short).await.unwrap();
    manager.set_attribute(&key, "more", large(), None).await.unwrap_err();
    served.clock.advance(60);
    manager.set_attribute(&key, "more", large(), None).await.unwrap();
}

#[tokio::test]
async fn attributes_at_start_have_the_same_limits() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let nested = |depth| (1..depth).fold(json!([]), |inner, _| json!([inner]));
    let with = |value| StartRequest::for_user("ada").attribute("deep", value);
    for sealed in [false, true] {
        let request = |value| if sealed { with(value).sealed() } else { with(value) };
        for deep in [nested(33), nested(125), nested(500)] {
            let error = manager.start("p", request(deep)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        }
        let started = manager.start("p", request(nested(32))).await.unwrap();
        let callback = walk(&started.authorization_url);
        manager.complete(&response(&callback), &Expected::default()).await.unwrap();
        manager.set_attribute(&started.key(), "another", json!(1), None).await.unwrap();
    }
    assert_eq!(served.shared.flows.count(), 0, "nothing waits that was refused");
}
