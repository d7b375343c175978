//! What a refresh costs does not grow with the accounts that there are.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::GrantKey;
use oauthctl_core::clock::SystemClock;
use oauthctl_core::port::Coordinator;
use oauthctl_core::store::StateDir;

use crate::scene::{Scene, strict};
use crate::support::{CountingBus, Home, SecretService, Servers, traced};

/// Adds so many accounts of this profile to the index and to the store.
fn add_accounts(scene: &Scene, profile: &str, count: usize) {
    let state = StateDir::open(scene.home.state_dir(), Arc::new(SystemClock));
    let [known] = &state.some_accounts("p", 1).unwrap()[..] else { panic!("nobody logged in") };
    let tokens = scene.home.path("data/oauthctl/tokens");
    let record = |key: &GrantKey| tokens.join(format!("{}.age", key.slug()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for number in 0..count {
        let mut entry = known.clone();
        entry.key = GrantKey::new(profile, format!("user-{number}"));
        let mut lock = runtime.block_on(state.lock(&entry.key, Duration::ZERO)).unwrap();
        runtime.block_on(lock.publish(&entry)).unwrap();
        std::fs::copy(record(&known.key), record(&entry.key)).unwrap();
    }
}

/// Every call of a run that opens, lists or reads something, without what it reads of it.
fn calls(home: &Home, args: &[&str]) -> Vec<String> {
    let trace = "trace=openat,open,read,pread64,getdents64,stat,newfstatat,statx";
    traced(home, &["-y", "-e", trace], args).ok();
    let log = std::fs::read_to_string(home.path("tmp/strace")).unwrap();
    let of_home = log.lines().filter(|line| line.contains(home.root().to_str().unwrap()));
    of_home.map(str::to_owned).collect()
}

#[track_caller]
fn lists_nothing(calls: &[String]) {
    let listed: Vec<&String> = calls.iter().filter(|call| call.contains("getdents")).collect();
    assert!(listed.is_empty(), "{listed:#?}");
}

#[test]
fn refresh_lists_no_directory_and_reads_no_other() {
    let scene = Scene::logged_in("honest", 3600);
    let refresh = ["token", "-p", "p", "--force-refresh"];
    let of_account = [&refresh[..], &["--account", "default"]].concat();
    scene.home.run(refresh).ok();
    let alone = [calls(&scene.home, &refresh), calls(&scene.home, &of_account)];
    add_accounts(&scene, "p", 30);
    add_accounts(&scene, "q", 30);
    let among_many = [calls(&scene.home, &refresh), calls(&scene.home, &of_account)];
    for (alone, among_many) in alone.iter().zip(&among_many) {
        lists_nothing(among_many);
        assert_eq!(alone.len(), among_many.len(), "{alone:#?}\n{among_many:#?}");
    }
}

#[test]
fn only_account_is_found_among_those_of_others() {
    let mut scene = Scene::new("honest");
    scene.home.browser(&serde_json::json!({ "mode": "honest" }));
    scene.home.run(["login", "p", "--account", "only"]).ok();
    let refresh = ["token", "-p", "p", "--force-refresh"];
    scene.home.run(refresh).ok();
    let alone = calls(&scene.home, &refresh);
    add_accounts(&scene, "q", 30);
    assert_eq!(alone.len(), calls(&scene.home, &refresh).len(), "{alone:#?}");

    add_accounts(&scene, "p", 30);
    let output = scene.home.run(refresh).fails(3);
    assert!(output.stderr.contains("has several accounts"), "{}", output.stderr);
}

#[test]
fn refresh_asks_the_keyring_no_more_than_it_needs() {
    let service = SecretService::start();
    let bus = CountingBus::before(&service.address);
    let server = Servers::oidc_provider();
    let mut home = Home::new();
    home.profile("p", &server.issuer, "cli", "scopes = [\"openid\", \"api\"]");
    home.keyring(&service).set("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    home.login("p");
    bus.take();
    home.run(["token", "-p", "p", "--force-refresh"]).ok();
    let mut calls = bus.take();
    assert_eq!(calls.remove("OpenSession"), Some(1), "{calls:?}");
    assert_eq!(calls.remove("SearchItems"), Some(1), "{calls:?}");
    assert!(calls.values().sum::<usize>() <= 9, "{calls:?}");
}

#[test]
fn refresh_waits_for_the_disk_three_times() {
    // With an id_token, whose keys are known after the first refresh, and with a new refresh token.
    let (_server, home) = strict();
    let refresh = ["token", "-p", "p", "--force-refresh"];
    home.run(refresh).ok();
    traced(&home, &["-f", "-e", "trace=fsync,fdatasync,fallocate,write"], &refresh).ok();
    let log = std::fs::read_to_string(home.path("tmp/strace")).unwrap();
    assert_eq!(log.matches("sync(").count(), 3, "{log}");
    // The space for the largest record is reserved without writing it.
    let written = |line: &str| line.rsplit_once("= ")?.1.parse::<u64>().ok();
    let writes = log.lines().filter(|line| line.contains(" write(")).filter_map(written);
    assert!(writes.max().unwrap() < 64 * 1024, "{log}");
}
