//! A PostgreSQL and a Redis server for the tests: one each for the whole run, on ports that the kernel chose, in
//! directories of their own. They end with the tests, however those end.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Starts a command that is ended when its standard input is closed, which the end of this process does.
const ENDS_WITH_US: &str = r#""$@" & child=$!; cat >/dev/null; kill -QUIT $child; wait $child"#;

const PASSWORD: &str = "not-for-the-log";

struct Server {
    port: u16,
    _directory: TempDir,
    _child: Child,
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
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

fn start_postgres() -> Server {
    let (directory, port) = (TempDir::new().unwrap(), free_port());
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
    // The tests end before a crash could matter to them, and open more connections than a service does.
    serve.extend(["-k", "", "-c", "fsync=off", "-c", "max_connections=500"].map(str::to_owned));
    start(&serve.iter().map(String::as_str).collect::<Vec<_>>(), directory, port)
}

fn start_redis() -> Server {
    let (directory, port) = (TempDir::new().unwrap(), free_port());
    let (at, number) = (directory.path().to_string_lossy().into_owned(), port.to_string());
    let command = [
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
        "--save",
        "",
        "--databases",
        "1000",
    ];
    start(&command, directory, port)
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
