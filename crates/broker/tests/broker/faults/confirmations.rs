//! Confirmations whose outcome the broker does not learn, because its connection to the store breaks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::fleet::Fleet;
use super::severed::{After, Marker, Severed};
use super::{access_token, contains};
use crate::connect::confirmation;

/// A confirmation at an instance whose connection to the store breaks when the store has carried it out.
async fn severed_confirmation(kind: &str, after: After) -> (Fleet, Severed, Value) {
    let mut fleet = Fleet::start(kind, 2).await;
    let moves: Marker = match kind {
        "redis" => |request| contains(request, b"fence"),
        _ => |request| contains(request, b"COMMIT"),
    };
    let severed = fleet.reach_through(1, moves, after).await;
    let confirmation = confirmation(&fleet.api(0)).await;
    severed.arm();
    (fleet, severed, json!({ "confirmation": confirmation, "user": "u-1" }))
}

pub async fn confirmation_whose_commit_is_unknown_succeeds(kind: &str) {
    let (fleet, severed, body) = severed_confirmation(kind, After::OthersWork).await;
    let connection = fleet.api(1).post("/v1/confirmations", &body).await.json(200);
    severed.has_broken().await;
    assert_eq!(connection["user"], "u-1");
    assert_eq!(access_token(&fleet.api(0).token("p", "u-1").await), "at-0-1");
    fleet.api(1).post("/v1/confirmations", &body).await.problem(404);
}

pub async fn repeated_confirmation_finds_the_connection(kind: &str) {
    let (fleet, severed, body) = severed_confirmation(kind, After::NoneWorks).await;
    fleet.api(1).post("/v1/confirmations", &body).await.problem(503);
    severed.has_broken().await;
    severed.mend();
    let until = Instant::now() + Duration::from_secs(30);
    let connection = loop {
        let answer = fleet.api(1).post("/v1/confirmations", &body).await;
        if answer.status != 503 {
            break answer.json(200);
        }
        assert!(Instant::now() < until, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(connection, fleet.api(0).get("/v1/connections/p/u-1").await.json(200));
    assert_eq!(access_token(&fleet.api(1).token("p", "u-1").await), "at-0-1");
    // It works once, also at the other instance.
    for at in [0, 1] {
        fleet.api(at).post("/v1/confirmations", &body).await.problem(404);
    }
    fleet.authority.assert_nothing_was_lost();
}
