//! Names whose addresses change between the check and the connection.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Broker, Browser, Home, provider};

const RESOLVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broker/hostile/resolver.c");

/// A broker that must not reach private addresses, on a machine whose names change their addresses.
struct Scene {
    home: Home,
    broker: Broker,
    /// What nobody may connect to.
    service: TcpListener,
}

impl Scene {
    fn start(home: Home) -> Self {
        home.config("[serve]\nallow_private_endpoints = false\n");
        let library = home.path().join("resolver.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-o"])
            .args([library.as_os_str(), RESOLVER.as_ref(), "-ldl".as_ref()])
            .status();
        assert!(built.unwrap().success());
        let service = TcpListener::bind("127.0.0.1:0").unwrap();
        service.set_nonblocking(true).unwrap();
        let mut command = home.command(&["serve", "--listen", "127.0.0.1:0", "--behind-proxy"]);
        command.env("LD_PRELOAD", &library).env("RESOLVER_LOG", home.path().join("addresses"));
        let broker = Broker::start(&mut command);
        Self { home, broker, service }
    }

    /// The URL of the service under this name.
    fn url(&self, host: &str) -> String {
        format!("https://{host}:{}", self.service.local_addr().unwrap().port())
    }

    /// What the resolver answered, and where the broker connected to.
    fn seen(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.home.path().join("addresses")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// Waits until the resolver has been asked this often.
    async fn answers(&self, count: usize) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.seen().iter().filter(|line| line.starts_with("answer")).count() < count {
            assert!(Instant::now() < until, "{:?}", self.seen());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Nobody has connected to the service. Only one answer was a public address.
    #[track_caller]
    fn assert_only_the_public_address_was_tried(&self) {
        assert_eq!(self.service.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
        let mut seen = self.seen();
        // Two lookups at the same time may be logged in either order.
        for public in ["connect 1.1.1.1", "answer 1.1.1.1"] {
            let at = seen.iter().position(|line| line == public).expect("never tried");
            seen.remove(at);
        }
        assert!(!seen.is_empty() && seen.iter().all(|line| line == "answer 127.0.0.1"), "{seen:?}");
    }
}

/// A broker whose users opened links of two providers on a host.
async fn providers_on(host: &str) -> Scene {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let scene = Scene::start(home);
    let api = scene.broker.api(&key);
    for name in ["first", "second"] {
        let body = json!({ "issuer": scene.url(host), "client_id": "app" });
        api.put(&format!("/v1/providers/{name}"), &body).await.json(201);
        let link = api.link(&json!({ "provider": name, "user": "u-1" })).await;
        assert_eq!(Browser::default().open(&link).await.status, 502);
    }
    scene
}

#[tokio::test]
async fn name_that_moves_to_loopback_is_not_followed() {
    providers_on("rebind.example").await.assert_only_the_public_address_was_tried();
}

#[tokio::test]
async fn only_public_addresses_of_a_name_are_connected_to() {
    let scene = providers_on("mixed.example").await;
    assert_eq!(scene.service.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let seen = scene.seen();
    assert_eq!(seen[..2], ["answer both", "connect 1.1.1.1"]);
    assert!(!seen.iter().any(|line| line == "connect 127.0.0.1"), "{seen:?}");
}

#[tokio::test]
async fn webhook_on_a_name_that_moves_is_not_followed() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let open = home.serve(&[]);
    open.api(&key).provide("sandbox", sandbox.issuer()).await;
    open.api(&key).connect("sandbox", "u-1").await;
    drop(open);
    let scene = Scene::start(home);
    let api = scene.broker.api(&key);
    for name in ["first", "second"] {
        let body = json!({ "url": scene.url("rebind.example") });
        api.put(&format!("/v1/webhooks/{name}"), &body).await.json(201);
    }
    // The end of the connection is reported to both.
    assert_eq!(api.delete("/v1/connections/sandbox/u-1").await.status, 204);
    scene.answers(2).await;
    for name in ["first", "second"] {
        let until = Instant::now() + Duration::from_secs(30);
        let path = format!("/v1/webhooks/{name}");
        while api.get(&path).await.json(200)["last_failure"].is_null() {
            assert!(Instant::now() < until, "{name} was never sent");
        }
    }
    scene.assert_only_the_public_address_was_tried();
}

#[tokio::test]
async fn rule_on_a_name_that_moves_is_not_followed() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let scene = Scene::start(home);
    let api = scene.broker.api(&key);
    let provider = json!({
        "client_id": "app",
        "authorization_endpoint": "https://login.example/authorize",
        "token_endpoint": "https://login.example/token",
    });
    api.put("/v1/providers/p", &provider).await.json(201);
    let rule = json!({ "callback": scene.url("rebind.example") });
    api.put("/v1/rules/authorization", &rule).await.json(201);
    for user in ["u-1", "u-2"] {
        let link = api.link(&json!({ "provider": "p", "user": user })).await;
        let mut browser = Browser::default();
        let sent = browser.open(&link).await;
        let request = url::Url::parse(sent.header("location")).unwrap();
        let of =
            |name: &str| request.query_pairs().find(|(n, _)| n == name).unwrap().1.into_owned();
        // The rule is asked before the code is redeemed.
        let back = format!("{}?code=c&state={}", of("redirect_uri"), of("state"));
        assert_eq!(browser.open(&back).await.status, 502);
    }
    scene.assert_only_the_public_address_was_tried();
}
