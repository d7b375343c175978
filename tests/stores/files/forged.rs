//! What somebody can make who knows the public key, but not the identity.

use age::x25519::Identity;
use oauthctl_core::clock::SystemClock;
use oauthctl_core::store::file::Claimed;
use oauthctl_core::store::{MemoryCoordinator, accept_unauthenticated};

use super::*;

fn identity(folder: &Path) -> Identity {
    let text = fs::read_to_string(folder.join("config/store.key")).unwrap();
    text.lines().last().unwrap().parse().unwrap()
}

/// What is in a record's file, the tag included.
fn opened(folder: &Path) -> serde_json::Value {
    let bytes = age::decrypt(&identity(folder), &fs::read(record(folder)).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn forge(folder: &Path, record: &Path, json: &serde_json::Value) {
    let recipient = identity(folder).to_public();
    fs::write(record, age::encrypt(&recipient, json.to_string().as_bytes()).unwrap()).unwrap();
}

fn without_tag(mut json: serde_json::Value) -> serde_json::Value {
    json.as_object_mut().unwrap().shift_remove("mac").expect("a tag");
    json
}

fn item_file(folder: &Path) -> PathBuf {
    let names = names(&folder.join("store"));
    folder.join("store").join(names.iter().find(|name| name.starts_with("item-")).unwrap())
}

#[test]
fn record_made_with_the_public_key_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let genuine = opened(folder.path());
    let mut changed = genuine.clone();
    changed["tokens"]["access_token"] = "attacker's".into();
    let mut empty = genuine.clone();
    empty["mac"] = "".into();
    let other = FileStore::open(folder.path().join("other"), KeySource::Identity(keygen().0));
    block_on(other.save(&grant(&key("profile", "default"), 9, 10))).unwrap();
    for json in [without_tag(genuine), changed, empty] {
        forge(folder.path(), &record(folder.path()), &json);
        let before = fs::read(record(folder.path())).unwrap();
        for error in [load(folder.path()).unwrap_err(), save(folder.path(), 2).unwrap_err()] {
            is_damage(&error);
            assert!(error.message().contains("not authenticated"), "{error}");
            assert!(matches!(error.advice(), [Advice::AcceptRecord { .. }]), "{error:?}");
        }
        assert_eq!(fs::read(record(folder.path())).unwrap(), before);
    }
    let store = file_store(folder.path());
    assert!(block_on(store.set_aside(&key("profile", "default"))).unwrap().is_some());
    save(folder.path(), 3).unwrap();
}

#[test]
fn record_authenticated_with_another_key_is_refused() {
    let folder = TempDir::new().unwrap();
    save(folder.path(), 1).unwrap();
    let elsewhere = TempDir::new().unwrap();
    save(elsewhere.path(), 1).unwrap();
    forge(folder.path(), &record(folder.path()), &opened(elsewhere.path()));
    assert!(load(folder.path()).unwrap_err().message().contains("not authenticated"));
}

#[test]
fn forged_secret_is_refused_and_not_replaced() {
    let folder = TempDir::new().unwrap();
    let store = file_store(folder.path());
    block_on(store.set("name", &Secret::new("genuine"))).unwrap();
    let json = serde_json::json!({ "version": 1, "name": "name", "value": "attacker's" });
    forge(folder.path(), &item_file(folder.path()), &json);
    for error in [
        block_on(store.get("name")).unwrap_err(),
        block_on(store.set("name", &Secret::new("new"))).unwrap_err(),
    ] {
        is_damage(&error);
        assert!(error.message().contains("not authenticated"), "{error}");
    }
    assert!(block_on(store.unset("name")).unwrap());
}

#[test]
fn unauthenticated_records_are_accepted_if_asked() {
    let folder = TempDir::new().unwrap();
    let store = file_store(folder.path());
    save(folder.path(), 1).unwrap();
    let kept = load(folder.path()).unwrap();
    block_on(store.set("name", &Secret::new("secret"))).unwrap();
    let genuine = grant(&key("other", "default"), 1, 10);
    block_on(store.save(&genuine)).unwrap();
    let untouched = folder.path().join(format!("store/{}.age", genuine.key.slug()));
    let before = fs::read(&untouched).unwrap();
    forge(folder.path(), &record(folder.path()), &without_tag(opened(folder.path())));
    let json = serde_json::json!({ "version": 1, "name": "name", "value": "secret" });
    forge(folder.path(), &item_file(folder.path()), &json);
    fs::write(folder.path().join("store/other.age"), "nonsense").unwrap();
    // A copy under another name is not what it claims to be.
    fs::copy(record(folder.path()), folder.path().join("store/copy.age")).unwrap();

    let coordinator = MemoryCoordinator::new(std::sync::Arc::new(SystemClock));
    let accept = |profile| block_on(accept_unauthenticated(&store, profile, &coordinator));
    assert_eq!(accept(Some("other")).unwrap(), []);
    assert!(load(folder.path()).is_err());
    let all = [Claimed::Item("name".into()), Claimed::Grant(key("profile", "default"))];
    assert_eq!(accept(None).unwrap(), all);
    assert_eq!(load(folder.path()).unwrap(), kept);
    assert_eq!(block_on(store.get("name")).unwrap(), Some(Secret::new("secret")));
    assert_eq!(fs::read(&untouched).unwrap(), before);
    assert_eq!(accept(None).unwrap(), []);
}
