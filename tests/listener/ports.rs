//! Addresses, ports, and conflicts with other programs.

use std::collections::HashSet;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use oauthctl_core::login::{ListenOptions, Listener};
use oauthctl_core::{Advice, ErrorKind};
use tokio::net::TcpStream;

use crate::scene::*;

/// The callback at this path, through every address, with the Host that the URI names.
async fn answers(listener: &mut Listener, path: &str) {
    for address in listener.addresses().to_vec() {
        let request = get(listener, &format!("{path}?code={CODE}&state={STATE}"));
        let mut stream = open(address, request).await;
        candidate(listener).await.reply(signed_in());
        assert_eq!(reply(&mut stream).await.status, 200, "{address}");
    }
}

fn v4(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// Whether the machine that runs the tests has the second family.
fn has_v6() -> bool {
    TcpListener::bind(v6(0)).is_ok()
}

fn v6(port: u16) -> SocketAddr {
    (Ipv6Addr::LOCALHOST, port).into()
}

#[tokio::test]
async fn port_is_inserted_and_nothing_else_changes() {
    for (text, path) in [
        ("http://127.0.0.1/callback", "/callback"),
        ("http://127.0.0.1/", "/"),
        ("http://127.0.0.1", "/"),
        ("http://[::1]/callback", "/callback"),
        ("http://localhost/oauth/v2/Callback", "/oauth/v2/Callback"),
        ("http://localhost", "/"),
        ("http://localhost/a%2Fb;c", "/a%2Fb;c"),
    ] {
        if text.contains("[::1]") && !has_v6() {
            continue;
        }
        let mut listener = listen(text, ListenOptions::default()).await;
        let host = text.split('/').nth(2).unwrap();
        let expected = text.replacen(host, &format!("{host}:{}", listener.port()), 1);
        assert_eq!(listener.redirect_uri(), expected);
        answers(&mut listener, path).await;
    }
}

#[tokio::test]
async fn only_the_loopback_addresses_of_the_host_are_bound() {
    let (four, six) = (v4(0).ip(), v6(0).ip());
    for (text, expected) in [
        ("http://127.0.0.1/cb", vec![four]),
        ("http://[::1]/cb", vec![six]),
        ("http://localhost/cb", vec![four, six]),
    ] {
        let expected: Vec<_> =
            expected.into_iter().filter(|host| host.is_ipv4() || has_v6()).collect();
        if expected.is_empty() {
            continue;
        }
        let listener = listen(text, ListenOptions::default()).await;
        let ports: HashSet<u16> = listener.addresses().iter().map(|a| a.port()).collect();
        let hosts: Vec<_> = listener.addresses().iter().map(|a| a.ip()).collect();
        assert_eq!(hosts, expected, "{text}");
        assert_eq!(ports, HashSet::from([listener.port()]), "one port for all");
    }
}

#[tokio::test]
async fn localhost_listener_takes_localhost_only() {
    let mut listener = listen("http://localhost/callback", ListenOptions::default()).await;
    let port = listener.port();
    for host in [format!("127.0.0.1:{port}"), format!("[::1]:{port}"), "localhost".to_owned()] {
        let request =
            format!("GET /callback?code={CODE}&state={STATE} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(send(address(&listener), request).await.status, 421, "{host}");
    }
    still_waits(&mut listener, "mark").await;
}

#[tokio::test]
async fn every_attempt_has_a_port_of_its_own() {
    let mut listeners = Vec::new();
    for _ in 0..20 {
        listeners.push(plain().await);
    }
    let ports: HashSet<u16> = listeners.iter().map(Listener::port).collect();
    assert_eq!(ports.len(), 20);
}

/// A port that is free on both families, with the given address taken by another program.
fn squat(make: impl Fn(u16) -> SocketAddr) -> (TcpListener, u16) {
    loop {
        let socket = TcpListener::bind(make(0)).unwrap();
        let port = socket.local_addr().unwrap().port();
        let other = if make(0).is_ipv4() { v6(port) } else { v4(port) };
        if !has_v6() || TcpListener::bind(other).is_ok() {
            return (socket, port);
        }
    }
}

async fn bind_error(text: &str) -> oauthctl_core::Error {
    match Listener::bind(&[redirect(text)], None, ListenOptions::default()).await {
        Ok(listener) => panic!("{text} was bound: {:?}", listener.addresses()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn port_in_use_on_either_family_stops_the_login() {
    for make in [v4, v6].into_iter().take(1 + usize::from(has_v6())) {
        let (squatter, port) = squat(make);
        let error = bind_error(&format!("http://localhost:{port}/callback")).await;
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains(&port.to_string()), "{error}");
        assert_eq!(error.advice(), [Advice::FreePorts(vec![port.to_string()])]);
        // The half that was free has been given back.
        for address in [v4(port), v6(port)].into_iter().take(1 + usize::from(has_v6())) {
            let squatted = address == squatter.local_addr().unwrap();
            assert_eq!(TcpListener::bind(address).is_err(), squatted, "{address}");
        }
    }
}

#[tokio::test]
async fn squatter_on_a_wildcard_stops_a_fixed_port() {
    let (_squatter, port) = squat(|port| (Ipv4Addr::UNSPECIFIED, port).into());
    for host in ["127.0.0.1", "localhost"] {
        bind_error(&format!("http://{host}:{port}/callback")).await;
    }
}

#[tokio::test]
async fn fixed_port_in_use_is_an_error() {
    let (squatter, port) = squat(v4);
    let text = format!("http://127.0.0.1:{port}/callback");
    bind_error(&text).await;
    drop(squatter);
    let mut listener = listen(&text, ListenOptions::default()).await;
    assert_eq!(listener.redirect_uri(), text);
    answers(&mut listener, "/callback").await;
}

#[tokio::test]
async fn first_uri_with_a_free_port_is_used() {
    let (_first, taken) = squat(v4);
    let (second, free) = squat(v4);
    let uris = [taken, free].map(|port| redirect(&format!("http://127.0.0.1:{port}/callback")));
    let error = Listener::bind(&uris, None, ListenOptions::default()).await.unwrap_err();
    let ports = [taken, free].map(|port| port.to_string());
    assert!(ports.iter().all(|port| error.message().contains(port)), "{error}");
    assert_eq!(error.advice(), [Advice::FreePorts(ports.to_vec())]);
    drop(second);
    let listener = Listener::bind(&uris, None, ListenOptions::default()).await.unwrap();
    assert_eq!(listener.redirect_uri(), uris[1].text);
    let error = Listener::bind(&[], None, ListenOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn port_of_the_command_line_counts_for_every_uri() {
    for text in ["http://localhost/cb", "http://localhost:1/cb"] {
        let (squatter, port) = squat(v4);
        let options = ListenOptions::default();
        assert!(Listener::bind(&[redirect(text)], Some(port), options).await.is_err());
        drop(squatter);
        let listener = Listener::bind(&[redirect(text)], Some(port), options).await.unwrap();
        assert_eq!(listener.redirect_uri(), format!("http://localhost:{port}/cb"));
    }
}

#[tokio::test]
async fn nobody_can_share_the_port() {
    let listener = listen("http://localhost/callback", ListenOptions::default()).await;
    for address in listener.addresses() {
        assert!(TcpListener::bind(address).is_err(), "{address}");
        #[cfg(unix)]
        {
            let socket = match address {
                SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4(),
                SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6(),
            };
            let socket = socket.unwrap();
            socket.set_reuseport(true).unwrap();
            socket.set_reuseaddr(true).unwrap();
            let shared = socket.bind(*address).and_then(|()| socket.listen(1));
            assert!(shared.is_err(), "{address}");
        }
    }
}

#[tokio::test]
async fn port_can_be_used_again_at_once() {
    let mut listener = plain().await;
    let port = listener.port();
    let mut stream = open(address(&listener), callback(&listener)).await;
    candidate(&mut listener).await.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200);
    listener.close(std::time::Duration::from_secs(1)).await;
    let text = format!("http://127.0.0.1:{port}/callback");
    still_waits(&mut listen(&text, ListenOptions::default()).await, "mark").await;
    assert!(TcpStream::connect(v4(port)).await.is_err());
}

#[tokio::test]
async fn host_of_a_sole_family_is_served_there() {
    let options = ListenOptions { other_family: true, ..ListenOptions::default() };
    let mut listener = listen("http://127.0.0.1/callback", options).await;
    let has_v4 = TcpListener::bind(v4(0)).is_ok();
    assert_eq!(address(&listener).is_ipv4(), has_v4, "moved only where there is no IPv4");
    still_waits(&mut listener, "mark").await;
}
