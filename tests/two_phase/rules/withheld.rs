//! Rules that deny a token, or have not answered yet: nobody gets it, and nothing is lost.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{rule, rules};
use crate::scene::Scene;
use crate::support::{Running, await_some, exported};

#[test]
fn status_says_that_a_rule_withholds_the_token() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    rule(&scene, "cat > /dev/null; echo '{\"deny\":\"not now\"}'", &["post_token"]);
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(5);
    let status = scene.home.run(["status"]).ok().stdout;
    assert!(status.contains("  token      withheld until the `post_token` hook"), "{status}");
    let json = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!((&json[0]["expires_at"], &json[0]["expires_in"]), (&Value::Null, &Value::Null));
    assert_eq!(json[0]["login_required"], false);
    // What is known of the failure is no matter of an attribute.
    let failure = json[0]["last_error"].clone();
    assert!(failure.to_string().contains("post_token"), "{json}");
    scene.home.run(["attr", "set", "-p", "p", "k", "v"]).ok();
    let json = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!((&json[0]["last_error"], &json[0]["attributes"]["k"]), (&failure, &json!("v")));
    rule(&scene, "cat > /dev/null", &["post_token"]);
    scene.home.run(["token", "-p", "p"]).ok();
    let json = scene.home.run(["status", "--json"]).ok().json();
    assert!(json[0]["expires_at"].is_string(), "{json}");
}

#[test]
fn denied_refresh_spends_nothing() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    scene.complete(&callback, &[]).ok();
    rule(&scene, "cat > /dev/null; echo '{\"deny\":\"\"}'", &["pre_token"]);
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(5);
    rule(&scene, "exit 1", &["pre_token"]);
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(3);
    assert_eq!(scene.grants("refresh_token").len(), 0);
    // A stored token with enough lifetime causes no hook.
    scene.home.run(["token", "-p", "p"]).ok();
    rules(&scene, "");
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
}

/// A rule behind every token, which begins by saying so in `asked`, and answers once there is `answer`.
struct Patient {
    scene: Scene,
    asked: PathBuf,
    answer: PathBuf,
}

impl Patient {
    /// Somebody has logged in before there was the rule.
    fn new(more: &str) -> Self {
        let scene = Scene::with("honest", more);
        let (_, callback) = scene.come_back(&[]);
        scene.complete(&callback, &[]).ok();
        let (asked, answer) = (scene.home.path("asked"), scene.home.path("answer"));
        // One whose caller was killed ends with the test.
        let home = scene.home.path("home");
        let script = format!(
            "cat > /dev/null; echo x >> {asked:?}\n\
             while [ -d {home:?} ] && [ ! -e {answer:?} ]; do sleep 0.02; done; cat {answer:?}"
        );
        rule(&scene, &script, &["post_token"]);
        Self { scene, asked, answer }
    }

    /// A refresh that has its tokens, and waits for the rule's word.
    fn refreshing(&self) -> Running {
        let _ = fs::remove_file(&self.answer);
        let _ = fs::remove_file(&self.asked);
        let running = self.scene.home.spawn(["token", "-p", "p", "--force-refresh"]);
        await_some("the rule", || self.asked.exists().then_some(()));
        running
    }

    fn answers(&self, answer: &Value) {
        let unfinished = self.scene.home.path("unfinished");
        self.scene.home.write(&unfinished, &answer.to_string());
        fs::rename(unfinished, &self.answer).unwrap();
    }
}

#[test]
fn refreshed_token_is_withheld_until_the_rule_allows() {
    let patient = Patient::new("");
    let home = &patient.scene.home;
    let refreshing = patient.refreshing();
    assert_eq!(home.run(["token", "-p", "p", "--cached"]).fails(4).stdout, "");
    let sibling = home.spawn(["token", "-p", "p"]);
    patient.answers(&json!({ "deny": "no" }));
    assert_eq!(refreshing.wait().fails(5).stdout, "");
    assert_eq!(sibling.wait().fails(5).stdout, "");
    // One that agrees is asked once for all who wait.
    let before = patient.scene.grants("refresh_token").len();
    let refreshing = patient.refreshing();
    let siblings: Vec<Running> = (0..4).map(|_| home.spawn(["token", "-p", "p"])).collect();
    patient.answers(&json!({}));
    let token = refreshing.wait().ok().line().to_owned();
    for sibling in siblings {
        assert_eq!(sibling.wait().ok().line(), token);
    }
    assert_eq!(patient.scene.grants("refresh_token").len(), before + 1);
    assert_eq!(home.run(["token", "-p", "p", "--cached"]).ok().line(), token);
}

/// What a rule agreed to earlier, for less, is held back with the rest.
#[test]
fn narrowed_token_is_withheld_while_the_rule_denies() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let narrower = ["token", "-p", "p", "--resource", "https://r.example"];
    let cached = [&narrower[..], &["--cached"]].concat();
    let token = scene.home.run(narrower).ok().line().to_owned();
    assert_eq!(scene.home.run(&cached).ok().line(), token);
    rule(&scene, "cat > /dev/null; echo '{\"deny\":\"not now\"}'", &["post_token"]);
    scene.home.run(["token", "-p", "p", "--force-refresh"]).fails(5);
    scene.home.run(&cached).fails(4);
    scene.home.run(narrower).fails(5);
    rules(&scene, "");
    assert_ne!(scene.home.run(narrower).ok().line(), token);
}

#[test]
fn rule_that_is_cut_short_is_asked_again() {
    let patient = Patient::new("");
    let home = &patient.scene.home;
    for signal in [Signal::INT, Signal::TERM, Signal::KILL] {
        let refreshing = patient.refreshing();
        refreshing.signal(signal);
        assert_eq!(refreshing.wait().stdout, "");
        patient.answers(&json!({ "deny": "no" }));
        assert_eq!(home.run(["token", "-p", "p"]).fails(5).stdout, "", "{signal:?}");
    }
    // The refresh token that was received meanwhile is stored anyway.
    patient.answers(&json!({}));
    assert_eq!(home.run(["token", "-p", "p"]).ok().line(), patient.scene.newest("access_token"));
}

#[test]
fn denied_token_is_not_written_back() {
    let patient = Patient::new("write_back = [\"sh\", \"-c\", \"cat > line\"]\n");
    let home = &patient.scene.home;
    let place = home.path("home/line");
    let written = || {
        let line = fs::read_to_string(&place).unwrap();
        let grant = exported(&line);
        let of = |name: &str| grant["tokens"][name].as_str().unwrap().to_owned();
        (of("access_token"), of("refresh_token"))
    };
    fs::remove_file(&place).unwrap();
    let refreshing = patient.refreshing();
    assert!(!place.exists(), "the rule is asked first");
    patient.answers(&json!({ "deny": "no" }));
    refreshing.wait().fails(5);
    let (access_token, refresh_token) = written();
    assert_ne!(access_token, patient.scene.newest("access_token"));
    assert_eq!(refresh_token, patient.scene.newest("refresh_token"), "the old one is spent");
    let refreshing = patient.refreshing();
    patient.answers(&json!({}));
    refreshing.wait().ok();
    assert_eq!(
        written(),
        (patient.scene.newest("access_token"), patient.scene.newest("refresh_token"))
    );
}
