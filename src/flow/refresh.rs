//! The refresh request (RFC 6749, section 6), in the order that loses nothing: prove the store, write
//! the intent down, send, save, and only then hand out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::commit::Commit;
use super::exchange::{Exchange, NoAnswer, Spends};
use super::hooks::{self, About, keep};
use super::identity::{Identified, Received};
use super::renew::{Renewed, handout, keep_narrowed, login_command, login_required, narrow};
use super::revoke::unpinned;
use super::{CriticalPart, FlowManager, Handout, TokenRequest, token_endpoint};
use crate::Secret;
use crate::digest::hex_sha256;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Dead, Grant, Intent, TokenSet};
use crate::port::{HttpResponse, Lock};
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::client_auth::Credentials;
use crate::protocol::reply::{self, TokenReply};

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

/// The response to a refresh, and the client secret with which it was asked for.
struct Answer<'a> {
    reply: TokenReply,
    client_secret: Option<&'a Secret>,
}

/// A refresh that did not give tokens.
struct Failed {
    error: Error,
    /// Whether the server may have replaced the refresh token all the same.
    perhaps_spent: bool,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, perhaps_spent: false }
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
                let answer = Answer { reply, client_secret: credentials.secret.as_ref() };
                let taken = self.take_reply(profile, server, grant, answer, want, lock).await?;
                drop(critical);
                self.after_refresh(profile, taken, lock).await
            }
            Err(Failed { error, perhaps_spent }) => {
                // This one lived to tell: only those that died without a word are counted. The
                // failure itself is what the caller gets to see, not that of the bookkeeping.
                intent.sends = 1;
                let _ = if perhaps_spent { lock.set_intent(&intent) } else { lock.clear_intent() };
                if error.oauth_error().is_some_and(|o| o.code == "invalid_grant") {
                    return self.bury(grant, refresh_token, error).await;
                }
                Err(error)
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
        Some(Error::login_required(what).hint(format!(
            "run `oauthctl refresh` to try it once more, or `{}`",
            login_command(&grant.key)
        )))
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
        narrow(&mut form, profile, want);
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
        judge(answer, profile, "refresh request")
    }

    /// Saves what came, and hands it out. A new refresh token is saved before anything else is
    /// asked of anybody: validating an id_token may need the server's keys.
    async fn take_reply(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        mut grant: Grant,
        answer: Answer<'_>,
        want: &TokenRequest,
        lock: &mut dyn Lock,
    ) -> Result<Renewed> {
        let Answer { reply, client_secret } = answer;
        let old_token = grant.tokens.refresh_token.clone();
        let refresh_token = reply.refresh_token.clone().or_else(|| old_token.clone());
        grant.rotates = Some(refresh_token != old_token);
        if reply.id_token.is_some() && refresh_token != old_token {
            let mut safe = grant.clone();
            safe.tokens.refresh_token.clone_from(&refresh_token);
            match self.replace(&safe).await? {
                Commit::Saved => grant.generation += 1,
                overtaken => {
                    return self.drop_late(profile, &grant, &reply, overtaken).await;
                }
            }
        }
        grant.refreshed_at = self.now();
        let (nonce, dpop_key, previous) = (None, None, Some(&grant));
        let received = Received { reply: &reply, client_secret, nonce, dpop_key, previous };
        let identified = match self.identify(profile, server, received).await {
            Ok(identified) => identified,
            // The keys cannot be had just now, or not as this machine is set up: the new id_token is
            // not kept, the tokens are.
            Err(error) if error.is_passing() || error.kind() == ErrorKind::Config => {
                Identified { warning: Some(error), ..Identified::default() }
            }
            Err(error) => {
                // Another person's or server's id_token: nothing is handed out, and the new refresh
                // token is kept only so that logout can revoke it.
                grant.tokens.refresh_token = refresh_token;
                grant.dead = Some(Dead { since: self.now(), reason: error.message().to_owned() });
                self.replace(&grant).await?;
                lock.clear_intent()?;
                return Err(error.hint(format!("run `{}`", login_command(&grant.key))));
            }
        };
        // Where a hook has the last word, what is saved before it is what is safe without it.
        let mut held = hooks::has_last_word(profile).then(|| hooks::held_back(&grant));
        let tokens = self.refreshed(&mut grant, &reply, refresh_token, &identified, want);
        if let Some(held) = &mut held {
            held.tokens.refresh_token.clone_from(&grant.tokens.refresh_token);
            held.tokens.refresh_expires_at = grant.tokens.refresh_expires_at;
        }
        match self.replace(held.as_ref().unwrap_or(&grant)).await? {
            Commit::Saved => {}
            overtaken => return self.drop_late(profile, &grant, &reply, overtaken).await,
        }
        grant.generation = grant.generation.saturating_add(1);
        let warnings = match held {
            Some(held) => self.announce(lock, &Grant { generation: grant.generation, ..held }),
            None => self.announce(lock, &grant),
        };
        let warning = identified.warning.or(warnings.into_iter().next());
        let handout = Handout { warning, ..handout(&grant, tokens, true) };
        Ok(Renewed::Handout(Box::new(handout)))
    }

    /// Puts the reply into the grant, and gives the tokens that were asked for.
    fn refreshed(
        &self,
        grant: &mut Grant,
        reply: &TokenReply,
        refresh_token: Option<Secret>,
        identified: &Identified,
        want: &TokenRequest,
    ) -> TokenSet {
        let asked = if want.scopes.is_empty() { &grant.tokens.scopes } else { &want.scopes };
        let mut tokens = self.tokens(reply, asked, identified.id_token_is_valid);
        tokens.refresh_token = None;
        let refresh_expires_at = tokens.refresh_expires_at.or(grant.tokens.refresh_expires_at);
        grant.kept.extend(reply.kept.clone());
        if let Some(name) = want.narrowing() {
            grant.tokens.refresh_token = refresh_token;
            grant.tokens.refresh_expires_at = refresh_expires_at;
            keep_narrowed(grant, name, tokens.clone(), self.now());
        } else {
            tokens.id_token = tokens.id_token.or(grant.tokens.id_token.take());
            grant.tokens = TokenSet { refresh_token, refresh_expires_at, ..tokens.clone() };
        }
        tokens
    }

    /// The stored grant is another by now, which only another machine can have brought about: the
    /// newer intent wins. A grant that was ended must not live on in what came too late for it; one
    /// that a sibling refreshed must not lose its tokens to a revocation.
    async fn drop_late(
        &self,
        profile: &Profile,
        grant: &Grant,
        reply: &TokenReply,
        found: Commit,
    ) -> Result<Renewed> {
        let is_ended = match &found {
            Commit::Overtaken(Some(newer)) => newer.id != grant.id,
            _ => true,
        };
        if is_ended
            && let Ok(server) = self.whole_server(profile).await
            && let Some(endpoint) = &server.endpoints.revocation
            && unpinned(&grant.pin, endpoint).is_none()
        {
            let (token, hint) = match &reply.refresh_token {
                Some(token) => (token, "refresh_token"),
                None => (&reply.access_token, "access_token"),
            };
            // It is as good as forgotten: where revoking fails, nobody has it.
            let _ = self.send_revocation(profile, &server, endpoint, token, hint, grant).await;
        }
        match found {
            Commit::Overtaken(None) => Err(login_required(
                &grant.key,
                &format!("{} was logged out while its token was refreshed", grant.key),
            )),
            _ => Ok(Renewed::Overtaken),
        }
    }

    /// The server says that the refresh token is dead. That is believed only for the token that is
    /// still the stored one: a sibling on another machine may have replaced it.
    async fn bury(&self, mut grant: Grant, sent: &Secret, error: Error) -> Result<Renewed> {
        let found = self.load(&grant.key).await?;
        if found.is_some_and(|newer| newer.tokens.refresh_token.as_ref() != Some(sent)) {
            return Ok(Renewed::Overtaken);
        }
        grant.dead = Some(Dead { since: self.now(), reason: error.message().to_owned() });
        self.ports.store.save(&grant).await?;
        let what = format!(
            "the server no longer takes the refresh token of {}: {}",
            grant.key,
            error.message()
        );
        let oauth = error.oauth_error().cloned();
        let error = login_required(&grant.key, &what);
        Err(match oauth {
            Some(oauth) => error.with_oauth(oauth),
            None => error,
        })
    }
}

/// The intent of an earlier sending of this very token.
pub(super) fn unanswered(lock: &dyn Lock, token: &Secret) -> Result<Option<Intent>> {
    let token_hash = hash(token);
    Ok(lock.intent()?.filter(|intent| intent.token_hash == token_hash))
}

/// Judges the answer to a request that spent something.
fn judge(
    answer: Result<HttpResponse, NoAnswer>,
    profile: &Profile,
    asked: &str,
) -> Result<TokenReply, Failed> {
    match answer {
        Err(NoAnswer { error, perhaps_acted }) => {
            Err(Failed { error, perhaps_spent: perhaps_acted })
        }
        Ok(response) => reply::judge(&response, profile, asked).map_err(|error| {
            // A refusal is an answer: nothing was spent. A 5xx, or a success that cannot be read,
            // may have come after the server acted.
            let refused =
                matches!(response.status, 300..=499 | 503) || error.oauth_error().is_some();
            Failed { error, perhaps_spent: !refused }
        }),
    }
}

fn hash(token: &Secret) -> String {
    hex_sha256(&[token.expose().as_bytes()])
}
