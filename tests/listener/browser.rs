//! A real browser on the real page.

use std::sync::{Arc, Mutex};

use oauthctl_core::login::Page;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use crate::scene::*;
use crate::support::Chromium;

/// Takes what is meant for other machines, and notes the first line of each request.
async fn note(proxy: TcpListener, lines: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = proxy.accept().await {
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line).await;
        lines.lock().unwrap().push(line);
    }
}

async fn visit(page: Page, title: &'static str) {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxied = proxy.local_addr().unwrap().to_string();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let proxy = tokio::spawn(note(proxy, Arc::clone(&lines)));
    let mut listener = plain().await;
    let uri = listener.redirect_uri().to_owned();
    let browsing = tokio::task::spawn_blocking(move || {
        let mut browser = Chromium::start_behind(&proxied);
        browser.open(&format!("{uri}?code={CODE}&state={STATE}"), title);
        browser.until("the address without the code", &format!("location.href === {uri:?}"));
        browser.log()
    });
    let candidate = candidate(&mut listener).await;
    assert_eq!(candidate.parameters().get("code"), Some(CODE));
    candidate.reply(page);
    let log = browsing.await.unwrap();
    proxy.abort();
    // What the browser asks its vendor on its own account is not the page's doing.
    let elsewhere = |line: &&String| !line.contains("google");
    let lines = lines.lock().unwrap();
    assert_eq!(lines.iter().find(elsewhere), None, "a request left this machine");
    assert!(!log.contains("Content Security Policy"), "{log}");
    assert_eq!(listener.rejected_count(), 0, "no further request");
}

#[tokio::test]
async fn page_hides_the_code_and_loads_nothing() {
    visit(signed_in(), "Signed in").await;
    let hostile = "<img src=http://evil.example/x><script>location='http://evil.example'</script>";
    let failed = Page::Failed { to: hostile.to_owned(), reason: hostile.to_owned() };
    visit(failed, "Sign-in failed").await;
}
