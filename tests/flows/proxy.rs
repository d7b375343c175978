//! Proxies: https goes through them as CONNECT, loopback never does, and their password is never shown.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::*;
use crate::user::*;

const PASSWORD: &str = "CANARY-pr0xy-p4ssw0rd";

/// Every variable that can name a proxy.
const VARIABLES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];

/// A proxy that keeps the heads of all requests, and resolves every host to this machine.
struct Proxy {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// One that requires the password.
    fn start() -> Self {
        Self::answering(None)
    }

    /// A proxy that returns this response instead of a tunnel.
    fn answering(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heads);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                std::thread::spawn(move || serve(stream, &log, answer));
            }
        });
        Self { port, heads }
    }

    /// Its URL, with the user and the password.
    fn url(&self) -> String {
        format!("http://someone:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// The heads of what it was asked for.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, log: &Mutex<Vec<String>>, answer: Option<&str>) -> Option<()> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).ok()? == 1 {
        head.push(byte[0]);
        // Who speaks TLS to it waits for an answer before there is any end of line.
        if head.len() == 8192 || !head.is_ascii() || head[0] < b' ' {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    log.lock().unwrap().push(head.clone());
    if let Some(answer) = answer {
        return client.write_all(answer.as_bytes()).ok();
    }
    let port: u16 = head.strip_prefix("CONNECT ")?.split([':', ' ']).nth(1)?.parse().ok()?;
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let (from, to) = (client.try_clone().ok()?, server.try_clone().ok()?);
    std::thread::spawn(move || carry(from, to));
    carry(server, client);
    Some(())
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Write);
}

/// The password, and its encoded form in a header.
fn secrets() -> [String; 2] {
    [PASSWORD.to_owned(), STANDARD.encode(format!("someone:{PASSWORD}"))]
}

/// Neither said nor kept, in any disguise.
#[track_caller]
fn assert_unseen(home: &Home, outputs: &[&Output]) {
    for output in outputs {
        assert_not_shown(&format!("{}\n{}", output.stdout, output.stderr), secrets());
    }
    assert_no_secret(home, secrets());
}

/// Everything that says what is done.
fn talkative(home: &Home) -> Vec<String> {
    let har = home.path("trace.har").display().to_string();
    ["--verbose", "--trace", "--trace-har", &har].map(str::to_owned).to_vec()
}

/// The whole lifecycle of a grant at a server whose name only the proxy can resolve.
fn a_life_through(variable: &str) {
    let proxy = Proxy::start();
    let scenario = format!("tag.proxy-{variable}");
    let mut home = Home::new();
    profile_over_tls(&home, "named", &scenario, OPENID);
    home.set(variable, proxy.url());
    let flags = talkative(&home);
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    // The listener is on loopback: the browser reaches it, and no proxy is asked.
    let (running, url) = listening(&home, &[&["p"], &flags[..]].concat());
    assert_eq!(visit(&callback(&url)).unwrap().status, 200);
    let login = running.wait().ok();
    let refresh = home.run([&["refresh", "p"], &flags[..]].concat()).ok();
    let logout = home.run([&["logout", "p"], &flags[..]].concat()).ok();
    assert_unseen(&home, &[&login, &refresh, &logout]);
    let requests = |endpoint| hostile().requests(&scenario, endpoint).len();
    let made = ["discovery", "token", "jwks", "revoke"].map(requests);
    assert_eq!(made[1], 2, "{variable}");
    assert!(made[3] >= 1, "{variable}");
    let heads = proxy.heads();
    assert_eq!(heads.len(), made.iter().sum::<usize>(), "{variable}: {heads:?}");
    let authority = url.strip_prefix("https://").unwrap().split('/').next().unwrap();
    for head in heads {
        assert!(head.starts_with(&format!("CONNECT {authority} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains(&secrets()[1]), "{head}");
        assert_not_shown(&head, hostile().secrets_minted());
    }
}

#[test]
fn https_uses_only_connect_at_the_proxy() {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().for_each(a_life_through);
}

/// As in a network whose proxy inspects TLS.
#[test]
fn untrusted_certificate_behind_a_proxy_is_named() {
    let proxy = Proxy::start();
    let mut home = Home::new();
    profile_over_tls(&home, "named", "tag.proxy-untrusted", OPENID);
    let without_ca = std::fs::read_to_string(home.config_path()).unwrap();
    let without_ca: Vec<&str> = without_ca.lines().filter(|l| !l.starts_with("ca_file")).collect();
    home.config(&without_ca.join("\n"));
    home.set("HTTPS_PROXY", proxy.url());
    let output = home.run(["login", "p", "--no-browser", "--trace"]).fails(9);
    let told = error(&output);
    assert!(told.contains("; the server presents the certificate of `"), "{told}");
    assert!(told.contains("`, issued by `CN="), "{told}");
    assert_unseen(&home, &[&output]);
    let heads = proxy.heads();
    assert!(heads.len() >= 2 && heads.iter().all(|head| head.contains(&secrets()[1])), "{heads:?}");
}

#[test]
fn loopback_server_is_reached_without_a_proxy() {
    let proxy = Proxy::start();
    for (listener, scenario) in [("http", "tag.near"), ("https", "tag.near-tls")] {
        let mut home = Home::new();
        profile_over_tls(&home, listener, scenario, OPENID);
        for variable in VARIABLES {
            home.set(variable, proxy.url());
        }
        let (running, url) = listening(&home, &["p", "--trace"]);
        assert_eq!(visit(&callback(&url)).unwrap().status, 200);
        let login = running.wait().ok();
        let refresh = home.run(["refresh", "p", "--trace"]).ok();
        assert_unseen(&home, &[&login, &refresh]);
    }
    assert_eq!(proxy.heads(), [""; 0]);
}

#[test]
fn host_in_no_proxy_is_reached_directly() {
    for (variable, value) in
        [("NO_PROXY", "as.test"), ("no_proxy", ".test"), ("NO_PROXY", "x.example, as.test")]
    {
        let proxy = Proxy::start();
        let mut home = Home::new();
        profile_over_tls(&home, "named", "tag.no-proxy", "");
        home.set("HTTPS_PROXY", proxy.url()).set(variable, value);
        let output = home.run(["login", "p", "--no-browser", "--trace"]).fails(9);
        assert!(error(&output).contains("as.test"), "{}", output.stderr);
        assert_eq!(proxy.heads(), [""; 0], "{value}");
    }
}

/// A variable's value that leads nowhere, the exit code, words of the error, and words of the hint.
#[rustfmt::skip]
const WRONG: &[(&str, i32, &str, &str)] = &[
    ("http://someone:PASSWORD@127.0.0.1:REFUSED", 9, "through the proxy: it is unreachable", "HTTPS_PROXY"),
    (
        "socks5h://someone:PASSWORD@127.0.0.1:REFUSED",
        9,
        "through the proxy: it is unreachable",
        "HTTPS_PROXY",
    ),
    ("http://someone:PASSWORD@proxy.test:3128", 9, "through the proxy: it is unreachable", "HTTPS_PROXY"),
    ("http://someone:PASSWORD@127.0.0.1:407", 9, "requires a user name and a password", "HTTPS_PROXY"),
    ("http://someone:PASSWORD@127.0.0.1:403", 9, "through the proxy: it refused", "NO_PROXY"),
    ("https://someone:PASSWORD@127.0.0.1:403", 9, "through the proxy", "PROXY"),
    // `socks5://` leaves the name to this machine, which does not know it.
    (
        "socks5://someone:PASSWORD@127.0.0.1:403",
        9,
        "through the proxy: this machine cannot resolve the name",
        "socks5h://",
    ),
    ("http://someone:PASSWORD@[nonsense", 3, "the URL of the proxy is invalid", "HTTPS_PROXY"),
    ("gopher://someone:PASSWORD@127.0.0.1:70", 3, "the URL of the proxy is invalid", "HTTPS_PROXY"),
    ("someone:PASSWORD@127.0.0.1:403/", 3, "the URL of the proxy is invalid", "HTTPS_PROXY"),
    ("someone:PASSWORD@127.0.0.1:403?x", 3, "the URL of the proxy is invalid", "HTTPS_PROXY"),
    ("http:/someone:PASSWORD@127.0.0.1:403", 3, "the URL of the proxy is invalid", "HTTPS_PROXY"),
    ("PASSWORD is no URL", 3, "the URL of the proxy is invalid", "HTTPS_PROXY"),
];

#[test]
fn invalid_proxy_is_named_without_its_password() {
    let refused = url::Url::parse(hostile().bases["refused"].as_deref().unwrap()).unwrap();
    let denying = Proxy::answering(Some("HTTP/1.1 407 Who are you\r\n\r\n"));
    let refuses = Proxy::answering(Some("HTTP/1.1 403 No\r\n\r\n"));
    for (value, code, words, hint) in WRONG {
        let value = value
            .replace("PASSWORD", PASSWORD)
            .replace("REFUSED", &refused.port().unwrap().to_string())
            .replace(":407", &format!(":{}", denying.port))
            .replace(":403", &format!(":{}", refuses.port));
        let mut home = Home::new();
        profile_over_tls(&home, "named", "tag.wrong", "");
        home.set("HTTPS_PROXY", &value);
        let flags = talkative(&home);
        let mut args = vec!["login", "p", "--no-browser"];
        args.extend(flags.iter().map(String::as_str));
        let output = home.run(args).fails(*code);
        let (what, how) = error(&output).split_once("\nhint: ").unwrap();
        assert!(what.contains(words), "{value}: {what}");
        assert!(how.contains(hint), "{value}: {how}");
        assert_unseen(&home, &[&output]);
    }
    assert_eq!(hostile().requests("tag.wrong", "discovery").len(), 0);
}

/// A server of one's own in place of the preset's: nothing of the preset's is asked for, neither at the login
/// nor at the logout. Every host but this machine is reached through the proxy alone.
#[test]
fn preset_with_own_endpoints_asks_no_host_of_its() {
    let proxy = Proxy::answering(Some("HTTP/1.1 403 No\r\n\r\n"));
    let mut home = Home::new();
    let issuer = hostile().issuer("tag.own-endpoints");
    home.config(&format!(
        "[profiles.p]\nprovider = \"gitlab\"\nclient_id = \"cli-secret\"\n\
         client_secret = {{ env = \"SECRET\" }}\nclient_auth = \"client_secret_basic\"\n\
         authorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\n"
    ));
    home.set("SECRET", hostile().secrets["cli-secret"].as_deref().unwrap());
    for variable in VARIABLES {
        home.set(variable, proxy.url());
    }
    let (running, url) = listening(&home, &["p", "--scope", "api"]);
    assert_eq!(visit(&callback(&url)).unwrap().status, 200);
    let login = running.wait().ok();
    assert!(login.stderr.contains(&format!("at {issuer}/authorize")), "{}", login.stderr);
    home.run(["refresh", "p"]).ok();
    let logout = home.run(["logout", "p", "--json"]).ok();
    assert!(logout.stdout.contains("\"revocation\": \"no_endpoint\""), "{}", logout.stdout);
    assert!(!format!("{}{}", login.stderr, logout.stderr).contains("gitlab.com"));
    assert_eq!(hostile().requests("tag.own-endpoints", "token").len(), 2);
    assert_eq!(proxy.heads(), [""; 0], "the preset's server is asked for nothing");
}

/// The server's port on this machine is in its URL, so an entry may name it.
#[test]
fn no_proxy_is_read_as_curl_and_go_read_it() {
    let named = url::Url::parse(hostile().bases["named"].as_deref().unwrap()).unwrap();
    let port = named.port().unwrap();
    for (value, is_excepted) in [
        ("*.test".to_owned(), true),
        (format!("as.test:{port}"), true),
        (format!("*.test:{port}"), true),
        (".TEST other.example".to_owned(), true),
        ("*.as.test".to_owned(), false),
        ("as.test:443".to_owned(), false),
        ("10.0.0.0/8".to_owned(), false),
        ("s.test".to_owned(), false),
    ] {
        let proxy = Proxy::answering(Some("HTTP/1.1 403 No\r\n\r\n"));
        let mut home = Home::new();
        profile_over_tls(&home, "named", "tag.no-proxy-forms", "");
        home.set("HTTPS_PROXY", proxy.url()).set("NO_PROXY", &value);
        let output = home.run(["login", "p", "--no-browser"]).fails(9);
        assert_eq!(proxy.heads().is_empty(), is_excepted, "{value}: {}", output.stderr);
        assert!(!output.stderr.contains("warning"), "{value}: {}", output.stderr);
    }
}

#[test]
fn entry_of_no_proxy_that_is_no_host_is_warned_of() {
    let proxy = Proxy::answering(Some("HTTP/1.1 403 No\r\n\r\n"));
    let mut home = Home::new();
    profile_over_tls(&home, "named", "tag.no-proxy-forms", "");
    home.set("HTTPS_PROXY", proxy.url()).set("NO_PROXY", "10.*,ok.example,http://as.test");
    let output = home.run(["login", "p", "--no-browser"]).fails(9);
    for entry in ["10.*", "http://as.test"] {
        let warning = format!("warning: ignoring `{entry}` in NO_PROXY");
        assert_eq!(output.stderr.matches(&warning).count(), 1, "{}", output.stderr);
    }
    assert!(!output.stderr.contains("ok.example"), "{}", output.stderr);
    assert_eq!(proxy.heads().len(), 1);
    // Without a proxy there is nothing to be kept from.
    home.unset("HTTPS_PROXY");
    let output = home.run(["login", "p", "--no-browser"]).fails(9);
    assert!(!output.stderr.contains("NO_PROXY"), "{}", output.stderr);
}
