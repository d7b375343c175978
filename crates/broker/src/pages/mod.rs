//! Pages for users and operators, as text. All values are escaped; no page runs a script or loads anything.

pub mod admin;

use std::sync::LazyLock;

use askama::Template;
use base64::Engine;
use oauthctl_core::tone::Tone;

/// The style of all pages.
pub(crate) const STYLE: &str = include_str!("style.css");

/// The content security policies: no scripts, no resources, no frames, and forms only to this broker.
static POLICIES: LazyLock<[String; 2]> = LazyLock::new(|| {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, STYLE.as_bytes());
    let hash = base64::engine::general_purpose::STANDARD.encode(hash);
    ["'none'", "'self'"].map(|forms| {
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action {forms}"
        )
    })
});

/// Returns the content security policy of a page, with or without forms.
pub fn policy(has_forms: bool) -> &'static str {
    &POLICIES[usize::from(has_forms)]
}

/// A page with a result.
#[derive(Debug, Template)]
#[template(path = "message.html")]
pub struct Message<'a> {
    /// The tone.
    pub tone: Tone,
    /// What happened.
    pub heading: &'a str,
    /// What that means.
    pub text: &'a str,
    /// What to do next.
    pub advice: &'a str,
}

/// The page that explains a connection before the redirect to the provider.
#[derive(Debug, Template)]
#[template(path = "connect.html")]
pub struct Connect {
    /// The provider.
    pub provider: String,
    /// The application.
    pub application: String,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// The host of the provider's login page.
    pub host: String,
    /// The host to which the user is redirected afterwards.
    pub back: Option<String>,
    /// The URL that continues.
    pub go: String,
    /// The URL that cancels.
    pub cancel: String,
}

/// The page that asks for the new password of an account.
#[derive(Debug, Template)]
#[template(path = "password.html")]
pub struct NewPassword<'a> {
    /// The token of the link.
    pub token: &'a str,
    /// Whether a wrong password was entered.
    pub is_wrong: bool,
}

/// Returns the page.
pub fn html(page: &impl Template) -> String {
    // Rendering fails only if formatting a value fails.
    page.render().unwrap_or_default()
}
