//! Logins that nobody made: a record of profile `p`, imported.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::home::Home;

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
