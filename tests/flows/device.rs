//! The device flow (RFC 8628): what the user sees, when the program polls, and how each answer ends it.

mod polling;
mod responses;

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::person::*;
use crate::support::shapes::Shape;
use crate::support::*;
use responses::{deviating_responses, invalid_responses, refusals};

const CODE: &str = "WDJB-MJHT";
const DEVICE: &str = "device_authorization";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A home whose profile `p` uses the device flow with this scenario.
pub fn home_of(scenario: &str) -> Home {
    home_at(hostile(), scenario)
}

/// The same at a server of the test's own, whose requests can be held.
fn home_at(server: &Hostile, scenario: &str) -> Home {
    let home = Home::new();
    home.profile("p", &server.issuer(scenario), "cli", &format!("flow = [\"device\"]\n{OPENID}"));
    home
}

fn log_in(home: &Home) -> Output {
    home.run(["login", "p", "--trace"])
}

/// The times in seconds between the device authorization response and each poll.
#[track_caller]
fn gaps(scenario: &str) -> Vec<f64> {
    let requests = |endpoint| hostile().requests(scenario, endpoint);
    let all = requests("device").into_iter().chain(requests("token"));
    let times: Vec<f64> = all.map(|entry| entry["ms"].as_f64().unwrap() / 1000.0).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[track_caller]
fn polls(scenario: &str) -> Vec<Value> {
    polls_at(hostile(), scenario)
}

#[track_caller]
fn polls_at(server: &Hostile, scenario: &str) -> Vec<Value> {
    let all = server.requests(scenario, "token").into_iter();
    all.filter(|entry| entry["grant_type"] == GRANT).collect()
}

#[test]
fn device_login_stores_tokens_that_are_refreshed() {
    let scenario = "poll.pending.1~tag.device-login";
    let home = home_of(scenario);
    let output = home.run(["login", "p", "--json", "--trace"]).ok();
    let login = output.json();
    assert_eq!(login["identity"]["sub"], "alice");
    assert_eq!(
        (&login["scopes"], &login["has_refresh_token"]),
        (&json!(["openid", "api"]), &json!(true))
    );
    let page = format!("{}/device", hostile().issuer(scenario));
    assert!(output.stderr.contains(&format!("\n  {page}\n  {CODE}\n")), "{}", output.stderr);
    assert!(output.stderr.contains(&format!("\n  {page}?user_code={CODE}\n")), "{}", output.stderr);
    let first = home.run(["token"]).ok().line().to_owned();
    home.run(["refresh"]).ok();
    assert_ne!(home.run(["token"]).ok().line(), first);
    let secrets = hostile().secrets_of(scenario);
    assert!(secrets.iter().any(|secret| secret.contains("device_code")), "{secrets:?}");
    assert_not_shown(&output.stderr, &secrets);
    assert_no_secret(&home, &secrets);
}

#[test]
fn device_grant_needs_no_authorization_endpoint() {
    let scenario = "device.complete-missing~tag.grant";
    let at = hostile().issuer(scenario);
    let home = Home::new();
    home.config(&format!(
        "[profiles.p]\nclient_id = \"cli\"\ngrant = \"device_code\"\nscopes = [\"api\"]\n\
         token_endpoint = \"{at}/token\"\ndevice_authorization_endpoint = \"{at}/device_authorization\"\n"
    ));
    let output = home.run(["login"]).ok();
    assert!(!output.stderr.contains("This link"), "{}", output.stderr);
    home.run(["token"]).ok();
    let refused = home.run(["login", "--flow", "browser"]).fails(2);
    assert!(refused.stderr.contains("`grant = \"device_code\"`"), "{}", refused.stderr);
}

#[test]
fn code_and_page_are_shown_even_when_quiet() {
    let home = home_of("device.interval-string~tag.quiet");
    let output = home.run(["login", "p", "--quiet"]).ok();
    assert!(
        output.stderr.contains(CODE) && output.stderr.contains("/device\n"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("Logged in"), "{}", output.stderr);
}

#[test]
fn code_is_on_screen_although_a_browser_opens() {
    let page = |scenario: &str| format!("{}/device", hostile().issuer(scenario));
    for (scenario, has_code) in [
        ("poll.pending.2~tag.opens", true),
        ("device.complete-canary~poll.pending.2", false),
        ("device.complete-javascript~poll.pending.2", false),
        ("device.complete-missing~poll.pending.2", false),
    ] {
        let mut home = home_of(scenario);
        let browser = home.browser(&json!({ "mode": "never" }));
        let mut terminal = AtTerminal::start(&home.command(["login", "p", "--quiet"]));
        terminal.await_text(CODE, 1);
        let query = if has_code { format!("?user_code={CODE}") } else { String::new() };
        assert_eq!(browser.await_opening().url, page(scenario) + &query);
        let (status, screen) = terminal.wait();
        assert_eq!(status, 0, "{scenario}: {screen}");
        assert_not_shown(&screen, ["canary.example", "javascript:"]);
    }
    hostile().assert_canary_untouched();
}

/// A server whose responses the test writes, and a home whose profile `p` uses the device flow there.
fn scripted(shape: &Shape) -> (Scripted, Home) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("flow = [\"device\"]\n{OPENID}"));
    server.reply(DEVICE, shape);
    (server, home)
}

#[test]
fn response_that_cannot_be_shown_is_refused() {
    for (name, shape) in invalid_responses() {
        let (server, home) = scripted(&shape);
        let output = log_in(&home).fails(7);
        assert!(harmless(&output.stderr), "{name}: {}", output.stderr);
        assert!(!output.stderr.contains("Open this page"), "{name}: {}", output.stderr);
        assert_eq!(server.requests(GRANT).len(), 0, "{name}");
    }
}

#[test]
fn response_that_deviates_is_accepted() {
    std::thread::scope(|threads| {
        for (name, least, shape) in deviating_responses() {
            threads.spawn(move || {
                let (server, home) = scripted(&shape);
                log_in(&home).ok();
                let (asked, polls) = (server.requests_at(DEVICE), server.requests(GRANT));
                let gap = polls[0].at.duration_since(asked[0].at).as_secs_f64();
                assert!(polls.len() == 1 && gap >= least, "{name}: {gap}, {polls:?}");
            });
        }
    });
    assert_canary_untouched();
}

#[test]
fn refused_request_for_codes_ends_the_login() {
    for (name, shape) in refusals() {
        let (_server, home) = scripted(&shape);
        let output = log_in(&home).fails(8);
        assert!(output.stderr.contains("hint: "), "{name}: {}", output.stderr);
    }
    let home = home_of("device.redirect-307");
    log_in(&home).fails(8);
    let home = home_of("tag.no-device-endpoint");
    let output = log_in(&home).fails(3);
    assert!(output.stderr.contains("device_authorization_endpoint"), "{}", output.stderr);
    hostile().assert_canary_untouched();
}

#[test]
fn invalid_id_token_of_a_device_login_stores_nothing() {
    for what in ["iss-wrong", "aud-wrong"] {
        let home = home_of(&format!("device.created~id-token.{what}"));
        log_in(&home).fails(7);
        home.run(["token"]).fails(4);
    }
}

#[test]
fn unwritable_store_prevents_redemption() {
    let home = home_of("poll.pending~tag.store-before");
    let store = home.path("data/oauthctl/tokens");
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    fs::write(&store, "in the way").unwrap();
    home.run(["login", "p"]).fails(10);
    assert_eq!(hostile().requests("poll.pending~tag.store-before", "device").len(), 0);

    // It becomes unwritable while the user is logging in.
    let scenario = "poll.pending.1~tag.store-meanwhile";
    let server = Servers::hostile();
    let home = home_at(&server, scenario);
    server.hold("token", 1);
    let running = home.spawn(["login", "p"]);
    server.await_held("token", 1);
    let store = home.path("data/oauthctl/tokens");
    fs::rename(&store, home.path("moved")).unwrap();
    fs::write(&store, "in the way").unwrap();
    server.release("token");
    running.wait().fails(10);
    assert_eq!(polls_at(&server, scenario).len(), 1, "the code was not sent again");
}

#[test]
fn interrupted_device_login_leaves_nothing_half_done() {
    let home = home_of("poll.pending~tag.signal");
    let mut running = home.spawn(["login", "p"]);
    running.await_stderr(|text| text.contains("Waiting for you").then_some(()));
    running.signal(Signal::INT);
    running.wait().fails(130);
    home.run(["token"]).fails(4);

    // The tokens are on their way: they are stored first.
    let scenario = "device.interval-string~tag.signal-late";
    let server = Servers::hostile();
    let home = home_at(&server, scenario);
    server.hold("token-answer", 1);
    let mut running = home.spawn(["login", "p"]);
    server.await_held("token-answer", 1);
    running.signal(Signal::INT);
    running.await_stderr(|text| text.contains("finishing the login first").then_some(()));
    server.release("token-answer");
    running.wait().code(130);
    home.run(["token"]).ok();
}

#[test]
fn over_ssh_the_device_flow_comes_before_pasting() {
    let flow = "flow = [\"browser\", \"device\", \"paste\"]\n";
    let scenario = "poll.pending.1~tag.ssh";
    let mut home = Home::new();
    profile(&home, scenario, flow);
    home.set("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let output = home.run(["login", "p"]).ok();
    assert!(
        output.stderr.contains("this is an SSH session. Using the device flow"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains(CODE), "{}", output.stderr);
    // Asked for, the browser flow is there; and it is what a server without a device flow gets.
    for (scenario, args) in
        [(scenario, &["--flow", "browser"][..]), ("device.unauthorized-client~tag.ssh", &[])]
    {
        profile(&home, scenario, flow);
        let mut running = home.spawn([&["login", "p"], args].concat());
        let url = url_to_open(&mut running);
        assert_eq!(visit(&callback(&url)).unwrap().status, 200);
        let output = running.wait().ok();
        let is_told = output.stderr.contains("Using the browser flow instead");
        assert_eq!(is_told, args.is_empty(), "{}", output.stderr);
    }
    // With a browser, the order of the profile counts.
    let browser = home.browser(&json!({ "mode": "honest" }));
    profile(&home, scenario, flow);
    let output = home.run(["login", "p"]).ok();
    assert!(!output.stderr.contains(CODE), "{}", output.stderr);
    browser.await_visit();
}

/// What a scanner reads from a code that is drawn in half blocks, white on black.
#[track_caller]
fn scanned(home: &Home, text: &str) -> String {
    const SCALE: usize = 8;
    let is_drawn = |line: &&str| line.starts_with(['█', '▀']);
    let lines: Vec<Vec<char>> =
        text.lines().filter(is_drawn).map(|line| line.chars().collect()).collect();
    let (width, height) = (lines[0].len() * SCALE, lines.len() * 2 * SCALE);
    let mut image = format!("P5\n{width} {height}\n255\n").into_bytes();
    for y in 0..height {
        for x in 0..width {
            let is_upper = (y / SCALE).is_multiple_of(2);
            let is_light = match lines[y / SCALE / 2][x / SCALE] {
                '█' => true,
                '▀' => is_upper,
                '▄' => !is_upper,
                _ => false,
            };
            image.push(if is_light { 255 } else { 0 });
        }
    }
    let file = home.path("code.pgm");
    fs::write(&file, image).unwrap();
    let read = std::process::Command::new("zbarimg").args(["--raw", "-q"]).arg(&file).output();
    let read = read.unwrap_or_else(|error| panic!("zbarimg, of the package zbar-tools: {error}"));
    String::from_utf8(read.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn scanner_reads_the_page_from_the_qr_code() {
    for (scenario, query) in [
        ("poll.pending.1~tag.qr", format!("?user_code={CODE}")),
        ("device.complete-missing~tag.qr", String::new()),
    ] {
        let home = home_of(scenario);
        let page = format!("{}/device{query}", hostile().issuer(scenario));
        let output = home.run(["login", "p", "--qr"]).ok();
        assert_eq!(scanned(&home, &output.stderr), page);
        let (_, below) = output.stderr.rsplit_once('█').unwrap();
        let shown = below.lines().filter(|line| !line.is_empty()).count();
        assert!(below.contains(CODE) && shown < 10, "a low screen shows no code: {below}");
        // At a terminal the colors are set, so that the background does not matter.
        let terminal = AtTerminal::start(&home.command(["login", "p", "--qr"]));
        let (status, screen) = terminal.wait();
        assert_eq!(status, 0, "{screen}");
        assert!(screen.contains("\u{1b}[97;40m█"), "{screen}");
        let plain = screen.replace("\u{1b}[97;40m", "").replace("\u{1b}[0m", "");
        assert_eq!(scanned(&home, &plain), page);
        // Where there is no room, nothing useless is drawn.
        let narrow = AtTerminal::start_wide(&home.command(["login", "p", "--qr"]), 30);
        let (status, screen) = narrow.wait();
        assert!(status == 0 && !screen.contains('█'), "{screen}");
        let words: Vec<&str> = screen.split_whitespace().collect();
        assert!(words.join(" ").contains("QR code does not fit"), "{screen}");
    }
}
