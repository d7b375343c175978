//! `--trace` and `--trace-har`: readable, complete, and without a secret.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::fixture::with_sandbox;
use crate::support::{Home, Output, assert_not_shown, exported, make_pipe, mode};

/// Logs in with the trace and the HAR file on, and gives both and every secret of that run.
fn traced(home: &mut Home) -> (Output, String, Vec<String>) {
    let browser = home.browser(&serde_json::json!({ "mode": "honest" }));
    let file = home.path("home/trace.har");
    let output = home.run(["login", "s", "--trace", "--trace-har", file.to_str().unwrap()]).ok();
    let har = fs::read_to_string(&file).unwrap();
    assert_eq!(mode(&file), 0o600);
    let line = home.run(["export"]).ok();
    let grant = exported(line.line());
    let tokens = &grant["tokens"];
    let mut secrets: Vec<String> = ["access_token", "refresh_token", "id_token"]
        .iter()
        .map(|name| tokens[*name].as_str().unwrap().to_owned())
        .collect();
    let callback = url::Url::parse(&browser.await_visit().callback.unwrap()).unwrap();
    for (name, value) in callback.query_pairs() {
        if name == "code" || name == "state" {
            secrets.push(value.into_owned());
        }
    }
    assert_eq!(secrets.len(), 5);
    (output, har, secrets)
}

#[test]
fn login_trace_fits_80_columns_without_secrets() {
    let (mut home, _sandbox) = with_sandbox(None);
    let (output, har, secrets) = traced(&mut home);
    // The URL that the user may have to open has the state in it. The trace around it does not.
    let is_url = |line: &&str| line.trim_start().starts_with("http://") && line.contains("&state=");
    assert_eq!(output.stderr.lines().filter(is_url).count(), 1, "{}", output.stderr);
    let lines = output.stderr.lines().filter(|line| !is_url(line));
    let text = &lines.map(|line| format!("{line}\n")).collect::<String>();
    assert_not_shown(text, &secrets);
    assert_not_shown(&har, &secrets);
    let mut from = 0;
    for step in [
        "GET http://127.0.0.1",
        "(discovery)",
        "== Creating a code verifier",
        "== Building the authorization request",
        "browser -> http://127.0.0.1",
        "code_challenge_method = S256",
        "== Validating the authorization response",
        "browser <- /callback",
        "code = [redacted",
        "state = [redacted",
        "iss = http://127.0.0.1",
        "== Redeeming the code for tokens",
        "grant_type = authorization_code",
        "code_verifier = [redacted",
        "\"access_token\": \"[redacted",
        "== Validating the id_token",
        "Logged in to `s`",
    ] {
        let at = text[from..]
            .find(step)
            .unwrap_or_else(|| panic!("{step} is missing in {}", &text[from..]));
        from += at;
    }
    for line in text.lines().filter(|line| !line.starts_with("Logged in")) {
        let unbroken = line.contains("http") || line.contains("[redacted");
        assert!(line.chars().count() <= 80 || unbroken, "{line}");
    }
}

#[test]
fn har_file_is_har_1_2() {
    let (mut home, _sandbox) = with_sandbox(None);
    let (_, har, _) = traced(&mut home);
    let har: Value = serde_json::from_str(&har).unwrap();
    let log = &har["log"];
    assert_eq!(log["version"], "1.2");
    assert!(log["creator"]["name"].is_string() && log["creator"]["version"].is_string());
    let entries = log["entries"].as_array().unwrap();
    assert!(entries.len() >= 3, "discovery, token, keys: {}", entries.len());
    for entry in entries {
        assert!(entry["startedDateTime"].as_str().unwrap().contains('T'));
        for key in ["time", "request", "response", "cache", "timings"] {
            assert!(!entry[key].is_null(), "{key}: {entry}");
        }
        let (request, response) = (&entry["request"], &entry["response"]);
        for key in [
            "method",
            "url",
            "httpVersion",
            "cookies",
            "headers",
            "queryString",
            "headersSize",
            "bodySize",
        ] {
            assert!(!request[key].is_null(), "request.{key}: {entry}");
        }
        for key in [
            "status",
            "statusText",
            "httpVersion",
            "cookies",
            "headers",
            "content",
            "redirectURL",
            "headersSize",
            "bodySize",
        ] {
            assert!(!response[key].is_null(), "response.{key}: {entry}");
        }
        let timings: f64 = ["send", "wait", "receive"]
            .iter()
            .map(|name| entry["timings"][*name].as_f64().unwrap().max(0.0))
            .sum();
        assert!((timings - entry["time"].as_f64().unwrap()).abs() < 1.0, "{entry}");
        let pages = log["pages"].as_array().unwrap();
        let known = |page: &Value| pages.iter().any(|p| p["id"] == *page);
        assert!(entry.get("pageref").is_none_or(known), "{entry}");
    }
}

#[test]
fn command_that_fails_leaves_its_trace() {
    let (home, _sandbox) = with_sandbox(Some("token-500"));
    let file = home.path("home/failed.har");
    let output =
        home.run(["login", "s", "--trace", "--trace-har", file.to_str().unwrap()]).fails(9);
    assert!(output.stderr.contains("<- 500 Internal Server Error"), "{}", output.stderr);
    let har: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    assert_eq!(entries.last().unwrap()["response"]["status"], 500);
}

#[test]
fn server_that_is_not_there_is_in_the_trace_too() {
    let (home, sandbox) = with_sandbox(None);
    drop(sandbox);
    let file = home.path("home/refused.har");
    let output =
        home.run(["login", "s", "--trace", "--trace-har", file.to_str().unwrap()]).fails(9);
    assert!(output.stderr.contains("(nothing was sent)"), "{}", output.stderr);
    let har: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(har["log"]["entries"][0]["response"]["status"], 0);
}

#[test]
fn trace_of_a_cached_token_shows_no_token() {
    let home = crate::fixture::planted(crate::fixture::TOKEN);
    let output = home.run(["token", "--trace"]).ok();
    assert_eq!(output.line(), crate::fixture::TOKEN);
    assert_not_shown(&output.stderr, [crate::fixture::TOKEN]);
}

#[test]
fn unwritable_har_file_is_refused_before_requests() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.run(["login", "s"]).ok();
    let token = home.run(["token"]).ok();
    let pipe = home.path("home/pipe");
    make_pipe(&pipe);
    let directory = home.path("home/directory");
    fs::create_dir(&directory).unwrap();
    let to_pipe = home.path("home/to-pipe");
    std::os::unix::fs::symlink(&pipe, &to_pipe).unwrap();
    let missing = home.path("home/missing/x.har");
    let browser = home.browser(&serde_json::json!({ "mode": "honest" }));
    for place in [
        Path::new("/dev/full"),
        Path::new("/dev/null/x.har"),
        &pipe,
        &to_pipe,
        &directory,
        &missing,
    ] {
        let place = place.to_str().unwrap();
        for line in ["token --force-refresh", "token", "login s", "exec -- true"] {
            let args = ["--trace-har", place].into_iter().chain(line.split(' '));
            let output = home.run(args).fails(2);
            assert!(output.stderr.contains("HAR file"), "{place}: {}", output.stderr);
            assert!(output.stderr.contains("\nhint: "), "{place}: {}", output.stderr);
        }
    }
    assert!(browser.openings().is_empty());
    assert_eq!(home.run(["token", "--cached"]).ok().line(), token.line(), "nothing was refreshed");
    assert!(to_pipe.is_symlink() && fs::metadata(&pipe).is_ok_and(|pipe| !pipe.is_file()));
}

#[test]
fn har_file_lost_during_a_run_keeps_the_exit_code() {
    let (home, _sandbox) = with_sandbox(None);
    home.run(["login", "s"]).ok();
    let folder = home.path("home/traces");
    let config = fs::read_to_string(home.config_path()).unwrap();
    let hook = format!("{config}[profiles.s.hooks]\npre_token = [\"rm\", \"-r\", {folder:?}]\n");
    home.config(&hook);
    let file = folder.join("x.har");
    let file = file.to_str().unwrap();
    let before = home.run(["token", "--cached"]).ok();
    fs::create_dir(&folder).unwrap();
    let output = home.run(["token", "--force-refresh", "--trace-har", file]).ok();
    assert_ne!(output.line(), before.line());
    assert!(output.stderr.contains("warning: cannot write the HAR file"), "{}", output.stderr);
    // So does that of a failure: here the hook's, which finds nothing to remove.
    home.config(&hook.replace("\"-r\"", "\"-r\", \"/nowhere/at/all\""));
    fs::create_dir(&folder).unwrap();
    let output = home.run(["token", "--force-refresh", "--trace-har", file]).fails(3);
    assert!(output.stderr.contains("the hook `pre_token` failed"), "{}", output.stderr);
}

#[test]
fn har_file_may_be_a_link_or_exist_already() {
    let home = crate::fixture::planted(crate::fixture::TOKEN);
    let (file, link) = (home.path("home/x.har"), home.path("home/link.har"));
    fs::write(&file, "older").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for place in [&link, &file] {
        home.run(["token", "--trace-har", place.to_str().unwrap()]).ok();
        let har: Value = serde_json::from_str(&fs::read_to_string(place).unwrap()).unwrap();
        assert_eq!(har["log"]["version"], "1.2");
    }
    let left = fs::read_dir(home.path("home")).unwrap().count();
    assert_eq!(left, 2, "no temporary file stays");
}
