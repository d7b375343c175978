//! Tokens for other scopes, resources or audiences than the grant's own.

use oauthctl_core::{ErrorKind, Expected, TokenRequest};

use crate::scene::{Served, come_back, response};

#[tokio::test]
async fn each_request_has_a_token_of_its_own() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    let mail = TokenRequest::default().resource("https://mail.example/");
    let mut tokens = Vec::new();
    for request in [mail.clone().audience("x"), mail.clone().audience(""), mail] {
        let first = manager.token(&key, &request).await.unwrap();
        let again = manager.token(&key, &request).await.unwrap();
        assert!(first.fresh && !again.fresh, "{request:?}");
        assert_eq!(first.value, again.value, "{request:?}");
        tokens.push(first.value.expose().to_owned());
    }
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 3);
}

#[tokio::test]
async fn resource_is_an_absolute_uri_without_a_fragment() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    for resource in [
        "",
        "api",
        "/api",
        "https://mail.example/#a",
        " https://mail.example/",
        "https://mail.example/ audience=https://bank.example/",
        "https://mail.example/\r\n",
    ] {
        let request = TokenRequest::default().resource(resource);
        for request in [request.clone(), request.cached()] {
            let error = manager.token(&key, &request).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Usage, "{resource:?}: {error}");
        }
    }
    assert_eq!(served.token_requests(), 1);
    manager.token(&key, &TokenRequest::default().resource("urn:example:api")).await.unwrap();
}
