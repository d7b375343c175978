//! A user at a terminal: long lines, editing keys, signals, and restoring the terminal.

use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};

use crate::device::{device, pending};
use crate::support::*;
use crate::user::*;

/// A login at a terminal, and the callback of its URL.
#[track_caller]
fn at_terminal(home: &Home, args: &[&str]) -> (AtTerminal, String) {
    let mut terminal = AtTerminal::start(&home.command([&["login", "p"], args].concat()));
    let url = url_on(&mut terminal);
    terminal.await_text("paste the URL from the browser", 1);
    (terminal, callback(&url))
}

/// The URL to open on the screen of a login.
#[track_caller]
pub fn url_on(terminal: &mut AtTerminal) -> String {
    terminal.await_screen(|screen| {
        let (_, after) = screen.split_once("Open this URL in a browser:\r\n\r\n  ")?;
        Some(after.split_once("\r\n")?.0.to_owned())
    })
}

fn pasting_home(scenario: &str) -> Home {
    let home = Home::new();
    pasting(&home, scenario, "");
    home
}

#[test]
fn pasted_line_over_the_drivers_limit_arrives_whole() {
    // What decides comes last, where a driver would have cut it off.
    let long = |callback: &str| {
        callback.replacen('?', &format!("?session_state={}&", "x".repeat(12_000)), 1)
    };
    for flow in [&["--flow", "paste"][..], &["--no-browser"]] {
        for (before, behind) in [("", ""), ("\u{1b}[200~", "\u{1b}[201~")] {
            let home = pasting_home("tag.long-paste");
            let (mut terminal, callback) = at_terminal(&home, flow);
            terminal.press(format!("{before}{}{behind}\r", long(&callback)));
            let (status, screen) = terminal.wait();
            assert_eq!(status, 0, "{screen}");
        }
    }
    let home = pasting_home("tag.long-complete");
    let started = home.run(["start", "p"]).ok().json();
    let callback = callback(started["authorization_url"].as_str().unwrap());
    let mut terminal = AtTerminal::start(&home.command(["complete", "-"]));
    terminal.await_text("Paste the URL from the browser", 1);
    terminal.press(format!("\u{1b}[200~{}\u{1b}[201~\r", long(&callback)));
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
}

#[test]
fn wrong_paste_at_a_terminal_gets_a_hint() {
    let home = pasting_home("tag.wrong-paste");
    let mut terminal =
        AtTerminal::start(&home.command(["login", "p", "--flow", "paste", "--quiet"]));
    let url = url_on(&mut terminal);
    let callback = callback(&url);
    let (place, query) = callback.split_once('?').unwrap();
    let hint = format!("which begins with `{place}`");
    let code = query.split(['=', '&']).nth(1).unwrap();
    let wrong = [
        (code, "the pasted text is not the callback URL"),
        (&callback[..callback.find("state=").unwrap() + 12], "in the middle of its `state`"),
        (&callback.replace("state=", "state=x"), "is not the callback of this login"),
        ("http://127.0.0.1/other?code=c&state=s", "has a different"),
        (&url, "the pasted URL is that of the login page"),
        (url.split_once('?').unwrap().0, "the pasted URL is that of the login page"),
    ];
    let mut seen = Vec::new();
    for (number, (line, what)) in wrong.into_iter().enumerate() {
        terminal.press(format!("{line}\r"));
        seen.push(what);
        let times = seen.iter().filter(|seen| **seen == what).count();
        terminal.await_text(what, times);
        terminal.await_text(&hint, number + 1);
    }
    terminal.press(format!("{callback}\r"));
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    let piped = home.run_with(["login", "p", "--flow", "paste"], code).fails(7);
    assert!(piped.stderr.contains("which begins with `http://127.0.0.1"), "{}", piped.stderr);
}

#[test]
fn keys_of_a_line_work() {
    let home = pasting_home("tag.keys");
    let (mut terminal, callback) = at_terminal(&home, &["--flow", "paste"]);
    // Backspace, the whole line, an arrow key.
    terminal.press(format!("wrong\u{15}{callback}xyz\u{7f}\u{7f}\u{7f}\u{1b}[D\r"));
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert!(screen.contains(&callback), "what is typed is shown: {screen}");
}

#[test]
fn every_end_gives_the_terminal_back() {
    let home = pasting_home("tag.ends");
    for (keys, code) in [("\u{3}", 130), ("typed\u{3}", 130), ("\u{4}", 4), ("\u{1c}", 131)] {
        let (mut terminal, _) = at_terminal(&home, &["--flow", "paste"]);
        terminal.press(keys);
        let (status, screen) = terminal.wait();
        assert_eq!(status, code, "{keys:?}: {screen}");
    }
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let (terminal, _) = at_terminal(&home, &["--flow", "paste"]);
        let pid = Pid::from_raw(terminal.pid().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_eq!(terminal.wait().0, code);
    }
    // The callback comes through the listener, and the time runs out.
    let (terminal, to) = at_terminal(&crate::user::home("tag.ends"), &["--no-browser"]);
    assert_eq!(visit(&to).unwrap().status, 200);
    assert_eq!(terminal.wait().0, 0);
    let (terminal, _) = at_terminal(&home, &["--flow", "paste", "--timeout", "1s"]);
    assert_eq!(terminal.wait().0, 6);
}

#[test]
fn error_in_json_has_the_last_line_to_itself() {
    let home = pasting_home("tag.json-line");
    let (mut terminal, _) = at_terminal(&home, &["--flow", "paste", "--timeout", "2s", "--json"]);
    terminal.press("half a line");
    let (status, screen) = terminal.wait();
    assert_eq!(status, 6, "{screen}");
    assert!(screen.contains("half a line"), "{screen}");
    let last: serde_json::Value = serde_json::from_str(screen.lines().last().unwrap()).unwrap();
    assert_eq!(last["error"], "timeout");
}

/// dash leaves the terminal's mode to the programs that it runs.
#[test]
fn stopped_login_restores_the_terminal_and_resumes() {
    let home = pasting_home("tag.stopped");
    let program = home.command(["x"]);
    let mut shell = Command::new("dash");
    shell.arg("-i").current_dir(program.get_current_dir().unwrap());
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.env("PS1", "ready> ").env("OAUTHCTL", program.get_program());
    let mut terminal = AtTerminal::start(&shell);
    terminal.await_text("ready> ", 1);
    terminal.press("$OAUTHCTL login p --flow paste; echo \"status=$?\"\n");
    let url = url_on(&mut terminal);
    terminal.await_text("paste the URL from the browser", 1);
    terminal.await_usual(false);
    terminal.press("http\u{1a}");
    terminal.await_text("Stopped", 1);
    terminal.await_usual(true);
    terminal.press("fg\n");
    terminal.await_usual(false);
    let callback = callback(&url);
    terminal.press(format!("{}\r", callback.strip_prefix("http").unwrap()));
    terminal.await_text("Logged in to", 1);
    // What comes before the prompt can still be read by the program.
    terminal.await_text("ready> ", 3);
    terminal.await_usual(true);
    terminal.press("exit\n");
    terminal.wait();
}

#[test]
fn client_secret_is_prompted_for_and_not_shown() {
    const SECRET: &str = "CANARY-client-secret-typed";
    let home = Home::new();
    let add = ["profile", "add", "a", "--issuer", "https://a.example", "--client-id", "x"];
    let add = [&add[..], &["--client-secret-stdin"]].concat();
    let mut terminal = AtTerminal::start(&home.command(&add));
    terminal.await_text("Client secret: ", 1);
    terminal.press(format!("wrong\u{15}{SECRET}x\u{7f}\r"));
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert_not_shown(&screen, [SECRET]);
    assert_no_secret(&home, [SECRET]);
    home.run(["profile", "remove", "a"]).ok();

    for (keys, code) in [("\r", 2), ("\u{4}", 2), ("\u{3}", 130)] {
        let mut terminal = AtTerminal::start(&home.command(&add));
        terminal.await_text("Client secret: ", 1);
        terminal.press(keys);
        assert_eq!(terminal.wait().0, code, "{keys:?}");
    }
    let mut terminal = AtTerminal::start(&home.command(&add));
    terminal.await_text("Client secret: ", 1);
    terminal.press(format!("{}\r", "x".repeat(64 * 1024 + 1)));
    let (status, screen) = terminal.wait();
    assert!(status == 2 && screen.contains("longer than 64 KiB"), "{screen}");
    let terminal = AtTerminal::start(&home.command([&add[..], &["--no-input"]].concat()));
    let (status, screen) = terminal.wait();
    assert!(
        status == 4 && screen.contains("--no-input") && !screen.contains("secret:"),
        "{screen}"
    );
}

#[test]
fn piped_client_secret_is_never_cut() {
    let home = Home::new();
    let add = ["profile", "add", "a", "--issuer", "https://a.example", "--client-id", "x"];
    let add = [&add[..], &["--client-secret-stdin"]].concat();
    let output = home.run_with(&add, &"x".repeat(64 * 1024 + 1)).fails(2);
    assert!(output.stderr.contains("longer than 64 KiB"), "{}", output.stderr);
    home.run_with(&add, &format!("{}\n", "x".repeat(60 * 1024))).ok();
}

#[test]
fn truncated_pasted_callback_is_reported_as_such() {
    let home = pasting_home("tag.cut");
    let (mut terminal, callback) = at_terminal(&home, &["--flow", "paste"]);
    let state = callback.find("state=").unwrap();
    terminal.press(format!("{}\r", &callback[..state + 20]));
    terminal.await_text("is incomplete: it ends in the middle of its", 1);
    terminal.press(format!("{}\r", &callback[..state]));
    terminal.await_text("it may be incomplete", 1);
    terminal.press(format!("{callback}\r"));
    assert_eq!(terminal.wait().0, 0);
}

/// The lines that a terminal of 80 columns shows after these bytes.
fn shown(bytes: &str) -> Vec<String> {
    let (mut lines, mut column) = (vec![Vec::new()], 0_usize);
    for c in bytes.chars() {
        let line = lines.last_mut().unwrap();
        match c {
            '\r' => column = 0,
            '\n' => lines.push(Vec::new()),
            '\u{8}' => column = column.saturating_sub(1),
            c => {
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
                if column == 80 {
                    lines.push(Vec::new());
                    column = 0;
                }
            }
        }
    }
    let text = |line: Vec<char>| line.into_iter().collect::<String>().trim_end().to_owned();
    lines.into_iter().map(text).collect()
}

/// What the line says that shows how long is left, if it is on the screen.
fn countdown(screen: &str) -> Option<String> {
    let lines = shown(screen);
    let lines: Vec<&String> = lines.iter().filter(|line| line.ends_with(" left")).collect();
    assert!(lines.len() <= 1, "one line is updated in place: {screen:?}");
    lines.first().map(|line| (*line).clone())
}

#[test]
fn time_left_is_shown_in_one_line_and_erased() {
    let browser = ["--no-browser"];
    for (flow, is_device) in
        [(&["--flow", "paste"][..], false), (&browser, false), (&browser, true)]
    {
        let (server, mut home) = device();
        server.refuse(DEVICE_GRANT, &pending(), 3);
        if !is_device {
            home = pasting_home("tag.countdown");
        }
        let mut command = home.command([&["login", "p", "--timeout", "90s"], flow].concat());
        let mut terminal = AtTerminal::start(command.env("NO_COLOR", "1").env("TERM", "xterm"));
        let first = terminal.await_screen(countdown);
        assert!(first.starts_with("Waiting for you to log in: "), "{first}");
        terminal.await_screen(|screen| countdown(screen).filter(|later| *later != first));
        if !is_device {
            let callback = callback(&url_on(&mut terminal));
            // What is typed replaces the line.
            let (begin, end) = callback.split_at(12);
            terminal.press(begin);
            terminal.await_screen(|screen| (shown(screen).last().unwrap() == begin).then_some(()));
            terminal.press(format!("{end}\r"));
        }
        let (status, screen) = terminal.wait();
        assert_eq!((status, countdown(&screen)), (0, None), "{screen:?}");
        assert!(!screen.contains('\u{1b}'), "{screen:?}");
        assert!(shown(&screen).iter().any(|line| line.starts_with("Logged in to")), "{screen:?}");
    }
}

#[test]
fn time_left_is_erased_however_the_login_ends() {
    let home = pasting_home("tag.countdown-ends");
    let ends =
        [("\u{3}", &[][..], 130), ("\u{4}", &[], 4), ("", &["--timeout", "1s", "--json"], 6)];
    for (keys, args, code) in ends {
        let (mut terminal, _) = at_terminal(&home, &[&["--flow", "paste"], args].concat());
        terminal.await_screen(countdown);
        terminal.press(keys);
        let (status, screen) = terminal.wait();
        assert_eq!((status, countdown(&screen)), (code, None), "{screen:?}");
    }
}

#[test]
fn time_left_is_not_shown_where_it_cannot_be() {
    let home = pasting_home("tag.countdown-none");
    for (quiet, term, columns) in [("-q", "xterm", 80), ("-v", "dumb", 80), ("-v", "xterm", 30)] {
        let mut command = home.command(["login", "p", "--flow", "paste", "--timeout", "2s", quiet]);
        let terminal = AtTerminal::start_wide(command.env("TERM", term), columns);
        let (status, screen) = terminal.wait();
        assert_eq!(status, 6, "{screen}");
        assert!(!screen.contains(" left"), "{screen:?}");
    }
    let piped = home.run(["login", "p", "--flow", "paste", "--timeout", "2s"]);
    assert!(!piped.stderr.contains(" left") && !piped.stderr.contains('\r'), "{}", piped.stderr);
}
