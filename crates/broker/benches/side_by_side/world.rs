//! The machine, and a broker with connections.

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use oauthctl_broker::flow::Place;
use oauthctl_broker::keys::MasterKey;
use oauthctl_broker::storage::{Location, Space, Usage, open};
use oauthctl_broker::vault::{Terms, Vault};
use oauthctl_core::{Grant, Secret, Timestamp};
use serde_json::Value;

use crate::authority::Authority;
use crate::support::{Broker, Home};

pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

pub fn describe() {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("machine   {}, {cores} cores", model.map_or("unknown", |(_, model)| model));
    println!("kernel    {}", read("/proc/sys/kernel/osrelease").trim());
    println!("load      {}", read("/proc/loadavg").trim());
}

/// Memory of a process and its children, in MiB.
pub fn memory(process: u32) -> f64 {
    let all = Command::new("ps").args(["-eo", "pid=,ppid=,rss="]).output().unwrap().stdout;
    let rows: Vec<[u64; 3]> = String::from_utf8(all)
        .unwrap()
        .lines()
        .filter_map(|line| {
            let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap());
            Some([numbers.next()?, numbers.next()?, numbers.next()?])
        })
        .collect();
    let own = |row: &&[u64; 3]| row[0] == u64::from(process) || row[1] == u64::from(process);
    rows.iter().filter(own).map(|row| row[2]).sum::<u64>() as f64 / 1024.0
}

/// A home with a tenant, on this store or on its own SQLite file.
pub struct World {
    pub home: Home,
    pub store: Option<String>,
    pub key: String,
    pub authority: Authority,
}

impl World {
    /// Creates a tenant, a provider, and the connection `u-1`.
    pub async fn new(store: Option<String>) -> Self {
        let (home, authority) = (Home::new(), Authority::start().await);
        let mut world = Self { home, store, key: String::new(), authority };
        let mut create = world.home.command(&["--json", "tenant", "create", "acme"]);
        let created = world.on_store(&mut create).output().unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
        let created: Value = serde_json::from_slice(&created.stdout).unwrap();
        created["api_key"].as_str().unwrap().clone_into(&mut world.key);
        let broker = world.serve();
        let api = broker.api(&world.key);
        api.put("/v1/providers/p", &world.authority.provider()).await.json(201);
        api.connect("p", "u-1").await;
        world
    }

    fn on_store<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        if let Some(store) = &self.store {
            self.home.set_store(store);
        }
        command.env("OAUTHCTL_MASTER_KEY", MASTER_KEY)
    }

    pub fn serve(&self) -> Broker {
        let mut command = self.home.command(&["serve", "--listen", "127.0.0.1:0"]);
        Broker::start(self.on_store(&mut command))
    }

    pub fn url(&self, broker: &Broker, user: &str) -> String {
        format!("{}/v1/connections/p/{user}/token", broker.url)
    }

    /// Adds connections `c-FROM` to `c-TO` like `u-1`, which expire within `ends` seconds from now.
    pub async fn fill(&self, numbers: std::ops::Range<usize>, ends: std::ops::Range<u64>) {
        let location = match &self.store {
            None => Location::Sqlite(self.home.path().join("state/broker.db")),
            Some(url) if url.starts_with("redis") => Location::Redis(Secret::new(url.as_str())),
            Some(url) => Location::Postgres(Secret::new(url.as_str())),
        };
        let storage = open(&location, Usage::Administer).await.unwrap();
        let master = MasterKey::parse(MASTER_KEY, "the key").unwrap();
        let vault = Arc::new(Vault::open(storage, master).await.unwrap());
        let one = Place::new("acme", "p", "u-1");
        let grant: Grant = vault.get(&one.grant(&vault)).await.unwrap().unwrap().document;
        let now = Timestamp::now();
        for chunk in numbers.clone().collect::<Vec<_>>().chunks(256) {
            let tasks: Vec<_> = chunk
                .iter()
                .map(|number| {
                    let (vault, mut grant) = (Arc::clone(&vault), grant.clone());
                    let place = Place::new("acme", "p", format!("c-{number}"));
                    let share = (number - numbers.start) as u64 * (ends.end - ends.start)
                        / numbers.len() as u64;
                    let life = ends.start + share;
                    grant.key = place.grant_key();
                    grant.id = format!("g_bench_{number}");
                    grant.tokens.expires_at = Some(now.plus(Duration::from_secs(life)));
                    grant.tokens.refresh_token = Some(Secret::new(format!("rt-{}-1", number + 1)));
                    let due_at = Some(now.plus(Duration::from_secs(life)).unix() - life / 5);
                    tokio::spawn(async move {
                        let record = place.grant(&vault);
                        assert_eq!(record.space, Space::Grants);
                        let terms = Terms { due_at, ..Terms::default() };
                        vault.put(record, &grant, terms).await.unwrap();
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        }
    }
}

/// Runs a measurement.
pub fn run(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work);
}
