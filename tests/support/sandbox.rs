//! The program's own sandbox.

use serde_json::{Value, json};

use super::home::Home;
use super::process::Running;

/// The program's own sandbox as a process; it ends when this is dropped.
pub struct Sandbox {
    pub issuer: String,
    _process: Running,
}

impl Sandbox {
    /// One that consents without asking.
    #[track_caller]
    pub fn start(home: &Home) -> Self {
        let mut process = home.spawn(["sandbox", "--auto-consent", "--json"]);
        let at: Value = process
            .await_stdout(|text| text.ends_with('\n').then(|| serde_json::from_str(text).unwrap()));
        Self { issuer: at["issuer"].as_str().unwrap().to_owned(), _process: process }
    }

    /// Adds a profile of this name for a scenario; without one, of the honest server.
    pub fn profile(&self, home: &Home, name: &str, scenario: Option<&str>) {
        let issuer = match scenario {
            Some(scenario) => format!("{}/s/{scenario}", self.issuer),
            None => self.issuer.clone(),
        };
        home.profile(name, &issuer, "demo", "scopes = [\"openid\", \"email\", \"offline_access\"]");
    }
}

/// A home and a sandbox with one profile `s` of this scenario, and an honest browser.
#[track_caller]
pub fn with_sandbox(scenario: Option<&str>) -> (Home, Sandbox) {
    let mut home = Home::new();
    let sandbox = Sandbox::start(&home);
    sandbox.profile(&home, "s", scenario);
    home.browser(&json!({ "mode": "honest" }));
    (home, sandbox)
}
