//! Logins by URL that a signal ends while a client is being registered.

use rustix::process::Signal;
use serde_json::json;

use oauthctl_sandbox::Moment;

use crate::support::{Home, Scripted};

#[test]
fn interrupted_registration_is_kept() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let (server, mut home) = (Scripted::start(), Home::new());
        home.browser(&json!({ "mode": "honest" }));
        server.hold("register", Moment::Processed, 1);
        let mut login = home.spawn(["login", server.issuer()]);
        server.await_held(1);
        login.signal(signal);
        login.await_stderr(|text| text.contains("finishing the registration").then_some(()));
        server.release();
        login.wait().fails(code);
        // The next login finds the client.
        home.run(["login", server.issuer()]).ok();
        assert_eq!(server.requests_at("register").len(), 1, "{code}");
    }
}

#[test]
fn slow_registration_ends_after_a_signal() {
    let (server, home) = (Scripted::start(), Home::new());
    server.hold("register", Moment::Processed, 1);
    let login = home.spawn(["login", server.issuer()]);
    server.await_held(1);
    login.signal(Signal::TERM);
    // The server never responds.
    let ended = login.wait().fails(143);
    for said in ["at most 5 seconds", "before the registration of the client was finished"] {
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn second_signal_ends_a_registration_at_once() {
    let (server, home) = (Scripted::start(), Home::new());
    server.hold("register", Moment::Processed, 1);
    let mut login = home.spawn(["login", server.issuer()]);
    server.await_held(1);
    login.signal(Signal::INT);
    login.await_stderr(|text| text.contains("press Ctrl-C again").then_some(()));
    login.signal(Signal::INT);
    let ended = login.wait().fails(130);
    assert!(
        ended.stderr.contains("before the registration of the client was finished"),
        "{}",
        ended.stderr
    );
}
