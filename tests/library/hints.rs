//! The advice for a flow that failed after its code was sent.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use oauthctl_core::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::{Advice, Error, ErrorKind, Expected, FlowManager, Result};

use crate::scene::{Served, come_back, response};

/// A transport over which requests of these purposes are answered with 500.
struct Fails {
    http: Arc<dyn Http>,
    purposes: &'static [&'static str],
}

impl Http for Fails {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let mut response = self.http.send(request).await?;
            if self.purposes.contains(&request.purpose) {
                response.status = 500;
                response.body.clear();
            }
            Ok(response)
        })
    }
}

/// How a flow ends, where these requests fail.
async fn failure(served: &Served, purposes: &'static [&'static str], expected: &Expected) -> Error {
    let ports = served.shared.ports();
    let http = Arc::new(Fails { http: ports.http.clone(), purposes });
    let mut profile = served.honest();
    // Without `email`, the id_token does not say all that is to be known.
    profile.scopes = vec!["openid".to_owned()];
    let manager = FlowManager::new([profile], ports.with_http(http));
    let (_, callback) = come_back(&manager, "ada").await;
    let error = manager.complete(&response(&callback), expected).await.unwrap_err();
    let again = manager.complete(&response(&callback), expected).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::InvalidState, "{again}");
    error
}

const USED: &str = "the state has been used: start a new flow";
const LEFT: &str = "the tokens that were issued could not be revoked: ";

/// Whether a piece of the error's advice begins with these words.
fn has(error: &Error, words: &str) -> bool {
    error.advice().iter().any(|advice| advice.to_string().starts_with(words))
}

#[tokio::test]
async fn transient_failure_has_no_advice_to_retry() {
    let served = Served::start();
    let expected = Expected::default().email("ada@sandbox.example");
    for purposes in [&["token request"][..], &["JWKS request"], &["userinfo request"]] {
        let error = failure(&served, purposes, &expected).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{purposes:?}: {error}");
        assert!(has(&error, USED) && !has(&error, LEFT), "{purposes:?}: {:?}", error.advice());
        assert!(error.advice().contains(&Advice::StateUsed), "{purposes:?}: {:?}", error.advice());
    }
    // The server's failure alone would be one to try again.
    let alone = failure(&served, &["token request"], &expected).await;
    assert_eq!(alone.advice(), [Advice::StateUsed]);
    let left = failure(&served, &["userinfo request", "revocation request"], &expected).await;
    assert!(has(&left, USED) && has(&left, LEFT), "{:?}", left.advice());
    assert_eq!(served.shared.users.row("ada", "p"), None);
}

#[tokio::test]
async fn unsaved_tokens_not_revoked_are_reported() {
    let served = Served::start();
    served.shared.users.breaks.store(true, Ordering::SeqCst);
    let told = failure(&served, &["revocation request"], &Expected::default()).await;
    assert_eq!(told.kind(), ErrorKind::Store, "{told}");
    assert!(has(&told, LEFT), "{told:?}");
    let gone = failure(&served, &[], &Expected::default()).await;
    assert!(!has(&gone, LEFT), "{gone:?}");
    // What no trying again mends has no such hint.
    served.shared.users.breaks.store(false, Ordering::SeqCst);
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let wrong = Expected::default().sub("nobody");
    let error = manager.complete(&response(&callback), &wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    assert!(!has(&error, USED), "{error:?}");
}
