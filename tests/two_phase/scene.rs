//! Common setup of most tests: a server, a home with its profile `p`, and users who return.

use serde_json::Value;

pub use crate::support::Scene;
use crate::support::{Home, Output, Scripted, Served, http};

pub const REDIRECT: &str = "http://127.0.0.1:4711/callback";

impl Scene {
    pub fn new(scenario: &str) -> Self {
        Self::with(scenario, "")
    }

    /// With further lines of the profile.
    pub fn with(scenario: &str, more: &str) -> Self {
        Self::of(scenario, &lines(more))
    }
}

impl Scene<Scripted> {
    /// At a server whose responses the test writes.
    pub fn scripted(more: &str) -> Self {
        Self::at(Scripted::start(), "", &lines(more))
    }
}

impl<S: Served> Scene<S> {
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
}

/// The lines of a profile, with further ones.
fn lines(more: &str) -> String {
    format!("scopes = [\"api\"]\nredirect_uri = {REDIRECT:?}\n{more}")
}

pub fn profile<S: Served>(home: &Home, server: &S, name: &str, scenario: &str, more: &str) {
    home.profile(name, &server.issuer_of(scenario), "cli", &lines(more));
}

#[track_caller]
pub fn complete(home: &Home, callback: &str, more: &[&str]) -> Output {
    home.run_with(["complete", "-"].iter().chain(more), &format!("{callback}\n"))
}

/// Requests a URL and returns where its response redirects to.
#[track_caller]
pub fn visit(url: &str) -> String {
    let reply = http::get(url).unwrap_or_else(|| panic!("no response: {url}"));
    reply.header("location").unwrap_or_else(|| panic!("no redirect: {reply:?}")).to_owned()
}
