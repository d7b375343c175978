//! The pin of a grant: issuer, endpoints and client. Its tokens are sent nowhere else.

use url::Url;

use crate::error::{Error, Result};
use crate::grant::Pin;
use crate::profile::{AuthorizationServer, ClientAuth, GrantType, Profile};
use crate::text::one_line;

/// Returns how a client authenticates: as configured, else by its credentials and the methods that the
/// server supports.
pub(super) fn client_auth(profile: &Profile, server: &AuthorizationServer) -> ClientAuth {
    if let Some(method) = profile.client.auth {
        return method;
    }
    let offered = |method: ClientAuth| {
        server.token_auth_methods.is_empty()
            || server.token_auth_methods.iter().any(|m| m == method.as_str())
    };
    // The key of `jwt_bearer` signs the grant's own assertion. Authentication is optional beside it (RFC
    // 7521, section 4.1).
    let is_of_grant = profile.grant == GrantType::JwtBearer;
    let signs = profile.client.private_key.is_some() || profile.client.assertion.is_some();
    if signs && !is_of_grant {
        return ClientAuth::PrivateKeyJwt;
    }
    match profile.client.secret {
        None => ClientAuth::None,
        Some(_)
            if !offered(ClientAuth::ClientSecretBasic) && offered(ClientAuth::ClientSecretPost) =>
        {
            ClientAuth::ClientSecretPost
        }
        Some(_) => ClientAuth::ClientSecretBasic,
    }
}

/// Returns what a grant of this profile is pinned to at this server.
pub(super) fn pin(profile: &Profile, server: &AuthorizationServer) -> Result<Pin> {
    Ok(Pin {
        issuer: server.issuer.clone(),
        token_endpoint: token_endpoint(profile, server)?.to_owned(),
        refresh_endpoint: server.endpoints.refresh.clone(),
        revocation_endpoint: server.endpoints.revocation.clone(),
        client_id: profile.client.id.clone(),
        client_auth: client_auth(profile, server).as_str().to_owned(),
    })
}

pub(super) fn token_endpoint<'a>(
    profile: &Profile,
    server: &'a AuthorizationServer,
) -> Result<&'a str> {
    server.endpoints.token.as_deref().ok_or_else(|| {
        Error::config(format!("no token endpoint is known for profile `{}`", profile.name))
            .hint("set `token_endpoint`, or `issuer` for discovery")
    })
}

/// Returns the difference between the pin of a grant and the current configuration or metadata.
pub(super) fn moved(old: &Pin, new: &Pin) -> Option<String> {
    let differs = |what: &str, old: &str, new: &str| {
        Some(format!("{what} was {} and is now {}", one_line(old), one_line(new)))
    };
    if let (Some(a), Some(b)) = (&old.issuer, &new.issuer)
        && a != b
    {
        return differs("the issuer", a, b);
    }
    if old.token_endpoint != new.token_endpoint {
        return differs("the token endpoint", &old.token_endpoint, &new.token_endpoint);
    }
    if old.refresh_endpoint != new.refresh_endpoint {
        let none = String::from("the token endpoint");
        let (a, b) = (&old.refresh_endpoint, &new.refresh_endpoint);
        return differs(
            "the refresh endpoint",
            a.as_ref().unwrap_or(&none),
            b.as_ref().unwrap_or(&none),
        );
    }
    if old.client_id != new.client_id {
        return differs("the client", &old.client_id, &new.client_id);
    }
    if old.client_auth != new.client_auth {
        return differs("the client authentication", &old.client_auth, &new.client_auth);
    }
    None
}

/// Returns why a grant's tokens are not sent to this revocation endpoint: it has changed since the grant
/// was made; or none was known then, and this one has neither the origin of the token endpoint nor that of
/// the issuer.
pub(super) fn unpinned(pin: &Pin, endpoint: &str) -> Option<String> {
    let new = one_line(endpoint);
    if let Some(pinned) = &pin.revocation_endpoint {
        let old = one_line(pinned);
        return (pinned != endpoint)
            .then(|| format!("the revocation endpoint was {old} and is now {new}"));
    }
    let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
    let there = origin(endpoint);
    let mut known = std::iter::once(&pin.token_endpoint).chain(&pin.issuer);
    let is_known = there.is_some() && known.any(|url| origin(url) == there);
    (!is_known).then(|| {
        format!("no revocation endpoint was known at the login, and {new} is on a different server")
    })
}
