//! Webhooks and receivers that try to reach further.

use oauthctl_broker::storage::Space;
use serde_json::json;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn redirect_of_a_receiver_is_not_followed() {
    let (_home, _broker, api) = start_broker();
    let receiver = Receiver::start().await;
    receiver.answer_next(&[307]);
    subscribe(&api, "all", &format!("{}/hook", receiver.url)).await;
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    receiver.wait_for(1).await;
    assert!(receiver.all().iter().all(|message| message.path == "/hook"));
    assert_eq!(receiver.all()[0].status, 307);
}

#[tokio::test]
async fn webhook_on_a_private_address_is_refused() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let outside = ["--listen", "0.0.0.0:0", "--behind-proxy", "--public-url", "https://b.example"];
    let mut command = home.command(&["serve"]);
    let broker = Broker::start(command.args(outside));
    let mut api = broker.api(&key);
    api.url = api.url.replace("0.0.0.0", "127.0.0.1");
    let private = [
        "https://127.0.0.1/",
        "https://localhost/",
        "https://a.localhost./",
        "https://10.0.0.1/",
        "https://192.168.1.1:8443/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0/",
        "https://2130706433/",
        "https://0x7f.1/",
        "http://127.0.0.1/",
    ];
    for url in private {
        let answer = api.put("/v1/webhooks/a", &json!({ "url": url })).await;
        answer.problem(400);
        assert!(!answer.text.contains(url), "{url} is repeated");
    }
    drop(broker);
    let mut command = home.command(&["serve", "--allow-private-endpoints"]);
    let broker = Broker::start(command.args(outside));
    let mut api = broker.api(&key);
    api.url = api.url.replace("0.0.0.0", "127.0.0.1");
    for url in &private[..12] {
        let answer = api.put("/v1/webhooks/a", &json!({ "url": url })).await;
        assert!(answer.status == 201 || answer.status == 200, "{url}: {}", answer.text);
    }
}

#[tokio::test]
async fn hostile_webhook_bodies_are_refused() {
    let (_home, _broker, api) = start_broker();
    let long = format!("https://a.example/{}", "a".repeat(3000));
    let bodies = [
        json!({}),
        json!([]),
        json!({ "url": 1 }),
        json!({ "url": "" }),
        json!({ "url": "ftp://a.example/" }),
        json!({ "url": "http://a.example/" }),
        json!({ "url": "https://u:p@a.example/" }),
        json!({ "url": "https://a.example/#f" }),
        json!({ "url": "https://a.example/\r\nx: y" }),
        json!({ "url": "file:///etc/passwd" }),
        json!({ "url": long }),
        json!({ "url": "https://a.example/", "events": [] }),
        json!({ "url": "https://a.example/", "events": ["connection.unknown"] }),
        json!({ "url": "https://a.example/", "events": "connection.created" }),
        json!({ "url": "https://a.example/", "secret": "mine" }),
    ];
    for body in &bodies {
        api.put("/v1/webhooks/a", body).await.problem(400);
    }
    for name in ["%20", "a%2fb", "a%00", "-a", &"a".repeat(65)] {
        let put = json!({ "url": "https://a.example/" });
        let answer = api.put(&format!("/v1/webhooks/{name}"), &put).await;
        assert!([400, 404].contains(&answer.status), "{name}: {}", answer.text);
    }
    for number in 0..20 {
        subscribe(&api, &format!("w{number}"), "https://a.example/").await;
    }
    let put = json!({ "url": "https://a.example/" });
    api.put("/v1/webhooks/w20", &put).await.problem(403);
    api.put("/v1/webhooks/w19", &put).await.json(200);
    assert_eq!(api.delete("/v1/webhooks/w19").await.status, 204);
    api.delete("/v1/webhooks/w19").await.problem(404);
    api.get("/v1/webhooks/w19").await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_failure_of_a_deleted_webhook_leaves_nothing() {
    let (home, _broker, api) = start_broker();
    let receiver = Receiver::start().await;
    receiver.fall_silent();
    subscribe(&api, "all", &receiver.url).await;
    let sandbox = provider().await;
    api.provide("sandbox", sandbox.issuer()).await;
    api.connect("sandbox", "u-1").await;
    let until = Instant::now() + Duration::from_secs(60);
    while receiver.all().is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(api.delete("/v1/webhooks/all").await.status, 204);
    receiver.speak(500);
    let store = home.database();
    let count = |space: Space| {
        let query = "SELECT count(*) FROM records WHERE space = ?1";
        store.query_row(query, [space.number()], |row| row.get::<_, u32>(0)).unwrap()
    };
    // The message goes at its next turn.
    while count(Space::Deliveries) > 0 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(count(Space::Endpoints), 0);
}
