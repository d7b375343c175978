//! Forged answers, foreign sites and hostile text.

use rusqlite::Connection;
use rustix::process::Signal;

use super::{ADA, BROOK, Site};
use crate::support::*;
use crate::walk::let_a_second_pass;

#[test]
fn forged_used_or_strange_answer_changes_nothing() {
    let site = Site::new();
    let mut browser = User::default();
    let callback = browser.click_until_callback(&site.url, "/ask", ADA);
    let cookie = browser.cookies_for("/callback");
    let (base, query) = callback.split_once('?').unwrap();
    let state = query.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let (signed, signature) = state.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let altered = format!("{signed}.{other}{}", &signature[1..]);
    // Altered in the address alone, and in the cookie as well.
    let forged = callback.replace(state, &altered);
    site.refuses(&mut browser, &forged);
    let send = |callback: &str, cookie: &str| {
        let headers = format!("Cookie: {cookie}\r\n");
        User::default().send(callback, "GET", &headers, "")
    };
    let both = send(&forged, &cookie.replace(state, &altered)).with(400);
    assert!(both.body.contains("<h1>Not accepted</h1>"), "{}", both.body);
    // The cookie of another user with this state.
    let moved = send(&callback, &cookie.replace("=1.", "=2.")).with(400);
    assert!(moved.body.contains("<h1>Not accepted</h1>"), "{}", moved.body);
    for query in ["", "code=x", "state=x", "code=x&state=x", &format!("{query}&{query}")] {
        browser.open(&format!("{base}?{query}")).with(400);
    }
    // Another server's name on the answer.
    let iss = callback.split("iss=").nth(1).unwrap().split('&').next().unwrap();
    browser.open(&callback.replace(iss, "https%3A%2F%2Fx.example")).with(400);
    assert_eq!((site.server.count("authorization_code"), site.rows().len()), (0, 0));

    browser.open(&callback).with(200);
    let consented = site.says("Ada Quill");
    site.refuses(&mut browser, &callback);
    // With the cookie that it had.
    let used = send(&callback, &cookie).with(400);
    assert!(used.body.contains("<h1>Not accepted</h1>"), "{}", used.body);
    assert_eq!(site.says("Ada Quill"), consented);
    assert_eq!(site.server.count("authorization_code"), 1);
}

#[test]
fn answer_that_comes_too_late_changes_nothing() {
    let site = Site::with(&["--ttl", "1s"]);
    let mut browser = User::default();
    let callback = browser.click_until_callback(&site.url, "/ask", ADA);
    assert_eq!(browser.attributes("ask-"), [" Path=/callback; Max-Age=1; HttpOnly; SameSite=Lax"]);
    let_a_second_pass();
    // Even where the browser has kept the cookie for too long.
    let page = site.refuses(&mut browser, &callback);
    assert!(page.body.contains("<h1>Not accepted</h1>"), "{}", page.body);
    assert!(!site.has_consented("Ada Quill"));
}

#[test]
fn only_the_sites_own_pages_change_something() {
    let site = Site::new();
    let authority = site.url.trim_start_matches("http://").trim_end_matches('/');
    let mut browser = User::default();
    site.ask(&mut browser, ADA).with(200);
    for headers in [
        "",
        "Origin: null\r\n",
        "Origin: http://evil.example\r\n",
        &format!("Origin: https://{authority}\r\n"),
        &format!("Origin: http://{authority}.evil.example\r\n"),
    ] {
        for action in ["ask", "withdraw"] {
            let page =
                browser.send(&format!("{}{action}", site.url), "POST", headers, ADA).with(400);
            assert!(page.body.contains("Not started here") && page.header("set-cookie").is_none());
        }
    }
    // A duplicate belongs to no user: an intermediary may have used the other value.
    let (ours, evil) =
        (format!("Origin: http://{authority}\r\n"), "Origin: http://evil.example\r\n");
    for headers in [format!("{ours}{evil}"), format!("{evil}{ours}"), format!("{ours}{ours}")] {
        for action in ["ask", "withdraw"] {
            let page =
                browser.send(&format!("{}{action}", site.url), "POST", &headers, ADA).with(400);
            assert!(page.body.contains("Not started here") && page.header("set-cookie").is_none());
        }
    }
    let (ours, evil) = (format!("Host: {authority}\r\n"), "Host: evil.example\r\n");
    for headers in [format!("{ours}{evil}"), format!("{evil}{ours}"), format!("{ours}{ours}")] {
        let page = browser.send(&site.url, "GET", &headers, "").with(400);
        assert_not_shown(&page.body, ["Ada Quill"]);
    }
    // A name that was made to lead here.
    let other = "Host: evil.example\r\n";
    let page = browser.send(&site.url, "GET", other, "").with(400);
    assert_not_shown(&page.body, ["Ada Quill"]);
    let page = browser.send(&format!("{}nowhere", site.url), "GET", "", "").with(404);
    assert!(page.header("content-security-policy").is_some());
    assert!(site.has_consented("Ada Quill"));

    let mut browser = User::default();
    browser.click_until_callback(&site.url, "/ask", BROOK);
    let attributes = browser.attributes("ask-");
    assert_eq!(attributes, [" Path=/callback; Max-Age=600; HttpOnly; SameSite=Lax"]);
    assert_eq!(browser.cookies_for("/").matches("ask-").count(), 0);
    let page = browser.open(&site.url).with(200);
    let policy = page.header("content-security-policy").unwrap();
    let issuer = &site.server.issuer;
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'self'; form-action 'self' https: {issuer}; \
             frame-ancestors 'none'; base-uri 'none'"
        )
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
}

#[test]
fn hostile_text_stays_text() {
    let mut site = Site::new();
    let markup = "\"><img src=http://evil.example/x onerror=alert(1)>&amp;@x.example";
    let hostile = format!("{markup}\u{202e}\u{1b}[31m");
    let db = Connection::open(site.home.path("consent/track_consent/users.db")).unwrap();
    db.execute("UPDATE users SET name = ?1, email = ?2 WHERE id = 1", [&*hostile, markup]).unwrap();
    drop(db);
    site.restart(Signal::INT);
    // The server, too, calls them so.
    let page = site.ask(&mut User::default(), ADA).with(200);
    let text =
        "&quot;&gt;&lt;img src=http://evil.example/x onerror=alert(1)&gt;&amp;amp;@x.example";
    assert!(page.body.contains(&format!("<h2>{text}  [31m</h2>")), "{}", page.body);
    assert!(page.body.contains(&format!("as <b>{text}</b>")), "{}", page.body);
    let other = site.ask_but_sign_in_as(&mut User::default(), ADA, &hostile).with(400);
    assert!(other.body.contains(&format!("is {text}  [31m.</p>")), "{}", other.body);
    site.deny(true);
    let denied = site.ask(&mut User::default(), ADA).with(403);
    for body in [&page.body, &other.body, &denied.body] {
        assert_not_shown(body, ["<img", "\u{202e}", "\u{1b}"]);
    }
}

#[test]
fn no_token_code_or_state_lies_about() {
    let site = Site::new();
    let mut browser = User::default();
    let callback = browser.click_until_callback(&site.url, "/ask", ADA);
    let cookie = browser.cookies_for("/callback");
    let state = cookie.split("=1.").nth(1).unwrap().split("; ").next().unwrap();
    let query = url::Url::parse(&callback).unwrap();
    let code = query.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let page = browser.open(&callback).with(200);
    assert_no_secret(&site.home, [state, &code]);
    let shown = format!("{}{}", site.running.stdout_so_far(), site.running.stderr_so_far());
    assert_not_shown(&(shown + &page.body), [state, &code]);
    // The file is one that only its key opens.
    let grants = std::fs::read_dir(site.home.path("consent/track_consent/grants"))
        .unwrap()
        .map(Result::unwrap);
    let sealed = grants.filter(|f| std::fs::read(f.path()).unwrap().starts_with(b"age-encryption"));
    assert_eq!(sealed.count(), 1);
}
