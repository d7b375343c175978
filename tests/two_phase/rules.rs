//! Rules that misbehave, rules for every grant, and the input of a rule.

mod answers;
mod input;
mod withheld;

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{assert_not_shown, await_some};

/// Makes this script the profile's rule at these events; it gets the event as its first word.
fn rule<S>(scene: &Scene<S>, script: &str, events: &[&str]) {
    let place = scene.home.path("rule.sh");
    scene.home.write(&place, script);
    let lines: Vec<String> =
        events.iter().map(|event| format!("{event} = [\"sh\", {place:?}, {event:?}]")).collect();
    rules(scene, &lines.join("\n"));
}

/// Adds the lines of a profile's rules to the configuration, in place of those before.
fn rules<S>(scene: &Scene<S>, lines: &str) {
    let all = fs::read_to_string(scene.home.config_path()).unwrap();
    let before = all.split("\n[profiles.p.hooks]").next().unwrap();
    scene.home.config(&format!("{before}\n[profiles.p.hooks]\n{lines}\n"));
}

#[test]
fn failing_pre_token_command_redeems_nothing() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let plain = scene.home.path("plain");
    scene.home.write(&plain, "#!/bin/sh\n");
    for command in [
        "[\"/nowhere/at/all\"]".to_owned(),
        "[\"no-such-program-anywhere\"]".to_owned(),
        format!("[{plain:?}]"),
        format!("[{:?}]", scene.home.root()),
        "[\"sh\", \"-c\", \"exit 3\"]".to_owned(),
        "[\"sh\", \"-c\", \"kill -9 $$\"]".to_owned(),
        "[\"sh\", \"-c\", \"printf '\\\\033[31mno\\\\r\\\\nerror: forged\\\\n' >&2; exit 1\"]"
            .to_owned(),
        "[\"sh\", \"-c\", \"yes\"]".to_owned(),
        "[\"sh\", \"-c\", \"printf '\\\\377\\\\376'\"]".to_owned(),
    ] {
        rules(&scene, &format!("pre_token = {command}"));
        let output = scene.complete(&callback, &[]).fails(3);
        assert!(
            output.stderr.contains("the hook `pre_token` failed"),
            "{command}: {}",
            output.stderr
        );
        assert!(!output.stderr.contains('\u{1b}') && output.stderr.lines().count() == 2);
    }
    assert_eq!(scene.redemptions(), 0);
    // None of these is a failure: it need not read, and may say what it likes on stderr.
    for command in [
        "[\"sh\", \"-c\", \"exec <&-; echo {}\"]",
        "[\"true\"]",
        "[\"sh\", \"-c\", \"head -c 3000000 /dev/zero >&2; echo {}\"]",
    ] {
        rules(&scene, &format!("pre_token = {command}"));
        let (_, callback) = scene.come_back(&[]);
        scene.complete(&callback, &[]).ok();
    }
    rules(&scene, "");
    scene.complete(&callback, &[]).ok();
}

#[test]
fn every_grant_is_asked_for_and_may_be_denied() {
    for (grant, more) in [
        ("client_credentials", "client_secret = { env = \"ASSERTION\" }"),
        ("jwt_bearer", "client_assertion = { env = \"ASSERTION\" }"),
        ("token_exchange", "client_assertion = { env = \"ASSERTION\" }"),
    ] {
        let mut scene = Scene::with("honest", &format!("grant = {grant:?}\n{more}\n"));
        scene.home.set("ASSERTION", "an-assertion-of-the-environment");
        let (told, answer) = (scene.home.path("told"), scene.home.path("answer"));
        let script = format!("{{ cat; echo; }} >> {told:?}; env >> {told:?}.env; cat {answer:?}");
        rule(&scene, &script, &["authorization", "pre_token", "post_token", "login_required"]);
        let denial = json!({ "deny": "not \u{1b}[31mnow\u{202e}\n" }).to_string();
        scene.home.write(&answer, &denial);
        let output = scene.home.run(["token", "-p", "p", "--json"]).fails(5);
        let message = output.error_json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains("not") && message.contains("now"), "{message}");
        assert!(!message.contains(|c: char| c.is_control() || c == '\u{202e}'), "{message}");
        assert_eq!(scene.server.requests("honest", "token").len(), 0, "{grant}");
        // Where the rule lets it, its parameter goes along, whatever the server says then.
        scene.home.write(&answer, "{\"params\":{\"rule\":\"x=1&y\"}}");
        scene.home.run(["token", "-p", "p"]);
        let sent = scene.server.requests("honest", "token").remove(0);
        assert!(sent["body"].as_str().unwrap().contains("rule=x%3D1%26y"), "{sent}");
        let told = fs::read_to_string(&told).unwrap();
        let first: Value = serde_json::from_str(told.lines().next().unwrap()).unwrap();
        assert_eq!((&first["event"], &first["grant_type"]), (&json!("pre_token"), &json!(grant)));
        assert_not_shown(&told, ["an-assertion-of-the-environment"]);
        let env = fs::read_to_string(scene.home.path("told.env")).unwrap();
        assert_not_shown(&env, ["an-assertion-of-the-environment"]);
    }
}

#[test]
fn interruption_ends_a_hanging_rule_without_loss() {
    let scene = Scene::new("honest");
    let pids = scene.home.path("pids");
    rule(
        &scene,
        &format!("sleep 1000 & echo $$ $! > {pids:?}.new; mv {pids:?}.new {pids:?}; wait"),
        &["pre_token"],
    );
    let (_, callback) = scene.come_back(&[]);
    let running = scene.home.spawn(["complete", &callback]);
    let family = await_some("the rule", || fs::read_to_string(&pids).ok());
    running.signal(Signal::INT);
    running.wait().fails(130);
    for pid in family.split_whitespace() {
        // A zombie that has not been reaped yet counts as dead.
        let status = || fs::read_to_string(format!("/proc/{pid}/stat"));
        let lives = || status().is_ok_and(|stat| !stat.contains(") Z"));
        await_some("the end of what the rule has started", || (!lives()).then_some(()));
    }
    assert_eq!(scene.redemptions(), 0);
    rules(&scene, "");
    scene.complete(&callback, &[]).ok();
}

#[test]
fn no_rule_runs_for_a_sealed_state_that_is_used() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", "A".repeat(43));
    let asked = scene.home.path("asked");
    rule(&scene, &format!("cat > /dev/null; echo x >> {asked:?}"), &["authorization"]);
    let (_, callback) = scene.come_back(&["--sealed"]);
    scene.complete(&callback, &[]).ok();
    for _ in 0..3 {
        scene.refuses(&callback, &[]);
    }
    assert_eq!(fs::read_to_string(&asked).unwrap(), "x\n");
}
