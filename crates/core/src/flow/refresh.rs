//! The refresh request (RFC 6749, section 6).

use std::collections::BTreeMap;

use super::exchange::{Exchange, NoAnswer, Spends, exchange_with};
use super::hooks;
use super::login_required::{ended, made_elsewhere};
use super::pin::moved;
use super::request::TokenRequest;
use super::turn::{Call, Peer};
use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::{Grant, Pin};
use crate::profile::{Endpoint, Profile};
use crate::protocol::answer::Answer;
use crate::protocol::client_auth::Credentials;
use crate::protocol::refusal::LoginAgain;
use crate::protocol::refusal::RequestKind;
use crate::protocol::reply::{self, Refused, TokenReply};

/// What is spent, what hooks add to it, and the client credentials.
pub(super) struct Sent<'a> {
    pub(super) refresh_token: &'a Secret,
    pub(super) params: BTreeMap<String, String>,
    pub(super) credentials: &'a Credentials,
}

/// The response to a refresh, and the client secret with which it was requested.
pub(super) struct Renewal<'a> {
    pub(super) reply: TokenReply,
    pub(super) client_secret: Option<&'a Secret>,
}

/// A refresh that returned no tokens.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Whether the server may have replaced the refresh token anyway.
    pub(super) perhaps_spent: bool,
    /// The refresh token in the response: the server did replace it.
    pub(super) refresh_token: Option<Secret>,
    /// What the refusal says about the login.
    pub(super) login_again: Option<LoginAgain>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, perhaps_spent: false, refresh_token: None, login_again: None }
    }
}

/// Returns the refresh token to send, or `None` if the grant has to be requested again: it has none, the server
/// has ended it, or it belongs to another server or client than the pin.
///
/// # Errors
///
/// Returns `LoginRequired` if it belongs to another server or client, and only the user can grant access again.
pub(super) fn token_to_send(call: Call<'_>, grant: &Grant, pin: &Pin) -> Result<Option<Secret>> {
    if let Some(difference) = moved(&grant.pin, pin) {
        return match call.needs_user() {
            true => Err(made_elsewhere(call.key, &difference)),
            false => Ok(None),
        };
    }
    let has_ended = ended(grant, call.request, call.now()).is_some();
    Ok(grant.tokens.refresh_token.clone().filter(|_| !has_ended))
}

/// Sends a grant's refresh token, and reads the answer.
pub(super) async fn send<'a>(
    peer: Peer<'_>,
    grant: &Grant,
    request: &TokenRequest,
    sent: Sent<'a>,
) -> Result<Renewal<'a>, Failed> {
    let Sent { refresh_token, params, credentials } = sent;
    let Peer { profile, server, .. } = peer;
    peer.trace_step("Refreshing the access token", "RFC 6749, section 6");
    let mut form = vec![
        ("grant_type".to_owned(), "refresh_token".to_owned()),
        ("refresh_token".to_owned(), refresh_token.expose().to_owned()),
    ];
    // Strict servers refuse a scope that was not granted: scopes are sent only to narrow the token, or
    // if the server requires them.
    if !request.scopes.is_empty() {
        form.push(("scope".to_owned(), request.scopes.join(&profile.scope_separator)));
    } else if profile.quirks.scope_on_refresh {
        form.push(("scope".to_owned(), grant.tokens.scopes.join(&profile.scope_separator)));
    }
    request.narrow(&mut form, profile);
    if profile.quirks.redirect_uri_on_refresh {
        let mut uris = profile.login_redirect_uris(server.iss_parameter_supported);
        uris.truncate(1);
        form.extend(uris.into_iter().map(|uri| ("redirect_uri".to_owned(), uri.text)));
    }
    form.extend(profile.token_params.clone());
    form.extend(profile.refresh_params.clone());
    hooks::add(&mut form, params);
    let endpoint = match server.endpoints.refresh.as_deref() {
        Some(endpoint) => endpoint,
        None => peer.token_endpoint()?,
    };
    let sent = Exchange {
        purpose: Endpoint::Refresh.purpose(),
        endpoint,
        form,
        spends: Spends::Again,
        dpop_key: grant.dpop_key.as_ref(),
        may_be_json: true,
    };
    let answer = exchange_with(peer, credentials, &sent).await;
    let reply = read_reply(answer, profile)?;
    Ok(Renewal { reply, client_secret: credentials.secret.as_ref() })
}

/// Evaluates the response to a refresh request.
fn read_reply(answer: Result<Answer, NoAnswer>, profile: &Profile) -> Result<TokenReply, Failed> {
    let answer = answer.map_err(|NoAnswer { error, perhaps_acted }| Failed {
        perhaps_spent: perhaps_acted,
        ..Failed::from(error)
    })?;
    reply::validate(&answer, profile, RequestKind::Refresh).map_err(|refused| {
        let Refused { refusal, refresh_token, .. } = *refused;
        // A refusal is a response: nothing was spent. A 5xx, or a success that cannot be read, may have
        // come after the server acted.
        let is_refusal =
            matches!(answer.status(), 300..=499 | 503) || refusal.error.oauth_error().is_some();
        Failed {
            error: refusal.error,
            perhaps_spent: !is_refusal,
            refresh_token,
            login_again: refusal.login_again,
        }
    })
}
