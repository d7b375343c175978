//! The file store: damaged, foreign, planted and interrupted files.

mod forged;
mod planted;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use oauthctl_core::ErrorKind;
use oauthctl_core::port::{GrantStore, SecretItems};
use oauthctl_core::store::file::keygen;
use oauthctl_core::store::{FileStore, KeySource};
use oauthctl_core::{Advice, Error, Grant, Secret};
use tempfile::TempDir;

use crate::scene::{block_on, file_store, grant, key, names};
use crate::support::make_pipe;

fn load(folder: &Path) -> oauthctl_core::Result<Option<Grant>> {
    block_on(file_store(folder).load(&key("profile", "default")))
}

fn save(folder: &Path, generation: u64) -> oauthctl_core::Result<()> {
    block_on(file_store(folder).save(&grant(&key("profile", "default"), generation, 100)))
}

fn record(folder: &Path) -> PathBuf {
    folder.join(format!("store/{}.age", key("profile", "default").slug()))
}

fn is_damage(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert!(error.advice_text().is_some(), "{error}");
    assert!(!error.message().contains("CANARY"), "{error}");
}

/// Puts these bytes in place of the record: neither reading nor saving may take it for absent.
fn is_refused_and_kept(folder: &Path, bytes: &[u8]) {
    fs::write(record(folder), bytes).unwrap();
    is_damage(&load(folder).unwrap_err());
    assert_eq!(fs::read(record(folder)).unwrap(), bytes);
}

#[test]
fn flipped_bit_is_an_error_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let good = fs::read(record(folder.path())).unwrap();
    let store = file_store(folder.path());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(record(folder.path()), &bad).unwrap();
        let error = block_on(store.load(&key("profile", "default"))).unwrap_err();
        is_damage(&error);
        assert_eq!(fs::read(record(folder.path())).unwrap(), bad, "byte {at}");
    }
    is_damage(&save(folder.path(), 2).unwrap_err());
    fs::write(record(folder.path()), &good).unwrap();
    assert!(load(folder.path()).unwrap().is_some());
}

#[test]
fn cut_record_is_an_error_and_stays() {
    let folder = TempDir::new().unwrap();
    let big = grant(&key("profile", "default"), 1, 150_000);
    block_on(file_store(folder.path()).save(&big)).unwrap();
    let good = fs::read(record(folder.path())).unwrap();
    let chunk = 64 * 1024 + 16;
    let cuts = [0, 1, 20, 100, 199, 200, 250, chunk, chunk + 200, 2 * chunk, good.len() - 1];
    for cut in cuts {
        is_refused_and_kept(folder.path(), &good[..cut]);
    }
    let mut longer = good;
    longer.push(0);
    is_refused_and_kept(folder.path(), &longer);
}

#[test]
fn hostile_header_is_refused_unparsed() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let magic = b"age-encryption.org/v1\n";
    let stanzas = [&magic[..], &b"-> X25519 AAAA\n".repeat(1024 * 1024)].concat();
    is_refused_and_kept(folder.path(), &stanzas);
    assert!(load(folder.path()).unwrap_err().message().contains("more than 100 recipients"));
    let body = [&magic[..], b"-> X25519 AAAA\n", &[b'A'; 64].repeat(10_000)].concat();
    is_refused_and_kept(folder.path(), &body);
    assert!(load(folder.path()).unwrap_err().message().contains("longer than 16 KiB"));
}

#[test]
fn record_that_could_not_be_read_is_not_saved() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let before = fs::read(record(folder.path())).unwrap();
    let huge = grant(&key("profile", "default"), 2, 5 * 1024 * 1024);
    is_damage(&block_on(file_store(folder.path()).save(&huge)).unwrap_err());
    assert_eq!(fs::read(record(folder.path())).unwrap(), before);
    let large = grant(&key("profile", "default"), 2, 5 * 1024 * 1024 - 2000);
    block_on(file_store(folder.path()).save(&large)).unwrap();
    assert_eq!(load(folder.path()).unwrap(), Some(large));
}

#[test]
fn one_damaged_record_leaves_the_others_alone() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let other = grant(&key("other", "default"), 1, 100);
    fs::write(record(folder.path()), b"nonsense").unwrap();
    let store = file_store(folder.path());
    block_on(store.save(&other)).unwrap();
    assert_eq!(block_on(store.load(&other.key)).unwrap(), Some(other));
    assert_eq!(fs::read(record(folder.path())).unwrap(), b"nonsense");
    let place = block_on(store.set_aside(&key("profile", "default"))).unwrap().unwrap();
    assert_eq!(fs::read(&place).unwrap(), b"nonsense");
    assert_eq!(load(folder.path()).unwrap(), None);
    assert!(!block_on(store.remove(&key("profile", "default"))).unwrap());
    assert!(!Path::new(&place).exists(), "removing an account removes what was kept aside");
}

#[test]
fn swapped_records_are_noticed() {
    let folder = TempDir::new().unwrap();
    let store = file_store(folder.path());
    let (one, two) = (key("profile", "one"), key("profile", "two"));
    block_on(store.save(&grant(&one, 1, 10))).unwrap();
    block_on(store.save(&grant(&two, 1, 10))).unwrap();
    let file = |k: &oauthctl_core::GrantKey| folder.path().join(format!("store/{}.age", k.slug()));
    fs::copy(file(&one), file(&two)).unwrap();
    let error = block_on(store.load(&two)).unwrap_err();
    is_damage(&error);
    assert!(error.message().contains("not authenticated"), "{error}");
}

#[test]
fn another_key_cannot_decrypt_or_change_a_record() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let before = fs::read(record(folder.path())).unwrap();
    let wrong = FileStore::open(folder.path().join("store"), KeySource::Identity(keygen().0));
    let key = key("profile", "default");
    let error = block_on(wrong.load(&key)).unwrap_err();
    is_damage(&error);
    assert!(error.message().contains("wrong key"), "{error}");
    is_damage(&block_on(wrong.save(&grant(&key, 2, 10))).unwrap_err());
    assert_eq!(fs::read(record(folder.path())).unwrap(), before);
}

#[test]
fn lost_key_is_not_replaced_while_there_are_records() {
    let folder = TempDir::new().unwrap();
    assert_eq!(load(folder.path()).unwrap(), None);
    assert!(!folder.path().join("config").exists(), "reading needs no key");
    save(folder.path(), 1).unwrap();
    let key_file = folder.path().join("config/store.key");
    fs::rename(&key_file, folder.path().join("lost")).unwrap();
    let store = file_store(folder.path());
    let other = key("other", "default");
    for error in [
        load(folder.path()).unwrap_err(),
        block_on(store.prepare(&other, 10)).unwrap_err(),
        block_on(store.save(&grant(&other, 1, 10))).unwrap_err(),
    ] {
        is_damage(&error);
        assert!(error.message().contains("is missing"), "{error}");
    }
    assert!(!key_file.exists());
    fs::rename(folder.path().join("lost"), &key_file).unwrap();
    assert!(load(folder.path()).unwrap().is_some());
}

#[test]
fn key_is_a_value_or_a_file_with_comments() {
    let folder = TempDir::new().unwrap();
    let (identity, recipient) = keygen();
    assert!(recipient.starts_with("age1") && identity.expose().starts_with("AGE-SECRET-KEY-1"));
    let file = folder.path().join("given.key");
    fs::write(&file, format!("# created: today\n\n# {recipient}\n{}\n", identity.expose()))
        .unwrap();
    let link = folder.path().join("link.key");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let at = |source| FileStore::open(folder.path().join("store"), source);
    let saved = grant(&key("profile", "default"), 1, 10);
    block_on(at(KeySource::Identity(identity)).save(&saved)).unwrap();
    for path in [file, link] {
        let store = at(KeySource::File(path));
        assert_eq!(block_on(store.load(&saved.key)).unwrap().as_ref(), Some(&saved));
    }
    for source in [
        KeySource::File(folder.path().join("none")),
        KeySource::File("/dev/null".into()),
        KeySource::Identity(Secret::new("CANARY")),
        KeySource::Identity(Secret::new("")),
    ] {
        is_damage(&block_on(at(source).load(&saved.key)).unwrap_err());
    }
}

#[test]
fn newer_schema_is_refused_and_not_rewritten() {
    let folder = TempDir::new().unwrap();
    let store = file_store(folder.path());
    let mut newer = grant(&key("profile", "default"), 1, 10);
    newer.version += 1;
    block_on(store.save(&newer)).unwrap();
    let before = fs::read(record(folder.path())).unwrap();
    for error in [load(folder.path()).unwrap_err(), save(folder.path(), 2).unwrap_err()] {
        is_damage(&error);
        assert!(error.message().contains("version 2"), "{error}");
    }
    assert_eq!(fs::read(record(folder.path())).unwrap(), before);
}

#[test]
fn age_program_opens_a_record() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 7).unwrap();
    let output = Command::new("age")
        .args(["--decrypt", "--identity"])
        .arg(folder.path().join("config/store.key"))
        .arg(record(folder.path()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["generation"], 7);
    assert_eq!(json["tokens"]["refresh_token"], "CANARY-refresh \"quoted\" \\ ü");
    assert_eq!(json["mac"].as_str().map(str::len), Some(43));
}

#[test]
fn prepare_reserves_room_until_the_store_is_dropped() {
    let folder = TempDir::new().unwrap();
    let directory = folder.path().join("store");
    let key = key("profile", "default");
    let store = file_store(folder.path());
    block_on(store.prepare(&key, 200_000)).unwrap();
    let [reserved] = &names(&directory)[..] else { panic!("{:?}", names(&directory)) };
    assert!(fs::metadata(directory.join(reserved)).unwrap().len() >= 200_000);
    block_on(store.prepare(&key, 10)).unwrap();
    assert_eq!(&names(&directory)[0], reserved, "what is there is enough");

    // Another process of this account neither takes that room nor is stopped by it.
    save(folder.path(), 1).unwrap();
    assert!(directory.join(reserved).exists());
    block_on(store.save(&grant(&key, 2, 10))).unwrap();
    assert_eq!(names(&directory), [format!("{}.age", key.slug())]);

    block_on(store.prepare(&key, 10)).unwrap();
    drop(store);
    assert_eq!(names(&directory).len(), 1, "room that was not used is given back");
}

#[test]
fn room_is_given_back_while_the_store_lives() {
    let folder = TempDir::new().unwrap();
    let (store, key) = (file_store(folder.path()), key("profile", "default"));
    block_on(store.prepare(&key, 200_000)).unwrap();
    assert_eq!(names(&folder.path().join("store")).len(), 1);
    store.release(&key);
    assert!(names(&folder.path().join("store")).is_empty());
    store.release(&key);
}

#[test]
fn leftover_of_a_dead_writer_is_adopted_or_removed() {
    let folder = TempDir::new().unwrap();
    let (directory, key) = (folder.path().join("store"), key("profile", "default"));
    save(folder.path(), 1).unwrap();
    let leave = |number: &str| {
        let path = directory.join(format!(".{}.age.{number}.tmp", key.slug()));
        fs::write(&path, "longer than any record is, ".repeat(1000)).unwrap();
    };
    ["0", "3"].into_iter().for_each(leave);
    save(folder.path(), 2).unwrap();
    assert_eq!(names(&directory), [format!("{}.age", key.slug())]);
    assert_eq!(load(folder.path()).unwrap().unwrap().generation, 2);

    // A crowd of writers uses further names, which only a removal looks for.
    ["0", "0123456789abcdef"].into_iter().for_each(leave);
    block_on(file_store(folder.path()).remove(&key)).unwrap();
    assert!(names(&directory).is_empty(), "{:?}", names(&directory));
}

#[test]
fn obstacle_at_a_temporary_file_is_not_written() {
    let folder = TempDir::new().unwrap();
    let (directory, key) = (folder.path().join("store"), key("profile", "default"));
    save(folder.path(), 1).unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    let name = |number: u32| directory.join(format!(".{}.age.{number}.tmp", key.slug()));
    std::os::unix::fs::symlink(&victim, name(0)).unwrap();
    fs::hard_link(&victim, name(1)).unwrap();
    make_pipe(&name(2));
    fs::create_dir(name(3)).unwrap();
    save(folder.path(), 2).unwrap();
    assert_eq!(load(folder.path()).unwrap().unwrap().generation, 2);
    assert_eq!(fs::read(&victim).unwrap(), b"untouched");
}

#[test]
fn writers_of_a_crowd_do_not_share_a_temporary_file() {
    let folder = TempDir::new().unwrap();
    let key = key("profile", "default");
    let stores: Vec<_> = (0..12).map(|_| file_store(folder.path())).collect();
    for store in &stores {
        block_on(store.prepare(&key, 1000)).unwrap();
    }
    for (generation, store) in (1..).zip(&stores) {
        block_on(store.save(&grant(&key, generation, 5000))).unwrap();
        assert_eq!(load(folder.path()).unwrap(), Some(grant(&key, generation, 5000)));
    }
    assert_eq!(names(&folder.path().join("store")), [format!("{}.age", key.slug())]);
}

#[test]
fn reserved_file_that_vanished_is_made_again() {
    let folder = TempDir::new().unwrap();
    let store = file_store(folder.path());
    let saved = grant(&key("profile", "default"), 1, 10);
    block_on(store.prepare(&saved.key, 10)).unwrap();
    for name in names(&folder.path().join("store")) {
        fs::remove_file(folder.path().join("store").join(name)).unwrap();
    }
    block_on(store.save(&saved)).unwrap();
    assert_eq!(load(folder.path()).unwrap(), Some(saved));
}

#[test]
fn file_system_without_room_loses_nothing() {
    // A limit on the size of files simulates a full disk: it needs no privileges.
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let before = fs::read(record(folder.path())).unwrap();
    let wrapper = ["sh", "-c", "trap '' XFSZ; ulimit -f 8; exec \"$@\"", "sh"];
    let mut command = crate::scene::Helper::command(&wrapper, "replace", folder.path());
    let output = command.stderr(std::process::Stdio::piped()).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("reserve"), "{said}");
    assert_eq!(fs::read(record(folder.path())).unwrap(), before);
    assert_eq!(names(&folder.path().join("store")).len(), 1);
}

#[test]
fn copied_item_is_refused_in_another_place() {
    let folder = TempDir::new().unwrap();
    let store = file_store(folder.path());
    block_on(store.set("one", &Secret::new("first"))).unwrap();
    block_on(store.set("two", &Secret::new("second"))).unwrap();
    let directory = folder.path().join("store");
    let [one, two] = &names(&directory)[..] else { panic!("{:?}", names(&directory)) };
    fs::copy(directory.join(one), directory.join(two)).unwrap();
    let results = ["one", "two"].map(|name| block_on(store.get(name)));
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    fs::copy(directory.join(one), record(folder.path())).unwrap();
    is_damage(&load(folder.path()).unwrap_err());
}
