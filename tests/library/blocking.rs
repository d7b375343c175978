//! The blocking API: the same flow from threads without a runtime.

use std::time::Duration;

use oauthctl_core::blocking::FlowManager;
use oauthctl_core::flow::AtServer;
use oauthctl_core::{
    AuthorizationResponse, ErrorKind, Expected, GrantKey, StartRequest, Started, TokenRequest,
};
use serde_json::json;

use crate::scene::{PUBLIC, Served, Shared, profile, response, walk};
use crate::support::Servers;

fn start(manager: &FlowManager, user: &str) -> (Started, AuthorizationResponse) {
    let request = StartRequest::for_user(user).param("login_hint", user);
    let started = manager.start("p", request).unwrap();
    let response = response(&walk(&started.authorization_url));
    (started, response)
}

#[test]
fn blocking_manager_starts_completes_and_revokes() {
    let served = Served::start();
    let manager = FlowManager::new([served.honest()], served.shared.ports()).unwrap();
    let (started, response) = start(&manager, "ada");
    let (_, of_brook) = start(&manager, "brook");
    assert_eq!(manager.pending().unwrap().len(), 2);
    let expected = Expected::default().state(&started.state);
    let done = manager.complete(&response, &expected).unwrap();
    let key = done.grant.key;
    assert_eq!(manager.complete(&response, &expected).unwrap_err().kind(), ErrorKind::InvalidState);
    let waiting = manager.pending().unwrap();
    assert!(manager.cancel(&waiting[0].grant_id).unwrap());
    let error = manager.complete(&of_brook, &Expected::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState);

    manager.set_attribute(&key, "plan", json!("gold"), None).unwrap();
    let stored = manager.token(&key, &TokenRequest::default()).unwrap();
    let forced = manager.token(&key, &TokenRequest::default().force()).unwrap();
    assert!(!stored.fresh && forced.fresh);
    assert_eq!(manager.grant(&key).unwrap().unwrap().attributes["plan"].value, "gold");
    assert!(manager.unset_attribute(&key, "plan").unwrap());
    assert_eq!(manager.list(None).unwrap()[0].key, key);
    assert!(matches!(manager.revoke(&key).unwrap().at_server, AtServer::Revoked));
    assert!(!manager.forget(&key).unwrap());
    assert_eq!(manager.profile("p").unwrap().name, "p");
}

#[test]
fn sixteen_threads_and_one_refresh() {
    let (server, shared) = (Servers::oidc_provider_with(&["--ttl", "30"]), Shared::of_now());
    let profile = profile("p", &server.issuer, PUBLIC);
    let manager = FlowManager::new([profile], shared.ports()).unwrap();
    let (_, response) = start(&manager, "ada");
    let key = manager.complete(&response, &Expected::default()).unwrap().grant.key;
    server.ttl(3_600);
    server.hold(1);
    let request = TokenRequest::default().min_ttl(Duration::from_secs(120));
    let tokens: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..16)
            .map(|number| {
                // Half of them share the manager, half have a clone.
                let (cloned, manager, key, request) = (manager.clone(), &manager, &key, &request);
                scope.spawn(move || {
                    let manager = if number % 2 == 0 { &cloned } else { manager };
                    manager.token(key, request).unwrap()
                })
            })
            .collect();
        server.await_held(1);
        server.release();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(tokens.iter().filter(|token| token.fresh).count(), 1);
    let first = &tokens[0].value;
    assert!(tokens.iter().all(|token| token.value == *first));
    assert_eq!(server.count("refresh_token"), 1);
}

#[test]
fn managers_in_threads_complete_a_flow_once() {
    let served = Served::start();
    let manager = FlowManager::new([served.honest()], served.shared.ports()).unwrap();
    let (_, response) = start(&manager, "ada");
    let kinds: Vec<_> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..8)
            .map(|_| {
                let other = FlowManager::new([served.honest()], served.shared.ports()).unwrap();
                let response = &response;
                scope.spawn(move || other.complete(response, &Expected::default()))
            })
            .collect();
        let join = |caller: std::thread::ScopedJoinHandle<'_, _>| caller.join().unwrap();
        callers.into_iter().filter_map(|c| join(c).err()).map(|error| error.kind()).collect()
    });
    assert_eq!(kinds, [ErrorKind::InvalidState; 7]);
    assert_eq!(served.token_requests(), 1);
}

#[tokio::test]
async fn blocking_call_in_a_runtime_is_an_error() {
    let served = Served::start();
    let manager = FlowManager::new([served.honest()], served.shared.ports()).unwrap();
    let key = GrantKey::new("p", "ada");
    for error in [
        manager.token(&key, &TokenRequest::default()).unwrap_err(),
        manager.start("p", StartRequest::default()).unwrap_err(),
        manager.list(None).unwrap_err(),
        manager.revoke(&key).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.advice_text().unwrap().contains("FlowManager"), "{error}");
    }
    // The asynchronous one below does it, and the runtime is dropped here without a panic.
    assert_eq!(manager.inner().list(None).await.unwrap(), []);
    drop(manager);
    assert_eq!(served.token_requests(), 0);
}
