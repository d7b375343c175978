//! Profiles, locks and an index that are reached over a network: every answer takes its time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauthctl_core::flow::Profiles;
use oauthctl_core::grant::Intent;
use oauthctl_core::port::{BoxFuture, Coordinator, Lock};
use oauthctl_core::profile::Profile;
use oauthctl_core::{
    AccountEntry, Error, ErrorKind, Expected, FlowManager, GrantKey, Result, StartRequest,
    TokenRequest,
};

use crate::scene::{Served, come_back, response};

/// What stands for the way to a database and back.
async fn travel() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Profiles in a table, which can be out of reach.
#[derive(Default)]
struct Table(Mutex<Option<BTreeMap<String, Arc<Profile>>>>);

impl Table {
    fn rows(&self) -> Result<BTreeMap<String, Arc<Profile>>> {
        let rows = self.0.lock().unwrap().clone();
        rows.ok_or_else(|| Error::unavailable("the database does not answer"))
    }

    fn becomes(&self, profiles: Option<Vec<Profile>>) {
        let rows = profiles.map(|all| all.into_iter().map(|p| (p.name.clone(), Arc::new(p))));
        *self.0.lock().unwrap() = rows.map(Iterator::collect);
    }
}

impl Profiles for Table {
    fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Arc<Profile>>>> {
        Box::pin(async move {
            travel().await;
            Ok(self.rows()?.get(name).cloned())
        })
    }

    fn list<'a>(&'a self) -> BoxFuture<'a, Result<Vec<Arc<Profile>>>> {
        Box::pin(async move {
            travel().await;
            Ok(self.rows()?.into_values().collect())
        })
    }
}

/// Another coordinator, each call of which takes its time.
struct Remote(Arc<dyn Coordinator>);

struct RemoteLock(Box<dyn Lock>);

impl Coordinator for Remote {
    fn lock<'a>(
        &'a self,
        key: &'a GrantKey,
        wait: Duration,
    ) -> BoxFuture<'a, Result<Box<dyn Lock>>> {
        Box::pin(async move {
            travel().await;
            Ok(Box::new(RemoteLock(self.0.lock(key, wait).await?)) as Box<dyn Lock>)
        })
    }

    fn account<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<AccountEntry>>> {
        Box::pin(async move {
            travel().await;
            self.0.account(key).await
        })
    }

    fn accounts<'a>(&'a self) -> BoxFuture<'a, Result<Vec<AccountEntry>>> {
        Box::pin(async move {
            travel().await;
            self.0.accounts().await
        })
    }
}

impl Lock for RemoteLock {
    fn intent<'a>(&'a mut self) -> BoxFuture<'a, Result<Option<Intent>>> {
        Box::pin(async move {
            travel().await;
            self.0.intent().await
        })
    }

    fn set_intent<'a>(&'a mut self, intent: &'a Intent) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            travel().await;
            self.0.set_intent(intent).await
        })
    }

    fn clear_intent<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            travel().await;
            self.0.clear_intent().await
        })
    }

    fn publish<'a>(&'a mut self, entry: &'a AccountEntry) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            travel().await;
            self.0.publish(entry).await
        })
    }

    fn retract<'a>(&'a mut self) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            travel().await;
            self.0.retract().await
        })
    }
}

#[tokio::test]
async fn profiles_are_looked_up_at_each_call() {
    let (served, table) = (Served::start(), Arc::new(Table::default()));
    let manager = FlowManager::with_profiles(table.clone(), served.shared.ports());
    let request = || StartRequest::for_user("ada");
    assert_eq!(manager.start("p", request()).await.unwrap_err().kind(), ErrorKind::Unavailable);
    table.becomes(Some(Vec::new()));
    assert_eq!(manager.start("p", request()).await.unwrap_err().kind(), ErrorKind::Config);
    table.becomes(Some(vec![served.honest()]));
    let (_, callback) = come_back(&manager, "ada").await;
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    let (key, request) = (done.grant.key, TokenRequest::default());
    assert!(!manager.token(&key, &request).await.unwrap().fresh);
    assert_eq!(manager.profiles().await.unwrap().len(), 1);
    // What cannot be revoked now is not forgotten.
    table.becomes(None);
    assert_eq!(manager.token(&key, &request).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(manager.revoke(&key).await.unwrap_err().kind(), ErrorKind::Unavailable);
    assert!(served.shared.users.row("ada", "p").is_some());
    table.becomes(Some(vec![served.honest()]));
    assert!(manager.revoke(&key).await.unwrap().forgotten);
}

#[tokio::test]
async fn remote_locks_allow_one_refresh() {
    let served = Served::start();
    let ports = served.shared.ports();
    let coordinator = Arc::new(Remote(ports.coordinator.clone()));
    let manager = FlowManager::new([served.honest()], ports.with_coordinator(coordinator));
    let (_, callback) = come_back(&manager, "ada").await;
    let done = manager.complete(&response(&callback), &Expected::default()).await.unwrap();
    served.clock.advance(3_600);
    let before = served.token_requests();
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (manager, key) = (manager.clone(), done.grant.key.clone());
            tokio::spawn(async move { manager.token(&key, &TokenRequest::default()).await })
        })
        .collect();
    let mut fresh = 0;
    for caller in callers {
        fresh += usize::from(caller.await.unwrap().unwrap().fresh);
    }
    assert_eq!((fresh, served.token_requests() - before), (1, 1));
    let listed = manager.ports().coordinator.accounts().await.unwrap();
    assert!(listed[0].generation > done.grant.generation, "what was saved is published");
    manager.revoke(&done.grant.key).await.unwrap();
    assert_eq!(manager.ports().coordinator.accounts().await.unwrap(), []);
}
