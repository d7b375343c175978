//! Many refreshes at once, and one that takes long.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::authority::Memory;
use crate::databases;
use crate::growth::Client;
use crate::support::Browser;
use crate::world::{World, run};
use crate::wrk::load;

const CONNECTIONS: usize = 10_000;

/// How long their tokens live, in seconds.
const LIVES: std::ops::Range<u64> = 75..150;

pub fn ten_thousand(seconds: u64) {
    run(async move {
        let world = World::new(None).await;
        {
            let mut memory = world.authority.memory();
            memory.delay = Duration::from_secs(1);
            // The logins of those that are written below.
            memory.logins.resize(CONNECTIONS + 1, Some(1));
        }
        let broker = world.serve();
        Client::new(&world, &broker).read("u-1");
        let idle = load(&world.url(&broker, "u-1"), &world.key, seconds);
        // Refreshes are due in the last fifth of these lifetimes: 60 to 120 seconds from now.
        let begun = Instant::now();
        world.fill(0..CONNECTIONS, LIVES).await;
        let mut busy = Vec::new();
        while world.authority.refreshes() < CONNECTIONS as u32
            && begun.elapsed() < Duration::from_secs(200)
        {
            busy.push(load(&world.url(&broker, "u-1"), &world.key, seconds).p99);
        }
        busy.sort_by(f64::total_cmp);
        let memory = world.authority.memory();
        let twice = memory.received.values().filter(|count| **count > 1).count();
        println!(
            "refreshed {} of {CONNECTIONS} in {:.0} s, {twice} of them twice, {} after their expiry",
            memory.received.len(),
            begun.elapsed().as_secs_f64(),
            late(&memory, begun)
        );
        println!(
            "cached reads: p99 {:.2} ms idle, {:.2} ms meanwhile ({:.2}x, to reach: 2x)",
            idle.p99,
            busy[busy.len() / 2],
            busy[busy.len() / 2] / idle.p99
        );
    });
}

/// Returns how many refreshes came after the token had expired.
fn late(memory: &Memory, begun: Instant) -> usize {
    let is_late = |(token, at): &(&String, &Instant)| {
        let login: usize = token.split('-').nth(1).unwrap().parse().unwrap();
        let share = login.saturating_sub(1) as u64 * (LIVES.end - LIVES.start) / CONNECTIONS as u64;
        at.duration_since(begun) > Duration::from_secs(LIVES.start + share)
    };
    memory.received_at.iter().filter(is_late).count()
}

pub fn slow(_: u64) {
    run(async {
        let world = World::new(Some(databases::redis().await)).await;
        let brokers = [(); 3].map(|()| world.serve());
        let apis = brokers.each_ref().map(|broker| broker.api(&world.key));
        // Of `u-2`, whose token is as good as expired from the beginning.
        world.authority.memory().lifetime = 20;
        let link = apis[0].link(&json!({ "provider": "p", "user": "u-2" })).await;
        Browser::default().follow(&link).await;
        {
            let mut memory = world.authority.memory();
            (memory.lifetime, memory.delay) = (3_600, Duration::from_secs(40));
        }
        let begun = Instant::now();
        let tasks: Vec<_> = (0..600)
            .map(|number| {
                let api = apis[number % 3].clone();
                tokio::spawn(async move {
                    api.get("/v1/connections/p/u-2/token?min_ttl=60s").await.status
                })
            })
            .collect();
        let mut answered = 0;
        for task in tasks {
            answered += usize::from(task.await.unwrap() == 200);
        }
        println!(
            "600 clients, {answered} tokens after {:.1} s, requests to the provider: {} (to reach: 1)",
            begun.elapsed().as_secs_f64(),
            world.authority.refreshes()
        );
    });
}
