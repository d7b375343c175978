//! Malformed, ambiguous and too large requests, and requests hidden behind them.

use tokio::io::AsyncWriteExt;

use crate::attacks::{refused, with_host};
use crate::scene::*;

/// Heads without their `Host`, each with a flaw.
const HEADS: &[&str] = &[
    "GET {q} HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "POST {q} HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "GET {q} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
    "GET {q} HTTP/1.1\r\nTransfer-Encoding: identity\r\n",
    "GET {q} HTTP/1.1\r\ntransfer-encoding: xchunked\r\n",
    "GET {q} HTTP/1.1\r\nTransfer-Encoding:\u{b}chunked\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: 5\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 0\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: 0, 0\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: +0\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: -1\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: 0x0\r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: \r\n",
    "GET {q} HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n",
    "GET {q} HTTP/1.1\r\nExpect: 100-continue\r\n",
    "GET {q} HTTP/1.1\r\nX: a\r\n b\r\n",
    "GET {q} HTTP/1.1\r\nX: a\r\n\tb\r\n",
    "GET {q} HTTP/1.1\r\n X: a\r\n",
    "GET {q} HTTP/1.1\r\nX : a\r\n",
    "GET {q} HTTP/1.1\r\nX\r\n",
    "GET {q} HTTP/1.1\r\n: a\r\n",
    "GET {q} HTTP/1.1\r\nX(y): a\r\n",
    "GET {q} HTTP/1.1\r\nX: a\nY: b\r\n",
    "GET {q} HTTP/1.1\r\nX: a\rY: b\r\n",
    "GET {q} HTTP/1.1\r\nX: a\r\r\n",
    "GET {q} HTTP/1.1\r\nX: a\u{0}b\r\n",
    "GET {q} HTTP/1.1\r\nX\u{e4}: a\r\n",
    "GET {q}\u{0} HTTP/1.1\r\n",
    "GET {q}\u{e4} HTTP/1.1\r\n",
    "GET {q}#x HTTP/1.1\r\n",
    "GET {q} x HTTP/1.1\r\n",
    "GET  {q} HTTP/1.1\r\n",
    "GET\t{q} HTTP/1.1\r\n",
    "GET {q} HTTP/1.1 \r\n",
    " GET {q} HTTP/1.1\r\n",
    "\r\nGET {q} HTTP/1.1\r\n",
    "GET {q} HTTP/1.2\r\n",
    "GET {q} HTTP/2.0\r\n",
    "GET {q} http/1.1\r\n",
    "GET {q}\r\n",
    "G@T {q} HTTP/1.1\r\n",
    "GET callback?code=SECRET-CODE&state=SECRET-STATE HTTP/1.1\r\n",
    "PRI * HTTP/2.0\r\n",
];

#[tokio::test]
async fn ambiguous_requests_get_400() {
    let mut table: Vec<_> =
        HEADS.iter().map(|h| (*h, 400, format!("{h}Host: {{host}}\r\n\r\n"))).collect();
    for whole in [
        "GET {q} HTTP/1.1\nHost: {host}\n\n",
        "GET {q} HTTP/1.1\r\nHost: {host}\n\r\n",
        "GET {q} HTTP/1.1\r\nHost: {host}\r\n\n",
        "GET {q}\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "\u{0}",
    ] {
        table.push((whole, 400, whole.to_owned()));
    }
    refused(&table).await;
}

#[tokio::test]
async fn heads_over_the_limits_get_400() {
    let long = "x".repeat(65 * 1024);
    let line = "x".repeat(33 * 1024);
    let many = "X: y\r\n".repeat(100);
    let table = [
        ("long header", 400, format!("GET {{q}} HTTP/1.1\r\nHost: {{host}}\r\nX: {long}\r\n\r\n")),
        ("long header without end", 400, format!("GET {{q}} HTTP/1.1\r\nX: {long}")),
        ("long target", 400, with_host(&format!("GET {{q}}&x={line}"))),
        ("long method", 400, line.clone()),
        ("many headers", 400, format!("GET {{q}} HTTP/1.1\r\nHost: {{host}}\r\n{many}\r\n")),
    ];
    refused(&table).await;
}

/// Other programs on this host leave cookies, and no field that is not used is a reason to refuse.
#[tokio::test]
async fn fields_that_are_not_used_may_hold_anything() {
    let mut listener = plain().await;
    let host = authority(&listener);
    let cookies = "name=0123456789abcdef; ".repeat(2 * 1024);
    for field in [
        [b"Cookie: ", cookies.as_bytes()].concat(),
        b"Cookie: city=M\xfcnchen".to_vec(),
        b"Cookie: a=\x1b[31m\x01\x7f".to_vec(),
        b"Referer: http://localhost/\xe4".to_vec(),
        b"Content-Type: \xff".to_vec(),
        b"Sec-Purpose: \xff".to_vec(),
    ] {
        let line = format!("GET /callback?code={CODE}&state={STATE} HTTP/1.1\r\nHost: {host}\r\n");
        let request = [line.as_bytes(), &field, b"\r\n\r\n"].concat();
        let mut stream = open(address(&listener), request).await;
        candidate(&mut listener).await.reply(signed_in());
        assert_eq!(reply(&mut stream).await.status, 200, "{}", field.escape_ascii());
    }
    assert_eq!(listener.rejected_count(), 0);
}

#[tokio::test]
async fn bytes_after_a_request_are_ignored() {
    let mut listener = plain().await;
    let good = callback(&listener);
    let smuggled = get(&listener, "/callback?code=smuggled&state=x");
    for bad in ["GET / HTTP/1.1\r\nHost: x\n\r\n".to_owned(), get(&listener, "/favicon.ico")] {
        let raw = rest(&mut open(address(&listener), format!("{bad}{smuggled}")).await).await;
        assert_eq!(String::from_utf8_lossy(&raw).matches("HTTP/1.1 ").count(), 1);
    }
    let chunked = format!(
        "POST /callback HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{smuggled}",
        authority(&listener),
        smuggled.len()
    );
    assert_eq!(send(address(&listener), chunked).await.status, 405);
    let mut stream = open(address(&listener), format!("{good}{smuggled}")).await;
    let first = candidate(&mut listener).await;
    assert_eq!(first.parameters().get("code"), Some(CODE));
    first.reply(signed_in());
    let raw = rest(&mut stream).await;
    assert_eq!(String::from_utf8_lossy(&raw).matches("HTTP/1.1 ").count(), 1);
    still_waits(&mut listener, "mark").await;
}

#[tokio::test]
async fn endless_header_is_neither_stored_nor_waited_for() {
    let mut listener = plain().await;
    let mut stream = open(address(&listener), "GET / HTTP/1.1\r\nX: ").await;
    let chunk = vec![b'x'; 64 * 1024];
    let mut written = 0_usize;
    let flood = async {
        while written < 100 * 1024 * 1024 {
            match stream.write(&chunk).await {
                Ok(count) => written += count,
                Err(_) => break,
            }
        }
    };
    guard("the flood", flood).await;
    // What it discards, and what the sockets' buffers hold; never the whole.
    assert!(written < 64 * 1024 * 1024, "{written}");
    still_waits(&mut listener, "mark").await;
}
