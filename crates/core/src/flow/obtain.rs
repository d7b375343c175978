//! Grants that require no user interaction: requested again whenever a token is needed (RFC 6749, section 4.4;
//! RFC 7523, section 2.1; RFC 8693).

use std::collections::BTreeMap;

use serde_json::json;

use super::access_token::NewTokens;
use super::commit::{commit, prove_store, show};
use super::credentials::{dpop_key, resolve};
use super::exchange::{Exchange, Spends, exchange};
use super::hooks::{self, About, keep};
use super::request::TokenRequest;
use super::tokens::{self, short_lived};
use super::turn::{Peer, Turn};
use crate::error::{Error, Result};
use crate::grant::{GRANT_VERSION, Grant, GrantKey, Identity};
use crate::profile::{Endpoint, GrantType};
use crate::protocol::random;
use crate::protocol::refusal::Asked;
use crate::protocol::reply::{self, TokenReply};
use crate::protocol::signing_key::SigningKey;

/// Lifetime of a signed assertion, in seconds.
const ASSERTION_LIFE: u64 = 300;

/// Requests the profile's grant and stores the result.
pub(super) async fn obtain(
    turn: &mut Turn<'_>,
    key: &GrantKey,
    previous: Option<Grant>,
    request: &TokenRequest,
) -> Result<NewTokens> {
    let (peer, profile) = (turn.peer(), turn.profile);
    let context = peer.context();
    let _room = prove_store(turn.ports(), key).await?;
    let dpop_key = match previous.as_ref().and_then(|g| g.dpop_key.clone()) {
        Some(key) => Some(key),
        None => dpop_key(context).await?,
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
    let form = grant_form(peer, request, params).await?;
    let sent = Exchange {
        purpose: Endpoint::Token.purpose(),
        endpoint: peer.token_endpoint()?,
        form,
        spends: Spends::Again,
        dpop_key: dpop_key.as_ref(),
        may_be_json: true,
    };
    peer.trace_step("Requesting a token on behalf of the client itself", "RFC 6749, section 4.4");
    let answer = exchange(peer, &sent).await.map_err(|n| n.error)?;
    let reply =
        reply::judge(&answer, profile, Asked::Token).map_err(|refused| Error::from(*refused))?;
    let before = previous.as_ref().map(|grant| grant.tokens.clone());
    let mut grant = own_grant(turn, key, previous, &reply, id);
    grant.dpop_key = dpop_key;
    keep(&mut grant, hook_answer, turn.now())?;
    let tokens = tokens::of_reply(&reply, asked, None);
    match request.narrowing() {
        Some(name) => tokens::keep(&mut grant, name, tokens.clone(), turn.now()),
        None => grant.tokens = tokens.clone(),
    }
    // If the hook denies, nothing is stored: the grant can be requested again at any time.
    let about = About { tokens: Some(&tokens), ..About::of(&grant, &grant.grant_type, turn.now()) };
    let answer = hooks::ask(context, "post_token", about).await?;
    keep(&mut grant, answer, turn.now())?;
    let mut warnings = commit(turn, &grant).await?;
    warnings.extend(show(context, &grant).await);
    warnings.extend(short_lived(profile, key, &tokens, before.as_ref()));
    let warning = reply.warning.into_iter().chain(warnings).next();
    Ok(NewTokens { grant, tokens, warning, notes: reply.notes })
}

async fn grant_form(
    peer: Peer<'_>,
    request: &TokenRequest,
    params: BTreeMap<String, String>,
) -> Result<Vec<(String, String)>> {
    let profile = peer.profile;
    let is_given =
        |name: &str| params.contains_key(name) || profile.token_params.contains_key(name);
    let mut form = vec![("grant_type".to_owned(), profile.grant.wire().to_owned())];
    match profile.grant {
        GrantType::ClientCredentials => {}
        GrantType::JwtBearer if is_given("assertion") => {}
        GrantType::TokenExchange if is_given("subject_token") => {}
        GrantType::JwtBearer => {
            form.push(("assertion".to_owned(), assertion(peer).await?));
        }
        GrantType::TokenExchange => {
            form.push(("subject_token".to_owned(), assertion(peer).await?));
        }
        other => {
            return Err(Error::config(format!(
                "the grant `{}` requires user interaction",
                other.as_str()
            )));
        }
    }
    let scopes = if request.scopes.is_empty() { &profile.scopes } else { &request.scopes };
    if !scopes.is_empty() {
        form.push(("scope".to_owned(), scopes.join(&profile.scope_separator)));
    }
    request.narrow(&mut form, profile);
    if let (None, Some(audience)) = (&request.audience, &profile.audience) {
        form.push(("audience".to_owned(), audience.clone()));
    }
    if profile.grant == GrantType::TokenExchange && !is_given("subject_token_type") {
        let id_token = "urn:ietf:params:oauth:token-type:id_token";
        form.push(("subject_token_type".to_owned(), id_token.to_owned()));
    }
    form.extend(profile.token_params.clone());
    hooks::add(&mut form, params);
    Ok(form)
}

/// Returns the assertion or subject token: from the configured source, else signed with the profile's
/// key.
async fn assertion(peer: Peer<'_>) -> Result<String> {
    let (context, profile) = (peer.context(), peer.profile);
    if let Some(source) = &profile.client.assertion {
        let given = resolve(context, "client_assertion", source).await?;
        return Ok(given.expose().to_owned());
    }
    let Some(source) = &profile.client.private_key else {
        return Err(Error::config(format!(
            "profile `{}` has neither `client_assertion` nor `private_key`",
            profile.name
        ))
        .hint(format!("set one of them: the grant `{}` requires it", profile.grant.as_str())));
    };
    let key = resolve(context, "private_key", source).await?;
    let audience = match &profile.audience {
        Some(audience) => audience,
        None => peer.token_endpoint()?,
    };
    let key = SigningKey::read(&key)?;
    let now = peer.now();
    let mut header = json!({"typ": "JWT"});
    if let Some(kid) = key.kid() {
        header["kid"] = kid.into();
    }
    let claims = json!({
        "iss": profile.client.id,
        "sub": profile.token_params.get("sub").unwrap_or(&profile.client.id),
        "aud": audience,
        "jti": random::token(16)?,
        "iat": now.unix(),
        "exp": now.unix() + ASSERTION_LIFE,
    });
    key.sign_jwt(header, &claims)
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
        identity: Identity { sub: Some(profile.client.id.clone()), ..Identity::default() },
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
