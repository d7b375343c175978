//! Keyrings: size limits, failures and damage, over one that can be made to fail.

use std::any::Any;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error, Result};
use oauthctl_core::port::{GrantStore, SecretItems};
use oauthctl_core::store::KeyringStore;
use oauthctl_core::{Advice, ErrorKind, Secret};
use tempfile::TempDir;

use crate::scene::{AGES, block_on, grant, key, names};

/// A keyring in memory whose items hold so many bytes of UTF-16.
#[derive(Debug)]
pub struct Fake {
    limit: usize,
    items: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    refuses: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

#[derive(Debug)]
struct FakeItem {
    user: String,
    limit: usize,
    items: Arc<Mutex<HashMap<String, Vec<u8>>>>,
    refuses: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

impl Fake {
    pub fn with_limit(limit: usize) -> Self {
        let no = || Arc::new(AtomicBool::new(false));
        Self { limit, items: Arc::default(), refuses: no(), hangs: no() }
    }

    /// From now on it does not write.
    pub fn refuse(&self, refuse: bool) {
        self.refuses.store(refuse, Ordering::SeqCst);
    }

    fn users(&self) -> Vec<String> {
        self.items.lock().unwrap().keys().cloned().collect()
    }

    fn change(&self, user: &str, change: impl FnOnce(&mut Vec<u8>)) {
        change(self.items.lock().unwrap().get_mut(user).unwrap());
    }

    fn item(&self, user: &str) -> Vec<u8> {
        self.items.lock().unwrap()[user].clone()
    }
}

impl CredentialStoreApi for Fake {
    fn vendor(&self) -> String {
        "test".to_owned()
    }

    fn id(&self) -> String {
        "test".to_owned()
    }

    fn build(
        &self,
        service: &str,
        user: &str,
        modifiers: Option<&HashMap<&str, &str>>,
    ) -> Result<Entry> {
        assert_eq!(service, "oauthctl");
        assert!(modifiers.is_none(), "not every platform takes modifiers");
        Ok(Entry::new_with_credential(Arc::new(FakeItem {
            user: user.to_owned(),
            limit: self.limit,
            items: self.items.clone(),
            refuses: self.refuses.clone(),
            hangs: self.hangs.clone(),
        })))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for FakeItem {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        let text = std::str::from_utf8(secret).unwrap();
        if self.refuses.load(Ordering::SeqCst) {
            return Err(Error::PlatformFailure("no room".into()));
        }
        if text.encode_utf16().count().saturating_mul(2) > self.limit {
            return Err(Error::TooLong("secret".to_owned(), self.limit as u32));
        }
        self.items.lock().unwrap().insert(self.user.clone(), secret.to_vec());
        Ok(())
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        if self.hangs.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.items.lock().unwrap().get(&self.user).cloned().ok_or(Error::NoEntry)
    }

    fn delete_credential(&self) -> Result<()> {
        self.items.lock().unwrap().remove(&self.user).map(drop).ok_or(Error::NoEntry)
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        None
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn limited(folder: &Path) -> (Arc<Fake>, KeyringStore) {
    let fake = Arc::new(Fake::with_limit(2560));
    (fake.clone(), KeyringStore::over(fake, Some(2560), folder.join("sealed")))
}

/// The files of large records, each below the directory of its record.
fn sealed(folder: &Path) -> Vec<std::path::PathBuf> {
    let root = folder.join("sealed");
    let records = if root.exists() { names(&root) } else { vec![] };
    let directories = records.iter().map(|record| root.join(record));
    directories.flat_map(|of| names(&of).into_iter().map(move |name| of.join(name))).collect()
}

fn slug() -> String {
    key("profile", "default").slug()
}

#[test]
fn large_records_come_and_go_without_an_orphan() {
    let folder = TempDir::new().unwrap();
    let (fake, store) = limited(folder.path());
    let key = key("profile", "default");
    for (generation, size, files) in
        [(1, 10, 0), (2, 9000, 1), (3, 9000, 1), (4, 10, 0), (5, 9000, 1)]
    {
        let saved = grant(&key, generation, size);
        block_on(store.prepare(&key, size)).unwrap();
        block_on(store.save(&saved)).unwrap();
        assert_eq!(block_on(store.load(&key)).unwrap(), Some(saved));
        assert_eq!(fake.users(), [slug()]);
        let found = sealed(folder.path());
        assert_eq!(found.len(), files, "{found:?}");
        for file in found {
            let text = std::fs::read(file).unwrap();
            assert!(!text.windows(6).any(|w| w == b"CANARY" || w == &slug().as_bytes()[..6]));
        }
    }
    assert!(block_on(store.remove(&key)).unwrap());
    assert_eq!(fake.users(), Vec::<String>::new());
    assert_eq!(names(&folder.path().join("sealed")), Vec::<String>::new());
}

#[test]
fn write_lists_the_files_of_its_record_alone() {
    let folder = TempDir::new().unwrap();
    let (_, store) = limited(folder.path());
    let key = |number: usize| key("profile", &number.to_string());
    (0..5).for_each(|number| block_on(store.save(&grant(&key(number), 1, 9000))).unwrap());
    let root = folder.path().join("sealed");
    let mut records: Vec<String> = (0..5).map(|number| key(number).slug()).collect();
    records.sort();
    assert_eq!(names(&root), records);
    assert_eq!(sealed(folder.path()).len(), 5);
    assert!(block_on(store.remove(&key(3))).unwrap());
    assert_eq!(names(&root).len(), 4, "nor does a directory stay for nothing");
}

#[test]
fn size_limit_of_an_item_counts_utf_16() {
    let folder = TempDir::new().unwrap();
    let (fake, store) = limited(folder.path());
    // 500 characters, 1,500 bytes of UTF-8, 1,000 bytes of UTF-16: with the rest it fits.
    let value = Secret::new("\u{20ac}".repeat(1000));
    block_on(store.set("name", &value)).unwrap();
    assert!(!folder.path().join("sealed").exists());
    let value = Secret::new("a".repeat(1300));
    block_on(store.set("name", &value)).unwrap();
    assert_eq!(names(&folder.path().join("sealed")).len(), 1);
    assert_eq!(block_on(store.get("name")).unwrap(), Some(value));
    assert_eq!(fake.users().len(), 1);
}

/// KeePassXC expands what it takes for its placeholders.
#[test]
fn braces_in_values_are_escaped_in_items() {
    let folder = TempDir::new().unwrap();
    let (fake, store) = limited(folder.path());
    let mut saved = grant(&key("profile", "default"), 1, 10);
    saved.tokens.refresh_token = Some(Secret::new("{TITLE}{{}}"));
    block_on(store.save(&saved)).unwrap();
    let text = String::from_utf8(fake.item(&slug())).unwrap();
    assert!(!text.contains("{TITLE}") && !text.contains("{{") && !text.contains("}}\""), "{text}");
    assert_eq!(block_on(store.load(&saved.key)).unwrap(), Some(saved));
}

#[test]
fn write_that_fails_leaves_the_old_record() {
    let folder = TempDir::new().unwrap();
    let (fake, store) = limited(folder.path());
    let key = key("profile", "default");
    for size in [10, 9000] {
        let old = grant(&key, 1, size);
        block_on(store.save(&old)).unwrap();
        for next in [10, 9000] {
            fake.refuse(true);
            let error = block_on(store.save(&grant(&key, 2, next))).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Store);
            assert!(block_on(store.prepare(&key, next)).is_err(), "it would not be kept");
            fake.refuse(false);
            assert_eq!(block_on(store.load(&key)).unwrap().as_ref(), Some(&old));
        }
        block_on(store.save(&old)).unwrap();
        let sealed = sealed(folder.path());
        assert_eq!(sealed.len(), usize::from(size > 1000), "{sealed:?}");
    }
}

#[test]
fn every_flipped_bit_of_a_sealed_record_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (fake, store) = limited(folder.path());
    let key = key("profile", "default");
    let saved = grant(&key, 1, 2000);
    block_on(store.save(&saved)).unwrap();
    let [file] = sealed(folder.path()).try_into().unwrap();
    let good = std::fs::read(&file).unwrap();
    for at in (0..good.len()).step_by(7).chain(0..30).chain(good.len() - 30..good.len()) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        std::fs::write(&file, &bad).unwrap();
        let error = block_on(store.load(&key)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "byte {at}");
        assert!(block_on(store.save(&grant(&key, 2, 10))).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), bad);
    }
    for cut in [0, 11, 12, 27, 28, good.len() - 1] {
        std::fs::write(&file, &good[..cut]).unwrap();
        assert!(block_on(store.load(&key)).is_err(), "{cut}");
    }
    std::fs::write(&file, &good).unwrap();
    // The generation in the pointer is sealed too.
    let pointer = fake.item(&slug());
    let text = String::from_utf8(pointer.clone()).unwrap();
    let other = text.replace("\"generation\":1", "\"generation\":2");
    assert_ne!(text, other);
    fake.change(&slug(), |item| *item = other.into_bytes());
    assert!(block_on(store.load(&key)).is_err());
    let away = text.replace(&format!("\"file\":\"{}", slug()), "\"file\":\"../x");
    assert_ne!(text, away);
    fake.change(&slug(), |item| *item = away.into_bytes());
    assert!(block_on(store.load(&key)).is_err());
    fake.change(&slug(), |item| *item = pointer);
    assert_eq!(block_on(store.load(&key)).unwrap(), Some(saved));
    std::fs::remove_file(&file).unwrap();
    let error = block_on(store.load(&key)).unwrap_err();
    assert!(error.message().contains("is missing"), "{error}");
}

#[test]
fn damaged_items_are_errors_and_can_be_set_aside() {
    let folder = TempDir::new().unwrap();
    let (fake, store) = limited(folder.path());
    let (one, two) = (key("profile", "default"), key("profile", "two"));
    block_on(store.save(&grant(&one, 1, 10))).unwrap();
    block_on(store.save(&grant(&two, 1, 10))).unwrap();
    let good = fake.item(&slug());
    let mut newer = grant(&one, 1, 10);
    newer.version = 9;
    let newer = serde_json::to_vec(&newer).unwrap();
    for bad in [b"".to_vec(), b"{".to_vec(), good[..50].to_vec(), fake.item(&two.slug()), newer] {
        fake.change(&slug(), |item| item.clone_from(&bad));
        let error = block_on(store.load(&one)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.advice_text().is_some() && !error.message().contains("CANARY"), "{error}");
        assert!(block_on(store.save(&grant(&one, 2, 10))).is_err());
        assert_eq!(fake.item(&slug()), bad);
    }
    assert!(block_on(store.set_aside(&one)).unwrap().is_some());
    assert_eq!(block_on(store.load(&one)).unwrap(), None);
    block_on(store.save(&grant(&one, 2, 10))).unwrap();
    assert_eq!(fake.users().len(), 3);
    assert!(block_on(store.remove(&one)).unwrap());
    assert_eq!(fake.users(), [two.slug()], "what was kept aside is removed too");
}

/// Runs something that must end, and gives its error.
pub fn ends_with_an_error(store: KeyringStore) -> oauthctl_core::Error {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let key = key("profile", "default");
        tell.send(block_on(store.load(&key)).map(|grant| grant.is_some())).unwrap();
    });
    let error = told.recv_timeout(AGES).expect("it hangs").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.advice().contains(&Advice::UseFileStore), "{error}");
    error
}

#[test]
fn keyring_that_hangs_is_given_up() {
    let folder = TempDir::new().unwrap();
    let fake = Arc::new(Fake::with_limit(2560));
    fake.hangs.store(true, Ordering::SeqCst);
    let store = KeyringStore::over(fake, Some(2560), folder.path());
    let error = ends_with_an_error(store.patience(Duration::from_millis(100)));
    assert!(error.message().contains("does not respond"), "{error}");
}
