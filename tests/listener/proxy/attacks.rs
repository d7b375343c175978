//! Requests that must not reach the server.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::client::Proxy;
use crate::support::{Api, Replied, await_some};

#[test]
fn request_without_the_key_is_refused() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let host = &proxy.address;
    let key = &proxy.key;
    let half = &key[..key.len() - 1];
    for target in [
        "/".to_owned(),
        "/x".to_owned(),
        format!("{half}/x"),
        format!("{key}x/x"),
        format!("/x{key}/x"),
        format!("/{key}/x"),
        format!("/?{key}"),
        key.to_uppercase() + "/x",
        format!("/.{key}/x"),
        format!("http://evil.example{key}/x"),
        format!("http://{host}{key}/x"),
        "*".to_owned(),
    ] {
        let reply = proxy
            .raw(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
        assert_eq!(reply.status, 403, "{target}: {reply:?}");
        assert!(reply.header("content-type").is_some_and(|is| is == "application/json"));
    }
    assert_eq!(api.asked().len(), 0);
}

#[test]
fn request_for_another_host_is_refused() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let (key, port) = (&proxy.key, proxy.address.rsplit(':').next().unwrap());
    for host in [
        "Host: evil.example",
        "Host: 127.0.0.1",
        "Host: 127.0.0.1:1",
        "Host:",
        "X: no host",
        &format!("Host: evil.example:{port}"),
        &format!("Host: 127.0.0.1.evil.example:{port}"),
        &format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}"),
        &format!("Host: 127.0.0.1:{port}, x"),
        &format!("Host: x@127.0.0.1:{port}"),
    ] {
        let reply =
            proxy.raw(&format!("GET {key}/x HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n"));
        assert!(matches!(reply.status, 400 | 403), "{host}: {reply:?}");
    }
    assert_eq!(api.asked().len(), 0);
    let localhost =
        format!("GET {key}/x HTTP/1.1\r\nHost: LocalHost:{port}\r\nConnection: close\r\n\r\n");
    assert_eq!(proxy.raw(&localhost).status, 200);
}

#[test]
fn request_of_another_site_is_refused() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let own = format!("Origin: http://{}", proxy.address);
    let other_port = format!("Origin: http://127.0.0.1:{}", 1);
    for line in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin:",
        &other_port,
        &format!("Origin: https://{}", proxy.address),
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: x",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
        &format!("{own}\r\nOrigin: null"),
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            let reply = proxy.ask(method, "/x", &[line]);
            assert_eq!(reply.status, 403, "{method} {line}");
            assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-")));
        }
    }
    assert_eq!(api.asked().len(), 0);
    assert_eq!(proxy.ask("GET", "/x", &[&own, "Sec-Fetch-Site: same-origin"]).status, 200);
    assert_eq!(proxy.ask("GET", "/x", &["Sec-Fetch-Site: none"]).status, 200);
}

#[test]
fn smuggled_request_does_not_arrive() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let (key, host) = (&proxy.key, &proxy.address);
    let hidden = format!("GET {key}/hidden HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let length = hidden.len();
    for framing in [
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}"),
        format!("Content-Length: +{length}\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}"),
        format!(
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
        ),
        format!("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
    ] {
        let reply = proxy.raw(&format!(
            "POST {key}/x HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{framing}"
        ));
        assert!(matches!(reply.status, 400 | 403), "{framing}: {reply:?}");
    }
    assert_eq!(api.asked().len(), 0);
    // Here the coding counts, and only it is sent on. Nothing behind the body is a request (RFC 9112, section 6.3).
    let lines = [format!("Content-Length: {length}"), "Transfer-Encoding: chunked".to_owned()];
    for (one, other) in [(&lines[0], &lines[1]), (&lines[1], &lines[0])] {
        let framed = format!("{one}\r\n{other}\r\n\r\n0\r\n\r\n{hidden}");
        let reply = proxy.raw(&format!("POST {key}/x HTTP/1.1\r\nHost: {host}\r\n{framed}"));
        assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    }
    assert_eq!(api.asked().len(), 2);
    for asked in api.asked() {
        assert_eq!((&*asked.target, asked.text().as_str()), ("/x", ""));
        assert_eq!(asked.header("content-length"), None);
    }
}

/// Behind it, the client would speak to the server alone: past the rules, and unseen by the audit.
#[test]
fn upgrade_to_another_http_does_not_pass() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    for protocol in ["h2c", "H2C", "websocket, h2c", "HTTP/2.0", "TLS/1.2, HTTP/1.1"] {
        let lines = [
            "Connection: close, Upgrade",
            &format!("Upgrade: {protocol}"),
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ];
        assert_eq!(proxy.ask("GET", "/x", &lines).status, 200, "{protocol}");
        let asked = api.asked().pop().unwrap();
        for name in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(asked.header(name), None, "{protocol}");
        }
    }
}

#[test]
fn malformed_body_is_the_fault_of_the_client() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let (key, host) = (&proxy.key, &proxy.address);
    for body in ["-5\r\nhello\r\n0\r\n\r\n", "fffffffffffffffff\r\nhello\r\n", "5\nhello\n0\n\n"] {
        let reply = proxy.raw(&format!(
            "POST {key}/x HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{body}"
        ));
        assert!(reply.body.contains("the request body is"), "{body:?}: {reply:?}");
        assert_eq!(reply.status, 400, "{body:?}");
    }
    assert!(!proxy.process.stderr_so_far().contains("warning"));
}

/// A client that sends a large body before it reads: a connection that is closed meanwhile would be reset, and the
/// response lost.
#[test]
fn refusal_of_a_large_upload_arrives() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &["--allow", "GET /**"]);
    let (key, host) = (&proxy.key, &proxy.address);
    let body = vec![b'x'; 20_000_000];
    for path in [format!("{key}/x"), "/x".to_owned()] {
        let mut stream = TcpStream::connect(host).unwrap();
        let length = body.len();
        write!(stream, "PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n")
            .unwrap();
        stream.write_all(&body).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(&status, b"HTTP/1.1 403", "{path}");
    }
    assert_eq!(api.asked().len(), 0);
}

#[test]
fn header_cannot_be_injected() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    for path in ["/x%0d%0aInjected:%201", "/x%0aInjected:1", "/x%00", "/x\u{1}", "/x\u{e9}", "/x y"]
    {
        let reply = proxy.ask("GET", path, &[]);
        assert!(matches!(reply.status, 400 | 403), "{path:?}: {reply:?}");
    }
    for line in ["X: a\rInjected: 1", "X: a\0b", "X\0: a", "X Y: a"] {
        assert_eq!(proxy.ask("GET", "/x", &[line]).status, 400, "{line:?}");
    }
    assert_eq!(api.asked().len(), 0);
    assert_eq!(proxy.get("/x?q=%0d%0aInjected:1").status, 200);
    assert_eq!(api.asked()[0].header("injected"), None);
    for method in ["TRACE", "CONNECT"] {
        assert!(matches!(proxy.ask(method, "/x", &[]).status, 400 | 403), "{method}");
    }
}

#[test]
fn slow_clients_do_not_hold_up_others() {
    let api = Api::start(|asked| Replied::ok(&asked.text()));
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let head = format!("POST {}/x HTTP/1.1\r\nHost: {}\r\n", proxy.key, proxy.address);
    let mut slow: Vec<TcpStream> = (0..100)
        .map(|number| {
            let mut stream = TcpStream::connect(&proxy.address).unwrap();
            let more = if number % 2 == 0 {
                ""
            } else {
                "Content-Length: 5\r\nConnection: close\r\n\r\nab"
            };
            stream.write_all(format!("{head}{more}").as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(proxy.get("/x").status, 200);
    }
    assert_eq!(api.asked().len(), 5, "no half request is sent on");
    let mut last = slow.pop().unwrap();
    last.write_all(b"cde").unwrap();
    let mut reply = String::new();
    last.read_to_string(&mut reply).unwrap();
    assert!(reply.ends_with("abcde"), "{reply}");
}

/// Opens a connection, and sends the head of a request whose body is to be `abcde`.
fn begun(proxy: &Proxy, path: &str, lines: &str) -> TcpStream {
    let (key, host) = (&proxy.key, &proxy.address);
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!("POST {key}{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}");
    stream.write_all(format!("{head}Content-Length: 5\r\n\r\n").as_bytes()).unwrap();
    stream
}

/// Opens a connection, and sends a request with half of its body. The proxy has asked for that body, so the connection
/// is busy.
fn half_sent(proxy: &Proxy, path: &str) -> TcpStream {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut stream = begun(proxy, path, "Expect: 100-continue\r\n");
    let mut interim = vec![0; CONTINUE.len()];
    stream.read_exact(&mut interim).unwrap();
    assert_eq!(interim, CONTINUE, "{}", String::from_utf8_lossy(&interim));
    stream.write_all(b"ab").unwrap();
    stream
}

/// Sends the rest, and returns the response.
fn completed(mut stream: TcpStream) -> String {
    stream.write_all(b"cde").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn idle_connections_make_room_for_requests() {
    const LARGE: usize = 32 * 1024 * 1024;
    let api = Api::start(|asked| match &*asked.target {
        "/large" => Replied::ok(&"x".repeat(LARGE)),
        _ => Replied::ok(&asked.text()),
    });
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    // One has sent half of its request, and one has not read its response.
    let active = half_sent(&proxy, "/x");
    let mut unread = half_sent(&proxy, "/large");
    unread.write_all(b"cde").unwrap();
    let mut begun = [0];
    unread.read_exact(&mut begun).unwrap();
    let host = &proxy.address;
    let idle: Vec<TcpStream> = (0..600)
        .map(|number| {
            let mut stream = TcpStream::connect(host).unwrap();
            // Some are idle after a request without the key, or in the middle of a head.
            match number % 3 {
                0 => write!(stream, "GET /x HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap(),
                1 => write!(stream, "GET /x HTTP/1.1\r\nHost:").unwrap(),
                _ => {}
            }
            stream
        })
        .collect();
    let asked_at = Instant::now();
    assert_eq!(proxy.get("/x").status, 200);
    assert!(asked_at.elapsed() < Duration::from_secs(15), "{:?}", asked_at.elapsed());
    let reply = completed(active);
    assert!(reply.ends_with("abcde"), "{reply}");
    let mut reply = Vec::new();
    unread.read_to_end(&mut reply).unwrap();
    assert!(reply.len() > LARGE, "{}", reply.len());
    drop(idle);
}

/// The number of sockets that the proxy has open.
fn sockets(proxy: &Proxy) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", proxy.process.pid())).unwrap().flatten();
    let targets = open.flat_map(|entry| std::fs::read_link(entry.path()));
    targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
}

/// Nothing arrives before the read timeout.
#[track_caller]
fn assert_unanswered(stream: &TcpStream) {
    let outcome = stream.peek(&mut [0]);
    let kind = outcome.as_ref().map_err(std::io::Error::kind);
    assert_eq!(kind, Err(ErrorKind::WouldBlock), "{outcome:?}");
}

#[test]
fn request_waits_while_all_connections_are_busy() {
    let api = Api::start(|asked| Replied::ok(&asked.text()));
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let mut busy: Vec<TcpStream> = (0..256).map(|_| half_sent(&proxy, "/x")).collect();
    let before = sockets(&proxy);
    // It lacks nothing but a place.
    let mut last = begun(&proxy, "/last", "");
    last.write_all(b"abcde").unwrap();
    last.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    await_some("the last connection", || {
        assert_unanswered(&last);
        (sockets(&proxy) > before).then_some(())
    });
    // Now it is accepted.
    assert_unanswered(&last);
    assert_eq!(api.asked().len(), 0);
    last.set_read_timeout(None).unwrap();
    assert!(completed(busy.remove(0)).ends_with("abcde"));
    let mut reply = String::new();
    last.read_to_string(&mut reply).unwrap();
    assert!(reply.ends_with("abcde"), "{reply}");
    for stream in busy {
        assert!(completed(stream).ends_with("abcde"));
    }
}
