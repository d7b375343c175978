//! Hooks: a person's own rules at the turning points of a grant. What runs them is behind [`Hooks`];
//! what they are told, and what their answers do, is decided here.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::attributes::{check, drop_expired};
use super::commit::Commit;
use super::exchange::clean_text;
use super::renew::Renewed;
use super::{FlowManager, Handout, LOCK_WAIT, TokenRequest};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Attribute, Grant, GrantKey, TokenSet};
use crate::port::{BoxFuture, Lock};
use crate::profile::{Hook, Profile, reader};
use crate::protocol::json;
use crate::text::one_line;
use crate::time::Timestamp;

/// How long a hook may take.
pub const HOOK_LIMIT: Duration = Duration::from_secs(30);

/// The most bytes of a hook's answer.
pub const HOOK_ANSWER: usize = 1024 * 1024;

/// What an answer may have.
const FORM: [&str; 3] = ["attributes", "params", "deny"];

/// Runs hooks: a caller's own rules at the turning points of a grant. An implementation ends a hook
/// that takes longer than [`HOOK_LIMIT`], and refuses an answer over [`HOOK_ANSWER`]; it may as well
/// answer by itself and run nothing. `post_token` always, and `pre_token` except at a login, run in the
/// turn of their grant: a hook that asks for a token of the same grant there waits for itself. A hook
/// may be asked more than once about the same event: by several callers that complete one flow at
/// once, of whom one gets the tokens, and again after a failure.
pub trait Hooks: Send + Sync {
    /// Runs a hook of the profile with this JSON text, and gives its answer: nothing, or a JSON
    /// object with any of `attributes`, `params` and `deny`. The text holds tokens where
    /// [`Hook::give_token`] says so. A future that is dropped ends the hook, or leaves it to end by
    /// itself; its answer is not used.
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

/// What a hook wants. Nothing, where there is no hook.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) attributes: BTreeMap<String, Attribute>,
    pub(super) params: BTreeMap<String, String>,
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
                (Error::new(ErrorKind::AccessDenied, what), reason)
            }
            Err(what) => {
                let hint = "nothing goes on without it: correct it, or take it out of the profile";
                (Error::config(format!("the hook `{event}` failed")).hint(hint), what)
            }
        };
        // A hook may repeat what it was told.
        let secrets = self.secrets_beside(profile, &about).await;
        Err(error.quoting(&clean_text(&said, &secrets)))
    }

    /// What must not be in a message about a hook: the tokens, and the client's secret.
    async fn secrets_beside(&self, profile: &Profile, about: &About<'_>) -> Vec<Secret> {
        let mut secrets = Vec::new();
        if let Some(tokens) = about.tokens {
            secrets.push(tokens.access_token.clone());
            secrets.extend(tokens.refresh_token.clone());
            secrets.extend(tokens.id_token.clone());
        }
        if let Some(source) = &profile.client.secret {
            // One that cannot be read is not known to the hook either.
            secrets.extend(self.ports.secrets.resolve(source).await);
        }
        secrets
    }

    /// Hands out a token with enough life: the stored one, a refreshed one, or, for a grant that
    /// needs no person, a new one.
    ///
    /// However many callers and processes ask at once, one request is made per account; a rotated
    /// refresh token is durably stored before this returns.
    ///
    /// # Errors
    ///
    /// - `LoginRequired`: only a person can help; with [`cached`](TokenRequest::cached), nothing that is
    ///   stored lives long enough; or the refresh pauses, as below;
    /// - `Usage`: the [`resource`](TokenRequest::resource) is none;
    /// - `Store`: the record cannot be read or saved, or is an older copy, put back;
    /// - `Unavailable`: a failure that may pass, or another holds the lock for too long;
    /// - `ServerRefused`: the server refused for another reason than a grant that has ended;
    /// - `Validation`: metadata that does not match its issuer, or an answer that is not what was asked
    ///   for, another person's id_token for instance;
    /// - `AccessDenied`: a hook denied, or the server did;
    /// - `Config`: the key's profile is unknown here, a hook fails or there is nothing to run it
    ///   ([`Ports::hooks`](super::Ports::hooks)), or a secret of the profile cannot be read.
    ///
    /// # The pause
    ///
    /// Where processes died twice between sending a refresh token and storing the answer, it may be
    /// spent, and a server may end the whole grant if it sees it again (RFC 9700, section 4.14.2). It
    /// is then not sent for 5 minutes, and after each further such death for twice as long, up to an
    /// hour; meanwhile the stored token serves while it lives, and then this fails with
    /// `LoginRequired`. The pause passes by itself; [`force`](TokenRequest::force) ends it at once.
    ///
    /// # Cancellation
    ///
    /// A future that is dropped while a rotating refresh token is under way can lose it, and the
    /// person must log in again: let it run to its end ([`is_critical`](Self::is_critical)).
    pub async fn token(&self, key: &GrantKey, want: &TokenRequest) -> Result<Handout> {
        let profile = self.profile(&key.profile)?;
        let want = &want.clone().min_ttl(want.min_ttl.unwrap_or(profile.min_ttl));
        let outcome = self.hand_out(profile, key, want).await;
        if let Err(error) = &outcome
            && error.kind() == ErrorKind::LoginRequired
            && !want.cached
            && profile.hooks.contains_key("login_required")
        {
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
            self.hook(profile, "login_required", about).await?;
        }
        outcome
    }

    /// The end of a refresh: the hook's word, where there is a hook, and then everybody may know. Until
    /// the hook has agreed, what is stored is [held back](held_back): a call that finds it so, because
    /// this one denied, failed or died, refreshes and asks again.
    pub(super) async fn after_refresh(
        &self,
        profile: &Profile,
        renewed: Renewed,
        lock: &mut dyn Lock,
    ) -> Result<Renewed> {
        let Renewed::Handout(mut handout) = renewed else { return Ok(renewed) };
        if has_last_word(profile) {
            if let Err(error) = self.ask_last(profile, &mut handout).await {
                self.show_held_back(profile, &handout.grant).await;
                return Err(error);
            }
            let _critical = self.enter_critical();
            match self.replace(&handout.grant).await? {
                Commit::Saved => {}
                Commit::Overtaken(_) => return Ok(Renewed::Overtaken),
            }
            handout.grant.generation = handout.grant.generation.saturating_add(1);
            let warning = self.announce(lock, &handout.grant).into_iter().next();
            handout.warning = handout.warning.or(warning);
        }
        let failed = self.show(profile, &handout.grant).await;
        handout.warning = handout.warning.or(failed);
        Ok(Renewed::Handout(handout))
    }

    async fn ask_last(&self, profile: &Profile, handout: &mut Handout) -> Result<()> {
        let Handout { grant, tokens, .. } = handout;
        let about = About { tokens: Some(tokens), ..About::of(grant, "refresh_token", self.now()) };
        let answer = self.hook(profile, LAST_WORD, about).await?;
        keep(grant, answer, self.now())
    }

    /// Whoever keeps a copy of the refresh token needs the one that replaced it, whatever the hook
    /// said; the access token is not in what is stored then.
    async fn show_held_back(&self, profile: &Profile, refused: &Grant) {
        if refused.rotates != Some(true) {
            return;
        }
        let stored = self.load(&refused.key).await.ok().flatten();
        if let Some(stored) = stored
            && (&stored.id, stored.generation) == (&refused.id, refused.generation)
        {
            // The hook's own word is what the caller gets to see.
            let _ = self.show(profile, &stored).await;
        }
    }
}

/// The hook that decides whether a new token is handed out.
const LAST_WORD: &str = "post_token";

/// Whether a hook of the profile decides whether a new token is handed out.
pub(super) fn has_last_word(profile: &Profile) -> bool {
    profile.hooks.contains_key(LAST_WORD)
}

/// The grant as it is stored while a hook is asked about its new tokens: none of them is in it, and
/// what was handed out before counts as expired.
pub(super) fn held_back(before: &Grant) -> Grant {
    let mut held = before.clone();
    held.tokens.expires_at = Some(held_back_until());
    held.narrowed.clear();
    held
}

/// Whether a stored token is one that nobody gets until a hook was asked.
pub(super) fn is_held_back(tokens: &TokenSet) -> bool {
    tokens.expires_at == Some(held_back_until())
}

/// The expiry of a token that is held back: before any that a server gave, and in the past for a
/// program that knows nothing of holding back as well.
fn held_back_until() -> Timestamp {
    Timestamp::from_unix(0)
}

/// Keeps a hook's attributes with the grant.
pub(super) fn keep(grant: &mut Grant, answer: Answer, now: Timestamp) -> Result<()> {
    drop_expired(&mut grant.attributes, now);
    merge(&mut grant.attributes, answer.attributes)
}

/// Adds a hook's attributes to those that there are.
pub(super) fn merge(
    all: &mut BTreeMap<String, Attribute>,
    more: BTreeMap<String, Attribute>,
) -> Result<()> {
    if more.is_empty() {
        return Ok(());
    }
    all.extend(more);
    check(all).map_err(|error| {
        let what = format!("the attributes of a hook cannot be kept: {}", error.message());
        Error::config(what).hint("nothing goes on without it: correct the hook")
    })
}

/// Puts a hook's parameters into a token request; they replace those of the same name.
pub(super) fn add(form: &mut Vec<(String, String)>, params: BTreeMap<String, String>) {
    form.retain(|(name, _)| !params.contains_key(name));
    form.extend(params);
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

/// Reads an answer. The inner error is a denial, the outer one a fault of the hook.
fn read(text: &str) -> Result<Result<Answer, String>, String> {
    if text.len() > HOOK_ANSWER {
        return Err(format!("its answer has more than {HOOK_ANSWER} bytes"));
    }
    if text.trim().is_empty() {
        return Ok(Ok(Answer::default()));
    }
    let mut object = json::object(text.trim().as_bytes())
        .map_err(|what| format!("its answer is not one JSON object: {what}"))?;
    if let Some(name) = object.keys().find(|name| !FORM.contains(&name.as_str())) {
        return Err(format!("its answer has `{}`, which means nothing", one_line(name)));
    }
    match object.remove("deny") {
        None | Some(Value::Null) => {}
        Some(Value::String(reason)) => return Ok(Err(reason)),
        Some(_) => return Err("its `deny` is not a text".to_owned()),
    }
    let mut answer = Answer::default();
    for (name, value) in table(&mut object, "attributes")? {
        answer.attributes.insert(name, Attribute { value, expires_at: None });
    }
    check(&answer.attributes).map_err(|error| error.message().to_owned())?;
    for (name, value) in table(&mut object, "params")? {
        if let Some(why) = reader::reserved(&name) {
            return Err(format!("the parameter `{}` is not for hooks: {why}", one_line(&name)));
        }
        let value = match value {
            Value::String(text) => text,
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => return Err(format!("the parameter `{}` is not a text", one_line(&name))),
        };
        answer.params.insert(name, value);
    }
    Ok(Ok(answer))
}

fn table(object: &mut Map<String, Value>, name: &str) -> Result<Map<String, Value>, String> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(table)) => Ok(table),
        Some(_) => Err(format!("its `{name}` is not an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_nothing_or_one_object_of_known_members() {
        for nothing in ["", " \n", "{}", "{\"attributes\":null,\"params\":{},\"deny\":null}"] {
            let answer = read(nothing).unwrap().unwrap();
            assert!(answer.attributes.is_empty() && answer.params.is_empty(), "{nothing}");
        }
        let answer = read(r#"{"attributes":{"a":[1]},"params":{"x":"1","y":2}}"#).unwrap().unwrap();
        assert_eq!(answer.attributes["a"].value, json!([1]));
        assert_eq!(answer.params["y"], "2");
        assert_eq!(read(r#"{"deny":"no","params":{}}"#).unwrap().unwrap_err(), "no");
        for nonsense in [
            "x",
            "[]",
            "null",
            "{} {}",
            "{\"deny\":true}",
            "{\"attributes\":[]}",
            "{\"params\":{\"a\":{}}}",
            "{\"atributes\":{}}",
            "{\"params\":{},\"params\":{}}",
            "{\"attributes\":{\"\":1}}",
        ] {
            assert!(read(nonsense).is_err(), "{nonsense}");
        }
    }

    #[test]
    fn no_hook_sets_what_the_protocol_sets() {
        for name in [
            "grant_type",
            "code",
            "code_verifier",
            "refresh_token",
            "client_id",
            "client_secret",
            "redirect_uri",
            "client_assertion",
            "scope",
            "",
            "a b",
        ] {
            let text = json!({"params": {name: "x"}}).to_string();
            assert!(read(&text).is_err(), "{name}");
        }
        for name in ["assertion", "subject_token", "audience", "custom"] {
            let text = json!({"params": {name: "x"}}).to_string();
            assert!(read(&text).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_hooks_parameter_replaces_the_one_of_its_name() {
        let mut form = vec![("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
        add(&mut form, BTreeMap::from([("a".to_owned(), "3".to_owned())]));
        assert_eq!(form, [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "3".to_owned())]);
    }
}
