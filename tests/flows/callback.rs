//! The loopback callback through the whole program: nothing that other processes, web pages or a malicious
//! server send ends the wait, spends a code twice, or gets a false success page.

mod responses;

use serde_json::json;

use crate::replies::invalid::{invalid_reply, refusal};
use crate::support::shapes::{body, encoded, parameter, with_status, with_type};
use crate::support::*;
use crate::user::*;
use responses::{ended, ignored, ignored_response, unusual_responses};

const API: &str = "scopes = [\"api\"]\n";

fn redeemed(scenario: &str) -> usize {
    hostile().requests(scenario, "token").len()
}

#[test]
fn requests_of_attackers_do_not_end_the_wait() {
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

/// A server whose responses the test writes, and a home with the profile `p` there.
fn scripted() -> (Scripted, Home) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, API);
    (server, home)
}

/// The server itself answers wrongly at first, and rightly when asked again.
#[test]
fn unexpected_callback_is_answered_and_ignored() {
    for (name, shape) in ignored() {
        let (server, home) = scripted();
        let (mut running, url) = listening(&home, &["p"]);
        server.reply_once(AUTHORIZE, &shape);
        let page = visit(&callback(&url)).unwrap();
        assert!((400..=499).contains(&page.status), "{name}: {page:?}");
        running.await_stderr(|text| text.contains("warning:").then_some(()));
        assert_eq!(server.requests(CODE_GRANT).len(), 0, "{name}");
        let page = visit(&callback(&url)).unwrap();
        assert_eq!(page.status, 200, "{name}");
        let output = running.wait().ok();
        assert!(harmless(&output.stderr), "{name}: {:?}", output.stderr);
        assert_eq!(server.requests(CODE_GRANT).len(), 1, "{name}");
    }
}

/// A timeout after such callbacks is distinct from a timeout without any callback.
#[test]
fn exit_code_tells_a_forged_callback_from_none() {
    let all: Vec<_> =
        ["state-wrong", "state-missing", "code-twice", "token-in-query", "code-control"]
            .iter()
            .map(|name| {
                let (server, home) = scripted();
                server.reply(AUTHORIZE, &ignored_response(name));
                let (running, url) = listening(&home, &["p", "--timeout", "12s"]);
                let page = visit(&callback(&url)).unwrap();
                assert!((400..=499).contains(&page.status), "{name}: {page:?}");
                (running, server, home)
            })
            .collect();
    let (server, quiet) = scripted();
    let (running, url) = listening(&quiet, &["p", "--timeout", "1s", "--json"]);
    let output = running.wait().fails(6);
    assert_eq!(output.error_json()["error"], "timeout");
    // After the deadline, the callback is not accepted.
    assert!(visit(&callback(&url)).is_none());
    assert_eq!(server.requests(CODE_GRANT).len(), 0);
    for (running, server, home) in all {
        running.wait().fails(7);
        assert_eq!(server.requests(CODE_GRANT).len(), 0);
        home.run(["token"]).fails(4);
    }
}

#[test]
fn final_response_sets_page_and_exit_code() {
    for (name, code, words, shown, shape) in ended() {
        let (server, home) = scripted();
        let (running, url) = listening(&home, &["p", "--json"]);
        server.reply_once(AUTHORIZE, &shape);
        let mut to = callback(&url);
        if name == "bounce" {
            to = callback(&to);
        }
        let page = visit(&to).unwrap();
        let output = running.wait().fails(code);
        let error = output.error_json();
        assert!(harmless(&output.stderr), "{name}: {:?}", output.stderr);
        if name.ends_with("-without-iss") {
            assert_not_shown(&format!("{}{}", output.stderr, page.body), ["CANARY-WORDS"]);
        }
        assert!(error["message"].as_str().unwrap().contains(words), "{name}: {error}");
        assert_eq!(error["exit_code"], code);
        let is_servers = !name.starts_with("iss-") && name != "bounce";
        assert_eq!(error["oauth_error"].is_string(), is_servers, "{name}: {error}");
        assert!(
            !page.body.contains("<script>alert") && !page.body.contains("<img"),
            "{}",
            page.body
        );
        assert!(page.status >= 400 || !page.body.contains("signed in"), "{name}: {page:?}");
        assert!(page.body.contains(shown), "{name}: {}", page.body);
        assert_eq!(server.requests_at("token").len(), 0, "{name}");
        home.run(["token"]).fails(4);
    }
    assert_canary_untouched();
}

#[test]
fn code_that_does_not_fit_is_refused_once() {
    for name in ["injected", "unknown", "non-ascii"] {
        let (server, home) = scripted();
        let (running, url) = listening(&home, &["p"]);
        let code = match name {
            // That of another attempt, whose verifier this one does not have.
            "injected" => {
                let (other, url) = listening(&home, &["p", "--account", "other"]);
                let code = parameters(&callback(&url))["code"].clone();
                drop(other);
                code
            }
            "unknown" => "an-unknown-code".to_owned(),
            _ => encoded("cod\u{e9}"),
        };
        server.reply(AUTHORIZE, &parameter("code", move |_| code.clone()));
        let page = visit(&callback(&url)).unwrap();
        running.wait().fails(4);
        assert!(page.status >= 400, "{name}: {page:?}");
        assert_eq!(server.requests(CODE_GRANT).len(), 1, "{name}");
        home.run(["token"]).fails(4);
    }
}

#[test]
fn unusual_valid_callback_is_accepted() {
    for (name, shape) in unusual_responses() {
        let (server, home) = scripted();
        server.reply(AUTHORIZE, &shape);
        let (running, url) = listening(&home, &["p"]);
        assert_eq!(visit(&callback(&url)).unwrap().status, 200, "{name}");
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
        let (server, home) = scripted();
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

/// A profile that names endpoints and no issuer.
fn without_issuer(scenario: &str) -> Home {
    let home = Home::new();
    let issuer = hostile().issuer(scenario);
    home.config(&format!(
        "[profiles.p]\nclient_id = \"cli\"\n{API}authorization_endpoint = \"{issuer}/authorize\"\n\
         token_endpoint = \"{issuer}/token\"\n"
    ));
    home
}

#[test]
fn unset_issuer_accepts_iss_at_the_endpoints_only() {
    let scenario = "tag.no-issuer";
    let home = without_issuer(scenario);
    let (running, url) = listening(&home, &["p"]);
    visit(&callback(&url)).unwrap();
    running.wait().ok();
    assert_eq!(redeemed(scenario), 1);
    let own = hostile().issuer(scenario);
    let disguised = [
        format!("blob:{own}"),
        own.replace("http:", "HTTP:"),
        own.replace("127.0.0.1", "127.1"),
        own.replace("//", "//user@"),
        own.replace("//", "/"),
        format!("{own}?x"),
        format!("{own}%23x"),
    ];
    let foreign = ["https://evil.example", "https://127.0.0.1", "nonsense", "data:,x"];
    for foreign in foreign.into_iter().chain(disguised.iter().map(String::as_str)) {
        let (running, url) = listening(&home, &["p"]);
        let to = callback(&url);
        let (before, iss) = to.split_once("&iss=").unwrap();
        assert!(!iss.contains('&'), "{to}");
        visit(&format!("{before}&iss={foreign}")).unwrap();
        let output = running.wait().fails(7);
        let said = error(&output);
        let foreign = foreign.replace("%23", "#");
        assert!(said.contains(&foreign) && said.contains("issuer = \"…\""), "{foreign}: {said}");
        assert_eq!(redeemed(scenario), 1, "{foreign}");
    }
}
