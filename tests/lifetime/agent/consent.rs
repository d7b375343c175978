//! What the user is asked about a request, and what the answer is good for.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::Agent;
use crate::support::{Api, FAKETIME, Home, await_some, grant, plant};

#[test]
fn confirm_decides_and_audit_remembers() {
    let home = Api::echo().home("", "");
    let arguments = ["--confirm", "test -e yes", "--audit", "audit.jsonl"];
    let agent = Agent::start(&home, &arguments);
    let client = agent.client();
    client.run(["token", "-p", "p"]).fails(5);
    home.write(&home.path("home/yes"), "");
    client.run(["token", "-p", "p"]).ok();
    let text = std::fs::read_to_string(home.path("home/audit.jsonl")).unwrap();
    assert!(!text.contains("stored"), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["error"]), (2, &"access_denied".into()));
    assert!(
        lines[1]["error"].is_null() && lines[1]["pid"].is_number() && lines[1]["profile"] == "p"
    );
}

/// What the command writes to stderr is nobody's: the command that started the agent has ended.
#[test]
fn confirm_command_of_a_background_agent_may_warn() {
    let home = Api::echo().home("", "");
    home.run(["agent", "--confirm", "echo warning; echo warning >&2; touch asked"]).ok();
    let mut client = Home::new();
    client
        .set("OAUTHCTL_AGENT", format!("unix:{}", home.path("run/oauthctl/agent.sock").display()));
    let told = client.run(["token"]);
    home.run(["agent", "--stop"]).ok();
    assert_eq!(told.ok().line(), "stored");
    assert!(home.path("home/asked").exists());
}

#[test]
fn consent_is_for_one_profile_and_account() {
    let api = Api::echo();
    let home = api.home("", "");
    let other = grant("other", "stored", |grant| {
        grant["pin"]["token_endpoint"] = format!("{}/token", api.origin).into();
    });
    plant(&home, &other);
    let question = "echo \"$OAUTHCTL_CONFIRM_PROFILE $OAUTHCTL_CONFIRM_ACCOUNT\" >> questions";
    let agent = Agent::start(&home, &["--confirm", question]);
    for request in [
        &b"{\"op\":\"token\",\"profile\":\"p\"}\n"[..],
        b"{\"op\":\"token\",\"profile\":\"p\"}\n",
        b"{\"op\":\"token\",\"profile\":\"p\",\"account\":\"other\"}\n",
        b"{\"op\":\"token\",\"profile\":\"p\"}\n",
    ] {
        assert_eq!(agent.raw(request)["access_token"], "stored", "{request:?}");
    }
    let questions = std::fs::read_to_string(home.path("home/questions")).unwrap();
    assert_eq!(questions, "p \np other\n");
}

/// A client can ask for any name, as often as it likes.
#[test]
fn consent_is_not_asked_for_invented_names() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &["--confirm", "echo x >> questions"]);
    for number in 0..5 {
        for (request, error) in [
            (format!("{{\"op\":\"token\",\"profile\":\"p{number}\"}}\n"), "config"),
            (format!("{{\"op\":\"token\",\"account\":\"a\\n{number}\"}}\n"), "login_required"),
            (format!("{{\"op\":\"proof\",\"account\":\"a{number}\"}}\n"), "login_required"),
        ] {
            assert_eq!(agent.raw(request.as_bytes())["error"], error, "{request}");
        }
    }
    assert!(!home.path("home/questions").exists());
}

/// Each process asks anew, and the user refuses.
#[test]
fn refused_client_opens_no_more_dialogs() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &["--confirm", "echo x >> questions; false"]);
    let answers = (0..6).map(|_| agent.raw(b"{\"op\":\"token\"}\n"));
    let answers: Vec<Value> = answers.collect();
    assert!(answers.iter().all(|answer| answer["error"] == "access_denied"), "{answers:?}");
    assert_eq!(std::fs::read_to_string(home.path("home/questions")).unwrap(), "x\nx\nx\n");
    assert_eq!(answers[5]["hint"], "request it again after 60 seconds");
}

/// A consent to "the usual profile" is not one to whatever becomes that later.
#[test]
fn consent_ends_when_another_account_is_selected() {
    let api = Api::echo();
    let home = api.home("", "");
    let agent = Agent::start(&home, &["--confirm", "echo x >> questions"]);
    let ask = || agent.raw(b"{\"op\":\"token\"}\n");
    for _ in 0..2 {
        assert_eq!(ask()["access_token"], "stored");
    }
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    let other = config.replace("[profiles.p]", "[profiles.q]");
    home.config(&format!("[defaults]\nprofile = \"q\"\n{config}{other}"));
    let of_q = grant("default", "of q", |grant| {
        grant["key"]["profile"] = "q".into();
        grant["pin"]["token_endpoint"] = format!("{}/token", api.origin).into();
    });
    plant(&home, &of_q);
    assert_eq!(ask()["access_token"], "of q");
    assert_eq!(std::fs::read_to_string(home.path("home/questions")).unwrap(), "x\nx\n");
}

/// The server is slow: its answer comes when the agent is locked, or the machine has slept.
#[test]
fn token_that_comes_after_the_lock_is_not_handed_out() {
    for sleeps in [false, true] {
        let api = Api::echo();
        let hook = "hooks.post_token = [\"sh\", \"-c\", 'touch asked; while [ ! -e go ]; do sleep 0.05; done']";
        let mut home = api.home("", hook);
        let times = home.path("times");
        home.write(&times, "+0");
        home.set("LD_PRELOAD", FAKETIME).set("FAKETIME_DISABLE_SHM", "1");
        home.set("FAKETIME_TIMESTAMP_FILE", &times).set("FAKETIME_NO_CACHE", "1");
        let agent = Agent::start(&home, &["--lock-after-sleep"]);
        std::thread::scope(|scope| {
            let ask = || agent.raw(b"{\"op\":\"token\",\"force\":true}\n");
            let asking = scope.spawn(ask);
            await_some("the hook", || home.path("home/asked").exists().then_some(()));
            if sleeps {
                home.write(&times, "-1h");
                let begun = Instant::now();
                await_some("a sleep of more than a second", || {
                    (begun.elapsed() > Duration::from_secs(2)).then_some(())
                });
            } else {
                agent.raw(b"{\"op\":\"lock\"}\n");
            }
            home.write(&home.path("home/go"), "");
            let answer = asking.join().unwrap();
            assert_eq!(answer["error"], "access_denied", "{sleeps}: {answer}");
        });
        // It is stored, and handed out once the user allows it.
        agent.raw(b"{\"op\":\"unlock\"}\n");
        let token = agent.raw(b"{\"op\":\"token\"}\n")["access_token"].clone();
        // With a clock that was set back, the token is renewed once more.
        assert!(sleeps || (token == "fresh-1" && api.refreshes() == 1), "{token}");
    }
}

/// The question is open while the agent is locked.
#[test]
fn answer_after_the_lock_hands_out_nothing() {
    let home = Api::echo().home("", "");
    let question = "touch asked; while [ ! -e go ]; do sleep 0.05; done";
    let agent = Agent::start(&home, &["--confirm", question]);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| agent.raw(b"{\"op\":\"token\"}\n"));
        await_some("the question", || home.path("home/asked").exists().then_some(()));
        agent.raw(b"{\"op\":\"lock\"}\n");
        home.write(&home.path("home/go"), "");
        assert_eq!(asking.join().unwrap()["error"], "access_denied");
    });
    agent.raw(b"{\"op\":\"unlock\"}\n");
    std::fs::remove_file(home.path("home/asked")).unwrap();
    assert_eq!(agent.raw(b"{\"op\":\"token\"}\n")["access_token"], "stored");
    assert!(home.path("home/asked").exists(), "the consent from before the lock counts");
}
