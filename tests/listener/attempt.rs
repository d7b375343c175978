//! The lifecycle of an attempt: candidates, replies, the end.

use std::time::Duration;

use oauthctl_core::login::{Listener, Page};
use tokio::net::TcpStream;

use crate::scene::*;

#[tokio::test]
async fn candidate_brings_its_parameters_decoded_once() {
    let mut listener = plain().await;
    let target = "/callback?code=a%252Fb%2B+c&state=s&iss=https%3A%2F%2Fas.example&realmId=9&x=&y";
    let mut stream = open(address(&listener), get(&listener, target)).await;
    let candidate = candidate(&mut listener).await;
    let expected = [
        ("code", "a%2Fb+ c"),
        ("state", "s"),
        ("iss", "https://as.example"),
        ("realmId", "9"),
        ("x", ""),
        ("y", ""),
    ];
    assert_eq!(candidate.parameters().iter().collect::<Vec<_>>(), expected);
    candidate.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200);
}

#[tokio::test]
async fn denial_is_a_candidate_with_its_description() {
    let mut listener = plain().await;
    let target = "/callback?error=access_denied&error_description=no%20%3Cb%3E&state=s";
    let mut stream = open(address(&listener), get(&listener, target)).await;
    let candidate = candidate(&mut listener).await;
    assert_eq!(candidate.parameters().get("error_description"), Some("no <b>"));
    candidate.reply(Page::Denied { to: "demo".to_owned(), reason: Some("no <b>".to_owned()) });
    let reply = reply(&mut stream).await;
    assert_eq!(reply.status, 403);
    assert!(reply.body.contains("no &lt;b&gt;"), "{}", reply.body);
}

#[tokio::test]
async fn head_sent_byte_by_byte_is_a_request() {
    let mut listener = plain().await;
    let request = callback(&listener);
    let mut stream = open(address(&listener), "").await;
    stream.set_nodelay(true).unwrap();
    for byte in request.as_bytes() {
        tokio::io::AsyncWriteExt::write_all(&mut stream, &[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    candidate(&mut listener).await.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200);
}

#[tokio::test]
async fn peer_that_has_ended_its_half_gets_its_page() {
    let mut listener = plain().await;
    let mut stream = open(address(&listener), callback(&listener)).await;
    tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
    candidate(&mut listener).await.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200);
}

#[tokio::test]
async fn page_is_held_until_the_caller_decides() {
    let mut listener = plain().await;
    let mut stream = open(address(&listener), callback(&listener)).await;
    let candidate = candidate(&mut listener).await;
    // Other requests are answered meanwhile, so an early page would be here by now.
    for _ in 0..5 {
        assert_eq!(send(address(&listener), get(&listener, "/x")).await.status, 404);
    }
    let early = stream.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
    candidate.reply(signed_in());
    assert_eq!(reply(&mut stream).await.body, signed_in().html());
}

#[tokio::test]
async fn dropped_candidate_shows_an_interruption() {
    let mut listener = plain().await;
    let mut stream = open(address(&listener), callback(&listener)).await;
    drop(candidate(&mut listener).await);
    assert_eq!(reply(&mut stream).await.body, Page::Interrupted.html());
    still_waits(&mut listener, "mark").await;
}

#[tokio::test]
async fn each_of_32_equal_callbacks_is_offered_once() {
    let mut listener = plain().await;
    let mut streams = Vec::new();
    for _ in 0..32 {
        streams.push(open(address(&listener), callback(&listener)).await);
    }
    candidate(&mut listener).await.reply(signed_in());
    for _ in 1..32 {
        candidate(&mut listener).await.reply(Page::Over);
    }
    let mut statuses = Vec::new();
    for stream in &mut streams {
        statuses.push(reply(stream).await.status);
    }
    statuses.sort_unstable();
    assert_eq!((statuses[0], &statuses[1..]), (200, [410; 31].as_slice()));
    still_waits(&mut listener, "mark").await;
}

#[tokio::test]
async fn candidate_beyond_the_queue_is_turned_away() {
    let mut listener = plain().await;
    let mut streams = Vec::new();
    for _ in 0..60 {
        streams.push(open(address(&listener), callback(&listener)).await);
    }
    // The last ones find a full queue, because nothing has read it.
    let turned_away = streams.split_off(48);
    for mut stream in turned_away {
        let reply = reply(&mut stream).await;
        assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")));
    }
    for _ in 0..48 {
        candidate(&mut listener).await.reply(Page::Over);
    }
    for mut stream in streams {
        assert_eq!(reply(&mut stream).await.status, 410);
    }
    still_waits(&mut listener, "mark").await;
}

async fn is_closed(address: std::net::SocketAddr) -> bool {
    TcpStream::connect(address).await.is_err()
}

#[tokio::test]
async fn end_closes_the_port_and_every_connection() {
    let mut listener = listen("http://localhost/callback", Default::default()).await;
    let addresses = listener.addresses().to_vec();
    let mut idle = Vec::new();
    for part in ["", "GET / HTT", "GET /callback?code=a&state=b HTTP/1.1\r\n"] {
        idle.push(open(addresses[0], part).await);
    }
    let mut stream = open(addresses[0], callback(&listener)).await;
    candidate(&mut listener).await.reply(signed_in());
    guard("close", listener.close(Duration::from_secs(1))).await;
    assert_eq!(reply(&mut stream).await.status, 200, "the page was on its way");
    for stream in &mut idle {
        assert!(rest(stream).await.is_empty());
    }
    for address in addresses {
        assert!(is_closed(address).await, "{address}");
    }
}

#[tokio::test]
async fn waiting_candidates_learn_that_the_login_is_over() {
    let mut listener = plain().await;
    let mut streams = Vec::new();
    for _ in 0..4 {
        streams.push(open(address(&listener), callback(&listener)).await);
    }
    let first = candidate(&mut listener).await;
    // Each of these ends behind the callbacks before it, which are queued by then.
    for _ in 0..5 {
        send(address(&listener), get(&listener, "/x")).await;
    }
    first.reply(signed_in());
    guard("close", listener.close(Duration::from_secs(1))).await;
    let mut statuses = Vec::new();
    for stream in &mut streams {
        statuses.push(reply(stream).await.status);
    }
    assert_eq!(statuses, [200, 410, 410, 410]);
}

#[tokio::test]
async fn unanswered_candidate_does_not_delay_the_end() {
    let mut listener = plain().await;
    let address = address(&listener);
    let _stream = open(address, callback(&listener)).await;
    let _candidate = candidate(&mut listener).await;
    guard("close", listener.close(Duration::from_secs(3600))).await;
    assert!(is_closed(address).await);
}

#[tokio::test]
async fn peer_that_never_reads_does_not_keep_the_end_up() {
    let mut listener = plain().await;
    let address = address(&listener);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    let request = callback(&listener);
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    candidate(&mut listener).await.reply(signed_in());
    guard("close", listener.close(Duration::from_secs(3600))).await;
    assert!(is_closed(address).await);
}

#[tokio::test]
async fn dropped_listener_leaves_nothing_behind() {
    let mut listener = plain().await;
    let address = address(&listener);
    let mut idle = open(address, "GET").await;
    let mut held = open(address, callback(&listener)).await;
    let candidate = candidate(&mut listener).await;
    drop(listener);
    assert!(rest(&mut idle).await.is_empty() && rest(&mut held).await.is_empty());
    assert!(is_closed(address).await);
    candidate.reply(Page::Over);
}

#[test]
fn runtime_may_end_before_its_listener() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (listener, stream): (Listener, TcpStream) = runtime.block_on(async {
        let mut listener = plain().await;
        let stream = open(address(&listener), callback(&listener)).await;
        let _candidate = candidate(&mut listener).await;
        (listener, stream)
    });
    drop(runtime);
    drop((listener, stream));
}
