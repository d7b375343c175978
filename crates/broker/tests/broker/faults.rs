//! What fails: instances, stores and providers. No refresh token is sent twice, and none that was received is lost.

mod confirmations;
mod connections;
mod fleet;
mod providers;
mod severed;
mod spool;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use oauthctl_broker::storage::Space;
use rustix::process::Signal;

use crate::support::Answer;
use confirmations::{
    confirmation_whose_commit_is_unknown_succeeds, repeated_confirmation_finds_the_connection,
};
use connections::{read_only_connections_are_replaced, silent_connections_are_replaced};
use fleet::NEW;
pub use fleet::{Fleet, token_of};
use severed::After;
use spool::{
    spool_survives_a_rotation_of_the_master_key, unopened_spool_makes_its_connection_unavailable,
};

#[track_caller]
fn access_token(answer: &Answer) -> String {
    answer.json(200)["access_token"].as_str().unwrap().to_owned()
}

macro_rules! on_shared_stores {
    ($($name:ident),* $(,)?) => {
        mod postgres { on_shared_stores!(@tests "postgres": $($name),*); }
        mod redis { on_shared_stores!(@tests "redis": $($name),*); }
    };
    (@tests $store:literal: $($name:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($store).await;
            }
        )*
    };
}

on_shared_stores! {
    received_token_survives_the_end_of_the_store,
    received_token_survives_a_read_only_store,
    received_token_survives_its_instance,
    spool_survives_a_rotation_of_the_master_key,
    unopened_spool_makes_its_connection_unavailable,
    old_spool_changes_no_newer_token,
    dead_senders_token_is_not_sent_again,
    lock_that_is_flushed_causes_no_second_send,
    paused_sender_stores_what_it_received,
    sender_paused_before_sending_sends_nothing,
    confirmation_whose_commit_is_unknown_succeeds,
    repeated_confirmation_finds_the_connection,
    deletion_during_a_refresh_is_final,
    deletion_before_the_spool_is_stored_is_final,
    stalled_store_delays_and_loses_nothing,
    silent_connections_are_replaced,
    read_only_connections_are_replaced,
    store_that_restarts_under_load_loses_nothing,
}

async fn received_token_survives_the_end_of_the_store(kind: &str) {
    let mut fleet = Fleet::start(kind, 1).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.kill();
    request.await.unwrap().problem(503);
    fleet.authority.memory().delay = Duration::ZERO;
    let files = fleet.spool(0);
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let folder = files[0].parent().unwrap().metadata().unwrap().permissions();
    assert_eq!(folder.mode() & 0o777, 0o700);
    let bytes = std::fs::read(&files[0]).unwrap();
    for secret in ["at-0", "rt-0", "u-1"] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
    fleet.api(0).get("/readyz").await.problem(503);
    fleet.api(0).token("p", "u-1").await.problem(503);
    fleet.store.restart().await;
    fleet.is_ready(0).await;
    assert_eq!(access_token(&fleet.api(0).token("p", "u-1").await), "at-0-2");
    assert_eq!(fleet.spool(0), Vec::<PathBuf>::new());
    assert_eq!(access_token(&fleet.api(0).get(&token_of("u-1", NEW)).await), "at-0-3");
    fleet.authority.assert_nothing_was_lost();
}

async fn received_token_survives_a_read_only_store(kind: &str) {
    let fleet = Fleet::start(kind, 2).await;
    for user in ["u-1", "u-2"] {
        fleet.api(0).connect("p", user).await;
    }
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.become_read_only().await;
    request.await.unwrap().problem(503);
    fleet.authority.memory().delay = Duration::ZERO;
    let received = fleet.authority.refreshes();
    fleet.api(0).get("/readyz").await.problem(503);
    fleet.api(1).get("/readyz").await.problem(503);
    // What waits is unavailable, and nothing else is spent either.
    fleet.api(0).token("p", "u-1").await.problem(503);
    fleet.api(0).get(&token_of("u-2", NEW)).await.problem(503);
    fleet.api(1).get(&token_of("u-2", NEW)).await.problem(503);
    assert_eq!(fleet.authority.refreshes(), received);
    fleet.store.become_writable().await;
    fleet.is_ready(0).await;
    for user in ["u-1", "u-2"] {
        fleet.api(1).get(&token_of(user, NEW)).await.json(200);
    }
    fleet.authority.assert_nothing_was_lost();
}

async fn received_token_survives_its_instance(kind: &str) {
    waiting_token_survives(kind, |_| ()).await;
}

/// A token that waits in a file is stored by the next instance, whatever is done `between` the two.
async fn waiting_token_survives(kind: &str, between: impl FnOnce(&mut Fleet)) {
    let mut fleet = Fleet::start(kind, 1).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.kill();
    request.await.unwrap().problem(503);
    fleet.kill(0);
    fleet.store.restart().await;
    between(&mut fleet);
    fleet.restart(0);
    fleet.is_ready(0).await;
    assert_eq!(access_token(&fleet.api(0).token("p", "u-1").await), "at-0-2");
    assert_eq!(fleet.spool(0), Vec::<PathBuf>::new());
    fleet.authority.assert_nothing_was_lost();
}

async fn old_spool_changes_no_newer_token(kind: &str) {
    let mut fleet = Fleet::start(kind, 1).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.kill();
    request.await.unwrap().problem(503);
    fleet.authority.memory().delay = Duration::ZERO;
    let [file] = &fleet.spool(0)[..] else { panic!("one file") };
    let (file, copy) = (file.clone(), std::fs::read(file).unwrap());
    fleet.store.restart().await;
    fleet.is_ready(0).await;
    assert_eq!(access_token(&fleet.api(0).get(&token_of("u-1", NEW)).await), "at-0-3");
    fleet.kill(0);
    // As if an instance that was away for long had it.
    std::fs::write(&file, copy).unwrap();
    fleet.restart(0);
    fleet.is_ready(0).await;
    assert_eq!(access_token(&fleet.api(0).token("p", "u-1").await), "at-0-3");
    assert_eq!(access_token(&fleet.api(0).get(&token_of("u-1", NEW)).await), "at-0-4");
    assert_eq!(fleet.spool(0), Vec::<PathBuf>::new());
    fleet.authority.assert_nothing_was_lost();
}

async fn dead_senders_token_is_not_sent_again(kind: &str) {
    let mut fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(5);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.kill(0);
    request.abort();
    // Not the lock keeps the other one from sending: the provider may still be at it.
    fleet.store.flush_locks().await;
    let (api, path) = (fleet.api(1), token_of("u-1", NEW));
    let asked = tokio::time::timeout(Duration::from_secs(7), api.get(&path)).await;
    assert!(asked.is_err(), "{asked:?}");
    assert_eq!(fleet.authority.refreshes(), 1);
}

async fn lock_that_is_flushed_causes_no_second_send(kind: &str) {
    let fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(3);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.flush_locks().await;
    let other = fleet.api(1).get(&token_of("u-1", NEW)).await;
    assert_eq!(access_token(&other), "at-0-2");
    assert_eq!(access_token(&request.await.unwrap()), "at-0-2");
    fleet.authority.assert_nothing_was_lost();
    assert_eq!(fleet.authority.refreshes(), 1);
}

async fn paused_sender_stores_what_it_received(kind: &str) {
    let fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.signal(0, Signal::STOP);
    // Its lock is over, as after a pause of half a minute.
    fleet.store.flush_locks().await;
    let (api, path) = (fleet.api(1), token_of("u-1", NEW));
    let other = tokio::spawn(async move { api.get(&path).await });
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(!other.is_finished());
    fleet.signal(0, Signal::CONT);
    assert_eq!(access_token(&request.await.unwrap()), "at-0-2");
    assert_eq!(access_token(&other.await.unwrap()), "at-0-2");
    fleet.authority.assert_nothing_was_lost();
    assert_eq!(fleet.authority.refreshes(), 1);
}

async fn sender_paused_before_sending_sends_nothing(kind: &str) {
    let mut fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    let severed = fleet.reach_through(1, announces, After::IsSilent).await;
    fleet.through = None;
    // Another one believes that whoever announced a request has given up.
    fleet.clock = Some("+80s");
    fleet.restart(0);
    severed.arm();
    let (api, path) = (fleet.api(1), token_of("u-1", NEW));
    let late = tokio::spawn(async move { api.get(&path).await });
    // It has announced the request, and does not know yet that the store has that.
    severed.has_broken().await;
    fleet.signal(1, Signal::STOP);
    severed.mend();
    // The other one waits until the lock has ended. On a busy machine it may hand out the old token before.
    let until = Instant::now() + Duration::from_secs(100);
    while access_token(&fleet.api(0).get(&token_of("u-1", NEW)).await) != "at-0-2" {
        assert!(Instant::now() < until, "{}", fleet.broker(0).log());
    }
    fleet.signal(1, Signal::CONT);
    let late = late.await.unwrap();
    assert!(matches!(late.status, 200 | 502 | 503), "{}", late.text);
    fleet.authority.assert_nothing_was_lost();
    assert_eq!(fleet.authority.refreshes(), 1);
}

/// Whether a request to a store announces a refresh.
fn announces(request: &[u8]) -> bool {
    let space = format!("\r\n{}\r\n$4\r\nacme", Space::Intents.number());
    let is_in_redis = contains(request, space.as_bytes()) && contains(request, b"fence");
    // A number of two bytes and a text of four bytes, with their lengths. Reads have them too, but no value.
    let key = [0, 0, 0, 2, 0, Space::Intents.number(), 0, 0, 0, 4, b'a', b'c', b'm', b'e'];
    is_in_redis || contains(request, &key) && request.len() > 300
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|at| at == part)
}

async fn deletion_during_a_refresh_is_final(kind: &str) {
    let fleet = Fleet::start(kind, 2).await;
    for (at, user) in [(0, "u-1"), (1, "u-2")] {
        fleet.authority.memory().delay = Duration::ZERO;
        fleet.api(0).connect("p", user).await;
        fleet.authority.memory().delay = Duration::from_secs(2);
        let request = fleet.begin_refresh(0, user).await;
        let deleted = fleet.api(at).delete(&format!("/v1/connections/p/{user}")).await;
        assert_eq!(deleted.status, 204, "{}", deleted.text);
        request.await.unwrap();
        fleet.api(at).token("p", user).await.problem(404);
        let login = user.trim_start_matches("u-").parse::<u32>().unwrap() - 1;
        let new = format!("rt-{login}-2");
        assert!(fleet.authority.memory().revoked.contains(&new), "{new} is not revoked");
    }
}

async fn deletion_before_the_spool_is_stored_is_final(kind: &str) {
    let mut fleet = Fleet::start(kind, 1).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.kill();
    request.await.unwrap().problem(503);
    let [file] = &fleet.spool(0)[..] else { panic!("one file") };
    let (file, copy) = (file.clone(), std::fs::read(file).unwrap());
    fleet.store.restart().await;
    fleet.is_ready(0).await;
    assert_eq!(fleet.api(0).delete("/v1/connections/p/u-1").await.status, 204);
    fleet.kill(0);
    fleet.authority.memory().revoked.clear();
    std::fs::write(&file, copy).unwrap();
    fleet.restart(0);
    let until = Instant::now() + Duration::from_secs(20);
    while !fleet.authority.memory().revoked.contains(&"rt-0-2".to_owned()) {
        assert!(Instant::now() < until, "not revoked: {}", fleet.broker(0).log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fleet.api(0).token("p", "u-1").await.problem(404);
    assert_eq!(fleet.spool(0), Vec::<PathBuf>::new());
}

async fn stalled_store_delays_and_loses_nothing(kind: &str) {
    let fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let request = fleet.begin_refresh(0, "u-1").await;
    fleet.store.stall(Duration::from_secs(3)).await;
    let first = request.await.unwrap();
    fleet.is_ready(0).await;
    assert!(matches!(first.status, 200 | 503), "{}", first.text);
    for at in [0, 1] {
        assert_eq!(access_token(&fleet.api(at).token("p", "u-1").await), "at-0-2");
    }
    fleet.authority.assert_nothing_was_lost();
}

/// In Redis, a pause of writes delays the scripts that read, too.
#[tokio::test(flavor = "multi_thread")]
async fn request_during_a_slow_save_waits_for_its_token() {
    let fleet = Fleet::start("postgres", 1).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(1);
    let first = fleet.begin_refresh(0, "u-1").await;
    let saving = async {
        let until = Instant::now() + Duration::from_secs(30);
        while fleet.spool(0).is_empty() {
            assert!(Instant::now() < until, "{}", fleet.broker(0).log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let others = (0..20).map(|_| {
            let api = fleet.api(0);
            tokio::spawn(async move { api.token("p", "u-1").await })
        });
        let mut answers = Vec::new();
        for other in others.collect::<Vec<_>>() {
            answers.push(other.await.unwrap());
        }
        answers
    };
    let ((), answers) = tokio::join!(fleet.store.stall_writes(Duration::from_secs(3)), saving);
    assert_eq!(access_token(&first.await.unwrap()), "at-0-2");
    for answer in &answers {
        assert_eq!(access_token(answer), "at-0-2");
    }
    fleet.authority.assert_nothing_was_lost();
}

async fn store_that_restarts_under_load_loses_nothing(kind: &str) {
    let mut fleet = Fleet::start(kind, 2).await;
    let users: Vec<String> = (0..6).map(|n| format!("u-{n}")).collect();
    for user in &users {
        fleet.api(0).connect("p", user).await;
    }
    fleet.authority.memory().delay = Duration::from_millis(30);
    let load: Vec<_> = (0..users.len() * 2)
        .map(|n| {
            let (api, path) = (fleet.api(n % 2), token_of(&users[n / 2], NEW));
            tokio::spawn(async move {
                loop {
                    let answer = api.get(&path).await;
                    assert!(matches!(answer.status, 200 | 502 | 503), "{}", answer.text);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            })
        })
        .collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        fleet.store.kill();
        tokio::time::sleep(Duration::from_millis(300)).await;
        fleet.store.restart().await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    for task in load {
        task.abort();
        assert!(!task.await.is_err_and(|error| error.is_panic()));
    }
    for at in [0, 1] {
        fleet.is_ready(at).await;
    }
    for user in &users {
        fleet.api(1).get(&token_of(user, NEW)).await.json(200);
    }
    fleet.authority.assert_nothing_was_lost();
    assert!(fleet.authority.refreshes() > 20, "{}", fleet.authority.refreshes());
}

#[tokio::test(flavor = "multi_thread")]
async fn lock_is_renewed_while_a_provider_is_slow() {
    let fleet = Fleet::start("redis", 1).await;
    fleet.api(0).connect("p", "u-1").await;
    fleet.authority.memory().delay = Duration::from_secs(14);
    let request = fleet.begin_refresh(0, "u-1").await;
    let until = Instant::now() + Duration::from_secs(12);
    tokio::time::sleep_until(until.into()).await;
    // It was acquired for thirty seconds.
    let life = fleet.store.lock_life().await;
    assert!(life > 20_000, "{life}");
    assert_eq!(access_token(&request.await.unwrap()), "at-0-2");
}
