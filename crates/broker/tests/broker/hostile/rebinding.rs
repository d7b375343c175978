//! Names whose addresses change between the check and the connection.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;

use serde_json::json;

use crate::support::{Broker, Browser, Home};

const RESOLVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broker/hostile/resolver.c");

/// What the resolver answered, and where the broker connected to, while users opened links of two providers on a host.
async fn addresses_of(host: &str) -> Vec<String> {
    let home = Home::new();
    home.config("[serve]\nallow_private_endpoints = false\n");
    let key = home.tenant("acme", &[]);
    let (library, log) = (home.path().join("resolver.so"), home.path().join("addresses"));
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([library.as_os_str(), RESOLVER.as_ref(), "-ldl".as_ref()])
        .status();
    assert!(built.unwrap().success());
    let service = TcpListener::bind("127.0.0.1:0").unwrap();
    service.set_nonblocking(true).unwrap();
    let issuer = format!("https://{host}:{}", service.local_addr().unwrap().port());
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--behind-proxy"]);
    let broker = Broker::start(command.env("LD_PRELOAD", &library).env("RESOLVER_LOG", &log));
    let api = broker.api(&key);
    for name in ["first", "second"] {
        let body = json!({ "issuer": issuer, "client_id": "app" });
        api.put(&format!("/v1/providers/{name}"), &body).await.json(201);
        let link = api.link(&json!({ "provider": name, "user": "u-1" })).await;
        assert_eq!(Browser::default().open(&link).await.status, 502);
    }
    assert_eq!(service.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let log = std::fs::read_to_string(&log).unwrap();
    log.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn name_that_moves_to_loopback_is_not_followed() {
    let seen = addresses_of("rebind.example").await;
    assert_eq!(seen[..2], ["answer 1.1.1.1", "connect 1.1.1.1"]);
    assert!(seen.len() > 2);
    assert!(seen[2..].iter().all(|line| line == "answer 127.0.0.1"), "{seen:?}");
}

#[tokio::test]
async fn only_public_addresses_of_a_name_are_connected_to() {
    let seen = addresses_of("mixed.example").await;
    assert_eq!(seen[..2], ["answer both", "connect 1.1.1.1"]);
    assert!(!seen.iter().any(|line| line == "connect 127.0.0.1"), "{seen:?}");
}
