//! Custom transports and hooks that violate their traits: the limits still hold, and nothing that was sent
//! gets into an error.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use oauthctl_core::flow::{AtServer, Committed, Hooks, MAX_HOOK_ANSWER, Profiles};
use oauthctl_core::grant::Intent;
use oauthctl_core::http::MAX_BODY;
use oauthctl_core::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::profile::{Hook, Profile};
use oauthctl_core::{
    Error, ErrorKind, Expected, FlowManager, Grant, GrantKey, Result, Secret, StartRequest,
    TokenRequest,
};
use oauthctl_sandbox::CONFIDENTIAL_CLIENT;
use serde_json::json;
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
async fn answer_over_the_limit_is_refused() {
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
async fn oversized_userinfo_response_is_refused() {
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
async fn hooks_answer_has_a_limit_too() {
    let served = Served::start();
    let hooked = format!("{PUBLIC}\nhooks = {{ pre_token = [\"x\"] }}");
    for (bytes, fits) in [(MAX_HOOK_ANSWER, true), (MAX_HOOK_ANSWER + 1, false)] {
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
async fn secret_quoted_by_a_transport_is_redacted() {
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

/// Profiles that answer every name with the same profile.
struct Confused(Arc<Profile>);

impl Profiles for Confused {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
        Box::pin(async { Ok(Some(self.0.clone())) })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
        Box::pin(async { Ok(vec![self.0.clone()]) })
    }
}

#[tokio::test]
async fn profile_of_another_name_is_refused() {
    let served = Served::start();
    let honest = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&honest, "ada").await;
    let done = honest.complete(&response(&callback), &Expected::default()).await.unwrap();
    // The record of `p`, as the service would find it for `q`.
    let key = GrantKey::new("q", "ada");
    let mut grant = served.shared.users.row(&done.grant.key.account, "p").unwrap();
    grant.key = key.clone();
    served.shared.ports().store.save(&grant).await.unwrap();
    let confused = Arc::new(Confused(Arc::new(served.honest())));
    let manager = FlowManager::with_profiles(confused, served.shared.ports());
    let requests = served.sandbox.journal().len();
    let forced = TokenRequest::default().force();
    for error in [
        manager.token(&key, &forced).await.unwrap_err(),
        manager.revoke(&key).await.unwrap_err(),
        manager.start("q", StartRequest::for_user("ada")).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains("`p` was returned in place of `q`"), "{error}");
    }
    assert_eq!(served.sandbox.journal().len(), requests, "nothing was sent");
    assert!(served.shared.users.row("ada", "q").is_some(), "nothing was removed");
}

/// A server that ends the login, and rotates the refresh token all the same.
struct EndsAndRotates(Arc<dyn Http>);

impl Http for EndsAndRotates {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let mut response = self.0.send(request).await?;
            if request.purpose == "refresh request" {
                response.status = 400;
                let reply = json!({"error": "invalid_grant", "refresh_token": "the-newest"});
                response.body = reply.to_string().into_bytes().into();
            }
            Ok(response)
        })
    }
}

#[tokio::test]
async fn token_of_a_refusal_outlives_a_failing_store() {
    let served = Served::start();
    let ports = served.shared.ports();
    let http = Arc::new(EndsAndRotates(ports.http.clone()));
    let manager = FlowManager::new([served.honest()], ports.with_http(http));
    let (_, callback) = come_back(&manager, "ada").await;
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    served.shared.users.fails.store(2, Ordering::SeqCst);
    let forced = TokenRequest::default().force();
    let error = manager.token(&done.grant.key, &forced).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired, "{error}");
    let stored = served.shared.users.row("ada", "p").unwrap();
    assert_eq!(stored.tokens.refresh_token.unwrap().expose(), "the-newest");
    assert!(stored.dead.is_some());
}

/// Keeps what it is shown, and may complain.
#[derive(Default)]
struct Shown(Mutex<Vec<u64>>);

impl Committed for Shown {
    fn committed<'a>(
        &'a self,
        profile: &'a Profile,
        grant: &'a Grant,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            assert_eq!(profile.name, "p");
            self.0.lock().unwrap().push(grant.generation);
            Err(Error::config("it is not copied"))
        })
    }
}

#[tokio::test]
async fn recovered_record_is_shown_to_observers() {
    for way in ["token", "export", "attribute"] {
        let served = Served::start();
        let shown = Arc::new(Shown::default());
        let ports = served.shared.ports().with_committed(shown.clone());
        let coordinator = ports.coordinator.clone();
        let manager = FlowManager::new([served.honest()], ports);
        let (_, callback) = come_back(&manager, "ada").await;
        let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
        let key = done.grant.key;
        let mut newer = served.shared.users.row(&key.account, "p").unwrap();
        shown.0.lock().unwrap().clear();
        // A refresh was killed between writing its record and putting it in its place.
        let intent = Intent {
            grant_id: newer.id.clone(),
            generation: newer.generation,
            token_hash: "of the former token".to_owned(),
            at: newer.refreshed_at,
            sends: 1,
        };
        let mut lock = coordinator.lock(&key, crate::support::DEADLINE).await.unwrap();
        lock.set_intent(&intent).await.unwrap();
        drop(lock);
        newer.generation += 1;
        *served.shared.users.half_saved.lock().unwrap() = Some(newer.clone());
        match way {
            "token" => {
                let lives_on =
                    TokenRequest::default().min_ttl(std::time::Duration::from_secs(3600));
                let token = manager.token(&key, &lives_on).await.unwrap();
                let warning = token.warning.unwrap();
                assert!(warning.message().contains("it is not copied"), "{warning}");
            }
            "export" => {
                let exported = manager.export_grant(&key).await.unwrap().unwrap();
                assert_eq!(exported.generation, newer.generation);
            }
            _ => manager.set_attribute(&key, "color", json!("blue"), None).await.unwrap(),
        }
        assert_eq!(shown.0.lock().unwrap().first(), Some(&newer.generation), "{way}");
    }
}
