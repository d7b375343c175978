//! What the broker is measured against.

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::free_port;

/// A server that ends with this value.
pub struct Other {
    pub url: String,
    process: Child,
    _directory: TempDir,
}

impl Other {
    fn start(command: &mut Command, port: u16, directory: TempDir) -> Self {
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let process = command.spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let log = directory.path().join("log");
            assert!(Instant::now() < until, "{}", std::fs::read_to_string(log).unwrap());
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { url: format!("http://127.0.0.1:{port}"), process, _directory: directory }
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        // nginx ends its workers itself.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

/// nginx with this body for every path.
pub fn nginx(body: &str) -> Other {
    let (directory, port) = (TempDir::new().unwrap(), free_port());
    let at = directory.path().display();
    let file = directory.path().join("nginx.conf");
    let text = format!(
        "daemon off; pid {at}/pid; error_log {at}/error; worker_processes auto;
         events {{ worker_connections 512; }}
         http {{
             access_log off; keepalive_requests 1000000000; default_type application/json;
             client_body_temp_path {at}/1; proxy_temp_path {at}/2; fastcgi_temp_path {at}/3;
             uwsgi_temp_path {at}/4; scgi_temp_path {at}/5;
             server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{body}'; }} }}
         }}"
    );
    std::fs::write(&file, text).unwrap();
    let program = if Path::new("/usr/sbin/nginx").exists() { "/usr/sbin/nginx" } else { "nginx" };
    let mut command = Command::new(program);
    command.arg("-c").arg(&file).arg("-p").arg(directory.path());
    Other::start(&mut command, port, directory)
}

/// The FastAPI service, with one token and one key in this Redis.
pub fn service(redis: &str, key: &str, body: &str) -> Other {
    let python = python();
    let mut fill =
        Command::new(&python).args(["-c", FILL, redis, key]).stdin(Stdio::piped()).spawn().unwrap();
    fill.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    assert!(fill.wait().unwrap().success());
    let (directory, port) = (TempDir::new().unwrap(), free_port());
    let mut command = Command::new(&python);
    command
        .args(["-m", "uvicorn", "service:app", "--no-access-log", "--log-level", "warning"])
        .args(["--loop", "uvloop", "--http", "httptools", "--port", &port.to_string()])
        .current_dir(here())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("REDIS_URL", redis);
    Other::start(&mut command, port, directory)
}

const FILL: &str = "
import hashlib, redis, sys
store = redis.from_url(sys.argv[1])
store.set('key:' + hashlib.sha256(sys.argv[2].encode()).hexdigest(), 'acme')
store.set('token:acme:p:u-1', sys.stdin.read())
";

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/side_by_side")
}

/// Returns the Python of an environment with what the service needs, which is made once.
fn python() -> PathBuf {
    let wanted = here().join("requirements.txt");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-python");
    let (python, copy) = (folder.join("bin/python"), folder.join("installed.txt"));
    let read = |path: &Path| std::fs::read(path).unwrap_or_default();
    if read(&copy) != read(&wanted) {
        let run = |command: &mut Command| assert!(command.status().unwrap().success());
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r"])
            .arg(&wanted));
        std::fs::copy(&wanted, &copy).unwrap();
    }
    python
}
