//! The pages that end users see, in a real browser.

use serde_json::{Value, json};

use crate::chromium::Chromium;
use crate::support::{Api, Browser, Home, provider};

/// What no page may take for markup.
pub const HOSTILE: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";

/// Does something with a real browser, which blocks.
pub async fn in_browser<T: Send + 'static>(
    act: impl FnOnce(&mut Chromium) -> T + Send + 'static,
) -> T {
    tokio::task::spawn_blocking(|| act(&mut Chromium::start())).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_page_asks_and_continues_without_script() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.json(&["tenant", "create", "acme", "--title", "The Acme Shop"]);
    let broker = home.serve(&[]);
    let api = broker.api(key["api_key"].as_str().unwrap());
    api.provide("sandbox", sandbox.issuer()).await;
    let page_of = async |user: &str| {
        api.link(&json!({ "provider": "sandbox", "user": user, "page": true })).await
    };
    let (first, second) = (page_of("u-1").await, page_of("u-2").await);
    let host = sandbox.issuer().trim_start_matches("http://").to_owned();
    in_browser(move |browser| {
        browser.forbid_scripts();
        browser.open(&first, "Connect your");
        let asked = browser.text();
        for part in ["The Acme Shop", &host, "openid", "Cancel"] {
            assert!(asked.contains(part), "{asked}");
        }
        browser.look("connect");
        browser.click("a.button", "The account is connected");
        assert!(browser.text().contains("The Acme Shop"), "{}", browser.text());
        browser.look("connected");
        browser.open(&second, "Connect your");
        browser.click("a.quiet", "Connection cancelled");
        browser.open(&second, "This link is invalid");
        browser.look("invalid");
    })
    .await;
    api.token("sandbox", "u-1").await.json(200);
    api.token("sandbox", "u-2").await.problem(404);
}

#[tokio::test]
async fn required_connect_page_cannot_be_skipped() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = home.serve(&["--connect-page"]);
    let back = "https://app.example/done";
    let api = broker.api(&home.tenant("acme", &[back]));
    api.provide("sandbox", sandbox.issuer()).await;
    let body = json!({ "provider": "sandbox", "user": "u-1", "redirect_to": back });
    let link = api.link(&body).await;
    let mut browser = Browser::default();
    let page = browser.open(&link).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("app.example"), "{}", page.text);
    let cookie = page.header("set-cookie");
    assert!(cookie.contains("SameSite=Strict") && cookie.contains("HttpOnly"), "{cookie}");
    let (_, rest) = page.text.split_once("?continue=").unwrap();
    let answer = rest.split('"').next().unwrap();
    let forged = "A".repeat(answer.len());
    for query in ["", "?continue", "?continue=", "?continue=x", &format!("?continue={forged}")] {
        let again = browser.clone().open(&format!("{link}{query}")).await;
        assert_eq!(again.status, 200, "{query}");
    }
    // The right answer from a browser that was not shown the page.
    let elsewhere = Browser::default().open(&format!("{link}?continue={answer}")).await;
    assert_eq!(elsewhere.status, 200);
    let cancelled = browser.clone().open(&format!("{link}?cancel={forged}")).await;
    assert_eq!(cancelled.status, 200);
    let sent = browser.open(&format!("{link}?continue={answer}")).await;
    assert_eq!(sent.status, 302);
    assert!(sent.header("location").starts_with(sandbox.issuer()));
    assert_eq!(browser.follow(sent.header("location")).await.header("location"), back);
    api.token("sandbox", "u-1").await.json(200);
}

/// Starts a connection of which every text is hostile, and returns its link.
async fn hostile_link(api: &Api, provider: &str) -> String {
    let scopes = json!(["openid", "<svg/onload=alert(3)>", "\"onclick=alert(4)"]);
    api.link(&json!({ "provider": provider, "user": HOSTILE, "scopes": scopes })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_markup_is_text_on_every_page() {
    let sandbox = provider().await;
    let home = Home::new();
    let key: Value = home.json(&["tenant", "create", "acme", "--title", HOSTILE]);
    let broker = home.serve(&["--connect-page"]);
    let api = broker.api(key["api_key"].as_str().unwrap());
    let deny = sandbox.issuer_with("deny");
    for (name, issuer) in [("sandbox", sandbox.issuer()), ("deny", &deny)] {
        let body = json!({ "issuer": issuer, "client_id": HOSTILE });
        api.put(&format!("/v1/providers/{name}"), &body).await.json(201);
    }
    let (good, bad) = (hostile_link(&api, "sandbox").await, hostile_link(&api, "deny").await);
    in_browser(move |browser| {
        for (link, title) in [(good, "The account is connected"), (bad, "was not connected")] {
            browser.open(&link, "Connect your");
            let asked = browser.text();
            assert!(asked.contains(HOSTILE) && asked.contains("<svg/onload"), "{asked}");
            browser.is_only_text();
            browser.look("hostile");
            browser.click("a.button", title);
            browser.is_only_text();
        }
    })
    .await;
}
