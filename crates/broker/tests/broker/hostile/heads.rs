//! Requests whose head is not valid HTTP, or too large: the response is a problem all the same.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::http::Reply;
use crate::process::DEADLINE;
use crate::support::{Broker, Home};

/// Text that no response may repeat.
const CANARY: &str = "canary";

/// Sends all of these bytes, and then reads what the broker has answered until it ended the connection. A client that
/// sends more than the broker accepts can send it, and does not lose the answer.
fn exchange(broker: &Broker, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(broker.url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    ended.unwrap_or_else(|error| panic!("{error} after {} bytes", answer.len()));
    answer
}

/// Asserts that this is a single, complete response with a problem, after which the connection ends.
#[track_caller]
fn assert_problem(answer: &[u8], status: u16) -> Value {
    let text = String::from_utf8_lossy(answer);
    let reply = Reply::parse(answer).unwrap_or_else(|| panic!("no response: {text}")).with(status);
    for (name, value) in [
        ("content-type", "application/problem+json"),
        ("content-length", &reply.body.len().to_string()),
        ("connection", "close"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}: {text}");
    }
    assert_eq!(reply.header("x-request-id").map(str::len), Some(16), "{text}");
    assert!(reply.header("date").is_some() && !text.contains(CANARY), "{text}");
    let problem: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(problem["status"], status, "{problem}");
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    problem
}

/// A request with these header lines, each with its line end.
fn get(lines: &str) -> Vec<u8> {
    format!("GET /healthz HTTP/1.1\r\n{lines}\r\n").into_bytes()
}

#[test]
fn head_that_is_not_http_gets_a_problem() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let with_host = |line: &str| get(&format!("Host: localhost\r\n{line}\r\n"));
    for head in [
        b"canary\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        b"GET /canary\r\n\r\n".to_vec(),
        b"GET /canary HTTP/1.2\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET /canary canary HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"G\"T /canary HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET http:///canary HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"GET /\0canary HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\n".to_vec(),
        // How a client of HTTP/2 begins.
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        // The beginning of a TLS handshake.
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03canary".to_vec(),
        with_host("canary"),
        with_host("X-Canary : canary"),
        with_host("X-Canary: \0canary"),
        with_host("X-Canary: canary\r\n canary"),
        with_host("Content-Length: canary"),
        with_host("Content-Length: -1"),
        with_host("Content-Length: 1\r\nContent-Length: 2"),
        with_host("Transfer-Encoding: canary"),
        with_host("Transfer-Encoding: chunked, canary"),
    ] {
        let problem = assert_problem(&exchange(&broker, &head), 400);
        assert_eq!(problem["error"], "invalid_request", "{}", String::from_utf8_lossy(&head));
    }
}

#[test]
fn target_without_a_path_gets_a_problem() {
    let home = Home::new();
    let broker = home.serve(&[]);
    for line in [
        "GET canary",
        "GET *",
        "OPTIONS *",
        "CONNECT canary:443",
        "TRACE /healthz",
        "G /",
        "GET /favicon.ico",
    ] {
        let head = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = exchange(&broker, head.as_bytes());
        let reply = Reply::parse(&answer).unwrap();
        assert!([404, 405].contains(&reply.status), "{line}: {reply:?}");
        assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{line}");
        assert!(!String::from_utf8_lossy(&answer).contains(CANARY), "{reply:?}");
    }
}

#[test]
fn head_over_the_limit_gets_a_problem() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let host = "Host: localhost\r\nConnection: close\r\n";
    let fields = |count: usize| get(&format!("{host}{}", "X-Canary: canary\r\n".repeat(count)));
    assert_eq!(Reply::parse(&exchange(&broker, &fields(98))).unwrap().status, 200);
    let large = |size: usize| {
        let rest = size - get(&format!("{host}X-Canary: \r\n")).len();
        get(&format!("{host}X-Canary: {}\r\n", "c".repeat(rest)))
    };
    assert_eq!(Reply::parse(&exchange(&broker, &large(64 * 1024))).unwrap().status, 200);
    let long = format!("GET /{} HTTP/1.1\r\n{host}\r\n", "c".repeat(70 * 1024)).into_bytes();
    for head in [fields(99), large(64 * 1024 + 1), large(8 * 1024 * 1024), long] {
        let problem = assert_problem(&exchange(&broker, &head), 431);
        assert_eq!(problem["error"], "head_too_large");
    }
}

#[test]
fn malformed_head_after_a_request_gets_a_problem() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let both = [get("Host: localhost\r\n"), b"canary\r\n\r\n".to_vec()].concat();
    let answer = exchange(&broker, &both);
    let second = String::from_utf8_lossy(&answer).rfind("HTTP/1.1 ").unwrap();
    assert_eq!(Reply::parse(&answer[..second]).unwrap().status, 200);
    assert_problem(&answer[second..], 400);
}

#[test]
fn request_without_one_valid_host_gets_a_problem() {
    let home = Home::new();
    let broker = home.serve(&[]);
    for lines in [
        "",
        "Host:\r\n",
        "Host: localhost\r\nHost: localhost\r\n",
        "Host: localhost\r\nhost: canary\r\n",
        "Host: localhost, canary\r\n",
        "Host: canary canary\r\n",
        "Host: canary/canary\r\n",
        "Host: canary@localhost\r\n",
        "Host: canary?\r\n",
        "Host: canary:port\r\n",
        "Host: :80\r\n",
        "Host: [canary\r\n",
        "Host: \u{e9}\r\n",
    ] {
        let problem = assert_problem(&exchange(&broker, &get(lines)), 400);
        assert_eq!(problem["error"], "invalid_request", "{lines}");
    }
    let old = |lines: &str| format!("GET /healthz HTTP/1.0\r\n{lines}\r\n").into_bytes();
    let absolute = b"GET http://localhost/healthz HTTP/1.1\r\n\r\n".to_vec();
    let doubled = old("Host: localhost\r\nHost: canary\r\n");
    for head in [absolute, doubled, old("Host: canary canary\r\n")] {
        assert_problem(&exchange(&broker, &head), 400);
    }
    let named = |host: &str| get(&format!("Host: {host}\r\nConnection: close\r\n"));
    for head in [
        old(""),
        old("Host: localhost\r\n"),
        named("localhost"),
        named("localhost:"),
        named("127.0.0.1:8700"),
        named("[::1]:8700"),
        named("a_b.example."),
        b"GET http://localhost/healthz HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"
            .to_vec(),
    ] {
        let reply = Reply::parse(&exchange(&broker, &head)).unwrap();
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&head));
    }
}

#[test]
fn body_over_the_limit_gets_a_problem() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let key = home.tenant("acme", &[]);
    let size = 8 * 1024 * 1024;
    let head = format!(
        "POST /v1/connections HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {size}\r\n\r\n"
    );
    let request = [head.into_bytes(), vec![b'c'; size]].concat();
    for _ in 0..20 {
        let reply = Reply::parse(&exchange(&broker, &request)).unwrap().with(413);
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        assert!(reply.body.contains("\"too_large\""), "{}", reply.body);
    }
}
