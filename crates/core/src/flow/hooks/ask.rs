//! Builds the input of hooks, and calls them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answer::{Answer, read};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::access_token::AccessToken;
use crate::flow::load::load;
use crate::flow::turn::{Call, Context};
use crate::grant::{Grant, GrantKey, TokenSet};
use crate::profile::{Hook, SecretSource};
use crate::redact;
use crate::text::one_line;
use crate::time::Timestamp;

/// The hook that is notified when a login is required.
const LOGIN_REQUIRED: &str = "login_required";

/// A part of a key up to this length reveals nothing, and may be an ordinary word.
const SHORT: usize = 16;

/// The subject of a hook's event.
pub(in crate::flow) struct About<'a> {
    pub(in crate::flow) grant_type: &'a str,
    pub(in crate::flow) grant_id: &'a str,
    pub(in crate::flow) key: &'a GrantKey,
    pub(in crate::flow) user: Option<&'a str>,
    pub(in crate::flow) attributes: BTreeMap<String, Value>,
    pub(in crate::flow) scopes: &'a [String],
    pub(in crate::flow) tokens: Option<&'a TokenSet>,
}

impl<'a> About<'a> {
    /// Returns the part of a hook's input that describes a grant.
    pub(in crate::flow) fn of(grant: &'a Grant, grant_type: &'a str, now: Timestamp) -> Self {
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

/// Runs the profile's hook for an event, if it has one.
///
/// # Errors
///
/// Returns `AccessDenied` with the hook's reason, and `Config` if the hook fails or its answer is
/// invalid.
pub(in crate::flow) async fn ask(
    context: Context<'_>,
    event: &str,
    about: About<'_>,
) -> Result<Answer> {
    let Context { shared, profile } = context;
    let Some(hook) = profile.hooks.get(event) else { return Ok(Answer::default()) };
    let Some(hooks) = &shared.ports.hooks else {
        return Err(Error::config(format!(
            "profile `{}` has a hook for `{event}`, but this program cannot run hooks",
            one_line(&profile.name)
        )));
    };
    let answered = hooks.run(profile, hook, input(event, hook, &about)).await;
    let answered = answered.map_err(|error| error.message().to_owned());
    let (error, said) = match answered.and_then(|answer| read(answer.expose(), context.now())) {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(reason)) => {
            let what = format!("the hook `{event}` denied the request");
            let error = Error::new(ErrorKind::AccessDenied, what);
            if reason.trim().is_empty() {
                return Err(error);
            }
            (error, reason)
        }
        Err(what) => {
            let hint = match event {
                LOGIN_REQUIRED => "correct the hook, or remove it from the profile",
                _ => {
                    "the operation was aborted: correct the hook, or remove it from the \
                          profile"
                }
            };
            (Error::config(format!("the hook `{event}` failed")).hint(hint), what)
        }
    };
    // A hook may repeat its input.
    let secrets = secrets_beside(context, &about).await;
    Err(error.quoting(&redact::without(&said, &secrets)))
}

/// Returns what must not appear in a message about a hook: the tokens and the client credentials.
async fn secrets_beside(context: Context<'_>, about: &About<'_>) -> Vec<Secret> {
    let mut secrets = Vec::new();
    if let Some(tokens) = about.tokens {
        secrets.push(tokens.access_token.clone());
        secrets.extend(tokens.refresh_token.clone());
        secrets.extend(tokens.id_token.clone());
    }
    for (_, source) in context.profile.secret_sources() {
        // These are new ones each time, or are requested from a server.
        if matches!(source, SecretSource::GithubActions { .. } | SecretSource::Profile { .. }) {
            continue;
        }
        // A secret that cannot be read is unknown to the hook too.
        if let Ok(secret) = context.ports().secrets.resolve(source).await {
            let parts: Vec<Secret> = telling_parts(&secret).collect();
            secrets.push(secret);
            secrets.extend(parts);
        }
    }
    secrets
}

/// Ends a call for a token: if a login is required, notifies the hook, unless only a stored token was requested.
/// The hook may deny. If it fails, the failure is only added to the error.
pub(in crate::flow) async fn login_required(
    call: Call<'_>,
    outcome: Result<AccessToken>,
) -> Result<AccessToken> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::LoginRequired && !call.request.cached => {
            Err(ask_login_required(call, error).await)
        }
        outcome => outcome,
    }
}

async fn ask_login_required(call: Call<'_>, required: Error) -> Error {
    let Call { context, key, .. } = call;
    let profile = context.profile;
    if !profile.hooks.contains_key(LOGIN_REQUIRED) {
        return required;
    }
    let grant = load(context.ports(), key).await.ok().flatten();
    let about = match &grant {
        Some(grant) => About::of(grant, &grant.grant_type, context.now()),
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
    match ask(context, LOGIN_REQUIRED, about).await {
        Ok(_) => required,
        Err(denied) if denied.kind() == ErrorKind::AccessDenied => denied,
        Err(failed) => required.with_warning(failed),
    }
}

/// Returns the lines of a PEM key and the values of a JSON key, as far as they reveal anything: a hook may
/// repeat the key in another form, or in part.
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
