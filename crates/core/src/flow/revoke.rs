//! Ends a grant: revokes it at the server (RFC 7009) and removes it locally.

use super::commit::{prove_store, recover};
use super::critical::CriticalPart;
use super::exchange::{Exchange, Spends, exchange};
use super::load::{Unloaded, load};
use super::pin::{moved, pin, pinned, unpinned};
use super::turn::{Context, LOCK_WAIT, Peer, Shared};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Grant, GrantKey};
use crate::profile::discovery::Purpose;
use crate::profile::{Endpoint, Profile};
use crate::protocol::members::Members;

/// The outcome of ending a grant.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Revoked {
    /// Whether there was a grant to remove.
    pub forgotten: bool,
    /// What the server did.
    pub at_server: AtServer,
    /// The revocation endpoint, if a request was sent to it.
    pub asked: Option<String>,
}

/// What the server did about a revocation.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum AtServer {
    /// No request was sent: nothing was stored, or the profile is unknown.
    #[default]
    NotAsked,
    /// No request was sent: no revocation endpoint is known.
    NoEndpoint,
    /// It revoked the tokens, or they were already invalid.
    Revoked,
    /// It did not revoke all of them: they may still be valid.
    Failed(Error),
}

/// Revokes a grant at the server of this profile, if one is given, and forgets it. Returns `None`, with nothing done, if
/// the grant is not `known`.
pub(super) async fn end(
    shared: &Shared,
    profile: Option<&Profile>,
    key: &GrantKey,
    known: Option<&Grant>,
) -> Result<Option<Revoked>> {
    let ports = &shared.ports;
    // A refresh in progress finishes first: its tokens are revoked too.
    let mut lock = ports.coordinator.lock(key, LOCK_WAIT).await?;
    // If that fails, the stored tokens are revoked and removed anyway.
    let _ = recover(shared, &mut *lock, key).await;
    let found = load(ports, key).await;
    if known.is_some_and(|known| !matches!(&found, Ok(Some(grant)) if grant == known)) {
        return Ok(None);
    }
    let _critical = shared.critical.enter(CriticalPart::Revocation);
    let mut asked = None;
    let at_server = match (profile, found) {
        (_, Err(Unloaded::Foreign(error))) => return Err(error),
        (None, _) | (_, Ok(None)) => AtServer::NotAsked,
        (Some(profile), Ok(Some(grant))) => {
            revoke_at_server(Context { shared, profile }, &grant, &mut asked).await
        }
        (Some(_), Err(unusable)) => {
            // A record that another key decrypts is intact: it is neither revoked nor removed.
            let _ = prove_store(ports, key).await?;
            AtServer::Failed(unusable.into())
        }
    };
    let forgotten = ports.store.remove(key).await?;
    lock.clear_intent().await?;
    lock.retract().await?;
    Ok(Some(Revoked { forgotten, at_server, asked }))
}

async fn revoke_at_server(
    context: Context<'_>,
    grant: &Grant,
    asked: &mut Option<String>,
) -> AtServer {
    match try_revoke(context, grant, asked).await {
        Ok(true) => AtServer::Revoked,
        Ok(false) => AtServer::NoEndpoint,
        Err(error) => AtServer::Failed(error),
    }
}

async fn try_revoke(
    context: Context<'_>,
    grant: &Grant,
    asked: &mut Option<String>,
) -> Result<bool> {
    let profile = pinned(context.profile, &grant.pin);
    let context = Context { profile: &profile, ..context };
    let server = context.server_of(Some(&grant.pin)).await?;
    let peer = context.with(&server);
    let Some(endpoint) = revocation_endpoint(peer, grant).await? else {
        return Ok(false);
    };
    let endpoint = asked.insert(endpoint).as_str();
    context.trace_step("Revoking the tokens", "RFC 7009, section 2.1");
    let dpop_key = grant.dpop_key.as_ref();
    let refresh = match &grant.tokens.refresh_token {
        Some(token) => send_revocation(peer, endpoint, (token, "refresh_token"), dpop_key).await,
        None => Ok(()),
    };
    // A server that does not respond is asked once.
    if refresh.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable) {
        return refresh.map(|()| true);
    }
    let access = &grant.tokens.access_token;
    let access = send_revocation(peer, endpoint, (access, "access_token"), dpop_key).await;
    match (refresh, access) {
        (Err(error), Ok(())) => Err(error.context("the access token is revoked")),
        (Err(error), Err(_)) => Err(error),
        // A server need not revoke access tokens (RFC 7009, section 2.1).
        (Ok(()), Err(error)) if grant.tokens.refresh_token.is_some() && is_unsupported(&error) => {
            Ok(true)
        }
        (Ok(()), access) => access.map(|()| true),
    }
}

/// Returns where the tokens of a grant may be sent for revocation, or `None` if no endpoint is known.
async fn revocation_endpoint(peer: Peer<'_>, grant: &Grant) -> Result<Option<String>> {
    let not_sent =
        |why: String| Error::config(format!("the tokens were not sent for revocation: {why}"));
    if let Some(difference) = moved(&grant.pin, &pin(peer.profile, peer.server)?) {
        return Err(not_sent(difference));
    }
    let endpoint = match peer.server.endpoints.revocation.clone() {
        Some(endpoint) => Some(endpoint),
        None => peer.context().server(Purpose::Optional).await?.endpoints.revocation,
    };
    match endpoint.as_ref().and_then(|endpoint| unpinned(&grant.pin, endpoint)) {
        Some(why) => Err(not_sent(why)),
        None => Ok(endpoint),
    }
}

/// Sends a token for revocation, and the hint of what it is.
pub(super) async fn send_revocation(
    peer: Peer<'_>,
    endpoint: &str,
    (token, hint): (&Secret, &str),
    dpop_key: Option<&Secret>,
) -> Result<()> {
    let request = Exchange {
        purpose: Endpoint::Revocation.purpose(),
        endpoint,
        form: vec![
            ("token".to_owned(), token.expose().to_owned()),
            ("token_type_hint".to_owned(), hint.to_owned()),
        ],
        spends: Spends::Again,
        dpop_key,
        // A server whose token endpoint accepts only JSON accepts nothing else here (Notion).
        may_be_json: true,
    };
    let answer = exchange(peer, &request).await.map_err(|n| n.error)?;
    match answer.status() {
        200..=299 => Ok(()),
        429 | 500..=599 => Err(Error::unavailable(format!(
            "the revocation request failed: the server returned {}",
            answer.status()
        ))),
        status => {
            let body = answer.members();
            if is_already_gone(&body) {
                return Ok(());
            }
            Err(match body.text("error") {
                Some(code) => Error::refused(
                    "the revocation request was refused",
                    answer.oauth_error(&code, body.text("error_description").as_deref()),
                ),
                None => Error::new(
                    ErrorKind::ServerRefused,
                    format!("the revocation request was refused: the server returned {status}"),
                ),
            })
        }
    }
}

/// Returns whether a server refuses a revocation because the token is no longer valid there. That is
/// success (RFC 7009, section 2.2), which several servers report as an error: Google as `invalid_token`,
/// Twitch only as a message.
fn is_already_gone(body: &Members) -> bool {
    match body.text("error") {
        Some(code) => GONE.contains(&code.as_str()),
        None => body.text("message").is_some_and(|said| said.eq_ignore_ascii_case("invalid token")),
    }
}

/// Error codes of servers for a token that is unknown, expired or revoked.
const GONE: [&str; 8] = [
    "invalid_token",
    "invalid_grant",
    "invalid_refresh_token",
    "bad_refresh_token",
    "token_expired",
    "token_revoked",
    "token_not_found",
    "expired_token",
];

/// Returns whether the server does not revoke tokens of this kind (RFC 7009, section 2.2.1).
pub(super) fn is_unsupported(error: &Error) -> bool {
    error.oauth_error().is_some_and(|refusal| refusal.code == "unsupported_token_type")
}
