//! Profiles that a caller has made or changed in code: values that no configuration could have are refused
//! before any request.

use oauthctl_core::profile::Profile;
use oauthctl_core::{ErrorKind, Expected, Secret, StartRequest, TokenRequest};
use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};

use crate::scene::{REDIRECT, Served, come_back, response};

/// What a caller can change.
type Change = fn(&mut Profile);

#[tokio::test]
async fn profile_that_no_file_could_have_is_refused() {
    let served = Served::start();
    let honest = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&honest, "ada").await;
    let key = honest.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    let (requests, flows) = (served.sandbox.journal().len(), served.shared.flows.count());
    let changes: [Change; 3] = [
        |p| drop(p.authorization_params.insert("client_id".to_owned(), "other".to_owned())),
        |p| drop(p.refresh_params.insert("refresh_token".to_owned(), "other".to_owned())),
        |p| p.endpoints.token = Some("http://as.example/token".to_owned()),
    ];
    for change in changes {
        let mut changed = served.honest();
        change(&mut changed);
        let manager = served.shared.manager([changed]);
        let start = manager.start("p", StartRequest::default()).await.unwrap_err();
        let token = manager.token(&key, &TokenRequest::default().force()).await.unwrap_err();
        for error in [start, token] {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.message().contains("in profile `p`"), "{error}");
        }
    }
    assert_eq!(served.sandbox.journal().len(), requests);
    assert_eq!(served.shared.flows.count(), flows);
}

#[tokio::test]
async fn built_profile_logs_in_and_refreshes() {
    let served = Served::start();
    let profile = Profile::builder("p", CONFIDENTIAL_CLIENT)
        .issuer(served.sandbox.issuer())
        .client_secret(Secret::new(CONFIDENTIAL_SECRET))
        .scopes(["openid"])
        .redirect_uri(REDIRECT)
        .build()
        .unwrap();
    let manager = served.shared.manager([profile]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    assert!(manager.token(&key, &TokenRequest::default().force()).await.unwrap().fresh);
}

#[test]
fn builder_refuses_what_a_configuration_could_not_say() {
    let base = || Profile::builder("p", "client").issuer("https://as.example");
    for (builder, said) in [
        (base().key("isuer", "x"), "isuer"),
        (base().redirect_uri("app.example/cb"), "redirect_uri"),
        (base().provider("nobody"), "nobody"),
        (base().key("scopes", 4), "scopes"),
        (Profile::builder("p", "client"), "issuer"),
        (base().client_secret(Secret::new("canary")).key("hooks", "x"), "hooks"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        let told = error.to_string();
        assert!(told.contains(said) && !told.contains("canary"), "{told}");
    }
    let secret = base().client_secret(Secret::new("canary")).build().unwrap();
    assert!(
        !format!("{secret:?} {:?}", base().client_secret(Secret::new("canary"))).contains("canary")
    );
}
