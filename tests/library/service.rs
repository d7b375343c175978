//! A service with its own users, against a strict server that is not part of the project.

use std::time::Duration;

use oauthctl_core::flow::AtServer;
use oauthctl_core::{ErrorKind, Expected, FlowManager, GrantKey, StartRequest, TokenRequest};

use crate::scene::{PUBLIC, Served, Shared, come_back, profile, response, walk};
use crate::support::{OidcProvider, Servers};

const LONG: Duration = Duration::from_secs(120);

/// A manager as one of the service's processes has it.
fn process(shared: &Shared, server: &OidcProvider) -> FlowManager {
    shared.manager([profile("p", &server.issuer, PUBLIC)])
}

#[tokio::test]
async fn flows_of_many_users_complete_in_another_process() {
    let (server, shared) = (Servers::oidc_provider(), Shared::of_now());
    let users = ["ada", "brook", "chen", "dora\u{0}\n/../ü", "e".repeat(1_024).leak()];
    let mut open = Vec::new();
    let first = process(&shared, &server);
    for (number, user) in users.iter().enumerate() {
        let request = StartRequest::for_user(*user)
            .param("login_hint", format!("person-{number}"))
            .attribute("number", number);
        let started = first.start("p", request).await.unwrap();
        assert_eq!((started.user.as_deref(), started.key().account.as_str()), (Some(*user), *user));
        open.push((started.clone(), walk(&started.authorization_url)));
    }
    assert_eq!(first.pending().await.unwrap().len(), users.len());
    let stored = shared.flows.bytes();
    let shows = |what: &str| stored.windows(what.len()).any(|window| window == what.as_bytes());
    assert!(!shows("brook") && !shows("code_verifier"), "what waits is sealed");
    drop(first);

    let second = process(&shared, &server);
    for (number, (started, callback)) in open.iter().enumerate().rev() {
        let expected = Expected::default().state(&started.state).sub(format!("person-{number}"));
        let completed = second.complete(&response(callback), &expected).await.unwrap();
        assert_eq!(completed.grant.id, started.grant_id);
        assert_eq!(completed.grant.user.as_deref(), Some(users[number]));
        assert_eq!(completed.grant.attributes["number"].value, number);
        assert_eq!(completed.grant.key, started.key());
    }
    assert_eq!(second.pending().await.unwrap(), []);

    // A third process, without a memory of any of it.
    let third = process(&shared, &server);
    let listed = third.list(Some("p")).await.unwrap();
    assert_eq!(listed.len(), users.len());
    assert!(listed.is_sorted_by_key(|entry| entry.key.clone()));
    assert_eq!(third.list(Some("q")).await.unwrap(), []);
    for (number, user) in users.iter().enumerate() {
        let key = GrantKey::new("p", *user);
        let token = third.token(&key, &TokenRequest::default()).await.unwrap();
        assert_eq!(token.account.identity.sub, Some(format!("person-{number}")));
        assert!(!token.fresh);
    }
    assert_eq!(server.count("authorization_code"), users.len() as u64);
    assert_eq!(server.count("refresh_token"), 0);
}

#[tokio::test]
async fn access_token_has_no_secret_in_its_debug() {
    let (server, shared) = (Servers::oidc_provider(), Shared::of_now());
    let manager = process(&shared, &server);
    let started = StartRequest::for_user("ada").attribute("note", "an attribute's value");
    let started = manager.start("p", started).await.unwrap();
    let callback = walk(&started.authorization_url);
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let token = manager.token(&started.key(), &TokenRequest::default()).await.unwrap();
    let row = shared.users.row("ada", "p").unwrap();
    assert_eq!(token.value, row.tokens.access_token);
    assert_eq!(token.account.attributes["note"], "an attribute's value");
    let debug = format!("{token:?}");
    let tokens = row.tokens;
    let secrets = [Some(tokens.access_token), tokens.refresh_token, tokens.id_token];
    for secret in secrets.iter().flatten() {
        assert!(!debug.contains(secret.expose()), "{debug}");
    }
    assert!(debug.contains("note") && !debug.contains("an attribute's value"), "{debug}");
}

#[tokio::test]
async fn sixteen_callers_and_one_refresh() {
    let (server, shared) = (Servers::oidc_provider_with(&["--ttl", "30"]), Shared::of_now());
    let manager = process(&shared, &server);
    let (_, callback) = come_back(&manager, "ada").await;
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let before = shared.users.row("ada", "p").unwrap();
    server.ttl(3_600);
    server.hold(1);
    let request = TokenRequest::default().min_ttl(LONG);
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (manager, key, request) = (manager.clone(), before.key.clone(), request.clone());
            tokio::spawn(async move { manager.token(&key, &request).await })
        })
        .collect();
    // Requested in a separate thread: the callers run in this one.
    let server = tokio::task::spawn_blocking(move || {
        server.await_held(1);
        server.release();
        server
    });
    let server = server.await.unwrap();
    let mut fresh = 0;
    let mut tokens = std::collections::BTreeSet::new();
    for caller in callers {
        let token = caller.await.unwrap().unwrap();
        fresh += usize::from(token.fresh);
        tokens.insert(token.value.expose().to_owned());
    }
    assert_eq!((fresh, tokens.len(), server.count("refresh_token")), (1, 1, 1));
    let stored = shared.users.row("ada", "p").unwrap();
    assert!(tokens.contains(stored.tokens.access_token.expose()));
    assert_ne!(stored.tokens.refresh_token, before.tokens.refresh_token, "it was rotated");
    assert!(stored.id == before.id && stored.generation > before.generation);
    // What is stored is what the strict server takes.
    let other = process(&shared, &server);
    let forced = TokenRequest::default().force();
    assert!(other.token(&before.key, &forced).await.unwrap().fresh);
}

#[tokio::test]
async fn new_login_replaces_and_revocation_removes_a_grant() {
    let (server, shared) = (Servers::oidc_provider(), Shared::of_now());
    let manager = process(&shared, &server);
    let (_, callback) = come_back(&manager, "ada").await;
    let first = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant;
    let (_, callback) = come_back(&manager, "ada").await;
    let second = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant;
    assert_eq!((&second.key, second.generation), (&first.key, first.generation + 1));
    assert_ne!(second.id, first.id);
    assert_eq!(manager.list(None).await.unwrap().len(), 1);

    let kept = shared.users.row("ada", "p").unwrap();
    let revoked = manager.revoke(&second.key).await.unwrap();
    assert!(revoked.forgotten && matches!(revoked.at_server, AtServer::Revoked), "{revoked:?}");
    assert_eq!(manager.list(None).await.unwrap(), []);
    let error = manager.token(&second.key, &TokenRequest::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    let again = manager.revoke(&second.key).await.unwrap();
    assert!(!again.forgotten && matches!(again.at_server, AtServer::NotAsked), "{again:?}");
    // Whoever has a copy has nothing: the server has ended it too.
    let copy = Shared::of_now();
    oauthctl_core::port::GrantStore::save(&*copy.users, &kept).await.unwrap();
    let forced = TokenRequest::default().force();
    let error = process(&copy, &server).token(&kept.key, &forced).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired, "{error}");
    assert_eq!(error.oauth_error().unwrap().code, "invalid_grant");
}

#[tokio::test]
async fn grant_of_a_removed_profile_can_be_forgotten() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    let without = served.shared.manager([]);
    assert_eq!(without.list(None).await.unwrap().len(), 1);
    let revoked = without.revoke(&key).await.unwrap();
    assert!(revoked.forgotten && matches!(revoked.at_server, AtServer::NotAsked), "{revoked:?}");
    assert_eq!(served.shared.users.row("ada", "p"), None);
    assert!(!served.sandbox.journal().iter().any(|entry| entry.endpoint == "revoke"));
}

#[tokio::test]
async fn unnamed_account_is_named_after_the_user() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    for (request, user, account) in [
        (StartRequest::default(), None, "default"),
        (StartRequest::default().account("work"), None, "work"),
        (StartRequest::for_user("ada"), Some("ada"), "ada"),
        (StartRequest::for_user("ada").account("ada at work"), Some("ada"), "ada at work"),
        (StartRequest::for_user("ada").account("sealed").sealed(), Some("ada"), "sealed"),
    ] {
        let started = manager.start("p", request).await.unwrap();
        assert_eq!((started.user.as_deref(), started.account.as_str()), (user, account));
        let callback = walk(&started.authorization_url);
        let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
        assert_eq!((done.grant.user.as_deref(), done.grant.key), (user, started.key()));
        assert!(served.shared.users.row(account, "p").is_some(), "{account}");
    }
}

#[tokio::test]
async fn userinfo_is_skipped_if_no_user_is_expected() {
    let served = Served::start();
    let mut quiet = served.honest();
    quiet.scopes = vec!["api".to_owned()];
    let manager = served.shared.manager([quiet]);
    let (_, callback) = come_back(&manager, "ada").await;
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    assert_eq!((done.warnings.len(), done.grant.identity.sub), (0, None));
    assert!(!served.sandbox.journal().iter().any(|entry| entry.endpoint == "userinfo"));
}

#[tokio::test]
async fn userinfo_of_a_bound_token_has_a_proof() {
    for nonce in [[].as_slice(), &["--dpop-nonce", "1"]] {
        let (server, shared) = (Servers::oidc_provider_with(nonce), Shared::of_now());
        let bound = PUBLIC.replace("\"cli\"", "\"cli-dpop\"") + "\ndpop = true";
        let manager = shared.manager([profile("p", &server.issuer, &bound)]);
        let (_, callback) = come_back(&manager, "ada").await;
        // The server's id_tokens name the subject alone.
        let expected = Expected::default().email("ada@example.com");
        let done = manager.complete(&response(&callback), &expected).await.unwrap();
        assert_eq!(done.grant.token_type, "DPoP");
        assert_eq!(done.grant.identity.email.as_deref(), Some("ada@example.com"), "{nonce:?}");
    }
}

#[tokio::test]
async fn minimum_lifetime_of_the_profile_is_the_default() {
    let served = Served::start();
    let mut patient = served.honest();
    patient.min_ttl = Duration::from_secs(600);
    let manager = served.shared.manager([patient]);
    let (_, callback) = come_back(&manager, "ada").await;
    let key = manager.complete(&response(&callback), &Expected::default()).await.unwrap().grant.key;
    served.clock.advance(3_600 - 300);
    let short = TokenRequest::default().min_ttl(Duration::from_secs(60));
    assert!(!manager.token(&key, &short).await.unwrap().fresh);
    assert!(manager.token(&key, &TokenRequest::default()).await.unwrap().fresh);
}
