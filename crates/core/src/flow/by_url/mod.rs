//! Logins by URL: finds the authorization server of a resource (RFC 9728) or of an issuer, and a client there.
//!
//! The rules are those of the MCP authorization specification, 2026-07-28.

mod client;
mod resource;

use url::Url;

use self::resource::Found;
use super::ports::Ports;
use crate::digest::hex_sha256;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::discovery::{self, Purpose};
use crate::profile::{AuthorizationServer, endpoint, url_login};
use crate::protocol::challenge::ResourceChallenge;
use crate::text::one_line;

pub use crate::protocol::registration::Registration;
pub(super) use client::{register, unregister};

/// Maximum number of authorization servers of one resource that are tried.
const SERVERS: usize = 5;

/// The scope that requests a refresh token (OpenID Connect Core, section 11).
const OFFLINE: &str = "offline_access";

/// The authorization server of a URL, and the resource if the URL is one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Located {
    /// The identifier of the resource, as its metadata writes it; `None` if the URL is an issuer.
    pub resource: Option<String>,
    /// The scopes that the resource requires: those of its challenge, else those of its metadata.
    pub scopes: Vec<String>,
    /// The scopes of the challenge alone.
    pub challenge_scopes: Vec<String>,
    /// The scopes of the resource's metadata.
    pub scopes_supported: Vec<String>,
    /// The authorization server.
    pub server: AuthorizationServer,
}

impl Located {
    /// Returns a redirect URI to register, with this port, because some servers compare it. A server
    /// that does not send `iss` gets a separate path (RFC 9700, section 4.4).
    pub fn redirect_uri(&self, port: u16) -> String {
        let issuer = self.server.issuer.as_deref().unwrap_or_default();
        match self.server.iss_parameter_supported {
            true => format!("http://127.0.0.1:{port}/callback"),
            false => {
                let mut own = hex_sha256(&[issuer.as_bytes()]);
                own.truncate(12);
                format!("http://127.0.0.1:{port}/{own}/callback")
            }
        }
    }

    /// Returns the scopes to request: these, else those that the resource requires, with `offline_access` if
    /// the server offers it.
    pub fn scopes_to_request(&self, wanted: Vec<String>) -> Vec<String> {
        let mut scopes = if wanted.is_empty() { self.scopes.clone() } else { wanted };
        let is_offered = self.server.scopes_supported.iter().any(|scope| scope == OFFLINE);
        if is_offered && !scopes.iter().any(|scope| scope == OFFLINE) {
            scopes.push(OFFLINE.to_owned());
        }
        scopes
    }
}

/// Finds what is at a URL. A resource is asked unless its challenge is known. If the resource has several
/// authorization servers, the one that was used before is preferred.
pub(super) async fn locate(
    ports: &Ports,
    url: &str,
    challenge: Option<&ResourceChallenge>,
    used: Option<&str>,
) -> Result<Located> {
    let parsed = url_login::parse_url(url)?;
    ports.trace.step("Looking for the authorization server of the URL", "RFC 9728, section 5");
    match resource::find(ports, &parsed, challenge).await? {
        Found::Resource { metadata, scopes } => {
            let (challenge_scopes, scopes_supported) = (scopes, metadata.scopes_supported);
            let all = [&challenge_scopes, &scopes_supported];
            let scopes = all.into_iter().find(|scopes| !scopes.is_empty()).cloned();
            let issuers = preferred_first(metadata.authorization_servers, used);
            let server = first_usable(ports, url, &parsed, &issuers, used).await?;
            Ok(Located {
                resource: Some(metadata.resource),
                scopes: scopes.unwrap_or_default(),
                challenge_scopes,
                scopes_supported,
                server,
            })
        }
        Found::Nothing { why, scopes } => match issuer(ports, url, &parsed).await {
            Ok(server) => Ok(Located {
                resource: None,
                scopes: scopes.clone(),
                challenge_scopes: scopes,
                scopes_supported: Vec::new(),
                server,
            }),
            Err(error) => Err(nothing_there(url, why, error)),
        },
    }
}

fn preferred_first(mut issuers: Vec<String>, used: Option<&str>) -> Vec<String> {
    issuers.sort_by_key(|issuer| Some(issuer.as_str()) != used);
    issuers
}

/// Returns the first server that can be used. One that may only be unavailable now is waited for: another one
/// would need another client and another consent.
async fn first_usable(
    ports: &Ports,
    url: &str,
    parsed: &Url,
    issuers: &[String],
    used: Option<&str>,
) -> Result<AuthorizationServer> {
    let mut first = None;
    for issuer in issuers.iter().take(SERVERS) {
        match server_of(ports, url, parsed, issuer).await {
            Ok(server) => return Ok(server),
            Err(error) if error.is_transient() || Some(issuer.as_str()) == used => {
                return Err(error);
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| Error::internal("a resource without an authorization server")))
}

/// Returns the server of an issuer that the resource names.
async fn server_of(
    ports: &Ports,
    url: &str,
    parsed: &Url,
    issuer: &str,
) -> Result<AuthorizationServer> {
    let checked = endpoint::check_issuer(issuer).and_then(|is| match is.scheme() {
        // Plain http is for this machine, and no other one may point there.
        "http" if parsed.scheme() != "http" => Err("must be https".to_owned()),
        _ => Ok(()),
    });
    checked.map_err(|why| {
        let (url, issuer) = (one_line(url), one_line(issuer));
        Error::validation(format!("the authorization server `{issuer}` of {url} {why}"))
    })?;
    let profile = url_login::without_client(url, issuer)?;
    let cache = ports.discovery_cache.as_deref();
    let found =
        discovery::resolve(&profile, &*ports.http, &*ports.clock, cache, Purpose::Login).await;
    found.map_err(|error| match error.is_transient() {
        true => error,
        false => error.hint("report this to the operator of the server"),
    })
}

/// Returns the server whose issuer the URL is. The slash at the end of a host may be one that the user added.
async fn issuer(ports: &Ports, url: &str, parsed: &Url) -> Result<AuthorizationServer> {
    match server_of(ports, url, parsed, url).await {
        Err(error) if parsed.path() == "/" && parsed.query().is_none() => {
            let other = match url.strip_suffix('/') {
                Some(without) => without.to_owned(),
                None => format!("{url}/"),
            };
            server_of(ports, url, parsed, &other).await.map_err(|_| error)
        }
        outcome => outcome,
    }
}

/// Returns the error for a URL that is neither, of what went wrong first.
fn nothing_there(url: &str, why: Option<Error>, error: Error) -> Error {
    if let Some(why) = why {
        return why;
    }
    if error.kind() != ErrorKind::Config {
        return error;
    }
    let what = format!(
        "{} is neither a protected resource nor an issuer: it has no metadata",
        one_line(url)
    );
    Error::config(what).hint(
        "check the URL; for a server without metadata, add a profile with its endpoints to the \
         configuration",
    )
}
