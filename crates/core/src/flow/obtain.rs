//! Grants that require no user interaction: requested again whenever a token is needed.

use std::collections::BTreeMap;

use super::access_token::{NewTokens, Renewed};
use super::commit::{commit, prove_store, show};
use super::credentials::{credentials, dpop_key};
use super::exchange::{Exchange, Spends, exchange_with};
use super::grant_request::{GrantRequest, grant_request, step};
use super::hooks::{self, About, keep};
use super::identity::{Identified, Received, identify_if_valid};
use super::request::TokenRequest;
use super::tokens::{self, short_lived};
use super::turn::{Peer, Turn};
use crate::Secret;
use crate::error::{Error, Result};
use crate::grant::{GRANT_VERSION, Grant, GrantKey, Identity};
use crate::profile::{Endpoint, GrantType};
use crate::protocol::random;
use crate::protocol::refusal::RequestKind;
use crate::protocol::reply::{self, TokenReply};

/// Requests the profile's grant and stores the result.
pub(super) async fn obtain(
    turn: &mut Turn<'_>,
    key: &GrantKey,
    previous: Option<Grant>,
    request: &TokenRequest,
) -> Result<Renewed> {
    let (peer, profile) = (turn.peer(), turn.profile);
    let context = peer.context();
    let _room = prove_store(turn.ports(), key).await?;
    let dpop_key = match previous.as_ref().and_then(|g| g.dpop_key.clone()) {
        Some(key) => Some(key),
        None => dpop_key(context, None).await?,
    };
    let id = match &previous {
        Some(grant) => grant.id.clone(),
        None => random::grant_id()?,
    };
    let asked = if request.scopes.is_empty() { &profile.scopes } else { &request.scopes };
    let about = About {
        grant_type: profile.grant.as_str(),
        grant_id: &id,
        key,
        user: previous.as_ref().and_then(|grant| grant.user.as_deref()),
        attributes: previous.as_ref().map(|g| g.attributes_at(turn.now())).unwrap_or_default(),
        scopes: asked,
        tokens: previous.as_ref().map(|grant| &grant.tokens),
    };
    let mut hook_answer = hooks::ask(context, "pre_token", about).await?;
    let params = std::mem::take(&mut hook_answer.params);
    let GrantRequest { form, subject } = grant_request(peer, request, params).await?;
    let (reply, identified) = send(peer, form, dpop_key.as_ref()).await?;
    let before = previous.as_ref().map(|grant| grant.tokens.clone());
    let mut grant = own_grant(turn, key, previous, &reply, id);
    grant.identity.sub = subject.or(grant.identity.sub);
    if let (Some(claims), None) = (identified.claims, request.narrowing()) {
        grant.identity = identified.identity;
        grant.id_token_claims = Some(claims);
    }
    grant.dpop_key = dpop_key;
    keep(&mut grant, hook_answer, turn.now())?;
    let tokens = tokens::of_reply(&reply, asked, identified.id_token);
    match request.narrowing() {
        Some(name) => tokens::keep(&mut grant, name, tokens.clone(), turn.now()),
        None => grant.tokens = tokens.clone(),
    }
    // If the hook denies, nothing is stored: the grant can be requested again at any time.
    let about = About { tokens: Some(&tokens), ..About::of(&grant, &grant.grant_type, turn.now()) };
    let answer = hooks::ask(context, "post_token", about).await?;
    keep(&mut grant, answer, turn.now())?;
    let mut warnings = commit(turn, &grant).await?;
    warnings.extend(identified.warning);
    warnings.extend(show(context, &grant).await);
    warnings.extend(short_lived(profile, key, &tokens, before.as_ref()));
    let warning = reply.warning.into_iter().chain(warnings).next();
    let new = NewTokens { grant, tokens, warning, notes: reply.notes };
    Ok(Renewed::Tokens(Box::new(new)))
}

/// Sends the request, and validates what the response says about a user: the tokens do not depend on it.
async fn send(
    peer: Peer<'_>,
    form: Vec<(String, String)>,
    dpop_key: Option<&Secret>,
) -> Result<(TokenReply, Identified)> {
    let profile = peer.profile;
    let sent = Exchange {
        purpose: Endpoint::Token.purpose(),
        endpoint: peer.token_endpoint()?,
        form,
        spends: Spends::Again,
        dpop_key,
        may_be_json: true,
    };
    let (step, section) = step(profile.grant);
    peer.trace_step(step, section);
    let credentials = credentials(peer.context()).await?;
    let answer = exchange_with(peer, &credentials, &sent).await.map_err(|n| n.error)?;
    let reply = reply::validate(&answer, profile, RequestKind::Token)
        .map_err(|refused| Error::from(*refused))?;
    if profile.grant == GrantType::ClientCredentials {
        return Ok((reply, Identified::default()));
    }
    let (http, client_secret) = (peer.http(), credentials.secret.as_ref());
    let (nonce, previous) = (None, None);
    let received = Received { reply: &reply, client_secret, nonce, dpop_key, http, previous };
    let identified = identify_if_valid(peer, received).await;
    Ok((reply, identified))
}

/// Returns the grant of the reply: the previous one, one generation on, or a new one.
fn own_grant(
    turn: &Turn<'_>,
    key: &GrantKey,
    previous: Option<Grant>,
    reply: &TokenReply,
    id: String,
) -> Grant {
    let (profile, now, pin) = (turn.profile, turn.now(), turn.pin.clone());
    if let Some(previous) = previous {
        let mut grant = Grant {
            generation: previous.generation.saturating_add(1),
            refreshed_at: now,
            dead: None,
            pin,
            ..previous
        };
        grant.kept.extend(reply.kept.clone());
        return grant;
    }
    Grant {
        version: GRANT_VERSION,
        id,
        generation: 1,
        key: key.clone(),
        pin,
        grant_type: profile.grant.as_str().to_owned(),
        tokens: tokens::of_reply(reply, &profile.scopes, None),
        identity: Identity::default(),
        id_token_claims: None,
        kept: reply.kept.clone(),
        user: None,
        attributes: BTreeMap::new(),
        dpop_key: None,
        narrowed: BTreeMap::new(),
        rotates: None,
        obtained_at: now,
        refreshed_at: now,
        dead: None,
    }
}
