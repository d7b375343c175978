//! A database that ignores case in names, as many do: a row of another name is not trusted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use oauthctl_core::port::{BoxFuture, GrantStore};
use oauthctl_core::{
    Error, ErrorKind, Expected, FlowManager, Grant, GrantKey, Result, StartRequest, TokenRequest,
};
use serde_json::json;

use crate::scene::{Served, come_back, response, walk};

/// Rows whose key is compared without regard to case. Damaged ones can be moved.
#[derive(Default)]
struct Loose {
    rows: Mutex<Vec<Grant>>,
    moved: AtomicBool,
}

impl Loose {
    fn place(rows: &[Grant], key: &GrantKey) -> Option<usize> {
        let is_it = |row: &Grant| {
            row.key.profile == key.profile && row.key.account.eq_ignore_ascii_case(&key.account)
        };
        rows.iter().position(is_it)
    }
}

impl GrantStore for Loose {
    fn name(&self) -> String {
        "loose".to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move {
            let rows = self.rows.lock().unwrap();
            Ok(Self::place(&rows, key).map(|place| rows[place].clone()))
        })
    }

    fn prepare<'a>(&'a self, _: &'a GrantKey, _bytes: usize) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut rows = self.rows.lock().unwrap();
            match Self::place(&rows, &grant.key) {
                Some(place) => rows[place] = grant.clone(),
                None => rows.push(grant.clone()),
            }
            Ok(())
        })
    }

    fn set_aside<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<String>>> {
        Box::pin(async move {
            self.moved.store(true, Ordering::SeqCst);
            Ok(self.remove(key).await?.then(|| "row 7 of the attic".to_owned()))
        })
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut rows = self.rows.lock().unwrap();
            let place = Self::place(&rows, key);
            Ok(place.map(|place| rows.remove(place)).is_some())
        })
    }
}

#[track_caller]
fn refused<T>(outcome: Result<T>) -> Error {
    let Err(error) = outcome else { panic!("another user's row was believed") };
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(
        error.advice_text().unwrap().contains("compares profile and account byte for byte"),
        "{:?}",
        error.advice()
    );
    error
}

#[tokio::test]
async fn another_users_row_is_neither_used_nor_changed() {
    let served = Served::start();
    let store = Arc::new(Loose::default());
    let ports = served.shared.ports().with_store(store.clone());
    let manager = FlowManager::new([served.honest()], ports);
    let request = StartRequest::for_user("Ada").param("login_hint", "ada");
    let started = manager.start("p", request).await.unwrap();
    let callback = walk(&started.authorization_url);
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let before = store.rows.lock().unwrap().clone();
    let requests = served.token_requests();

    let key = GrantKey::new("p", "ada");
    let request = TokenRequest::default();
    for request in [request.clone(), request.clone().cached(), request.clone().force()] {
        refused(manager.token(&key, &request).await);
    }
    refused(manager.grant(&key).await);
    refused(manager.set_attribute(&key, "a", json!(1), None).await);
    refused(manager.unset_attribute(&key, "a").await);
    refused(manager.revoke(&key).await);
    refused(manager.forget(&key).await);
    // A login would put its own row in the place of the other.
    let (_, callback) = come_back(&manager, "ada").await;
    refused(manager.complete(&response(&callback), &Expected::default()).await);

    assert_eq!(*store.rows.lock().unwrap(), before);
    assert!(!store.moved.load(Ordering::SeqCst));
    assert_eq!((served.token_requests(), served.requests("revoke")), (requests, 0));
    // The row's own user is served as ever.
    let own = GrantKey::new("p", "Ada");
    assert_eq!(manager.token(&own, &request).await.unwrap().account.user.as_deref(), Some("Ada"));
    manager.token(&own, &request.force()).await.unwrap();
    assert!(manager.revoke(&own).await.unwrap().forgotten);
}
