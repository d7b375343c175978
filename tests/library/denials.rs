//! Hooks that deny, and grants of the client itself: no token is handed out without their consent, and none
//! is requested that could not be stored.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use oauthctl_core::flow::Hooks;
use oauthctl_core::port::BoxFuture;
use oauthctl_core::profile::{Hook, Profile};
use oauthctl_core::{ErrorKind, Expected, FlowManager, GrantKey, Result, Secret, TokenRequest};
use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};

use crate::scene::{PUBLIC, Served, come_back, profile, response};

/// Hooks that all return the same answer.
#[derive(Default)]
struct Desk(Mutex<&'static str>);

impl Desk {
    fn says(&self, answer: &'static str) {
        *self.0.lock().unwrap() = answer;
    }
}

impl Hooks for Desk {
    fn run<'a>(&'a self, _: &'a Profile, _: &'a Hook, _: Secret) -> BoxFuture<'a, Result<Secret>> {
        let answer = Secret::new(*self.0.lock().unwrap());
        Box::pin(async { Ok(answer) })
    }
}

const NO: &str = "{\"deny\":\"not now\"}";

/// A manager whose profile `p` has these lines and a hook at this event.
fn hooked(served: &Served, lines: &str, event: &str) -> (FlowManager, Arc<Desk>) {
    let desk = Arc::new(Desk::default());
    let lines = format!("{lines}\nhooks = {{ {event} = [\"desk\"] }}");
    let profile = profile("p", served.sandbox.issuer(), &lines);
    let ports = served.shared.ports().with_hooks(desk.clone());
    (FlowManager::new([profile], ports), desk)
}

fn own_name() -> String {
    format!(
        "grant = \"client_credentials\"\nclient_id = {CONFIDENTIAL_CLIENT:?}\nclient_secret = {CONFIDENTIAL_SECRET:?}"
    )
}

/// If the old token's remaining lifetime is too short for the caller, it is returned when a server fails,
/// but not when a hook denies.
#[tokio::test]
async fn old_token_is_no_way_around_a_denial() {
    for event in ["pre_token", "post_token"] {
        let served = Served::start();
        let (manager, desk) = hooked(&served, PUBLIC, event);
        let (_, callback) = come_back(&manager, "ada").await;
        let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
        served.clock.advance(3_600 - 30);
        desk.says(NO);
        for _ in 0..2 {
            let error = manager.token(&done.grant.key, &TokenRequest::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AccessDenied, "{event}: {error}");
        }
        // What was handed out before the denied refresh keeps its own expiry, and is withheld.
        let row = served.shared.users.row("ada", "p").unwrap();
        assert_eq!(row.tokens.withheld, event == "post_token");
        assert_eq!(row.tokens.expires_at, done.grant.expires_at);
        let entry = manager.ports().coordinator.account(&done.grant.key).await.unwrap().unwrap();
        assert_eq!(entry.withheld, event == "post_token");
        desk.says("");
        assert!(manager.token(&done.grant.key, &TokenRequest::default()).await.unwrap().fresh);
    }
}

#[tokio::test]
async fn client_credentials_token_can_be_denied() {
    let served = Served::start();
    let (manager, desk) = hooked(&served, &own_name(), "post_token");
    let (key, request) = (GrantKey::new("p", "default"), TokenRequest::default());
    desk.says(NO);
    for asked in 1..3 {
        let error = manager.token(&key, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AccessDenied, "{error}");
        assert_eq!(served.token_requests(), asked);
        assert_eq!(served.shared.users.row("default", "p"), None);
    }
    desk.says("");
    assert!(manager.token(&key, &request).await.unwrap().fresh);
    assert!(!manager.token(&key, &request).await.unwrap().fresh);
}

#[tokio::test]
async fn unwritable_store_prevents_client_credentials() {
    let served = Served::start();
    let manager = served.shared.manager([profile("p", served.sandbox.issuer(), &own_name())]);
    let (key, request) = (GrantKey::new("p", "default"), TokenRequest::default());
    served.shared.users.full.store(true, Ordering::SeqCst);
    let error = manager.token(&key, &request).await.unwrap_err();
    assert_eq!((error.kind(), served.token_requests()), (ErrorKind::Store, 0), "{error}");
    served.shared.users.full.store(false, Ordering::SeqCst);
    assert!(manager.token(&key, &request).await.unwrap().fresh);
}
