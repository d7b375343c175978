//! The ways out of the store: the kernel keyring, the agent, git, `api` and `proxy`.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;

use crate::figures::{Target, median, milliseconds, row, time};
use crate::homes::home;
use crate::machine::installed;
use crate::support::{Api, Home, OidcProvider, Running, await_some, program};

/// The size of the large download.
const LARGE: u64 = 1 << 30;

pub fn cached_in_kernel(name: &str, pairs: usize, server: &OidcProvider) {
    let home = home(server);
    let config = fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("[defaults]\ncache = \"kernel\"\n{config}"));
    time(&mut home.command(["token", "-p", "p"]));
    row(
        name,
        pairs * 4,
        &Target::Ratio(1.6),
        || time(&mut Command::new("/bin/true")),
        || time(&mut home.command(["token", "-p", "p"])),
    );
}

pub fn cached_in_agent(name: &str, pairs: usize, server: &OidcProvider) {
    let home = home(server);
    let socket = home.path("run/agent.sock");
    let words = ["agent", "--foreground", "--socket", socket.to_str().unwrap()];
    let mut agent = home.spawn(words);
    agent.await_stdout(|text| text.ends_with('\n').then_some(()));
    let mut client = Home::new();
    client.set("OAUTHCTL_AGENT", format!("unix:{}", socket.display()));
    let asked = || {
        let begun = Instant::now();
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(b"{\"op\":\"token\",\"profile\":\"p\"}\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("access_token"));
        begun.elapsed().as_secs_f64()
    };
    row(
        name,
        pairs * 4,
        &Target::Ratio(1.5),
        || time(&mut Command::new("/bin/true")) + asked(),
        || time(&mut client.command(["token", "-p", "p"])),
    );
}

/// Beside a helper that only prints, what git waits for is the time of the store. Both helpers are programs: what a
/// builtin of git's shell prints takes no program at all.
pub fn git_fill(name: &str, pairs: usize, server: &OidcProvider) {
    let home = home(server);
    let config = fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}[credential.git.\"https://git.example\"]\nprofile = \"p\"\n"));
    let program = program();
    let ours = format!("!{} credential git", program.display());
    let fill = |helper: &str| {
        let mut git = home.tool("git");
        git.args(["-c", &format!("credential.helper={helper}"), "credential", "fill"]);
        let asked = home.path("asked");
        fs::write(&asked, "protocol=https\nhost=git.example\n\n").unwrap();
        git.stdin(fs::File::open(asked).unwrap()).stdout(Stdio::null());
        let begun = Instant::now();
        assert!(git.status().unwrap().success());
        begun.elapsed().as_secs_f64()
    };
    let store = || {
        let token = time(&mut home.command(["token", "-p", "p"]));
        (token - time(&mut Command::new("/bin/true"))).max(0.0)
    };
    row(
        name,
        pairs * 2,
        &Target::Ratio(1.2),
        || fill("!/usr/bin/printf 'username=a\\npassword=b\\n' #") + store(),
        || fill(&ours),
    );
}

/// nginx with a small and a large file, and in front of it another one that adds a token. It ends when this is
/// dropped.
struct Nginx {
    process: Child,
    direct: String,
    /// The same files over https.
    encrypted: String,
    /// The file with the authority that issued its certificate.
    authority: String,
    through: String,
    _dir: tempfile::TempDir,
}

impl Nginx {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        fs::create_dir(at("www")).unwrap();
        fs::write(at("www/small"), [b'x'; 200]).unwrap();
        fs::File::create(at("www/large")).unwrap().set_len(LARGE).unwrap();
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (direct, encrypted, through) = (port(), port(), port());
        certify(&at("authority"), &at("certificate"), &at("key"));
        let user = if rustix::process::geteuid().is_root() { "user root root;" } else { "" };
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {};", at(kind)))
            .concat();
        let config = format!(
            "{user} daemon off; worker_processes auto; pid {}; error_log {};\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off; sendfile on; keepalive_requests 1000000000; {temporary}\n\
             server {{ listen 127.0.0.1:{direct}; root {www}; }}\n\
             server {{ listen 127.0.0.1:{encrypted} ssl; root {www}; ssl_certificate {}; ssl_certificate_key {}; }}\n\
             upstream api {{ server 127.0.0.1:{direct}; keepalive 64; keepalive_requests 1000000000; }}\n\
             server {{ listen 127.0.0.1:{through}; location / {{ proxy_pass http://api;\n\
             proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
             proxy_set_header Authorization \"Bearer stored\"; }} }} }}\n",
            at("pid"),
            at("errors"),
            at("certificate"),
            at("key"),
            www = at("www")
        );
        fs::write(at("config"), config).unwrap();
        let nginx = ["nginx", "/usr/sbin/nginx"].into_iter().find(|path| installed(path));
        let process = Command::new(nginx.unwrap_or("/usr/sbin/nginx"))
            .args(["-e", &at("errors"), "-c", &at("config")])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        await_some("nginx", || TcpStream::connect(("127.0.0.1", through)).ok());
        let url = |port: u16| format!("http://127.0.0.1:{port}/");
        Self {
            process,
            direct: url(direct),
            encrypted: format!("https://localhost:{encrypted}/"),
            authority: at("authority"),
            through: url(through),
            _dir: dir,
        }
    }

    /// A home whose token may be sent to this URL of it.
    fn home(&self, url: &str) -> Home {
        let home = Api::echo().home("", "");
        let config = fs::read_to_string(home.config_path()).unwrap();
        let line = format!("ca_file = {:?}\napi_url = [{url:?}]", self.authority);
        let lines = config.lines().map(|old| if old.starts_with("api_url") { &line } else { old });
        home.config(&(lines.collect::<Vec<_>>().join("\n") + "\n"));
        home
    }
}

/// Writes an authority, and a certificate for `localhost` with its key.
fn certify(authority: &str, certificate: &str, key: &str) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let own = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    fs::write(authority, issuer.pem()).unwrap();
    fs::write(certificate, params.signed_by(&own, &issuer).unwrap().pem()).unwrap();
    fs::write(key, own.serialize_pem()).unwrap();
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.process);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.process.wait();
    }
}

/// Whether what these rows need is here; says if it is not.
fn is_possible(name: &str) -> bool {
    let has_nginx = installed("nginx") || fs::metadata("/usr/sbin/nginx").is_ok();
    let is_possible = has_nginx && installed("wrk") && installed("curl");
    if !is_possible {
        println!("{name:<52} not measured: no nginx, wrk or curl here");
    }
    is_possible
}

pub fn api_request(name: &str, pairs: usize, _: &OidcProvider) {
    if !is_possible(name) {
        return;
    }
    let nginx = Nginx::start();
    let home = nginx.home(&nginx.direct);
    let url = format!("{}small", nginx.direct);
    let curl = || {
        let mut curl = home.tool("curl");
        time(curl.args(["-sS", "-H", "Authorization: Bearer stored", &url]))
    };
    let api = || time(&mut home.command(["api", "-p", "p", "small"]));
    row(name, pairs * 2, &Target::Ratio(1.3), curl, api);
}

fn start_proxy(home: &Home) -> (Running, String) {
    let mut proxy = home.spawn(["proxy", "-p", "p"]);
    let line = proxy.await_stdout(|text| text.ends_with('\n').then(|| text.to_owned()));
    let at: Value = serde_json::from_str(&line).unwrap();
    (proxy, at["url"].as_str().unwrap().to_owned())
}

/// The requests per second, and the 99th percentile of their times in seconds.
fn load(url: &str) -> (f64, f64) {
    let args = ["-t2", "-c32", "-d3", "--latency", url];
    let output = Command::new("wrk").args(args).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    let after = |start: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(start));
        line.unwrap_or_else(|| panic!("{said}")).trim().to_owned()
    };
    let slowest = after("99%");
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let seconds = units
        .iter()
        .find_map(|(unit, factor)| Some(slowest.strip_suffix(unit)?.parse::<f64>().ok()? * factor));
    (after("Requests/sec:").parse().unwrap(), seconds.unwrap())
}

pub fn proxy_requests(name: &str, _: usize, _: &OidcProvider) {
    if !is_possible(name) {
        return;
    }
    let nginx = Nginx::start();
    let home = nginx.home(&nginx.direct);
    let (proxy, url) = start_proxy(&home);
    let pairs: Vec<_> = (0..5)
        .map(|_| (load(&format!("{}small", nginx.through)), load(&format!("{url}small"))))
        .collect();
    let [a, b] = [0, 1].map(|side| {
        let of = |pair: &((f64, f64), (f64, f64))| if side == 0 { pair.0 } else { pair.1 };
        let rate = median(pairs.iter().map(|pair| of(pair).0));
        (rate, median(pairs.iter().map(|pair| of(pair).1)))
    });
    let rate = |rate: f64| format!("{rate:.0}/s");
    println!(
        "{name:<52} {:>9} {:>9} {:>9.2}x {:>10}   at least 0.5x",
        rate(a.0),
        rate(b.0),
        b.0 / a.0,
        ""
    );
    println!(
        "{:<52} {:>9} {:>9} {:>9.2}x {:>10}   at most 3x",
        "  99th percentile",
        milliseconds(a.1),
        milliseconds(b.1),
        b.1 / a.1,
        ""
    );
    proxy.signal(rustix::process::Signal::TERM);
}

pub fn proxy_download(name: &str, _: usize, _: &OidcProvider) {
    if !is_possible(name) {
        return;
    }
    let nginx = Nginx::start();
    let download = |url: &str| {
        let words = ["-sS", "--cacert", &nginx.authority, "-o", "/dev/null", url];
        time(Command::new("curl").args(words))
    };
    for (row_name, server) in [(name, &nginx.direct), ("  the same over https", &nginx.encrypted)] {
        let home = nginx.home(server);
        let (proxy, url) = start_proxy(&home);
        let (direct, through) = (format!("{server}large"), format!("{url}large"));
        row(row_name, 5, &Target::Ratio(1.25), || download(&direct), || download(&through));
        if server == &nginx.direct {
            // What any program costs that stands between the two, and only copies.
            let copied = format!("http://{}/large", copier(server));
            let beside = "  the same / through a program that only copies";
            row(beside, 5, &Target::Ratio(1.1), || download(&copied), || download(&through));
        }
        print_peak(&proxy);
        proxy.signal(rustix::process::Signal::TERM);
    }
}

fn print_peak(proxy: &Running) {
    let status = fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: f64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    println!(
        "{:<52} {:>9} {:>9} {:>6.2} MiB {:>10}   less than 32 MiB",
        "  peak memory of the proxy",
        "",
        "",
        peak / 1024.0,
        ""
    );
}

/// Forwards connections to the server, and only copies: on Linux `io::copy` has the kernel move the bytes.
fn copier(server: &str) -> SocketAddr {
    let server = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut requests, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = io::copy(&mut requests, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            thread::spawn(move || io::copy(&mut &server, &mut &client));
        }
    });
    address
}
