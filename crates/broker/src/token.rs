//! Access tokens for applications.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use oauthctl_core::{ErrorKind, TokenRequest};

use crate::broker::Broker;
use crate::cache::LARGEST_TOKEN;
use crate::caller::Caller;
use crate::hand_out;
use crate::handed::Handed;
use crate::link;
use crate::problem::Problem;
use crate::rules::{self, Moment};

/// Returns the response body with a token of a connection.
///
/// # Errors
///
/// Returns 404 for an unknown connection, 409 with a link if the user must log in again, 502 if the provider fails, 503
/// if the store fails, and 403 if a rule denies.
pub async fn token(
    broker: &Arc<Broker>,
    caller: &Caller,
    provider: &str,
    user: &str,
    min_ttl: Option<Duration>,
) -> Result<Bytes, Problem> {
    let place = caller.place(provider, user)?;
    let record = place.grant(&broker.vault);
    if broker.caches.is_fresh()
        && let Some(body) = broker.caches.tokens.get(&record).and_then(|t| t.body(min_ttl))
    {
        return Ok(body);
    }
    let seen = broker.caches.tokens.epoch(&record);
    let profile = broker.flow.providers.profile(&place.tenant, &place.provider).await?;
    let (Some(profile), true) = (profile, broker.vault.storage().get(&record).await?.is_some())
    else {
        return Err(Problem::not_found());
    };
    let rules = rules::moments(&broker.vault, &place.tenant, &place.provider).await?;
    if rules.contains(&Moment::PreToken) {
        hand_out::decide(broker, &place, Moment::PreToken).await?;
    }
    let mut request = TokenRequest::default();
    request.min_ttl = min_ttl;
    let key = place.grant_key();
    let flow = broker.flow.clone();
    match broker.complete(async move { flow.token(&key, &request).await }).await {
        Ok(token) => {
            let handed = Arc::new(Handed::new(&token, profile.min_ttl));
            let body = handed.fresh_body();
            if rules.contains(&Moment::PostToken) {
                hand_out::decide(broker, &place, Moment::PostToken).await?;
            }
            // If no rule decides about tokens, one from memory can be returned.
            let is_ruled = rules.iter().any(|moment| *moment != Moment::Authorization);
            if !is_ruled && body.len() <= LARGEST_TOKEN {
                broker.caches.tokens.insert(record, seen, handed);
            }
            Ok(body)
        }
        Err(error) if error.kind() == ErrorKind::LoginRequired => {
            let url = link::again(broker, caller, &place).await?;
            Err(Problem::login_required(url))
        }
        Err(error) => Err(error.into()),
    }
}
