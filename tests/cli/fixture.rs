//! Prepared home directories.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Home, Running};

/// An access token that nothing else looks like.
pub const TOKEN: &str = "CANARY-access-0123456789abcdef";
/// Its refresh token.
pub const REFRESH: &str = "CANARY-refresh-0123456789abcdef";
/// A moment that the tests do not live to see: 2100-01-01T00:00:00Z.
pub const FAR: u64 = 4_102_444_800;

/// A profile whose endpoints lead nowhere.
pub const PROFILE: &str = "[profiles.p]\n\
    authorization_endpoint = \"https://as.invalid/authorize\"\n\
    token_endpoint = \"https://as.invalid/token\"\n\
    client_id = \"c\"\n";

/// A grant of profile `p` as the export writes it; `change` may change it.
pub fn grant(account: &str, token: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut grant = json!({
        "version": 1, "id": format!("g_{account}"), "generation": 1,
        "key": { "profile": "p", "account": account },
        "pin": {
            "issuer": null, "token_endpoint": "https://as.invalid/token",
            "client_id": "c", "client_auth": "none",
        },
        "grant_type": "authorization_code",
        "tokens": {
            "access_token": token, "token_type": "Bearer", "expires_at": FAR,
            "refresh_token": REFRESH, "scopes": ["read", "write"],
        },
        "obtained_at": 1_700_000_000, "refreshed_at": 1_700_000_000,
    });
    change(&mut grant);
    format!("oauthctl-1-plain.{}", URL_SAFE_NO_PAD.encode(grant.to_string()))
}

/// Stores a grant.
#[track_caller]
pub fn plant(home: &Home, line: &str) {
    home.run_with(["import", "-", "--replace"], line).ok();
}

/// A home with profile `p` and one account of it, whose token is this.
#[track_caller]
pub fn planted(token: &str) -> Home {
    let home = Home::new();
    home.config(PROFILE);
    plant(&home, &grant("default", token, |_| ()));
    home
}

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

/// What differs from run to run, replaced by names.
pub fn settled(home: &Home, text: &str) -> String {
    let text = text.replace(home.root().to_str().unwrap(), "HOME");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("127.0.0.1:") {
        let (head, tail) = rest.split_at(at + "127.0.0.1:".len());
        let digits = tail.bytes().take_while(u8::is_ascii_digit).count();
        out.push_str(head);
        out.push_str("PORT");
        rest = &tail[digits..];
    }
    out + rest
}
