//! The real KeePassXC as a Secret Service, without a display.
//!
//! It differs from gnome-keyring in that it answers every creation and deletion with a prompt.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_core::Secret;
use oauthctl_core::port::{GrantStore, SecretItems};
use oauthctl_core::store::KeyringStore;
use oauthctl_core::store::keyring::SecretService;
use tempfile::TempDir;

use crate::contract::{Opened, all};
use crate::secret_service::{refuses_everything, told};
use crate::support::{AGES, block_on, grant, key};

/// KeePassXC on a session bus of its own; it ends when this is dropped.
struct KeePassXc {
    address: String,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl KeePassXc {
    /// Starts it with one of the switches of `with-secret-service`.
    fn start(switch: Option<&str>) -> Self {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/with-secret-service");
        let mut child = Command::new(script)
            .args(["sh", "-c", "echo \"$DBUS_SESSION_BUS_ADDRESS\"; exec cat"])
            .env("SECRET_SERVICE", "keepassxc")
            .envs(switch.map(|name| (name, "1")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim_end().to_owned();
        assert!(address.starts_with("unix:"), "KeePassXC does not come up");
        Self { address, child, stdin }
    }

    fn store(&self, patience: Duration, folder: &Path) -> KeyringStore {
        let service = SecretService::new(Some(self.address.clone()), patience);
        KeyringStore::over(Arc::new(service), None, folder.join("sealed")).patience(AGES)
    }
}

impl Drop for KeePassXc {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn keepassxc_keeps_the_contract() {
    let service = KeePassXc::start(None);
    block_on(all(|| {
        let folder = TempDir::new().unwrap();
        let store = KeyringStore::open(Some(service.address.clone()), folder.path().join("sealed"));
        Opened::new(store.unwrap(), folder)
    }));
}

#[test]
fn keepassxc_locked_refuses_everything() {
    let service = KeePassXc::start(Some("SECRET_SERVICE_LOCKED"));
    let folder = TempDir::new().unwrap();
    refuses_everything(&service.store(AGES, folder.path()), "is locked");
}

#[test]
fn keepassxc_prompt_without_answer_is_given_up() {
    let service = KeePassXc::start(Some("SECRET_SERVICE_CONFIRM"));
    let folder = TempDir::new().unwrap();
    let saved = grant(&key("profile", "default"), 1, 10);
    block_on(service.store(AGES, folder.path()).save(&saved)).unwrap();
    let hasty = service.store(Duration::from_secs(2), folder.path());
    let begun = Instant::now();
    told(&block_on(hasty.remove(&saved.key)).unwrap_err(), "prompt was not answered");
    assert!(begun.elapsed() < AGES, "{:?}", begun.elapsed());
    let store = service.store(AGES, folder.path());
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), Some(saved));
}

#[test]
fn keepassxc_confirmed_access_is_told_from_a_lock() {
    let service = KeePassXc::start(Some("SECRET_SERVICE_CONFIRM_ACCESS"));
    let folder = TempDir::new().unwrap();
    let saved = grant(&key("profile", "default"), 1, 10);
    let store = service.store(AGES, folder.path());
    block_on(store.save(&saved)).unwrap();
    assert_eq!(block_on(store.load(&saved.key)).unwrap().as_ref(), Some(&saved));
    let other = service.store(AGES, folder.path());
    told(&block_on(other.load(&saved.key)).unwrap_err(), "requires confirmation for each access");
}

#[test]
fn keepassxc_placeholders_in_values_stay() {
    let service = KeePassXc::start(None);
    let folder = TempDir::new().unwrap();
    let store = service.store(AGES, folder.path());
    let value = Secret::new("{TITLE} {USERNAME} {PASSWORD} {REF:P@T:x} {S:service} {{}} }{");
    let mut saved = grant(&key("profile", "default"), 1, 10);
    saved.tokens.refresh_token = Some(value.clone());
    saved.kept.insert("{TITLE}".to_owned(), "{DB_DIR}".into());
    block_on(store.save(&saved)).unwrap();
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), Some(saved));
    block_on(store.set("name", &value)).unwrap();
    assert_eq!(block_on(store.get("name")).unwrap(), Some(value));
}
