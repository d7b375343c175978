//! Instances of the broker that fail on purpose.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::severed::{After, Marker, Severed};
use crate::authority::Authority;
use crate::connect::BACK;
use crate::databases::Own;
use crate::faketime::shift_clock;
use crate::support::{Answer, Api, Broker, Home};

/// More than any token lives: whatever is stored is refreshed.
pub const NEW: &str = "?min_ttl=24h";

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Instances on one store, a provider, and the API key of a tenant. Links lead to the first instance.
pub struct Fleet {
    homes: Vec<Home>,
    brokers: Vec<Option<Broker>>,
    public_url: String,
    pub store: Own,
    pub authority: Authority,
    key: String,
    master_key: String,
    /// How far away the clocks of instances are that start from now on.
    pub clock: Option<&'static str>,
    /// Through which port instances reach the store that start from now on.
    pub through: Option<SocketAddr>,
}

impl Fleet {
    pub async fn start(kind: &str, instances: usize) -> Self {
        let store = Own::start(kind).await;
        let homes: Vec<Home> = std::iter::repeat_with(Home::new).take(instances).collect();
        homes[0].set_store(&store.url);
        let mut create = homes[0].command(&["--json", "tenant", "create", "acme"]);
        create.args(["--allow-redirect", BACK]);
        let created = create.env("OAUTHCTL_MASTER_KEY", MASTER_KEY).output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        let created: Value = serde_json::from_slice(&created.stdout).unwrap();
        let key = created["api_key"].as_str().unwrap().to_owned();
        let authority = Authority::start().await;
        let (brokers, public_url) = (Vec::new(), String::new());
        let master_key = MASTER_KEY.to_owned();
        let (clock, through) = (None, None);
        let mut fleet =
            Self { homes, brokers, public_url, store, authority, key, master_key, clock, through };
        for at in 0..instances {
            let broker = fleet.serve(at);
            if at == 0 {
                fleet.public_url.clone_from(&broker.url);
            }
            fleet.brokers.push(Some(broker));
        }
        fleet.api(0).put("/v1/providers/p", &fleet.authority.provider()).await.json(201);
        fleet
    }

    fn serve(&self, at: usize) -> Broker {
        let mut command = self.homes[at].command(&["serve", "--listen", "127.0.0.1:0"]);
        let store = match self.through {
            Some(port) => {
                self.store.url.replace(&self.store.address().to_string(), &port.to_string())
            }
            None => self.store.url.clone(),
        };
        self.homes[at].set_store(&store);
        if !self.public_url.is_empty() {
            command.args(["--public-url", &self.public_url]);
        }
        if let Some(clock) = self.clock {
            shift_clock(&mut command, clock);
        }
        Broker::start(command.env("OAUTHCTL_MASTER_KEY", &self.master_key))
    }

    /// Rotates the master key. What is started from now on has the new one.
    pub fn rotate_key(&mut self) {
        let new = "A".repeat(43);
        self.homes[0].set_store(&self.store.url);
        let mut rotate = self.homes[0].command(&["serve", "rotate-key"]);
        rotate.env("OAUTHCTL_MASTER_KEY", &self.master_key).env("OAUTHCTL_NEW_MASTER_KEY", &new);
        let rotated = rotate.output().unwrap();
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
        self.master_key = new;
    }

    pub fn broker(&self, at: usize) -> &Broker {
        self.brokers[at].as_ref().unwrap()
    }

    pub fn api(&self, at: usize) -> Api {
        self.broker(at).api(&self.key)
    }

    /// Starts a request for a new token of a user, and waits until the provider has received it.
    pub async fn begin_refresh(&self, at: usize, user: &str) -> tokio::task::JoinHandle<Answer> {
        let before = self.authority.refreshes();
        let (api, path) = (self.api(at), token_of(user, NEW));
        let request = tokio::spawn(async move { api.get(&path).await });
        self.authority.receives(before + 1).await;
        request
    }

    pub fn signal(&self, at: usize, signal: Signal) {
        self.broker(at).process.signal(signal);
    }

    pub fn kill(&mut self, at: usize) {
        drop(self.brokers[at].take());
    }

    /// Starts an instance again, on a connection to the store that breaks at such a request once that is armed.
    pub async fn reach_through(&mut self, at: usize, is_it: Marker, after: After) -> Severed {
        let severed = Severed::to(self.store.address(), is_it, after).await;
        self.through = Some(severed.address);
        self.kill(at);
        self.restart(at);
        severed
    }

    /// Waits until an instance refreshes a token of this user. Until then it says that the store fails, each time
    /// within twenty seconds.
    pub async fn recovers(&self, at: usize, user: &str) {
        let until = Instant::now() + Duration::from_secs(40);
        loop {
            let (api, path) = (self.api(at), token_of(user, NEW));
            let answer = tokio::time::timeout(Duration::from_secs(20), api.get(&path)).await;
            match answer.expect("no response at all") {
                answer if answer.status == 200 => return,
                answer => answer.problem(503),
            };
            assert!(Instant::now() < until, "{}", self.broker(at).log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until an instance has ended by itself.
    pub fn await_end(&mut self, at: usize) {
        self.brokers[at].as_mut().unwrap().process.await_end().ok();
    }

    pub fn restart(&mut self, at: usize) {
        self.brokers[at] = Some(self.serve(at));
    }

    /// Waits until an instance says that requests should be sent there.
    pub async fn is_ready(&self, at: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.api(at).get("/readyz").await.status != 200 {
            assert!(Instant::now() < until, "{}", self.broker(at).log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The files of the spool of an instance.
    pub fn spool(&self, at: usize) -> Vec<PathBuf> {
        let folder = self.homes[at].path().join("state/broker-spool");
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

pub fn token_of(user: &str, query: &str) -> String {
    format!("/v1/connections/p/{user}/token{query}")
}
