//! Built-in presets of providers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::Quirks;

/// What is known of a provider.
#[derive(Debug, Clone)]
pub struct Preset {
    /// The name for `provider`.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// Where a client is registered.
    pub register_url: String,
    /// The redirect URI to register.
    pub redirect_uri: String,
    /// What to know about redirect URIs there.
    pub redirect_note: String,
    /// Whether a client secret is needed.
    pub secret: String,
    /// The keys that a profile must set itself.
    pub needs: Vec<String>,
    /// What else to know.
    pub notes: Vec<String>,
    /// Endpoints relative to a `root_url`.
    pub paths: BTreeMap<String, String>,
    /// Keys of a profile.
    pub profile: toml::Table,
    /// What is no key of a profile.
    pub quirks: Quirks,
}

const GITLAB: &str = r#"
issuer = "https://gitlab.com"
authorization_endpoint = "https://gitlab.com/oauth/authorize"
token_endpoint = "https://gitlab.com/oauth/token"
device_authorization_endpoint = "https://gitlab.com/oauth/authorize_device"
revocation_endpoint = "https://gitlab.com/oauth/revoke"
jwks_uri = "https://gitlab.com/oauth/discovery/keys"
scopes = ["read_api"]
"#;

static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    vec![Preset {
        name: "gitlab".to_owned(),
        title: "GitLab".to_owned(),
        register_url: "https://gitlab.com/-/user_settings/applications".to_owned(),
        redirect_uri: "http://127.0.0.1/callback".to_owned(),
        redirect_note: String::new(),
        secret: "none".to_owned(),
        needs: vec!["client_id".to_owned()],
        notes: Vec::new(),
        paths: [
            ("authorization_endpoint", "authorize"),
            ("token_endpoint", "token"),
            ("device_authorization_endpoint", "authorize_device"),
            ("revocation_endpoint", "revoke"),
        ]
        .map(|(name, path)| (name.to_owned(), path.to_owned()))
        .into(),
        profile: GITLAB.parse().unwrap_or_default(),
        quirks: Quirks { redirect_uri_on_refresh: true, ..Quirks::default() },
    }]
});

/// The preset of this name.
pub fn find(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The nearest name, where one is near.
pub fn nearest(name: &str) -> Option<&'static str> {
    PRESETS
        .iter()
        .map(|preset| preset.name.as_str())
        .find(|known| strsim::jaro_winkler(known, name) > 0.8)
}
