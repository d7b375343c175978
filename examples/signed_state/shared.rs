//! What all variants share: the profile, a use of the token, and messages for the user.

use oauthctl_core::flow::Completed;
use oauthctl_core::port::{HttpRequest, Method};
use oauthctl_core::profile::{Config, Profile};
use oauthctl_core::text::one_line;
use oauthctl_core::{AccessToken, Error, ErrorKind, FlowManager, Result};
use serde_json::Value;

pub const PROFILE: &str = "signed";
/// Nothing listens there: the user who runs this passes on the callback URL.
pub const REDIRECT_URI: &str = "http://127.0.0.1:8482/callback";

pub fn profile(issuer: &str, client_id: &str) -> Result<Profile> {
    let config: Config = format!(
        "[profiles.{PROFILE}]
        issuer = {issuer:?}
        client_id = {client_id:?}
        redirect_uri = '{REDIRECT_URI}'
        scopes = ['openid', 'email', 'offline_access']
        authorization_params = {{ prompt = 'consent' }}"
    )
    .parse()?;
    config.profiles.into_values().next().ok_or_else(|| Error::config("no profile is configured"))
}

/// Uses the token at the userinfo endpoint, which accepts it at every OpenID Connect server.
pub async fn userinfo(manager: &FlowManager, token: &AccessToken) -> Result<String> {
    let Some(endpoint) = manager.server(PROFILE).await?.endpoints.userinfo else {
        return Ok("is valid, but the server has no userinfo endpoint for trying it".to_owned());
    };
    let token = format!("{} {}", token.token_type, token.value.expose());
    let request = get("userinfo request", &endpoint, vec![("authorization".to_owned(), token)])?;
    let answer = manager.ports().http.send(&request).await;
    let answer = answer.map_err(|error| Error::unavailable(error.message))?;
    let claims: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    match (answer.status, claims["sub"].as_str()) {
        (200, Some(sub)) => Ok(format!("works: userinfo returned the subject {}", one_line(sub))),
        (status, _) => Err(Error::new(
            ErrorKind::ServerRefused,
            format!("the userinfo endpoint returned status {status} for the token"),
        )),
    }
}

pub fn get(
    purpose: &'static str,
    url: &str,
    headers: Vec<(String, String)>,
) -> Result<HttpRequest> {
    let url = url.parse().map_err(|e| Error::validation(format!("not a URL: {e}")))?;
    Ok(HttpRequest { purpose, method: Method::Get, url, headers, body: Default::default() })
}

/// Describes the user. The token itself is not shown.
pub fn user_lines(done: &Completed, token: &AccessToken, works: &str) -> String {
    let identity = &done.grant.identity;
    let shown = |text: &Option<String>| text.as_deref().map_or("unknown".to_owned(), one_line);
    let expires = token.expires_at.map_or("unknown".to_owned(), |at| at.to_string());
    format!(
        "user     {}\nsubject  {}\nemail    {}\nscopes   {}\nexpires  {expires}\ntoken    {works}\n",
        shown(&done.grant.user),
        shown(&identity.sub),
        shown(&identity.email),
        one_line(&token.scopes.join(" ")),
    )
}

/// Describes an error, in the words of this program and then of the crate.
pub fn told(error: &Error) -> String {
    let what = match error.kind() {
        ErrorKind::InvalidState => "This response completes no authorization.",
        ErrorKind::AccessDenied => "The user denied access.",
        ErrorKind::Unavailable => "The server is unreachable. Try again later.",
        _ => "It failed.",
    };
    let hint = error.advice_text().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    format!("{what}\n  {error}{hint}")
}
