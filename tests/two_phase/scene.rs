//! Common setup of most tests: a server, a home with its profile `p`, and users who return.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::{Browser, DEADLINE, Home, Hostile, Output, Servers};

pub const REDIRECT: &str = "http://127.0.0.1:4711/callback";

pub struct Scene {
    pub server: Hostile,
    pub scenario: String,
    pub home: Home,
}

impl Scene {
    pub fn new(scenario: &str) -> Self {
        Self::with(scenario, "")
    }

    /// With further lines of the profile.
    pub fn with(scenario: &str, more: &str) -> Self {
        let server = Servers::hostile();
        let home = Home::new();
        profile(&home, &server, "p", scenario, more);
        Self { server, scenario: scenario.to_owned(), home }
    }

    /// Starts a flow with these further arguments.
    #[track_caller]
    pub fn start(&self, more: &[&str]) -> Value {
        let args = ["start", "p"].iter().chain(more);
        self.home.run(args).ok().json()
    }

    /// Starts a flow, and the user returns: the output of `start` and the callback URL.
    #[track_caller]
    pub fn come_back(&self, more: &[&str]) -> (Value, String) {
        let begun = self.start(more);
        let callback = visit(begun["authorization_url"].as_str().unwrap());
        (begun, callback)
    }

    #[track_caller]
    pub fn complete(&self, callback: &str, more: &[&str]) -> Output {
        complete(&self.home, callback, more)
    }

    /// It is refused with exit code 7, and no code is redeemed.
    #[track_caller]
    pub fn refuses(&self, callback: &str, more: &[&str]) -> Output {
        let before = self.redemptions();
        let output = self.complete(callback, more).fails(7);
        assert_eq!(self.redemptions(), before, "redeemed: {callback}");
        output
    }

    /// The redeemed codes of the scenario.
    #[track_caller]
    pub fn redemptions(&self) -> usize {
        self.grants("authorization_code").len()
    }

    #[track_caller]
    pub fn grants(&self, grant_type: &str) -> Vec<Value> {
        let mut all = self.server.requests(&self.scenario, "token");
        all.retain(|entry| entry["grant_type"] == grant_type);
        all
    }
}

pub fn profile(home: &Home, server: &Hostile, name: &str, scenario: &str, more: &str) {
    let more = format!("scopes = [\"api\"]\nredirect_uri = {REDIRECT:?}\n{more}");
    home.profile(name, &server.issuer(scenario), "cli", &more);
}

#[track_caller]
pub fn complete(home: &Home, callback: &str, more: &[&str]) -> Output {
    home.run_with(["complete", "-"].iter().chain(more), &format!("{callback}\n"))
}

/// Requests a URL and returns where its response redirects to.
#[track_caller]
pub fn visit(url: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (authority, target) = rest.split_at(rest.find('/').unwrap());
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let location = answer
        .lines()
        .find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case("location")));
    location.unwrap_or_else(|| panic!("no redirect: {answer}")).1.trim().to_owned()
}

/// Goes through the pages of a strict server, which uses cookies, and returns where the last one redirects
/// to.
#[track_caller]
pub fn consent(url: &str) -> String {
    let notes = tempfile::tempdir().unwrap();
    let browser = Browser::new(&notes.path().join("browser"), &json!({ "mode": "honest" }));
    let command = browser.command();
    let mut words = command.split(' ');
    let mut node = std::process::Command::new(words.next().unwrap());
    let mut child = node.args(words.take(2)).arg(url).spawn().unwrap();
    let callback = browser.await_callback();
    let _ = child.kill();
    let _ = child.wait();
    callback
}

/// A part of a JWT, decoded.
#[track_caller]
pub fn part(token: &str, number: usize) -> Value {
    use base64::Engine;
    let text = token.split('.').nth(number).unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
