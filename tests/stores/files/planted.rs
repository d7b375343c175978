//! What another program may have put where our files belong.

use std::os::unix::fs::symlink;

use super::*;
use crate::support::{make_pipe, mode, set_mode};

fn refuses(folder: &Path, what: &str) {
    let key = key("profile", "default");
    let store = file_store(folder);
    for error in [
        block_on(store.load(&key)).unwrap_err(),
        block_on(store.prepare(&key, 10)).unwrap_err(),
        block_on(store.save(&grant(&key, 1, 10))).unwrap_err(),
    ] {
        is_damage(&error);
        assert!(error.message().contains(what), "{error}");
    }
}

#[test]
fn record_that_is_no_plain_file_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let (path, victim) = (record(folder.path()), folder.path().join("victim"));
    fs::rename(&path, &victim).unwrap();
    let before = fs::read(&victim).unwrap();

    symlink(&victim, &path).unwrap();
    refuses(folder.path(), "symbolic link");
    fs::remove_file(&path).unwrap();
    fs::hard_link(&victim, &path).unwrap();
    refuses(folder.path(), "hard link");
    fs::remove_file(&path).unwrap();
    make_pipe(&path);
    refuses(folder.path(), "pipe");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refuses(folder.path(), "directory");
    assert_eq!(fs::read(&victim).unwrap(), before);
}

#[test]
fn link_in_place_of_the_directory_or_the_key() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let (store, elsewhere) = (folder.path().join("store"), folder.path().join("elsewhere"));
    fs::rename(&store, &elsewhere).unwrap();
    symlink(&elsewhere, &store).unwrap();
    refuses(folder.path(), "symbolic link");
    fs::remove_file(&store).unwrap();
    fs::write(&store, "").unwrap();
    refuses(folder.path(), "not a directory");
    fs::remove_file(&store).unwrap();
    fs::rename(&elsewhere, &store).unwrap();

    let key_file = folder.path().join("config/store.key");
    fs::rename(&key_file, folder.path().join("moved.key")).unwrap();
    symlink(folder.path().join("moved.key"), &key_file).unwrap();
    refuses(folder.path(), "symbolic link");
}

#[test]
fn record_of_another_user_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    if std::os::unix::fs::chown(record(folder.path()), Some(65534), None).is_err() {
        println!("NOT RUN: only root can give files away");
        return;
    }
    refuses(folder.path(), "owned by another user");
}

#[test]
fn shared_directory_is_refused_and_not_repaired() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    set_mode(&store, 0o1777);
    refuses(folder.path(), "a shared directory");
    assert_eq!(mode(&store), 0o1777);
}

#[test]
fn loose_files_are_repaired_with_a_warning() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let directory = folder.path().join("store");
    set_mode(&directory, 0o755);
    set_mode(&record(folder.path()), 0o644);
    let store = file_store(folder.path());
    assert!(block_on(store.load(&key("profile", "default"))).unwrap().is_some());
    let warnings = store.warnings().take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("0644"), "{warnings:?}");
    assert_eq!(mode(&directory), 0o755, "the user's own");
    assert_eq!(mode(&record(folder.path())), 0o600);
}

#[test]
fn directory_that_others_can_write_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let directory = folder.path().join("store");
    for loose in [0o777, 0o702] {
        set_mode(&directory, loose);
        refuses(folder.path(), "is writable by all users");
        assert_eq!(mode(&directory), loose);
    }
}

#[test]
fn key_that_others_can_write_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let key = folder.path().join("config/store.key");
    let before = fs::read(&key).unwrap();
    let refuse = |path: &Path, loose: u32| {
        let was = fs::metadata(path).unwrap().permissions();
        set_mode(path, loose);
        for error in [load(folder.path()).unwrap_err(), save(folder.path(), 2).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.advice_text().unwrap().contains("chmod go-w"), "{error:?}");
        }
        assert_eq!(mode(path), loose);
        fs::set_permissions(path, was).unwrap();
    };
    refuse(&key, 0o666);
    refuse(&folder.path().join("config"), 0o777);
    assert_eq!(fs::read(&key).unwrap(), before);
    assert!(load(folder.path()).unwrap().is_some());
}
