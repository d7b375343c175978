//! The contract of every store.

use std::sync::Arc;

use oauthctl_core::Secret;
use oauthctl_core::port::{GrantStore, SecretItems};
use oauthctl_core::profile::StoreCommand;
use oauthctl_core::store::{CommandStore, KeyringStore, MemoryStore};
use tempfile::TempDir;

use crate::keyrings::Fake;
use crate::scene::{block_on, file_store, grant, key};

/// An empty store, and a way to open it again.
pub struct Opened {
    pub grants: Arc<dyn GrantStore>,
    pub items: Arc<dyn SecretItems>,
    pub folder: TempDir,
}

impl Opened {
    pub fn new<S: GrantStore + SecretItems + 'static>(store: S, folder: TempDir) -> Self {
        let store = Arc::new(store);
        Self { grants: store.clone(), items: store, folder }
    }
}

pub const HOSTILE: [&str; 16] = [
    "../x",
    "a/b",
    "a",
    "b",
    ".",
    "..",
    "",
    "CON",
    "Prod",
    "prod",
    "caf\u{e9}",
    "cafe\u{301}",
    "nul\0byte",
    "new\nline",
    "\u{202e}gpj",
    "store.key",
];

pub async fn keeps_what_it_is_given(opened: Opened) {
    let key = key("profile", "default");
    assert_eq!(opened.grants.load(&key).await.unwrap(), None);
    let first = grant(&key, 1, 100);
    opened.grants.save(&first).await.unwrap();
    assert_eq!(opened.grants.load(&key).await.unwrap(), Some(first));
    let second = grant(&key, 2, 50);
    opened.grants.save(&second).await.unwrap();
    assert_eq!(opened.grants.load(&key).await.unwrap(), Some(second));
}

pub async fn keeps_records_of_every_size(opened: Opened) {
    let key = key("profile", "default");
    let sizes = [10, 100 * 1024, 10 * 1024, 64 * 1024, 256 * 1024, 1100, 600, 256 * 1024, 1];
    for (generation, size) in sizes.into_iter().enumerate() {
        let grant = grant(&key, generation as u64, size);
        opened.grants.prepare(&key, size).await.unwrap();
        opened.grants.save(&grant).await.unwrap();
        assert_eq!(opened.grants.load(&key).await.unwrap(), Some(grant), "{size}");
    }
}

pub async fn preparing_changes_nothing(opened: Opened) {
    let key = key("profile", "default");
    for size in [10, 300_000] {
        opened.grants.prepare(&key, size).await.unwrap();
        assert_eq!(opened.grants.load(&key).await.unwrap(), None);
    }
    let kept = grant(&key, 1, 2000);
    opened.grants.save(&kept).await.unwrap();
    for size in [10, 300_000, 10] {
        opened.grants.prepare(&key, size).await.unwrap();
        assert_eq!(opened.grants.load(&key).await.unwrap().as_ref(), Some(&kept));
    }
    assert!(opened.grants.remove(&key).await.unwrap());
}

pub async fn removes_what_there_is(opened: Opened) {
    let (one, two) = (key("profile", "one"), key("profile", "two"));
    assert!(!opened.grants.remove(&one).await.unwrap());
    for size in [100, 100_000] {
        opened.grants.save(&grant(&one, 1, size)).await.unwrap();
        opened.grants.save(&grant(&two, 1, size)).await.unwrap();
        assert!(opened.grants.remove(&one).await.unwrap());
        assert_eq!(opened.grants.load(&one).await.unwrap(), None);
        assert!(!opened.grants.remove(&one).await.unwrap());
        assert_eq!(opened.grants.load(&two).await.unwrap(), Some(grant(&two, 1, size)));
    }
}

pub async fn sets_aside_and_starts_over(opened: Opened) {
    let key = key("profile", "default");
    assert_eq!(opened.grants.set_aside(&key).await.unwrap(), None);
    for (generation, size) in [(1, 100), (2, 100_000), (3, 100)] {
        opened.grants.save(&grant(&key, generation, size)).await.unwrap();
        let place = opened.grants.set_aside(&key).await.unwrap();
        assert!(place.is_some_and(|place| !place.is_empty()));
        assert_eq!(opened.grants.load(&key).await.unwrap(), None);
    }
    let last = grant(&key, 4, 100);
    opened.grants.save(&last).await.unwrap();
    assert_eq!(opened.grants.load(&key).await.unwrap(), Some(last));
    assert!(opened.grants.remove(&key).await.unwrap());
    assert_eq!(opened.grants.set_aside(&key).await.unwrap(), None);
}

pub async fn names_neither_collide_nor_escape(opened: Opened) {
    let long = "x".repeat(300);
    let names: Vec<&str> = HOSTILE.into_iter().chain([long.as_str(), &long[..299]]).collect();
    let keys = names
        .iter()
        .flat_map(|name| [key(name, "default"), key("default", name)])
        .collect::<Vec<_>>();
    for (number, key) in keys.iter().enumerate() {
        opened.grants.save(&grant(key, number as u64, 50)).await.unwrap();
    }
    for (number, name) in names.iter().enumerate() {
        let secret = Secret::new(format!("secret {number}"));
        opened.items.set(name, &secret).await.unwrap();
    }
    for (number, key) in keys.iter().enumerate() {
        let expected = grant(key, number as u64, 50);
        assert_eq!(opened.grants.load(key).await.unwrap(), Some(expected), "{key}");
    }
    for (number, name) in names.iter().enumerate() {
        let expected = Some(Secret::new(format!("secret {number}")));
        assert_eq!(opened.items.get(name).await.unwrap(), expected, "{name:?}");
    }
    for entry in std::fs::read_dir(opened.folder.path()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(["store", "config", "sealed"].iter().any(|n| name == *n), "{name:?}");
    }
    for key in &keys {
        assert!(opened.grants.remove(key).await.unwrap());
    }
    for name in names {
        assert!(opened.items.unset(name).await.unwrap());
    }
}

pub async fn keeps_items(opened: Opened) {
    assert_eq!(opened.items.get("name").await.unwrap(), None);
    assert!(!opened.items.unset("name").await.unwrap());
    for size in [1, 10_000, 20] {
        let value = Secret::new("s".repeat(size));
        opened.items.set("name", &value).await.unwrap();
        assert_eq!(opened.items.get("name").await.unwrap(), Some(value));
        assert_eq!(opened.items.get("Name").await.unwrap(), None);
    }
    assert!(opened.items.unset("name").await.unwrap());
    assert_eq!(opened.items.get("name").await.unwrap(), None);
}

/// The suite over one kind of store, each promise over an empty one.
macro_rules! contract {
    ($kind:ident, $open:expr; $($promise:ident),+ $(,)?) => {
        mod $kind {
            use super::*;
            $(#[test]
            fn $promise() {
                let open = $open;
                block_on(super::$promise(open(TempDir::new().unwrap())));
            })+
        }
    };
    ($kind:ident, $open:expr) => {
        contract!($kind, $open; keeps_what_it_is_given, keeps_records_of_every_size,
            preparing_changes_nothing, removes_what_there_is, sets_aside_and_starts_over,
            names_neither_collide_nor_escape, keeps_items);
    };
}

contract!(memory, |folder| Opened::new(MemoryStore::new(), folder));
contract!(file, |folder: TempDir| Opened::new(file_store(folder.path()), folder));
contract!(keyring_with_a_limit, |folder: TempDir| {
    let sealed = folder.path().join("sealed");
    let fake = Arc::new(Fake::with_limit(2560));
    Opened::new(KeyringStore::over(fake, Some(2560), sealed), folder)
});
contract!(keyring_without_a_limit, |folder: TempDir| {
    let sealed = folder.path().join("sealed");
    let fake = Arc::new(Fake::with_limit(usize::MAX));
    Opened::new(KeyringStore::over(fake, None, sealed), folder)
});

contract!(command, |folder: TempDir| {
    let records = folder.path().join("store");
    std::fs::create_dir(&records).unwrap();
    let shell = |script: &str| {
        let records = records.to_str().unwrap();
        ["sh", "-c", script, records].map(str::to_owned).to_vec()
    };
    let mut commands = StoreCommand::default();
    commands.get = shell("cat \"$0/$1\"");
    commands.set = shell("cat >\"$0/$1\"");
    commands.delete = shell("rm \"$0/$1\"");
    Opened::new(CommandStore::new(commands), folder)
});

/// The suite over a store that cannot be had anew: each promise leaves it empty.
pub async fn all(open: impl Fn() -> Opened) {
    let key = key("profile", "default");
    keeps_what_it_is_given(open()).await;
    open().grants.remove(&key).await.unwrap();
    keeps_records_of_every_size(open()).await;
    open().grants.remove(&key).await.unwrap();
    preparing_changes_nothing(open()).await;
    removes_what_there_is(open()).await;
    for account in ["one", "two"] {
        open().grants.remove(&crate::scene::key("profile", account)).await.unwrap();
    }
    sets_aside_and_starts_over(open()).await;
    names_neither_collide_nor_escape(open()).await;
    keeps_items(open()).await;
}
