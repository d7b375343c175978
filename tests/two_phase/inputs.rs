//! Input of `complete` from users and programs, and output of `pending`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::scene::{REDIRECT, Scene};
use crate::support::{DEADLINE, Output, Running, assert_no_secret, assert_not_shown};

#[test]
fn url_on_stdin_may_end_as_lines_end() {
    let scene = Scene::new("honest");
    let ends =
        [("", ""), ("", "\n"), ("", "\r\n"), ("\u{feff}", "\r\n"), ("  ", " \n\n"), ("", "#x")];
    for (before, behind) in ends {
        let (_, callback) = scene.come_back(&[]);
        scene.home.run_with(["complete", "-"], &format!("{before}{callback}{behind}")).ok();
    }
    let (_, callback) = scene.come_back(&[]);
    scene.home.run(["complete", &callback]).ok();
    let (_, callback) = scene.come_back(&[]);
    let upper = callback.replace("http://", "HTTP://");
    scene.home.run(["complete", &upper]).ok();
}

/// `script` gives the program a terminal, and types what comes on its own stdin.
#[test]
fn at_a_terminal_the_first_line_ends_it() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let program = scene.home.command(["x"]);
    let line = format!("'{}' complete -", program.get_program().to_str().unwrap());
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]);
    script.env_clear().envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let mut running = Running::start(&mut script, DEADLINE);
    running.await_stdout(|said| said.contains("Paste the URL from the browser").then_some(()));
    // The terminal stays open.
    running.write(&format!("\r  \r{callback}\r"));
    running.await_stdout(|said| said.contains("\"grant_id\"").then_some(()));
    running.wait().ok();
    assert_eq!(scene.redemptions(), 1);
}

#[test]
fn stdin_without_a_callback_is_refused() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let huge = format!("{callback}&x={}", "y".repeat(10 << 20));
    let texts: [&[u8]; 9] = [
        b"",
        b"\n",
        b"\xff\xfe\x00\x01\x02",
        b"http://",
        b"?",
        b"#code=x&state=y",
        &format!("{callback}\n{callback}").into_bytes(),
        &format!("{callback}\0").into_bytes(),
        huge.as_bytes(),
    ];
    let place = scene.home.path("tmp/stdin");
    for text in texts {
        fs::write(&place, text).unwrap();
        let mut command = scene.home.command(["complete", "-"]);
        let output = command.stdin(fs::File::open(&place).unwrap()).output().unwrap();
        let shown = text.len().min(80);
        assert_eq!(output.status.code(), Some(7), "{:?}", String::from_utf8_lossy(&text[..shown]));
        assert!(output.stdout.is_empty() && output.stderr.starts_with(b"error:"));
    }
    let mut command = scene.home.command(["complete", "-"]);
    assert_eq!(command.stdin(Stdio::null()).output().unwrap().status.code(), Some(7));
    assert_eq!(scene.redemptions(), 0);
    fs::remove_file(&place).unwrap();
    scene.complete(&callback, &[]).ok();
}

#[test]
fn repeated_missing_or_foreign_parameters_are_refused() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&[]);
    let (state, iss) = (begun["state"].as_str().unwrap(), scene.server.issuer("honest"));
    let query = callback.split_once('?').unwrap().1;
    let mut bad = vec![
        format!("{REDIRECT}#{query}"),
        format!("{REDIRECT}?x=1#{query}"),
        format!("{REDIRECT}?access_token=x&token_type=Bearer&state={state}&iss={iss}"),
        format!("{REDIRECT}?state={state}&iss={iss}"),
        format!("{callback}%0d%0aSet-Cookie:x"),
        format!("{callback}%zz"),
        callback.replace("code=", "code=%00"),
        callback.replace("code=", "code=%1b[31m"),
        callback.replace("code=", "Code="),
        callback.replace("state=", "State="),
        callback.replace("://", "://user:pw@"),
        callback.replace("127.0.0.1", "127.1"),
        callback.replace("127.0.0.1", "127.0.0.1.evil.example"),
        callback.replace("/callback", "/callback/../callback"),
        callback.replace("/callback", "/%63allback"),
        callback.replace("/callback", "//callback"),
        callback.replace("/callback", "/callback;x"),
        callback.replace('/', "\\"),
        callback.replacen("http:", "javascript:", 1),
    ];
    let parts: Vec<&str> = query.split('&').collect();
    let denied = format!("error=access_denied&state={state}&iss={iss}");
    for part in parts.iter().copied().chain(denied.split('&')) {
        let name = part.split('=').next().unwrap();
        for base in [callback.clone(), format!("{REDIRECT}?{denied}")] {
            if base.contains(&format!("{name}=")) {
                bad.push(format!("{base}&{part}"));
                bad.push(format!("{base}&{name}=other"));
                bad.push(format!("{base}&{name}="));
            }
        }
    }
    bad.push(format!("{callback}&error=access_denied"));
    bad.push(format!("{REDIRECT}?{denied}&code=x"));
    let host = iss.replace("127.0.0.1", "LOCALHOST");
    for other in [
        format!("{iss}/"),
        iss.replace("http", "HTTP"),
        host,
        String::new(),
        iss.replace("honest", "tag.x"),
    ] {
        let encoded: String = url::form_urlencoded::byte_serialize(other.as_bytes()).collect();
        let without = callback.split("&iss=").next().unwrap();
        bad.push(format!("{without}&iss={encoded}"));
        bad.push(format!("{REDIRECT}?error=access_denied&state={state}&iss={encoded}"));
    }
    for url in &bad {
        let output = scene.refuses(url, &[]);
        assert!(!output.stderr.contains('\u{1b}'), "{}", output.stderr);
        assert_not_shown(&output.stderr, [state]);
    }
    // None of them has ended the flow.
    scene.complete(&callback, &[]).ok();
}

/// Raw and encoded bytes that real servers put into parameters that decide nothing.
const ODD: [&[u8]; 6] =
    [b"a%0D%0Ab%09", b"f\xfcr", b"%FC%", b"%1b]0;x%07%C2%9b", b"a\r\nb", b"%00"];

/// Runs `complete` with this callback on stdin, or as its argument.
fn complete_bytes(scene: &Scene, callback: &[u8], on_stdin: bool) -> Output {
    if on_stdin {
        let mut running = scene.home.spawn(["complete", "-"]);
        running.write_bytes(callback);
        return running.wait();
    }
    let args = [OsStr::new("complete"), OsStr::from_bytes(callback)];
    scene.home.run(args)
}

#[test]
fn odd_bytes_where_nothing_is_decided_are_accepted() {
    let scene = Scene::new("honest");
    let long = "x".repeat(20 * 1024);
    for odd in ODD.into_iter().chain([long.as_bytes()]) {
        for on_stdin in [true, false] {
            let shown = odd[..odd.len().min(20)].escape_ascii().to_string();
            let (begun, callback) = scene.come_back(&[]);
            let twice = [b"&session_state=", odd, b"&session_state=", odd].concat();
            let granted = [callback.as_bytes(), &twice].concat();
            assert_eq!(complete_bytes(&scene, &granted, on_stdin).status, 0, "{shown}");

            let (begun_again, _) = scene.come_back(&[]);
            assert_ne!(begun["state"], begun_again["state"]);
            let state = begun_again["state"].as_str().unwrap();
            let iss = scene.server.issuer("honest");
            let denied = format!("{REDIRECT}?error=access_denied&state={state}&iss={iss}");
            let denied = [denied.as_bytes(), b"&error_description=", odd, &twice].concat();
            let output = complete_bytes(&scene, &denied, on_stdin).fails(5);
            let harmless = |c: char| c == '\n' || !c.is_control();
            assert!(output.stderr.chars().all(harmless), "{shown}: {:?}", output.stderr);
        }
    }
}

#[test]
fn odd_bytes_in_code_state_or_iss_are_refused() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    for odd in ODD {
        for name in ["code=", "state=", "iss="] {
            let at = callback.find(name).unwrap() + name.len();
            let bad = [&callback.as_bytes()[..at], odd, &callback.as_bytes()[at..]].concat();
            complete_bytes(&scene, &bad, true).fails(7);
        }
    }
    assert_eq!(scene.redemptions(), 0);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn denial_without_the_promised_iss_ends_the_flow() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&[]);
    let state = begun["state"].as_str().unwrap();
    let denied =
        format!("{REDIRECT}?error=access_denied&error_description=CANARY-WORDS&state={state}");
    let output = scene.complete(&denied, &["--json"]).fails(5);
    assert_eq!(output.error_json()["oauth_error"], "access_denied");
    assert_not_shown(&output.stderr, ["CANARY-WORDS"]);
    scene.refuses(&callback, &[]);
    // A code is still refused.
    let (_, callback) = scene.come_back(&[]);
    scene.refuses(callback.split("&iss=").next().unwrap(), &[]);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn error_in_the_servers_name_ends_the_flow() {
    let scene = Scene::new("honest");
    for (error, code) in
        [("access_denied", 5), ("invalid_scope", 8), ("server_error", 8), ("consent_required", 8)]
    {
        let (begun, callback) = scene.come_back(&[]);
        let state = begun["state"].as_str().unwrap();
        let iss = scene.server.issuer("honest");
        let text = "%3Cb%3Eno%3C/b%3E+%E2%80%AE+x%0A";
        let url =
            format!("{REDIRECT}?error={error}&error_description={text}&state={state}&iss={iss}");
        let output = scene.complete(&url, &["--json"]);
        let expected = if error == "server_error" { output.status } else { code };
        assert_eq!(output.status, expected, "{error}: {}", output.stderr);
        let told = output.error_json();
        assert_eq!(told["oauth_error"], error);
        assert!(!told["message"].as_str().unwrap().contains('\u{202e}'));
        assert!(!told["hint"].as_str().unwrap_or_default().contains("oauthctl login"), "{told}");
        scene.refuses(&callback, &[]);
    }
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), json!([]));
}

#[test]
fn misplaced_words_show_no_code() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&[]);
    let code = callback.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let state = begun["state"].as_str().unwrap();
    for args in [
        ["complete", "p", &callback].as_slice(),
        &["complete", "-", &callback],
        &["complete", &callback, &callback],
        &["complete", &callback, "--require-identity", &callback],
        &["complete", "--no-such-flag", &callback],
        &["complete", &callback, "--code", "x"],
        &["complete", "--iss", &callback],
        &["login", "p", &callback],
        &[&callback],
    ] {
        let output = scene.home.run(args).fails(2);
        assert_not_shown(&output.stderr, [code, state]);
        assert_not_shown(&scene.home.run(["--json"].iter().chain(args)).stderr, [code, state]);
    }
    scene.complete(&callback, &["--expect-state", ""]).fails(7);
    scene.complete(&callback, &["--trace", "--expect-state", state]).ok();
}

#[test]
fn trace_tells_neither_code_nor_verifier() {
    let scene = Scene::new("honest");
    let har = scene.home.path("tmp/trace.har");
    let har = ["-v", "--trace", "--trace-har", har.to_str().unwrap()];
    let begun =
        scene.home.run(["start", "p", "--user", "alice-the-person"].iter().chain(&har)).ok();
    let first = fs::read_to_string(scene.home.path("tmp/trace.har")).unwrap();
    let url = begun.json()["authorization_url"].as_str().unwrap().to_owned();
    let callback = crate::scene::visit(&url);
    let done = scene.complete(&callback, &har).ok();
    let second = fs::read_to_string(scene.home.path("tmp/trace.har")).unwrap();
    for text in [&first, &second, &begun.stderr, &done.stderr, &done.stdout] {
        assert_not_shown(text, scene.server.secrets_minted());
    }
    assert_not_shown(&begun.stderr, ["alice-the-person"]);
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}

#[test]
fn pending_shows_nothing_to_complete_a_flow_with() {
    let scene = Scene::new("honest");
    let home = &scene.home;
    let user = "eve\u{1b}[2J\u{202e}\u{7}\r\nerror: forged\u{200b}";
    let attribute = "n\u{1b}]0;x\u{7}=v\u{202e}\n";
    let (begun, callback) = scene.come_back(&["--user", user, "--attr", attribute]);
    let id = begun["grant_id"].as_str().unwrap();
    let state = begun["state"].as_str().unwrap();
    let pieces: Vec<&str> = state.split('.').collect();
    for args in
        [["pending", "list"].as_slice(), &["pending", "show", id], &["pending", "cancel", id]]
    {
        let as_json = home.run(args.iter().chain(&["--json"])).ok();
        let text = if args[1] == "cancel" { as_json.clone() } else { home.run(args).ok() };
        for output in [&as_json, &text] {
            assert_not_shown(&output.stdout, [state, pieces[1], pieces[2], "verifier", "nonce"]);
            assert!(!output.stderr.contains('\u{1b}'));
        }
        let found = if args[1] == "list" { as_json.json()[0].clone() } else { as_json.json() };
        assert_eq!(found["user"], user);
        assert_eq!(found["attributes"], json!({ "n\u{1b}]0;x\u{7}": "v\u{202e}\n" }));
        if args[1] != "cancel" {
            let bad = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c));
            assert!(!text.stdout.contains(bad), "{:?}", text.stdout);
            assert!(!text.stdout.lines().any(|line| line.starts_with("error")));
        }
    }
    let unknown = home.run(["pending", "show", "\u{1b}[31mx", "--json"]).fails(3);
    assert!(!unknown.error_json()["message"].as_str().unwrap().contains('\u{1b}'));
    scene.refuses(&callback, &[]);
}
