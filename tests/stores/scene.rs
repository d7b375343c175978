//! What the tests share: grants, a clock, and helper processes.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::files::Dir;
use oauthctl_core::grant::{GRANT_VERSION, Pin};
use oauthctl_core::port::{Coordinator, GrantStore};
use oauthctl_core::store::{FileStore, KeySource, StateDir};
use oauthctl_core::{Grant, GrantKey, Identity, Secret, Timestamp, TokenSet};

/// A bound for things that must end: far above what they take.
pub const AGES: Duration = Duration::from_secs(60);
const JOB: &str = "OAUTHCTL_TEST_JOB";
const FOLDER: &str = "OAUTHCTL_TEST_FOLDER";

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub fn key(profile: &str, account: &str) -> GrantKey {
    GrantKey::new(profile, account)
}

/// A grant whose access token has this many characters.
pub fn grant(key: &GrantKey, generation: u64, size: usize) -> Grant {
    let token: String =
        format!("{}-{generation}-", key.slug()).chars().cycle().take(size).collect();
    Grant {
        version: GRANT_VERSION,
        id: "grant-id".to_owned(),
        generation,
        key: key.clone(),
        pin: Pin {
            issuer: Some("https://as.example".to_owned()),
            token_endpoint: "https://as.example/token".to_owned(),
            refresh_endpoint: None,
            revocation_endpoint: None,
            client_id: "client".to_owned(),
            client_auth: "none".to_owned(),
        },
        grant_type: "authorization_code".to_owned(),
        tokens: TokenSet {
            access_token: Secret::new(token),
            token_type: "Bearer".to_owned(),
            expires_at: Some(Timestamp::from_unix(2_000_000_000)),
            lifetime: Some(3_600),
            refresh_token: Some(Secret::new("CANARY-refresh \"quoted\" \\ ü")),
            refresh_expires_at: None,
            id_token: None,
            scopes: vec!["read".to_owned(), "write".to_owned()],
            withheld: false,
        },
        identity: Identity { email: Some("ada@example.org".to_owned()), ..Identity::default() },
        id_token_claims: None,
        kept: BTreeMap::from([("instance_url".to_owned(), "https://x.example".into())]),
        user: None,
        attributes: BTreeMap::new(),
        dpop_key: Some(Secret::new("CANARY-dpop")),
        narrowed: BTreeMap::new(),
        rotates: None,
        obtained_at: Timestamp::from_unix(1_700_000_000),
        refreshed_at: Timestamp::from_unix(1_700_000_100),
        dead: None,
    }
}

/// The file store below this folder, its key beside it.
pub fn file_store(folder: &Path) -> FileStore {
    FileStore::open(folder.join("store"), KeySource::Generated(folder.join("config/store.key")))
}

pub fn state_dir(folder: &Path) -> StateDir {
    StateDir::open(folder.join("state"), Arc::new(SystemClock))
}

/// The names of the files in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Another process of this program, doing one job.
pub struct Helper {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Helper {
    /// The command for a job on a folder. It can be put below another program.
    pub fn command(wrapper: &[&str], job: &str, folder: &Path) -> Command {
        let program = std::env::current_exe().unwrap();
        let mut command = match wrapper {
            [] => Command::new(program),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.args([
            "--exact",
            "helper_process_runs_its_part",
            "--nocapture",
            "--test-threads=1",
        ]);
        command.env(JOB, job).env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        command
    }

    pub fn start(job: &str, folder: &Path) -> Self {
        let mut child = Self::command(&[], job, folder).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// Reads its output until this line.
    pub fn until(&mut self, wanted: &str) {
        let mut line = String::new();
        while !line.contains(wanted) {
            line.clear();
            assert_ne!(self.out.read_line(&mut line).unwrap(), 0, "ended before `{wanted}`");
        }
    }

    pub fn go_on(&mut self) {
        writeln!(self.child.stdin.as_mut().unwrap(), "go").unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn done(mut self) -> ExitStatus {
        drop(self.child.stdin.take());
        std::io::copy(&mut self.out, &mut std::io::sink()).unwrap();
        self.child.wait().unwrap()
    }
}

fn told_to_go_on() {
    println!("held");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

/// The jobs of [`Helper`].
pub fn run_helper() {
    let (Some(job), Some(folder)) = (std::env::var_os(JOB), std::env::var_os(FOLDER)) else {
        return;
    };
    let folder = Path::new(&folder);
    let key = key("profile", "default");
    let (store, state) = (file_store(folder), state_dir(folder));
    block_on(async {
        match job.to_str().unwrap() {
            "hold" => {
                let _lock = state.lock(&key, Duration::ZERO).await.unwrap();
                told_to_go_on();
            }
            "count" => {
                for _ in 0..5 {
                    let _lock = state.lock(&key, AGES).await.unwrap();
                    let generation = store.load(&key).await.unwrap().map_or(0, |g| g.generation);
                    store.save(&grant(&key, generation + 1, 100)).await.unwrap();
                }
            }
            "replace" => {
                store.prepare(&key, 1000).await.unwrap();
                store.save(&grant(&key, 2, 5000)).await.unwrap();
            }
            "everything" => {
                let mut lock = state.lock(&key, Duration::ZERO).await.unwrap();
                // What a program keeps beside its grants.
                let own = Dir::create(&state.place("own").unwrap(), &state.warnings()).unwrap();
                let _own_lock = own.try_lock("own.lock").unwrap().unwrap();
                own.replace_lazily("own.json", b"{}").unwrap();
                lock.set_intent(&super::state::intent(1)).await.unwrap();
                let grant = grant(&key, 1, 100);
                lock.publish(&oauthctl_core::AccountEntry::of(&grant, "file")).await.unwrap();
                store.prepare(&key, 1000).await.unwrap();
                told_to_go_on();
                store.save(&grant).await.unwrap();
                oauthctl_core::port::SecretItems::set(&store, "name", &Secret::new("x"))
                    .await
                    .unwrap();
            }
            other => panic!("no job `{other}`"),
        }
    });
}
