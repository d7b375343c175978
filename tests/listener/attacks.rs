//! Requests that are not the callback get an error and do not end the attempt.

use oauthctl_core::login::{Page, RejectionReason};
use tokio::net::TcpStream;

use crate::scene::*;

const QUERY: &str = "/callback?code=SECRET-CODE&state=SECRET-STATE";

/// Sends each, expects its status, and checks after each that the attempt still waits. In a
/// request, `{host}` is the listener's authority, `{port}` its port, `{q}` the callback's target,
/// and every character stands for the byte of its number.
pub async fn refused(table: &[(&str, u16, String)]) {
    let mut listener = plain().await;
    let host = authority(&listener);
    for (n, (name, status, request)) in table.iter().enumerate() {
        let port = listener.port().to_string();
        let request =
            request.replace("{host}", &host).replace("{port}", &port).replace("{q}", QUERY);
        let bytes: Vec<u8> = request.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let reply = send(address(&listener), bytes).await;
        assert_eq!(reply.status, *status, "{name}");
        still_waits(&mut listener, &format!("mark-{n}")).await;
    }
    assert_eq!(listener.rejected_count(), u64::try_from(table.len()).unwrap());
}

pub fn with_host(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: {{host}}\r\n\r\n")
}

#[tokio::test]
async fn other_paths_get_404() {
    let paths = [
        "/",
        "/favicon.ico",
        "/robots.txt",
        "/callback/",
        "/Callback",
        "//callback",
        "/callback/x",
        "/x/../callback",
        "/./callback",
        "/%63allback",
        "/callback%2f",
        "/callback;x",
        "/callbac",
        "/callback.html",
        "/json/version",
        "/.well-known/appspecific/com.chrome.devtools.json",
    ];
    let table: Vec<_> = paths
        .iter()
        .map(|path| {
            (*path, 404, with_host(&format!("GET {path}?code=SECRET-CODE&state=SECRET-STATE")))
        })
        .collect();
    refused(&table).await;
}

#[tokio::test]
async fn other_methods_are_refused() {
    let mut table: Vec<_> =
        ["OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get", "POST"]
            .iter()
            .map(|method| (*method, 405, with_host(&format!("{method} {{q}}"))))
            .collect();
    let preflight = "OPTIONS {q} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://evil.example\r\n\
                     Access-Control-Request-Method: GET\r\n\
                     Access-Control-Request-Private-Network: true\r\n\r\n";
    table.push(("preflight", 405, preflight.to_owned()));
    for media in ["application/x-www-form-urlencoded", "application/json", "multipart/form-data"] {
        let post = format!(
            "POST /callback HTTP/1.1\r\nHost: {{host}}\r\nContent-Type: {media}\r\n\
             Content-Length: 35\r\n\r\ncode=SECRET-CODE&state=SECRET-STATE"
        );
        table.push((media, 405, post));
    }
    refused(&table).await;
}

#[tokio::test]
async fn refused_method_gets_allow_and_head_has_no_body() {
    let listener = plain().await;
    let target = QUERY;
    for method in ["HEAD", "OPTIONS", "POST"] {
        let request =
            format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n\r\n", authority(&listener));
        let reply = send(address(&listener), request).await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{method}");
        assert_eq!(reply.body.is_empty(), method == "HEAD", "{method}");
    }
}

#[tokio::test]
async fn prefetching_requests_get_403() {
    let headers = [
        "Sec-Purpose: prefetch",
        "Sec-Purpose: prefetch;prerender",
        "Purpose: prefetch",
        "X-Purpose: preview",
        "X-Moz: Prefetch",
    ];
    let table: Vec<_> = headers
        .iter()
        .map(|header| {
            (*header, 403, format!("GET {{q}} HTTP/1.1\r\nHost: {{host}}\r\n{header}\r\n\r\n"))
        })
        .collect();
    refused(&table).await;
}

#[tokio::test]
async fn foreign_host_headers_are_refused() {
    let hosts = [
        "",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:",
        "127.0.0.1:0{port}",
        "127.0.0.1:{port}0",
        "127.0.0.1:{port}.",
        "127.0.0.1.:{port}",
        "localhost:{port}",
        "LOCALHOST:{port}",
        "[::1]:{port}",
        "127.1:{port}",
        "2130706433:{port}",
        "0.0.0.0:{port}",
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1:{port}@evil.example",
        "x@127.0.0.1:{port}",
        "127.0.0.1.evil.example:{port}",
        "127.0.0.1:{port}, evil.example",
        "127.0.0.1:{port}/",
        "http://127.0.0.1:{port}",
        "\u{e9}vil:{port}",
    ];
    let table: Vec<_> = hosts
        .iter()
        .map(|host| {
            // A byte that is not UTF-8 is refused before its meaning is.
            let status = if host.is_ascii() { 421 } else { 400 };
            (*host, status, format!("GET {{q}} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
        })
        .collect();
    refused(&table).await;
}

#[tokio::test]
async fn missing_or_repeated_host_is_refused() {
    let requests = [
        "GET {q} HTTP/1.1\r\n\r\n",
        "GET {q} HTTP/1.0\r\n\r\n",
        "GET {q} HTTP/1.1\r\nX-Host: {host}\r\n\r\n",
        "GET {q} HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\n\r\n",
        "GET {q} HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\n\r\n",
        "GET {q} HTTP/1.1\r\nHost: evil.example\r\nhOST: {host}\r\n\r\n",
        "GET http://evil.example{q} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET http://{host}{q} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "GET http://{host}{q} HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: {host}\r\n\r\n",
    ];
    let table: Vec<_> = requests.iter().map(|r| (*r, 400, (*r).to_owned())).collect();
    refused(&table).await;
}

#[tokio::test]
async fn hostile_or_repeated_parameters_are_refused() {
    let long = format!("code={}&state=SECRET-STATE", "x".repeat(8 * 1024 + 1));
    let queries = [
        "",
        "code=SECRET-CODE",
        "state=SECRET-STATE",
        "code=&state=SECRET-STATE",
        "code=SECRET-CODE&state=",
        "error=access_denied",
        "error=access_denied&state=",
        "access_token=SECRET-CODE&state=SECRET-STATE",
        "x",
        "code=SECRET-CODE&code=SECRET-CODE&state=SECRET-STATE",
        "code=SECRET-CODE&code=b&state=SECRET-STATE",
        "code=SECRET-CODE&c%6fde=b&state=SECRET-STATE",
        "code=SECRET-CODE&state=SECRET-STATE&state=SECRET-STATE",
        "code=SECRET-CODE&state=b&state=SECRET-STATE",
        "code=SECRET-CODE&state=SECRET-STATE&iss=a&iss=a",
        "error=a&error=a&state=SECRET-STATE",
        "code=SECRET-CODE&error=access_denied&state=SECRET-STATE",
        "error=access_denied&code=SECRET-CODE&state=SECRET-STATE",
        "error=access_denied&code=&state=SECRET-STATE",
        "code=SECRET-CODE%00&state=SECRET-STATE",
        "code=%0d%0aSECRET-CODE&state=SECRET-STATE",
        "code=SECRET-CODE%0a&state=SECRET-STATE",
        "code=SECRET-CODE%1b[0m&state=SECRET-STATE",
        "code=SECRET-CODE%7f&state=SECRET-STATE",
        "code=SECRET-CODE%c2%9b&state=SECRET-STATE",
        "code=SECRET-CODE%ff&state=SECRET-STATE",
        "code=SECRET-CODE&state=SECRET-STATE%c3",
        "code=SECRET-CODE&state=SECRET-STATE%0d",
        "error=e%1b&state=SECRET-STATE",
        "error=e%0d%0a&state=SECRET-STATE",
        "code=SECRET-CODE%09&state=SECRET-STATE",
        "code=SECRET-CODE\u{fc}&state=SECRET-STATE",
        "error=e\u{fc}&state=SECRET-STATE",
        "code=SECRET-CODE%&state=SECRET-STATE",
        "code=SECRET-CODE%2&state=SECRET-STATE",
        "code=SECRET-CODE%gg&state=SECRET-STATE",
        "code=SECRET-CODE&state=SECRET-STATE&iss=%C0%80",
        &long,
    ];
    let table: Vec<_> = queries
        .iter()
        .map(|query| (*query, 400, with_host(&format!("GET /callback?{query}"))))
        .collect();
    refused(&table).await;
}

/// Bytes that real servers put into parameters that decide nothing.
const ODD: [&[u8]; 13] = [
    b"a%0D%0Ab",
    b"a%09b",
    b"%1b]0;x%07",
    b"%00",
    b"%C2%85",
    b"%E2%80%AE",
    b"f%FCr",
    b"f\xfcr",
    b"%",
    b"100%25%",
    b"%zz",
    b"<>&\"",
    b"?",
];

#[tokio::test]
async fn odd_parameters_that_decide_nothing_are_accepted() {
    let mut listener = plain().await;
    let host = authority(&listener);
    let long = "x".repeat(20 * 1024);
    for odd in ODD.into_iter().chain([long.as_bytes()]) {
        for (name, ends) in [
            ("error_description", "error=access_denied"),
            ("error_uri", "error=access_denied"),
            ("scope", "code=SECRET-CODE"),
            ("unknown", "code=SECRET-CODE"),
        ] {
            let line = format!("GET /callback?{ends}&{name}=x&state={STATE}&{name}=");
            let request = [line.as_bytes(), odd, b" HTTP/1.1\r\nHost: ", host.as_bytes()].concat();
            let mut stream = open(address(&listener), [&request, &b"\r\n\r\n"[..]].concat()).await;
            candidate(&mut listener).await.reply(signed_in());
            let status = reply(&mut stream).await.status;
            assert_eq!(status, 200, "{name} {}", odd.escape_ascii());
        }
    }
    assert_eq!(listener.rejected_count(), 0);
}

#[tokio::test]
async fn idle_slow_and_broken_connections_do_not_block() {
    let mut listener = plain().await;
    let mut peers = Vec::new();
    for n in 0..300 {
        let part =
            ["", "G", "GET / HTTP/1.1\r\n", "GET /callback?code=a&state=b HTTP/1.1\r\nHost:"];
        peers.push(open(address(&listener), part[n % part.len()]).await);
        let broken = TcpStream::connect(address(&listener)).await.unwrap();
        broken.set_zero_linger().unwrap();
        drop(broken);
    }
    still_waits(&mut listener, "mark").await;
    drop(peers);
    assert_eq!(listener.rejected_count(), 0, "a connection without a request is none");
}

#[tokio::test]
async fn peer_that_never_ends_its_head_is_cut_off() {
    let listener = plain().await;
    let mut stream = open(address(&listener), "GET / HTTP/1.1\r\nHost: ").await;
    assert!(rest(&mut stream).await.is_empty());
}

#[tokio::test]
async fn rejected_requests_are_reported_once_without_query() {
    let mut listener = plain().await;
    for _ in 0..3 {
        send(address(&listener), get(&listener, "/favicon.ico?code=SECRET-CODE")).await;
    }
    let forged = "GET /callback HTTP/1.1\r\nHost: evil\u{9b}\r\n\r\n";
    send(address(&listener), forged).await;
    send(address(&listener), "GET /x HTTP/1.1\r\nHost: evil\r\n\r\n").await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let report = report(&mut listener).await;
        assert!(!report.to_string().contains(CODE), "{report}");
        seen.push((report.reason, report.detail));
    }
    let expected = [
        (RejectionReason::Path, "GET /favicon.ico"),
        (RejectionReason::Host, "GET /callback"),
        (RejectionReason::Host, "GET /x"),
    ];
    assert_eq!(seen, expected.map(|(reason, detail)| (reason, detail.to_owned())));
    assert_eq!(listener.rejected_count(), 5);
}

#[tokio::test]
async fn refused_state_is_counted_and_ends_no_attempt() {
    let mut listener = plain().await;
    let mut stream = open(address(&listener), callback(&listener)).await;
    candidate(&mut listener).await.refuse_state();
    let answer = reply(&mut stream).await;
    assert_eq!((answer.status, answer.body), (400, Page::NotTheCallback.html()));
    assert_eq!(report(&mut listener).await.reason, RejectionReason::State);
    assert_eq!(listener.rejected_count(), 1);
    still_waits(&mut listener, "mark").await;
}
