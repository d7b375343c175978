//! A real browser on the real page.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauthctl_core::login::Page;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;

use crate::support::*;

/// A running browser; ended when dropped.
struct Browser {
    process: Child,
    folder: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Starts on this URL; whatever is not on this machine goes through the proxy.
    fn start(url: &str, proxy: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new("chromium")
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--disable-default-apps", "--disable-extensions"])
            .arg("--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter")
            .args(["--gaia-url=http://127.0.0.1:9", "--enable-logging=stderr"])
            .arg("--component-updater=url-source=http://127.0.0.1:9")
            .arg("--remote-debugging-port=0")
            .arg(format!("--proxy-server=http://127.0.0.1:{proxy}"))
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg(url)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { process, folder }
    }

    fn log(&self) -> String {
        let raw = std::fs::read(self.folder.path().join("log")).unwrap();
        String::from_utf8_lossy(&raw).into_owned()
    }

    /// What the tab shows: its address and its title, as the browser's own interface tells.
    async fn tab(&self) -> Option<(String, String)> {
        let file = self.folder.path().join("DevToolsActivePort");
        let port = std::fs::read_to_string(file).ok()?.lines().next()?.parse().ok()?;
        let request = "GET /json/list HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut stream = open(([127, 0, 0, 1], port).into(), request).await;
        let mut raw = Vec::new();
        // It keeps the connection, so the length decides.
        let list = loop {
            let mut chunk = [0; 4096];
            let count = tokio::io::AsyncReadExt::read(&mut stream, &mut chunk).await.ok()?;
            raw.extend_from_slice(&chunk[..count]);
            let text = String::from_utf8_lossy(&raw).into_owned();
            let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
            let list = body.and_then(|body| serde_json::from_str::<serde_json::Value>(&body).ok());
            match list {
                Some(list) => break list,
                None if count == 0 => return None,
                None => {}
            }
        };
        let tab = list.as_array()?.iter().find(|tab| tab["type"] == "page")?.clone();
        Some((tab["url"].as_str()?.to_owned(), tab["title"].as_str()?.to_owned()))
    }

    /// Waits until the tab shows this page.
    async fn shows(&self, url: &str, title: &str) {
        let seen = async {
            loop {
                if self.tab().await.is_some_and(|(u, t)| u == url && t.contains(title)) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(120), seen).await;
        assert!(seen.is_ok(), "{:?} instead of {url}\n{}", self.tab().await, self.log());
    }
}

/// Takes what is meant for other machines, and notes the first line of each request.
async fn note(proxy: TcpListener, lines: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = proxy.accept().await {
        let mut line = String::new();
        let _ = BufReader::new(stream).read_line(&mut line).await;
        lines.lock().unwrap().push(line);
    }
}

async fn visit(page: Page, title: &str) {
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut listener = plain().await;
    let url = format!("{}?code={CODE}&state={STATE}", listener.redirect_uri());
    let browser = Browser::start(&url, proxy.local_addr().unwrap().port());
    let lines = Arc::new(Mutex::new(Vec::new()));
    let proxy = tokio::spawn(note(proxy, Arc::clone(&lines)));
    let candidate = candidate(&mut listener).await;
    assert_eq!(candidate.parameters().get("code"), Some(CODE));
    candidate.reply(page);
    browser.shows(listener.redirect_uri(), title).await;
    proxy.abort();
    // What the browser asks its vendor on its own account is not the page's doing.
    let elsewhere = |line: &&String| !line.contains("google");
    let lines = lines.lock().unwrap();
    assert_eq!(lines.iter().find(elsewhere), None, "a request left this machine");
    assert!(!browser.log().contains("Content Security Policy"), "{}", browser.log());
    assert_eq!(listener.rejected_count(), 0, "no further request");
}

#[tokio::test]
async fn the_code_leaves_the_address_and_nothing_else_is_loaded() {
    visit(signed_in(), "Signed in").await;
    let hostile = "<img src=http://evil.example/x><script>location='http://evil.example'</script>";
    let failed = Page::Failed { to: hostile.to_owned(), reason: hostile.to_owned() };
    visit(failed, "Sign-in failed").await;
}
