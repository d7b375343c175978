//! The refresh request (RFC 6749, section 6), in the order that loses nothing: prove the store, write
//! the intent down, send, save, and only then hand out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::access_token::Renewed;
use super::exchange::{Exchange, NoAnswer, Spends};
use super::hooks::{self, About, keep};
use super::intent::{hash, unanswered};
use super::pin::token_endpoint;
use super::refreshed::Renewal;
use super::{CriticalPart, FlowManager, TokenRequest};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Grant, Intent};
use crate::port::Lock;
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::answer::Answer;
use crate::protocol::client_auth::Credentials;
use crate::protocol::refusal::LoginAgain;
use crate::protocol::reply::{self, Asked, Refused, TokenReply};

/// How often a refresh token is sent by processes that then die before the sending pauses.
const UNANSWERED_AT_MOST: u32 = 2;

/// The first pause; each further one is twice as long.
const PAUSE: Duration = Duration::from_secs(300);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// What is spent, what rules add to it, and what the client proves itself with.
struct Sent<'a> {
    refresh_token: &'a Secret,
    params: BTreeMap<String, String>,
    credentials: &'a Credentials,
}

/// A refresh that did not give tokens.
pub(super) struct Failed {
    pub(super) error: Error,
    /// Whether the server may have replaced the refresh token all the same.
    perhaps_spent: bool,
    /// The refresh token in the answer: the server did replace it.
    pub(super) refresh_token: Option<Secret>,
    /// What the refusal says about the login.
    pub(super) login_again: Option<LoginAgain>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, perhaps_spent: false, refresh_token: None, login_again: None }
    }
}

impl FlowManager {
    pub(super) async fn refresh(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        mut grant: Grant,
        refresh_token: &Secret,
        want: &TokenRequest,
        lock: &mut dyn Lock,
    ) -> Result<Renewed> {
        self.prove_store(&grant.key).await?;
        let earlier = unanswered(&*lock, refresh_token)?;
        if let Some(error) = self.withheld(&grant, earlier.as_ref(), want) {
            return Ok(Renewed::Withheld(error));
        }
        let about = About::of(&grant, "refresh_token", self.now());
        let answer = self.hook(profile, "pre_token", about).await?;
        let params = answer.params.clone();
        keep(&mut grant, answer, self.now())?;
        let credentials = self.credentials(profile).await?;
        // From here on a first signal waits for the end.
        let critical = self.enter_critical(CriticalPart::Refresh);
        let mut intent = Intent {
            grant_id: grant.id.clone(),
            generation: grant.generation,
            token_hash: hash(refresh_token),
            at: self.now(),
            sends: earlier.map_or(0, |i| i.sends).saturating_add(1),
        };
        lock.set_intent(&intent)?;
        let sent = Sent { refresh_token, params, credentials: &credentials };
        match self.send_refresh(profile, server, &grant, want, sent).await {
            Ok(reply) => {
                let renewal = Renewal { reply, client_secret: credentials.secret.as_ref() };
                let taken = self.take_reply(profile, server, grant, renewal, want, lock).await?;
                drop(critical);
                self.after_refresh(profile, taken, lock).await
            }
            Err(mut failed) => {
                failed.refresh_token = failed.refresh_token.filter(|new| new != refresh_token);
                if failed.refresh_token.is_none() {
                    // This process lived to tell: only those that died without a word are counted. The
                    // failure itself is what the caller gets to see, not that of the bookkeeping.
                    intent.sends = 1;
                    let _ = match failed.perhaps_spent {
                        true => lock.set_intent(&intent),
                        false => lock.clear_intent(),
                    };
                }
                self.take_failure(profile, grant, refresh_token, failed, lock).await
            }
        }
    }

    /// Why the token is not sent now. An intent that is found was left by a holder that died: one
    /// more try is allowed. If that one dies too there is a pause, which only a person's explicit
    /// wish ends early.
    fn withheld(
        &self,
        grant: &Grant,
        earlier: Option<&Intent>,
        want: &TokenRequest,
    ) -> Option<Error> {
        let earlier = earlier.filter(|i| i.sends >= UNANSWERED_AT_MOST)?;
        let doublings = (earlier.sends - UNANSWERED_AT_MOST).min(16);
        let pause = (PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
        let is_over = self.now() >= earlier.at.plus(pause);
        if is_over || want.force || grant.rotates == Some(false) {
            return None;
        }
        let what = format!(
            "the refresh token of {} was sent {} times and no answer came: it may be spent",
            grant.key, earlier.sends
        );
        Some(Error::login_required(what).hint(Advice::Refresh(grant.key.clone())))
    }

    async fn send_refresh(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        grant: &Grant,
        want: &TokenRequest,
        sent: Sent<'_>,
    ) -> Result<TokenReply, Failed> {
        let Sent { refresh_token, params, credentials } = sent;
        self.ports.trace.step("Refreshing the access token", "RFC 6749, section 6");
        let mut form = vec![
            ("grant_type".to_owned(), "refresh_token".to_owned()),
            ("refresh_token".to_owned(), refresh_token.expose().to_owned()),
        ];
        // Strict servers refuse a scope that was not granted: none is sent unless narrowing is asked
        // for, or the server wants them again.
        if !want.scopes.is_empty() {
            form.push(("scope".to_owned(), want.scopes.join(&profile.scope_separator)));
        } else if profile.quirks.scope_on_refresh {
            form.push(("scope".to_owned(), grant.tokens.scopes.join(&profile.scope_separator)));
        }
        want.narrow(&mut form, profile);
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
            None => token_endpoint(profile, server)?,
        };
        let exchange = Exchange {
            purpose: "refresh request",
            endpoint,
            form,
            spends: Spends::Again,
            dpop_key: grant.dpop_key.as_ref(),
            may_be_json: true,
        };
        let answer = self.exchange_with(credentials, profile, server, &exchange).await;
        judge(answer, profile)
    }
}

/// Judges the answer to a refresh request.
fn judge(answer: Result<Answer, NoAnswer>, profile: &Profile) -> Result<TokenReply, Failed> {
    let answer = answer.map_err(|NoAnswer { error, perhaps_acted }| Failed {
        perhaps_spent: perhaps_acted,
        ..Failed::from(error)
    })?;
    reply::judge(&answer, profile, Asked::Refresh).map_err(|refused| {
        let Refused { refusal, refresh_token, .. } = *refused;
        // A refusal is an answer: nothing was spent. A 5xx, or a success that cannot be read,
        // may have come after the server acted.
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
