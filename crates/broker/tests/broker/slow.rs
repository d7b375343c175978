//! Clients that keep connections open without using them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::http::Reply;
use crate::support::{Broker, Home};

/// No limit of the broker is longer; a connection that is open after it has none.
const LONGEST: Duration = Duration::from_secs(50);

fn connect(broker: &Broker) -> TcpStream {
    let stream = TcpStream::connect(broker.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(LONGEST)).unwrap();
    stream
}

/// Connects and sends this.
fn begun(broker: &Broker, bytes: &str) -> TcpStream {
    let mut stream = connect(broker);
    stream.write_all(bytes.as_bytes()).unwrap();
    stream
}

/// What is read until the broker ends the connection, and how long that took.
fn rest(mut stream: TcpStream) -> (Vec<u8>, Duration) {
    let since = Instant::now();
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    if let Err(error) = ended {
        assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock, "the connection stays open");
    }
    (bytes, since.elapsed())
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

fn post_head(key: &str) -> String {
    format!(
        "POST /v1/connections HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{"
    )
}

#[track_caller]
fn assert_too_slow(bytes: &[u8]) {
    let reply = Reply::parse(bytes).expect("no response").with(408);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!(reply.header("connection"), Some("close"));
    assert!(reply.body.contains("\"request_timeout\""), "{}", reply.body);
}

#[test]
fn body_that_stops_gets_408_and_the_end() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let (bytes, took) = rest(begun(&broker, &post_head(&home.tenant("acme", &[]))));
    assert_too_slow(&bytes);
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn body_that_trickles_gets_408_and_the_end() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let stream = begun(&broker, &post_head(&home.tenant("acme", &[])));
    let mut writer = stream.try_clone().unwrap();
    // Another byte each second: it never pauses for long.
    let trickle = std::thread::spawn(move || {
        while writer.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    assert_too_slow(&rest(stream).0);
    trickle.join().unwrap();
}

#[test]
fn connection_that_waits_is_closed() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let silent = connect(&broker);
    let head = begun(&broker, "GET /healthz HTTP/1.1\r\nHost: ");
    let (bytes, _) = rest(begun(&broker, &get("/healthz")));
    assert_eq!(Reply::parse(&bytes).unwrap().status, 200);
    rest(silent);
    rest(head);
}

#[test]
fn client_that_reads_nothing_is_closed() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let mut stream = connect(&broker);
    stream.set_write_timeout(Some(LONGEST)).unwrap();
    let requests = get("/openapi.json").repeat(100);
    // The responses fill the buffers of both ends; then nothing more is read from here, until the broker gives up.
    let until = Instant::now() + 2 * LONGEST;
    let error = loop {
        assert!(Instant::now() < until, "everything is answered");
        match stream.write_all(requests.as_bytes()) {
            Ok(()) => {}
            Err(error) => break error.kind(),
        }
    };
    assert_ne!(error, std::io::ErrorKind::WouldBlock, "the connection stays open");
}

#[test]
fn address_with_idle_connections_can_still_connect() {
    let home = Home::new();
    let broker = home.serve(&["--connections-per-address", "20"]);
    let mut idle: Vec<_> = (0..20).map(|_| begun(&broker, "GET /healthz HTTP/1.1\r\n")).collect();
    let mut answered = begun(&broker, &get("/healthz"));
    let mut first = [0; 12];
    answered.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // It took the place of the oldest one, which ends long before its time limit.
    let (bytes, took) = rest(idle.remove(0));
    assert!(bytes.is_empty() && took < Duration::from_secs(15), "{took:?}");
    let mut last = idle.pop().unwrap();
    last.write_all(b"Host: localhost\r\n\r\n").unwrap();
    last.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
}

#[test]
fn idle_connections_cannot_use_up_descriptors() {
    let home = Home::new();
    let serve = home.command(&["serve", "--listen", "127.0.0.1:0", "--behind-proxy"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\""]).arg(serve.get_program());
    limited.args(serve.get_args()).env_clear();
    limited.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let broker = Broker::start(&mut limited);
    let _idle: Vec<_> = (0..200).map(|_| connect(&broker)).collect();
    let since = Instant::now();
    let mut answered = begun(&broker, &get("/healthz"));
    let mut first = [0; 12];
    answered.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    assert!(since.elapsed() < Duration::from_secs(15), "{:?}", since.elapsed());
}

#[test]
fn connections_per_address_need_no_proxy() {
    let home = Home::new();
    let more = ["--behind-proxy", "--connections-per-address", "5"];
    home.run(&[&["serve", "--listen", "127.0.0.1:0"], &more[..]].concat()).fails(3);
}
