//! What another program may have put where our files belong.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::*;

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
fn links_pipes_and_directories_in_place_of_a_record() {
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
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    refuses(folder.path(), "pipe");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refuses(folder.path(), "directory");
    assert_eq!(fs::read(&victim).unwrap(), before);
}

#[test]
fn a_link_in_place_of_the_directory_or_the_key() {
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
fn a_file_of_another_user() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    if std::os::unix::fs::chown(record(folder.path()), Some(65534), None).is_err() {
        println!("NOT RUN: only root can give files away");
        return;
    }
    refuses(folder.path(), "owned by another user");
}

#[test]
fn a_shared_directory_is_refused_and_not_repaired() {
    let folder = TempDir::new().unwrap();
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o1777)).unwrap();
    refuses(folder.path(), "a shared directory");
    assert_eq!(fs::metadata(&store).unwrap().mode() & 0o7777, 0o1777);
}

#[test]
fn loose_files_are_repaired_with_a_warning() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let directory = folder.path().join("store");
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(record(folder.path()), fs::Permissions::from_mode(0o644)).unwrap();
    let store = file_store(folder.path());
    assert!(block_on(store.load(&key("profile", "default"))).unwrap().is_some());
    let warnings = store.warnings().take();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("0644"), "{warnings:?}");
    assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o755, "the user's own");
    assert_eq!(fs::metadata(record(folder.path())).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_directory_that_others_can_write_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let directory = folder.path().join("store");
    for mode in [0o777, 0o702] {
        fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
        refuses(folder.path(), "is writable by all users");
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, mode);
    }
}

#[test]
fn a_key_that_others_can_write_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let key = folder.path().join("config/store.key");
    let before = fs::read(&key).unwrap();
    let refuse = |path: &Path, mode: u32| {
        let was = fs::metadata(path).unwrap().permissions();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        for error in [load(folder.path()).unwrap_err(), save(folder.path(), 2).unwrap_err()] {
            assert_eq!(error.kind(), ErrorKind::Config, "{error}");
            assert!(error.advice_text().unwrap().contains("chmod go-w"), "{error:?}");
        }
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, mode);
        fs::set_permissions(path, was).unwrap();
    };
    refuse(&key, 0o666);
    refuse(&folder.path().join("config"), 0o777);
    assert_eq!(fs::read(&key).unwrap(), before);
    assert!(load(folder.path()).unwrap().is_some());
}
