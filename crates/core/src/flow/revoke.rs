//! Ending a grant: revoked at the server (RFC 7009), forgotten here.

use super::exchange::{Exchange, Spends};
use super::load::Unloaded;
use super::pin::{moved, pin, unpinned};
use super::{CriticalPart, FlowManager, LOCK_WAIT};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Grant, GrantKey};
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::members::Members;

/// What became of a grant that was to end.
#[derive(Debug)]
#[non_exhaustive]
pub struct Revoked {
    /// Whether there was something to forget.
    pub forgotten: bool,
    /// What the server did.
    pub at_server: AtServer,
    /// The revocation endpoint, if it was asked.
    pub asked: Option<String>,
}

/// What the server did about a revocation.
#[derive(Debug)]
#[non_exhaustive]
pub enum AtServer {
    /// It was not asked: nothing was stored, or the profile is unknown.
    NotAsked,
    /// It was not asked: no revocation endpoint is known.
    NoEndpoint,
    /// It revoked the tokens, or they were already invalid there.
    Revoked,
    /// It did not revoke all of them: they may still work there.
    Failed(Error),
}

impl FlowManager {
    /// Revokes a grant at its server and forgets it. It is forgotten even where revocation fails,
    /// and where its profile is unknown here: then no server is asked.
    ///
    /// # Errors
    ///
    /// `Store` where the record cannot be removed, or the store gives another user's under this key;
    /// `Unavailable` where another process holds it.
    pub async fn revoke(&self, key: &GrantKey) -> Result<Revoked> {
        self.end(self.profiles.get(&key.profile), key).await
    }

    /// Forgets a grant without asking its server. Says whether there was one.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::revoke`].
    pub async fn forget(&self, key: &GrantKey) -> Result<bool> {
        self.end(None, key).await.map(|ended| ended.forgotten)
    }

    async fn end(&self, profile: Option<&Profile>, key: &GrantKey) -> Result<Revoked> {
        // A refresh that is under way finishes first: what it brings is revoked too.
        let mut lock = self.ports.coordinator.lock(key, LOCK_WAIT).await?;
        // Where it fails, what is stored is revoked and forgotten all the same.
        let _ = self.recover(&mut *lock, key).await;
        let _critical = self.enter_critical(CriticalPart::Revocation);
        let mut asked = None;
        let at_server = match (profile, self.load(key).await) {
            (_, Err(Unloaded::Foreign(error))) => return Err(error),
            (None, _) | (_, Ok(None)) => AtServer::NotAsked,
            (Some(profile), Ok(Some(grant))) => {
                self.revoke_at_server(profile, &grant, &mut asked).await
            }
            (Some(_), Err(unusable)) => {
                // One that another key opens is whole: it is neither revoked nor forgotten.
                self.prove_store(key).await?;
                AtServer::Failed(unusable.into())
            }
        };
        let forgotten = self.ports.store.remove(key).await?;
        lock.clear_intent()?;
        lock.retract()?;
        Ok(Revoked { forgotten, at_server, asked })
    }

    async fn revoke_at_server(
        &self,
        profile: &Profile,
        grant: &Grant,
        asked: &mut Option<String>,
    ) -> AtServer {
        match self.try_revoke(profile, grant, asked).await {
            Ok(true) => AtServer::Revoked,
            Ok(false) => AtServer::NoEndpoint,
            Err(error) => AtServer::Failed(error),
        }
    }

    async fn try_revoke(
        &self,
        profile: &Profile,
        grant: &Grant,
        asked: &mut Option<String>,
    ) -> Result<bool> {
        let server = self.server_of(profile, Some(&grant.pin)).await?;
        let Some(endpoint) = self.revocation_endpoint(profile, &server, grant).await? else {
            return Ok(false);
        };
        let endpoint = asked.insert(endpoint).as_str();
        self.ports.trace.step("Revoking the tokens", "RFC 7009, section 2.1");
        let dpop_key = grant.dpop_key.as_ref();
        let refresh = match &grant.tokens.refresh_token {
            Some(token) => {
                self.send_revocation(profile, &server, endpoint, token, "refresh_token", dpop_key)
                    .await
            }
            None => Ok(()),
        };
        // A server that does not answer is asked once.
        if refresh.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unavailable) {
            return refresh.map(|()| true);
        }
        let access = &grant.tokens.access_token;
        let access = self
            .send_revocation(profile, &server, endpoint, access, "access_token", dpop_key)
            .await;
        match (refresh, access) {
            (Err(error), Ok(())) => Err(error.context("the access token is revoked")),
            (Err(error), Err(_)) => Err(error),
            // A server need not revoke access tokens (RFC 7009, section 2.1).
            (Ok(()), Err(error))
                if grant.tokens.refresh_token.is_some() && is_unsupported(&error) =>
            {
                Ok(true)
            }
            (Ok(()), access) => access.map(|()| true),
        }
    }

    /// Where the tokens of a grant may be sent for revocation; `None` where no endpoint is known.
    async fn revocation_endpoint(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        grant: &Grant,
    ) -> Result<Option<String>> {
        let not_sent =
            |why: String| Error::config(format!("the tokens were not sent for revocation: {why}"));
        if let Some(difference) = moved(&grant.pin, &pin(profile, server)?) {
            return Err(not_sent(difference));
        }
        let endpoint = match server.endpoints.revocation.clone() {
            Some(endpoint) => Some(endpoint),
            None => self.whole_server(profile).await?.endpoints.revocation,
        };
        match endpoint.as_ref().and_then(|endpoint| unpinned(&grant.pin, endpoint)) {
            Some(why) => Err(not_sent(why)),
            None => Ok(endpoint),
        }
    }

    pub(super) async fn send_revocation(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        endpoint: &str,
        token: &Secret,
        hint: &str,
        dpop_key: Option<&Secret>,
    ) -> Result<()> {
        let exchange = Exchange {
            purpose: "revocation request",
            endpoint,
            form: vec![
                ("token".to_owned(), token.expose().to_owned()),
                ("token_type_hint".to_owned(), hint.to_owned()),
            ],
            spends: Spends::Again,
            dpop_key,
            // Whose token endpoint takes JSON alone takes nothing else here (Notion).
            may_be_json: true,
        };
        let answer = self.exchange(profile, server, &exchange).await.map_err(|n| n.error)?;
        match answer.status() {
            200..=299 => Ok(()),
            429 | 500..=599 => Err(Error::unavailable(format!(
                "the revocation request failed: the server answered {}",
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
                        format!("the revocation request was refused: the server answered {status}"),
                    ),
                })
            }
        }
    }
}

/// Whether a server refuses a revocation because the token no longer works there. That is success (RFC
/// 7009, section 2.2), which several servers report as an error: Google as `invalid_token`, Twitch as a
/// message alone.
fn is_already_gone(body: &Members) -> bool {
    match body.text("error") {
        Some(code) => GONE.contains(&code.as_str()),
        None => body.text("message").is_some_and(|said| said.eq_ignore_ascii_case("invalid token")),
    }
}

/// The error codes of servers for a token that is unknown, expired or revoked.
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

/// Whether the server does not revoke tokens of this kind (RFC 7009, section 2.2.1).
pub(super) fn is_unsupported(error: &Error) -> bool {
    error.oauth_error().is_some_and(|refusal| refusal.code == "unsupported_token_type")
}
