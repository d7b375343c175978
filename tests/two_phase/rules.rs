//! Rules that misbehave, rules for every grant, and the input of a rule.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::scene::{Scene, part, visit};
use crate::support::{Running, assert_not_shown, await_some};

/// Makes this script the profile's rule at these events; it gets the event as its first word.
fn rule(scene: &Scene, script: &str, events: &[&str]) {
    let place = scene.home.path("rule.sh");
    scene.home.write(&place, script);
    let lines: Vec<String> =
        events.iter().map(|event| format!("{event} = [\"sh\", {place:?}, {event:?}]")).collect();
    rules(scene, &lines.join("\n"));
}

/// Adds the lines of a profile's rules to the configuration, in place of those before.
fn rules(scene: &Scene, lines: &str) {
    let all = fs::read_to_string(scene.home.config_path()).unwrap();
    let before = all.split("\n[profiles.p.hooks]").next().unwrap();
    scene.home.config(&format!("{before}\n[profiles.p.hooks]\n{lines}\n"));
}

#[test]
fn answers_that_are_none_stop_it_before_the_code_is_sent() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let large = |length: usize| json!({ "attributes": { "x": "v".repeat(length) } }).to_string();
    let long_name = json!({ "attributes": { "n".repeat(257): 1 } }).to_string();
    let answers = [
        "{".to_owned(),
        "{}x".to_owned(),
        "\u{feff}{}".to_owned(),
        "{\"deny\":[\"x\"]}".to_owned(),
        "{\"deny\":\"a\",\"deny\":\"b\"}".to_owned(),
        "{\"attributes\":{\"a\":1,\"a\":2}}".to_owned(),
        "{\"attributes\":\"x\"}".to_owned(),
        "{\"params\":[]}".to_owned(),
        "{\"params\":{\"x\":null}}".to_owned(),
        "{\"params\":{\"x\":[\"y\"]}}".to_owned(),
        "{\"params\":{\"x y\":\"z\"}}".to_owned(),
        "{\"params\":{\"x\\u0000\":\"z\"}}".to_owned(),
        "{\"Deny\":\"x\"}".to_owned(),
        format!("{{\"attributes\":{{\"x\":{}}}}}", nested(33)),
        format!("{{\"attributes\":{{\"x\":{}}}}}", nested(120)),
        nested(100_000),
        large(40_000),
        long_name,
    ];
    let answer = scene.home.path("answer");
    for event in ["authorization", "pre_token"] {
        rule(&scene, &format!("cat > /dev/null; cat {answer:?}"), &[event]);
        for text in &answers {
            scene.home.write(&answer, text);
            let output = scene.complete(&callback, &[]).fails(3);
            assert!(output.stderr.contains("hook"), "{}", output.stderr);
            assert!(output.stderr.contains("hint:"), "{}", output.stderr);
        }
    }
    assert_eq!(scene.redemptions(), 0);
    // What can just be kept is kept, and can be read again.
    scene.home.write(&answer, &format!("{{\"attributes\":{{\"x\":{}}}}}", nested(32)));
    scene.complete(&callback, &[]).ok();
    let stored = scene.home.run(["token", "-p", "p", "--json"]).ok().json();
    assert_eq!(stored["attributes"]["x"].to_string(), nested(32));
}

/// A later rule's word goes before an earlier one's, and a rule's before the profile's.
#[test]
fn what_rules_add_is_sent_with_a_code_and_with_every_refresh_token() {
    let scene =
        Scene::with("honest", "token_params = { tenant = \"profile\", kept = \"profile\" }\n");
    let answers = scene.home.path("answers");
    rule(&scene, &format!("cat > /dev/null; cat {answers:?}/$1"), &["authorization", "pre_token"]);
    for (event, params) in [
        ("authorization", json!({ "first": "1", "both": "first" })),
        ("pre_token", json!({ "second": 2, "both": "second", "tenant": "rule" })),
    ] {
        scene.home.write(&answers.join(event), &json!({ "params": params }).to_string());
    }
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    let both = ["second=2", "both=second", "tenant=rule", "kept=profile"];
    for (grant, first) in [("authorization_code", true), ("refresh_token", false)] {
        let sent = scene.grants(grant).remove(0);
        let sent: Vec<&str> = sent["body"].as_str().unwrap().split('&').collect();
        for pair in both {
            let name = &pair[..=pair.find('=').unwrap()];
            let of_name: Vec<&&str> = sent.iter().filter(|sent| sent.starts_with(name)).collect();
            assert_eq!(of_name, [&pair], "{grant}: {sent:?}");
        }
        assert_eq!(sent.contains(&"first=1"), first, "{grant}: {sent:?}");
    }
}

#[test]
fn what_the_protocol_sets_no_rule_sets() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let answer = scene.home.path("answer");
    rule(&scene, &format!("cat > /dev/null; cat {answer:?}"), &["pre_token"]);
    for name in [
        "client_secret",
        "client_id",
        "client_assertion",
        "client_assertion_type",
        "code",
        "code_verifier",
        "grant_type",
        "redirect_uri",
        "refresh_token",
        "scope",
        "state",
        "nonce",
        "response_type",
        "request",
        "request_uri",
        "code_challenge_method",
    ] {
        scene.home.write(&answer, &json!({ "params": { name: "x" } }).to_string());
        let output = scene.complete(&callback, &[]).fails(3);
        assert!(output.stderr.contains(name), "{name}: {}", output.stderr);
    }
    assert_eq!(scene.redemptions(), 0);
    scene.home.write(&answer, "");
    scene.complete(&callback, &[]).ok();
}

#[test]
fn attributes_of_all_rules_together_are_judged_before_the_code_is_sent() {
    let scene = Scene::new("honest");
    let half = "v".repeat(15_000);
    let (_, callback) = scene.come_back(&["--attr", &format!("a={half}")]);
    let script = "cat > /dev/null; printf '{\"attributes\":{\"%s\":\"%s\"}}' \"$1\" \"$(head -c 15000 /dev/zero | tr '\\0' v)\"";
    rule(&scene, script, &["authorization", "pre_token"]);
    scene.complete(&callback, &[]).fails(3);
    assert_eq!(scene.redemptions(), 0);
    rule(&scene, script, &["authorization"]);
    scene.complete(&callback, &[]).ok();
    let long = format!("{}=v", "n".repeat(257));
    scene.home.run(["start", "p", "--attr", &long]).fails(2);
}

#[test]
fn commands_that_fail_in_every_way() {
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
fn a_rule_sees_no_key_and_holds_no_file_of_ours() {
    let mut scene = Scene::new("honest");
    let (env, fds) = (scene.home.path("env"), scene.home.path("fds"));
    let script = format!(
        "env > {env:?}; for fd in /proc/$$/fd/*; do readlink $fd; done > {fds:?}; cat > /dev/null"
    );
    rule(&scene, &script, &["pre_token"]);
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let identity = scene.home.run(["store", "keygen"]).ok().line().to_owned();
    scene.home.set("OAUTHCTL_STATE_KEY", key).set("OAUTHCTL_STORE_KEY", &identity);
    scene.home.set("OAUTH_ACCESS_TOKEN", "another-token-of-the-shell");
    let check = || {
        let (env, fds) = (fs::read_to_string(&env).unwrap(), fs::read_to_string(&fds).unwrap());
        assert_not_shown(&env, [key, &identity, "another-token-of-the-shell"]);
        let root = scene.home.root().to_str().unwrap();
        let ours = |line: &&str| {
            let is_own = line.ends_with("/rule.sh") || line.ends_with("/fds");
            line.contains("socket:")
                || line.contains("anon_inode")
                || (line.contains(root) && !is_own)
        };
        assert_eq!(fds.lines().find(ours), None, "{fds}");
        assert!(fds.contains("pipe:"));
    };
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    check();
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    check();
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
fn a_denied_refresh_spends_nothing() {
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

#[test]
fn an_interruption_ends_a_rule_that_hangs_and_loses_nothing() {
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
fn what_is_kept_is_told_and_what_has_expired_is_not() {
    let keep = "keep = [\"scope\", \"extra\"]\nkeep_from_callback = [\"realmId\"]\n";
    let scene = Scene::with("token.nested-extra", keep);
    let told = scene.home.path("told");
    rule(&scene, &format!("{{ cat; echo; }} >> {told:?}"), &["pre_token", "post_token"]);
    let begun = scene.start(&["--attr", "a=1"]);
    let callback = visit(begun["authorization_url"].as_str().unwrap());
    scene.complete(&format!("{callback}&realmId=4711"), &[]).ok();
    let home = &scene.home;
    let of = ["-p", "p"];
    home.run(["attr", "set", "short", "x", "--ttl", "1s"].iter().chain(&of)).ok();
    let kept = json!({ "a": "1", "realmId": "4711", "scope": "api" });
    let attributes = |args: &[&str]| {
        let output = home.run(args).ok().json();
        output.get(0).unwrap_or(&output)["attributes"].clone()
    };
    await_some("the end of its time", || {
        (attributes(&["token", "-p", "p", "--json"]) == kept).then_some(())
    });
    assert_eq!(attributes(&["status", "--json"]), kept);
    assert_eq!(home.run(["attr", "list", "-p", "p", "--json"]).ok().json(), kept);
    home.run(["token", "-p", "p", "--force-refresh"]).ok();
    let told = fs::read_to_string(&told).unwrap();
    let told: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), 4);
    assert_eq!(told[0]["attributes"], json!({ "a": "1" }));
    for after in &told[1..] {
        assert_eq!(after["attributes"], kept, "{}", after["event"]);
    }
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

    fn newest(&self, kind: &str) -> String {
        let all = self.scene.server.control.get("/canaries");
        let all = all.as_array().unwrap();
        let newest = all.iter().rfind(|canary| canary["kind"] == kind).unwrap();
        newest["value"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_refreshed_token_is_nobodys_until_the_rule_behind_it_has_agreed() {
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
fn a_narrower_token_is_nobodys_either_while_the_rule_denies() {
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
fn a_rule_that_is_cut_short_is_asked_again() {
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
    assert_eq!(home.run(["token", "-p", "p"]).ok().line(), patient.newest("access_token"));
}

#[test]
fn a_token_that_the_rule_denies_is_written_back_nowhere() {
    let patient = Patient::new("write_back = [\"sh\", \"-c\", \"cat > line\"]\n");
    let home = &patient.scene.home;
    let place = home.path("home/line");
    let written = || {
        let line = fs::read_to_string(&place).unwrap();
        let line = line.trim().strip_prefix("oauthctl-1-plain.").unwrap().to_owned();
        let grant = part(&line, 0);
        let of = |name: &str| grant["tokens"][name].as_str().unwrap().to_owned();
        (of("access_token"), of("refresh_token"))
    };
    fs::remove_file(&place).unwrap();
    let refreshing = patient.refreshing();
    assert!(!place.exists(), "the rule is asked first");
    patient.answers(&json!({ "deny": "no" }));
    refreshing.wait().fails(5);
    let (access_token, refresh_token) = written();
    assert_ne!(access_token, patient.newest("access_token"));
    assert_eq!(refresh_token, patient.newest("refresh_token"), "the old one is spent");
    let refreshing = patient.refreshing();
    patient.answers(&json!({}));
    refreshing.wait().ok();
    assert_eq!(written(), (patient.newest("access_token"), patient.newest("refresh_token")));
}

#[test]
fn what_a_rule_repeats_of_the_tokens_is_neither_shown_nor_kept() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let place = scene.home.path("rule.sh");
    let quoted = "sed 's/[\"\\\\]/\\\\&/g'";
    for (script, code, says) in [
        ("echo a-remark >&2; cat >&2; exit 3".to_owned(), 3, "exit status: 3"),
        (
            "printf '{\"deny\":\"a-remark '; ".to_owned() + quoted + " | tr -d '\\n'; printf '\"}'",
            5,
            "[redacted]",
        ),
    ] {
        scene.home.write(&place, &script);
        rules(
            &scene,
            &format!("post_token = {{ command = [\"sh\", {place:?}], give_token = true }}"),
        );
        let output = scene.home.run(["token", "-p", "p", "--force-refresh", "--json"]).fails(code);
        assert!(output.stderr.contains(says), "{}", output.stderr);
        // Of a hook that was told tokens, a reason is shown, but no error output.
        assert_eq!(output.stderr.contains("a-remark"), code == 5, "{}", output.stderr);
        let status = scene.home.run(["status", "--json"]).ok();
        assert!(status.stdout.contains("post_token"), "{}", status.stdout);
        assert_not_shown(&status.stdout, ["a-remark"]);
        let all = scene.server.control.get("/canaries");
        for token in all.as_array().unwrap() {
            let token = token["value"].as_str().unwrap();
            assert_not_shown(&output.stderr, [token]);
            assert_not_shown(&status.stdout, [token]);
        }
    }
}

#[test]
fn no_command_beside_a_token_gets_the_clients_secret() {
    let write_back = "cat > /dev/null; env > written";
    let more = format!(
        "client_secret = {{ env = \"CLIENT_SECRET\" }}\nwrite_back = [\"sh\", \"-c\", {write_back:?}]\n"
    );
    let mut scene = Scene::with("honest", &more);
    let config = fs::read_to_string(scene.home.config_path()).unwrap();
    scene.home.config(&config.replace("\"cli\"", "\"cli-secret\""));
    let secret = "CANARY-secret-:+%& é\"";
    scene.home.set("CLIENT_SECRET", secret).set("OF_THE_PERSON", "a-variable");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let written = fs::read_to_string(scene.home.path("home/written")).unwrap();
    let executed = scene.home.run(["exec", "-p", "p", "--", "env"]).ok().stdout;
    for env in [written, executed] {
        assert!(env.contains("OF_THE_PERSON=a-variable"), "{env}");
        assert_not_shown(&env, [secret]);
    }
    // It was there to be sent.
    assert_eq!(scene.redemptions(), 1);
}

#[test]
fn a_reason_that_names_the_clients_secret_does_not_show_it() {
    let secret = "CANARY-a-secret-that-the-rule-knows";
    let scene = Scene::with("honest", &format!("client_secret = {secret:?}\n"));
    let (_, callback) = scene.come_back(&[]);
    rule(&scene, &format!("cat > /dev/null; echo '{{\"deny\":\"no {secret}\"}}'"), &["pre_token"]);
    let output = scene.complete(&callback, &[]).fails(5);
    assert!(output.stderr.contains("no [redacted]"), "{}", output.stderr);
    assert_not_shown(&output.stderr, [secret]);
}

/// Neither the source of a client's own key, nor the variables with which a runner issues id tokens.
#[test]
fn no_rule_gets_what_the_client_proves_itself_with() {
    let mut scene = Scene::new("honest");
    for name in
        ["KEY_OF_THE_CLIENT", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"]
    {
        scene.home.set(name, format!("{}/of/{name}", scene.server.issuer("honest")));
    }
    scene.home.set("OF_THE_PERSON", "a-variable");
    let env = scene.home.path("env");
    let all = fs::read_to_string(scene.home.config_path()).unwrap();
    for (more, hidden) in [
        ("private_key = { env = \"KEY_OF_THE_CLIENT\" }", "KEY_OF_THE_CLIENT"),
        (
            "client_assertion = { github_actions = { audience = \"a\" } }",
            "ACTIONS_ID_TOKEN_REQUEST_",
        ),
    ] {
        scene.home.config(&format!("{all}\ngrant = \"jwt_bearer\"\n{more}\n"));
        rule(&scene, &format!("env > {env:?}; echo '{{\"deny\":\"enough\"}}'"), &["pre_token"]);
        scene.home.run(["token", "-p", "p"]).fails(5);
        let env = fs::read_to_string(&env).unwrap();
        assert!(env.contains("OF_THE_PERSON=a-variable"), "{env}");
        assert!(!env.contains(hidden), "{hidden}: {env}");
    }
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
