//! When the program polls, and what each answer means.

use std::time::Duration;

use oauthctl_sandbox::{Moment, Transport};
use serde_json::json;

use super::{DEVICE, device, gaps, log_in, pending};
use crate::support::shapes::*;
use crate::support::*;

#[test]
fn every_way_to_say_pending_goes_on_waiting() {
    let (server, home) = device();
    let github = json!({ "error_description": "still waiting" });
    let twitch = body(r#"{"status":400,"message":"authorization_pending"}"#);
    let ways = [
        pending(),
        described("authorization_pending", 200, github),
        oauth_error("authorization_pending", 428),
        with_status(400, twitch),
    ];
    server.refuse_each(DEVICE_GRANT, &ways.map(|way| (way, 1)));
    log_in(&home).ok();
    let gaps = gaps(&server);
    assert!(gaps.len() == 5 && gaps.iter().all(|gap| (1.0..4.0).contains(gap)), "{gaps:?}");
}

#[test]
fn slow_down_lengthens_all_later_intervals() {
    let rows = [
        ("standard", oauth_error("slow_down", 400), [1.0, 6.0, 6.0]),
        ("github", described("slow_down", 200, json!({ "interval": 7 })), [1.0, 7.0, 7.0]),
        ("auth0", oauth_error("slow_down", 429), [1.0, 6.0, 6.0]),
    ];
    std::thread::scope(|threads| {
        for (name, slow_down, least) in rows {
            threads.spawn(move || {
                let (server, home) = device();
                server.refuse_each(DEVICE_GRANT, &[(slow_down, 1), (pending(), 1)]);
                log_in(&home).ok();
                let gaps = gaps(&server);
                let is_slow = gaps.iter().zip(least).all(|(gap, least)| *gap >= least);
                assert!(gaps.len() == 3 && is_slow, "{name}: {gaps:?}");
            });
        }
    });
}

#[test]
fn unanswered_poll_doubles_the_interval() {
    let rows = [
        ("reset", sent(Transport::Reset)),
        ("half", sent(Transport::Half)),
        ("status-503", with_type("text/plain", with_status(503, body("")))),
    ];
    std::thread::scope(|threads| {
        for (name, shape) in rows {
            threads.spawn(move || {
                let (server, home) = device();
                server.refuse_each(DEVICE_GRANT, &[(shape, 2), (pending(), 1)]);
                let output = log_in(&home).ok();
                assert!(output.stderr.contains("trying again in 2 s"), "{}", output.stderr);
                let gaps = gaps(&server);
                let least = [1.0, 2.0, 4.0, 1.0];
                let is_slower = gaps.iter().zip(least).all(|(gap, least)| *gap >= least);
                assert!(gaps.len() == 4 && is_slower && gaps[3] < 4.0, "{name}: {gaps:?}");
            });
        }
    });
}

#[test]
fn denied_exits_5_expired_6_and_other_errors_end() {
    for (name, shape, code) in [
        ("denied", oauth_error("access_denied", 400), 5),
        ("declined-microsoft", oauth_error("authorization_declined", 400), 5),
        ("expired", oauth_error("expired_token", 400), 6),
        ("unknown-error", oauth_error("something_else", 400), 8),
        ("redirect-307", redirect(307, &canary().origin), 8),
    ] {
        let (server, home) = device();
        server.refuse(DEVICE_GRANT, &shape, usize::MAX);
        let output = log_in(&home).fails(code);
        assert_eq!(server.requests(DEVICE_GRANT).len(), 1, "{name}: {}", output.stderr);
        home.run(["token"]).fails(4);
    }
    assert_canary_untouched();
}

#[test]
fn polling_stops_when_the_code_expires() {
    let soon = set("expires_in", json!(3));
    for (name, shape, most) in [
        ("expires-in-3", soon.clone(), 2),
        ("interval-huge", both(set("interval", json!(1_000_000_000)), soon), 0),
    ] {
        let (server, home) = device();
        server.reply(DEVICE, &shape);
        server.refuse(DEVICE_GRANT, &pending(), usize::MAX);
        let output = log_in(&home).fails(6);
        assert!(output.stderr.contains("the code expired"), "{}", output.stderr);
        let polls = server.requests(DEVICE_GRANT).len();
        assert!(polls <= most, "{name}: {:?}", gaps(&server));
    }
    let (server, home) = device();
    server.refuse(DEVICE_GRANT, &pending(), usize::MAX);
    let output = home.run(["login", "p", "--timeout", "2s"]).fails(6);
    assert!(output.stderr.contains("`--timeout"), "{}", output.stderr);
}

#[test]
fn polls_of_one_login_never_overlap() {
    let (server, home) = device();
    server.refuse(DEVICE_GRANT, &pending(), 1);
    server.hold(DEVICE_GRANT, Moment::Received, 1);
    let mut running = home.spawn(["login", "p"]);
    server.await_held(1);
    // Three intervals without an answer.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(server.requests(DEVICE_GRANT).len(), 1);
    assert!(running.ended().is_none());
    server.release();
    running.wait().ok();
}

/// Nothing that the login already knows is read again, nothing is written, and no thread is started.
#[test]
fn poll_opens_only_the_lock_and_the_store() {
    let (server, home) = device();
    server.refuse(DEVICE_GRANT, &pending(), 2);
    let calls = "trace=/^(open|openat|creat|connect|setsockopt|clone|clone3|fork|vfork|fsync|fdatasync|rename.*|unlink.*)$";
    traced(&home, &["-e", calls], &["login", "p"]).ok();
    let log = std::fs::read_to_string(home.path("tmp/strace")).unwrap();
    let lines: Vec<_> = log.lines().collect();
    let is_connect = |line: &&str| line.starts_with("connect(");
    let connections: Vec<_> = (0..lines.len()).filter(|at| is_connect(&lines[*at])).collect();
    // One each for the metadata, the codes and the polls.
    let [_, _, _, second, third, ..] = connections[..] else { panic!("{log}") };
    let slug = oauthctl_core::GrantKey::new("p", "default").slug();
    let poll: Vec<_> = lines[second..third].iter().map(|line| touched(line, &slug)).collect();
    assert_eq!(
        poll,
        ["connect", "TCP_NODELAY", "state", "locks", "SLUG.lock", "tokens"],
        "{}",
        lines[second..third].join("\n")
    );
}

/// The last part of the path that a system call opens, the option that it sets, or its name.
fn touched(line: &str, slug: &str) -> String {
    let (name, arguments) = line.split_once('(').unwrap_or((line, ""));
    match name {
        "open" | "openat" => {
            let path = arguments.split('"').nth(1).unwrap_or_default();
            path.rsplit('/').next().unwrap_or_default().replace(slug, "SLUG")
        }
        "setsockopt" => arguments.split(", ").nth(2).unwrap_or_default().to_owned(),
        other => other.to_owned(),
    }
}
