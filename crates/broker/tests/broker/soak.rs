//! Instances and stores that are killed at random times, for a few seconds, or as long as `OAUTHCTL_TEST_SOAK` says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::faults::{Fleet, token_of};

const USERS: usize = 12;

/// A small generator: what fails can be run again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_postgres_and_instances_lose_nothing() {
    soak("postgres").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_of_redis_and_instances_lose_nothing() {
    soak("redis").await;
}

/// An instance is killed only while nothing is between a response and its commit, which no program can survive that
/// has not received the response; a store at any time.
async fn soak(kind: &str) {
    let seconds =
        std::env::var_os("OAUTHCTL_TEST_SOAK").and_then(|text| text.to_str()?.parse().ok());
    let mut fleet = Fleet::start(kind, 3).await;
    for user in 0..USERS {
        fleet.api(0).connect("p", &format!("u-{user}")).await;
    }
    fleet.authority.memory().delay = Duration::from_millis(20);
    let answers = Arc::new(AtomicUsize::new(0));
    let mut dice = Dice(0x5eed_0f0a_07c7_1000 | u64::from(std::process::id()));
    let seed = dice.0;
    let until = Instant::now() + Duration::from_secs(seconds.unwrap_or(6));
    for wave in 0.. {
        if wave > 1 && Instant::now() > until {
            break;
        }
        let load: Vec<_> = (0..USERS * 2)
            .map(|n| {
                let (api, path) =
                    (fleet.api(n % 3), token_of(&format!("u-{}", n / 2), "?min_ttl=24h"));
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let status = api.get(&path).await.status;
                    assert!(matches!(status, 200 | 502 | 503), "{status}");
                    answers.fetch_add(usize::from(status == 200), Ordering::Relaxed);
                })
            })
            .collect();
        if wave % 2 == 1 {
            tokio::time::sleep(Duration::from_millis(dice.below(60))).await;
            fleet.store.kill();
            tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
            fleet.store.restart().await;
        }
        for task in load {
            task.await.unwrap();
        }
        if dice.below(3) == 0 {
            // The first one has the links.
            let at = 1 + usize::try_from(dice.below(2)).unwrap();
            fleet.kill(at);
            fleet.restart(at);
        }
    }
    for user in 0..USERS {
        let path = token_of(&format!("u-{user}"), "?min_ttl=24h");
        let patience = Instant::now() + Duration::from_secs(100);
        while fleet.api(0).get(&path).await.status != 200 {
            assert!(Instant::now() < patience, "u-{user} (seed {seed:x})");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    fleet.authority.assert_nothing_was_lost();
    assert!(answers.load(Ordering::Relaxed) > USERS, "{answers:?}");
}
