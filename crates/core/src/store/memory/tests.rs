use super::*;
use crate::clock::SystemClock;

fn pending(limit: usize) -> MemoryPending {
    MemoryPending::new(Arc::new(SystemClock), limit)
}

fn record(id: &str, expires_at: Timestamp) -> PendingRecord {
    PendingRecord { id: id.to_owned(), expires_at, sealed: vec![1] }
}

fn soon() -> Timestamp {
    Timestamp::now().plus(Duration::from_secs(100))
}

#[tokio::test]
async fn flow_that_comes_back_is_not_claimed_again() {
    let (flows, at) = (pending(10), soon());
    let old_copy = record("a", at);
    flows.put(&old_copy).await.unwrap();
    assert!(!flows.claim("a", at.plus(Duration::from_secs(1))).await.unwrap());
    assert!(flows.claim("a", at).await.unwrap());
    assert!(flows.put(&old_copy).await.is_err());
    assert!(!flows.claim("a", at).await.unwrap());
    assert!(!flows.mark_used("a", at).await.unwrap());
    assert_eq!(flows.get("a", at).await.unwrap(), None);
    assert!(flows.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn used_flow_makes_room_and_marks_have_a_limit() {
    let (flows, at) = (pending(2), soon());
    for number in 0..10 {
        let id = number.to_string();
        flows.put(&record(&id, at)).await.unwrap();
        assert!(flows.claim(&id, at).await.unwrap(), "{id}");
    }
    flows.put(&record("a", at)).await.unwrap();
    flows.put(&record("b", at)).await.unwrap();
    assert!(flows.put(&record("c", at)).await.is_err());
    // Without room for the mark nothing is claimed, nor lost.
    assert!(flows.claim("a", at).await.is_err());
    assert!(flows.mark_used("d", at).await.is_err());
    assert!(flows.get("a", at).await.unwrap().is_some());
}

#[tokio::test]
async fn expired_flows_are_evicted() {
    let (flows, past) = (pending(1), Timestamp::from_unix(1));
    flows.put(&record("waits", past)).await.unwrap();
    for number in 0..5 {
        assert!(flows.mark_used(&number.to_string(), past).await.unwrap());
    }
    let at = soon();
    flows.put(&record("a", at)).await.unwrap();
    assert!(flows.claim("a", at).await.unwrap());
    // A clock that is set back makes none of them new.
    assert!(flows.is_used("0", past).await.unwrap());
    assert!(!flows.mark_used("0", past).await.unwrap());
    assert!(flows.mark_used("later", Timestamp::from_unix(2)).await.unwrap());
}

#[tokio::test]
async fn record_set_aside_leaves_others_alone() {
    let store = MemoryStore::new();
    let ada = GrantKey::new("p", "ada");
    let odd = GrantKey::new("p", "ada\0damaged");
    for key in [&ada, &odd] {
        store.save(&grant(key)).await.unwrap();
    }
    let listed = |keys: Option<Vec<GrantKey>>| keys.unwrap().len();
    assert_eq!(listed(store.list().await.unwrap()), 2);
    assert!(store.set_aside(&ada).await.unwrap().is_some());
    assert_eq!(store.set_aside(&ada).await.unwrap(), None);
    assert_eq!(store.load(&odd).await.unwrap(), Some(grant(&odd)));
    assert_eq!(listed(store.list().await.unwrap()), 1);
    store.save(&grant(&ada)).await.unwrap();
    assert!(store.remove(&ada).await.unwrap());
    assert_eq!(store.load(&odd).await.unwrap(), Some(grant(&odd)));
}

fn grant(key: &GrantKey) -> Grant {
    serde_json::from_value(serde_json::json!({
        "version": 1,
        "id": "g",
        "generation": 1,
        "key": key,
        "pin": {
            "issuer": null,
            "token_endpoint": "https://as.example/token",
            "client_id": "c",
            "client_auth": "none",
        },
        "grant_type": "authorization_code",
        "tokens": {
            "access_token": "a",
            "token_type": "Bearer",
            "expires_at": null,
            "scopes": [],
        },
        "obtained_at": 0,
        "refreshed_at": 0,
    }))
    .unwrap()
}
