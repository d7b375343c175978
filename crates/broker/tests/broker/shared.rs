//! Several instances on one store.

use std::time::{Duration, Instant};

use oauthctl_sandbox::SandboxOptions;
use serde_json::json;

use crate::admin;
use crate::databases;
use crate::quotas::parallel::callbacks_at_once;
use crate::support::{Broker, Browser, Home, provider, provider_with, run, token_requests};

/// Two instances, as they would run on two hosts: they share the store and the master key, nothing else.
struct Pair {
    homes: [Home; 2],
    brokers: [Broker; 2],
    key: String,
}

const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

impl Pair {
    fn start(store: &str, redirects: &[&str]) -> Self {
        let homes = [Home::new(), Home::new()];
        homes.iter().for_each(|home| home.set_store(store));
        let mut create = homes[0].command(&["--json", "tenant", "create", "acme"]);
        for url in redirects {
            create.args(["--allow-redirect", url]);
        }
        let created = run(create.env("OAUTHCTL_MASTER_KEY", MASTER_KEY)).ok().json();
        let key = created["api_key"].as_str().unwrap().to_owned();
        let serve = |home: &Home, public_url: &[&str]| {
            let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
            command.env("OAUTHCTL_MASTER_KEY", MASTER_KEY).env("OAUTHCTL_ADMIN_KEY", admin::KEY);
            Broker::start(command.args(public_url))
        };
        let first = serve(&homes[0], &[]);
        let second = serve(&homes[1], &["--public-url", &first.url]);
        let brokers = [first, second];
        Self { homes, brokers, key }
    }

    /// The same URL at the other instance, as if a balancer had sent it there.
    fn elsewhere(&self, url: &str) -> String {
        url.replace(&self.brokers[0].url, &self.brokers[1].url)
    }
}

/// Runs each of these on both kinds of stores.
macro_rules! on_shared_stores {
    ($($name:ident),* $(,)?) => {
        mod postgres { on_shared_stores!(@tests postgres: $($name),*); }
        mod redis { on_shared_stores!(@tests redis: $($name),*); }
    };
    (@tests $store:ident: $($name:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(&crate::databases::$store().await).await;
            }
        )*
    };
}

on_shared_stores! {
    link_of_one_instance_is_completed_at_another,
    parallel_callbacks_at_two_instances_redeem_once,
    expired_token_is_refreshed_once_over_instances,
    deleted_connection_is_gone_at_the_other_instance,
    stored_values_show_no_secret_and_no_user,
    last_place_is_for_one_of_many_users,
    session_ends_at_both_instances,
}

async fn link_of_one_instance_is_completed_at_another(store: &str) {
    let sandbox = provider().await;
    let pair = Pair::start(store, &[]);
    let [one, two] = pair.brokers.each_ref().map(|broker| broker.api(&pair.key));
    one.provide("sandbox", sandbox.issuer()).await;
    let link = one.link(&json!({ "provider": "sandbox", "user": "u-1" })).await;
    let mut browser = Browser::default();
    let callback = browser.callback_of(&link).await;
    let page = browser.open(&pair.elsewhere(&callback)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let token = one.token("sandbox", "u-1").await.json(200);
    assert_eq!(two.token("sandbox", "u-1").await.json(200), token);
}

async fn parallel_callbacks_at_two_instances_redeem_once(store: &str) {
    let sandbox = provider().await;
    let pair = Pair::start(store, &[]);
    let one = pair.brokers[0].api(&pair.key);
    one.provide("sandbox", sandbox.issuer()).await;
    let link = one.link(&json!({ "provider": "sandbox", "user": "u-1" })).await;
    let mut browser = Browser::default();
    let callback = browser.callback_of(&link).await;
    let tasks: Vec<_> = (0..32)
        .map(|n| {
            let url = if n % 2 == 0 { callback.clone() } else { pair.elsewhere(&callback) };
            let mut browser = browser.clone();
            tokio::spawn(async move { browser.open(&url).await.status })
        })
        .collect();
    let mut connected = 0;
    for task in tasks {
        connected += usize::from(task.await.unwrap() == 200);
    }
    assert!(connected >= 1);
    assert_eq!(token_requests(&sandbox), 1);
    one.token("sandbox", "u-1").await.json(200);
}

async fn last_place_is_for_one_of_many_users(store: &str) {
    let sandbox = provider().await;
    let pair = Pair::start(store, &[]);
    let one = pair.brokers[0].api(&pair.key);
    one.provide("sandbox", sandbox.issuer()).await;
    let mut quota = pair.homes[0].command(&["tenant", "quota", "acme"]);
    quota.args(["--connections", "1", "--pending", "30"]);
    run(quota.env("OAUTHCTL_MASTER_KEY", MASTER_KEY)).ok();
    let mut users = Vec::new();
    for n in 0..20 {
        let link = one.link(&json!({ "provider": "sandbox", "user": format!("u-{n}") })).await;
        let mut browser = Browser::default();
        let callback = browser.callback_of(&link).await;
        let url = if n % 2 == 0 { callback } else { pair.elsewhere(&callback) };
        users.push((browser, url));
    }
    let statuses = callbacks_at_once(users).await;
    assert_eq!(statuses, [&[200][..], &[403; 19]].concat());
    assert_eq!(token_requests(&sandbox), 1, "no other code is redeemed");
}

async fn expired_token_is_refreshed_once_over_instances(store: &str) {
    let options = SandboxOptions { access_ttl: Duration::from_secs(30), ..Default::default() };
    let sandbox = provider_with(options).await;
    let pair = Pair::start(store, &[]);
    let apis = pair.brokers.each_ref().map(|broker| broker.api(&pair.key));
    apis[0].provide("sandbox", &sandbox.issuer_with("rotate")).await;
    apis[0].connect("sandbox", "u-1").await;
    let path = "/v1/connections/sandbox/u-1/token?min_ttl=20s";
    let first = apis[1].get(path).await.json(200)["access_token"].clone();
    // The clock of the provider has to move on: ten seconds of the token are used up then.
    let until = Instant::now() + Duration::from_secs(11);
    tokio::time::sleep_until(until.into()).await;
    let before = token_requests(&sandbox);
    let tasks: Vec<_> = (0..100)
        .map(|n| {
            let api = apis[n % 2].clone();
            tokio::spawn(async move { api.get(path).await.json(200)["access_token"].clone() })
        })
        .collect();
    for task in tasks {
        assert_ne!(task.await.unwrap(), first);
    }
    assert_eq!(token_requests(&sandbox) - before, 1);
}

async fn deleted_connection_is_gone_at_the_other_instance(store: &str) {
    let sandbox = provider().await;
    let pair = Pair::start(store, &[]);
    let [one, two] = pair.brokers.each_ref().map(|broker| broker.api(&pair.key));
    one.provide("sandbox", sandbox.issuer()).await;
    one.connect("sandbox", "u-1").await;
    two.token("sandbox", "u-1").await.json(200);
    assert_eq!(one.delete("/v1/connections/sandbox/u-1").await.status, 204);
    one.token("sandbox", "u-1").await.problem(404);
    let started = Instant::now();
    while two.token("sandbox", "u-1").await.status != 404 {
        assert!(started.elapsed() < Duration::from_secs(10), "still handed out");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn stored_values_show_no_secret_and_no_user(store: &str) {
    let sandbox = provider().await;
    let pair = Pair::start(store, &[]);
    let one = pair.brokers[0].api(&pair.key);
    one.provide("sandbox", sandbox.issuer()).await;
    one.connect("sandbox", "user-that-is-not-shown").await;
    let token = one.token("sandbox", "user-that-is-not-shown").await.json(200);
    let dump = databases::dump(store).await;
    assert!(dump.len() > 1000);
    for secret in
        [pair.key.as_str(), token["access_token"].as_str().unwrap(), "user-that-is-not-shown"]
    {
        let is_shown = dump.windows(secret.len()).any(|part| part == secret.as_bytes());
        assert!(!is_shown, "{secret}");
    }
    let log = pair.brokers.iter().map(Broker::log).collect::<String>();
    assert!(!log.contains(&store.split('@').next().unwrap()["redis://:".len()..]), "{log}");
    assert!(pair.homes.iter().all(|home| !home.path().join("state/broker.db").exists()));
}

async fn session_ends_at_both_instances(store: &str) {
    let pair = Pair::start(store, &[]);
    let session = admin::sign_in(&pair.brokers[0]).await;
    let [one, two] = pair.brokers.each_ref().map(|broker| format!("{}/admin", broker.url));
    let csrf = admin::csrf_of(&admin::get(&two, &session).await.1);
    let logout = format!("{two}/logout");
    assert_eq!(admin::post(&logout, &session, &format!("csrf={csrf}")).await.status(), 303);
    for url in [one, two] {
        let (_, page) = admin::get(&url, &session).await;
        assert!(page.contains("Admin key"), "{page}");
    }
}
