//! What all credential helpers share: the settings of a tool, and the token that they select. Each other file
//! here parses the requests and renders the responses of one tool.

pub mod aws;
pub mod cargo;
pub mod docker;
pub mod git;
pub mod kubernetes;
pub mod links;
pub mod netrc;
mod rejected;
pub mod setup;

use std::io::Read;

use oauthctl_core::profile::{Credential, CredentialToken, CredentialTool, Target};
use oauthctl_core::{AccessToken, Error, Result, Secret, Timestamp, text};
use zeroize::Zeroizing;

use crate::args::AccountOption;
use crate::context::Context;
use crate::get_token::request::{Request, Selection};
use crate::get_token::{self, as_bearer};
use rejected::Rejected;

/// Default user name for a token: most servers that accept a token as a password ignore it, and GitLab
/// requires this one.
pub const USER: &str = "oauth2";

/// Maximum size of a request.
pub const LARGEST: u64 = 64 * 1024;

/// A token for a tool.
pub struct Issued {
    /// The token, printable and without spaces.
    pub value: Secret,
    /// When it expires, if the server reported that.
    pub expires_at: Option<Timestamp>,
}

/// The kind of token that a tool expects if its settings do not select one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usual {
    /// The access token.
    Access,
    /// The id_token, if there is one.
    Id,
}

/// Returns the settings for the place that a tool names, with their key.
///
/// # Errors
///
/// Returns `Config` if the configuration is invalid.
pub fn settings_for<'a>(
    context: &'a Context,
    tool: CredentialTool,
    asked: &Target,
) -> Result<Option<(&'a str, &'a Credential)>> {
    Ok(context.config_for(tool)?.credential_for(tool, asked))
}

/// Returns the settings of this key. Without a key, returns the only settings of the tool.
///
/// # Errors
///
/// Returns `Config` if there are none, or several and no key.
pub fn settings_of<'a>(
    context: &'a Context,
    tool: CredentialTool,
    key: Option<&str>,
) -> Result<(&'a str, &'a Credential)> {
    let all = context.config_for(tool)?.credential.get(&tool);
    let names = || all.into_iter().flatten().map(|(name, _)| name.as_str());
    let found = match key {
        Some(key) => all.and_then(|all| all.get_key_value(key)),
        None => all.and_then(|all| all.first_key_value()).filter(|_| names().count() == 1),
    };
    if let Some((name, settings)) = found {
        return Ok((name, settings));
    }
    let (example, needed) = example(tool);
    let tool = tool.name();
    if let (Some(key), true) = (key, names().next().is_some()) {
        return Err(Error::config(format!("no `[credential.{tool}.\"{}\"]`", text::one_line(key)))
            .hint(format!("use one of {}", text::names(names()))));
    }
    if names().next().is_none() {
        let wanted = text::one_line(key.unwrap_or(example));
        return Err(Error::config(format!("no credential is configured for {tool}")).hint(
            format!("add `[credential.{tool}.\"{wanted}\"]` to the configuration, with {needed}"),
        ));
    }
    Err(Error::config(format!("several credentials are configured for {tool}"))
        .hint(format!("specify one: {}", text::names(names()))))
}

/// Returns what the key of a tool's table looks like, and what the table needs.
fn example(tool: CredentialTool) -> (&'static str, &'static str) {
    const PROFILE: &str = "the key `profile`";
    match tool {
        CredentialTool::Git => ("https://git.example.com", PROFILE),
        CredentialTool::Docker => ("registry.example.com", PROFILE),
        CredentialTool::Cargo => ("sparse+https://cargo.example.com/index/", PROFILE),
        CredentialTool::Kubernetes => ("https://cluster.example.com:6443", PROFILE),
        CredentialTool::Aws => ("NAME", "the keys `profile` and `role_arn`"),
        CredentialTool::Netrc => ("api.example.com", PROFILE),
        CredentialTool::Npm => ("https://npm.example.com/", PROFILE),
        _ => ("KEY", PROFILE),
    }
}

/// Returns the token that these settings select. A token that the server refused before is refreshed first.
///
/// # Errors
///
/// See [`get_token::get`]; also returns `Usage` for a token that is bound to a key.
pub fn issue(context: &Context, settings: &Credential, usual: Usual) -> Result<Issued> {
    let token = token(context, settings, usual, Request::default())?;
    let rejected = Rejected::of(&context.state()?);
    let key = token.account.key.clone();
    if !rejected.as_ref().is_ok_and(|rejected| rejected.has(&key, &token.value)) {
        return issued(token);
    }
    let renewed =
        self::token(context, settings, usual, Request { force: true, ..Request::default() });
    // If another attempt would not help, there is nothing to wait for.
    if !renewed.as_ref().is_err_and(Error::is_transient) {
        rejected?.forget(&key);
    }
    issued(renewed?)
}

/// Records that the server refused the stored token, unless `refused`, which the tool was given, is another
/// one.
///
/// # Errors
///
/// Returns `Store` if the state directory must not be used.
pub fn reject(
    context: &Context,
    settings: &Credential,
    usual: Usual,
    refused: Option<&str>,
) -> Result<()> {
    let request = Request { cached: true, ..Request::default() };
    // Without a stored token, the next call requests one anyway.
    let Ok(token) = token(context, settings, usual, request) else { return Ok(()) };
    if refused.is_some_and(|refused| refused != token.value.expose()) {
        return Ok(());
    }
    Rejected::of(&context.state()?)?.add(&token.account.key, &token.value);
    Ok(())
}

fn token(
    context: &Context,
    settings: &Credential,
    usual: Usual,
    request: Request,
) -> Result<AccessToken> {
    let account = AccountOption { account: settings.account.clone() };
    let selection = Selection { account, ..Selection::default() };
    let profile = settings.profile.as_deref();
    let id_token = || {
        let request = Request { id_token: true, ..request };
        get_token::get(context, profile, &selection, &request).and_then(as_bearer)
    };
    match (settings.token, usual) {
        (Some(CredentialToken::IdToken), _) => id_token(),
        (None, Usual::Id) => {
            match get_token::get(context, profile, &selection, &Request { whole: true, ..request })
            {
                Ok(token) if token.id_token.is_none() => Ok(token),
                Ok(_) => id_token(),
                // The id_token may be usable even if the access token is not.
                Err(error) => id_token().map_err(|_| error),
            }
        }
        _ => get_token::get(context, profile, &selection, &request),
    }
}

fn issued(token: AccessToken) -> Result<Issued> {
    if !token.token_type.eq_ignore_ascii_case("Bearer") {
        let what = format!(
            "{} has a {} token, which these programs cannot use",
            token.account.key,
            text::one_line(&token.token_type)
        );
        return Err(Error::usage(what).hint(
            "if the server also issues Bearer tokens, remove `dpop` from the profile and log in \
             again",
        ));
    }
    let value = token.value.expose();
    if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::store("the stored token contains invalid characters"));
    }
    Ok(Issued { value: token.value, expires_at: token.expires_at })
}

/// Returns the user name of these settings, or the default one.
pub fn username(settings: &Credential) -> &str {
    settings.username.as_deref().unwrap_or(USER)
}

/// Reads a request from stdin.
///
/// # Errors
///
/// Returns `Usage` if it is too large, or not UTF-8.
pub fn read_request() -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin()
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::usage(format!("cannot read the request: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::usage(format!("the request is larger than {LARGEST} bytes")));
    }
    let text =
        std::str::from_utf8(&bytes).map_err(|_| Error::usage("the request is not valid UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}
