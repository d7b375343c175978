//! The user's own rules: their input, and the effect of their answers.

use std::fs;

use serde_json::{Value, json};

use crate::scene::Scene;
use crate::support::{Home, Servers, assert_not_shown, jwt_part};

/// A scene whose hooks write their input to `told`, and answer with the content of `answers/EVENT`.
fn scene(events: &[&str], more: &str) -> Scene {
    let scene = Scene::new("honest");
    write(&scene.home, events, more);
    scene
}

fn write(home: &Home, events: &[&str], more: &str) {
    let script = home.path("hook.sh");
    let text = format!(
        "told=$(cat); printf '%s\\n' \"$told\" >> {told:?}; env >> {env:?}\n\
         if [ -f {answers:?}/\"$1\" ]; then cat {answers:?}/\"$1\"; fi\n\
         if [ -f {fails:?} ]; then echo because >&2; exit 3; fi\n",
        told = home.path("told"),
        env = home.path("env"),
        answers = home.path("answers"),
        fails = home.path("fails"),
    );
    home.write(&script, &text);
    let hooks: String =
        events.iter().map(|event| format!("{event} = [\"sh\", {script:?}, {event:?}]\n")).collect();
    let before = fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{before}\n[profiles.p.hooks]\n{hooks}{more}\n"));
}

fn answer(home: &Home, event: &str, value: &Value) {
    home.write(&home.path("answers").join(event), &value.to_string());
}

/// The input of the hooks since the last call.
fn told(home: &Home) -> Vec<Value> {
    let text = fs::read_to_string(home.path("told")).unwrap_or_default();
    let _ = fs::remove_file(home.path("told"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(told: &[Value]) -> Vec<&str> {
    told.iter().map(|value| value["event"].as_str().unwrap()).collect()
}

const ALL: [&str; 4] = ["authorization", "pre_token", "post_token", "login_required"];

#[test]
fn hooks_run_in_order_at_login_and_each_refresh() {
    let mut scene = scene(&ALL, "");
    scene.home.set("OAUTHCTL_STATE_KEY", "A".repeat(43));
    answer(&scene.home, "authorization", &json!({ "attributes": { "authorized_at": "noon" } }));
    answer(&scene.home, "pre_token", &json!({ "attributes": { "rule": 7 } }));
    let (begun, callback) = scene.come_back(&["--user", "u1", "--attr", "tenant=acme"]);
    assert!(told(&scene.home).is_empty());
    let done = scene.complete(&callback, &[]).ok().json();
    let expected = json!({ "authorized_at": "noon", "rule": 7, "tenant": "acme" });
    assert_eq!(done["attributes"], expected);
    let all = told(&scene.home);
    assert_eq!(events(&all), ["authorization", "pre_token", "post_token"]);
    assert_eq!(
        all[0],
        json!({
            "event": "authorization", "grant_type": "authorization_code", "grant_id": begun["grant_id"],
            "profile": "p", "account": "u1", "user": "u1", "attributes": { "tenant": "acme" },
            "scopes": ["api"],
        })
    );
    assert_eq!(all[2]["attributes"], expected);
    let of = ["-p", "p", "--account", "u1"];
    scene.home.run(["token"].iter().chain(&of)).ok();
    assert!(told(&scene.home).is_empty(), "a stored token asks nobody");
    answer(&scene.home, "post_token", &json!({ "attributes": { "rule": 8 } }));
    let output = scene.home.run(["token", "--force-refresh", "--json"].iter().chain(&of)).ok();
    assert_eq!(output.json()["attributes"]["rule"], 8);
    let all = told(&scene.home);
    assert_eq!(events(&all), ["pre_token", "post_token"]);
    assert_eq!(all[0]["grant_type"], "refresh_token");
    assert_eq!(all[0]["grant_id"], begun["grant_id"]);
    scene.home.run(["token", "-p", "p", "--account", "nobody"]).fails(4);
    assert_eq!(events(&told(&scene.home)), ["login_required"]);
    // A caller that wants only the stored token causes no hook.
    scene.home.run(["token", "-p", "p", "--account", "nobody", "--cached"]).fails(4);
    assert!(told(&scene.home).is_empty());
    let env = fs::read_to_string(scene.home.path("env")).unwrap();
    assert_not_shown(&env, ["OAUTHCTL_STATE_KEY"]);
}

#[test]
fn hooks_run_and_params_are_sent_without_a_user() {
    let server = Servers::oidc_provider();
    let home = Home::new();
    let secret = format!("{:?}", server.secret);
    let more = format!("client_secret = {secret}\ngrant = \"client_credentials\"\n");
    home.profile("p", &server.issuer, "service", &more);
    write(&home, &ALL, "");
    answer(&home, "pre_token", &json!({ "params": { "client_id": "other" } }));
    home.run(["token", "-p", "p"]).fails(3);
    assert_eq!(server.count("client_credentials"), 0);
    answer(&home, "pre_token", &json!({ "params": { "hint": "x" }, "attributes": { "a": 1 } }));
    let output = home.run(["token", "-p", "p", "--json", "--trace"]).ok();
    assert!(output.stderr.contains("hint"), "sent: {}", output.stderr);
    let output = output.json();
    assert_eq!(output["attributes"], json!({ "a": 1 }));
    let all = told(&home);
    assert_eq!(events(&all)[1..], ["pre_token", "post_token"]);
    assert_eq!(all[2]["grant_type"], "client_credentials");
    assert_eq!(all[2]["grant_id"], output["grant_id"]);
    assert_not_shown(
        &format!("{all:?}"),
        [output["access_token"].as_str().unwrap(), &server.secret],
    );
}

#[test]
fn denial_stops_it_with_the_reason() {
    let scene = scene(&ALL, "");
    let home = &scene.home;
    let deny = json!({ "deny": "not on \u{1b}[31mSundays" });
    for event in ["authorization", "pre_token"] {
        answer(home, event, &deny);
        let (_, callback) = scene.come_back(&[]);
        let output = scene.complete(&callback, &[]).fails(5);
        assert!(output.stderr.contains("not on") && !output.stderr.contains('\u{1b}'));
        assert_eq!(scene.redemptions(), 0);
        // The flow is not spent: once the rule allows it, it completes.
        answer(home, event, &json!({}));
        if event == "pre_token" {
            scene.complete(&callback, &[]).ok();
            home.run(["logout", "p"]).ok();
        }
    }
    scene_denied_after(&scene, &deny);
}

fn scene_denied_after(scene: &Scene, deny: &Value) {
    let home = &scene.home;
    let before = scene.redemptions();
    answer(home, "post_token", deny);
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).fails(5);
    assert_eq!(scene.redemptions(), before + 1);
    assert_eq!(home.run(["status", "--json"]).ok().json(), json!([]), "nothing is kept");
    answer(home, "post_token", &json!({}));
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    answer(home, "post_token", deny);
    home.run(["token", "-p", "p", "--force-refresh"]).fails(5);
    home.run(["token", "-p", "p"]).fails(5);
    answer(home, "post_token", &json!({}));
    home.run(["token", "-p", "p"]).ok();
}

/// What is not to be kept in any case is not what the last rule is asked about.
#[test]
fn foreign_tokens_are_refused_before_post_token() {
    let scene = scene(&ALL, "");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &["--require-identity", "sub=mallory"]).fails(7);
    assert_eq!(events(&told(&scene.home)), ["authorization", "pre_token"]);
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &["--require-identity", "sub=alice"]).ok();
    assert_eq!(events(&told(&scene.home)), ["authorization", "pre_token", "post_token"]);
}

#[test]
fn failing_or_invalid_hook_stops_the_login() {
    let scene = scene(&["pre_token"], "");
    let home = &scene.home;
    let (_, callback) = scene.come_back(&[]);
    for nonsense in ["x", "[]", "{\"deny\":1}", "{\"params\":{\"code\":\"x\"}}", "{\"other\":1}"] {
        home.write(&home.path("answers/pre_token"), nonsense);
        let output = scene.complete(&callback, &[]).fails(3);
        assert!(output.stderr.contains("the hook `pre_token` failed"), "{}", output.stderr);
    }
    home.write(&home.path("answers/pre_token"), &format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20)));
    assert!(scene.complete(&callback, &[]).fails(3).stderr.contains("1048576"));
    home.write(&home.path("answers/pre_token"), "");
    home.write(&home.path("fails"), "");
    assert!(scene.complete(&callback, &[]).fails(3).stderr.contains("because"));
    assert_eq!(scene.redemptions(), 0);
    fs::remove_file(home.path("fails")).unwrap();
    scene.complete(&callback, &[]).ok();
}

#[test]
fn token_is_shown_only_where_that_is_wished() {
    let scene = Scene::new("honest");
    write(&scene.home, &[], "");
    let script = scene.home.path("hook.sh");
    let before = fs::read_to_string(scene.home.config_path()).unwrap();
    scene.home.config(&format!(
        "{before}\npost_token = {{ command = [\"sh\", {script:?}, \"post_token\"], give_token = true }}\n\
         pre_token = [\"sh\", {script:?}, \"pre_token\"]\n"
    ));
    let (_, callback) = scene.come_back(&[]);
    let done = scene.complete(&callback, &["--show-token"]).ok().json();
    let all = told(&scene.home);
    assert_eq!(all[1]["access_token"], done["access_token"]);
    assert_eq!(all[1].get("refresh_token"), None);
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    assert_eq!(told(&scene.home)[0].get("access_token"), None);
    let shown = scene.home.run(["profile", "show", "p", "--json"]).ok().json();
    assert_eq!(shown["hooks"]["post_token"]["give_token"], true);
    // So is an id_token, where there is one.
    assert_eq!(all[1].get("id_token"), None);
    let config = fs::read_to_string(scene.home.config_path()).unwrap();
    scene.home.config(&config.replace("[\"api\"]", "[\"openid\"]"));
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let all = told(&scene.home);
    assert_eq!(jwt_part(all[1]["id_token"].as_str().unwrap(), 1)["sub"], "alice");
    assert_eq!(all[0].get("id_token"), None);
}

#[test]
fn many_callers_of_one_refresh_ask_the_rule_once() {
    let scene = scene(&["pre_token"], "");
    scene.server.set(&json!({ "expires_in": 30 }));
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    scene.server.set(&json!({ "expires_in": 3600 }));
    told(&scene.home);
    for output in scene.home.run_many(8, &["token", "-p", "p", "--min-ttl", "5m"]) {
        output.ok();
    }
    assert_eq!(told(&scene.home).len(), 1);
    assert_eq!(scene.grants("refresh_token").len(), 1);
}

#[test]
fn failing_hook_does_not_hide_a_required_login() {
    let scene = scene(&["login_required"], "");
    let home = &scene.home;
    let token = ["token", "-p", "p"];
    let failures =
        [("", "exit status: 3: because"), ("x", "its answer is not a single JSON object")];
    for (answer, why) in failures {
        if answer.is_empty() {
            home.write(&home.path("fails"), "");
        } else {
            fs::remove_file(home.path("fails")).unwrap();
            home.write(&home.path("answers/login_required"), answer);
        }
        let output = home.run(token).fails(4).stderr;
        let lines: Vec<&str> = output.lines().collect();
        let [warning, hint, what, how] = lines[..] else { panic!("{output}") };
        assert!(warning.starts_with("warning: the hook `login_required` failed: "), "{output}");
        assert!(warning.contains(why) && hint.starts_with("hint: correct the hook"), "{output}");
        assert_eq!((what, how), ("error: not logged in to `p`", "hint: run `oauthctl login p`"));
        // One object is all that a program reads.
        let output = home.run(token.iter().chain(&["--json"])).fails(4);
        let json: Value = serde_json::from_str(&output.stderr).unwrap();
        assert_eq!((&json["error"], &json["exit_code"]), (&json!("login_required"), &json!(4)));
        assert_eq!(json["message"], "not logged in to `p`");
        assert_eq!(json["hint"], "run `oauthctl login p`");
        let warning = json["warning"].as_str().unwrap();
        assert!(warning.contains("the hook `login_required` failed") && warning.contains(why));
        // Whoever wants to log in then is asked to.
        let output = home.run(token.iter().chain(&["--login", "--no-input"])).fails(4).stderr;
        assert!(output.contains("error: login to `p` requires user interaction"), "{output}");
        assert!(output.contains("warning: the hook `login_required` failed: "), "{output}");
    }
    answer(home, "login_required", &json!({ "deny": "ask the desk" }));
    let output = home.run(token.iter().chain(&["--json"])).fails(5).error_json();
    assert_eq!(output["message"], "the hook `login_required` denied the request: ask the desk");
    assert_eq!(output.get("warning"), None);
    answer(home, "login_required", &json!({}));
    let output = home.run(token.iter().chain(&["--json"])).fails(4).error_json();
    assert_eq!(output.get("warning"), None);
}

const PEM: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIA1firstLineOfTheKeyWithItsWholeWidthOfText0\n\
    secondLineOfTheKeyWithItsWholeWidthOfTextAsInAnyFileOfThisKind00\n\
    twelve+shrt=\n\
    -----END PRIVATE KEY-----\n";
const JWK: &str =
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\"}";
const ASSERTION: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.c2lnbmF0dXJl";

#[test]
fn key_or_assertion_in_hook_output_is_redacted() {
    let d = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let lines = PEM.replace('\n', "\n  | ");
    let part = lines.lines().nth(2).unwrap();
    for (key, secret, said) in [
        ("private_key", PEM, PEM),
        ("private_key", PEM, &PEM.replace('\n', "\r\n")),
        ("private_key", PEM, &lines),
        ("private_key", PEM, part),
        ("private_key", JWK, JWK),
        ("private_key", JWK, d),
        ("client_assertion", ASSERTION, ASSERTION),
    ] {
        for kind in ["file", "command", "env"] {
            let mut scene = Scene::with("honest", "");
            let home = &mut scene.home;
            let place = home.path("of-client");
            let source = match kind {
                "file" => format!("{{ file = {place:?} }}"),
                "command" => format!("{{ command = [\"cat\", {place:?}] }}"),
                _ => "{ env = \"OF_CLIENT\" }".to_owned(),
            };
            let ways = match key {
                "private_key" => {
                    "grant = \"client_credentials\"\nclient_auth = \"private_key_jwt\""
                }
                _ => "grant = \"jwt_bearer\"",
            };
            home.write(&place, secret);
            home.set("OF_CLIENT", secret);
            let config = fs::read_to_string(home.config_path()).unwrap();
            home.config(&format!("{config}\n{ways}\n{key} = {source}\n"));
            home.write(&home.path("said"), said);
            let said = home.path("said");
            home.write(
                &home.path("hook.sh"),
                &format!("echo a-remark >&2; cat {said:?} >&2; exit 3"),
            );
            let script = home.path("hook.sh");
            let config = fs::read_to_string(home.config_path()).unwrap();
            home.config(&format!(
                "{config}\n[profiles.p.hooks]\npre_token = [\"sh\", {script:?}]\n"
            ));
            let output = home.run(["token", "-p", "p"]).fails(3);
            let says = |word| output.stderr.contains(word);
            assert!(says("a-remark") && says("[redacted]"), "{}", output.stderr);
            let status = home.run(["status", "--json"]).ok();
            for text in [&output.stderr, &status.stdout] {
                let long = secret.split(['\n', '"']).filter(|piece| piece.len() > 16);
                assert_not_shown(text, long.map(str::trim));
            }
        }
    }
}

/// A hook that asks for the token for which it is run.
#[test]
fn hooks_inside_one_another_come_to_an_end() {
    let mut scene = Scene::new("honest");
    let runs = scene.home.path("runs");
    // Of itself it would stop too, but later.
    let script = format!(
        "cat >/dev/null; echo \"$OAUTHCTL_HOOK_DEPTH\" >> {runs:?}\n\
         [ $(wc -l < {runs:?}) -lt 9 ] || exit 1\nexec {:?} token -p p\n",
        crate::support::program()
    );
    let place = scene.home.path("again.sh");
    scene.home.write(&place, &script);
    let before = fs::read_to_string(scene.home.config_path()).unwrap();
    let hook = format!("{before}\n[profiles.p.hooks]\nlogin_required = [\"sh\", {place:?}]\n");
    scene.home.config(&hook);
    let output = scene.home.run(["token", "-p", "p"]).fails(4);
    assert_eq!(fs::read_to_string(&runs).unwrap(), "1\n2\n3\n4\n");
    for words in ["(OAUTHCTL_HOOK_DEPTH)", "must not request a token"] {
        assert!(output.stderr.contains(words), "{}", output.stderr);
    }
    for (depth, started) in [("", 4), ("3", 1), ("4", 0), ("99", 0), ("many", 0)] {
        fs::write(&runs, "").unwrap();
        scene.home.set("OAUTHCTL_HOOK_DEPTH", depth);
        let output = scene.home.run(["token", "-p", "p", "--json"]).fails(4).error_json();
        assert!(output["warning"].as_str().unwrap().contains("OAUTHCTL_HOOK_DEPTH"), "{output}");
        assert_eq!(fs::read_to_string(&runs).unwrap().lines().count(), started, "{depth}");
    }
    scene.home.config(&before);
    write(&scene.home, &["authorization"], "");
    let (_, callback) = scene.come_back(&[]);
    let output = scene.complete(&callback, &[]).fails(3);
    assert!(output.stderr.contains("(OAUTHCTL_HOOK_DEPTH)"), "{}", output.stderr);
    assert!(told(&scene.home).is_empty() && scene.redemptions() == 0);
    scene.home.set("OAUTHCTL_HOOK_DEPTH", "3");
    scene.complete(&callback, &[]).ok();
}
