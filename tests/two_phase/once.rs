//! A callback is completed once: whatever happened to the request with its code, a second attempt sends
//! nothing.

use std::time::Duration;

use oauthctl_sandbox::Transport;
use serde_json::{Value, json};

use crate::scene::{Scene, complete, profile, visit};
use crate::support::shapes::{
    Shape, body, busy, bytes, oauth_error, redirect, sent, set, status, with_type,
};
use crate::support::{
    CODE_GRANT, Home, Running, Scripted, assert_canary_untouched, await_some, canary,
};

/// What happens to the request of a code, and the exit code.
fn faults() -> Vec<(&'static str, Shape, i32)> {
    let page = "<!doctype html><title>Log in to the network</title>";
    vec![
        ("reset-before", sent(Transport::Reset), 9),
        ("close-before", sent(Transport::Drop), 9),
        ("reset-in-body", sent(Transport::HalfReset), 9),
        ("half-body", sent(Transport::Half), 9),
        ("status-500", status(500), 9),
        ("status-502", status(502), 9),
        ("busy", busy(503, "1"), 9),
        ("limit", busy(429, "1"), 9),
        ("redirect-307", redirect(307, &canary().origin), 8),
        ("not-http", bytes("220 mail.example ESMTP ready\r\n"), 9),
        ("html", with_type("text/html", body(page)), 7),
        ("invalid-grant", oauth_error("invalid_grant", 400), 4),
    ]
}

/// The faults that also strike after the server has redeemed the code.
const AFTER: [&str; 3] = ["reset-before", "half-body", "status-502"];

/// A home with a grant of the account `u` in it.
fn granted(server: &Scripted) -> (Home, String) {
    let home = Home::new();
    profile(&home, server, "p", "", "");
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

/// A callback whose completion fails with this code and sends so many requests, and none the second time.
#[track_caller]
fn is_used_up(server: &Scripted, home: &Home, flags: &[&str], code: i32, requests: usize) {
    let callback = come_back(home, flags);
    let before = server.requests(CODE_GRANT).len();
    complete(home, &callback, &[]).fails(code);
    assert_eq!(server.requests(CODE_GRANT).len(), before + requests);
    complete(home, &callback, &[]).fails(7);
    assert_eq!(server.requests(CODE_GRANT).len(), before + requests, "again");
}

#[test]
fn callback_whose_request_failed_is_used_up() {
    let server = Scripted::start();
    let (home, before) = granted(&server);
    for flags in [&[][..], &["--sealed"]] {
        for (name, shape, code) in faults() {
            server.refuse(CODE_GRANT, &shape, usize::MAX);
            is_used_up(&server, &home, flags, code, 1);
            if AFTER.contains(&name) {
                server.reply(CODE_GRANT, &shape);
                is_used_up(&server, &home, flags, code, 1);
            }
            assert_eq!(token(&home), before, "{name}");
        }
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let moved = set("token_endpoint", json!(format!("http://{closed}/token")));
        server.reply("metadata", &moved);
        let _ = std::fs::remove_dir_all(home.state_dir().join("discovery"));
        is_used_up(&server, &home, flags, 9, 0);
        server.honest();
        let _ = std::fs::remove_dir_all(home.state_dir().join("discovery"));
        assert_eq!(token(&home), before);
    }
    assert_canary_untouched();
}

#[test]
fn callback_with_an_unanswered_request_is_used_up() {
    let rows = [(Transport::Stall, false), (Transport::HalfStall, false), (Transport::Stall, true)];
    let begun: Vec<(Running, String, Home, Scripted)> = rows
        .map(|(transport, is_processed)| {
            let (server, mut home) = (Scripted::start(), Home::new());
            home.deadline(Duration::from_secs(120));
            profile(&home, &server, "p", "", "");
            match is_processed {
                true => server.reply(CODE_GRANT, &sent(transport)),
                false => server.refuse(CODE_GRANT, &sent(transport), usize::MAX),
            }
            let callback = come_back(&home, &[]);
            let mut running = home.spawn(["complete", "-"]);
            running.write(&format!("{callback}\n"));
            running.close_stdin();
            (running, callback, home, server)
        })
        .into();
    for (running, callback, home, server) in begun {
        running.wait().fails(9);
        complete(&home, &callback, &[]).fails(7);
        assert_eq!(server.requests(CODE_GRANT).len(), 1);
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
    for flags in [&[][..], &["--sealed"]] {
        let (server, home) = (Scripted::start(), Home::new());
        server.refuse(CODE_GRANT, &status(500), usize::MAX);
        let (asked, go) = (home.path("asked"), home.path("go"));
        let script = format!(
            "cat > /dev/null; echo x >> {asked:?}; while [ ! -e {go:?} ]; do sleep 0.02; done"
        );
        let rule = format!("[profiles.p.hooks]\nauthorization = [\"sh\", \"-c\", {script:?}]\n");
        profile(&home, &server, "p", "", &rule);
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
        assert_eq!(codes, [7, 9], "{flags:?}");
        assert_eq!(server.requests(CODE_GRANT).len(), 1, "{flags:?}");
    }
}
