//! The state directory: locks, crashes, intents, the index.

mod steps;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::grant::Intent;
use oauthctl_core::port::{Coordinator, GrantStore, Lock};
use oauthctl_core::store::MemoryCoordinator;
use oauthctl_core::{AccountEntry, ErrorKind, GrantKey, Timestamp};
use tempfile::TempDir;

use crate::scene::{AGES, Helper, block_on, file_store, grant, key, names, state_dir};
use crate::support::make_pipe;

pub fn intent(sends: u32) -> Intent {
    Intent {
        grant_id: "grant".to_owned(),
        generation: 3,
        token_hash: "00ff".to_owned(),
        at: Timestamp::from_unix(5),
        sends,
    }
}

fn profile() -> GrantKey {
    key("profile", "default")
}

/// What both coordinators promise.
async fn coordinates(coordinator: &dyn Coordinator) {
    let (one, two) = (profile(), key("profile", "other"));
    let mut lock = coordinator.lock(&one, Duration::ZERO).await.unwrap();
    let busy = coordinator.lock(&one, Duration::from_millis(50)).await.map(drop).unwrap_err();
    assert_eq!(busy.kind(), ErrorKind::Unavailable);
    assert!(busy.message().contains("another process"), "{busy}");
    let mut other = coordinator.lock(&two, Duration::ZERO).await.unwrap();

    assert_eq!(lock.intent().await.unwrap(), None);
    lock.set_intent(&intent(1)).await.unwrap();
    lock.set_intent(&intent(2)).await.unwrap();
    assert_eq!(other.intent().await.unwrap(), None);
    drop(lock);
    let mut lock = coordinator.lock(&one, Duration::ZERO).await.unwrap();
    assert_eq!(lock.intent().await.unwrap(), Some(intent(2)), "the next holder finds it");
    lock.clear_intent().await.unwrap();
    lock.clear_intent().await.unwrap();
    assert_eq!(lock.intent().await.unwrap(), None);

    assert_eq!(coordinator.accounts().await.unwrap(), []);
    let entry = |key: &GrantKey| AccountEntry::of(&grant(key, 1, 10), "file");
    other.publish(&entry(&two)).await.unwrap();
    lock.publish(&entry(&one)).await.unwrap();
    assert_eq!(coordinator.accounts().await.unwrap(), [entry(&one), entry(&two)]);
    assert_eq!(coordinator.account(&two).await.unwrap(), Some(entry(&two)));
    other.retract().await.unwrap();
    other.retract().await.unwrap();
    assert_eq!(coordinator.account(&two).await.unwrap(), None);
    assert_eq!(coordinator.accounts().await.unwrap(), [entry(&one)]);
}

#[test]
fn state_directory_has_locks_intents_and_an_index() {
    let folder = TempDir::new().unwrap();
    block_on(coordinates(&state_dir(folder.path())));
}

#[test]
fn memory_has_locks_intents_and_an_index() {
    block_on(coordinates(&MemoryCoordinator::new(Arc::new(SystemClock))));
}

#[test]
fn processes_hold_a_lock_one_at_a_time() {
    let folder = TempDir::new().unwrap();
    let helpers: Vec<Helper> = (0..4).map(|_| Helper::start("count", folder.path())).collect();
    for helper in helpers {
        assert!(helper.done().success());
    }
    let counted = block_on(file_store(folder.path()).load(&profile())).unwrap().unwrap();
    assert_eq!(counted.generation, 20);
}

#[test]
fn lock_ends_with_its_holder_whatever_ends_that() {
    let folder = TempDir::new().unwrap();
    let state = state_dir(folder.path());
    let lock = |wait| block_on(state.lock(&profile(), wait)).map(drop);
    let mut held = Helper::start("hold", folder.path());
    held.until("held");
    assert_eq!(lock(Duration::ZERO).unwrap_err().kind(), ErrorKind::Unavailable);
    held.go_on();
    assert!(held.done().success());
    lock(Duration::ZERO).unwrap();

    let mut killed = Helper::start("hold", folder.path());
    killed.until("held");
    assert_eq!(lock(Duration::ZERO).unwrap_err().kind(), ErrorKind::Unavailable);
    killed.kill();
    lock(Duration::ZERO).unwrap();
}

#[test]
fn corrupt_entry_is_skipped_with_a_warning() {
    let folder = TempDir::new().unwrap();
    let state = state_dir(folder.path());
    let keys = ["one", "two", "three", "four"].map(|account| key("profile", account));
    for key in &keys {
        let mut lock = block_on(state.lock(key, Duration::ZERO)).unwrap();
        block_on(lock.publish(&AccountEntry::of(&grant(key, 1, 10), "file"))).unwrap();
    }
    let [index] = &names(&folder.path().join("state/accounts"))[..] else { panic!("one profile") };
    let index = folder.path().join("state/accounts").join(index);
    let path = |key: &GrantKey| index.join(format!("{}.json", key.slug()));
    fs::write(path(&keys[0]), "{").unwrap();
    fs::copy(path(&keys[3]), path(&keys[1])).unwrap();
    fs::remove_file(path(&keys[2])).unwrap();
    make_pipe(&path(&keys[2]));
    let left: Vec<GrantKey> = state.accounts().unwrap().into_iter().map(|e| e.key).collect();
    assert_eq!(left, [keys[3].clone()]);
    let warnings = state.warnings().take();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert_eq!(state.account(&keys[0]).unwrap(), None);
}

#[test]
fn only_accounts_of_the_profile_are_read() {
    let folder = TempDir::new().unwrap();
    let state = state_dir(folder.path());
    assert_eq!(state.some_accounts("profile", 2).unwrap(), []);
    let publish = |key: &GrantKey| {
        let mut lock = block_on(state.lock(key, Duration::ZERO)).unwrap();
        block_on(lock.publish(&AccountEntry::of(&grant(key, 1, 10), "file"))).unwrap();
    };
    let of = |most| -> Vec<String> {
        let some = state.some_accounts("profile", most).unwrap();
        some.into_iter().map(|entry| entry.key.account).collect()
    };
    // Names that are one once they are made readable.
    for profile in ["Profile", "profile!", "pro-file"] {
        publish(&key(profile, "default"));
    }
    assert!(of(2).is_empty());
    publish(&key("profile", "b"));
    assert_eq!(of(2), ["b"]);
    publish(&key("profile", "a"));
    publish(&key("profile", "c"));
    assert_eq!(of(9), ["a", "b", "c"]);
    assert_eq!(of(2).len(), 2);
    let mut lock = block_on(state.lock(&key("profile", "b"), Duration::ZERO)).unwrap();
    block_on(lock.retract()).unwrap();
    drop(lock);
    assert_eq!(of(9), ["a", "c"]);
    assert_eq!(state.accounts().unwrap().len(), 5);
    // What cannot be used is none of the few.
    let index = folder.path().join("state/accounts");
    for profile in names(&index).iter().filter(|name| name.starts_with("profile")) {
        for number in 0..30 {
            fs::write(index.join(profile).join(format!("{number}.json")), "{").unwrap();
        }
    }
    assert_eq!(of(1).len(), 1);
    assert_eq!(of(2), ["a", "c"]);
}

/// A lock whose file holds a whole intent, and that file.
fn intended(folder: &Path) -> (Box<dyn Lock>, PathBuf, Vec<u8>) {
    let state = state_dir(folder);
    let mut lock = block_on(state.lock(&profile(), Duration::ZERO)).unwrap();
    block_on(lock.set_intent(&intent(1))).unwrap();
    let path = folder.join(format!("state/locks/{}.lock", profile().slug()));
    let whole = fs::read(&path).unwrap();
    (lock, path, whole)
}

#[test]
fn torn_intent_was_never_acted_on() {
    let folder = TempDir::new().unwrap();
    let (mut lock, path, whole) = intended(folder.path());
    let mut after = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        block_on(lock.intent()).unwrap()
    };
    let text = whole.trim_ascii_end().len();
    for length in 0..text {
        assert_eq!(after(&whole[..length]), None, "cut after {length} bytes");
        // The file has its size, and not its content: what a power cut leaves.
        for lost in [length..whole.len(), 0..length] {
            let mut torn = whole.clone();
            torn[lost.clone()].fill(0);
            let expected = lost.is_empty().then(|| intent(1));
            assert_eq!(after(&torn), expected, "{lost:?} lost");
        }
    }
    for length in text..=whole.len() {
        assert_eq!(after(&whole[..length]), Some(intent(1)), "all of it is there");
    }
    block_on(lock.set_intent(&intent(2))).unwrap();
    assert_eq!(block_on(lock.intent()).unwrap(), Some(intent(2)));
}

#[test]
fn whole_intent_that_is_unreadable_is_an_error() {
    let folder = TempDir::new().unwrap();
    let (mut lock, path, whole) = intended(folder.path());
    let text = String::from_utf8(whole).unwrap();
    let newer = text.replacen("\"version\":1", "\"version\":2", 1);
    let other = text.replacen("generation", "GENERATION", 1);
    for damaged in [
        newer.clone(),
        newer.trim_end().to_owned(),
        other,
        text.replacen('}', "\u{1}", 1),
        text.replacen('{', "[", 1),
        text.replacen('}', " ", 1),
        "{}".to_owned(),
        "null".to_owned(),
        "nothing that was ever written here".to_owned(),
    ] {
        fs::write(&path, &damaged).unwrap();
        let error = block_on(lock.intent()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store, "{damaged}");
        assert!(
            error.message().contains("does not identify the refresh that was started"),
            "{error}"
        );
    }
    block_on(lock.set_intent(&intent(2))).unwrap();
    assert_eq!(block_on(lock.intent()).unwrap(), Some(intent(2)));
}

#[test]
fn links_and_pipes_in_place_of_a_lock_are_refused() {
    let folder = TempDir::new().unwrap();
    let state = state_dir(folder.path());
    block_on(state.lock(&profile(), Duration::ZERO)).unwrap();
    let path = folder.path().join(format!("state/locks/{}.lock", profile().slug()));
    let victim = folder.path().join("victim");
    let refused = |what: &str| {
        let error = block_on(state.lock(&profile(), AGES)).map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.message().contains(what), "{error}");
        fs::remove_file(&path).unwrap();
    };
    fs::rename(&path, &victim).unwrap();
    std::os::unix::fs::symlink(&victim, &path).unwrap();
    refused("symbolic link");
    fs::hard_link(&victim, &path).unwrap();
    refused("hard link");
    make_pipe(&path);
    refused("pipe");
    block_on(state.lock(&profile(), Duration::ZERO)).unwrap();
}
