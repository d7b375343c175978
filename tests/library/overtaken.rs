//! Interference during a call: another machine, a slow hook, a process without the marks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oauthctl_core::flow::Hooks;
use oauthctl_core::port::{BoxFuture, GrantStore, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::profile::{Hook, Profile};
use oauthctl_core::protocol::state::StateKeys;
use oauthctl_core::{
    ErrorKind, Expected, FlowManager, Grant, Result, Secret, StartRequest, TokenRequest,
};

use crate::own_stores::{Flows, Users};
use crate::scene::{ManualClock, PUBLIC, Served, come_back, profile, response, walk};

/// A transport during whose first refresh request another machine replaces the row of `ada`.
struct Meanwhile {
    http: Arc<dyn Http>,
    users: Arc<Users>,
    how: fn(&mut Grant),
    happened: AtomicBool,
}

impl Http for Meanwhile {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            if request.purpose == "refresh request" && !self.happened.swap(true, Ordering::SeqCst) {
                let mut row = self.users.row("ada", "p").unwrap();
                row.tokens.access_token = Secret::new("theirs");
                (self.how)(&mut row);
                self.users.save(&row).await.unwrap();
            }
            self.http.send(request).await
        })
    }
}

#[tokio::test]
async fn token_stored_by_another_machine_is_returned() {
    let others: [fn(&mut Grant); 2] =
        [|row| row.generation += 1, |row| row.id = "another login".to_owned()];
    for how in others {
        let served = Served::start();
        let (ports, users) = (served.shared.ports(), served.shared.users.clone());
        let (http, happened) = (ports.http.clone(), AtomicBool::default());
        let http = Arc::new(Meanwhile { http, users: users.clone(), how, happened });
        let manager = FlowManager::new([served.honest()], ports.with_http(http));
        let (_, callback) = come_back(&manager, "ada").await;
        let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
        let mut theirs = users.row("ada", "p").unwrap();
        theirs.tokens.access_token = Secret::new("theirs");
        how(&mut theirs);
        let forced = TokenRequest::default().force();
        let token = manager.token(&done.grant.key, &forced).await.unwrap();
        assert_eq!(token.value.expose(), "theirs");
        assert_eq!(users.row("ada", "p"), Some(theirs));
    }
}

/// A hook that takes ten minutes.
struct Slow(Arc<ManualClock>);

impl Hooks for Slow {
    fn run<'a>(&'a self, _: &'a Profile, _: &'a Hook, _: Secret) -> BoxFuture<'a, Result<Secret>> {
        self.0.advance(600);
        Box::pin(async { Ok(Secret::new("")) })
    }
}

#[tokio::test]
async fn state_that_expires_during_a_hook_redeems_nothing() {
    let served = Served::start();
    let hooked = format!("{PUBLIC}\nhooks = {{ authorization = [\"desk\"] }}");
    let hooked = profile("p", served.sandbox.issuer(), &hooked);
    let ports = served.shared.ports().with_hooks(Arc::new(Slow(served.clock.clone())));
    let manager = FlowManager::new([hooked], ports);
    let (_, callback) = come_back(&manager, "ada").await;
    let error = manager.complete(&response(&callback), &Expected::default()).await.unwrap_err();
    assert_eq!((error.kind(), served.token_requests()), (ErrorKind::InvalidState, 0), "{error}");
}

/// The grant that a sealed flow gave says that it is used, where the mark is in another process's store.
#[tokio::test]
async fn flow_whose_grant_is_stored_is_used() {
    let served = Served::start();
    let process = || {
        let keys = StateKeys::of_secret(&served.shared.key).unwrap();
        let ports = served.shared.ports().with_pending(Arc::new(Flows::default()), keys);
        FlowManager::new([served.honest()], ports)
    };
    let request = StartRequest::for_user("ada").param("login_hint", "ada").sealed();
    let started = process().start("p", request).await.unwrap();
    let response = response(&walk(&started.authorization_url));
    process().complete(&response, &Expected::default()).await.unwrap();
    let error = process().complete(&response, &Expected::default()).await.unwrap_err();
    assert_eq!((error.kind(), served.token_requests()), (ErrorKind::InvalidState, 1), "{error}");
}
