//! Moving grants from one store to another.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::grant::LastError;
use oauthctl_core::port::{BoxFuture, Coordinator, GrantStore};
use oauthctl_core::store::{KeyringStore, MemoryCoordinator, MemoryStore, StoreSpec, migrate};
use oauthctl_core::{AccountEntry, ErrorKind, Grant, GrantKey, Result, Timestamp};
use tempfile::TempDir;

use crate::keyrings::Fake;
use crate::scene::{block_on, file_store, grant, key};

#[test]
fn each_record_is_moved_or_stays_and_none_is_lost() {
    let folder = TempDir::new().unwrap();
    let coordinator = MemoryCoordinator::new(Arc::new(SystemClock));
    let from = MemoryStore::new();
    let to = file_store(folder.path());
    let keys = ["moved", "absent", "conflict", "copied"].map(|account| key("profile", account));
    block_on(async {
        for (key, size) in [(&keys[0], 100_000), (&keys[2], 10), (&keys[3], 10)] {
            from.save(&grant(key, 3, size)).await.unwrap();
        }
        let error = LastError {
            at: Timestamp::from_unix(1),
            message: "failed".to_owned(),
            id: "f1".to_owned(),
            error: None,
            oauth_error: None,
            narrowing: None,
        };
        let entry = AccountEntry {
            last_error: Some(error.clone()),
            ..AccountEntry::of(&grant(&keys[0], 3, 10), "memory")
        };
        let mut lock = coordinator.lock(&keys[0], Duration::ZERO).await.unwrap();
        lock.publish(&entry).await.unwrap();
        drop(lock);
        to.save(&grant(&keys[2], 9, 20)).await.unwrap();
        to.save(&grant(&keys[3], 3, 10)).await.unwrap();

        let done = migrate(&from, &to, &keys, &coordinator).await.unwrap();
        assert_eq!(done.moved, [keys[0].clone(), keys[3].clone()]);
        assert_eq!(done.absent, [keys[1].clone()]);
        assert_eq!(done.failed.len(), 1);
        assert_eq!(done.failed[0].0, keys[2]);

        assert_eq!(to.load(&keys[0]).await.unwrap(), Some(grant(&keys[0], 3, 100_000)));
        assert_eq!(from.load(&keys[0]).await.unwrap(), None);
        assert_eq!(from.load(&keys[2]).await.unwrap(), Some(grant(&keys[2], 3, 10)));
        assert_eq!(to.load(&keys[2]).await.unwrap(), Some(grant(&keys[2], 9, 20)));
        let entry = coordinator.account(&keys[0]).await.unwrap().unwrap();
        assert_eq!((entry.store, entry.last_error), (to.name(), Some(error)));
    });
}

#[test]
fn store_that_loses_records_gets_nothing() {
    let folder = TempDir::new().unwrap();
    let from = MemoryStore::new();
    let fake = Arc::new(Fake::with_limit(usize::MAX));
    fake.refuse(true);
    let to = KeyringStore::over(fake, None, folder.path().join("sealed"));
    let key = key("profile", "default");
    block_on(from.save(&grant(&key, 1, 10))).unwrap();
    let coordinator = MemoryCoordinator::new(Arc::new(SystemClock));
    let done = block_on(migrate(&from, &to, std::slice::from_ref(&key), &coordinator)).unwrap();
    assert_eq!(done.failed.len(), 1);
    assert!(block_on(from.load(&key)).unwrap().is_some());
}

#[test]
fn migration_to_the_same_store_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let one = file_store(folder.path());
    let two = file_store(folder.path()).named("file");
    let key = key("profile", "default");
    let kept = grant(&key, 1, 10);
    let coordinator = MemoryCoordinator::new(Arc::new(SystemClock));
    block_on(one.save(&kept)).unwrap();
    let keys = std::slice::from_ref(&key);
    let done = block_on(migrate(&one, &two, keys, &coordinator)).unwrap();
    assert!(done.failed[0].1.message().contains("same store"), "{done:?}");
    assert_eq!(block_on(one.load(&key)).unwrap(), Some(kept));
    let same = block_on(migrate(&one, &one, keys, &coordinator)).unwrap_err();
    assert_eq!(same.kind(), ErrorKind::Usage);
}

/// A store that takes capital letters for small ones.
struct Loose(MemoryStore);

fn small(key: &GrantKey) -> GrantKey {
    GrantKey::new(key.profile.to_lowercase(), key.account.to_lowercase())
}

impl GrantStore for Loose {
    fn name(&self) -> String {
        "loose".to_owned()
    }

    fn load<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Grant>>> {
        Box::pin(async move { self.0.load(&small(key)).await })
    }

    fn prepare<'a>(&'a self, key: &'a GrantKey, bytes: usize) -> BoxFuture<'a, Result<()>> {
        self.0.prepare(key, bytes)
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<()>> {
        self.0.save(grant)
    }

    fn remove<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.0.remove(&small(key)).await })
    }
}

#[test]
fn record_of_another_account_stays_where_it_is() {
    let folder = TempDir::new().unwrap();
    let (from, to) = (Loose(MemoryStore::new()), file_store(folder.path()));
    let coordinator = MemoryCoordinator::new(Arc::new(SystemClock));
    let (asked, given) = (key("profile", "Ada"), key("profile", "ada"));
    let kept = grant(&given, 3, 10);
    block_on(async {
        from.save(&kept).await.unwrap();
        let keys = std::slice::from_ref(&asked);
        let done = migrate(&from, &to, keys, &coordinator).await.unwrap();
        let [(key, error)] = &done.failed[..] else { panic!("{done:?}") };
        assert_eq!((key, error.kind()), (&asked, ErrorKind::Store));
        assert!(error.message().contains("`loose` returned the record of"), "{error}");
        assert!(done.moved.is_empty() && done.absent.is_empty(), "{done:?}");
        assert_eq!(from.load(&given).await.unwrap().as_ref(), Some(&kept));
        for key in [&asked, &given] {
            assert_eq!(to.load(key).await.unwrap(), None);
            assert_eq!(coordinator.account(key).await.unwrap(), None);
        }
        // Under its own name it is moved as ever.
        let keys = std::slice::from_ref(&given);
        assert_eq!(migrate(&from, &to, keys, &coordinator).await.unwrap().moved, keys);
        assert_eq!(to.load(&given).await.unwrap(), Some(kept));
    });
}

#[test]
fn stores_are_named_as_on_the_command_line() {
    for text in ["keyring", "file", "file:/srv/x", "file:a b"] {
        assert_eq!(text.parse::<StoreSpec>().unwrap().to_string(), text);
    }
    for text in ["", "file:", "Keyring", "keyring:x", "plain"] {
        assert_eq!(text.parse::<StoreSpec>().unwrap_err().kind(), ErrorKind::Usage, "{text}");
    }
}
