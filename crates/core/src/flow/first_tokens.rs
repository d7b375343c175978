//! The first tokens of a new grant of any type: validated, accepted by the hooks, and stored.

use std::collections::BTreeMap;

use super::access_token::AccessToken;
use super::commit::{Warnings, commit};
use super::discard::{Issued, discard};
use super::granted::{Granted, narrower};
use super::hooks::{self, About, keep, merge};
use super::identity::{Identified, Received, identify};
use super::load::load;
use super::required::{RequiredIdentity, require_identity};
use super::tokens::{self, short_lived};
use super::turn::{Context, Peer, Turn};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Attribute, GRANT_VERSION, Grant, GrantInfo, GrantKey, Pin};
use crate::protocol::answer::Answer;
use crate::protocol::refusal::RequestKind;
use crate::protocol::reply::{self, IdToken, Refused, TokenReply};

/// A completed authorization: validated and stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Completed {
    /// The grant, as it was stored.
    pub grant: GrantInfo,
    /// Its access token.
    pub token: AccessToken,
    /// Warnings; none of them undoes the login.
    pub warnings: Vec<Error>,
    /// Deviations of the server that changed nothing, for verbose output.
    pub notes: Vec<String>,
}

impl Completed {
    /// Returns the public view of a stored grant.
    pub(super) fn of(
        context: Context<'_>,
        grant: Grant,
        warnings: Warnings,
        notes: Vec<String>,
    ) -> Self {
        let token = AccessToken::of(&grant, &grant.tokens, context.now());
        Self { token: AccessToken { fresh: true, ..token }, grant: grant.into(), warnings, notes }
    }
}

/// A grant that was requested and does not exist yet.
#[derive(Clone, Copy)]
pub(super) struct Requested<'a> {
    pub(super) key: &'a GrantKey,
    pub(super) grant_id: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) user: Option<&'a str>,
    pub(super) attributes: &'a BTreeMap<String, Attribute>,
    pub(super) nonce: Option<&'a str>,
    pub(super) dpop_key: Option<&'a Secret>,
    pub(super) pin: &'a Pin,
    /// Whether a flow was claimed for this request, so that it cannot be completed again.
    pub(super) is_claimed: bool,
}

impl Requested<'_> {
    /// Calls the hooks before the first tokens are requested; no lock is held meanwhile.
    pub(super) async fn ask_hooks(
        self,
        context: Context<'_>,
    ) -> Result<(BTreeMap<String, Attribute>, BTreeMap<String, String>)> {
        let (mut attributes, mut params) = (self.attributes.clone(), BTreeMap::new());
        for event in ["authorization", "pre_token"] {
            let about = About {
                grant_type: context.profile.grant.as_str(),
                grant_id: self.grant_id,
                key: self.key,
                user: self.user,
                attributes: attributes.iter().map(|(n, a)| (n.clone(), a.value.clone())).collect(),
                scopes: self.scopes,
                tokens: None,
            };
            let answer = hooks::ask(context, event, about).await?;
            merge(&mut attributes, answer.attributes)?;
            params.extend(answer.params);
        }
        Ok((attributes, params))
    }

    /// Returns the tokens of a response, and who granted. Tokens that cannot be accepted are revoked.
    pub(super) async fn validated(
        self,
        peer: Peer<'_>,
        answer: &Answer,
        client_secret: Option<&Secret>,
    ) -> Result<(TokenReply, Identified)> {
        let Self { nonce, dpop_key, pin, is_claimed, .. } = self;
        let reply = match reply::validate(answer, peer.profile, RequestKind::Token) {
            Ok(reply) => reply,
            Err(refused) => {
                let Refused { refusal, access_token, refresh_token } = *refused;
                let (access_token, refresh_token) = (access_token.as_ref(), refresh_token.as_ref());
                let issued = Issued { pin, access_token, refresh_token, dpop_key };
                let error = used_up(refusal.error, is_claimed);
                return Err(discard(peer, issued, error).await);
            }
        };
        let (http, previous) = (peer.http(), None);
        let received = Received { reply: &reply, client_secret, nonce, dpop_key, http, previous };
        match identify(peer, received).await {
            Ok(identified) => Ok((reply, identified)),
            Err(error) => {
                let access_token = Some(&reply.access_token);
                let refresh_token = reply.refresh_token.as_ref();
                let issued = Issued { pin, access_token, refresh_token, dpop_key };
                let error = used_up(error, is_claimed);
                Err(discard(peer, issued, error).await)
            }
        }
    }

    /// Returns the grant that consists of these tokens, of the first generation.
    pub(super) fn grant(
        self,
        context: Context<'_>,
        reply: TokenReply,
        identified: Identified,
        warnings: &mut Warnings,
    ) -> Grant {
        let (profile, now) = (context.profile, context.now());
        warnings.extend(identified.warning);
        warnings.extend(reply.warning.clone());
        let tokens = tokens::of_reply(&reply, self.scopes, identified.id_token);
        warnings.extend(short_lived(profile, self.key, &tokens, None));
        let granted = Granted {
            scopes: &tokens.scopes,
            refresh_token: tokens.refresh_token.is_some(),
            id_token: !matches!(reply.id_token, IdToken::Absent),
        };
        warnings.extend(narrower(profile, self.scopes, granted));
        Grant {
            version: GRANT_VERSION,
            id: self.grant_id.to_owned(),
            generation: 1,
            key: self.key.clone(),
            pin: self.pin.clone(),
            grant_type: profile.grant.as_str().to_owned(),
            tokens,
            identity: identified.identity,
            id_token_claims: identified.claims,
            kept: reply.kept,
            user: self.user.map(str::to_owned),
            attributes: self.attributes.clone(),
            dpop_key: self.dpop_key.cloned(),
            narrowed: BTreeMap::new(),
            rotates: None,
            obtained_at: now,
            refreshed_at: now,
            dead: None,
        }
    }
}

/// Asks whether a new grant may be stored: it belongs to the required user, and the hook does not deny it.
/// Stores it then. Tokens that are not stored are revoked.
pub(super) async fn accept_and_store(
    turn: &mut Turn<'_>,
    grant: &mut Grant,
    identity: Option<&RequiredIdentity>,
    is_claimed: bool,
) -> Result<Warnings> {
    let peer = turn.peer();
    let mut warnings = Warnings::new();
    match accept(peer.context(), grant, identity).await {
        Ok(warning) => warnings.extend(warning),
        Err(error) => {
            let error = used_up(error, is_claimed);
            return Err(discard(peer, Issued::of(grant), error).await);
        }
    }
    match commit(turn, grant).await {
        Ok(more) => warnings.extend(more),
        Err(error) => return Err(discard_unsaved(peer, grant, error).await),
    }
    Ok(warnings)
}

async fn accept(
    context: Context<'_>,
    grant: &mut Grant,
    identity: Option<&RequiredIdentity>,
) -> Result<Option<Error>> {
    let warning = match identity {
        Some(required) => require_identity(context, grant, required).await?,
        None => None,
    };
    let about = About::of(grant, &grant.grant_type, context.now());
    let answer = hooks::ask(context, "post_token", about).await?;
    keep(grant, answer, context.now())?;
    if let Some(observer) = &context.ports().committed {
        observer.before_first(context.profile, grant).await?;
    }
    Ok(warning)
}

/// Revokes what could not be saved, unless the store has it anyway: some stores report a failure after
/// they did the work.
async fn discard_unsaved(peer: Peer<'_>, grant: &Grant, error: Error) -> Error {
    let stored = load(peer.ports(), &grant.key).await.ok().flatten();
    match stored.is_none_or(|stored| stored.id != grant.id) {
        true => discard(peer, Issued::of(grant), error).await,
        false => error,
    }
}

/// Extends the hint of a failure that may be transient, for a flow that is used up.
pub(super) fn used_up(error: Error, is_claimed: bool) -> Error {
    if !(is_claimed && error.is_transient()) {
        return error;
    }
    // Retrying the same request is of no use.
    let other = error.advice().iter().filter(|advice| !advice.is_retry()).cloned();
    let advice: Vec<Advice> = other.chain([Advice::StateUsed]).collect();
    error.hints(advice)
}
