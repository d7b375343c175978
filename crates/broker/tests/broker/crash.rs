//! What a broker leaves that stops between two transactions.

use std::process::Command;
use std::time::{Duration, Instant};

use oauthctl_sandbox::Sandbox;
use serde_json::json;

use crate::faketime::shift_clock;
use crate::support::{Broker, Browser, Home, Scene};

/// The ends of the transactions in the write-ahead log of SQLite: a header of 32 bytes, then frames, whose bytes 4 to
/// 8 are zero unless the frame ends a transaction.
fn transactions(log: &[u8]) -> Vec<usize> {
    let word = |at: usize| u32::from_be_bytes(log[at..at + 4].try_into().unwrap());
    let frame = 24 + word(8) as usize;
    let starts = (32..).step_by(frame).take_while(|at| at + frame <= log.len());
    starts.filter(|at| word(at + 4) != 0).map(|at| at + frame).collect()
}

/// The grants that wait for the worker to end them.
fn waiting(home: &Home) -> usize {
    number(home, "SELECT count(*) FROM records WHERE space = 19 AND due_at IS NOT NULL")
}

/// The result of a query for a single number.
fn number<T: rusqlite::types::FromSql>(home: &Home, query: &str) -> T {
    let file = home.database();
    file.busy_timeout(Duration::from_secs(5)).unwrap();
    file.query_row(query, [], |row| row.get(0)).unwrap()
}

fn revocations(sandbox: &Sandbox) -> usize {
    sandbox.journal().iter().filter(|entry| entry.endpoint == "revoke").count()
}

/// A home whose database is this one after the first bytes of its log.
fn stopped_at(before: &Home, end: usize) -> Home {
    let home = Home::new();
    let all = before.path().join(".");
    assert!(Command::new("cp").arg("-a").arg(all).arg(home.path()).status().unwrap().success());
    let to = home.path().join("state");
    let _ = std::fs::remove_file(to.join("broker.db-shm"));
    let log = std::fs::OpenOptions::new().write(true).open(to.join("broker.db-wal")).unwrap();
    log.set_len(end.try_into().unwrap()).unwrap();
    home
}

/// A broker on the database of `before` as it was after the first bytes of its log, started this much later. The locks of
/// the one that stopped have ended by then.
fn restarted_at(before: &Home, end: usize, later: &str) -> (Home, Broker) {
    let home = stopped_at(before, end);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let broker = Broker::start(shift_clock(&mut command, later));
    (home, broker)
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_confirmation_loses_no_connection() {
    let back = "https://app.example/connected";
    let scene = Scene::with(Default::default(), &[back], &[]).await;
    let body = json!({ "provider": "sandbox", "user": "u-1", "binding": "application", "redirect_to": back });
    let sent = Browser::default().follow(&scene.api.link(&body).await).await;
    let confirmation = sent.header("location").split_once("confirmation=").unwrap().1;
    let confirmed = json!({ "confirmation": confirmation, "user": "u-1" });
    let state = scene.home.path().join("state");
    let before = transactions(&std::fs::read(state.join("broker.db-wal")).unwrap()).len();
    scene.api.post("/v1/confirmations", &confirmed).await.json(200);
    drop(scene.broker);
    let ends = transactions(&std::fs::read(state.join("broker.db-wal")).unwrap());
    let ends = &ends[before - 1..];
    // Either the confirmation can be repeated, or the connection is there. Until the application has been told so, it
    // can be repeated also then.
    let (mut repeated, mut moved, mut told) = (0, 0, 0);
    for end in ends {
        let (_home, broker) = restarted_at(&scene.home, *end, "+1m");
        let api = broker.api(&scene.key);
        let is_there = api.get("/v1/connections/sandbox/u-1").await.status == 200;
        match (is_there, api.post("/v1/confirmations", &confirmed).await.status) {
            (false, 200) => repeated += 1,
            (true, 200) => moved += 1,
            (true, 404) => (moved, told) = (moved + 1, told + 1),
            other => panic!("{other:?} after {end} bytes"),
        }
        api.post("/v1/confirmations", &confirmed).await.problem(404);
        let token = api.token("sandbox", "u-1").await;
        assert_eq!(token.status, 200, "after {end} bytes: {}", token.text);
    }
    assert!(repeated > 1 && moved > told && told > 1, "{repeated} {moved} {told}");
    assert_eq!(revocations(&scene.sandbox), 0);
    // If nobody repeats it, the grant is revoked; a connection that is there never is.
    let (mut ended, mut alive) = (0, 0);
    for end in ends {
        let earlier = revocations(&scene.sandbox);
        let (home, broker) = restarted_at(&scene.home, *end, "+15m");
        let until = Instant::now() + Duration::from_secs(30);
        while waiting(&home) > 0 {
            assert!(Instant::now() < until, "the worker does not end it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let status = broker.api(&scene.key).token("sandbox", "u-1").await.status;
        let is_revoked = revocations(&scene.sandbox) > earlier;
        match (status, is_revoked) {
            (200, false) => alive += 1,
            (404, true) => ended += 1,
            other => panic!("{other:?} after {end} bytes"),
        }
    }
    assert_eq!((ended, alive), (repeated, moved));
}

#[tokio::test]
async fn unconfirmed_grant_outlives_its_confirmation() {
    let back = "https://app.example/connected";
    let scene = Scene::with(Default::default(), &[back], &[]).await;
    let body = json!({ "provider": "sandbox", "user": "u-1", "binding": "application", "redirect_to": back });
    Browser::default().follow(&scene.api.link(&body).await).await.header("location");
    let confirmation: u64 = number(&scene.home, "SELECT expires_at FROM records WHERE space = 12");
    let grant: u64 = number(&scene.home, "SELECT due_at FROM records WHERE space = 19");
    // The clocks of two instances may differ by this much.
    assert!(grant >= confirmation + 30, "{grant} {confirmation}");
}
