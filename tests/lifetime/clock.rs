//! Clocks that are wrong or jump: at most one refresh a call, and nothing old for ever.

use serde_json::json;

use crate::scene::{Scene, rewrite};
use crate::support::shapes::{oauth_error, without};
use crate::support::{CODE_GRANT, DEADLINE, REFRESH_GRANT, Running, Scripted, shift_clock};

const DAY: i64 = 86_400;

/// Moves everything that is stored by so much, which is a clock that was moved the other way.
fn shift<S>(scene: &Scene<S>, by: i64) {
    let moved = |value: &serde_json::Value| json!(value.as_i64().unwrap() + by);
    rewrite(&scene.home, |record| {
        for name in ["obtained_at", "refreshed_at"] {
            record[name] = moved(&record[name]);
        }
        if record["tokens"]["expires_at"].is_number() {
            record["tokens"]["expires_at"] = moved(&record["tokens"]["expires_at"]);
        }
    });
}

#[test]
fn jump_of_the_clock_causes_one_refresh() {
    for by in [-DAY, -3_600, 3_600, DAY, 10 * 365 * DAY] {
        let scene = Scene::logged_in("honest", 600);
        shift(&scene, by);
        for _ in 0..3 {
            scene.works();
        }
        // Too old, or from the future: once, and then it is believed again.
        assert_eq!(scene.refreshes(), 1, "{by}");
    }
}

/// Logged in at a server that names no lifetime.
fn without_lifetime() -> Scene<Scripted> {
    let scene = Scene::scripted();
    for grant_type in [CODE_GRANT, REFRESH_GRANT] {
        scene.server.reply(grant_type, &without("expires_in"));
    }
    scene.log_in(600)
}

#[test]
fn clock_set_back_keeps_end_of_an_unknown_lifetime() {
    let scene = without_lifetime();
    scene.works();
    assert_eq!(scene.refreshes(), 0);
    shift(&scene, DAY);
    scene.works();
    scene.works();
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn dead_grant_of_unknown_lifetime_ends() {
    let scene = without_lifetime();
    shift(&scene, -DAY);
    scene.server.refuse(REFRESH_GRANT, &oauth_error("invalid_grant", 400), usize::MAX);
    for _ in 0..3 {
        scene.home.run(["token", "-p", "p"]).fails(4);
    }
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn skew_of_four_minutes_causes_no_refresh() {
    for by in [-240, 240] {
        let scene = Scene::logged_in("honest", 3_600);
        shift(&scene, by);
        scene.works();
        assert_eq!(scene.refreshes(), 0, "{by}");
    }
}

#[test]
fn program_on_another_day_refreshes_once() {
    for offset in ["-1d", "-1h", "+1h", "+1d", "+2y"] {
        let scene = Scene::logged_in("honest", 600);
        for calls in 1..=3_usize {
            let mut command = scene.home.command(["token", "-p", "p"]);
            let output = Running::start(shift_clock(&mut command, offset), DEADLINE).wait().ok();
            assert_eq!(output.line(), scene.newest("access_token"), "{offset}");
            assert!(scene.refreshes() <= calls, "{offset}");
        }
        assert_eq!(scene.refreshes(), 1, "{offset}");
    }
}
