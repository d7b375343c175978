//! The pages that the browser shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauthctl_core::login::Page;

use crate::scene::*;

async fn shown(page: Page) -> Reply {
    let mut listener = plain().await;
    let mut stream = open(address(&listener), callback(&listener)).await;
    candidate(&mut listener).await.reply(page);
    reply(&mut stream).await
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    text.split_once(start).unwrap().1.split_once(end).unwrap().0
}

#[tokio::test]
async fn policy_allows_only_own_style_and_script() {
    let reply = shown(signed_in()).await;
    let hash = |tag: &str| {
        let inline = between(&reply.body, &format!("<{tag}>"), &format!("</{tag}>"));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, inline.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(digest))
    };
    let expected = format!(
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; \
         style-src {}; script-src {}",
        hash("style"),
        hash("script")
    );
    assert_eq!(reply.header("content-security-policy"), Some(expected.as_str()));
    assert_eq!(reply.body.matches("<style").count(), 1);
    assert_eq!(reply.body.matches("<script").count(), 1);
    assert!(between(&reply.body, "<script>", "</script>").contains("history.replaceState"));
}

#[tokio::test]
async fn page_says_what_happened_and_to_whom() {
    let reply = shown(signed_in()).await;
    assert!(reply.body.contains("signed in to <strong>demo</strong> as <strong>ada</strong>"));
    let failed = Page::Failed { to: "demo".to_owned(), reason: "no store".to_owned() };
    let reply = shown(failed).await;
    assert_eq!(reply.status, 400);
    assert!(reply.body.contains("not signed in") && reply.body.contains("no store"));
}

#[tokio::test]
async fn hostile_text_stays_text_on_the_wire() {
    for text in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</style><script>alert(1)</script>",
        "\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\n\r\n<b>",
        "\u{202e}\u{0}\u{1b}]8;;x\u{7}<b>",
    ] {
        let page = Page::Failed { to: text.to_owned(), reason: text.to_owned() };
        let reply = shown(page).await;
        let body = between(&reply.body, "<body>", "</body>");
        for tag in ["<script", "<img", "<b>", "</style", "\u{1b}", "\u{202e}", "\u{0}"] {
            assert!(!body.contains(tag), "{tag} in {body}");
        }
    }
}
