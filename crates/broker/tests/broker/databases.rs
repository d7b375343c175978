//! A PostgreSQL and a Redis server for the tests: one each for the whole run, on ports that the kernel chose, in
//! directories of their own. They end with the tests, however those end.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::free_port;

/// Starts a command that is ended when its standard input is closed, which the end of this process does.
/// A shell lets what it starts in the background ignore SIGQUIT: that is for PostgreSQL, the other signal for Redis.
const ENDS_WITH_US: &str =
    r#""$@" & child=$!; cat >/dev/null; kill -QUIT $child; kill $child; wait $child"#;

const PASSWORD: &str = "not-for-the-log";

struct Server {
    port: u16,
    _directory: TempDir,
    _child: Child,
}

fn start(command: &[&str], directory: TempDir, port: u16) -> Server {
    let log = std::fs::File::create(directory.path().join("log")).unwrap();
    let mut child = Command::new("sh")
        .args(["-c", ENDS_WITH_US, "sh"])
        .args(command)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        let has_ended = child.try_wait().unwrap().is_some();
        if has_ended || Instant::now() > until {
            let log = std::fs::read_to_string(directory.path().join("log")).unwrap_or_default();
            panic!("{command:?} did not start:\n{log}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Server { port, _directory: directory, _child: child }
}

/// Where Debian keeps the programs of PostgreSQL, which are not on the path: the newest version.
fn postgres_programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.parse::<u32>().ok())
        .max();
    match newest {
        Some(version) => format!("/usr/lib/postgresql/{version}/bin").into(),
        None => PathBuf::new(),
    }
}

/// Root may not run PostgreSQL: the user that Debian made for it does.
fn as_postgres(directory: &Path) -> Vec<String> {
    if !rustix::process::geteuid().is_root() {
        return Vec::new();
    }
    let owned = Command::new("chown").arg("postgres:").arg(directory).status().unwrap();
    assert!(owned.success());
    ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"].map(str::to_owned).to_vec()
}

/// Prepares a PostgreSQL server in this directory, and returns the command that starts it.
fn postgres_command(directory: &TempDir, port: u16, more: &[&str]) -> Vec<String> {
    let (programs, data) = (postgres_programs(), directory.path().join("data"));
    let before = as_postgres(directory.path());
    let program = |name: &str| programs.join(name).to_string_lossy().into_owned();
    let mut password = tempfile::NamedTempFile::new_in(directory.path()).unwrap();
    writeln!(password, "{PASSWORD}").unwrap();
    if !before.is_empty() {
        let owned = Command::new("chown").arg("postgres:").arg(password.path()).status().unwrap();
        assert!(owned.success());
    }
    let mut init = before.clone();
    init.extend([program("initdb"), "-D".to_owned(), data.to_string_lossy().into_owned()]);
    // Without optimization, SCRAM takes longer than the tests.
    init.extend(
        ["-U", "broker", "-A", "password", "-E", "UTF8", "--locale=C.UTF-8"].map(str::to_owned),
    );
    init.push(format!("--pwfile={}", password.path().display()));
    let made = Command::new(&init[0]).args(&init[1..]).stdout(Stdio::null()).status().unwrap();
    assert!(made.success(), "initdb failed");
    let mut serve = before;
    serve.extend([program("postgres"), "-D".to_owned(), data.to_string_lossy().into_owned()]);
    serve.extend(["-p".to_owned(), port.to_string(), "-h".to_owned(), "127.0.0.1".to_owned()]);
    // The tests open more connections than a service does.
    serve.extend(["-k", "", "-c", "max_connections=500"].map(str::to_owned));
    serve.extend(more.iter().copied().map(str::to_owned));
    serve
}

fn start_postgres() -> Server {
    let (directory, port) = (TempDir::new().unwrap(), free_port());
    // The tests end before a crash could matter to them.
    let serve = postgres_command(&directory, port, &["-c", "fsync=off"]);
    start(&serve.iter().map(String::as_str).collect::<Vec<_>>(), directory, port)
}

fn redis_command(directory: &TempDir, port: u16) -> Vec<String> {
    let (at, number) = (directory.path().to_string_lossy().into_owned(), port.to_string());
    [
        "redis-server",
        "--port",
        &number,
        "--bind",
        "127.0.0.1",
        "--dir",
        &at,
        "--requirepass",
        PASSWORD,
        "--appendonly",
        "yes",
        "--appendfsync",
        "always",
        "--save",
        "",
        "--databases",
        "1000",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn start_redis() -> Server {
    let (directory, port) = (TempDir::new().unwrap(), free_port());
    let command = redis_command(&directory, port);
    start(&command.iter().map(String::as_str).collect::<Vec<_>>(), directory, port)
}

/// A server of one test, which that test may kill.
pub struct Own {
    pub url: String,
    command: Vec<String>,
    port: u16,
    directory: TempDir,
    process: Option<Child>,
}

impl Own {
    /// Starts a server of this kind: `postgres` or `redis`.
    pub async fn start(kind: &str) -> Self {
        let (directory, port) = (TempDir::new().unwrap(), free_port());
        let (command, url) = match kind {
            "postgres" => {
                let url = format!("postgres://broker:{PASSWORD}@127.0.0.1:{port}/postgres");
                (postgres_command(&directory, port, &[]), url)
            }
            _ => {
                let url = format!("redis://:{PASSWORD}@127.0.0.1:{port}/0");
                (redis_command(&directory, port), url)
            }
        };
        let mut own = Self { url, command, port, directory, process: None };
        own.restart().await;
        own
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// Ends the server at once. What it has confirmed is on disk.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // Of PostgreSQL, that is the signal that ends all of its processes without tidying up.
        let signal = if self.is_postgres() { "-QUIT" } else { "-KILL" };
        let sent = Command::new("kill").args([signal, &process.id().to_string()]).status();
        assert!(sent.unwrap().success());
        process.wait().unwrap();
    }

    /// Starts the server again, and waits until it answers.
    pub async fn restart(&mut self) {
        let log = std::fs::File::create(self.directory.path().join("log")).unwrap();
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).stdin(Stdio::null());
        let process = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.process = Some(process);
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err()
            || !self.try_run("PING", "SELECT 1").await
        {
            assert!(Instant::now() < until, "{:?} does not answer", self.command);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs a command of Redis, or statements of PostgreSQL.
    pub async fn run(&self, redis: &str, sql: &str) {
        assert!(self.try_run(redis, sql).await, "{redis}{sql}");
    }

    async fn try_run(&self, redis: &str, sql: &str) -> bool {
        if self.is_postgres() {
            let connected = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await;
            let Ok((client, connection)) = connected else { return false };
            tokio::spawn(connection);
            for statement in sql.split(';') {
                if client.batch_execute(statement).await.is_err() {
                    return false;
                }
            }
            return true;
        }
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let Ok(mut connection) = client.get_multiplexed_async_connection().await else {
            return false;
        };
        let mut words = redis.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        command.query_async::<redis::Value>(&mut connection).await.is_ok()
    }

    /// Refuses writes, as a server does that has become a replica.
    pub async fn become_read_only(&self) {
        let on = "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()";
        self.run("REPLICAOF 127.0.0.1 1", on).await;
    }

    pub async fn become_writable(&self) {
        let off = "SET default_transaction_read_only = off; \
                   ALTER SYSTEM SET default_transaction_read_only = off; SELECT pg_reload_conf()";
        self.run("REPLICAOF NO ONE", off).await;
    }

    /// Refuses writes on the connections that are open, as a server does that has become a replica. New connections
    /// find the primary: in PostgreSQL at the same port, in Redis at the server that is returned.
    pub async fn fail_over(&self) -> Option<Self> {
        if self.is_postgres() {
            let on = "ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf(); \
                      SET default_transaction_read_only = off; \
                      ALTER ROLE broker SET default_transaction_read_only = off";
            self.run("", on).await;
            return None;
        }
        let new = Box::pin(Self::start("redis")).await;
        for (server, other) in [(&new, self), (self, &new)] {
            server.run(&format!("CONFIG SET masterauth {PASSWORD}"), "").await;
            server.run(&format!("REPLICAOF 127.0.0.1 {}", other.port), "").await;
            let until = Instant::now() + Duration::from_secs(30);
            while !server.is_synchronized().await {
                assert!(Instant::now() < until, "no replica");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            if server.port == new.port {
                new.run("REPLICAOF NO ONE", "").await;
            }
        }
        Some(new)
    }

    /// Whether this Redis has all data of its primary.
    async fn is_synchronized(&self) -> bool {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let info: String =
            redis::cmd("INFO").arg("replication").query_async(&mut connection).await.unwrap();
        info.contains("master_link_status:up")
    }

    /// Removes all locks and fencing tokens, as if they had ended.
    pub async fn flush_locks(&self) {
        if self.is_postgres() {
            return self.run("", "DELETE FROM oauthctl_locks").await;
        }
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        for pattern in ["{oauthctl}:l:*", "{oauthctl}:f:*"] {
            let keys: Vec<String> =
                redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.unwrap();
            for key in keys {
                redis::cmd("DEL").arg(key).exec_async(&mut connection).await.unwrap();
            }
        }
    }

    /// How long the one lock that is held in Redis lasts without a renewal, in milliseconds.
    pub async fn lock_life(&self) -> i64 {
        let (mut connection, keys) = self.locks().await;
        assert_eq!(keys.len(), 1, "{keys:?}");
        redis::cmd("PTTL").arg(&keys[0]).query_async(&mut connection).await.unwrap()
    }

    /// Waits until so many locks are held in Redis.
    pub async fn holds_locks(&self, count: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let (_, keys) = self.locks().await;
            if keys.len() == count {
                return;
            }
            assert!(Instant::now() < until, "{keys:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// A connection to Redis, and the keys of the locks that are held.
    async fn locks(&self) -> (redis::aio::MultiplexedConnection, Vec<String>) {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let keys = redis::cmd("KEYS").arg("{oauthctl}:l:*").query_async(&mut connection).await;
        let mut keys: Vec<String> = keys.unwrap();
        // Such a lock only counts events, and is never released.
        keys.retain(|key| !key.contains(":l:events/"));
        (connection, keys)
    }

    /// Lets nobody have an answer for this long.
    pub async fn stall(&self, time: Duration) {
        let milliseconds = time.as_millis();
        let sql = format!(
            "BEGIN; LOCK TABLE oauthctl_records, oauthctl_locks; SELECT pg_sleep({}); COMMIT",
            time.as_secs_f64()
        );
        self.run(&format!("CLIENT PAUSE {milliseconds} ALL"), &sql).await;
    }

    /// Delays writes to PostgreSQL for this long. Reads work.
    pub async fn stall_writes(&self, time: Duration) {
        let sql = format!(
            "BEGIN; LOCK TABLE oauthctl_records IN EXCLUSIVE MODE; SELECT pg_sleep({}); COMMIT",
            time.as_secs_f64()
        );
        self.run("", &sql).await;
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Returns the number of a database that no other test has.
fn next() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// Returns the URL of an empty PostgreSQL database.
pub async fn postgres() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(start_postgres);
    let base = format!("postgres://broker:{PASSWORD}@127.0.0.1:{}", server.port);
    let name = format!("test_{}", next());
    let until = Instant::now() + Duration::from_secs(60);
    let client = loop {
        match tokio_postgres::connect(&format!("{base}/postgres"), tokio_postgres::NoTls).await {
            Ok((client, connection)) => {
                tokio::spawn(connection);
                break client;
            }
            // It listens before it has started.
            Err(error) if Instant::now() > until => panic!("{error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    format!("{base}/{name}")
}

/// Returns the URL of an empty Redis database.
pub async fn redis() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let server = SERVER.get_or_init(start_redis);
    format!("redis://:{PASSWORD}@127.0.0.1:{}/{}", server.port, next())
}

/// Returns everything that a database holds.
pub async fn dump(url: &str) -> Vec<u8> {
    if url.starts_with("redis://") {
        return dump_redis(url).await;
    }
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let rows = client.query("SELECT tenant, id, value FROM oauthctl_records", &[]).await.unwrap();
    let texts =
        rows.iter().flat_map(|row| [row.get::<_, String>(0), row.get(1)].map(String::into_bytes));
    let values = rows.iter().map(|row| row.get::<_, Vec<u8>>(2));
    texts.chain(values).flatten().collect()
}

async fn dump_redis(url: &str) -> Vec<u8> {
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<Vec<u8>> =
        redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let mut all = Vec::new();
    for key in keys {
        let is_record = key.windows(3).any(|part| part == b":r:");
        all.extend(&key);
        if is_record {
            let fields: Vec<Vec<u8>> =
                redis::cmd("HGETALL").arg(&key).query_async(&mut connection).await.unwrap();
            all.extend(fields.into_iter().flatten());
        }
    }
    all
}
