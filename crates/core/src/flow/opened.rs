//! Opens an authorization response and says what it means. One that is a signed JWT (JARM) is verified first,
//! and its claims take the place of its parameters.

use super::jwks_cache;
use super::turn::Peer;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::protocol::authorization::Validation;
use crate::protocol::jarm;

/// The parameters of a response.
pub(super) type Pairs = Vec<(String, String)>;

/// What a response means, and its parameters: those of the JWT, if it is one.
pub(super) struct Opened {
    pub(super) validation: Validation,
    pub(super) parameters: Pairs,
}

/// Opens a response to a request of this state. `validate` says what plain parameters mean.
pub(super) async fn open(
    peer: Peer<'_>,
    state: &Secret,
    parameters: Pairs,
    validate: impl Fn(&Pairs) -> Validation,
) -> Opened {
    let is_signed = peer.profile.response_mode.is_some_and(|mode| mode.is_signed());
    if !is_signed {
        return Opened { validation: validate(&parameters), parameters };
    }
    let mut responses = parameters.iter().filter(|(name, _)| name == jarm::RESPONSE);
    let validation = match (responses.next(), responses.next()) {
        // A server that cannot read the request does not know that it has to sign the refusal.
        (None, _) => match validate(&parameters) {
            Validation::Code(_) => Validation::Failed(unsigned()),
            other => other,
        },
        (Some(_), Some(_)) => Validation::NotOurs("it repeats `response`"),
        (Some((_, response)), None) => match jarm::state(response) {
            Some(claimed) if Secret::new(claimed.as_str()) == *state => {
                match verified(peer, response).await {
                    Ok(claims) => {
                        return Opened { validation: validate(&claims), parameters: claims };
                    }
                    Err(error) => Validation::Failed(error),
                }
            }
            _ => Validation::NotOurs("its `state` is not that of this login"),
        },
    };
    Opened { validation, parameters }
}

fn unsigned() -> Error {
    Error::validation(
        "the authorization response is not signed, although `response_mode` requires it",
    )
    .hint("the response was not used")
    .and_hint(Advice::configure(
        &["response_mode"],
        "if the server does not support signed responses, remove `response_mode`",
    ))
}

/// Verifies a response, and returns its parameters.
async fn verified(peer: Peer<'_>, response: &str) -> Result<Pairs> {
    let server = peer.server;
    let unknown = |what: &str| {
        Error::config(format!("cannot verify the authorization response: no {what} is known"))
            .hint(Advice::configure(&["issuer"], "set `issuer` in the profile"))
    };
    let issuer = server.issuer.as_deref().ok_or_else(|| unknown("issuer"))?;
    let uri = server.endpoints.jwks_uri.as_deref().ok_or_else(|| unknown("`jwks_uri`"))?;
    peer.trace_step("Verifying the signed authorization response", "JARM, section 2.4");
    let token = jarm::read(response)?;
    let shared = peer.shared;
    let keys = shared.jwks.source(&shared.ports, uri, false)?;
    let checked = keys.verify(peer.http(), &token, jarm::WHAT, peer.now()).await;
    jwks_cache::keep_fetched(&shared.ports, uri, &keys).await;
    checked?;
    jarm::parameters(&token, issuer, &peer.profile.client.id, peer.now())
}
