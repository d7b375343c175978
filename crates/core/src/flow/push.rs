//! Pushed authorization requests (RFC 9126).

use super::exchange::{Exchange, Spends, exchange_with};
use super::turn::Peer;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Endpoint;
use crate::protocol::client_auth::Credentials;

/// Pushes the authorization request, and returns the reference to it.
pub(super) async fn push(
    peer: Peer<'_>,
    credentials: &Credentials,
    parameters: Vec<(String, String)>,
    dpop_key: Option<&Secret>,
) -> Result<String> {
    let endpoint =
        peer.server.endpoints.pushed_authorization_request.as_deref().ok_or_else(|| {
            Error::config("`par` requires a pushed authorization request, but no endpoint is known")
                .hint(Advice::configure(
                    &["pushed_authorization_request_endpoint", "par"],
                    "set `pushed_authorization_request_endpoint`, or set `par = \"never\"`",
                ))
        })?;
    peer.trace_step("Pushing the authorization request", "RFC 9126, section 2");
    // `client_id` is one of the parameters, however the client authenticates (section 2.1).
    let request = Exchange {
        purpose: Endpoint::PushedAuthorizationRequest.purpose(),
        endpoint,
        form: parameters,
        spends: Spends::Again,
        dpop_key,
        may_be_json: false,
    };
    let answer = exchange_with(peer, credentials, &request).await;
    let answer = answer.map_err(|no_answer| no_answer.error)?;
    let body = answer.members();
    let text = |name: &str| body.text(name).filter(|text| !text.is_empty());
    if let Some(error) = text("error") {
        let oauth = answer.oauth_error(&error, text("error_description").as_deref());
        return Err(Error::refused("the pushed authorization request was refused", oauth));
    }
    match (answer.status(), text("request_uri")) {
        // Some servers answer 200 (section 2.2 has 201).
        (200 | 201, Some(uri)) if is_request_uri(&uri) => Ok(uri),
        (429 | 500..=599, _) => Err(Error::unavailable(format!(
            "the pushed authorization request failed: the server returned {}",
            answer.status()
        ))
        .hint(Advice::RetryLater)),
        (400..=499, _) => Err(Error::new(
            ErrorKind::ServerRefused,
            format!("the pushed authorization request was refused: status {}", answer.status()),
        )
        .hint(Advice::Trace)),
        (200 | 201, _) => Err(Error::validation(
            "the response to the pushed authorization request has no usable `request_uri`",
        )),
        (status, _) => Err(Error::validation(format!(
            "the pushed authorization request returned status {status} instead of 201"
        ))),
    }
}

/// Returns whether this is a usable reference (RFC 9126, section 2.2). A reference over plain http (RFC
/// 9101, section 5.2) would let an attacker on the network write the request.
fn is_request_uri(uri: &str) -> bool {
    let is_plain_http = uri.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:"));
    !uri.is_empty() && !is_plain_http && uri.bytes().all(|b| b.is_ascii_graphic())
}

/// Adds a hint to a refusal that the server may require a pushed request, if it was not pushed.
pub(super) fn may_want_a_push(error: Error, was_pushed: bool) -> Error {
    let is_invalid = error.oauth_error().is_some_and(|oauth| oauth.code == "invalid_request");
    if !is_invalid || was_pushed || !error.advice().is_empty() {
        return error;
    }
    let description = error.oauth_error().and_then(|oauth| oauth.description.as_deref());
    let words = description.unwrap_or_default().to_ascii_lowercase();
    let says_so = ["pushed", "request_uri", "par "].iter().any(|word| words.contains(word));
    let how = match says_so {
        true => "set `par = \"always\"` in the profile",
        false => {
            "if the server accepts only pushed authorization requests, set `par = \"always\"` in \
             the profile"
        }
    };
    error.hint(Advice::configure(&["par"], how))
}
