//! Answers that are lost, spoiled or cannot be kept: what is sent again, and what is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oauthctl_core::flow::AccessToken;
use oauthctl_core::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::{Error, ErrorKind, Expected, FlowManager, TokenRequest};

use crate::scene::{PUBLIC, Served, Shared, come_back, profile, response};
use crate::support::Servers;

/// A transport that spoils what the server answers to requests of one purpose.
struct Spoils {
    http: Arc<dyn Http>,
    purpose: &'static str,
    how: fn(&mut HttpResponse),
    sent: AtomicUsize,
}

impl Spoils {
    fn new(shared: &Shared, purpose: &'static str, how: fn(&mut HttpResponse)) -> Arc<Self> {
        Arc::new(Self { http: shared.ports().http, purpose, how, sent: AtomicUsize::new(0) })
    }
}

impl Http for Spoils {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let mut response = self.http.send(request).await?;
            if request.purpose == self.purpose {
                self.sent.fetch_add(1, Ordering::SeqCst);
                (self.how)(&mut response);
            }
            Ok(response)
        })
    }
}

/// How sixteen callers at once, of whom every other one wants something narrower, fare with this
/// transport. The last of them asked before the first had an answer.
async fn sixteen(
    served: &Served,
    http: Arc<Spoils>,
    first: TokenRequest,
) -> Vec<Result<AccessToken, Error>> {
    let manager = FlowManager::new([served.honest()], served.shared.ports().with_http(http));
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    served.clock.advance(3_600);
    let callers: Vec<_> = (0..16)
        .map(|number| match number {
            0 => first.clone(),
            n if n % 2 == 0 => TokenRequest::default().scopes(["openid"]),
            _ => TokenRequest::default(),
        })
        .map(|request| {
            let (manager, key) = (manager.clone(), key.clone());
            tokio::spawn(async move { manager.token(&key, &request).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for caller in callers {
        outcomes.push(caller.await.unwrap());
    }
    outcomes
}

#[tokio::test]
async fn refresh_token_that_may_be_spent_is_sent_once() {
    let cut: fn(&mut HttpResponse) = |response| {
        let half = response.body.len() / 2;
        response.body.truncate(half);
    };
    for first in [TokenRequest::default(), TokenRequest::default().scopes(["openid"])] {
        let served = Served::start();
        let http = Spoils::new(&served.shared, "refresh request", cut);
        for outcome in sixteen(&served, http.clone(), first).await {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        }
        assert_eq!((http.sent.load(Ordering::SeqCst), served.token_requests()), (1, 2));
    }
}

#[tokio::test]
async fn unsaved_tokens_are_not_requested_again() {
    let served = Served::start();
    // Broken by the time that there is an answer.
    let http = Spoils::new(&served.shared, "refresh request", |_| {});
    let breaking = Arc::new(Breaks { http: http.clone(), users: served.shared.users.clone() });
    let manager = FlowManager::new([served.honest()], served.shared.ports().with_http(breaking));
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    served.clock.advance(3_600);
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (manager, key) = (manager.clone(), key.clone());
            tokio::spawn(async move { manager.token(&key, &TokenRequest::default()).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap_err().kind(), ErrorKind::Store);
    }
    assert_eq!(http.sent.load(Ordering::SeqCst), 1);
}

/// A transport with whose first refresh the database goes away.
struct Breaks {
    http: Arc<Spoils>,
    users: Arc<crate::own_stores::Users>,
}

impl Http for Breaks {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let is_refresh = request.purpose == "refresh request";
        self.users.breaks.fetch_or(is_refresh, Ordering::SeqCst);
        self.http.send(request)
    }
}

#[tokio::test]
async fn request_for_a_missing_scope_fails_alone() {
    let served = Served::start();
    let http = Spoils::new(&served.shared, "refresh request", |_| {});
    let first = TokenRequest::default().scopes(["admin"]);
    let mut outcomes = sixteen(&served, http.clone(), first).await.into_iter();
    let error = outcomes.next().unwrap().unwrap_err();
    assert_eq!(error.oauth_error().unwrap().code, "invalid_scope", "{error}");
    outcomes.for_each(|outcome| drop(outcome.unwrap()));
    // The refused one, the grant's own, and the narrower one.
    assert_eq!(http.sent.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nonce_that_is_never_right_is_tried_once() {
    let (server, shared) = (Servers::oidc_provider(), Shared::of_now());
    let http = Spoils::new(&shared, "userinfo request", |response| {
        response.status = 401;
        response.headers = vec![
            ("www-authenticate".to_owned(), "DPoP error=\"use_dpop_nonce\"".to_owned()),
            ("dpop-nonce".to_owned(), "another".to_owned()),
        ];
    });
    let bound = PUBLIC.replace("\"cli\"", "\"cli-dpop\"") + "\ndpop = true";
    let ports = shared.ports().with_http(http.clone());
    let manager = FlowManager::new([profile("p", &server.issuer, &bound)], ports);
    let (_, callback) = come_back(&manager, "ada").await;
    let expected = Expected::default().email("ada@example.com");
    let error = manager.complete(&response(&callback), &expected).await.unwrap_err();
    assert!(error.message().contains("userinfo request was refused: status 401"), "{error}");
    assert_eq!(http.sent.load(Ordering::SeqCst), 2);
    assert_eq!(shared.users.row("ada", "p"), None);
}
