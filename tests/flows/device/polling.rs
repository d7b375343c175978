//! When the program polls, and what each answer means.

use std::time::Duration;

use super::{gaps, home_at, home_of, log_in, polls, polls_at};
use crate::person::*;
use crate::support::*;

#[test]
fn every_way_to_say_pending_goes_on_waiting() {
    let scenario =
        "poll.pending.1~poll.pending-github.1~poll.pending-google.1~poll.pending-twitch.1";
    let home = home_of(scenario);
    log_in(&home).ok();
    let gaps = gaps(scenario);
    assert!(gaps.len() == 5 && gaps.iter().all(|gap| (1.0..4.0).contains(gap)), "{gaps:?}");
}

#[test]
fn slow_down_lasts() {
    let rows = [
        ("poll.slow-down.1~poll.pending.1", [1.0, 6.0, 6.0]),
        ("poll.slow-down-github.1~poll.pending.1", [1.0, 7.0, 7.0]),
        ("poll.slow-down-auth0.1~poll.pending.1", [1.0, 6.0, 6.0]),
    ];
    std::thread::scope(|threads| {
        for (scenario, least) in rows {
            threads.spawn(move || {
                let home = home_of(scenario);
                log_in(&home).ok();
                let gaps = gaps(scenario);
                let is_slow = gaps.iter().zip(least).all(|(gap, least)| *gap >= least);
                assert!(gaps.len() == 3 && is_slow, "{scenario}: {gaps:?}");
            });
        }
    });
}

#[test]
fn unanswered_poll_doubles_the_interval() {
    let rows = [
        "poll.reset-before.2~poll.pending.1",
        "poll.half-body.2~poll.pending.1~tag.half",
        "poll.status-503.2~poll.pending.1",
    ];
    std::thread::scope(|threads| {
        for scenario in rows {
            threads.spawn(move || {
                let home = home_of(scenario);
                let output = log_in(&home).ok();
                assert!(output.stderr.contains("trying again in 2 s"), "{}", output.stderr);
                let gaps = gaps(scenario);
                let least = [1.0, 2.0, 4.0, 1.0];
                let is_slower = gaps.iter().zip(least).all(|(gap, least)| *gap >= least);
                assert!(gaps.len() == 4 && is_slower && gaps[3] < 4.0, "{scenario}: {gaps:?}");
            });
        }
    });
}

#[test]
fn denied_exits_5_expired_6_and_other_errors_end() {
    for (what, code) in [
        ("denied", 5),
        ("declined-microsoft", 5),
        ("expired", 6),
        ("unknown-error", 8),
        ("redirect-307", 8),
    ] {
        let scenario = format!("poll.{what}~tag.over");
        let home = home_of(&scenario);
        let output = log_in(&home).fails(code);
        assert_eq!(polls(&scenario).len(), 1, "{what}: {}", output.stderr);
        home.run(["token"]).fails(4);
    }
    hostile().assert_canary_untouched();
}

#[test]
fn polling_stops_when_the_code_expires() {
    for (what, most) in [("expires-in-3", 2), ("interval-huge", 0)] {
        let scenario = format!("device.{what}~poll.pending");
        let home = home_of(&scenario);
        let output = log_in(&home).fails(6);
        assert!(output.stderr.contains("the code expired"), "{}", output.stderr);
        assert!(polls(&scenario).len() <= most, "{what}: {:?}", gaps(&scenario));
    }
    let home = home_of("poll.pending~tag.timeout");
    let output = home.run(["login", "p", "--timeout", "2s"]).fails(6);
    assert!(output.stderr.contains("`--timeout"), "{}", output.stderr);
}

#[test]
fn polls_of_one_login_never_overlap() {
    let scenario = "poll.pending.1~tag.held-poll";
    let server = Servers::hostile();
    let home = home_at(&server, scenario);
    server.hold("token", 1);
    let mut running = home.spawn(["login", "p"]);
    server.await_held("token", 1);
    // Three intervals without an answer.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(polls_at(&server, scenario).len(), 1);
    assert!(running.ended().is_none());
    server.release("token");
    running.wait().ok();
}
