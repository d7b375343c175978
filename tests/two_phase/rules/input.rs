//! What a rule and other commands are told, and what is kept from them.

use std::fs;

use serde_json::{Value, json};

use super::{rule, rules};
use crate::scene::{Scene, visit};
use crate::support::shapes::set;
use crate::support::{CODE_GRANT, REFRESH_GRANT, assert_not_shown, await_some};

#[test]
fn rule_sees_no_key_and_holds_no_file_of_ours() {
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
fn rule_sees_attributes_that_have_not_expired() {
    let keep = "keep = [\"scope\", \"extra\"]\nkeep_from_callback = [\"realmId\"]\n";
    let scene = Scene::scripted(keep);
    let nested = (0..120).fold(json!([]), |inner, _| json!([inner]));
    for grant_type in [CODE_GRANT, REFRESH_GRANT] {
        scene.server.reply(grant_type, &set("extra", nested.clone()));
    }
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

#[test]
fn tokens_in_rule_output_are_redacted() {
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
        let secrets = scene.server.secrets_minted();
        assert_not_shown(&output.stderr, &secrets);
        assert_not_shown(&status.stdout, &secrets);
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
