//! What is written to stdout and stderr, and what happens if they are full or closed.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::fixture::{PROFILE, REFRESH, TOKEN, grant, plant, planted, with_sandbox};
use crate::support::{Api, Home, Replied, assert_not_shown};

/// Runs through `sh`, which does with the streams what the script says; `$1` is the program.
fn through_shell(home: &Home, script: &str) -> std::process::Output {
    let program = home.command(["x"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", script, "bash"]).arg(program.get_program());
    shell.env_clear().envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))));
    shell.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn closed_stdout_fails_and_keeps_the_store() {
    let home = planted(TOKEN);
    for script in [
        "\"$1\" token >/dev/full",
        "\"$1\" token --json >/dev/full",
        "\"$1\" export >/dev/full",
        "\"$1\" status >/dev/full",
        "\"$1\" --help >/dev/full",
        "\"$1\" completions bash >/dev/full",
        "\"$1\" token >/dev/full 2>/dev/full",
    ] {
        let output = through_shell(&home, script);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{script}\n{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert_not_shown(&stderr, [TOKEN, REFRESH]);
        assert_eq!(home.run(["token"]).ok().line(), TOKEN, "{script}");
    }
}

#[test]
fn pipe_without_a_reader_is_an_error() {
    let (home, sandbox) = with_sandbox(None);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}api_url = [\"{}/\"]\n", sandbox.issuer));
    home.run(["login", "s"]).ok();
    for line in [
        "token",
        "token --json",
        "token --force-refresh",
        "export",
        "status",
        "status --json",
        "api resource",
        "api resource -i",
        "api resource -o /dev/stdout",
        "proxy -p s",
        "inspect --id-token",
        "userinfo",
        "attr list --json",
        "profile list",
        "profile path",
        "providers",
        "store info",
        "store keygen",
        "start",
        "doctor --offline",
        "sandbox",
        "sandbox --scenario help",
        "completions bash",
        "man",
        "help environment",
        "--help",
        "version",
        "login --json",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = home.command(line.split(' '));
        let output = command.stdin(Stdio::null()).stdout(writer).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {stderr}");
        let error =
            if line.contains("--json") { r#"{"error":"internal""# } else { "error: cannot write" };
        assert!(stderr.contains(error), "{line}: {stderr}");
    }
    // What was refreshed meanwhile is kept.
    home.run(["token", "--force-refresh"]).ok();
}

#[test]
fn reader_with_enough_ends_a_command_silently() {
    ends_silently(&Home::new(), ["completions fish", "completions powershell"]);
}

#[test]
fn reader_with_enough_ends_a_request_silently() {
    let api = Api::start(|_| Replied::new(200, &[], vec![b'x'; 1 << 20]));
    ends_silently(&api.home("", ""), ["api -p p large", "api -p p -i large"]);
}

/// Reads the beginning of what each of these commands prints, which is longer than a pipe holds, so that some of it remains
/// to be written.
#[track_caller]
fn ends_silently(home: &Home, lines: [&str; 2]) {
    for line in lines {
        let mut command = home.command(line.split(' '));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*said), (Some(141), ""), "{line}");
    }
}

#[test]
fn refresh_that_nobody_could_read_is_kept() {
    let (home, _sandbox) = with_sandbox(None);
    home.run(["login", "s"]).ok();
    let before = home.run(["token"]).ok();
    let output = through_shell(&home, "\"$1\" token --force-refresh >/dev/full");
    assert_eq!(output.status.code(), Some(1));
    let after = home.run(["token", "--cached"]).ok();
    assert_ne!(after.line(), before.line());
    home.run(["token", "--force-refresh"]).ok();
}

/// Whatever records and the index contain, the values are exact, and the terminal is safe.
#[test]
fn json_is_exact_and_harmless() {
    let odd = "a\u{1b}[31m\u{9b}31m\u{202e}\u{200b}\u{7f}\n\u{e0041} é 漢 \u{1f600}";
    let home = planted(TOKEN);
    plant(
        &home,
        &grant("default", TOKEN, |grant| {
            grant["identity"] = json!({ "sub": odd });
            grant["tokens"]["scopes"] = json!([odd]);
            grant["kept"] = json!({ "odd": odd });
        }),
    );
    let harmless = |text: &str| {
        let seen =
            |c: char| c == '\n' || !c.is_control() && !"\u{202e}\u{200b}\u{e0041}".contains(c);
        assert!(text.chars().all(seen), "{text:?}");
        assert!(text.is_empty() || text.contains("\\u009b"), "{text}");
    };
    let status = home.run(["status", "--json"]).ok();
    harmless(&status.stdout);
    assert!(status.stdout.contains("é 漢 \u{1f600}"), "{}", status.stdout);
    let status = status.json();
    assert_eq!(status[0]["identity"]["sub"], odd);
    assert_eq!(
        (&status[0]["scopes"][0], &status[0]["attributes"]["odd"]),
        (&json!(odd), &json!(odd))
    );
    let token = home.run(["token", "--json"]).ok();
    harmless(&token.stdout);
    assert_eq!(token.json()["scope"], odd);
    let unknown = home.run(["token", "-p", odd, "--json"]).fails(3);
    assert!(!unknown.stderr.contains('\u{9b}') && !unknown.stderr.contains('\u{202e}'));
    harmless(&home.run(["attr", "list", "-p", "p", "--json"]).ok().stdout);
}

/// The runtime opens `/dev/null` before the program runs, which cannot tell this from `subprocess.DEVNULL` of Python.
#[test]
fn closed_stdout_is_like_dev_null() {
    let home = planted(TOKEN);
    for redirected in [">&-", ">/dev/null", "1<>/dev/null"] {
        let output = through_shell(&home, &format!("\"$1\" token {redirected}"));
        assert!(output.status.success() && output.stderr.is_empty(), "{redirected}: {output:?}");
        // Nothing else that is opened later gets its number, and with it the token.
        let files = home.files();
        let holds = |path: &std::path::PathBuf| {
            std::fs::read(path).is_ok_and(|file| String::from_utf8_lossy(&file).contains(TOKEN))
        };
        assert_eq!(files.iter().find(|path| holds(path)), None, "{redirected}");
    }
}

#[test]
fn stderr_may_be_closed() {
    let home = planted(TOKEN);
    let output = through_shell(&home, "\"$1\" token -v 2>&-");
    assert_eq!(output.stdout, format!("{TOKEN}\n").into_bytes());
    assert!(output.status.success());
    assert_eq!(through_shell(&home, "\"$1\" token -p nosuch 2>&-").status.code(), Some(3));
    assert_eq!(through_shell(&home, "\"$1\" token -p nosuch 2>/dev/full").status.code(), Some(3));
}

#[test]
fn quiet_is_quiet_and_verbose_says_more() {
    let (home, _sandbox) = with_sandbox(None);
    let normal = home.run(["login", "s"]).ok();
    assert!(normal.stderr.contains("Logged in to `s`"), "{}", normal.stderr);
    assert_eq!(normal.stdout, "", "a login prints no result without --json");
    let quiet = home.run(["login", "s", "-q"]).ok();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
    let verbose = home.run(["login", "s", "-v"]).ok();
    assert!(verbose.stderr.lines().count() > normal.stderr.lines().count(), "{}", verbose.stderr);
    let failed = home.run(["login", "nosuch", "-q"]).fails(3);
    assert!(failed.stderr.starts_with("error: "), "{}", failed.stderr);
}

#[test]
fn login_prints_user_server_scopes_and_expiry() {
    let (home, _sandbox) = with_sandbox(None);
    let said = home.run(["login", "s"]).ok().stderr;
    for part in [
        "Logged in to `s`",
        "ada@sandbox.example",
        "127.0.0.1",
        "openid email offline_access",
        "1 h",
    ] {
        let a_second_later = part == "1 h" && said.contains("59 min 59 s");
        assert!(said.contains(part) || a_second_later, "{part} is not in {said}");
    }
    let json = home.run(["login", "s", "--json"]).ok().json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let expected = [
        "profile",
        "account",
        "identity",
        "scopes",
        "token_type",
        "expires_at",
        "has_refresh_token",
        "grant_id",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn colors_come_when_asked_for_and_only_then() {
    let mut home = Home::new();
    let escape = |home: &Home, args: &[&str]| home.run(args).fails(3).stderr.contains('\u{1b}');
    assert!(!escape(&home, &["token"]), "no terminal, no colors");
    assert!(escape(&home, &["token", "--color", "always"]));
    assert!(!escape(&home, &["token", "--color", "never"]));
    home.set("NO_COLOR", "1");
    assert!(!escape(&home, &["token"]));
    assert!(escape(&home, &["token", "--color", "always"]), "a flag is nearer than a variable");
    let json = home.run(["token", "--color", "always", "--json"]).fails(3);
    assert_eq!(json.error_json()["error"], "config");
}

#[test]
fn terminal_has_colors_unless_no_color_is_set() {
    let home = Home::new();
    let at_terminal = |variable: &str| {
        let script = format!("{variable} script -qec \"'$1' token\" /dev/null");
        String::from_utf8_lossy(&through_shell(&home, &script).stdout).into_owned()
    };
    let plain = at_terminal("NO_COLOR=1");
    assert!(plain.contains("error: ") && !plain.contains('\u{1b}'), "{plain:?}");
    assert!(at_terminal("NO_COLOR=").contains("\u{1b}[31;1merror:"), "an empty NO_COLOR is none");
}

#[test]
fn no_secret_is_on_stderr_at_any_loudness() {
    let home = planted(TOKEN);
    for line in [
        "token -v",
        "token --trace",
        "status -v",
        "logout p --local -v",
        "token -v",
        "export -v",
        "store info -v",
        "profile show p -v",
    ] {
        let output = home.run(line.split(' '));
        assert_not_shown(&output.stderr, [TOKEN, REFRESH]);
    }
}

/// What a server or a caller may put into a value: sequences that a terminal obeys, line breaks, text that runs backwards.
const HOSTILE: &str = "a\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}31m\u{202e}b\u{200b}\r\nforged=1\ttab";

/// A home whose only account has hostile values wherever a server or a caller may put them.
fn hostile_home() -> Home {
    let home = Home::new();
    home.config(PROFILE);
    let line = grant("default", TOKEN, |grant| {
        grant["kept"] = json!({ "kept": HOSTILE });
        grant["attributes"] = json!({ "set": { "value": HOSTILE }, HOSTILE: { "value": 1 } });
        grant["identity"] = json!({ "email": HOSTILE });
        grant["tokens"]["scopes"] = json!([HOSTILE]);
    });
    plant(&home, &line);
    home
}

/// What a command prints on a terminal, whose line discipline adds the returns.
fn on_a_terminal(home: &Home, line: &str) -> String {
    let program = home.command([""]);
    let typed = format!("'{}' {line} 2>/dev/null", program.get_program().to_str().unwrap());
    let mut script = Command::new("script");
    script.args(["-qec", &typed, "/dev/null"]).env_clear().stdin(Stdio::null());
    script.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = script.output().unwrap();
    assert!(output.status.success(), "{line}: {output:?}");
    String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n")
}

#[test]
fn terminal_gets_no_escape_sequence() {
    let home = hostile_home();
    for line in ["attr get -p p set", "attr get -p p kept", "attr list -p p", "status"] {
        let shown = on_a_terminal(&home, line);
        let obeyed = |c: &char| {
            c.is_control() && !"\n\t".contains(*c) || ['\u{202e}', '\u{200b}'].contains(c)
        };
        assert_eq!(shown.chars().find(obeyed), None, "{line}: {shown:?}");
        assert!(shown.contains("]0;title"), "{line}: {shown:?}");
    }
}

#[test]
fn pipe_gets_values_exactly() {
    let home = hostile_home();
    for name in ["set", "kept"] {
        let shown = home.run(["attr", "get", "-p", "p", name]).ok();
        assert_eq!(shown.stdout, format!("{HOSTILE}\n"));
        let json = home.run(["attr", "get", "-p", "p", name, "--json"]).ok().json();
        assert_eq!(json["value"], HOSTILE);
    }
    // A line is one entry, whatever is in it; and a pager may show it on a terminal.
    let list = home.run(["attr", "list", "-p", "p"]).ok().stdout;
    assert_eq!(list.lines().count(), 3, "{list:?}");
    for report in [list, home.run(["status"]).ok().stdout] {
        let obeyed = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c));
        assert!(report.contains("]0;title") && !report.contains(obeyed), "{report:?}");
    }
}
