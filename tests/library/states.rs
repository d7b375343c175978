//! Responses without a flow, or whose flow must not be completed: `InvalidState`, and no token request.

use std::sync::Arc;

use oauthctl_core::flow::{AuthorizeRequest, PendingFlows};
use oauthctl_core::profile::Config;
use oauthctl_core::protocol::state::{Opened, StateClaims, StateKeys};
use oauthctl_core::{AuthorizationResponse, ErrorKind, Expected, FlowManager, StartRequest};

use crate::scene::{ManualClock, PUBLIC, Served, Shared, come_back, profile, response};

/// It is refused as an invalid state, and the server hears nothing of it.
async fn refused(served: &Served, manager: &FlowManager, url: &str, expected: &Expected) -> String {
    let before = served.token_requests();
    let error = manager.complete(&response(url), expected).await.expect_err(url);
    assert_eq!(error.kind(), ErrorKind::InvalidState, "{url}: {error}");
    assert_eq!(served.token_requests(), before, "a token request was made: {url}");
    assert!(error.advice_text().is_some(), "{error}");
    error.message().to_owned()
}

#[tokio::test]
async fn forged_or_foreign_state_is_refused_alike() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (state, callback) = come_back(&manager, "ada").await;
    let foreign = Shared::new(served.clock.clone()).manager([served.honest()]);
    let (foreign_state, _) = come_back(&foreign, "ada").await;
    let (head, signature) = state.rsplit_once('.').unwrap();
    let mut said = std::collections::BTreeSet::new();
    for bad in [
        "x".to_owned(),
        foreign_state,
        format!("{state}A"),
        state[..state.len() - 1].to_owned(),
        format!("{head}.{}", signature.chars().rev().collect::<String>()),
        format!("eyJhbGciOiJub25lIn0.{}.", head.split_once('.').unwrap().1),
        "A".repeat(8_000),
    ] {
        let url = callback.replace(&state, &bad);
        said.insert(refused(&served, &manager, &url, &Expected::default()).await);
    }
    assert_eq!(said.len(), 1, "who tries states learns nothing: {said:?}");
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
}

#[tokio::test]
async fn state_expires_by_the_clock_of_the_caller() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    served.clock.advance(600);
    refused(&served, &manager, &callback, &Expected::default()).await;
}

#[tokio::test]
async fn used_state_is_refused_by_every_manager() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let again = served.shared.manager([served.honest()]);
    for manager in [&manager, &again] {
        refused(&served, manager, &callback, &Expected::default()).await;
    }
    assert_eq!(served.token_requests(), 1);
}

#[tokio::test]
async fn one_of_many_completions_succeeds() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let manager = served.shared.manager([served.honest()]);
            let response = response(&callback);
            tokio::spawn(async move { manager.complete(&response, &Expected::default()).await })
        })
        .collect();
    let mut completed = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Ok(_) => completed += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}"),
        }
    }
    assert_eq!((completed, served.token_requests()), (1, 1));
}

/// Recognizing a flow reveals no more than completing it, even for a state that was made with the key.
#[tokio::test]
async fn state_of_another_flow_is_not_recognized() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let keys = || StateKeys::of_secret(&served.shared.key).unwrap();
    let flows = PendingFlows::new(served.shared.flows.clone(), keys(), served.clock.clone());
    let anybody = Expected::default();
    let recognize = async |state: &str, expected: &Expected| {
        let given = AuthorizationResponse::from_parameters([("code", "x"), ("state", state)]);
        flows.recognize(&given.unwrap(), expected).await
    };
    let begin = async |request| manager.start("p", request).await.unwrap();
    let one = begin(StartRequest::for_user("ada")).await;
    let other = begin(StartRequest::default()).await;
    let made_with_the_key = |change: &dyn Fn(&mut StateClaims)| {
        let keys = keys();
        let Opened::Signed(mut claims, key) = keys.open(&one.state).unwrap() else { panic!() };
        change(&mut claims);
        key.sign(&claims).unwrap()
    };
    let same = recognize(&made_with_the_key(&|_| ()), &anybody).await.unwrap();
    assert_eq!((same.user(), same.grant_id()), (Some("ada"), &*one.grant_id));
    let changes: [&dyn Fn(&mut StateClaims); 8] = [
        &|claims| claims.rfp.push('x'),
        &|claims| claims.aud.push('x'),
        &|claims| claims.server.push('x'),
        &|claims| claims.jti.clone_from(&other.id),
        &|claims| claims.jti.push('x'),
        &|claims| claims.exp += 1,
        &|claims| claims.iat += 301,
        &|claims| claims.exp = claims.iat,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let error = recognize(&made_with_the_key(change), &anybody).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidState, "{number}: {error}");
    }
    // A flow without a user does not belong to any user.
    let adas = Expected::default().user("ada");
    recognize(&other.state, &adas).await.unwrap_err();
    recognize(&other.state, &anybody).await.unwrap();

    let sealed = begin(StartRequest::for_user("ada").sealed()).await;
    recognize(&sealed.state, &adas).await.unwrap();
    served.clock.advance(600);
    for late in [&one.state, &sealed.state] {
        let error = recognize(late, &anybody).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
    }
}

#[tokio::test]
async fn expected_profile_is_checked_first() {
    let served = Served::start();
    let other = profile("q", &served.sandbox.issuer_with("rotate"), PUBLIC);
    let manager = served.shared.manager([served.honest(), other]);
    let (ada, of_ada) = come_back(&manager, "ada").await;
    let (brook, _) = come_back(&manager, "brook").await;
    for wrong in [
        Expected::default().state(brook),
        Expected::default().state(""),
        Expected::default().user("brook"),
        Expected::default().profile("q"),
        Expected::default().profile("P"),
    ] {
        refused(&served, &manager, &of_ada, &wrong).await;
    }
    // The attacker's own callback in the victim's session (RFC 6749, section 10.12), and the user's own.
    let right = Expected::default().state(ada).user("ada").profile("p").sub("person-1");
    let completed = manager.complete(&response(&of_ada), &right).await.unwrap();
    assert_eq!(completed.grant.user.as_deref(), Some("ada"));
}

#[tokio::test]
async fn flow_of_a_changed_profile_is_refused() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let client = profile("p", served.sandbox.issuer(), "client_id = \"another\"");
    for now in [client, served.that("rotate")] {
        let changed = served.shared.manager([now]);
        refused(&served, &changed, &callback, &Expected::default()).await;
    }
    let gone = served.shared.manager([]);
    let error = gone.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert_eq!(served.token_requests(), 0);
    manager.complete(&response(&callback), &Expected::default()).await.unwrap();
}

#[tokio::test]
async fn expected_profile_limits_recognition() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let keys = StateKeys::of_secret(&served.shared.key).unwrap();
    let flows = PendingFlows::new(served.shared.flows.clone(), keys, served.shared.clock.clone());
    let (state, callback) = come_back(&manager, "ada").await;
    let (other, of_brook) = come_back(&manager, "brook").await;
    let ada = response(&callback);
    let recognized = flows.recognize(&ada, &Expected::default()).await.unwrap();
    assert_eq!(recognized.user(), Some("ada"));
    for wrong in [
        Expected::default().state(other),
        Expected::default().user("brook"),
        Expected::default().profile("q"),
    ] {
        let error = manager.complete_recognized(&recognized, &ada, &wrong).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidState, "{wrong:?}: {error}");
    }
    let (right, of_brook) = (Expected::default().state(state).user("ada"), response(&of_brook));
    let error = manager.complete_recognized(&recognized, &of_brook, &right).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidState, "another flow's response: {error}");
    assert_eq!(served.token_requests(), 0);
    manager.complete_recognized(&recognized, &ada, &right).await.unwrap();
}

#[tokio::test]
async fn pending_flows_are_listed_by_expiry() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let lives = [900, 20, 5_000, 300, 7_000, 60, 100, 2];
    for seconds in lives {
        let request = StartRequest::default().ttl(std::time::Duration::from_secs(seconds));
        manager.start("p", request).await.unwrap();
    }
    let flows = manager.pending().await.unwrap();
    let ends: Vec<_> = flows.iter().map(|flow| flow.expires_at).collect();
    assert_eq!(ends.len(), lives.len());
    assert!(ends.is_sorted(), "{ends:?}");
}

#[tokio::test]
async fn pending_flow_shows_no_state() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let started = manager.start("p", StartRequest::for_user("ada")).await.unwrap();
    let shown = format!("{started:?} {:?}", Expected::default().state(started.state.clone()));
    assert!(shown.contains(&started.grant_id) && !shown.contains(&started.state), "{shown}");
    let request = AuthorizeRequest::new(started.key(), "");
    let waiting = manager.authorize(request).await.unwrap();
    let url = url::Url::parse(&waiting.authorization_url).unwrap();
    let shown = format!("{waiting:?}");
    for name in ["state", "nonce"] {
        let value = url.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
        assert!(shown.contains(&waiting.grant_id) && !shown.contains(&value), "{name}: {shown}");
    }
}

/// Clocks of two machines differ, and one can be set back while a user is away.
#[tokio::test]
async fn clock_that_is_minutes_behind_is_no_forgery() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    served.clock.advance(1_000);
    let (_, callback) = come_back(&manager, "ada").await;
    let behind = Arc::new(ManualClock::at(1_800_001_000 - 300));
    let shared = Shared {
        users: served.shared.users.clone(),
        flows: served.shared.flows.clone(),
        key: served.shared.key.clone(),
        clock: behind,
    };
    // The id_token of a server whose clock is that far ahead is validated with the same tolerance.
    shared
        .manager([served.honest()])
        .complete(&response(&callback), &Expected::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn cancelled_flow_is_refused_and_others_complete() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let (_, of_brook) = come_back(&manager, "brook").await;
    let pending = manager.pending().await.unwrap();
    let ada = pending.iter().find(|flow| flow.user.as_deref() == Some("ada")).unwrap();
    assert_eq!((ada.profile.as_str(), ada.account.as_str(), pending.len()), ("p", "ada", 2));
    assert!(manager.cancel(&ada.grant_id).await.unwrap());
    assert!(!manager.cancel(&ada.grant_id).await.unwrap(), "it is gone");
    refused(&served, &manager, &callback, &Expected::default()).await;
    manager.complete(&response(&of_brook), &Expected::default()).await.unwrap();
    assert_eq!(manager.pending().await.unwrap(), []);
}

#[tokio::test]
async fn place_of_a_response_is_no_matter_of_its_state() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (state, callback) = come_back(&manager, "ada").await;
    let elsewhere = callback.replace("4711/callback", "4712/callback");
    for bad in [elsewhere, callback.replace("http:", "https:"), callback.replace("iss=", "iss=x")] {
        let error = manager.complete(&response(&bad), &Expected::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{bad}: {error}");
    }
    assert_eq!(served.token_requests(), 0);
    // Without the URL that received it, as a web framework passes it.
    let url = url::Url::parse(&callback).unwrap();
    let decoded = AuthorizationResponse::from_parameters(url.query_pairs()).unwrap();
    assert_eq!(decoded.state(), state);
    manager.complete(&decoded, &Expected::default()).await.unwrap();
}

/// Servers that are not known to send `iss` are distinguished only by the URL that received the response
/// (RFC 9700, section 4.4).
#[tokio::test]
async fn response_without_iss_needs_its_path_at_two_servers() {
    let served = Served::start();
    let issuer = served.sandbox.issuer();
    // Named endpoints: no metadata says that `iss` is to come.
    let silent = |name: &str, issuer: &str, path: &str| {
        let text = format!(
            "[profiles.{name}]\nclient_id = \"cli\"\nredirect_uri = \"http://127.0.0.1:4711/{path}\"\n\
             authorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\n"
        );
        text.parse::<Config>().unwrap().profile(name).unwrap().clone()
    };
    let own = silent("p", issuer, "callback");
    let others = [
        silent("q", "https://other.example", "q"),
        silent("q", "https://other.example", "callback"),
        profile("q", "https://other.example", PUBLIC),
    ];
    for other in others {
        let manager = served.shared.manager([own.clone(), other]);
        let (_, callback) = come_back(&manager, "ada").await;
        let mut url = url::Url::parse(&callback).unwrap();
        let said: Vec<_> = url.query_pairs().into_owned().filter(|(n, _)| n != "iss").collect();
        url.query_pairs_mut().clear().extend_pairs(&said);
        let bare = AuthorizationResponse::from_query(url.query().unwrap()).unwrap();
        let decoded = AuthorizationResponse::from_parameters(said).unwrap();
        let before = served.token_requests();
        for response in [&bare, &decoded] {
            let error = manager.complete(response, &Expected::default()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidState, "{error}");
            assert!(error.message().contains("profile `q`"), "{error}");
        }
        let elsewhere = decoded.clone().received_at("http://127.0.0.1:4711/other").unwrap();
        let error = manager.complete(&elsewhere, &Expected::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
        assert_eq!(served.token_requests(), before);
        let placed = bare.received_at(crate::scene::REDIRECT).unwrap();
        manager.complete(&placed, &Expected::default()).await.unwrap();
    }
    // What the response says of its issuer is enough.
    let manager = served.shared.manager([own.clone(), silent("q", "https://other.example", "q")]);
    let (_, callback) = come_back(&manager, "ada").await;
    let query = AuthorizationResponse::from_query(callback.split_once('?').unwrap().1).unwrap();
    manager.complete(&query, &Expected::default()).await.unwrap();
    // Another profile of the same server has no other's codes.
    let manager = served.shared.manager([own, silent("q", issuer, "q")]);
    let (_, callback) = come_back(&manager, "ada").await;
    let bare = callback.split('?').nth(1).unwrap().split("&iss=").next().unwrap();
    let bare = AuthorizationResponse::from_query(bare).unwrap();
    manager.complete(&bare, &Expected::default()).await.unwrap();
}

#[tokio::test]
async fn sealed_flow_needs_the_key_and_works_once() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let request = StartRequest::for_user("ada").attribute("plan", "gold").sealed();
    let started = manager.start("p", request).await.unwrap();
    let callback = crate::scene::walk(&started.authorization_url);
    assert_eq!(served.shared.flows.count(), 0);
    assert!(!started.state.contains("ada"));
    let strange = served.shared.ports();
    let strange = strange
        .with_pending(Arc::<crate::own_stores::Flows>::default(), StateKeys::generate().unwrap());
    let strange = FlowManager::new([served.honest()], strange);
    refused(&served, &strange, &callback, &Expected::default()).await;
    // Another machine with the key and nothing else.
    let keys = StateKeys::of_secret(&served.shared.key).unwrap();
    let elsewhere = FlowManager::new(
        [served.honest()],
        served.shared.ports().with_pending(Arc::<crate::own_stores::Flows>::default(), keys),
    );
    let completed = elsewhere.complete(&response(&callback), &Expected::default()).await.unwrap();
    assert_eq!((completed.grant.id, completed.grant.user), (started.grant_id, Some("ada".into())));
    assert_eq!(completed.grant.attributes["plan"].value, "gold");
    refused(&served, &elsewhere, &callback, &Expected::default()).await;
}

#[tokio::test]
async fn completed_grant_leaves_refresh_token_in_store() {
    let served = Served::start();
    let manager = served.shared.manager([served.honest()]);
    let (_, callback) = come_back(&manager, "ada").await;
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let stored = served.shared.users.row("ada", "p").unwrap();
    assert_eq!((&done.token.value, done.token.fresh), (&stored.tokens.access_token, true));
    assert_eq!(
        (&done.token.scopes, done.token.expires_at),
        (&done.grant.scopes, done.grant.expires_at)
    );
    assert!(done.grant.has_refresh_token && stored.tokens.refresh_token.is_some());
    let key = done.grant.key.clone();
    assert_eq!(manager.grant(&key).await.unwrap(), Some(done.grant));
    assert_eq!(manager.export_grant(&key).await.unwrap(), Some(stored));
}
