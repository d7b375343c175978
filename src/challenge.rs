//! What a resource server asks for in `WWW-Authenticate` (RFC 6750, section 3; RFC 9449, section 9).

use oauthctl_core::http::api::header::{HeaderMap, WWW_AUTHENTICATE};
use oauthctl_core::protocol::challenge::ResourceChallenge;

/// Returns the scopes that a request needs, if it was refused because its token lacks them. Servers may
/// leave out which ones.
pub fn missing_scopes(headers: &HeaderMap) -> Option<Vec<String>> {
    with_error(headers, "insufficient_scope").map(|challenge| challenge.scopes)
}

/// Returns the nonce that a proof of possession must contain.
pub fn wanted_nonce(headers: &HeaderMap) -> Option<&str> {
    with_error(headers, "use_dpop_nonce").and_then(|_| nonce(headers))
}

/// Returns the nonce for the next proof, if the response provides one.
pub fn nonce(headers: &HeaderMap) -> Option<&str> {
    headers.get("dpop-nonce")?.to_str().ok().filter(|nonce| !nonce.is_empty())
}

fn with_error(headers: &HeaderMap, code: &str) -> Option<ResourceChallenge> {
    let values = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    values.filter_map(|value| ResourceChallenge::with_error(value, code)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(challenges: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        headers
    }

    #[test]
    fn scopes_are_those_of_the_refusal() {
        for (challenges, scopes) in [
            (&["Bearer error=\"insufficient_scope\", scope=\"a b:c\""][..], Some("a b:c")),
            (&["Bearer realm=\"error=insufficient_scope\", scope=\"a\""], None),
            (&["Basic realm=x", "bearer scope=a ,error = insufficient_scope"], Some("a")),
            (&["DPoP algs=\"ES256\", error=\"insufficient_scope\""], Some("")),
            (&["Bearer error=\"insufficient_scope\", scope=\"a x\\\\y b\""], Some("a b")),
            (&["Bearer error=\"invalid_token\", scope=\"a\"", "x\""], None),
            (&["="], None),
        ] {
            let found = missing_scopes(&headers(challenges)).map(|found| found.join(" "));
            assert_eq!(found.as_deref(), scopes, "{challenges:?}");
        }
    }

    #[test]
    fn nonce_is_wanted_where_the_error_says_so() {
        let mut headers = headers(&["DPoP error=\"use_dpop_nonce\""]);
        assert_eq!(wanted_nonce(&headers), None);
        headers.insert("dpop-nonce", "n".parse().unwrap());
        assert_eq!(wanted_nonce(&headers), Some("n"));
        headers.remove(WWW_AUTHENTICATE);
        assert_eq!((wanted_nonce(&headers), nonce(&headers)), (None, Some("n")));
    }
}
