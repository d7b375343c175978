//! Profiles that a caller has changed after reading them: values that no configuration could have are
//! refused before any request.

use oauthctl_core::profile::Profile;
use oauthctl_core::{ErrorKind, Expected, StartRequest, TokenRequest};

use crate::scene::{Served, come_back, response};

/// What a caller can change.
type Change = fn(&mut Profile);

#[tokio::test]
async fn what_no_configuration_could_say_is_not_used() {
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
