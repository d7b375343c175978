//! A tenant whose servers are slow beside another tenant.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oauthctl_broker::flow::Place;
use oauthctl_broker::keys::MasterKey;
use oauthctl_broker::storage::{Location, Usage, open};
use oauthctl_broker::vault::{Terms, Vault};
use oauthctl_core::{Grant, Secret, Timestamp};
use serde_json::json;

use crate::authority::Authority;
use crate::receiver::Receiver;
use crate::support::{Home, provider};

/// More connections than an instance refreshes at the same time.
const MANY: usize = 800;

/// Opens the store of a home, whether or not a broker is running.
pub async fn vault_of(home: &Home) -> Vault {
    let location = Location::Sqlite(home.path().join("state/broker.db"));
    let storage = open(&location, Usage::Administer).await.unwrap();
    let key = std::fs::read_to_string(home.path().join("config/broker.key")).unwrap();
    Vault::open(storage, MasterKey::parse(key.trim(), "the key").unwrap()).await.unwrap()
}

/// Adds copies of the connection of `u-1` whose refresh has been due for this many seconds.
async fn fill(vault: &Arc<Vault>, tenant: &str, provider: &str, count: usize, since: u64) {
    let one = Place::new(tenant, provider, "u-1").grant(vault);
    let first: Grant = vault.get(&one).await.unwrap().unwrap().document;
    let login = first.tokens.refresh_token.as_ref().unwrap().expose().to_owned();
    let login: usize = login.split('-').nth(1).unwrap().parse().unwrap();
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (vault, mut grant) = (Arc::clone(vault), first.clone());
            let place = Place::new(tenant, provider, format!("c-{number}"));
            grant.key = place.grant_key();
            grant.id = format!("g_{provider}_{number}");
            let token = format!("rt-{}-1", login + 1 + number);
            grant.tokens.refresh_token = Some(Secret::new(token));
            let due_at = Some(Timestamp::now().unix() - since);
            let terms = Terms { due_at, ..Terms::default() };
            tokio::spawn(async move { vault.put(place.grant(&vault), &grant, terms).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_provider_delays_no_other_tenant() {
    let home = Home::new();
    let keys = ["acme", "beta"].map(|name| home.tenant(name, &[]));
    let (slow, also_slow) = (Authority::start().await, Authority::start().await);
    let other = Authority::start().await;
    let broker = home.serve(&[]);
    let [acme, beta] = keys.map(|key| broker.api(&key));
    for (api, name, authority) in
        [(&acme, "p", &slow), (&acme, "q", &also_slow), (&beta, "p", &other)]
    {
        api.put(&format!("/v1/providers/{name}"), &authority.provider()).await.json(201);
        api.connect(name, "u-1").await;
        authority.memory().logins.resize(MANY, Some(1));
    }
    drop(broker);
    let vault = Arc::new(vault_of(&home).await);
    fill(&vault, "acme", "p", MANY / 2, 100).await;
    fill(&vault, "acme", "q", MANY / 2, 100).await;
    fill(&vault, "beta", "p", 1, 1).await;
    for authority in [&slow, &also_slow] {
        let mut memory = authority.memory();
        (memory.delay, memory.ended) = (Duration::from_secs(3_600), 0);
    }
    let _broker = home.serve(&[]);
    other.receives(1).await;
    // No refresh of `acme` has ended.
    for authority in [&slow, &also_slow] {
        assert!(authority.refreshes() > 0);
        let ended = authority.memory().ended;
        assert_eq!(ended, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_receiver_delays_no_other_tenant() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let [acme, beta] = ["acme", "beta"].map(|name| broker.api(&home.tenant(name, &[])));
    let sandbox = provider().await;
    for api in [&acme, &beta] {
        api.provide("sandbox", sandbox.issuer()).await;
    }
    let (slow, other) = (Receiver::start().await, Receiver::start().await);
    slow.fall_silent();
    let users: Vec<_> = (0..8).map(|user| format!("u-{user}")).collect();
    for user in &users {
        acme.connect("sandbox", user).await;
    }
    beta.connect("sandbox", "u-1").await;
    // More messages than the broker sends at the same time.
    for number in 0..10 {
        let url = json!({ "url": format!("{}/{number}", slow.url) });
        acme.put(&format!("/v1/webhooks/w-{number}"), &url).await.json(201);
    }
    beta.put("/v1/webhooks/w", &json!({ "url": other.url })).await.json(201);
    for user in &users {
        acme.delete(&format!("/v1/connections/sandbox/{user}")).await;
    }
    let until = Instant::now() + Duration::from_secs(30);
    while slow.all().len() < 64 {
        assert!(Instant::now() < until, "only {} messages wait", slow.all().len());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    beta.delete("/v1/connections/sandbox/u-1").await;
    other.wait_for(1).await;
    // No delivery to `acme` has ended.
    assert_eq!(slow.ended(), 0);
}
