//! The device flow (RFC 8628): what the user sees, when the program polls, and how each answer ends it.

mod polling;
mod responses;

use std::fs;

use oauthctl_sandbox::Moment;
use rustix::process::Signal;
use serde_json::json;

use crate::identity::tokens::invalid_token;
use crate::support::shapes::*;
use crate::support::signed::{jwk, keys};
use crate::support::*;
use crate::terminal::url_on;
use crate::user::*;
use responses::{deviating_responses, invalid_responses, refusals};

const CODE: &str = "WDJB-MJHT";
const DEVICE: &str = "device_authorization";

/// A server whose responses the test writes, and a home whose profile `p` uses the device flow there.
pub fn device() -> (Scripted, Home) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("flow = [\"device\"]\n{OPENID}"));
    (server, home)
}

/// The same with a code that is known.
fn with_code() -> (Scripted, Home) {
    let (server, home) = device();
    server.reply(DEVICE, &code());
    (server, home)
}

fn code() -> Shape {
    members(|object| {
        let page = object["verification_uri"].as_str().unwrap();
        let complete = format!("{page}?user_code={CODE}");
        object.insert("verification_uri_complete".to_owned(), json!(complete));
        object.insert("user_code".to_owned(), json!(CODE));
    })
}

/// The page of the code.
fn page(server: &Scripted) -> String {
    format!("{}/device", server.issuer())
}

/// The response to a poll before the user has decided.
pub fn pending() -> Shape {
    oauth_error("authorization_pending", 400)
}

fn log_in(home: &Home) -> Output {
    home.run(["login", "p", "--trace"])
}

/// The times in seconds between the device authorization response and each poll.
#[track_caller]
fn gaps(server: &Scripted) -> Vec<f64> {
    let all = server.requests_at(DEVICE).into_iter().chain(server.requests(DEVICE_GRANT));
    let times: Vec<_> = all.map(|asked| asked.at).collect();
    times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_secs_f64()).collect()
}

#[test]
fn device_login_stores_tokens_that_are_refreshed() {
    let (server, home) = with_code();
    server.refuse(DEVICE_GRANT, &pending(), 1);
    let output = home.run(["login", "p", "--json", "--trace"]).ok();
    let login = output.json();
    assert_eq!(login["identity"]["sub"], "person-1");
    assert_eq!(
        (&login["scopes"], &login["has_refresh_token"]),
        (&json!(["openid", "api"]), &json!(true))
    );
    let page = page(&server);
    assert!(output.stderr.contains(&format!("\n  {page}\n  {CODE}\n")), "{}", output.stderr);
    assert!(output.stderr.contains(&format!("\n  {page}?user_code={CODE}\n")), "{}", output.stderr);
    let first = home.run(["token"]).ok().line().to_owned();
    home.run(["refresh"]).ok();
    assert_ne!(home.run(["token"]).ok().line(), first);
    let secrets = server.secrets();
    assert!(secrets.contains(&server.newest("device_code")), "{secrets:?}");
    assert_not_shown(&output.stderr, &secrets);
    assert_no_secret(&home, &secrets);
}

#[test]
fn device_grant_needs_no_authorization_endpoint() {
    let (server, home) = device();
    server.reply(DEVICE, &without("verification_uri_complete"));
    let at = server.issuer();
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
    let (_server, home) = with_code();
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
    let complete = |url: String| set("verification_uri_complete", json!(url));
    for (name, change, has_code) in [
        ("honest", same(), true),
        ("elsewhere", complete(format!("{}/device", canary().origin)), false),
        ("javascript", complete("javascript:alert(1)".to_owned()), false),
        ("missing", without("verification_uri_complete"), false),
    ] {
        let (server, mut home) = device();
        server.reply(DEVICE, &both(code(), change));
        server.refuse(DEVICE_GRANT, &pending(), 2);
        let browser = home.browser(&json!({ "mode": "never" }));
        let mut terminal = AtTerminal::start(&home.command(["login", "p", "--quiet"]));
        terminal.await_text(CODE, 1);
        let query = if has_code { format!("?user_code={CODE}") } else { String::new() };
        assert_eq!(browser.await_opening().url, page(&server) + &query);
        let (status, screen) = terminal.wait();
        assert_eq!(status, 0, "{name}: {screen}");
        assert_not_shown(&screen, [canary().origin.as_str(), "javascript:"]);
    }
    assert_canary_untouched();
}

/// The same with this response to the request for codes.
fn scripted(shape: &Shape) -> (Scripted, Home) {
    let (server, home) = device();
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
        assert_eq!(server.requests(DEVICE_GRANT).len(), 0, "{name}");
    }
}

#[test]
fn response_that_deviates_is_accepted() {
    std::thread::scope(|threads| {
        for (name, least, shape) in deviating_responses() {
            threads.spawn(move || {
                let (server, home) = scripted(&shape);
                log_in(&home).ok();
                let (asked, polls) = (server.requests_at(DEVICE), server.requests(DEVICE_GRANT));
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
    let (_server, home) = scripted(&redirect(307, &canary().origin));
    log_in(&home).fails(8);
    let (server, home) = device();
    server.reply("metadata", &without("device_authorization_endpoint"));
    let output = log_in(&home).fails(3);
    assert!(output.stderr.contains("device_authorization_endpoint"), "{}", output.stderr);
    assert_canary_untouched();
}

#[test]
fn invalid_id_token_of_a_device_login_stores_nothing() {
    for name in ["iss-wrong", "aud-wrong"] {
        let (server, home) = scripted(&with_status(201, same()));
        server.reply("jwks", &keys(vec![jwk("k1")]));
        server.reply(DEVICE_GRANT, &invalid_token(name));
        log_in(&home).fails(7);
        home.run(["token"]).fails(4);
    }
}

#[test]
fn unwritable_store_prevents_redemption() {
    let (server, home) = device();
    let store = home.path("data/oauthctl/tokens");
    fs::create_dir_all(store.parent().unwrap()).unwrap();
    fs::write(&store, "in the way").unwrap();
    home.run(["login", "p"]).fails(10);
    assert_eq!(server.requests_at(DEVICE).len(), 0);

    // It becomes unwritable while the user is logging in.
    let (server, home) = device();
    server.refuse(DEVICE_GRANT, &pending(), 1);
    server.hold(DEVICE_GRANT, Moment::Received, 1);
    let running = home.spawn(["login", "p"]);
    server.await_held(1);
    let store = home.path("data/oauthctl/tokens");
    fs::rename(&store, home.path("moved")).unwrap();
    fs::write(&store, "in the way").unwrap();
    server.release();
    running.wait().fails(10);
    assert_eq!(server.requests(DEVICE_GRANT).len(), 1, "the code was not sent again");
}

#[test]
fn interrupted_device_login_leaves_nothing_half_done() {
    let (server, home) = device();
    server.refuse(DEVICE_GRANT, &pending(), usize::MAX);
    let mut running = home.spawn(["login", "p"]);
    running.await_stderr(|text| text.contains("Waiting for you").then_some(()));
    running.signal(Signal::INT);
    running.wait().fails(130);
    home.run(["token"]).fails(4);

    // The tokens are on their way: they are stored first.
    server.honest();
    server.hold(DEVICE_GRANT, Moment::Processed, 1);
    let mut running = home.spawn(["login", "p"]);
    server.await_held(1);
    running.signal(Signal::INT);
    running.await_stderr(|text| text.contains("finishing the login first").then_some(()));
    server.release();
    running.wait().code(130);
    home.run(["token"]).ok();
}

#[test]
fn over_ssh_the_device_flow_comes_before_pasting() {
    let (server, mut home) = with_code();
    server.refuse(DEVICE_GRANT, &pending(), 1);
    server.profile(&home, "flow = [\"browser\", \"device\", \"paste\"]\n");
    home.set("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let output = home.run(["login", "p"]).ok();
    assert!(
        output.stderr.contains("this is an SSH session. Using the device flow"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains(CODE), "{}", output.stderr);
    // Asked for, the browser flow is there; and it is what a server without a device flow gets.
    for args in [&["--flow", "browser"][..], &[]] {
        if args.is_empty() {
            server.refuse(DEVICE, &oauth_error("unauthorized_client", 400), 1);
        }
        let mut running = home.spawn([&["login", "p"], args].concat());
        let url = url_to_open(&mut running);
        assert_eq!(visit(&callback(&url)).unwrap().status, 200);
        let output = running.wait().ok();
        let is_told = output.stderr.contains("Using the browser flow instead");
        assert_eq!(is_told, args.is_empty(), "{}", output.stderr);
    }
    // With a browser, the order of the profile counts.
    server.reply(DEVICE, &code());
    let browser = home.browser(&json!({ "mode": "honest" }));
    let output = home.run(["login", "p"]).ok();
    assert!(!output.stderr.contains(CODE), "{}", output.stderr);
    browser.await_visit();
}

#[test]
fn over_ssh_the_device_flow_is_mentioned() {
    let mut home = Home::new();
    home.set("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let mentions = "with `--flow device`";
    for (more, args, is_told) in [
        (WITH_DEVICE, &[][..], true),
        (WITH_DEVICE, &["--no-browser"], true),
        (WITH_DEVICE, &["--flow", "browser"], false),
        ("", &[], false),
    ] {
        profile(&home, "tag.told", more);
        let mut terminal = AtTerminal::start(&home.command([&["login", "p"], args].concat()));
        terminal.await_text("The page may fail to load: only its URL is needed.", 1);
        // The sentence after it has arrived too.
        let url = url_on(&mut terminal);
        visit(&callback(&url)).unwrap();
        let (status, screen) = terminal.wait();
        assert_eq!((status, screen.contains(mentions)), (0, is_told), "{args:?} {screen}");
    }
    // Nobody can paste without a terminal.
    for (more, is_told) in [(WITH_DEVICE, true), ("", false)] {
        profile(&home, "tag.told", more);
        let mut running = home.spawn(["login", "p"]);
        let url = url_to_open(&mut running);
        visit(&callback(&url)).unwrap();
        let told = running.wait().ok().stderr;
        assert_eq!(told.contains("`--flow device`"), is_told, "{told}");
    }
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
    for (change, query) in [
        (same(), format!("?user_code={CODE}")),
        (without("verification_uri_complete"), String::new()),
    ] {
        let (server, home) = scripted(&both(code(), change));
        let page = page(&server) + &query;
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
