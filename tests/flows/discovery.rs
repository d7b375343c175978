//! Metadata (RFC 8414, OpenID Connect Discovery), PKCE and pushed requests (RFC 9126): every refusal
//! happens before a browser opens.

mod documents;

use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};
use serde_json::json;

use crate::replies::invalid::Row;
use crate::support::shapes::*;
use crate::support::*;
use crate::user::*;
use documents::{documents, documents_away, livable, pushed, pushed_away, without_urls};

/// Logs in with a browser that must not be opened.
fn check(place: &'static str, more: &str, rows: &[Row]) {
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
fn invalid_metadata_opens_no_browser() {
    check("metadata", "", &documents());
    check("metadata", "", &documents_away());
}

#[test]
fn pushed_request_that_failed_opens_no_browser() {
    check("par", "par = \"always\"\n", &pushed());
    check("par", "par = \"always\"\n", &pushed_away());
}

/// A server that requires pushed requests.
fn requires_par() -> (Scripted, Home) {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, "scopes = [\"api\"]\n");
    server.reply("metadata", &set("require_pushed_authorization_requests", json!(true)));
    (server, home)
}

/// The pushed request expires before the user opens it: the attempt ends without a response, and the
/// parameters never appear in the URL. The next attempt pushes again.
#[test]
fn expired_pushed_request_is_pushed_again() {
    let (server, home) = requires_par();
    let (running, url) = listening(&home, &["p", "--timeout", "3s"]);
    server.refuse(AUTHORIZE, &status(400), 1);
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
    assert_eq!(server.requests_at("par").len(), 2);
}

/// The redirect of a server that has forgotten the request, but not where to say so.
fn forgotten() -> Shape {
    redirected(|parameters| {
        parameters.retain(|(name, _)| name != "code");
        parameters.push(("error".to_owned(), "invalid_request_uri".to_owned()));
    })
}

/// The server tells the listener that it has forgotten the request: it is pushed once more, in the same login.
#[test]
fn forgotten_pushed_request_is_pushed_once_more() {
    let (server, home) = requires_par();
    server.reply_once(AUTHORIZE, &forgotten());
    let (mut running, first) = listening(&home, &["p"]);
    assert_eq!(visit(&callback(&first)).unwrap().status, 400, "this one is over");
    let second = running.await_stderr(|text| {
        let (_, after) = text.rsplit_once("Open this URL in a browser:\n\n  ")?;
        let (url, _) = after.split_once('\n')?;
        (url != first).then(|| url.to_owned())
    });
    assert_eq!(visit(&callback(&second)).unwrap().status, 200);
    running.wait().ok();
    assert_eq!(server.requests_at("par").len(), 2);
    assert_eq!(server.requests(CODE_GRANT).len(), 1);
    // One that is never kept ends the login, with nothing asked by value.
    server.profile(&home, PASTED);
    server.reply(AUTHORIZE, &forgotten());
    let output = paste(&home).fails(8);
    assert!(error(&output).contains("invalid_request_uri"), "{}", output.stderr);
    for asked in server.requests_at(AUTHORIZE) {
        assert!(asked.form.contains_key("request_uri"), "{asked:?}");
    }
}

/// A server may answer 200, and wants the client named beside HTTP Basic.
#[test]
fn pushed_request_with_basic_names_the_client() {
    let (server, mut home) = requires_par();
    home.set("SECRET", CONFIDENTIAL_SECRET);
    let more = format!(
        "{PASTED}client_secret = {{ env = \"SECRET\" }}\nclient_auth = \"client_secret_basic\"\n"
    );
    for (announced, par) in [(false, "always"), (true, "auto")] {
        server.reply("metadata", &set("require_pushed_authorization_requests", json!(announced)));
        server.reply("par", &with_status(if announced { 201 } else { 200 }, same()));
        home.config("");
        let more = format!("{more}par = \"{par}\"\n");
        home.profile("p", server.issuer(), CONFIDENTIAL_CLIENT, &more);
        let before = server.requests_at("par").len();
        paste(&home).ok();
        let pushed = server.requests_at("par");
        assert_eq!(pushed.len(), before + 1);
        assert_eq!(pushed[before].form["client_id"], CONFIDENTIAL_CLIENT);
        let token = server.requests(CODE_GRANT).pop().unwrap();
        assert!(!token.form.contains_key("client_id"), "{token:?}");
    }
}

/// The metadata does not say that requests must be pushed; the refusal does, and the setting in its hint helps.
#[test]
fn refusal_of_a_request_by_value_names_par_always() {
    let (server, home) = (Scripted::start(), Home::new());
    let by_value = shape(|answer, request| {
        if request.parameters().all(|(name, _)| name != "request_uri") {
            redirected(|parameters| {
                parameters.retain(|(name, _)| name != "code");
                let told = "Pushed%20Authorization%20Request%20is%20required";
                for (name, value) in [("error", "invalid_request"), ("error_description", told)] {
                    parameters.push((name.to_owned(), value.to_owned()));
                }
            })(answer, request);
        }
    });
    server.reply(AUTHORIZE, &by_value);
    server.profile(&home, PASTED);
    let output = paste(&home).fails(8);
    assert!(error(&output).contains("hint: set `par = \"always\"`"), "{}", output.stderr);
    server.profile(&home, &format!("{PASTED}par = \"always\"\n"));
    paste(&home).ok();
}

#[test]
fn unusual_metadata_is_accepted() {
    let home = Home::new();
    for (name, shape) in livable() {
        let server = Scripted::start();
        server.reply("metadata", &shape);
        server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
        let mut running = home.spawn(["login", "p", "--flow", "paste", "--no-browser", "--trace"]);
        let url = url_to_open(&mut running);
        running.write(&format!("{}\n", callback(&url)));
        running.wait().ok();
        let pushed = server.requests_at("par").len();
        let asked = parameters(&url);
        if name == "par-required" {
            assert_eq!(pushed, 1);
            assert_eq!(asked.into_keys().collect::<Vec<_>>(), ["client_id", "request_uri"]);
        } else {
            assert_eq!(pushed, 0);
            assert_eq!(asked["code_challenge_method"], "S256", "{name}: {url}");
        }
        let has_query = url.contains("/authorize?t=a%2Fb&x=%20&response_type=code");
        assert_eq!(has_query, name == "query-in-authorization-endpoint", "{name}: {url}");
    }
}

/// The endpoints are frozen when the attempt starts: metadata that changes meanwhile moves nothing.
#[test]
fn code_is_sent_to_the_endpoint_of_its_request() {
    let (server, home) = (Scripted::start(), Home::new());
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
    let mut running = home.spawn(["login", "p", "--flow", "paste", "--no-browser", "--trace"]);
    let url = url_to_open(&mut running);
    server.reply("metadata", &set("token_endpoint", json!(format!("{}/token", canary().origin))));
    running.write(&format!("{}\n", callback(&url)));
    running.wait().ok();
    assert_eq!(server.requests(CODE_GRANT).len(), 1);
    assert_canary_untouched();
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

/// Makes `p` a profile that names the issuer and its endpoints, too; `more` is further lines.
fn explicit(home: &Home, at: &str, client: &str, more: &str) {
    home.config("");
    let endpoints =
        format!("authorization_endpoint = \"{at}/authorize\"\ntoken_endpoint = \"{at}/token\"\n");
    home.profile("p", at, client, &format!("{PASTED}{endpoints}{more}"));
}

/// What the server promises is required, though no endpoint was looked for in its metadata.
#[test]
fn configured_endpoints_do_not_waive_iss() {
    let (server, home) = (Scripted::start(), Home::new());
    server.reply(AUTHORIZE, &without_parameter("iss"));
    explicit(&home, server.issuer(), "cli", "");
    let output = paste(&home).fails(7);
    assert!(error(&output).contains("`iss`"), "{}", output.stderr);
    assert_eq!(server.requests(CODE_GRANT).len(), 0);
    let server = Scripted::start();
    server.reply(AUTHORIZE, &without_parameter("iss"));
    server.reply("metadata", &without("authorization_response_iss_parameter_supported"));
    explicit(&home, server.issuer(), "cli", "");
    paste(&home).ok();
}

/// A missing document is the server's own statement; a missing response could be caused by an attacker.
#[test]
fn configured_endpoints_serve_where_no_metadata_is() {
    let mut home = Home::new();
    let all = documents().into_iter().chain(documents_away());
    let missing = ["status-404", "redirect-302", "html", "empty"];
    for row in all.filter(|row| missing.contains(&row.name)) {
        let server = Scripted::start();
        server.reply("metadata", &row.shape);
        explicit(&home, server.issuer(), "cli", "");
        paste(&home).ok();
    }
    let browser = home.browser(&json!({ "mode": "honest" }));
    let away = ["status-502", "limit", "reset-before", "half-body"];
    for row in documents_away().iter().filter(|row| away.contains(&row.name)) {
        let server = Scripted::start();
        server.reply("metadata", &row.shape);
        explicit(&home, server.issuer(), "cli", "");
        let output = home.run(["login", "p"]).fails(9);
        let said = "whether the server's responses contain `iss`";
        assert!(error(&output).contains(said), "{}", row.name);
    }
    assert!(browser.openings().is_empty());
    assert_canary_untouched();
}

/// A login asks anew, although a copy is kept; what refreshes and revokes uses the copy.
#[test]
fn login_reads_metadata_anew_and_refresh_does_not() {
    let (server, home) = (Scripted::start(), Home::new());
    let fetches = |server: &Scripted| server.requests_at("metadata").len();
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
    for count in 1..=3 {
        paste(&home).ok();
        assert_eq!(fetches(&server), count);
    }
    home.run(["refresh", "p"]).ok();
    home.run(["logout", "p"]).ok();
    assert_eq!(fetches(&server), 3);
    // The server is down at the second login: what was promised at the first still holds.
    let server = Scripted::start();
    server.reply(AUTHORIZE, &without_parameter("iss"));
    // An issuer with a path, whose metadata may be at three places.
    explicit(&home, &server.issuer_with("rotate"), "cli", "");
    for count in [1, 1 + 3] {
        paste(&home).fails(7);
        assert_eq!(fetches(&server), count);
        server.refuse("metadata", &with_status(503, body("")), usize::MAX);
    }
}

#[test]
fn logout_finds_revocation_in_the_other_document() {
    let (server, home) = (Scripted::start(), Home::new());
    // Each of the two documents has what the other lacks.
    server.reply_each("metadata", &[(without("revocation_endpoint"), 1), (same(), usize::MAX)]);
    server.profile(&home, PASTED);
    paste(&home).ok();
    home.run(["logout", "p"]).ok();
    assert_eq!(server.requests_at("revoke").len(), 2);
    assert_eq!(server.requests_at("metadata").len(), 2);
}

#[test]
fn unused_endpoint_that_is_no_url_is_only_remarked() {
    let (server, home) = (Scripted::start(), Home::new());
    server.reply("metadata", &without_urls());
    server.profile(&home, &format!("{PASTED}scopes = [\"api\"]\n"));
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
    let (server, mut home) = (Scripted::start(), Home::new());
    let methods = json!(["none", "client_secret_post"]);
    server.reply("metadata", &set("token_endpoint_auth_methods_supported", methods));
    home.set("SECRET", CONFIDENTIAL_SECRET);
    explicit(&home, server.issuer(), CONFIDENTIAL_CLIENT, "client_secret = { env = \"SECRET\" }\n");
    paste(&home).ok();
    std::fs::remove_dir_all(home.state_dir().join("discovery")).unwrap();
    home.run(["refresh", "p"]).ok();
    assert_eq!(server.requests_at("metadata").len(), 1);
    home.run(["logout", "p"]).ok();
    for asked in server.requests_at("token").iter().chain(&server.requests_at("revoke")) {
        assert_eq!(asked.form["client_secret"], CONFIDENTIAL_SECRET);
    }
}
