//! A listener to attack, and a badly behaved client.

use std::net::SocketAddr;
use std::time::Duration;

use oauthctl_core::login::{Candidate, Event, ListenOptions, Listener, Page, RejectedRequest};
use oauthctl_core::profile::RedirectUri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub use crate::support::Reply;

/// Must appear in no answer.
pub const CODE: &str = "SECRET-CODE";
/// Must appear in no answer.
pub const STATE: &str = "SECRET-STATE";

/// Ends a test that hangs; no test depends on its length.
pub async fn guard<T>(what: &str, future: impl Future<Output = T>) -> T {
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| panic!("{what} never ended"))
}

pub fn redirect(text: &str) -> RedirectUri {
    text.parse().unwrap()
}

pub async fn listen(text: &str, options: ListenOptions) -> Listener {
    Listener::bind(&[redirect(text)], None, options).await.unwrap()
}

/// A listener on an ephemeral port of 127.0.0.1 with the path `/callback`.
pub async fn plain() -> Listener {
    listen("http://127.0.0.1/callback", ListenOptions::default()).await
}

pub fn address(listener: &Listener) -> SocketAddr {
    listener.addresses()[0]
}

/// The authority that requests must name.
pub fn authority(listener: &Listener) -> String {
    let rest = listener.redirect_uri().strip_prefix("http://").unwrap();
    rest.split('/').next().unwrap().to_owned()
}

pub fn get(listener: &Listener, target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", authority(listener))
}

/// The true callback.
pub fn callback(listener: &Listener) -> String {
    get(listener, &format!("/callback?code={CODE}&state={STATE}"))
}

/// Checks what holds for every answer.
fn checked(raw: &[u8]) -> Reply {
    assert!(std::str::from_utf8(raw).is_ok(), "an answer in UTF-8");
    let reply = Reply::parse(raw).unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(raw)));
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("cross-origin-opener-policy", "same-origin"),
        ("connection", "close"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{reply:?}");
    }
    let policy = reply.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'; frame-ancestors 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, _) in &reply.headers {
        assert!(!name.starts_with("access-control-"), "{reply:?}");
        assert!(name != "set-cookie" && name != "location", "{reply:?}");
    }
    let all = format!("{reply:?}");
    assert!(!all.contains(CODE) && !all.contains(STATE), "{all}");
    reply
}

/// Opens a connection and writes these bytes.
pub async fn open(address: SocketAddr, bytes: impl AsRef<[u8]>) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A refusal may close the connection before all is written.
    let _ = stream.write_all(bytes.as_ref()).await;
    stream
}

/// All that comes until the connection ends, by whatever means.
pub async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let (mut raw, mut chunk) = (Vec::new(), [0; 4096]);
    let all = async {
        while let Ok(count @ 1..) = stream.read(&mut chunk).await {
            raw.extend_from_slice(&chunk[..count]);
        }
    };
    guard("the connection", all).await;
    raw
}

pub async fn reply(stream: &mut TcpStream) -> Reply {
    checked(&rest(stream).await)
}

pub async fn send(address: SocketAddr, bytes: impl AsRef<[u8]>) -> Reply {
    reply(&mut open(address, bytes).await).await
}

/// The next candidate, whatever requests are rejected before it.
pub async fn candidate(listener: &mut Listener) -> Candidate {
    loop {
        if let Event::Candidate(candidate) =
            guard("the wait for a candidate", listener.next()).await
        {
            return candidate;
        }
    }
}

/// The next report, which no candidate may precede.
pub async fn report(listener: &mut Listener) -> RejectedRequest {
    match guard("the wait for a report", listener.next()).await {
        Event::Rejected(report) => report,
        Event::Candidate(candidate) => panic!("{candidate:?}"),
    }
}

pub fn signed_in() -> Page {
    Page::SignedIn { to: "demo".to_owned(), identity: Some("ada".to_owned()) }
}

/// Sends the real callback with its own code, and checks that it is the next candidate: the attempt is
/// still active, and no earlier request was accepted as a response.
pub async fn still_waits(listener: &mut Listener, mark: &str) {
    let request = get(listener, &format!("/callback?code={mark}&state={STATE}"));
    let mut stream = open(address(listener), request).await;
    let candidate = candidate(listener).await;
    assert_eq!(candidate.parameters().get("code"), Some(mark));
    candidate.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200, "{mark}");
}
