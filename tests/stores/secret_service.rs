//! The real Secret Service: gnome-keyring on a session bus.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use oauthctl_core::port::GrantStore;
use oauthctl_core::store::KeyringStore;
use oauthctl_core::store::keyring::{SecretService, session_bus};
use oauthctl_core::{Advice, Error, ErrorKind};
use tempfile::TempDir;

use crate::contract::{Opened, all};
use crate::scene::{AGES, block_on, grant, key};

#[test]
fn secret_service_keeps_the_contract() {
    let address = session_bus(std::env::var_os("DBUS_SESSION_BUS_ADDRESS"), None);
    assert!(address.is_some(), "DBUS_SESSION_BUS_ADDRESS is not set");
    block_on(all(|| {
        let folder = TempDir::new().unwrap();
        let store = KeyringStore::open(address.clone(), folder.path().join("sealed")).unwrap();
        Opened::new(store, folder)
    }));
}

/// A session bus of its own, and what runs on it.
pub struct Session {
    pub folder: TempDir,
    pub address: String,
    running: Vec<Child>,
}

impl Drop for Session {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Session {
    /// A bus on which nothing is started by itself.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("bus.conf");
        let text = "<busconfig><type>session</type><listen>unix:dir=FOLDER</listen>\
            <policy context=\"default\"><allow send_destination=\"*\"/><allow own=\"*\"/>\
            <allow eavesdrop=\"false\"/></policy></busconfig>";
        std::fs::write(&config, text.replace("FOLDER", folder.path().to_str().unwrap())).unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--nofork", "--print-address", "--config-file"])
            .arg(&config)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { folder, address: address.trim().to_owned(), running: vec![bus] }
    }

    fn command(&self, program: &str) -> Command {
        let home = self.folder.path();
        let mut command = Command::new(program);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", home)
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("XDG_RUNTIME_DIR", home)
            .env_remove("DISPLAY");
        command
    }

    /// Starts a gnome-keyring, unlocked with a new collection where a password is given.
    fn keyring(&mut self, password: Option<&str>) {
        let mut command = self.command("gnome-keyring-daemon");
        command.args(["--foreground", "--components=secrets"]);
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(password.unwrap_or("").as_bytes()).unwrap();
        self.running.push(child);
        // The bus itself reports when the name is owned.
        let waited = self
            .command("timeout")
            .args(["60", "gdbus", "wait", "--session"])
            .arg("org.freedesktop.secrets")
            .status();
        assert!(waited.unwrap().success(), "gnome-keyring does not come up");
    }

    fn lock(&self) {
        let status = self
            .command("dbus-send")
            .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets"])
            .args(["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock"])
            .arg("array:objpath:/org/freedesktop/secrets/collection/login")
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success());
    }

    fn store(&self) -> KeyringStore {
        // The bus is slow only where the machine is: there is nothing to be given up here.
        let service = SecretService::new(Some(self.address.clone()), AGES);
        KeyringStore::over(Arc::new(service), None, self.folder.path().join("sealed"))
            .patience(AGES)
    }
}

pub fn told(error: &Error, what: &str) {
    assert_eq!(error.kind(), ErrorKind::Store);
    assert!(error.message().contains(what), "{error}");
    assert!(error.advice().contains(&Advice::UseFileStore), "{error}");
}

pub fn refuses_everything(store: &KeyringStore, what: &str) {
    let key = key("profile", "default");
    told(&block_on(store.load(&key)).unwrap_err(), what);
    told(&block_on(store.prepare(&key, 100)).unwrap_err(), what);
    told(&block_on(store.save(&grant(&key, 1, 10))).unwrap_err(), what);
    told(&block_on(store.remove(&key)).unwrap_err(), what);
}

#[test]
fn missing_empty_and_locked_are_told_apart() {
    let mut session = Session::new();
    refuses_everything(&session.store(), "no program on the session bus");
    session.keyring(None);
    refuses_everything(&session.store(), "no default collection");

    let mut session = Session::new();
    session.keyring(Some("password"));
    let store = session.store();
    let other = key("profile", "other");
    block_on(store.save(&grant(&other, 1, 10))).unwrap();
    session.lock();
    refuses_everything(&session.store(), "is locked");
    told(&block_on(session.store().load(&other)).unwrap_err(), "is locked");
    told(&block_on(store.load(&other)).unwrap_err(), "is locked");
}

#[test]
fn secret_tool_finds_a_record_without_public_secrets() {
    let mut session = Session::new();
    session.keyring(Some("password"));
    let saved = grant(&key("pro\u{202e}file", "work"), 1, 10);
    let sealed = session.folder.path().join("sealed");
    let store = KeyringStore::open(Some(session.address.clone()), sealed).unwrap();
    block_on(store.save(&saved)).unwrap();
    let slug = saved.key.slug();
    let lookup = |arguments: &[&str]| {
        let output = session.command("secret-tool").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let text = lookup(&["lookup", "service", "oauthctl", "username", &slug]);
    assert_eq!(serde_json::from_str::<oauthctl_core::Grant>(&text).unwrap(), saved);
    let all = lookup(&["search", "account", "work"]);
    assert!(all.contains("label = oauthctl: ") && all.contains("attribute.profile"), "{all}");
    let attributes: Vec<&str> = all.lines().filter(|line| !line.starts_with("secret")).collect();
    assert!(!attributes.join("\n").contains("CANARY"), "{attributes:?}");
}

#[test]
fn preparing_writes_the_keyring_itself() {
    let mut session = Session::new();
    session.keyring(Some("password"));
    let saved = grant(&key("profile", "default"), 1, 10);
    block_on(session.store().save(&saved)).unwrap();
    let keyrings = session.folder.path().join("data/keyrings");
    assert!(Path::new(&keyrings).join("login.keyring").exists());
    // Where the keyring cannot write its file, nothing may be spent.
    std::fs::remove_dir_all(&keyrings).unwrap();
    std::fs::write(&keyrings, "in the way").unwrap();
    assert!(block_on(session.store().prepare(&saved.key, 10)).is_err());
    assert!(block_on(session.store().prepare(&key("profile", "new"), 10)).is_err());
}
