//! A user who denies access, a server that refuses, and a network that fails are distinct from each other
//! and from invalid states.

mod answers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oauthctl_core::flow::Hooks;
use oauthctl_core::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::profile::{Hook, Profile};
use oauthctl_core::{
    Advice, Error, ErrorKind, Expected, FlowManager, GrantKey, Result, Secret, StartRequest,
    TokenRequest,
};
use oauthctl_sandbox::CONFIDENTIAL_CLIENT;

use crate::scene::{PUBLIC, Served, Shared, come_back, profile, response};

/// How the completion of an otherwise right flow fails against this server.
async fn failure(served: &Served, scenario: &str) -> Error {
    let manager = served.shared.manager([served.that(scenario)]);
    let (state, callback) = come_back(&manager, "ada").await;
    let expected = Expected::default().state(state);
    manager.complete(&response(&callback), &expected).await.expect_err(scenario)
}

#[tokio::test]
async fn denied_authorization_is_access_denied() {
    let served = Served::start();
    let error = failure(&served, "deny").await;
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(error.oauth_error().unwrap().code, "access_denied");
    assert!(!error.is_transient());
    assert_eq!(served.token_requests(), 0);
}

#[tokio::test]
async fn refused_client_is_server_refused() {
    let served = Served::start();
    let wrong =
        format!("client_id = {CONFIDENTIAL_CLIENT:?}\nclient_secret = \"not the right one\"");
    let manager = served.shared.manager([profile("p", served.sandbox.issuer(), &wrong)]);
    let (_, callback) = come_back(&manager, "ada").await;
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerRefused, "{error}");
    assert_eq!(error.oauth_error().unwrap().code, "invalid_client");
    // In the front channel, in the server's name.
    let (_, callback) = come_back(&manager, "ada").await;
    let code = callback.split(['?', '&']).find(|p| p.starts_with("code=")).unwrap();
    let refusal = callback.replace(code, "error=invalid_scope&error_description=no%20such%20scope");
    let error = manager.complete(&response(&refusal), &Expected::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ServerRefused, "{error}");
    assert_eq!(error.oauth_error().unwrap().description.as_deref(), Some("no such scope"));
    // The flow has ended with it.
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
}

#[tokio::test]
async fn failing_server_is_unavailable_and_uses_the_state() {
    let served = Served::start();
    for scenario in ["token-500", "token-503-retry-after", "token-drop", "callback-error"] {
        let error = failure(&served, scenario).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{scenario}: {error}");
        assert!(error.is_transient(), "{scenario}");
        let advice = error.advice();
        assert!(advice.ends_with(&[Advice::StateUsed]), "{scenario}: {advice:?}");
    }
}

#[tokio::test]
async fn unexpected_identity_or_reply_is_validation() {
    let served = Served::start();
    for scenario in ["id-token-wrong-nonce", "id-token-wrong-aud", "wrong-iss", "token-html"] {
        let error = failure(&served, scenario).await;
        assert_eq!(error.kind(), ErrorKind::Validation, "{scenario}: {error}");
        assert_eq!(served.shared.users.row("ada", "p"), None, "{scenario}");
    }
    let manager = served.shared.manager([served.honest()]);
    for wrong in [Expected::default().sub("person-2"), Expected::default().email("x@y.example")] {
        let (_, callback) = come_back(&manager, "ada").await;
        let error = manager.complete(&response(&callback), &wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{wrong:?}: {error}");
        assert_eq!(served.shared.users.row("ada", "p"), None, "{wrong:?}");
    }
}

#[tokio::test]
async fn unwritable_store_prevents_requests() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    served.shared.users.full.store(true, Ordering::SeqCst);
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert_eq!(served.token_requests(), 0);
    served.shared.users.full.store(false, Ordering::SeqCst);
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    // The same for a refresh.
    served.shared.users.full.store(true, Ordering::SeqCst);
    let forced = TokenRequest::default().force();
    let error = manager.token(&done.grant.key, &forced).await.unwrap_err();
    assert_eq!((error.kind(), served.token_requests()), (ErrorKind::Store, 1), "{error}");
}

#[tokio::test]
async fn damaged_row_is_a_store_error_not_absent() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    served.shared.users.damage("ada", "p");
    for error in [
        manager.token(&key, &TokenRequest::default()).await.unwrap_err(),
        manager.grant(&key).await.unwrap_err(),
        manager.list(None).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    }
    assert_eq!(served.token_requests(), 1);
    assert!(manager.forget(&key).await.unwrap());
    assert_eq!(manager.grant(&key).await.unwrap(), None);
}

#[tokio::test]
async fn damaged_row_costs_neither_code_nor_state() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    served.shared.users.damage("ada", "p");
    let (_, callback) = come_back(&manager, "ada").await;
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!((error.kind(), served.token_requests()), (ErrorKind::Store, 1), "{error}");
    // Once it has been removed, the same response is accepted.
    assert!(manager.forget(&key).await.unwrap());
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    assert_eq!(served.token_requests(), 2);
    // Where it can be moved, whatever happens next says where it is.
    served.shared.users.damage("ada", "p");
    served.shared.users.has_attic.store(true, Ordering::SeqCst);
    let error = failure(&served, "token-500").await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("is kept as row 7 of the attic"), "{error}");
}

#[tokio::test]
async fn unsaved_tokens_are_revoked() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    served.shared.users.breaks.store(true, Ordering::SeqCst);
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!((error.kind(), served.token_requests()), (ErrorKind::Store, 1), "{error}");
    assert_eq!(served.requests("revoke"), 1);
    // Not if it is stored anyway: it would be handed out.
    served.shared.users.breaks.store(false, Ordering::SeqCst);
    served.shared.users.lies.store(true, Ordering::SeqCst);
    let (_, callback) = come_back(&manager, "ada").await;
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!((error.kind(), served.requests("revoke")), (ErrorKind::Store, 1), "{error}");
    assert!(served.shared.users.row("ada", "p").is_some());
}

#[tokio::test]
async fn unknown_profile_is_config_with_the_nearest_name() {
    let served = Served::start();
    let mut other = served.honest();
    other.name = "gitlab".to_owned();
    let manager = served.shared.manager([served.honest(), other]);
    let key = GrantKey::new("gitlap", "ada");
    let token = manager.token(&key, &TokenRequest::default()).await.unwrap_err();
    let start = manager.start("gitlap", StartRequest::default()).await.unwrap_err();
    for error in [token, start, manager.profile("gitlap").await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Config);
        assert_eq!(error.advice(), [Advice::DidYouMean("gitlab".to_owned())]);
    }
    let error = manager.token(&GrantKey::new("p", "nobody"), &TokenRequest::default()).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::LoginRequired);
    let no_pending = oauthctl_core::Ports::new(
        manager.ports().http.clone(),
        manager.ports().clock.clone(),
        manager.ports().store.clone(),
        manager.ports().coordinator.clone(),
    );
    let error = FlowManager::new([served.honest()], no_pending);
    let error = error.start("p", StartRequest::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
}

#[tokio::test]
async fn invalid_start_request_is_a_usage_error() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let day = std::time::Duration::from_secs(86_400);
    for request in [
        StartRequest::for_user(""),
        StartRequest::for_user("x".repeat(1_025)),
        StartRequest::default().account(""),
        StartRequest::default().attribute("", 1),
        StartRequest::default().attribute("x", "y".repeat(17_000)),
        StartRequest::default().ttl(31 * day),
        StartRequest::default().ttl(day / 1_000_000),
        StartRequest::default().redirect_uri("http://elsewhere.example/callback"),
        StartRequest::default().param("state", "mine"),
        StartRequest::default().param("scope", "all"),
    ] {
        let error = manager.start("p", request.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{request:?}: {error}");
    }
    assert_eq!(served.shared.flows.count(), 0);
}

/// A transport of the caller's own: this one is not connected.
struct Unplugged;

impl Http for Unplugged {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let message = "the cable is out".to_owned();
        Box::pin(async {
            Err(HttpError { not_sent: true, message, hint: None, misconfigured: false })
        })
    }
}

#[tokio::test]
async fn error_of_a_custom_transport_is_reported() {
    let served = Served::start();
    let ports = served.shared.ports().with_http(Arc::new(Unplugged));
    let manager = FlowManager::new([served.honest()], ports);
    let error = manager.start("p", StartRequest::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("the cable is out"), "{error}");
}

/// A transport that is not set up for requests of one purpose.
struct Misconfigured {
    http: Arc<dyn Http>,
    purpose: &'static str,
    asked: AtomicUsize,
}

impl Http for Misconfigured {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        if request.purpose != self.purpose {
            return self.http.send(request);
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let (message, hint) = ("no such proxy".to_owned(), Some("mend it".into()));
        Box::pin(async { Err(HttpError { not_sent: true, message, hint, misconfigured: true }) })
    }
}

#[tokio::test]
async fn configuration_error_is_not_retried_nor_a_login() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    let forced = TokenRequest::default().force();
    let stopped = |purpose| {
        let http = served.shared.ports().http;
        let http = Arc::new(Misconfigured { http, purpose, asked: AtomicUsize::new(0) });
        let ports = served.shared.ports().with_http(http.clone());
        (FlowManager::new([served.honest()], ports), http)
    };
    let (manager_without, http) = stopped("refresh request");
    let error = manager_without.token(&key, &forced).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert_eq!(error.advice(), [Advice::from("mend it")], "{error}");
    assert!(error.message().contains("no such proxy"), "{error}");
    assert_eq!(http.asked.load(Ordering::SeqCst), 1);
    // The keys of an id_token that came with the new tokens.
    let (manager_without, http) = stopped("JWKS request");
    let token = manager_without.token(&key, &forced).await.unwrap();
    assert_eq!(token.warning.unwrap().kind(), ErrorKind::Config);
    assert_eq!(http.asked.load(Ordering::SeqCst), 1);
    assert_eq!(manager.token(&key, &forced).await.unwrap().warning.map(|w| w.to_string()), None);
}

/// What runs hooks, where nothing can be run.
struct NoHooks;

impl Hooks for NoHooks {
    fn run<'a>(&'a self, _: &'a Profile, _: &'a Hook, _: Secret) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async { Err(Error::unavailable("the desk is closed")) })
    }
}

#[tokio::test]
async fn failing_hook_does_not_hide_a_required_login() {
    let shared = Shared::of_now();
    let hooked = format!("{PUBLIC}\nhooks = {{ login_required = ['desk'] }}");
    let hooked = profile("p", "https://as.example", &hooked);
    let (key, request) = (GrantKey::new("p", "ada"), TokenRequest::default());
    for (ports, why) in [
        (shared.ports().with_hooks(Arc::new(NoHooks)), "the desk is closed"),
        (shared.ports(), "this program cannot run hooks"),
    ] {
        let error =
            FlowManager::new([hooked.clone()], ports).token(&key, &request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LoginRequired, "{error}");
        assert!(error.message().starts_with("not logged in"), "{error}");
        assert_eq!(error.advice(), [Advice::LogIn(key.clone())], "{error}");
        let beside = error.warning().unwrap();
        assert_eq!(beside.kind(), ErrorKind::Config, "{beside}");
        assert!(beside.message().contains(why), "{beside}");
    }
}

#[tokio::test]
async fn missing_identity_names_the_scope_to_request() {
    let served = Served::start();
    let mut profile = served.honest();
    profile.scopes = vec!["api".to_owned()];
    let manager = served.shared.manager([profile]);
    for (expected, scopes) in [
        (Expected::default().email("ada@sandbox.example"), "scopes `openid` and `email`"),
        (Expected::default().sub("person-1"), "scope `openid`"),
    ] {
        let (_, callback) = come_back(&manager, "ada").await;
        let error = manager.complete(&response(&callback), &expected).await.unwrap_err();
        let advice = error.advice_text().unwrap();
        assert!(advice.contains(scopes), "{error}: {advice}");
        assert_eq!(served.shared.users.row("ada", "p"), None);
    }
}
