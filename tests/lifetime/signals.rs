//! Signals end a login at once, and a refresh when nothing is lost by it.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use crate::scene::{Scene, await_turn, files_like};
use crate::support::{Running, assert_no_secret, await_some};

const SIGNALS: [(Signal, i32); 3] = [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)];

/// Less than any command's own limit.
const SOON: Duration = Duration::from_secs(20);

/// The authority of the redirect URI in an authorization URL.
fn listener(url: &str) -> String {
    let redirect = url.split("redirect_uri=http%3A%2F%2F").nth(1).unwrap();
    let authority = redirect.split("%2F").next().unwrap();
    authority.replace("%3A", ":")
}

#[test]
fn login_that_waits_ends_with_its_port() {
    let mut scene = Scene::new("honest");
    let browser = scene.home.browser(&json!({ "mode": "never" }));
    for (nth, (signal, code)) in SIGNALS.into_iter().enumerate() {
        let login = scene.home.spawn(["login", "p"]);
        let url = await_some("the browser's start", || {
            let all = browser.openings();
            (all.len() > nth).then(|| all[nth..].to_vec())
        });
        let urls: Vec<String> = url.into_iter().map(|opened| opened.url).collect();
        login.signal(signal);
        let output = login.wait().fails(code);
        assert!(output.stderr.contains("interrupted"), "{}", output.stderr);
        for url in urls {
            assert!(TcpStream::connect(listener(&url)).is_err(), "the port is closed");
        }
    }
    assert!(files_like(&scene.home, ".age").is_empty());
    assert!(files_like(&scene.home, ".tmp").is_empty());
    scene.home.login("p");
    scene.works();
}

#[test]
fn login_that_looks_for_its_server_ends() {
    for (signal, code) in SIGNALS {
        let mut scene = Scene::new("honest");
        scene.home.browser(&json!({ "mode": "never" }));
        scene.server.hold("discovery", 1);
        let login = scene.home.spawn(["login", "p"]);
        scene.server.await_held("discovery", 1);
        login.signal(signal);
        let output = login.wait().fails(code);
        assert!(!output.stderr.contains("first"), "nothing is waited for: {}", output.stderr);
    }
}

#[test]
fn signal_during_redemption_keeps_the_tokens() {
    for (signal, code) in SIGNALS {
        let mut scene = Scene::new("honest");
        scene.home.browser(&json!({ "mode": "honest" }));
        scene.server.hold("token-answer", 1);
        let login = scene.home.spawn(["login", "p"]);
        scene.server.await_held("token-answer", 1);
        login.signal(signal);
        scene.server.release("token-answer");
        login.wait().fails(code);
        scene.works();
        assert_eq!(scene.redemptions(), 1);
        assert!(files_like(&scene.home, ".tmp").is_empty());
    }
}

#[test]
fn refresh_is_saved_before_a_signal_ends_it() {
    for (signal, code) in SIGNALS {
        let scene = Scene::logged_in("honest", 30);
        scene.server.hold("token-answer", 1);
        let mut token = scene.home.spawn(["token", "-p", "p"]);
        scene.server.await_held("token-answer", 1);
        token.signal(signal);
        let told = "interrupted: finishing the token request first; ";
        token.await_stderr(|text| text.contains(told).then_some(()));
        scene.server.release("token-answer");
        let output = token.wait().fails(code);
        assert_eq!(output.stderr.matches("interrupted: ").count(), 1, "{}", output.stderr);
        let again =
            if signal == Signal::INT { "press Ctrl-C again" } else { "send another signal" };
        let cost = "the new refresh token may be lost and you may have to log in again";
        assert!(output.stderr.contains(&format!("{again} to stop now ({cost})")), "{signal:?}");
        scene.works();
        assert_eq!(scene.refreshes(), 1);
        assert!(files_like(&scene.home, ".tmp").is_empty());
    }
}

#[test]
fn signal_reports_what_it_waits_for() {
    let mut scene = Scene::new("honest");
    scene.home.browser(&json!({ "mode": "honest" }));
    for (args, point, told) in [
        (["login", "p"], "token-answer", "finishing the login first"),
        (["logout", "p"], "revoke", "finishing the logout first"),
    ] {
        scene.server.hold(point, 1);
        let mut running = scene.home.spawn(args);
        scene.server.await_held(point, 1);
        running.signal(Signal::INT);
        running.await_stderr(|text| text.contains(told).then_some(()));
        scene.server.release(point);
        running.wait().fails(130);
    }
}

#[test]
fn second_signal_does_not_wait() {
    let scene = Scene::logged_in("honest", 30);
    scene.server.set(&json!({ "grace": 1 }));
    scene.server.hold("token-answer", 1);
    let mut token = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    token.signal(Signal::TERM);
    // Taken note of: a second one at once could fall together with it.
    await_turn(&mut token);
    await_caught(&mut token, Signal::TERM);
    token.signal(Signal::INT);
    let output = token.wait().fails(130);
    assert!(output.stderr.contains("before the token request was finished"), "{}", output.stderr);
    scene.server.release("token-answer");
    assert!(files_like(&scene.home, ".tmp").is_empty());
    // The server forgives one repeat here: what was under way is tried once more.
    scene.works();
}

/// Waits until no such signal is pending any more, and the process sleeps again.
fn await_caught(running: &mut Running, signal: Signal) {
    let bit = 1_u64 << (signal.as_raw() - 1);
    let status = format!("/proc/{}/status", running.pid());
    await_some("a signal that is taken", || {
        let text = std::fs::read_to_string(&status).ok()?;
        let pending = text.lines().find_map(|line| line.strip_prefix("ShdPnd:"))?;
        (u64::from_str_radix(pending.trim(), 16).ok()? & bit == 0).then_some(())
    });
    await_turn(running);
}

#[test]
fn signal_ends_a_waiter_at_once() {
    let scene = Scene::logged_in("honest", 30);
    scene.server.hold("token-answer", 1);
    let holder = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("token-answer", 1);
    for (signal, code) in SIGNALS {
        let mut waiter = scene.home.spawn(["token", "-p", "p"]);
        await_turn(&mut waiter);
        waiter.signal(signal);
        waiter.wait().fails(code);
    }
    scene.server.release("token-answer");
    holder.wait().ok();
    assert_eq!(scene.refreshes(), 1);
}

#[test]
fn signal_during_metadata_request_ends_at_once() {
    let scene = Scene::logged_in("honest", 30);
    scene.forget_metadata();
    scene.server.hold("discovery", 1);
    let token = scene.home.spawn(["token", "-p", "p"]);
    scene.server.await_held("discovery", 1);
    token.signal(Signal::TERM);
    token.wait().fails(143);
    scene.server.release("discovery");
    assert_eq!(scene.refreshes(), 0);
    scene.works();
}

#[test]
fn command_gets_the_signals_meant_for_it() {
    let scene = Scene::logged_in("honest", 3600);
    let script = "trap 'echo caught; exit 7' TERM; echo ready; while :; do sleep 0.05; done";
    let mut exec = scene.home.spawn(["exec", "-p", "p", "--", "sh", "-c", script]);
    exec.await_stdout(|text| text.contains("ready").then_some(()));
    exec.signal(Signal::TERM);
    let output = exec.wait().code(7);
    assert!(output.stdout.contains("caught"));
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}

/// The process that wrote its number into this file, once it runs.
fn await_child(mark: &Path) -> PathBuf {
    await_some("the command", || {
        let number = std::fs::read_to_string(mark).ok()?;
        Some(Path::new("/proc").join(number.strip_suffix('\n')?))
    })
}

#[test]
fn signal_ends_a_hanging_write_back_with_a_warning() {
    for (signal, code) in SIGNALS {
        let mut scene = Scene::logged_in("honest", 30);
        scene.home.deadline(SOON);
        let issuer = scene.server.issuer("honest");
        let mark = scene.home.path("tmp/reached");
        let more = format!(
            "scopes = [\"api\"]\nwrite_back = [\"sh\", \"-c\", \"sleep 1000 & echo $! > {}; wait\"]",
            mark.display()
        );
        scene.home.config("").profile("p", &issuer, "cli", &more);
        let token = scene.home.spawn(["token", "-p", "p"]);
        let child = await_child(&mark);
        token.signal(signal);
        let output = token.wait().fails(code);
        assert!(output.stderr.contains("`write_back` was interrupted"), "{}", output.stderr);
        // A process that has not been reaped yet counts as dead.
        let stat = || std::fs::read_to_string(child.join("stat"));
        let lives = || stat().is_ok_and(|stat| !stat.contains(") Z"));
        await_some("the end of what it has started", || (!lives()).then_some(()));
        // What was written back late or never is stored anyway.
        scene.home.config("").profile("p", &issuer, "cli", "scopes = [\"api\"]");
        scene.works();
        assert_eq!(scene.refreshes(), 1);
    }
}

#[test]
fn signal_ends_a_login_during_write_back() {
    let mut scene = Scene::new("honest");
    scene.home.deadline(SOON);
    let mark = scene.home.path("tmp/reached");
    let more = format!(
        "scopes = [\"api\"]\nwrite_back = [\"sh\", \"-c\", \"echo $$ > {}; exec sleep 1000\"]",
        mark.display()
    );
    scene.home.config("").profile("p", &scene.server.issuer("honest"), "cli", &more);
    scene.home.browser(&json!({ "mode": "honest" }));
    let login = scene.home.spawn(["login", "p"]);
    let child = await_child(&mark);
    login.signal(Signal::TERM);
    login.wait().fails(143);
    assert!(!child.exists());
    scene.works();
    assert_eq!(scene.redemptions(), 1);
}

#[test]
fn signal_ends_a_hanging_hook_of_a_refresh() {
    for (event, refreshes) in [("pre_token", 0), ("post_token", 1)] {
        let mut scene = Scene::logged_in("honest", 30);
        scene.home.deadline(SOON);
        let issuer = scene.server.issuer("honest");
        let mark = scene.home.path("tmp/reached");
        let more = format!(
            "scopes = [\"api\"]\n[profiles.p.hooks]\n\
             {event} = [\"sh\", \"-c\", \"echo $$ > {}; exec sleep 1000\"]",
            mark.display()
        );
        scene.home.config("").profile("p", &issuer, "cli", &more);
        let token = scene.home.spawn(["token", "-p", "p"]);
        let child = await_child(&mark);
        token.signal(Signal::TERM);
        token.wait().fails(143);
        assert!(!child.exists(), "{event}: the hook has ended");
        assert_eq!(scene.refreshes(), refreshes, "{event}");
        scene.home.config("").profile("p", &issuer, "cli", "scopes = [\"api\"]");
        scene.works();
    }
}
