//! Rules of a tenant: an expression or a callback that decides at certain events of a connection, and sets
//! attributes.
//!
//! They are the hooks of the core ([`hooks`]). `pre_token` and `post_token` are also applied whenever a token
//! is handed out ([`crate::hand_out`]), because the state of a connection may have changed since its last
//! refresh.

pub mod answer;
pub mod callback;
pub mod expression;
pub mod hooks;

use oauthctl_core::http::Reach;
use oauthctl_core::port::Http;
use oauthctl_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::cache::Caches;
use crate::clock::now_seconds;
use crate::flow::Place;
use crate::limits::Turn;
use crate::problem::Problem;
use crate::storage::{Condition, Key, Space, Written};
use crate::tenants::check_name;
use crate::vault::{Stored, Terms, Vault};
use crate::webhooks::check_url;
use crate::webhooks::signature::SigningSecret;
use answer::Answer;

/// How long the previous secret also signs, in seconds.
const OVERLAP: u64 = 86_400;

/// Maximum number of rules of a tenant.
const MOST: usize = 100;

/// When a rule is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The user has granted access; the code has not been redeemed yet.
    Authorization,
    /// Before a token request, and before a token is handed out.
    PreToken,
    /// After the first token response, and before a token is handed out.
    PostToken,
}

impl Moment {
    /// All events.
    pub const ALL: [Self; 3] = [Self::Authorization, Self::PreToken, Self::PostToken];

    /// Returns the name of the event.
    pub fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::PreToken => "pre_token",
            Self::PostToken => "post_token",
        }
    }

    /// Returns the event of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.name() == name)
    }
}

/// A rule. Has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Rule {
    /// What decides.
    #[serde(flatten)]
    pub decider: Decider,
    /// When it was created, in Unix seconds.
    pub created_at: u64,
}

/// What decides.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Decider {
    /// An expression.
    Expression {
        /// Its text.
        expression: String,
    },
    /// A server of the tenant.
    Callback {
        /// The URL of the server.
        callback: String,
        /// The signing secrets, newest first.
        secrets: Vec<SigningSecret>,
    },
}

/// A rule as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleState {
    /// The event.
    pub event: Moment,
    /// The provider that it is limited to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
    /// The URL of the callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// The secret that signs requests to `callback`; in the response to PUT only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl RuleState {
    fn of(moment: Moment, provider: Option<&str>, rule: &Rule) -> Self {
        let (expression, callback) = match &rule.decider {
            Decider::Expression { expression } => (Some(expression.clone()), None),
            Decider::Callback { callback, .. } => (None, Some(callback.clone())),
        };
        let provider = provider.map(str::to_owned);
        Self { event: moment, provider, expression, callback, secret: None }
    }
}

/// A page of rules.
#[derive(Debug, Serialize, ToSchema)]
pub struct RulePage {
    /// The rules, by event and provider.
    pub rules: Vec<RuleState>,
    /// The cursor of the next page; null on the last page.
    pub next_cursor: Option<String>,
}

fn key_of(tenant: &str, moment: Moment, provider: Option<&str>) -> Key {
    let id = match provider {
        None => moment.name().to_owned(),
        Some(provider) => format!("{}/{provider}", moment.name()),
    };
    Key::new(Space::Rules, tenant, id)
}

/// The source of decisions, as a tenant sets it.
pub enum Wanted {
    /// An expression.
    Expression(String),
    /// A URL.
    Callback(String),
}

/// Creates or replaces a rule. Returns it, and whether it is new.
///
/// # Errors
///
/// Returns 400 for an expression or a URL that is not allowed, 403 for too many rules, and 503 if the store fails.
pub async fn put(
    (vault, caches): (&Vault, &Caches),
    tenant: &str,
    (moment, provider): (Moment, Option<&str>),
    wanted: &Wanted,
    reach: Reach,
) -> Result<(RuleState, bool), Problem> {
    if let Some(provider) = provider {
        check_name("`provider`", provider)?;
    }
    let callback = match wanted {
        Wanted::Expression(text) => {
            expression::check(text).map_err(Problem::invalid)?;
            None
        }
        Wanted::Callback(url) => {
            let url = check_url("callback", url, reach)?;
            Some((url, SigningSecret::generate()?))
        }
    };
    let key = key_of(tenant, moment, provider);
    let work = |condition| write(vault, &key, wanted, callback.as_ref(), condition);
    let written = Turn::run(vault, Space::Rules, tenant, work).await;
    caches.forget(&key);
    let (rule, is_new) = written?;
    let mut state = RuleState::of(moment, provider, &rule);
    state.secret = callback.as_ref().map(|(_, secret)| secret.shown());
    Ok((state, is_new))
}

async fn write(
    vault: &Vault,
    key: &Key,
    wanted: &Wanted,
    callback: Option<&(String, SigningSecret)>,
    condition: Condition,
) -> Result<(Rule, bool), Problem> {
    let earlier = vault.get_readable::<Rule>(key).await?.map(|stored| stored.document);
    let count = vault.storage().count(Space::Rules, &key.tenant, MOST);
    if earlier.is_none() && count.await? >= MOST {
        return Err(Problem::quota_exceeded("a tenant has at most 100 rules"));
    }
    let (is_new, now) = (earlier.is_none(), now_seconds());
    let created_at = earlier.as_ref().map_or(now, |earlier| earlier.created_at);
    let decider = match (wanted, callback) {
        (_, Some((callback, secret))) => {
            let mut secrets = vec![secret.clone()];
            if let Some(Decider::Callback { secrets: old, .. }) = earlier.map(|e| e.decider) {
                secrets.extend(old.into_iter().take(1).map(|old| old.until(now + OVERLAP)));
            }
            Decider::Callback { callback: callback.clone(), secrets }
        }
        (Wanted::Expression(text) | Wanted::Callback(text), None) => {
            Decider::Expression { expression: text.clone() }
        }
    };
    let rule = Rule { decider, created_at };
    match vault.put(key.clone(), &rule, Terms::only_if(condition)).await? {
        Written::Stored(_) => Ok((rule, is_new)),
        Written::Refused => Err(Error::store("the store took too long").into()),
    }
}

/// Returns a rule as it is shown; `None` if there is none.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn get(
    vault: &Vault,
    tenant: &str,
    moment: Moment,
    provider: Option<&str>,
) -> Result<Option<RuleState>> {
    let found = vault.get::<Rule>(&key_of(tenant, moment, provider)).await?;
    Ok(found.map(|stored| RuleState::of(moment, provider, &stored.document)))
}

/// Returns the rules of a tenant that follow this id, as they are shown, with the id to continue from.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn list(
    vault: &Vault,
    tenant: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<RulePage> {
    let (found, next_cursor) = vault.page::<Rule>(Space::Rules, tenant, "", after, limit).await?;
    let shown = |stored: Stored<Rule>| {
        let (event, provider) = match stored.key.id.split_once('/') {
            Some((event, provider)) => (event, Some(provider)),
            None => (stored.key.id.as_str(), None),
        };
        Some(RuleState::of(Moment::of_name(event)?, provider, &stored.document))
    };
    Ok(RulePage { rules: found.into_iter().filter_map(shown).collect(), next_cursor })
}

/// Removes a rule. Returns whether there was one.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn delete(
    (vault, caches): (&Vault, &Caches),
    tenant: &str,
    moment: Moment,
    provider: Option<&str>,
) -> Result<bool> {
    let key = key_of(tenant, moment, provider);
    let removed = vault.delete(&key).await;
    caches.forget(&key);
    removed
}

/// Returns the events that a provider has rules for.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn moments(vault: &Vault, tenant: &str, provider: &str) -> Result<Vec<Moment>> {
    let all = vault.storage().list(Space::Rules, tenant, "", None, MOST).await?;
    let has = |moment: &Moment| {
        let of_all = key_of(tenant, *moment, None);
        let of_one = key_of(tenant, *moment, Some(provider));
        all.iter().any(|record| record.key == of_all || record.key == of_one)
    };
    Ok(Moment::ALL.into_iter().filter(has).collect())
}

/// Applies the rules of an event: that of the tenant, then that of the provider.
///
/// # Errors
///
/// Returns `AccessDenied` with the reason if one denies, `Config` if one fails, and `Store` if the store fails.
pub async fn ask(
    vault: &Vault,
    outbound: &dyn Http,
    place: &Place,
    moment: Moment,
    input: &Value,
) -> Result<Answer> {
    let mut all = Answer::default();
    for provider in [None, Some(place.provider.as_str())] {
        let Some(found) = vault.get::<Rule>(&key_of(&place.tenant, moment, provider)).await? else {
            continue;
        };
        let text = match found.document.decider {
            Decider::Expression { expression } => {
                expression::evaluate(expression, input.clone()).await
            }
            Decider::Callback { callback, secrets } => {
                callback::send(outbound, &callback, &secrets, input).await
            }
        };
        let answer = text.and_then(|text| answer::read(&text));
        all.add(answer.inspect_err(|error| report(place, moment, error))?);
    }
    Ok(all)
}

/// Logs the failure of a rule. The message contains no text from a server or an expression.
fn report(place: &Place, moment: Moment, error: &Error) {
    if error.kind() == ErrorKind::AccessDenied {
        return;
    }
    tracing::warn!(
        tenant = place.tenant,
        provider = place.provider,
        event = moment.name(),
        reason = error.message(),
        "a rule failed"
    );
}
