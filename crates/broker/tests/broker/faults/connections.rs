//! Connections to a store that stay open and are of no use.

use super::Fleet;
use super::severed::After;

/// They look alive and bring no response: the server hangs, or a router has lost it.
pub async fn silent_connections_are_replaced(kind: &str) {
    let mut fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    let severed = fleet.reach_through(1, |_| false, After::OthersWork).await;
    fleet.api(1).token("p", "u-1").await.json(200);
    // Each of them may have a connection of its own.
    let reads = (0..12).map(|_| {
        let api = fleet.api(1);
        tokio::spawn(async move { api.get("/v1/connections").await.json(200) })
    });
    for read in reads.collect::<Vec<_>>() {
        read.await.unwrap();
    }
    severed.silence();
    fleet.recovers(1, "u-1").await;
    fleet.is_ready(1).await;
    fleet.authority.assert_nothing_was_lost();
}

pub async fn read_only_connections_are_replaced(kind: &str) {
    let mut fleet = Fleet::start(kind, 2).await;
    fleet.api(0).connect("p", "u-1").await;
    let severed = fleet.reach_through(1, |_| false, After::OthersWork).await;
    fleet.api(1).token("p", "u-1").await.json(200);
    let new = fleet.store.fail_over().await;
    if let Some(new) = &new {
        severed.lead_to(new.address());
    }
    fleet.recovers(1, "u-1").await;
    fleet.is_ready(1).await;
    fleet.authority.assert_nothing_was_lost();
}
