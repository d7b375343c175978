//! Tokens that are in memory, over connections that are kept.

use crate::databases;
use crate::others::{nginx, service};
use crate::world::{World, memory, run};
use crate::wrk::{Load, load};

/// How often each is measured; the median counts.
const ROUNDS: usize = 3;

pub fn cached(seconds: u64) {
    run(async move {
        let redis = databases::redis().await;
        let worlds = [
            World::new(None).await,
            World::new(Some(databases::redis().await)).await,
            World::new(Some(databases::postgres().await)).await,
        ];
        let brokers = worlds.each_ref().map(World::serve);
        let answer = brokers[0].api(&worlds[0].key).token("p", "u-1").await;
        answer.json(200);
        let (service, nginx) = (service(&redis, "key", &answer.text), nginx(&answer.text));
        let mut all = vec![("key", "FastAPI, uvicorn, Redis", service.url.clone(), service.id())];
        let names = ["broker, SQLite", "broker, Redis", "broker, PostgreSQL"];
        for ((world, broker), name) in worlds.iter().zip(&brokers).zip(names) {
            all.push((&world.key, name, broker.url.clone(), broker.process.pid()));
        }
        all.push(("key", "nginx, fixed body", nginx.url.clone(), nginx.id()));
        let mut figures: Vec<Vec<Load>> = vec![Vec::new(); all.len()];
        for _ in 0..ROUNDS {
            for ((key, _, url, _), figures) in all.iter().zip(&mut figures) {
                let url = format!("{url}/v1/connections/p/u-1/token");
                load(&url, key, 1);
                figures.push(load(&url, key, seconds));
            }
        }
        println!("{:<28} {:>12} {:>10} {:>9} {:>10}", "", "requests/s", "p99", "memory", "ratio");
        let medians = figures.iter_mut().map(|all| median(all)).collect::<Vec<_>>();
        for ((_, name, _, process), figure) in all.iter().zip(&medians) {
            println!(
                "{name:<28} {:>12.0} {:>7.2} ms {:>5.0} MiB {:>9.1}x",
                figure.rate,
                figure.p99,
                memory(*process),
                figure.rate / medians[0].rate
            );
        }
        let nginx = medians.last().unwrap().rate;
        println!("to reach: SQLite 20x with a tenth of its p99, Redis and PostgreSQL 8x each");
        println!("SQLite is {:.2} of nginx, to reach: 0.6", medians[1].rate / nginx);
    });
}

fn median(figures: &mut [Load]) -> Load {
    figures.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    figures[figures.len() / 2]
}
