//! Maps paths to endpoints and issuers.

use hyper::Method;

/// The endpoint of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Index,
    Journal,
    Metadata,
    ResourceMetadata,
    Jwks,
    Authorize,
    Consent,
    PushedAuthorization,
    Token,
    DeviceAuthorization,
    Verification,
    Revocation,
    Introspection,
    Userinfo,
    Registration,
    EndSession,
    Resource,
    Canary,
    Unknown,
}

struct Route {
    path: &'static str,
    endpoint: Endpoint,
    name: &'static str,
    methods: &'static [Method],
}

const fn route(
    path: &'static str,
    endpoint: Endpoint,
    name: &'static str,
    methods: &'static [Method],
) -> Route {
    Route { path, endpoint, name, methods }
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::POST];

const ROUTES: &[Route] = &[
    route("/", Endpoint::Index, "index", GET),
    route("/journal", Endpoint::Journal, "journal", GET),
    route(OPENID, Endpoint::Metadata, "metadata", GET),
    route(OAUTH, Endpoint::Metadata, "metadata", GET),
    route(PROTECTED, Endpoint::ResourceMetadata, "resource_metadata", GET),
    route("/jwks", Endpoint::Jwks, "jwks", GET),
    route("/authorize", Endpoint::Authorize, "authorize", BOTH),
    route("/consent", Endpoint::Consent, "consent", POST),
    route("/par", Endpoint::PushedAuthorization, "par", POST),
    route("/token", Endpoint::Token, "token", POST),
    route("/device_authorization", Endpoint::DeviceAuthorization, "device_authorization", POST),
    route("/device", Endpoint::Verification, "device", BOTH),
    route("/revoke", Endpoint::Revocation, "revoke", POST),
    route("/introspect", Endpoint::Introspection, "introspect", POST),
    route("/userinfo", Endpoint::Userinfo, "userinfo", BOTH),
    route("/register", Endpoint::Registration, "register", POST),
    route("/end_session", Endpoint::EndSession, "end_session", BOTH),
    route("/resource", Endpoint::Resource, "resource", BOTH),
    route("/canary", Endpoint::Canary, "canary", &[]),
];

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const PROTECTED: &str = "/.well-known/oauth-protected-resource";

impl Endpoint {
    /// Returns the name in the journal.
    pub(super) fn name(self) -> &'static str {
        ROUTES.iter().find(|r| r.endpoint == self).map_or("unknown", |r| r.name)
    }

    /// Returns the path below the issuer.
    pub(super) fn path(self) -> &'static str {
        ROUTES.iter().find(|r| r.endpoint == self).map_or("", |r| r.path)
    }

    /// Returns the accepted methods; all are accepted if the list is empty.
    pub(super) fn methods(self) -> &'static [Method] {
        ROUTES.iter().find(|r| r.endpoint == self).map_or(&[], |r| r.methods)
    }
}

/// Splits a path into the issuer's part (empty, or `/s/NAMES`) and the endpoint.
pub(super) fn find(path: &str) -> (&str, Endpoint) {
    for (well_known, endpoint) in [
        (OPENID, Endpoint::Metadata),
        (OAUTH, Endpoint::Metadata),
        (PROTECTED, Endpoint::ResourceMetadata),
    ] {
        // RFC 8414, section 3.1: the issuer's path follows the well-known one.
        let Some(rest) = path.strip_prefix(well_known) else { continue };
        let rest = match endpoint {
            Endpoint::ResourceMetadata => rest.strip_suffix("/resource").unwrap_or(rest),
            _ => rest,
        };
        let (issuer, rest) = split_issuer(rest);
        return (issuer, if rest.is_empty() { endpoint } else { Endpoint::Unknown });
    }
    let (issuer, rest) = split_issuer(path);
    let rest = if rest.is_empty() { "/" } else { rest };
    (issuer, ROUTES.iter().find(|r| r.path == rest).map_or(Endpoint::Unknown, |r| r.endpoint))
}

fn split_issuer(path: &str) -> (&str, &str) {
    let Some(names) = path.strip_prefix("/s/") else { return ("", path) };
    let end = names.find('/').unwrap_or(names.len());
    path.split_at(3 + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuer_with_a_path_has_metadata_at_both_places() {
        for path in [
            "/s/rotate/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/s/rotate",
            "/.well-known/openid-configuration/s/rotate",
        ] {
            assert_eq!(find(path), ("/s/rotate", Endpoint::Metadata), "{path}");
        }
        assert_eq!(
            find("/.well-known/oauth-protected-resource/s/rotate/resource"),
            ("/s/rotate", Endpoint::ResourceMetadata)
        );
    }

    #[test]
    fn other_paths_are_unknown() {
        for path in ["/tokens", "/token/", "//token", "/s/rotate/token/x"] {
            assert_eq!(find(path).1, Endpoint::Unknown, "{path}");
        }
        assert_eq!(find("/s/a,b/token"), ("/s/a,b", Endpoint::Token));
        assert_eq!(find("/s/a"), ("/s/a", Endpoint::Index));
    }
}
