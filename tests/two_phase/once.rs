//! A callback is completed once: whatever happened to the request with its code, a second attempt sends
//! nothing.

use std::time::Duration;

use serde_json::Value;

use crate::scene::{Scene, complete, profile, visit};
use crate::support::{Home, Hostile, Running, Servers, await_some};

/// What happens to the request, the exit code, and how many requests there are.
#[rustfmt::skip]
const FAULTS: &[(&str, i32, usize)] = &[
    ("code.reset-before", 9, 1),
    ("code.close-before", 9, 1),
    ("code.reset-in-body", 9, 1),
    ("code.half-body", 9, 1),
    ("code.status-500", 9, 1),
    ("code.status-502", 9, 1),
    ("code.busy-retry-after-1", 9, 1),
    ("code.limit-retry-after-1", 9, 1),
    ("code.redirect-307", 8, 1),
    ("code.not-http", 9, 1),
    ("code.html", 7, 1),
    ("code.invalid-grant", 4, 1),
    ("after-code.reset-before", 9, 1),
    ("after-code.half-body", 9, 1),
    ("after-code.status-502", 9, 1),
    ("discovery.refused-token-endpoint", 9, 0),
];

/// A home with a grant of the account `u` in it.
fn granted(server: &Hostile) -> (Home, String) {
    let home = Home::new();
    profile(&home, server, "p", "honest", "");
    let callback = come_back(&home, &[]);
    complete(&home, &callback, &[]).ok();
    let token = token(&home);
    (home, token)
}

fn token(home: &Home) -> String {
    home.run(["token", "-p", "p", "--account", "u", "--cached"]).ok().line().to_owned()
}

#[track_caller]
fn come_back(home: &Home, more: &[&str]) -> String {
    let begun: Value = home.run(["start", "p", "--user", "u"].iter().chain(more)).ok().json();
    visit(begun["authorization_url"].as_str().unwrap())
}

/// Makes `p` the profile of this scenario alone.
fn move_to(home: &Home, server: &Hostile, scenario: &str) {
    home.config("");
    profile(home, server, "p", scenario, "");
}

fn redemptions(server: &Hostile, scenario: &str) -> usize {
    server.requests(scenario, "token").len()
}

#[test]
fn callback_whose_request_failed_is_used_up() {
    let server = Servers::hostile();
    let (home, before) = granted(&server);
    for (way, flags) in [("kept", &[][..]), ("sealed", &["--sealed"])] {
        for (fault, code, requests) in FAULTS {
            let scenario = format!("{fault}~tag.{way}");
            move_to(&home, &server, &scenario);
            let callback = come_back(&home, flags);
            complete(&home, &callback, &[]).fails(*code);
            assert_eq!(redemptions(&server, &scenario), *requests, "{scenario}");
            complete(&home, &callback, &[]).fails(7);
            assert_eq!(redemptions(&server, &scenario), *requests, "{scenario}, again");
            move_to(&home, &server, "honest");
            assert_eq!(token(&home), before, "{scenario}");
        }
    }
    server.assert_canary_untouched();
}

#[test]
fn callback_with_an_unanswered_request_is_used_up() {
    let server = Servers::hostile();
    let scenarios = ["code.black-hole", "code.stall-in-body", "after-code.black-hole"];
    let begun: Vec<(Running, String, Home)> = scenarios
        .map(|scenario| {
            let mut home = Home::new();
            home.deadline(Duration::from_secs(120));
            profile(&home, &server, "p", scenario, "");
            let callback = come_back(&home, &[]);
            let mut running = home.spawn(["complete", "-"]);
            running.write(&format!("{callback}\n"));
            running.close_stdin();
            (running, callback, home)
        })
        .into();
    for ((running, callback, home), scenario) in begun.into_iter().zip(scenarios) {
        running.wait().fails(9);
        complete(&home, &callback, &[]).fails(7);
        assert_eq!(redemptions(&server, scenario), 1, "{scenario}");
    }
}

/// Trying again later helps with everything but this: the state is used.
#[test]
fn server_that_is_not_there_is_told_with_what_to_do() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let scene = Scene::with("honest", &format!("token_endpoint = \"http://{closed}/token\""));
    let (_, callback) = scene.come_back(&[]);
    let said = scene.complete(&callback, &[]).fails(9).stderr;
    assert!(
        said.contains("the state has been used: start again with `oauthctl start p`"),
        "{said}"
    );
    scene.complete(&callback, &[]).fails(7);
}

/// Both have found the flow unused, and no grant tells the second one that there was a first.
#[test]
fn one_of_two_allowed_completions_sends_the_code() {
    let server = Servers::hostile();
    for (way, flags) in [("kept", &[][..]), ("sealed", &["--sealed"])] {
        let (home, scenario) = (Home::new(), format!("code.status-500~tag.rules-{way}"));
        let (asked, go) = (home.path("asked"), home.path("go"));
        let script = format!(
            "cat > /dev/null; echo x >> {asked:?}; while [ ! -e {go:?} ]; do sleep 0.02; done"
        );
        let rule = format!("[profiles.p.hooks]\nauthorization = [\"sh\", \"-c\", {script:?}]\n");
        profile(&home, &server, "p", &scenario, &rule);
        let mut home = home;
        home.set("OAUTHCTL_STATE_KEY", "A".repeat(43));
        let callback = come_back(&home, flags);
        let both = [(); 2].map(|()| {
            let mut running = home.spawn(["complete", "-"]);
            running.write(&callback);
            running.close_stdin();
            running
        });
        await_some("both rules", || {
            std::fs::read_to_string(&asked).is_ok_and(|text| text == "x\nx\n").then_some(())
        });
        home.write(&go, "");
        let mut codes = both.map(|running| running.wait().status);
        codes.sort_unstable();
        assert_eq!(codes, [7, 9], "{way}");
        assert_eq!(redemptions(&server, &scenario), 1, "{way}");
    }
}
