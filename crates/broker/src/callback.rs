//! The return of a user from a provider.

use std::sync::Arc;

use oauthctl_core::flow::Completed;
use oauthctl_core::{AuthorizationResponse, Error, ErrorKind, Expected, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::flow::{Place, UNCONFIRMED, first_save};
use crate::keys::random_text;
use crate::link::{self, Flow, cookie_name, flow_key};
use crate::model::Binding;
use crate::names::of_secret;
use crate::quota::{self, Reservation};
use crate::redirects::with_parameter;
use crate::schedule::CONFIRMATION;
use crate::storage::{Key, Space};
use crate::tenants;
use crate::titles::Titles;
use crate::vault::Terms;

/// The outcome of a callback.
#[derive(Debug)]
pub enum Outcome {
    /// It belongs to no pending flow, or to a disabled tenant. Nothing was changed.
    Foreign,
    /// The flow began in another browser, and stays pending.
    OtherBrowser,
    /// The account is connected.
    Done {
        /// The URL to redirect the user to.
        redirect_to: Option<String>,
        /// The cookie that is no longer needed.
        cookie: String,
        /// The application and the provider, as the page names them.
        titles: Titles,
    },
    /// The flow is over without a connection.
    Failed {
        /// The URL to redirect the user to.
        redirect_to: Option<String>,
        /// The cookie that is no longer needed.
        cookie: String,
        /// Why.
        why: Failure,
    },
    /// Something failed before the code was redeemed. The flow stays pending.
    Unavailable,
}

/// Why a flow ended without a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The user, the provider or a rule denied.
    Denied,
    /// The quota of connections of the tenant is used up.
    NoRoom,
    /// Anything else.
    Other,
}

/// A confirmation that the application must make before the tokens of a flow can be read.
#[derive(Serialize, Deserialize)]
pub struct Unconfirmed {
    /// The provider.
    pub provider: String,
    /// The user for whom the flow was started.
    pub user: String,
    /// The grant.
    pub grant_id: String,
}

impl Unconfirmed {
    /// Returns the place where the grant is stored until then.
    pub fn place(&self, tenant: &str) -> Place {
        Place::new(tenant, &self.provider, format!("{UNCONFIRMED}{}", self.grant_id))
    }
}

/// Completes the flow of a callback that was received at this path.
pub async fn complete(
    broker: &Arc<Broker>,
    path: &str,
    query: &str,
    cookies: &[(String, String)],
) -> Outcome {
    let url = format!("{}{path}", broker.public_url);
    let response = AuthorizationResponse::from_query(query).and_then(|r| r.received_at(&url));
    let Ok(response) = response else { return Outcome::Foreign };
    let state = response.state().to_owned();
    let key = flow_key(&state);
    let flow = match broker.vault.get::<Flow>(&key).await {
        Ok(Some(flow)) => flow.document,
        Ok(None) => return Outcome::Foreign,
        Err(error) => return unavailable(&error),
    };
    // A code that another server issued comes in at another redirect URI, unless its `iss` names that server.
    if flow.redirect_uri != url {
        return Outcome::Foreign;
    }
    match tenants::is_disabled(&broker.vault, &flow.link.tenant).await {
        Ok(false) => {}
        Ok(true) => return Outcome::Foreign,
        Err(error) => return unavailable(&error),
    }
    let cookie = cookie_name(broker, &state);
    if flow.link.binding == Binding::Cookie && !is_bound(&flow, &cookie, cookies) {
        return Outcome::OtherBrowser;
    }
    let (shared, redemption) = (Arc::clone(broker), Redemption { response, flow, key, cookie });
    // What follows a redeemed code is done with it.
    let work = async move { Ok(redemption.run(&shared).await) };
    broker.complete(work).await.unwrap_or_else(|error| unavailable(&error))
}

/// A flow whose code can be redeemed.
struct Redemption {
    response: AuthorizationResponse,
    flow: Flow,
    key: Key,
    cookie: String,
}

impl Redemption {
    /// Redeems the code and ends the flow.
    async fn run(self, broker: &Broker) -> Outcome {
        let Self { response, flow, key, cookie } = self;
        // Other users may have come back since this one was sent to the provider, and some come at the same time.
        let place = match reserve(broker, &flow).await {
            Ok(Some(place)) => place,
            Ok(None) => return refused(broker, &flow, &key, cookie).await,
            Err(error) => return unavailable(&error),
        };
        let expected = Expected::default().state(response.state()).user(&flow.link.user);
        let requests = broker.flow.manager.complete(&response, &expected);
        let profile = Place::of_link(&flow.link).profile();
        let work = broker.flow.present(&profile, requests);
        let outcome = first_save::scope(place.required(), work).await;
        place.give_up(&broker.vault).await;
        match outcome {
            Ok(done) => match finish(broker, &flow, &done, &key).await {
                Ok(redirect_to) => {
                    let titles = Titles::of(broker, &flow.link).await;
                    Outcome::Done { redirect_to, cookie, titles }
                }
                Err(error) => unavailable(&error),
            },
            Err(error) => failed(broker, &flow, &key, cookie, &error).await,
        }
    }
}

async fn reserve(broker: &Broker, flow: &Flow) -> Result<Option<Reservation>> {
    let Flow { link, .. } = flow;
    let tenant = tenants::get(&broker.vault, &link.tenant).await?;
    let place = Place::of_link(link);
    let Some(mut kept) = Reservation::take(&broker.vault, &tenant, &place).await? else {
        return Ok(None);
    };
    if link.binding == Binding::Application {
        match quota::keep_unconfirmed(&broker.vault, &tenant, &link.grant_id, &mut kept).await {
            Ok(true) => {}
            refused => {
                kept.give_up(&broker.vault).await;
                return refused.map(|_| None);
            }
        }
    }
    Ok(Some(kept))
}

/// Ends a flow that would exceed the tenant's quota. Its code is not redeemed.
async fn refused(broker: &Broker, flow: &Flow, key: &Key, cookie: String) -> Outcome {
    let Flow { link, .. } = flow;
    tracing::warn!(
        tenant = link.tenant,
        provider = link.provider,
        error = "quota_exceeded",
        "not connected"
    );
    link::close(broker, flow, key).await;
    let redirect_to = link.redirect_to.as_ref();
    let redirect_to = redirect_to.map(|url| with_parameter(url, "error", "quota_exceeded"));
    Outcome::Failed { redirect_to, cookie, why: Failure::NoRoom }
}

fn unavailable(error: &Error) -> Outcome {
    let (error, reason) = (error.kind().word(), error.message_to_keep());
    tracing::warn!(error, reason, "a callback failed");
    Outcome::Unavailable
}

/// Returns whether the browser sent the cookie of the flow.
fn is_bound(flow: &Flow, name: &str, cookies: &[(String, String)]) -> bool {
    let expected = Secret::new(flow.cookie.as_str());
    let mut values = cookies.iter().filter(|(cookie, _)| cookie == name);
    values.any(|(_, value)| Secret::new(of_secret(value)) == expected)
}

/// Ends a flow that succeeded, and returns where to redirect the user.
async fn finish(
    broker: &Broker,
    flow: &Flow,
    done: &Completed,
    key: &Key,
) -> Result<Option<String>> {
    let link = &flow.link;
    let mut redirect_to = link.redirect_to.clone();
    if link.binding == Binding::Application {
        let confirmation = random_text()?;
        let owed = Unconfirmed {
            provider: link.provider.clone(),
            user: link.user.clone(),
            grant_id: done.grant.id.clone(),
        };
        let expires_at = Some(now_seconds() + CONFIRMATION.as_secs());
        let record = Key::new(Space::Confirmations, &link.tenant, of_secret(&confirmation));
        broker.vault.put(record, &owed, Terms { expires_at, ..Terms::default() }).await?;
        redirect_to = redirect_to.map(|url| with_parameter(&url, "confirmation", &confirmation));
    }
    end(broker, flow, key).await;
    tracing::info!(
        tenant = link.tenant,
        provider = link.provider,
        grant_id = done.grant.id,
        "connected"
    );
    Ok(redirect_to)
}

/// Removes the records of a flow that is over. Records that cannot be removed expire.
async fn end(broker: &Broker, flow: &Flow, key: &Key) {
    link::close(broker, flow, key).await;
    let link = Key::new(Space::Links, &flow.link.tenant, &flow.link_id);
    let _ = broker.vault.delete(&link).await;
}

async fn failed(broker: &Broker, flow: &Flow, key: &Key, cookie: String, error: &Error) -> Outcome {
    let word = error.kind().word();
    let Flow { link, .. } = flow;
    tracing::warn!(
        tenant = link.tenant,
        provider = link.provider,
        error = word,
        reason = error.message_to_keep(),
        "not connected"
    );
    match error.kind() {
        ErrorKind::InvalidState => Outcome::Foreign,
        ErrorKind::Store => Outcome::Unavailable,
        kind => {
            let why = match kind {
                ErrorKind::AccessDenied => Failure::Denied,
                _ => Failure::Other,
            };
            link::close(broker, flow, key).await;
            let redirect_to = link.redirect_to.as_ref();
            let redirect_to = redirect_to.map(|url| with_parameter(url, "error", word));
            Outcome::Failed { redirect_to, cookie, why }
        }
    }
}
