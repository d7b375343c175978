//! The loopback callback through the whole program: nothing that other processes, web pages or a malicious
//! server send ends the wait, spends a code twice, or gets a false success page.

use serde_json::json;

use crate::person::*;
use crate::replies::invalid::{invalid_reply, refusal};
use crate::support::shapes::{body, with_status, with_type};
use crate::support::*;

const API: &str = "scopes = [\"api\"]\n";

fn redeemed(scenario: &str) -> usize {
    hostile().requests(scenario, "token").len()
}

#[test]
fn no_neighbour_ends_the_wait() {
    let scenario = "tag.attacked";
    let mut home = home(scenario);
    let browser = home.browser(&json!({ "mode": "attacker-before" }));
    let output = home.run(["login", "p"]).ok();
    let visit = browser.await_visit();
    assert!(visit.attacks.len() > 70, "{}", visit.attacks.len());
    for (name, answer) in &visit.attacks {
        let refused = answer.status == 0 || (400..=599).contains(&answer.status);
        assert!(refused, "{name}: {answer:?}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{name}");
        assert_not_shown(&answer.body, hostile().secrets_minted());
        assert!(!answer.body.contains("<script>alert"), "{name}");
    }
    assert_eq!(visit.answers[0].status, 200);
    assert_eq!(redeemed(scenario), 1);
    assert!(
        output.stderr.contains("ignored a request to the callback listener"),
        "{}",
        output.stderr
    );
    assert!(harmless(&output.stderr), "{:?}", output.stderr);
    home.run(["token"]).ok();
}

/// The server itself answers wrongly at first, and rightly when asked again.
#[test]
fn unexpected_callback_is_answered_and_ignored() {
    for part in hostile().behaviours("authorize-ignored").iter().filter(|part| *part != "form-post")
    {
        let scenario = format!("authorize.{part}.1");
        let home = home(&scenario);
        let (mut running, url) = listening(&home, &["p"]);
        let page = visit(&callback(&url)).unwrap();
        assert!((400..=499).contains(&page.status), "{part}: {page:?}");
        running.await_stderr(|text| text.contains("warning:").then_some(()));
        assert_eq!(redeemed(&scenario), 0, "{part}");
        let page = visit(&callback(&url)).unwrap();
        assert_eq!(page.status, 200, "{part}");
        let output = running.wait().ok();
        assert!(harmless(&output.stderr), "{part}: {:?}", output.stderr);
        assert_eq!(redeemed(&scenario), 1, "{part}");
    }
}

/// A timeout after such callbacks is distinct from a timeout without any callback.
#[test]
fn exit_code_tells_a_forged_callback_from_none() {
    let all: Vec<_> =
        ["state-wrong", "state-missing", "code-twice", "token-in-query", "code-control"]
            .iter()
            .map(|part| {
                let scenario = format!("authorize.{part}~tag.timeout");
                let home = home(&scenario);
                let (running, url) = listening(&home, &["p", "--timeout", "12s"]);
                let page = visit(&callback(&url)).unwrap();
                assert!((400..=499).contains(&page.status), "{part}: {page:?}");
                (running, scenario, home)
            })
            .collect();
    let quiet = home("tag.timeout");
    let (running, url) = listening(&quiet, &["p", "--timeout", "1s", "--json"]);
    let output = running.wait().fails(6);
    assert_eq!(output.error_json()["error"], "timeout");
    // After the deadline, the callback is not accepted.
    assert!(visit(&callback(&url)).is_none());
    assert_eq!(redeemed("tag.timeout"), 0);
    for (running, scenario, home) in all {
        running.wait().fails(7);
        assert_eq!(redeemed(&scenario), 0, "{scenario}");
        home.run(["token"]).fails(4);
    }
}

/// A scenario's part, the exit code, words of the error, and words of the page.
type Row = (&'static str, i32, &'static str, &'static str);

/// Responses with the true state that end the attempt, with nothing redeemed.
#[rustfmt::skip]
const ENDED: &[Row] = &[
    ("iss-wrong", 7, "names the issuer http", "You are not signed in"),
    ("iss-missing", 7, "has no `iss`", "You are not signed in"),
    ("iss-empty", 7, "names the issuer", "You are not signed in"),
    ("iss-slash", 7, "names the issuer http", "You are not signed in"),
    ("iss-case", 7, "names the issuer HTTP", "You are not signed in"),
    ("iss-port", 7, "names the issuer http", "You are not signed in"),
    ("iss-canary-with-error", 7, "names the issuer http", "You are not signed in"),
    ("bounce", 7, "names the issuer http", "You are not signed in"),
    ("deny", 5, "access_denied (the user denied access)", "the user denied access"),
    ("server-error", 9, "server_error", "server_error"),
    ("temporarily-unavailable", 9, "temporarily_unavailable", "temporarily_unavailable"),
    ("invalid-scope", 8, "invalid_scope (unknown scope)", "invalid_scope"),
    ("login-required", 8, "login_required", "login_required"),
    ("error-with-markup", 5, "access_denied", "&lt;script&gt;"),
    ("error-with-escapes", 5, "owned", "owned"),
    ("error-with-lines", 5, "(one  Set-Cookie: a=b    two)", "Set-Cookie: a=b"),
    ("error-latin-1", 5, "f\u{fffd}r dich%", "f\u{fffd}r dich%"),
    ("error-doubled-description", 5, "(once)", "once"),
    ("error-long-description", 5, "long long", "long long"),
    ("error-odd-uri", 5, "access_denied", "was denied"),
    ("deny-with-words", 5, "access_denied (CANARY-WORDS)", "CANARY-WORDS"),
    ("deny-without-iss", 5, "access_denied", "was denied"),
    ("failed-without-iss", 8, "invalid_scope", "You are not signed in"),
];

#[test]
fn final_response_sets_page_and_exit_code() {
    for table in ["authorize-invalid", "authorize-failed"] {
        for part in hostile().behaviours(table) {
            assert!(ENDED.iter().any(|row| row.0 == part), "no row for {part}");
        }
    }
    for (part, code, words, shown) in ENDED {
        let scenario = format!("authorize.{part}");
        let home = home(&scenario);
        let (running, url) = listening(&home, &["p", "--json"]);
        let mut to = callback(&url);
        if *part == "bounce" {
            to = callback(&to);
        }
        let page = visit(&to).unwrap();
        let output = running.wait().fails(*code);
        let error = output.error_json();
        assert!(harmless(&output.stderr), "{part}: {:?}", output.stderr);
        if part.ends_with("-without-iss") {
            assert_not_shown(&format!("{}{}", output.stderr, page.body), ["CANARY-WORDS"]);
        }
        assert!(error["message"].as_str().unwrap().contains(words), "{part}: {error}");
        assert_eq!(error["exit_code"], *code);
        let is_servers = !part.starts_with("iss-") && *part != "bounce";
        assert_eq!(error["oauth_error"].is_string(), is_servers, "{part}: {error}");
        assert!(
            !page.body.contains("<script>alert") && !page.body.contains("<img"),
            "{}",
            page.body
        );
        assert!(page.status >= 400 || !page.body.contains("signed in"), "{part}: {page:?}");
        assert!(page.body.contains(shown), "{part}: {}", page.body);
        assert_eq!(redeemed(&scenario), 0, "{part}");
        home.run(["token"]).fails(4);
    }
    assert_eq!(redeemed("tag.bounced"), 0);
    hostile().assert_canary_untouched();
}

#[test]
fn code_that_does_not_fit_is_refused_once() {
    for part in hostile().behaviours("authorize-unredeemable") {
        let scenario = format!("authorize.{part}");
        let home = home(&scenario);
        let (running, url) = listening(&home, &["p"]);
        let page = visit(&callback(&url)).unwrap();
        running.wait().fails(4);
        assert!(page.status >= 400, "{part}: {page:?}");
        assert_eq!(redeemed(&scenario), 1, "{part}");
        home.run(["token"]).fails(4);
    }
}

#[test]
fn unusual_valid_callback_is_accepted() {
    for part in hostile().behaviours("authorize-good") {
        let home = home(&format!("authorize.{part}"));
        let (running, url) = listening(&home, &["p"]);
        assert_eq!(visit(&callback(&url)).unwrap().status, 200, "{part}");
        running.wait().ok();
    }
}

#[test]
fn parallel_copies_of_the_callback_redeem_one_code() {
    let scenario = "tag.parallel";
    let mut home = home(scenario);
    let browser = home.browser(&json!({ "mode": "parallel", "count": 32 }));
    home.run(["login", "p"]).ok();
    let visit = browser.await_visit();
    let succeeded = visit.answers.iter().filter(|answer| answer.body.contains("Signed in")).count();
    assert_eq!(
        (visit.answers.len(), succeeded, redeemed(scenario)),
        (32, 1, 1),
        "{:?}",
        visit.answers
    );
}

#[test]
fn repeated_callback_is_answered_without_redemption() {
    let scenario = "tag.double";
    let mut home = home(scenario);
    let browser = home.browser(&json!({ "mode": "double" }));
    home.run(["login", "p"]).ok();
    browser.await_visit();
    assert_eq!(redeemed(scenario), 1);
    home.run(["token"]).ok();
}

#[test]
fn idle_connections_block_neither_callback_nor_exit() {
    let mut home = home("tag.idle");
    let browser = home.browser(&json!({ "mode": "idle-flood", "count": 64 }));
    home.run(["login", "p"]).ok();
    assert_eq!(browser.await_visit().answers[0].status, 200);
}

/// The page waits for the token: while the server holds its answer, the browser has none.
#[test]
fn page_is_sent_when_the_token_is_stored() {
    let server = Servers::hostile();
    let mut home = Home::new();
    home.profile("p", &server.issuer("honest"), "cli", API);
    let browser = home.browser(&json!({ "mode": "honest" }));
    server.hold("token-answer", 1);
    let running = home.spawn(["login", "p"]);
    server.await_held("token-answer", 1);
    let visited = home
        .path("browser")
        .read_dir()
        .unwrap()
        .any(|e| e.unwrap().file_name().to_string_lossy().starts_with("visit"));
    assert!(!visited, "the page came before the token");
    home.run(["token"]).fails(4);
    server.release("token-answer");
    let page = &browser.await_visit().answers[0];
    assert_eq!(page.status, 200);
    running.wait().ok();
    assert_not_shown(&format!("{page:?}"), server.secrets_minted());
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.headers.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(page.headers["content-security-policy"].contains("default-src 'none'"));
    assert!(page.headers["content-type"].contains("charset=utf-8"));
}

#[test]
fn page_does_not_claim_what_did_not_happen() {
    let bad_gateway = with_status(502, with_type("text/html", body("<h1>Bad gateway</h1>")));
    for (name, code, shape) in [
        ("html", 7, invalid_reply("html")),
        ("invalid-client", 8, refusal("invalid-client")),
        ("error-markup", 8, refusal("error-markup")),
        ("error-echo", 8, refusal("error-echo")),
        ("bad-gateway", 9, bad_gateway),
    ] {
        let (server, home) = (Scripted::start(), Home::new());
        server.profile(&home, API);
        server.reply(CODE_GRANT, &shape);
        let (running, url) = listening(&home, &["p", "--trace"]);
        let page = visit(&callback(&url)).unwrap();
        let output = running.wait().fails(code);
        assert!(page.status >= 400 && !page.body.contains("Signed in"), "{name}: {page:?}");
        assert!(!page.body.contains("<script>alert"), "{name}");
        assert_not_shown(&format!("{page:?} {}", output.stderr), server.secrets());
    }
}

/// The store fails after the tokens were issued: the user is not told that it worked.
#[test]
fn page_tells_that_the_token_could_not_be_stored() {
    let server = Servers::hostile();
    let mut home = Home::new();
    home.profile("p", &server.issuer("honest"), "cli", API);
    let store = home.path("broken-store");
    home.set("OAUTHCTL_STORE", format!("file:{}", store.display()));
    let browser = home.browser(&json!({ "mode": "honest" }));
    server.hold("token-answer", 1);
    let running = home.spawn(["login", "p"]);
    server.await_held("token-answer", 1);
    std::fs::rename(&store, home.path("moved")).unwrap();
    std::fs::write(&store, "a file where the directory was").unwrap();
    server.release("token-answer");
    let page = &browser.await_visit().answers[0];
    running.wait().fails(10);
    assert!(page.status >= 400 && !page.body.contains("Signed in"), "{page:?}");
    assert_no_secret(&home, server.secrets_minted());
}
