//! A save that was cut off between its last byte and its name: which of those count.

use std::fs;
use std::path::PathBuf;

use oauthctl_core::port::GrantStore;
use oauthctl_core::store::{FileStore, KeySource};
use oauthctl_core::{ErrorKind, Grant};
use tempfile::TempDir;

use crate::scene::{block_on, file_store, grant, key, names};

/// A store with one record, and a temporary file of it whose writer is dead.
struct Scene {
    folder: TempDir,
    stored: Grant,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: TempDir::new().unwrap(), stored: next(3) };
        block_on(scene.store().save(&scene.stored)).unwrap();
        scene
    }

    fn store(&self) -> FileStore {
        file_store(self.folder.path())
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// What a writer of this grant writes.
    fn written(&self, grant: &Grant) -> Vec<u8> {
        let elsewhere = self.folder.path().join("elsewhere");
        let key = KeySource::Generated(self.folder.path().join("config/store.key"));
        let store = FileStore::open(&elsewhere, key);
        block_on(store.save(grant)).unwrap();
        fs::read(elsewhere.join(format!("{}.age", grant.key.slug()))).unwrap()
    }

    /// The path of a temporary file.
    fn left(&self, slot: u32) -> PathBuf {
        self.directory().join(format!(".{}.age.{slot}.tmp", self.stored.key.slug()))
    }

    fn leave(&self, slot: u32, bytes: &[u8]) {
        fs::write(self.left(slot), bytes).unwrap();
    }

    fn recover(&self) -> Option<Grant> {
        block_on(self.store().recover(&self.stored)).unwrap()
    }

    #[track_caller]
    fn holds(&self, grant: &Grant) {
        assert_eq!(block_on(self.store().load(&grant.key)).unwrap().as_ref(), Some(grant));
        assert_eq!(names(&self.directory()), [format!("{}.age", grant.key.slug())]);
    }
}

fn next(generation: u64) -> Grant {
    grant(&key("profile", "default"), generation, 50)
}

#[test]
fn next_generation_counts_in_any_slot() {
    for slot in [0, 7] {
        let scene = Scene::new();
        scene.leave(slot, &scene.written(&next(4)));
        assert_eq!(scene.recover(), Some(next(4)));
        scene.holds(&next(4));
        assert_eq!(block_on(scene.store().recover(&next(4))).unwrap(), None, "once");
    }
}

#[test]
fn record_that_is_not_the_next_one_is_removed() {
    let scene = Scene::new();
    let mut other = next(4);
    other.id = "another login".to_owned();
    for written in [next(2), next(3), other] {
        scene.leave(0, &scene.written(&written));
        assert_eq!(scene.recover(), None);
        scene.holds(&scene.stored);
    }
}

#[test]
fn leftover_newer_or_unreadable_stays() {
    let scene = Scene::new();
    let mut elsewhere = next(4);
    elsewhere.key = key("profile", "other");
    let whole = scene.written(&next(4));
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let longer = [&whole[..], &[0; 16]].concat();
    for written in [
        scene.written(&next(5)),
        scene.written(&elsewhere),
        whole[..whole.len() - 1].to_vec(),
        flipped,
        longer,
        vec![0; 4096],
        Vec::new(),
    ] {
        scene.leave(0, &written);
        assert_eq!(scene.recover(), None);
        assert_eq!(fs::read(scene.left(0)).unwrap(), written);
    }
    block_on(scene.store().save(&next(4))).unwrap();
    scene.holds(&next(4));
}

#[test]
fn record_of_a_newer_version_stays_and_is_reported() {
    let scene = Scene::new();
    let mut newer = next(4);
    newer.version += 1;
    scene.leave(0, &scene.written(&newer));
    let error = block_on(scene.store().recover(&scene.stored)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(scene.left(0).exists());
    assert_eq!(block_on(scene.store().load(&newer.key)).unwrap(), Some(scene.stored.clone()));
}

#[test]
fn recovery_that_fails_keeps_the_only_copy() {
    let scene = Scene::new();
    let record = scene.directory().join(format!("{}.age", scene.stored.key.slug()));
    let stored = fs::read(&record).unwrap();
    scene.leave(0, &scene.written(&next(4)));
    scene.leave(1, &scene.written(&next(4)));
    fs::remove_file(&record).unwrap();
    fs::create_dir(&record).unwrap();
    block_on(scene.store().recover(&scene.stored)).unwrap_err();
    assert!(scene.left(0).exists() && scene.left(1).exists());
    fs::remove_dir(&record).unwrap();
    fs::write(&record, stored).unwrap();
    assert_eq!(scene.recover(), Some(next(4)));
}

#[test]
fn forged_next_generation_is_not_used() {
    use std::io::Write;
    let scene = Scene::new();
    let identity: age::x25519::Identity = {
        let text = fs::read_to_string(scene.folder.path().join("config/store.key")).unwrap();
        text.lines().find(|line| !line.starts_with('#')).unwrap().parse().unwrap()
    };
    let recipient = identity.to_public();
    let recipients = std::iter::once(&recipient as &dyn age::Recipient);
    let mut sealed = Vec::new();
    let mut writer =
        age::Encryptor::with_recipients(recipients).unwrap().wrap_output(&mut sealed).unwrap();
    writer.write_all(&serde_json::to_vec(&next(4)).unwrap()).unwrap();
    writer.finish().unwrap();
    scene.leave(0, &sealed);
    assert_eq!(scene.recover(), None);
    assert_eq!(
        block_on(scene.store().load(&scene.stored.key)).unwrap(),
        Some(scene.stored.clone())
    );
}

#[test]
fn live_writers_file_is_left_to_it() {
    let scene = Scene::new();
    let writer = scene.store();
    block_on(writer.prepare(&scene.stored.key, 1000)).unwrap();
    assert_eq!(scene.recover(), None);
    assert_eq!(names(&scene.directory()).len(), 2);
    block_on(writer.save(&next(4))).unwrap();
    scene.holds(&next(4));
}

#[test]
fn room_is_not_taken_from_what_was_written() {
    let scene = Scene::new();
    scene.leave(0, &scene.written(&next(4)));
    // As a login does before its browser opens, and then does not come to its end.
    let login = scene.store();
    block_on(login.prepare(&scene.stored.key, 1000)).unwrap();
    drop(login);
    assert_eq!(scene.recover(), Some(next(4)));
    scene.holds(&next(4));
}
