//! Records that are damaged.

use std::time::{Duration, Instant};

use oauthctl_broker::storage::Space;
use oauthctl_core::Timestamp;
use serde_json::{Value, json};

use crate::admin::{csrf_of, get, post, serve, sign_in};
use crate::authority::Authority;
use crate::receiver::Receiver;
use crate::support::{Api, Broker, Home};

fn database(home: &Home) -> rusqlite::Connection {
    let store = home.database();
    store.busy_timeout(Duration::from_secs(10)).unwrap();
    store
}

/// Damages the record of this name. No broker may be running, because it could have it in memory.
fn damage(home: &Home, space: Space, id: &str) {
    let damage = "UPDATE records SET value = substr(value, 1, length(value) - 1)
                  WHERE space = ?1 AND id LIKE ?2";
    assert_eq!(database(home).execute(damage, (space.number(), id)), Ok(1));
}

/// When the only record of a space is due.
fn due_at(home: &Home, space: Space) -> u64 {
    let query = "SELECT due_at FROM records WHERE space = ?1";
    database(home).query_row(query, [space.number()], |row| row.get(0)).unwrap()
}

/// Makes the record of a space due, and waits until it is postponed by more than this many seconds.
async fn is_postponed(home: &Home, space: Space, by: u64) {
    let update = "UPDATE records SET due_at = 1 WHERE space = ?1";
    assert_eq!(database(home).execute(update, [space.number()]), Ok(1));
    let until = Instant::now() + Duration::from_secs(30);
    while due_at(home, space) < Timestamp::now().unix() + by {
        assert!(Instant::now() < until, "{}", due_at(home, space));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A home with the tenant `acme` and the connection of `u-1` at its provider `p`.
async fn connected(authority: &Authority) -> (Home, String) {
    let home = Home::new();
    let broker = home.serve(&[]);
    let key = home.tenant("acme", &[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    (home, key)
}

/// Waits until a broker has reported a record, and checks that it has done so once.
async fn is_reported_once(broker: &Broker) {
    let until = Instant::now() + Duration::from_secs(30);
    let lines = |log: &str| log.matches("a record cannot be read").count();
    while lines(&broker.log()) == 0 {
        assert!(Instant::now() < until, "{}", broker.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = broker.log();
    assert_eq!(lines(&log), 1, "{log}");
}

async fn count_in_metrics(api: &Api) -> String {
    let metrics = api.get("/metrics").await.text;
    let line = metrics.lines().find(|line| line.starts_with("oauthctl_broker_records_unreadable"));
    line.unwrap().rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_grant_is_reported_once_and_skipped() {
    let (home, key) = connected(&Authority::start().await).await;
    damage(&home, Space::Grants, "%");
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    assert_eq!(count_in_metrics(&api).await, "0");
    for _ in 0..2 {
        is_postponed(&home, Space::Grants, 3_000).await;
        is_reported_once(&broker).await;
    }
    assert!(broker.log().contains("kind=Grants"), "{}", broker.log());
    assert_eq!(count_in_metrics(&api).await, "1");
    // It does not hide others.
    api.connect("p", "u-2").await;
    let listed = api.get("/v1/connections").await.json(200);
    assert_eq!(listed["connections"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(api.delete("/v1/connections/p/u-1").await.status, 204);
    api.connect("p", "u-1").await;
    api.token("p", "u-1").await.json(200);
    is_reported_once(&broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_tenant_is_reported_once_and_skipped() {
    let (home, key) = connected(&Authority::start().await).await;
    let other = home.tenant("beta", &[]);
    damage(&home, Space::Tenants, "acme");
    let broker = home.serve(&[]);
    // Its connections are treated as those of a disabled tenant.
    for _ in 0..2 {
        is_postponed(&home, Space::Grants, 200).await;
        is_reported_once(&broker).await;
    }
    assert_eq!(count_in_metrics(&broker.api("")).await, "1");
    broker.api(&other).get("/v1/connections").await.json(200);
    let listed = home.json(&["tenant", "list"]);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    // It is created again, with its keys and connections.
    home.tenant("acme", &[]);
    broker.api(&key).token("p", "u-1").await.json(200);
    home.run(&["tenant", "create", "acme"]).fails(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_webhook_disturbs_no_connection() {
    let authority = Authority::start().await;
    let (home, key) = connected(&authority).await;
    let (broken, other) = (Receiver::start().await, Receiver::start().await);
    let broker = home.serve(&[]);
    broken.answer_always(500);
    let put = async |broker: &Broker, name: &str, receiver: &Receiver| {
        let body = json!({ "url": receiver.url });
        broker.api(&key).put(&format!("/v1/webhooks/{name}"), &body).await
    };
    put(&broker, "broken", &broken).await.json(201);
    broker.api(&key).connect("p", "u-2").await;
    drop(broker);
    damage(&home, Space::Webhooks, "broken");
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    // The message that waits is neither sent nor tried every few seconds.
    is_postponed(&home, Space::Deliveries, 3_000).await;
    put(&broker, "other", &other).await.json(201);
    api.connect("p", "u-3").await;
    other.wait_for(1).await;
    api.token("p", "u-3").await.json(200);
    is_reported_once(&broker).await;
    assert_eq!(api.delete("/v1/webhooks/broken").await.status, 204);
    put(&broker, "broken", &broken).await.json(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_message_does_not_delay_the_next() {
    let (home, key) = connected(&Authority::start().await).await;
    let receiver = Receiver::start().await;
    receiver.answer_always(500);
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.put("/v1/webhooks/w", &json!({ "url": receiver.url })).await.json(201);
    api.connect("p", "u-1").await;
    drop(broker);
    damage(&home, Space::Deliveries, "%");
    receiver.answer_always(204);
    let broker = home.serve(&[]);
    assert_eq!(broker.api(&key).delete("/v1/connections/p/u-1").await.status, 204);
    assert_eq!(receiver.wait_for(1).await[0].kind(), "connection.revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn unreadable_provider_is_deleted_or_replaced() {
    let authority = Authority::start().await;
    let (home, key) = connected(&authority).await;
    damage(&home, Space::Providers, "p");
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    let listed = api.get("/v1/providers").await.json(200);
    assert_eq!(listed["providers"], json!([{ "provider": "p", "error": "invalid_provider" }]));
    api.get("/v1/providers/p").await.problem(422);
    api.token("p", "u-1").await.problem(422);
    is_postponed(&home, Space::Grants, 1).await;
    is_reported_once(&broker).await;
    api.delete("/v1/providers/p").await.problem(409);
    assert_eq!(api.delete("/v1/connections/p/u-1").await.status, 204);
    assert_eq!(api.delete("/v1/providers/p").await.status, 204);
    api.put("/v1/providers/p", &authority.provider()).await.json(201);
    api.connect("p", "u-1").await;
    drop(broker);
    damage(&home, Space::Providers, "p");
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.put("/v1/providers/p", &authority.provider()).await.json(200);
    api.token("p", "u-1").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_deletes_what_cannot_be_read() {
    let (home, _) = connected(&Authority::start().await).await;
    home.tenant("beta", &[]);
    damage(&home, Space::Tenants, "acme");
    let broker = serve(&home);
    let admin = format!("{}/admin", broker.url);
    let cookie = sign_in(&broker).await;
    let (status, page) = get(&admin, &cookie).await;
    assert_eq!(status, 200);
    for part in ["Records that cannot be read", "<td>Tenants</td>", "<td>acme</td>", "beta"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let csrf = csrf_of(&page);
    let url = format!("{admin}/unreadable");
    let form = |csrf: &str, id: &str| {
        format!("csrf={csrf}&space={}&tenant=&id={id}", Space::Tenants.number())
    };
    assert_eq!(post(&url, &cookie, &form("x", "acme")).await.status(), 403);
    assert_eq!(
        post(&url, &cookie, &format!("csrf={csrf}&space=99&tenant=&id=x")).await.status(),
        403
    );
    assert_eq!(
        post(&url, "", &form(&csrf, "acme")).await.status(),
        200,
        "the form asks for the key"
    );
    assert!(get(&admin, &cookie).await.1.contains("<td>acme</td>"));
    // What can be read is not deleted.
    for id in ["beta", "acme"] {
        assert_eq!(post(&url, &cookie, &form(&csrf, id)).await.status(), 303);
    }
    let page = get(&admin, &cookie).await.1;
    assert!(!page.contains("Records that cannot be read") && page.contains("beta"), "{page}");
    assert_eq!(count_in_metrics(&broker.api("")).await, "0");
    let tenants: Vec<Value> = home.json(&["tenant", "list"]).as_array().unwrap().clone();
    assert_eq!(tenants.len(), 1, "{tenants:?}");
}
