//! `min_ttl` and tokens that live hardly longer than it: never less than it, and not one refresh for each call.

use oauthctl_core::clock::SystemClock;
use oauthctl_core::port::Clock as _;
use serde_json::json;

use crate::scene::Scene;
use crate::support::CODE_GRANT;
use crate::support::shapes::set;

/// Logged in at a server whose tokens live for so many seconds, now and later, and what the login said.
fn living(seconds: u64) -> (Scene, String) {
    let mut scene = Scene::new("honest");
    scene.server.set(&json!({ "expires_in": seconds }));
    let said = scene.home.login("p").stderr;
    (scene, said)
}

#[test]
fn short_token_is_not_refreshed_at_each_call() {
    for seconds in [30, 60, 119] {
        let (scene, said) = living(seconds);
        assert!(said.contains("warning: access tokens of `p` are valid for only "), "{said}");
        for _ in 0..3 {
            let output = scene.home.run(["token", "-p", "p"]).ok();
            assert_eq!(output.stderr, "", "it is said once");
        }
        assert_eq!(scene.refreshes(), 0, "{seconds}");
        // A tenth of the lifetime is left, and less.
        scene.age_to(seconds / 10);
        let output = scene.home.run(["token", "-p", "p"]).ok();
        assert_eq!(output.stderr, "", "it is said once");
        assert_eq!(scene.refreshes(), 1, "{seconds}");
    }
}

#[test]
fn token_that_lives_long_enough_has_its_min_ttl() {
    let (scene, said) = living(120);
    assert!(!said.contains("warning"), "{said}");
    scene.age_to(90);
    scene.works();
    assert_eq!(scene.refreshes(), 0);
    // 60 s by the clock may be 59 by the second hand.
    scene.age_to(60);
    scene.works();
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn tokens_that_become_short_are_told_of_once() {
    let scene = Scene::logged_in("honest", 3600);
    scene.server.set(&json!({ "expires_in": 30 }));
    let said = scene.home.run(["refresh", "p"]).ok().stderr;
    assert!(said.contains("warning: access tokens of `p` are valid for only 30 s"), "{said}");
    let said = scene.home.run(["refresh", "p"]).ok().stderr;
    assert!(!said.contains("warning"), "{said}");
}

/// A request for more than the server issues returns the maximum each time, with a warning.
#[test]
fn explicit_min_ttl_is_honoured() {
    let (scene, _) = living(90);
    let token = ["token", "-p", "p", "--min-ttl", "5m"];
    for refreshes in [1, 2] {
        let said = scene.home.run(token).ok().stderr;
        assert!(said.contains("the token is valid for 1 min 30 s, less than the 5 min"), "{said}");
        assert_eq!(scene.refreshes(), refreshes);
    }
    let said = scene.home.run(["token", "-p", "p", "--min-ttl", "90s"]).ok().stderr;
    assert_eq!(said, "", "the whole lifetime is what was asked for");
    assert_eq!(scene.refreshes(), 3);
}

/// A server that takes its time has started the clock by then.
#[test]
fn lifetime_counts_from_before_the_request() {
    let scene = Scene::logged_in("after-refresh.stall-then-answer~tag.slow", 3600);
    scene.server.set(&json!({ "stall_ms": 3_000 }));
    let before = now();
    scene.home.run(["refresh", "p"]).ok();
    assert!(now() >= before + 3);
    let expires_at = scene.stored()["tokens"]["expires_at"].as_u64().unwrap();
    assert!(expires_at <= before + 3600 + 1, "{expires_at} after {before}");
}

fn now() -> u64 {
    SystemClock.now().unix()
}

#[test]
fn token_without_a_refresh_token_says_why_it_ends() {
    let scene = Scene::scripted();
    scene.server.reply(CODE_GRANT, &set("refresh_token", json!(null)));
    let scene = scene.log_in(3600);
    let said = scene.home.run(["refresh", "p"]).fails(4).stderr;
    assert!(said.contains("cannot refresh the token of `p`: there is no refresh token"), "{said}");
    scene.age_to(30);
    let said = scene.home.run(["token", "-p", "p"]).fails(4).stderr;
    assert!(said.contains(" s, and there is no refresh token"), "{said}");
    scene.expire();
    let said = scene.home.run(["token", "-p", "p"]).fails(4).stderr;
    assert!(said.contains("has expired, and there is no refresh token"), "{said}");
}

#[test]
fn service_account_needs_no_refresh_token() {
    let scene = Scene::new("honest");
    let secret = scene.server.secrets["service"].clone().unwrap();
    let more = format!("client_secret = {secret:?}\ngrant = \"client_credentials\"\n");
    scene.home.config("").profile("p", &scene.server.issuer("honest"), "service", &more);
    let again = "a new one is requested when needed";
    let said = scene.home.run(["login", "p"]).ok().stderr;
    assert!(said.contains(again) && !said.contains("refreshed"), "{said}");
    let said = scene.home.run(["status"]).ok().stdout;
    assert!(said.contains(again) && !said.contains("cannot be refreshed"), "{said}");
    // An expired token is no reason to log in.
    scene.server.set(&json!({ "expires_in": 1 }));
    scene.home.run(["refresh", "p"]).ok();
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let status = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!(
        (&status[0]["expires_in"], &status[0]["login_required"]),
        (&json!(0), &json!(false))
    );
}
