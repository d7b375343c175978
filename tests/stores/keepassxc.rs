//! The real KeePassXC as a Secret Service, without a display.
//!
//! It differs from gnome-keyring in that it answers every creation and deletion with a prompt.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::Secret;
use oauthctl_core::port::{GrantStore, SecretItems};
use oauthctl_core::store::KeyringStore;
use oauthctl_core::store::keyring::SecretService;
use tempfile::TempDir;

use crate::contract::{Opened, all};
use crate::scene::{AGES, block_on, grant, key};
use crate::secret_service::{refuses_everything, told};
use crate::support::SecretService as Running;

fn store_of(service: &Running, patience: Duration, folder: &Path) -> KeyringStore {
    let service = SecretService::new(Some(service.address.clone()), patience);
    KeyringStore::over(Arc::new(service), None, folder.join("sealed")).patience(AGES)
}

#[test]
fn keepassxc_keeps_the_contract() {
    let service = Running::keepassxc();
    block_on(all(|| {
        let folder = TempDir::new().unwrap();
        let store = KeyringStore::open(Some(service.address.clone()), folder.path().join("sealed"));
        Opened::new(store.unwrap(), folder)
    }));
}

#[test]
fn keepassxc_locked_refuses_everything() {
    let service = Running::keepassxc_locked();
    let folder = TempDir::new().unwrap();
    refuses_everything(&store_of(&service, AGES, folder.path()), "is locked");
}

#[test]
fn keepassxc_prompt_without_answer_is_given_up() {
    let service = Running::keepassxc_confirming();
    let folder = TempDir::new().unwrap();
    let saved = grant(&key("profile", "default"), 1, 10);
    block_on(store_of(&service, AGES, folder.path()).save(&saved)).unwrap();
    let hasty = store_of(&service, Duration::from_secs(2), folder.path());
    let begun = Instant::now();
    told(&block_on(hasty.remove(&saved.key)).unwrap_err(), "prompt was not answered");
    assert!(begun.elapsed() < AGES, "{:?}", begun.elapsed());
    let store = store_of(&service, AGES, folder.path());
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), Some(saved));
}

#[test]
fn keepassxc_confirmed_access_is_told_from_a_lock() {
    let service = Running::keepassxc_confirming_access();
    let folder = TempDir::new().unwrap();
    let saved = grant(&key("profile", "default"), 1, 10);
    let store = store_of(&service, AGES, folder.path());
    block_on(store.save(&saved)).unwrap();
    assert_eq!(block_on(store.load(&saved.key)).unwrap().as_ref(), Some(&saved));
    let other = store_of(&service, AGES, folder.path());
    told(&block_on(other.load(&saved.key)).unwrap_err(), "requires confirmation for each access");
}

#[test]
fn keepassxc_placeholders_in_values_stay() {
    let service = Running::keepassxc();
    let folder = TempDir::new().unwrap();
    let store = store_of(&service, AGES, folder.path());
    let value = Secret::new("{TITLE} {USERNAME} {PASSWORD} {REF:P@T:x} {S:service} {{}} }{");
    let mut saved = grant(&key("profile", "default"), 1, 10);
    saved.tokens.refresh_token = Some(value.clone());
    saved.kept.insert("{TITLE}".to_owned(), "{DB_DIR}".into());
    block_on(store.save(&saved)).unwrap();
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), Some(saved));
    block_on(store.set("name", &value)).unwrap();
    assert_eq!(block_on(store.get("name")).unwrap(), Some(value));
}
