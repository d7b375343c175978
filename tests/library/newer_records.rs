//! Records that a newer version of the crate wrote into a custom store: refused, and never rewritten.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oauthctl_core::grant::GRANT_VERSION;
use oauthctl_core::port::{BoxFuture, GrantStore, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::{
    Error, ErrorKind, Expected, FlowManager, Grant, GrantKey, Result, TokenRequest,
};
use serde_json::json;

use crate::own_stores::Users;
use crate::scene::{Served, come_back, response};

/// Another program, which is newer, rewrites the row of `ada`.
async fn upgrade(users: &Users) -> Grant {
    let row = users.row("ada", "p").unwrap();
    let newer = Grant { version: GRANT_VERSION + 1, ..row };
    users.save(&newer).await.unwrap();
    newer
}

#[track_caller]
fn refused<T>(outcome: Result<T>) -> Error {
    let Err(error) = outcome else { panic!("a newer record was believed") };
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.message().contains(&format!("version {}", GRANT_VERSION + 1)), "{error}");
    error
}

#[tokio::test]
async fn newer_record_is_refused_and_stays_as_it_is() {
    let served = Served::start();
    let users = &served.shared.users;
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let newer = upgrade(users).await;
    let requests = served.token_requests();
    let key = GrantKey::new("p", "ada");
    refused(manager.token(&key, &TokenRequest::default()).await);
    refused(manager.token(&key, &TokenRequest::default().force()).await);
    refused(manager.grant(&key).await);
    refused(manager.list(None).await);
    refused(manager.set_attribute(&key, "a", json!(1), None).await);
    refused(manager.unset_attribute(&key, "a").await);
    let (_, callback) = come_back(&manager, "ada").await;
    refused(manager.complete(&response(&callback), &Expected::default()).await);
    assert_eq!(users.row("ada", "p"), Some(newer));
    assert_eq!(served.token_requests(), requests);
    // Where it can be moved, a login moves it, and says where it went.
    users.has_attic.store(true, Ordering::SeqCst);
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    assert!(done.warnings[0].message().contains("is kept as row 7 of the attic"));
    assert_eq!(users.row("ada", "p").unwrap().version, GRANT_VERSION);
}

/// A transport during whose refresh request the row is rewritten.
struct Meanwhile {
    http: Arc<dyn Http>,
    users: Arc<Users>,
    happened: AtomicBool,
}

impl Http for Meanwhile {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            if request.purpose == "refresh request" && !self.happened.swap(true, Ordering::SeqCst) {
                upgrade(&self.users).await;
            }
            self.http.send(request).await
        })
    }
}

#[tokio::test]
async fn record_that_became_newer_is_not_rewritten() {
    let served = Served::start();
    let ports = served.shared.ports();
    let (http, users) = (ports.http.clone(), served.shared.users.clone());
    let http = Arc::new(Meanwhile { http, users: users.clone(), happened: AtomicBool::default() });
    let manager = FlowManager::new([served.honest()], ports.with_http(http));
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    let before = users.row("ada", "p").unwrap();
    refused(manager.token(&key, &TokenRequest::default().force()).await);
    assert_eq!(users.row("ada", "p"), Some(Grant { version: GRANT_VERSION + 1, ..before }));
}
