//! What most tests begin with: a server, a home, and somebody who has logged in.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::port::Clock as _;
use serde_json::{Value, json};

pub use crate::support::Scene;
use crate::support::{Home, OidcProvider, Output, Running, Scripted, Served, Servers, await_some};

/// Every scope that the profiles here ask for: with an id_token, and with a refresh token.
const SCOPES: &str = "scopes = [\"openid\", \"offline_access\", \"api\"]";

/// The scope of most profiles here.
const API: &str = "scopes = [\"api\"]";

/// A home on the strict server, logged in with a token that is already too close to its expiry; the next
/// one is valid for an hour.
pub fn strict() -> (OidcProvider, Home) {
    let server = Servers::oidc_provider();
    let mut home = Home::new();
    // Without this, oidc-provider issues no refresh token for `offline_access`.
    home.profile("p", &server.issuer, "cli", &format!("{SCOPES}\n{CONSENT}"));
    home.login("p");
    age_to(&home, 30);
    (server, home)
}

const CONSENT: &str = "authorization_params = { prompt = \"consent\" }";

impl Scene {
    /// Nobody has logged in yet.
    pub fn new(scenario: &str) -> Self {
        Self::of(scenario, API)
    }

    /// Logged in with a token that has so many seconds left; the next one has an hour.
    pub fn logged_in(scenario: &str, left: u64) -> Self {
        Self::new(scenario).log_in(left)
    }
}

impl Scene<Scripted> {
    /// At a server whose responses the test writes. Nobody has logged in yet.
    pub fn scripted() -> Self {
        Self::scripted_as("")
    }

    /// The same with a scenario of the sandbox.
    pub fn scripted_as(scenario: &str) -> Self {
        Self::at(Scripted::start(), scenario, API)
    }
}

impl<S: Served> Scene<S> {
    /// Logs in, and gets a token that has so many seconds left; the next one has an hour.
    pub fn log_in(mut self, left: u64) -> Self {
        self.home.login("p");
        if left != 3600 {
            self.age_to(left);
        }
        self
    }

    /// Makes the stored access token one that has so many seconds left.
    #[track_caller]
    pub fn age_to(&self, left: u64) {
        age_to(&self.home, left);
    }

    /// The only record in the file store.
    #[track_caller]
    pub fn record(&self) -> PathBuf {
        record(&self.home)
    }

    /// Everything that is stored, decrypted.
    #[track_caller]
    pub fn stored(&self) -> Value {
        stored(&self.home)
    }

    /// Makes the stored access token one that has expired.
    #[track_caller]
    pub fn expire(&self) {
        rewrite(&self.home, |record| record["tokens"]["expires_at"] = json!(1_000_000_000));
    }

    /// A command runs, as it would with the server at its best, and gets the newest token.
    #[track_caller]
    pub fn works(&self) {
        assert_eq!(self.home.run(["token", "-p", "p"]).ok().line(), self.newest("access_token"));
    }

    /// Forgets what was discovered, so that the next command asks again.
    pub fn forget_metadata(&self) {
        let _ = fs::remove_dir_all(self.home.state_dir().join("discovery"));
    }
}

/// The only record in a home's file store.
#[track_caller]
pub fn record(home: &Home) -> PathBuf {
    let records = files_like(home, ".age");
    assert_eq!(records.len(), 1, "{records:?}");
    records.into_iter().next().unwrap()
}

/// A home's files whose names end so.
pub fn files_like(home: &Home, suffix: &str) -> Vec<PathBuf> {
    let is_like = |path: &PathBuf| path.to_str().is_some_and(|path| path.ends_with(suffix));
    home.files().into_iter().filter(is_like).collect()
}

/// The record of a home as the `age` program reads it.
#[track_caller]
pub fn stored(home: &Home) -> Value {
    let key = home.path("config/oauthctl/store.key");
    let age = std::process::Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(key)
        .arg(record(home))
        .output()
        .unwrap();
    assert!(age.status.success(), "{}", String::from_utf8_lossy(&age.stderr));
    let mut record: Value = serde_json::from_slice(&age.stdout).unwrap();
    record.as_object_mut().unwrap().remove("mac").expect("the tag that authenticates a record");
    record
}

/// Makes the stored access token of a home one that has so many seconds left.
#[track_caller]
pub fn age_to(home: &Home, left: u64) {
    let now = SystemClock.now().unix();
    rewrite(home, |record| record["tokens"]["expires_at"] = json!(now + left));
}

/// Changes the record of a home, with its key.
#[track_caller]
pub fn rewrite(home: &Home, change: impl FnOnce(&mut Value)) {
    use oauthctl_core::store::{FileStore, KeySource, file::Claimed};
    forge(home, change);
    let key = KeySource::File(home.path("config/oauthctl/store.key"));
    let store = FileStore::open(record(home).parent().unwrap(), key);
    let [claimed @ Claimed::Grant(_)] = &store.unauthenticated().unwrap()[..] else { panic!() };
    assert!(store.accept(claimed).unwrap());
}

/// Changes the record of a home with only the public key: it is not authenticated.
#[track_caller]
pub fn forge(home: &Home, change: impl FnOnce(&mut Value)) {
    let mut value = stored(home);
    change(&mut value);
    let plain = home.path("tmp/plain.json");
    home.write(&plain, &value.to_string());
    let key = home.path("config/oauthctl/store.key");
    let mut age = std::process::Command::new("age");
    age.arg("-e").arg("-i").arg(key).arg("-o").arg(record(home)).arg(&plain);
    let output = age.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::remove_file(plain).unwrap();
}

/// Waits until the process waits for its turn: it sleeps in its event loop, and has sent nothing.
pub fn await_turn(running: &mut Running) {
    let pid = running.pid();
    await_some("a process that waits for its turn", || {
        assert!(running.ended().is_none(), "it ended: {}", running.stderr_so_far());
        let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let mut links = fds.filter_map(|fd| fs::read_link(fd.ok()?.path()).ok());
        links.find(|link| link.to_str() == Some("anon_inode:[eventpoll]"))?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit(") ").next()?.starts_with('S').then_some(())
    });
}

/// All of them succeeded with one and the same token.
#[track_caller]
pub fn same_token(outputs: Vec<Output>) -> String {
    let tokens: BTreeSet<String> =
        outputs.into_iter().map(|output| output.ok().line().to_owned()).collect();
    assert_eq!(tokens.len(), 1, "one token for all");
    tokens.into_iter().next().unwrap()
}
