//! Identifies the user who granted access: from the id_token, or else from the userinfo endpoint.

use super::jwks_cache;
use super::turn::{Context, Peer};
use super::userinfo::{self, UserinfoRequest};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Grant, Identity, PinnedClaims};
use crate::port::Http;
use crate::profile::discovery::Purpose;
use crate::protocol::id_token::{self, Expectations, Issuer, Verdict};
use crate::protocol::jws::Alg;
use crate::protocol::reply::{IdToken, TokenReply};

/// What a token response says about the user.
#[derive(Debug, Default)]
pub(super) struct Identified {
    pub(super) identity: Identity,
    pub(super) claims: Option<PinnedClaims>,
    /// The id_token, if it is valid.
    pub(super) id_token: Option<Secret>,
    pub(super) warning: Option<Error>,
}

/// A token response, and what its id_token is compared with.
#[derive(Clone, Copy)]
pub(super) struct Received<'a> {
    pub(super) reply: &'a TokenReply,
    /// The client secret with which the response was requested.
    pub(super) client_secret: Option<&'a Secret>,
    pub(super) nonce: Option<&'a str>,
    pub(super) dpop_key: Option<&'a Secret>,
    /// The transport for fetching the server's keys.
    pub(super) http: &'a dyn Http,
    /// The grant, if this is the response to a refresh.
    pub(super) previous: Option<&'a Grant>,
}

/// Validates the id_token of a response, or requests userinfo if a login returned none.
///
/// # Errors
///
/// At a login, returns the first rule that the id_token violates, or an error if the server's keys are
/// not available. At a refresh (with [`previous`](Received::previous)), fails only if the id_token
/// names another login: see `identify_again`.
pub(super) async fn identify(peer: Peer<'_>, received: Received<'_>) -> Result<Identified> {
    if let Some(previous) = received.previous {
        return identify_again(peer, received, previous).await;
    }
    let is_requested = received.nonce.is_some() && issuer(peer).is_some();
    match &received.reply.id_token {
        IdToken::Present(token) => validate(peer, token, received).await,
        IdToken::Unreadable(what, _) if is_requested => {
            Err(Error::validation(format!("the token response has {what}")))
        }
        IdToken::Absent if is_requested => Err(Error::validation(
            "the token response has no id_token although `openid` was requested",
        )
        .hint(Advice::configure(
            &["scopes"],
            "remove `openid` from `scopes` if the server does not support OpenID Connect",
        ))),
        _ => Ok(ask_userinfo(peer, received.reply, received.dpop_key).await),
    }
}

/// Validates the id_token of a refresh, if there is one. It is optional there and requires no nonce
/// (OpenID Connect Core, section 12.2), and the access token does not depend on it: an id_token that
/// cannot be validated is dropped with a warning.
///
/// # Errors
///
/// Returns `Validation` if the id_token names another issuer or subject than that of the login. The
/// login then ends even if the signature cannot be verified. The id_token came from the token endpoint
/// itself, so the access token most likely belongs to another user too; handing it out would be worse
/// than requiring a login. No attacker gains the power to end logins: whoever can change the responses
/// of the token endpoint has it anyway.
async fn identify_again(
    peer: Peer<'_>,
    received: Received<'_>,
    previous: &Grant,
) -> Result<Identified> {
    let all = match &received.reply.id_token {
        IdToken::Absent => return Ok(Identified::default()),
        IdToken::Unreadable(_, all) => all.as_slice(),
        IdToken::Present(token) => std::slice::from_ref(token),
    };
    if let Some(first) = &previous.id_token_claims {
        all.iter().try_for_each(|token| id_token::same_login(token, first))?;
    }
    Ok(identify_if_valid(peer, received).await)
}

/// Validates an id_token, if there is one, that the other tokens do not depend on: one that cannot be validated
/// is dropped with a warning.
pub(super) async fn identify_if_valid(peer: Peer<'_>, received: Received<'_>) -> Identified {
    let token = match &received.reply.id_token {
        IdToken::Absent => return Identified::default(),
        IdToken::Unreadable(what, _) => {
            let response = if received.previous.is_some() { "refresh" } else { "token" };
            return dropped(Error::validation(format!("the {response} response has {what}")));
        }
        IdToken::Present(token) => token,
    };
    let validation = validate(peer, token, received);
    let validated = peer.ports().optionally(validation, "the server's keys did not arrive").await;
    validated.unwrap_or_else(dropped)
}

async fn validate(peer: Peer<'_>, token: &Secret, received: Received<'_>) -> Result<Identified> {
    let Received { reply, client_secret, nonce, http, previous, .. } = received;
    let Peer { shared, profile, server } = peer;
    peer.trace_step("Validating the id_token", "OpenID Connect Core, section 3.1.3.7");
    let expectations = Expectations {
        issuer: issuer(peer),
        client_id: &profile.client.id,
        trusted_audiences: &profile.trusted_audiences,
        nonce,
        nonce_may_be_missing: profile.quirks.id_token_without_nonce,
        alg: profile.id_token_signed_response_alg.as_deref().and_then(Alg::parse_any),
        algs: &server.id_token_algs,
        client_secret,
        access_token: Some(&reply.access_token),
        max_age: profile.authorization_params.get("max_age").and_then(|age| age.parse().ok()),
        now: peer.now(),
        previous: previous.and_then(|g| g.id_token_claims.as_ref()),
    };
    let keys = match &server.endpoints.jwks_uri {
        Some(jwks_uri) => Some(shared.jwks.source(&shared.ports, jwks_uri, previous.is_some())?),
        None => None,
    };
    let verdict = id_token::validate(token, &expectations, keys.as_deref(), http).await;
    if let (Some(keys), Some(jwks_uri)) = (keys, &server.endpoints.jwks_uri) {
        jwks_cache::keep_fetched(&shared.ports, jwks_uri, &keys).await;
    }
    match verdict? {
        Verdict::Valid(claims) => Ok(Identified {
            identity: claims.identity(),
            claims: Some(claims.pinned()),
            id_token: Some(token.clone()),
            warning: None,
        }),
        Verdict::Unverifiable(why) => {
            let why = Error::validation(why)
                .hint(Advice::configure(&["issuer"], "set `issuer` in the profile"));
            Ok(dropped(why))
        }
    }
}

/// Queries the userinfo endpoint, if one is known. After a failure the user stays unnamed, which is no
/// reason to refuse a login.
async fn ask_userinfo(peer: Peer<'_>, reply: &TokenReply, dpop_key: Option<&Secret>) -> Identified {
    let Peer { profile, server, .. } = peer;
    let Some(endpoint) = server.endpoints.userinfo.as_deref() else {
        return Identified::default();
    };
    // Elsewhere (GitHub), the profile or preset sets an endpoint of the provider.
    if profile.endpoints.userinfo.is_none() {
        return Identified::default();
    }
    let asked = UserinfoRequest {
        token_type: reply.token_type,
        access_token: &reply.access_token,
        dpop_key,
    };
    match userinfo::identity(peer.context(), endpoint, asked).await {
        Ok(identity) => Identified { identity, ..Identified::default() },
        // An OpenID provider need not respond without `openid`.
        Err(_) if server.issuer.is_some() => Identified::default(),
        Err(error) => Identified { warning: Some(error), ..Identified::default() },
    }
}

/// Adds the claims of userinfo. If there was an id_token, they must have the same subject (OpenID
/// Connect Core, section 5.3.2).
pub(super) async fn complete_identity(context: Context<'_>, grant: &mut Grant) -> Result<()> {
    let server = context.server(Purpose::Optional).await?;
    let Some(endpoint) = &server.endpoints.userinfo else { return Ok(()) };
    let tokens = &grant.tokens;
    let asked = UserinfoRequest {
        token_type: &tokens.token_type,
        access_token: &tokens.access_token,
        dpop_key: grant.dpop_key.as_ref(),
    };
    let found = userinfo::identity(context, endpoint, asked).await?;
    let known = &mut grant.identity;
    if known.sub.is_none() {
        *known = found;
        return Ok(());
    }
    if found.sub != known.sub {
        return Err(Error::validation("userinfo and the id_token name different users")
            .hint("nothing was stored; this may be an attack, or a bug in the server"));
    }
    if known.email.is_none() {
        (known.email, known.email_verified) = (found.email, found.email_verified);
    }
    known.username = known.username.take().or(found.username);
    known.name = known.name.take().or(found.name);
    Ok(())
}

/// Returns the result for an id_token that is dropped, with the reason.
fn dropped(why: Error) -> Identified {
    let warning = why.context("the id_token was dropped because it cannot be validated");
    Identified { warning: Some(warning), ..Identified::default() }
}

/// Returns who must have issued an id_token.
pub(super) fn issuer(peer: Peer<'_>) -> Option<Issuer<'_>> {
    let Peer { profile, server, .. } = peer;
    let of_tenant = profile.quirks.tenant_issuer.as_deref().map(Issuer::OfTenant);
    server.issuer.as_deref().map(Issuer::Exactly).or(of_tenant)
}
