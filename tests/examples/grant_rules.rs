//! Rules that store values with a grant, add parameters to its requests, and deny.

use serde_json::{Value, json};

use crate::support::{Home, OidcProvider, Output, Servers, consent};
use crate::walk::{built, spawn};

const REDIRECT: &str = "http://127.0.0.1:8080/callback";

/// A home with a profile `rules` of this server; its rules are commands with these arguments.
fn home(server: &OidcProvider, more: &[&str]) -> Home {
    let home = Home::new();
    let mut hook = vec![built("grant_rules"), "answer".to_owned()];
    hook.extend(more.iter().map(|&argument| argument.to_owned()));
    let lines = format!(
        "scopes = [\"api\", \"read\"]\nredirect_uri = {REDIRECT:?}\nkeep = [\"scope\"]\n\
         [profiles.rules.hooks]\npre_token = {hook:?}\npost_token = {hook:?}"
    );
    home.profile("rules", &server.issuer, "cli", &lines);
    home
}

/// Runs the example with the user's consent at the server.
#[track_caller]
fn run(home: &Home, more: &[&str]) -> Output {
    let config = home.config_path();
    let args: Vec<&str> =
        ["--config", config.to_str().unwrap()].into_iter().chain(more.iter().copied()).collect();
    let mut running = spawn(home, "grant_rules", &args);
    let url = running.await_stdout(|said| {
        let mut lines = said.split_inclusive('\n').filter(|line| line.starts_with("http"));
        lines.next().filter(|line| line.ends_with('\n')).map(|line| line.trim().to_owned())
    });
    running.write(&format!("{}\n", consent(&url)));
    running.wait()
}

/// What the example said of each use of the token: its first line, the grant's id, its attributes.
#[track_caller]
fn uses(output: &Output) -> Vec<(String, String, Value)> {
    let mut uses: Vec<(String, String, Value)> = Vec::new();
    for line in output.stdout.lines() {
        if let Some((name, value)) = line.strip_prefix("  ").and_then(|l| l.split_once(" = ")) {
            uses.last_mut().unwrap().2[name] = serde_json::from_str(value).unwrap();
        } else if let Some(grant) = line.strip_prefix("  grant ") {
            uses.last_mut().unwrap().1 = grant.to_owned();
        } else if line.ends_with(" token") {
            uses.push((line.to_owned(), String::new(), json!({})));
        }
    }
    uses
}

#[track_caller]
fn check(output: &Output, scope: &str) -> String {
    let all = uses(output);
    let said: Vec<&str> = all.iter().map(|(line, ..)| line.as_str()).collect();
    assert_eq!(
        said,
        [
            "At once: a stored token",
            "After half an hour: a stored token",
            "After three hours: a refreshed token",
            "Once more: a refreshed token",
        ]
    );
    let (grant, at) = (&all[0].1, &all[0].2["authorized_at"]);
    assert!(at.as_str().is_some_and(|at| at.ends_with('Z')), "{at}");
    for ((_, id, kept), (refreshes, case)) in
        all.iter().zip([(0, true), (0, true), (1, false), (2, false)])
    {
        let mut expected = json!({
            "authorized_at": at, "first_scope": scope, "scope": scope, "refreshes": refreshes,
        });
        if case {
            expected["support_case"] = json!(4711);
        }
        assert_eq!((id, kept), (grant, &expected));
    }
    grant.clone()
}

#[test]
fn example_runs_without_any_setup() {
    check(&spawn(&Home::new(), "grant_rules", &[]).wait().ok(), "read");
}

#[test]
fn rule_attributes_survive_refreshes() {
    let server = Servers::oidc_provider();
    let output = run(&home(&server, &[]), &["--require", "api", "--bar", "brook"]).ok();
    let grant = check(&output, "api read");
    let requests = server.control.get("/journal")["requests"].clone();
    let sent: Vec<(&Value, &Value)> =
        requests.as_array().unwrap().iter().map(|r| (&r["grant_type"], &r["others"])).collect();
    let audit = json!({ "audit_id": grant });
    let expected = ["authorization_code", "refresh_token", "refresh_token"].map(Value::from);
    assert_eq!(sent, expected.iter().map(|t| (t, &audit)).collect::<Vec<_>>());
}

#[test]
fn rule_that_denies_leaves_nothing() {
    let server = Servers::oidc_provider();
    let home = home(&server, &[]);
    // Before the request: no code is spent.
    let output = run(&home, &["--bar", "ada"]).code(5);
    assert!(output.stdout.ends_with("Denied. Stored: nothing.\n"), "{}", output.stdout);
    assert!(
        output.stderr.contains("the hook `pre_token` denied the request: this user"),
        "{}",
        output.stderr
    );
    assert_eq!(server.count("authorization_code"), 0);
    // After the answer: what came is dropped.
    let output = run(&home, &["--require", "admin"]).code(5);
    assert!(output.stdout.ends_with("Denied. Stored: nothing.\n"), "{}", output.stdout);
    assert!(output.stderr.contains("the scope admin was not granted"), "{}", output.stderr);
    assert_eq!((server.count("authorization_code"), server.count("refresh_token")), (1, 0));
    // Another user is not barred.
    run(&home, &["--bar", "ada", "--user", "brook"]).ok();
    // A user who denies, or who returns with another's response, is distinct from a rule.
    server.control.post("/deny", &json!({ "deny": true }));
    let output = run(&home, &[]).code(5);
    assert!(output.stderr.contains("access_denied"), "{}", output.stderr);
}

#[test]
fn forged_response_is_refused() {
    let server = Servers::oidc_provider();
    let home = home(&server, &[]);
    let config = home.config_path();
    for forged in [format!("{REDIRECT}?code=c&state=s"), "nonsense".to_owned(), String::new()] {
        let mut running = spawn(&home, "grant_rules", &["--config", config.to_str().unwrap()]);
        running.write(&format!("{forged}\n"));
        running.wait().code(7);
    }
    assert_eq!(server.count("authorization_code"), 0);
}

#[test]
fn same_rules_are_commands_of_a_profile() {
    let server = Servers::oidc_provider();
    let allowed = home(&server, &["--require", "api", "--bar", "brook"]);
    let begin = |home: &Home, user: &str| {
        let begun = home.run(["start", "rules", "--user", user]).ok().json();
        (begun["grant_id"].clone(), consent(begun["authorization_url"].as_str().unwrap()))
    };
    let (grant, callback) = begin(&allowed, "ada");
    let done = allowed.run_with(["complete", "-"], &callback).ok().json();
    let at = done["attributes"]["authorized_at"].clone();
    assert!(at.is_string(), "{done}");
    let token = ["token", "-p", "rules", "--account", "ada", "--json", "--force-refresh"];
    for refreshes in 1..=2 {
        let output = allowed.run(token).ok().json();
        let kept = json!({
            "authorized_at": at, "first_scope": "api read", "scope": "api read", "refreshes": refreshes,
        });
        assert_eq!((&output["grant_id"], &output["attributes"]), (&grant, &kept));
    }
    let (_, callback) = begin(&allowed, "brook");
    allowed.run_with(["complete", "-"], &callback).fails(5);

    let denied = home(&server, &["--require", "admin"]);
    let (_, callback) = begin(&denied, "ada");
    let output = denied.run_with(["complete", "-"], &callback).fails(5);
    assert!(output.stderr.contains("the scope admin was not granted"), "{}", output.stderr);
    assert_eq!(denied.run(["status", "--json"]).ok().json(), json!([]));
}

#[test]
fn rule_that_is_misspelt_allows_nothing() {
    for args in [
        &["answer", "--requier", "admin"][..],
        &["answer", "--require"],
        &["answer", "--require", ""],
        &["answer", "--bar", "a", "--bar", "b"],
        &["anwser"],
        &["--require", "read", "answer"],
    ] {
        let output = spawn(&Home::new(), "grant_rules", args).wait().fails(2);
        let told = ["unknown argument", "requires a value", "set twice"];
        assert!(told.iter().any(|what| output.stderr.contains(what)), "{}", output.stderr);
    }
}

#[test]
fn malformed_event_is_reported_with_exit_code_2() {
    let mut running = spawn(&Home::new(), "grant_rules", &["answer"]);
    running.write("not an event");
    assert!(running.wait().fails(2).stderr.starts_with("no event on stdin: "));
}
