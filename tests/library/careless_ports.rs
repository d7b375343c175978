//! Custom transports and hooks that violate their traits: the limits still hold, and nothing that was sent
//! gets into an error.

use std::sync::{Arc, Mutex};

use oauthctl_core::flow::{AtServer, HOOK_ANSWER, Hooks};
use oauthctl_core::http::MAX_BODY;
use oauthctl_core::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::profile::{Hook, Profile};
use oauthctl_core::{ErrorKind, Expected, FlowManager, Result, Secret, TokenRequest};
use oauthctl_sandbox::CONFIDENTIAL_CLIENT;
use url::form_urlencoded;

use crate::scene::{PUBLIC, Served, Shared, come_back, profile, response};
use crate::support::Servers;

/// A transport that makes every answer to a request of one purpose as long as this, in white space.
struct Pads {
    http: Arc<dyn Http>,
    purpose: Mutex<&'static str>,
    bytes: usize,
}

impl Http for Pads {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let mut response = self.http.send(request).await?;
            if *self.purpose.lock().unwrap() == request.purpose {
                response.body.resize(self.bytes, b' ');
            }
            Ok(response)
        })
    }
}

#[tokio::test]
async fn an_answer_over_the_limit_is_refused() {
    for (bytes, fits) in [(MAX_BODY, true), (MAX_BODY + 1, false)] {
        let served = Served::start();
        let ports = served.shared.ports();
        let purpose = Mutex::new("token request");
        let pads = Arc::new(Pads { http: ports.http.clone(), purpose, bytes });
        let manager = FlowManager::new([served.honest()], ports.with_http(pads.clone()));
        let (_, callback) = come_back(&manager, "ada").await;
        let done = manager.complete(&response(&callback), &Expected::default()).await;
        assert_eq!(done.is_ok(), fits, "{bytes}");
        if let Err(error) = &done {
            assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
            assert_eq!(served.shared.users.row("ada", "p"), None);
        }

        // Another process has logged in: a refresh, a question and a revocation are no different.
        let (_, callback) = come_back(&manager, "ada").await;
        let honest = served.shared.manager([served.honest()]);
        let key =
            honest.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
        *pads.purpose.lock().unwrap() = "refresh request";
        let token = manager.token(&key, &TokenRequest::default().force()).await;
        assert_eq!(token.map_err(|e| e.kind()).err(), (!fits).then_some(ErrorKind::Validation));
        *pads.purpose.lock().unwrap() = "revocation request";
        let revoked = manager.revoke(&key).await.unwrap().at_server;
        assert_eq!(matches!(revoked, AtServer::Revoked), fits, "{revoked:?}");
    }
}

#[tokio::test]
async fn so_is_one_that_says_who_it_was() {
    let (server, shared) = (Servers::oidc_provider(), Shared::of_now());
    for (bytes, fits) in [(MAX_BODY, true), (MAX_BODY + 1, false)] {
        let ports = shared.ports();
        let purpose = Mutex::new("userinfo request");
        let pads = Arc::new(Pads { http: ports.http.clone(), purpose, bytes });
        let manager =
            FlowManager::new([profile("p", &server.issuer, PUBLIC)], ports.with_http(pads));
        let (_, callback) = come_back(&manager, "ada").await;
        // The server's id_tokens name the subject alone.
        let expected = Expected::default().email("ada@example.com");
        let done = manager.complete(&response(&callback), &expected).await;
        let kind = done.map_err(|e| e.kind()).err();
        assert_eq!(kind, (!fits).then_some(ErrorKind::Validation), "{bytes}");
    }
}

/// A hook that says yes at length.
struct Talks(usize);

impl Hooks for Talks {
    fn run<'a>(&'a self, _: &'a Profile, _: &'a Hook, _: Secret) -> BoxFuture<'a, Result<Secret>> {
        let answer = format!("{{}}{}", " ".repeat(self.0 - 2));
        Box::pin(async { Ok(Secret::new(answer)) })
    }
}

#[tokio::test]
async fn a_hooks_answer_has_a_limit_too() {
    let served = Served::start();
    let hooked = format!("{PUBLIC}\nhooks = {{ pre_token = [\"x\"] }}");
    for (bytes, fits) in [(HOOK_ANSWER, true), (HOOK_ANSWER + 1, false)] {
        let ports = served.shared.ports().with_hooks(Arc::new(Talks(bytes)));
        let hooked = profile("p", served.sandbox.issuer(), &hooked);
        let manager = FlowManager::new([hooked], ports);
        let (_, callback) = come_back(&manager, "ada").await;
        let done = manager.complete(&response(&callback), &Expected::default()).await;
        assert_eq!(done.map_err(|e| e.kind()).err(), (!fits).then_some(ErrorKind::Config));
    }
    assert_eq!(served.token_requests(), 1);
}

/// A transport that fails at requests of one purpose, and quotes all that it was given.
struct Quotes {
    http: Arc<dyn Http>,
    purpose: &'static str,
    given: Mutex<Vec<String>>,
}

impl Http for Quotes {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            if request.purpose != self.purpose {
                return self.http.send(request).await;
            }
            let body = String::from_utf8(request.body.to_vec()).unwrap();
            let secret = ["code", "code_verifier", "refresh_token"];
            let mut given: Vec<String> = form_urlencoded::parse(body.as_bytes())
                .filter(|(name, _)| secret.contains(&name.as_ref()))
                .flat_map(|(_, value)| {
                    let encoded = form_urlencoded::byte_serialize(value.as_bytes()).collect();
                    [value.into_owned(), encoded]
                })
                .collect();
            let headers = request.headers.iter().filter(|(name, _)| name == "authorization");
            given.extend(headers.map(|(_, value)| value.split(' ').nth(1).unwrap().to_owned()));
            let message = format!("cannot send {body} with {:?}", request.headers);
            *self.given.lock().unwrap() = given;
            let hint = Some(message.clone().into());
            Err(HttpError { not_sent: false, message, hint, misconfigured: false })
        })
    }
}

#[tokio::test]
async fn what_a_transport_quotes_is_in_no_error() {
    let secret = "a secret/with = signs";
    let confidential = format!("client_id = {CONFIDENTIAL_CLIENT:?}\nclient_secret = {secret:?}");
    for (purpose, client, at_least) in [
        ("token request", &*confidential, 5),
        ("refresh request", PUBLIC, 2),
        ("userinfo request", PUBLIC, 1),
    ] {
        let served = Served::start();
        let ports = served.shared.ports();
        let given = Mutex::default();
        let quotes = Arc::new(Quotes { http: ports.http.clone(), purpose, given });
        let mut profile = profile("p", served.sandbox.issuer(), client);
        // Without `email`, the id_token does not say all that is to be known.
        profile.scopes = vec!["openid".to_owned()];
        let manager = FlowManager::new([profile], ports.with_http(quotes.clone()));
        let (_, callback) = come_back(&manager, "ada").await;
        let expected = Expected::default().email("ada@sandbox.example");
        let error = match purpose {
            "refresh request" => {
                let done = manager.complete(&response(&callback), &Expected::default()).await;
                let forced = TokenRequest::default().force();
                manager.token(&done.unwrap().grant.key, &forced).await.unwrap_err()
            }
            _ => manager.complete(&response(&callback), &expected).await.unwrap_err(),
        };
        let given = quotes.given.lock().unwrap().clone();
        assert!(given.len() >= at_least, "{purpose}: {}", given.len());
        let said = format!("{error} {error:?} {:?}", error.advice());
        assert!(said.contains("cannot send"), "{said}");
        for secret in given.iter().map(String::as_str).chain([secret]) {
            assert!(!said.contains(secret), "{purpose}: {said}");
        }
    }
}
