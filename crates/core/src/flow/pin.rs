//! The pin of a grant: issuer, endpoints and client. Its tokens are sent nowhere else.

use std::borrow::Cow;

use url::Url;

use crate::error::{Error, Result};
use crate::grant::Pin;
use crate::profile::{AuthorizationServer, ClientAuth, Profile};
use crate::text::one_line;

/// Returns how a client authenticates at this server.
pub(super) fn client_auth(profile: &Profile, server: &AuthorizationServer) -> ClientAuth {
    profile.client_auth(&server.token_auth_methods)
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

/// Returns the profile with the client to which a grant or a flow is pinned, if that is one of earlier logins, and with
/// the issuer of that client.
pub(super) fn pinned<'a>(profile: &'a Profile, pin: &Pin) -> Cow<'a, Profile> {
    let is_current =
        profile.client.id == pin.client_id && profile.issuer.as_ref() == pin.issuer.as_ref();
    let mut former = profile.former_clients.iter().filter(|_| !is_current);
    let found = former
        .find(|one| one.client.id == pin.client_id && Some(&one.issuer) == pin.issuer.as_ref());
    let Some(found) = found else { return Cow::Borrowed(profile) };
    let mut other = profile.clone();
    other.issuer = Some(found.issuer.clone());
    other.client.clone_from(&found.client);
    Cow::Owned(other)
}

/// Returns the same, unless that client is one of another issuer: a grant continues only at the issuer that the profile
/// has now. Without a pin, the profile is as it is configured.
pub(super) fn pinned_here<'a>(profile: &'a Profile, pin: Option<&Pin>) -> Cow<'a, Profile> {
    let found = pin.map(|pin| pinned(profile, pin));
    found.filter(|found| found.issuer == profile.issuer).unwrap_or(Cow::Borrowed(profile))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::profile::FormerClient;

    #[test]
    fn client_of_another_issuer_is_not_picked() {
        let mut profile = Profile::builder("p", "new").issuer("https://a.example").build().unwrap();
        let client = |id: &str, secret: &str| {
            let built = Profile::builder("p", id).issuer("https://x.example");
            built.client_secret(Secret::new(secret)).build().unwrap().client
        };
        let former = [("https://b.example", "b"), ("https://a.example", "a")];
        let former = former.map(|(issuer, secret)| FormerClient {
            issuer: issuer.to_owned(),
            client: client("same", secret),
        });
        profile.former_clients = former.into();
        let picked = |issuer: Option<&str>, id: &str, here: bool| {
            let pin = Pin {
                issuer: issuer.map(str::to_owned),
                token_endpoint: String::new(),
                refresh_endpoint: None,
                revocation_endpoint: None,
                client_id: id.to_owned(),
                client_auth: String::new(),
            };
            let found =
                if here { pinned_here(&profile, Some(&pin)) } else { pinned(&profile, &pin) };
            (found.issuer.clone().unwrap(), found.client.clone())
        };
        let current = ("https://a.example".to_owned(), profile.client.clone());
        let at_a = ("https://a.example".to_owned(), client("same", "a"));
        let at_b = ("https://b.example".to_owned(), client("same", "b"));
        assert_eq!(picked(Some("https://a.example"), "same", true), at_a);
        assert_eq!(picked(Some("https://b.example"), "same", false), at_b);
        // A grant of another issuer does not continue.
        assert_eq!(picked(Some("https://b.example"), "same", true), current);
        for (issuer, id) in [
            (Some("https://a.example"), "new"),
            (Some("https://b.example"), "new"),
            (Some("https://c.example"), "same"),
            (Some("https://a.example"), "unknown"),
            (None, "same"),
        ] {
            assert_eq!(picked(issuer, id, false), current, "{issuer:?} {id}");
        }
    }
}
