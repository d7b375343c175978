//! Hooks: a person's own rules at the turning points of a grant. What runs them is behind [`Hooks`];
//! what they are told is decided here, what their answers do in `answer`, and what is held back until
//! one has spoken in `post_token`.

mod answer;
mod post_token;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::{FlowManager, LOCK_WAIT};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Grant, GrantKey, TokenSet};
use crate::port::BoxFuture;
use crate::profile::{Hook, Profile, SecretSource};
use crate::redact;
use crate::text::one_line;
use crate::time::Timestamp;

use answer::{Answer, read};
pub(super) use answer::{add, keep, merge};
pub(super) use post_token::{has_post_token, held_back, is_held_back};

/// How long a hook may take: 30 seconds.
pub const HOOK_LIMIT: Duration = Duration::from_secs(30);

/// The most bytes of a hook's answer: 1 MiB.
pub const HOOK_ANSWER: usize = 1024 * 1024;

/// The hook that is told that only a person can help.
const LOGIN_REQUIRED: &str = "login_required";

/// A part of a key that is no longer than this tells nothing, and may be a word.
const SHORT: usize = 16;

/// Runs hooks: a caller's own rules at the turning points of a grant. An implementation ends a hook
/// that takes longer than [`HOOK_LIMIT`], and refuses an answer over [`HOOK_ANSWER`]; it may as well
/// answer by itself and run nothing. `post_token` always, and `pre_token` except at a login, run in the
/// turn of their grant: a hook that asks for a token of the same grant there waits for itself. A hook
/// may be asked more than once about the same event: by several callers that complete one flow at
/// once, of whom one gets the tokens, and again after a failure.
pub trait Hooks: Send + Sync {
    /// Runs a hook of the profile with this JSON text, and gives its answer. A future that is dropped
    /// ends the hook, or leaves it to end by itself; its answer is not used.
    ///
    /// The text is an object with `event` (`authorization`, `pre_token`, `post_token` or
    /// `login_required`), `grant_type` (`refresh_token` at a refresh), `grant_id`, `profile`, `account`,
    /// `user`, `attributes` and `scopes`; and with `access_token` and `id_token`, where there are any and
    /// [`Hook::give_token`] says so. The answer is empty, or an object with any of `attributes` (an
    /// object: they are kept with the grant), `params` (an object: parameters of the token request, at
    /// `authorization` and `pre_token`) and `deny` (a text: the reason). The example `grant_rules` of the
    /// repository has a hook in Rust.
    ///
    /// # Errors
    ///
    /// Of any kind, where it could not be run; nothing goes on without it then.
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        hook: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>>;
}

/// What a hook is told about.
pub(super) struct About<'a> {
    pub(super) grant_type: &'a str,
    pub(super) grant_id: &'a str,
    pub(super) key: &'a GrantKey,
    pub(super) user: Option<&'a str>,
    pub(super) attributes: BTreeMap<String, Value>,
    pub(super) scopes: &'a [String],
    pub(super) tokens: Option<&'a TokenSet>,
}

impl<'a> About<'a> {
    /// What there is to tell about a grant.
    pub(super) fn of(grant: &'a Grant, grant_type: &'a str, now: Timestamp) -> Self {
        Self {
            grant_type,
            grant_id: &grant.id,
            key: &grant.key,
            user: grant.user.as_deref(),
            attributes: grant.attributes_at(now),
            scopes: &grant.tokens.scopes,
            tokens: Some(&grant.tokens),
        }
    }
}

impl FlowManager {
    /// How long a caller waits for another that holds the lock, with the hooks of both.
    pub(super) fn lock_wait(profile: &Profile) -> Duration {
        if profile.hooks.is_empty() { LOCK_WAIT } else { LOCK_WAIT + 2 * HOOK_LIMIT }
    }

    /// Runs the profile's hook for an event, if it has one.
    ///
    /// # Errors
    ///
    /// `AccessDenied` with the hook's reason; `Config` where the hook fails or answers nonsense.
    pub(super) async fn hook(
        &self,
        profile: &Profile,
        event: &str,
        about: About<'_>,
    ) -> Result<Answer> {
        let Some(hook) = profile.hooks.get(event) else { return Ok(Answer::default()) };
        let Some(hooks) = &self.ports.hooks else {
            return Err(Error::config(format!(
                "profile `{}` has a hook at `{event}`, and this program runs none",
                one_line(&profile.name)
            )));
        };
        let answered = hooks.run(profile, hook, input(event, hook, &about)).await;
        let answered = answered.map_err(|error| error.message().to_owned());
        let (error, said) = match answered.and_then(|answer| read(answer.expose())) {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(reason)) => {
                let what = format!("the hook `{event}` denied it");
                let error = Error::new(ErrorKind::AccessDenied, what);
                if reason.trim().is_empty() {
                    return Err(error);
                }
                (error, reason)
            }
            Err(what) => {
                let hint = match event {
                    LOGIN_REQUIRED => "correct it, or take it out of the profile",
                    _ => "nothing goes on without it: correct it, or take it out of the profile",
                };
                (Error::config(format!("the hook `{event}` failed")).hint(hint), what)
            }
        };
        // A hook may repeat what it was told.
        let secrets = self.secrets_beside(profile, &about).await;
        Err(error.quoting(&redact::without(&said, &secrets)))
    }

    /// What must not be in a message about a hook: the tokens, and what the client proves itself with.
    async fn secrets_beside(&self, profile: &Profile, about: &About<'_>) -> Vec<Secret> {
        let mut secrets = Vec::new();
        if let Some(tokens) = about.tokens {
            secrets.push(tokens.access_token.clone());
            secrets.extend(tokens.refresh_token.clone());
            secrets.extend(tokens.id_token.clone());
        }
        let client = &profile.client;
        for source in [&client.secret, &client.private_key, &client.assertion].into_iter().flatten()
        {
            // An id token of GitHub's is another one each time.
            if matches!(source, SecretSource::GithubActions { .. }) {
                continue;
            }
            // One that cannot be read is not known to the hook either.
            if let Ok(secret) = self.ports.secrets.resolve(source).await {
                let parts: Vec<Secret> = telling_parts(&secret).collect();
                secrets.push(secret);
                secrets.extend(parts);
            }
        }
        secrets
    }

    /// Tells the hook, if there is one, that a login is required. It may deny; its own failure
    /// changes nothing, and is beside the error.
    pub(super) async fn tell_of(
        &self,
        profile: &Profile,
        key: &GrantKey,
        required: Error,
    ) -> Error {
        if !profile.hooks.contains_key(LOGIN_REQUIRED) {
            return required;
        }
        let grant = self.load(key).await.ok().flatten();
        let about = match &grant {
            Some(grant) => About::of(grant, &grant.grant_type, self.now()),
            None => About {
                grant_type: profile.grant.as_str(),
                grant_id: "",
                key,
                user: None,
                attributes: BTreeMap::new(),
                scopes: &profile.scopes,
                tokens: None,
            },
        };
        match self.hook(profile, LOGIN_REQUIRED, about).await {
            Ok(_) => required,
            Err(denied) if denied.kind() == ErrorKind::AccessDenied => denied,
            Err(failed) => required.with_warning(failed),
        }
    }
}

/// The lines of a key in PEM and the values of one in JSON, as far as they tell anything of it: a
/// hook may repeat it in another shape, or in part.
fn telling_parts(secret: &Secret) -> impl Iterator<Item = Secret> {
    let parts = secret.expose().split(['\n', '\r', '"']).map(str::trim);
    parts.filter(|part| part.len() > SHORT).map(Secret::new)
}

fn input(event: &str, hook: &Hook, about: &About<'_>) -> Secret {
    let mut object = json!({
        "event": event,
        "grant_type": about.grant_type,
        "grant_id": about.grant_id,
        "profile": about.key.profile,
        "account": about.key.account,
        "user": about.user,
        "attributes": about.attributes,
        "scopes": about.scopes,
    });
    if hook.give_token
        && let Some(tokens) = about.tokens
    {
        object["access_token"] = json!(tokens.access_token.expose());
        if let Some(id_token) = &tokens.id_token {
            object["id_token"] = json!(id_token.expose());
        }
    }
    Secret::new(object.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_for_another_with_rules_waits_for_the_rules_of_both() {
        let profile = |more: &str| -> Profile {
            let text =
                format!("[profiles.p]\nissuer = 'https://as.example'\nclient_id = 'c'\n{more}");
            text.parse::<crate::profile::Config>().unwrap().profile("p").unwrap().clone()
        };
        assert_eq!(FlowManager::lock_wait(&profile("")), LOCK_WAIT);
        let with_rule = profile("[profiles.p.hooks]\npost_token = ['true']");
        assert_eq!(FlowManager::lock_wait(&with_rule), LOCK_WAIT + HOOK_LIMIT + HOOK_LIMIT);
    }
}
