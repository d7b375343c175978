//! Metadata (RFC 8414, OpenID Connect Discovery), PKCE and pushed requests (RFC 9126): every refusal
//! happens before a browser opens.

mod documents;

use serde_json::json;

use crate::person::*;
use crate::replies::invalid::Row;
use crate::support::*;
use documents::{documents, pushed};

/// A scenario, the exit code, and words of the error.
type Transport = (&'static str, i32, &'static str);

/// Faults on the way to the document; it is asked for where nothing was spent, but never elsewhere.
#[rustfmt::skip]
const AWAY: &[Transport] = &[
    ("redirect-302", 3, "redirects are not followed"),
    ("redirect-307", 3, "redirects are not followed"),
    ("redirect-same-origin-308", 3, "redirects are not followed"),
    ("status-404", 3, "status 404"),
    ("status-502", 9, "status 502"),
    ("limit", 9, "status 429"),
    ("reset-before", 9, "reset the connection"),
    ("half-body", 9, "was interrupted"),
    ("gzip-bomb", 9, "exceeds 1024 KiB"),
    ("header-200-kib", 9, "exceeds 64 KiB"),
    ("not-http", 9, "not HTTP"),
];

/// Answers to a pushed request with which no authorization URL may be made.
#[rustfmt::skip]
const PUSHED: &[Transport] = &[
    ("redirect-307", 7, "status 307"),
    ("redirect-loop", 7, "status 307"),
    ("basic-challenge", 8, "401"),
    ("status-502", 9, "502"),
    ("limit", 9, "429"),
    ("reset-in-body", 9, "was interrupted"),
];

/// Logs in with a browser that must not be opened.
fn check(place: &str, rows: &[Transport]) {
    let mut home = Home::new();
    let browser = home.browser(&json!({ "mode": "honest" }));
    for (part, code, words) in rows {
        profile(&home, &format!("{place}.{part}"), "scopes = [\"api\"]\n");
        refused(&home, &browser, part, *code, words);
    }
    hostile().assert_canary_untouched();
    home.run(["token"]).fails(4);
}

/// Logs in, at a server whose responses the test writes, with a browser that must not be opened.
fn check_scripted(place: &'static str, more: &str, rows: &[Row]) {
    let (server, mut home) = (Scripted::start(), Home::new());
    let browser = home.browser(&json!({ "mode": "honest" }));
    server.profile(&home, &format!("scopes = [\"api\"]\n{more}"));
    for row in rows {
        server.reply(place, &row.shape);
        refused(&home, &browser, row.name, row.code, row.words);
        let _ = std::fs::remove_dir_all(home.state_dir().join("discovery"));
    }
    assert_canary_untouched();
    home.run(["token"]).fails(4);
}

#[track_caller]
fn refused(home: &Home, browser: &Browser, name: &str, code: i32, words: &str) {
    let output = home.run(["login", "p"]).fails(code);
    let error = error(&output);
    assert!(error.contains(words), "{name}: {words:?} not in\n{error}");
    assert!(harmless(&output.stderr), "{name}: {:?}", output.stderr);
    assert!(browser.openings().is_empty(), "{name}: the browser was opened");
}

#[test]
fn metadata_that_is_not_right_opens_no_browser() {
    check_scripted("metadata", "", &documents());
    check("discovery", AWAY);
}

#[test]
fn pushed_request_that_failed_opens_no_browser() {
    check_scripted("par", "par = \"always\"\n", &pushed());
    check("discovery.par-required~par", PUSHED);
}

/// The pushed request expires before the user opens it: the attempt ends without a response, and the
/// parameters never appear in the URL. The next attempt pushes again.
#[test]
fn expired_pushed_request_is_pushed_again() {
    let scenario = "discovery.par-required~par.expired.1";
    let home = home(scenario);
    let (running, url) = listening(&home, &["p", "--timeout", "3s"]);
    assert_eq!(visit(&url).unwrap().status, 400);
    running.wait().fails(6);
    let (running, again) = listening(&home, &["p"]);
    assert_ne!(url, again);
    assert_eq!(visit(&callback(&again)).unwrap().status, 200);
    running.wait().ok();
    for url in [&url, &again] {
        let names: Vec<String> = parameters(url).into_keys().collect();
        assert_eq!(names, ["client_id", "request_uri"]);
    }
    assert_eq!(hostile().requests(scenario, "par").len(), 2);
}

/// The server tells the listener that it has forgotten the request: it is pushed once more, in the same login.
#[test]
fn forgotten_pushed_request_is_pushed_once_more() {
    let scenario = "discovery.par-required~par.forgotten.1";
    let home = home(scenario);
    let (mut running, first) = listening(&home, &["p"]);
    assert_eq!(visit(&callback(&first)).unwrap().status, 400, "this one is over");
    let second = running.await_stderr(|text| {
        let (_, after) = text.rsplit_once("Open this URL in a browser:\n\n  ")?;
        let (url, _) = after.split_once('\n')?;
        (url != first).then(|| url.to_owned())
    });
    assert_eq!(visit(&callback(&second)).unwrap().status, 200);
    running.wait().ok();
    assert_eq!(hostile().requests(scenario, "par").len(), 2);
    assert_eq!(hostile().requests(scenario, "token").len(), 1);
    // One that is never kept ends the login, with nothing asked by value.
    let scenario = "discovery.par-required~par.forgotten";
    pasting(&home, scenario, "");
    let output = paste(&home).fails(8);
    assert!(error(&output).contains("invalid_request_uri"), "{}", output.stderr);
}

/// A server may answer 200, and wants the client named beside HTTP Basic.
#[test]
fn pushed_request_with_basic_names_the_client() {
    let mut home = Home::new();
    home.set("SECRET", hostile().secrets["cli-secret"].as_deref().unwrap());
    let more = format!(
        "{PASTED}client_secret = {{ env = \"SECRET\" }}\nclient_auth = \"client_secret_basic\"\n"
    );
    for (part, par) in [("par.status-200", "always"), ("discovery.par-required", "auto")] {
        let scenario = format!("{part}~tag.basic");
        let more = format!("{more}par = \"{par}\"\n");
        home.config("");
        home.profile("p", &hostile().issuer(&scenario), "cli-secret", &more);
        paste(&home).ok();
        assert_eq!(hostile().requests(&scenario, "par").len(), 1);
        let token = &hostile().requests(&scenario, "token")[0];
        assert!(!token["body"].as_str().unwrap().contains("client_id="), "{token}");
    }
}

/// The metadata does not say that requests must be pushed; the refusal does, and the setting in its hint helps.
#[test]
fn refusal_of_a_request_by_value_names_par_always() {
    let home = Home::new();
    let scenario = "authorize.by-value-refused";
    pasting(&home, scenario, "");
    let output = paste(&home).fails(8);
    assert!(error(&output).contains("hint: set `par = \"always\"`"), "{}", output.stderr);
    pasting(&home, scenario, "par = \"always\"\n");
    paste(&home).ok();
}

#[test]
fn metadata_that_a_client_can_live_with_is_lived_with() {
    let home = Home::new();
    for part in hostile().behaviours("discovery-good") {
        let scenario = format!("discovery.{part}");
        pasting(&home, &scenario, "scopes = [\"api\"]\n");
        paste(&home).ok();
        let asked = &hostile().requests(&scenario, "authorize")[0];
        let target = asked["target"].as_str().unwrap();
        let pushed = hostile().requests(&scenario, "par").len();
        if part == "par-required" {
            assert_eq!(pushed, 1);
            let names: Vec<String> = parameters(&format!("http://x{target}")).into_keys().collect();
            assert_eq!(names, ["client_id", "request_uri"]);
        } else {
            assert_eq!(pushed, 0);
            assert!(target.contains("code_challenge_method=S256"), "{part}: {target}");
        }
    }
    let asked = &hostile().requests("discovery.query-in-authorization-endpoint", "authorize")[0];
    assert!(
        asked["target"].as_str().unwrap().contains("/authorize?t=a%2Fb&x=%20&response_type=code")
    );
}

/// The endpoints are frozen when the attempt starts: metadata that changes meanwhile moves nothing.
#[test]
fn code_goes_where_it_was_asked_for() {
    let home = Home::new();
    pasting(&home, "discovery.changes-after-first", "scopes = [\"api\"]\n");
    paste(&home).ok();
    assert_eq!(hostile().requests("discovery.changes-after-first", "token").len(), 1);
    hostile().assert_canary_untouched();
}

#[test]
fn plain_http_elsewhere_is_refused_before_requests() {
    let mut home = Home::new();
    let browser = home.browser(&json!({ "mode": "honest" }));
    for more in [
        "issuer = \"http://as.example\"",
        "authorization_endpoint = \"http://as.example/a\"\ntoken_endpoint = \"https://as.example/t\"",
        "authorization_endpoint = \"https://as.example/a\"\ntoken_endpoint = \"http://as.example/t\"",
        "authorization_endpoint = \"javascript:alert(1)\"\ntoken_endpoint = \"https://as.example/t\"",
    ] {
        home.config(&format!("[profiles.p]\nclient_id = \"cli\"\n{more}\n"));
        home.run(["login", "p"]).fails(3);
    }
    assert!(browser.openings().is_empty());
}

/// Names that belong to the protocol, as `--param` and as a profile's parameters.
#[test]
fn reserved_parameters_are_set_by_nobody() {
    let mut home = Home::new();
    let browser = home.browser(&json!({ "mode": "honest" }));
    for name in [
        "state",
        "redirect_uri",
        "client_id",
        "response_type",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "request_uri",
        "scope",
    ] {
        profile(&home, "tag.reserved", "");
        home.run(["login", "p", "--param", &format!("{name}=x")]).fails(2);
        profile(&home, "tag.reserved", &format!("authorization_params = {{ {name} = \"x\" }}\n"));
        home.run(["login", "p"]).fails(3);
    }
    assert!(browser.openings().is_empty());
    assert_eq!(hostile().requests("tag.reserved", "discovery").len(), 0);
}

/// Makes `p` a profile that names the issuer of this scenario and its endpoints, too.
fn explicit(home: &Home, scenario: &str, more: &str) {
    let issuer = hostile().issuer(scenario);
    pasting(
        home,
        scenario,
        &format!(
            "authorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\n{more}"
        ),
    );
}

/// What the server promises is required, though no endpoint was looked for in its metadata.
#[test]
fn configured_endpoints_do_not_waive_iss() {
    let home = Home::new();
    explicit(&home, "authorize.iss-missing~tag.explicit", "");
    let output = paste(&home).fails(7);
    assert!(error(&output).contains("`iss`"), "{}", output.stderr);
    assert_eq!(hostile().requests("authorize.iss-missing~tag.explicit", "token").len(), 0);
    explicit(&home, "authorize.iss-missing~discovery.no-iss-announced~tag.explicit", "");
    paste(&home).ok();
}

/// A missing document is the server's own statement; a missing response could be caused by an attacker.
#[test]
fn configured_endpoints_serve_where_no_metadata_is() {
    let mut home = Home::new();
    for part in ["status-404", "redirect-302"] {
        explicit(&home, &format!("discovery.{part}~tag.explicit"), "");
        paste(&home).ok();
    }
    for row in documents().iter().filter(|row| ["html", "empty"].contains(&row.name)) {
        let server = Scripted::start();
        server.reply("metadata", &row.shape);
        let at = server.issuer();
        let endpoints = format!(
            "authorization_endpoint = \"{at}/authorize\"\ntoken_endpoint = \"{at}/token\"\n"
        );
        server.profile(&home, &format!("{PASTED}{endpoints}"));
        paste(&home).ok();
    }
    let browser = home.browser(&json!({ "mode": "honest" }));
    for part in ["status-502", "limit", "reset-before", "half-body"] {
        explicit(&home, &format!("discovery.{part}~tag.explicit"), "");
        let output = home.run(["login", "p"]).fails(9);
        assert!(error(&output).contains("whether the server's responses contain `iss`"), "{part}");
    }
    assert!(browser.openings().is_empty());
}

/// A login asks anew, although a copy is kept; what refreshes and revokes uses the copy.
#[test]
fn login_reads_metadata_anew_and_refresh_does_not() {
    let home = Home::new();
    let fetches = |scenario: &str| hostile().requests(scenario, "discovery").len();
    pasting(&home, "tag.anew", "scopes = [\"api\"]\n");
    for count in 1..=3 {
        paste(&home).ok();
        assert_eq!(fetches("tag.anew"), count);
    }
    home.run(["refresh", "p"]).ok();
    home.run(["logout", "p"]).ok();
    assert_eq!(fetches("tag.anew"), 3);
    // The server is down at the second login: what was promised at the first still holds.
    let scenario = "discovery.down-after-first~authorize.iss-missing~tag.anew";
    explicit(&home, scenario, "");
    for count in [1, 1 + 3] {
        paste(&home).fails(7);
        assert_eq!(fetches(scenario), count);
    }
}

#[test]
fn logout_finds_revocation_in_the_other_document() {
    let home = Home::new();
    let scenario = "discovery.revocation-in-oauth-document~tag.joined";
    pasting(&home, scenario, "");
    paste(&home).ok();
    home.run(["logout", "p"]).ok();
    assert_eq!(hostile().requests(scenario, "revoke").len(), 2);
    assert_eq!(hostile().requests(scenario, "discovery").len(), 2);
}

#[test]
fn unused_endpoint_that_is_no_url_is_only_remarked() {
    let home = Home::new();
    pasting(&home, "discovery.unused-no-urls", "scopes = [\"api\"]\n");
    assert!(!paste(&home).ok().stderr.contains("Ignoring"));
    let mut running = home.spawn(["login", "p", "--flow", "paste", "--no-browser", "--verbose"]);
    let url = url_to_open(&mut running);
    running.write(&format!("{}\n", callback(&url)));
    let said = running.wait().ok().stderr;
    let remark = "invalid endpoints in the metadata: userinfo_endpoint, registration_endpoint";
    assert!(said.contains(remark), "{said}");
}

/// The metadata chose how the client authenticates; without it the grant still knows.
#[test]
fn refresh_without_metadata_keeps_the_auth_method() {
    let mut home = Home::new();
    let scenario = "discovery.only-post~tag.method";
    let issuer = hostile().issuer(scenario);
    home.set("SECRET", hostile().secrets["cli-post"].as_deref().unwrap());
    let more = format!(
        "{PASTED}client_secret = {{ env = \"SECRET\" }}\n\
         authorization_endpoint = \"{issuer}/authorize\"\ntoken_endpoint = \"{issuer}/token\"\n"
    );
    home.profile("p", &issuer, "cli-post", &more);
    paste(&home).ok();
    std::fs::remove_dir_all(home.state_dir().join("discovery")).unwrap();
    home.run(["refresh", "p"]).ok();
    assert_eq!(hostile().requests(scenario, "discovery").len(), 1);
    home.run(["logout", "p"]).ok();
}
