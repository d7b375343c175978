//! Tokens of other profiles, with which a grant is obtained (RFC 8693), and the assertion that an identity
//! provider issues for one of its id_tokens (OAuth Identity Assertion Authorization Grant).

use std::sync::Arc;

use super::accounts;
use super::exchange::{Exchange, Spends, exchange};
use super::load::load;
use super::pin::{moved, pin, pinned};
use super::request::TokenRequest;
use super::turn::{Context, Peer, Shared};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{DEFAULT_ACCOUNT, Grant, GrantKey, Pin};
use crate::port::BoxFuture;
use crate::profile::discovery::Purpose;
use crate::profile::inputs::ID_JAG;
use crate::profile::{Endpoint, GrantType, Profile};
use crate::protocol::reply;
use crate::text::{self, one_line};

/// Another profile, with its own ports, and the selected account.
struct Other {
    shared: Shared,
    profile: Arc<Profile>,
    key: GrantKey,
}

impl Other {
    async fn find(context: Context<'_>, name: &str) -> Result<Self> {
        let shared = context.shared.for_profile(&context.profile.name, name)?;
        let profile = accounts::profile(&shared, name).await?;
        let key = account(&shared, name).await?;
        Ok(Self { shared, profile, key })
    }

    fn context(&self) -> Context<'_> {
        Context { shared: &self.shared, profile: &self.profile }
    }

    /// Returns its access token, or its id_token, renewed where it expires soon.
    async fn token(&self, id_token: bool) -> Result<Secret> {
        let request = TokenRequest { id_token, ..TokenRequest::default() };
        let token = self.context().token(&self.key, &request).await?;
        match (id_token, token.id_token) {
            (false, _) => Ok(token.value),
            (true, Some(id_token)) => Ok(id_token),
            (true, None) => Err(Error::internal("a token without the id_token that was required")),
        }
    }
}

/// Returns the account of another profile: the default one, else the only one.
async fn account(shared: &Shared, profile: &str) -> Result<GrantKey> {
    let default = GrantKey::new(profile, DEFAULT_ACCOUNT);
    if shared.ports.coordinator.account(&default).await?.is_some() {
        return Ok(default);
    }
    let mut all = accounts::list(&shared.ports, Some(profile)).await?;
    if all.len() < 2 {
        return Ok(all.pop().map_or(default, |only| only.key));
    }
    let names = text::names(all.iter().map(|entry| entry.key.account.as_str()));
    Err(Error::config(format!(
        "profile `{}` has several accounts, but none is named `{DEFAULT_ACCOUNT}`",
        one_line(profile)
    ))
    .hint(format!("log in to the account `{DEFAULT_ACCOUNT}` of it; it has {names}")))
}

/// Returns a token of another profile: its access token, or its id_token.
pub(super) fn token_of<'a>(
    context: Context<'a>,
    name: &'a str,
    id_token: bool,
) -> BoxFuture<'a, Result<Secret>> {
    Box::pin(async move {
        let other = Other::find(context, name).await?;
        other.token(id_token).await
    })
}

/// Returns the assertion of the identity provider for the server of this profile: its id_token, exchanged
/// at its own token endpoint.
pub(super) fn identity_assertion<'a>(
    peer: Peer<'a>,
    idp: &'a str,
    request: &'a TokenRequest,
    scopes: &'a [String],
) -> BoxFuture<'a, Result<Secret>> {
    Box::pin(async move {
        let profile = peer.profile;
        let audience = profile.audience.as_ref().or(peer.server.issuer.as_ref());
        let audience = audience.ok_or_else(|| {
            Error::config(format!("profile `{}` sets no `audience`", one_line(&profile.name)))
                .hint("set `audience` to the issuer of the resource's authorization server")
        })?;
        let other = Other::find(peer.context(), idp).await?;
        let id_token = other.token(true).await?;
        let grant = load(&other.shared.ports, &other.key).await?;
        let pinned = grant.as_ref().map(|grant| pinned(&other.profile, &grant.pin));
        let profile = pinned.as_deref().unwrap_or(&other.profile);
        let context = Context { profile, ..other.context() };
        let server = context.server(Purpose::Token).await?;
        refuse_moved(&other, grant.as_ref(), &pin(context.profile, &server)?)?;
        let provider = context.with(&server);
        peer.trace_step("Requesting an identity assertion from the identity provider", "RFC 8693");
        let mut form: Vec<(String, String)> = [
            ("grant_type", GrantType::TokenExchange.wire()),
            ("requested_token_type", ID_JAG),
            ("audience", audience),
            ("subject_token", id_token.expose()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        request.narrow_resource(&mut form, profile);
        if !scopes.is_empty() {
            form.push(("scope".to_owned(), scopes.join(" ")));
        }
        let sent = Exchange {
            purpose: Endpoint::Token.purpose(),
            endpoint: provider.token_endpoint()?,
            form,
            spends: Spends::Again,
            dpop_key: None,
            may_be_json: false,
        };
        let answer = exchange(provider, &sent).await.map_err(|none| none.error);
        let at_provider =
            |error: Error| error.context(format!("no identity assertion from `{}`", one_line(idp)));
        let answer = answer.map_err(at_provider)?;
        reply::validate_assertion(&answer, context.profile, ID_JAG).map_err(at_provider)
    })
}

/// Refuses to send an id_token to another server than the one that issued it.
fn refuse_moved(other: &Other, grant: Option<&Grant>, now: &Pin) -> Result<()> {
    let Some(difference) = grant.and_then(|grant| moved(&grant.pin, now)) else { return Ok(()) };
    let what = format!("{} was logged in at a different server or client: {difference}", other.key);
    Err(Error::login_required(what)
        .hint("its id_token was not sent there")
        .and_hint(Advice::LogInIfIntended(other.key.clone())))
}
