//! Sign-up: a developer proves an email address and gets a tenant.
//!
//! Responses do not reveal whether an address is known: they are the same, and so is the work. A password
//! counts only after the link of its own mail was followed, so signing up with someone else's address gains
//! nothing.

use std::sync::Arc;

use lettre::Address;
use lettre::message::Mailbox;
use oauthctl_core::{Error, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::keys::random_text;
use crate::model::Quota;
use crate::names::of_secret;
use crate::problem::Problem;
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::Terms;
use crate::{limits, passwords, quota, tenants};

/// Lifetime of the link in an email, in seconds.
const LINK: u64 = 24 * 3600;

/// Maximum number of emails to one address within an hour, and in total.
const MAILS: (u32, u32) = (5, 1_000);

/// Maximum number of attempts to use the password of one address within a quarter of an hour.
const ATTEMPTS: u32 = 20;

/// Minimum and maximum length of a password, in bytes (NIST SP 800-63B, section 3.1.1.2).
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=1024;

/// How much a tenant may have that nobody but its owner has vouched for, until the operator changes it.
const QUOTA: Quota = Quota {
    connections: Some(1_000),
    providers: Some(20),
    pending: Some(1_000),
    requests: Some(100),
};

/// A registered address.
#[derive(Serialize, Deserialize)]
struct Account {
    email: String,
    password: String,
    /// The tenant; `None` before the address is verified.
    tenant: Option<String>,
    created_at: u64,
}

fn account_key(id: &str) -> Key {
    Key::new(Space::SignUps, "", format!("account/{id}"))
}

/// Returns the record of the latest sign-up whose link was not followed yet.
fn waiting_key(id: &str) -> Key {
    Key::new(Space::SignUps, "", format!("waiting/{id}"))
}

fn link_key(token: &str) -> Key {
    Key::new(Space::SignUps, "", format!("link/{}", of_secret(token)))
}

/// Returns the id of an address. The part before the `@` is case-sensitive in theory, but not at mail servers
/// in use.
fn id_of(broker: &Broker, email: &str) -> String {
    broker.vault.names().hashed("email", &[&email.to_lowercase()])
}

fn invalid_address() -> Problem {
    Problem::invalid("`email` is not an email address")
}

/// Registers an address, and mails a link to it.
///
/// # Errors
///
/// Returns 400 for an invalid address or password, 404 if nobody may sign up, 429 for too many attempts, and 503 if
/// the store fails.
pub async fn start(broker: &Arc<Broker>, email: &str, password: Secret) -> Result<(), Problem> {
    let mailer = broker.mailer.as_ref().ok_or_else(Problem::not_found)?;
    let address = email.parse::<Address>().map_err(|_| invalid_address())?;
    if email.len() > 254 {
        return Err(invalid_address());
    }
    if !PASSWORD.contains(&password.expose().len()) {
        return Err(Problem::invalid("`password` must be 8 to 1024 bytes long"));
    }
    let id = id_of(broker, email);
    for (what, most) in [(format!("mail/{id}"), MAILS.0), ("mail".to_owned(), MAILS.1)] {
        if let Some(seconds) = limits::count(&broker.vault, &what, most, 3600).await? {
            return Err(Problem::too_many("too many emails were sent", seconds));
        }
    }
    let account = Account {
        email: email.to_owned(),
        password: passwords::hash(password).await?,
        tenant: None,
        created_at: now_seconds(),
    };
    let token = random_text()?;
    let until = || Terms { expires_at: Some(now_seconds() + LINK), ..Terms::default() };
    broker.vault.put(link_key(&token), &account, until()).await?;
    if broker.vault.storage().get(&account_key(&id)).await?.is_none() {
        broker.vault.put(waiting_key(&id), &account, until()).await?;
    }
    let url = format!("{}/v1/verify?token={token}", broker.public_url);
    let text = format!(
        "Somebody signed up with this address at {}.\n\nIf this was you, open this link within 24 hours:\n\n{url}\n\n\
         Otherwise, ignore this email.\n",
        broker.public_url
    );
    let (mailer, counted) = (mailer.clone(), broker.count_work());
    // In the background: otherwise, the response time would reveal whether a mail is sent.
    tokio::spawn(async move {
        let _counted = counted;
        let to = Mailbox::new(None, address);
        if let Err(error) = mailer.send(to, "Confirm your email address", text).await {
            tracing::error!("a mail was not sent: {}", error.message());
        }
    });
    Ok(())
}

/// Verifies the address to which this token was mailed. Returns `false` for an invalid token.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn verify(broker: &Arc<Broker>, token: &str) -> Result<bool> {
    let (shared, link) = (Arc::clone(broker), link_key(token));
    broker.complete(async move { follow(&shared, link).await }).await
}

async fn follow(broker: &Broker, link: Key) -> Result<bool> {
    let Some(found) = broker.vault.get::<Account>(&link).await? else { return Ok(false) };
    let mut account = found.document;
    let id = id_of(broker, &account.email);
    let known = broker.vault.get::<Account>(&account_key(&id)).await?;
    let condition = match known {
        // The owner of a known address sets a new password in the same way.
        Some(known) => {
            account.tenant = known.document.tenant;
            Condition::Revision(known.revision)
        }
        None => {
            let name = format!("t-{}", random_text()?.to_lowercase().replace(['-', '_'], "0"));
            account.tenant = Some(name.chars().take(18).collect());
            Condition::Absent
        }
    };
    if condition == Condition::Absent
        && let Some(name) = &account.tenant
    {
        tenants::found(&broker.vault, name, QUOTA).await?;
    }
    let written = broker.vault.put(account_key(&id), &account, Terms::only_if(condition)).await?;
    if written == Written::Refused {
        // Another request for the same address was faster. This link stays valid.
        return Ok(false);
    }
    broker.vault.delete(&waiting_key(&id)).await?;
    broker.vault.delete(&link).await
}

/// Issues an API key for the password of a verified address.
///
/// # Errors
///
/// Returns 401 for a wrong address or password, 403 before the address was verified or for too many keys, 404 if nobody may sign up, 429
/// for too many attempts, and 503 if the store fails.
pub async fn issue_key(
    broker: &Arc<Broker>,
    email: &str,
    password: Secret,
) -> Result<Secret, Problem> {
    if broker.mailer.is_none() {
        return Err(Problem::not_found());
    }
    if email.len() > 254 || password.expose().len() > *PASSWORD.end() {
        return Err(Problem::unauthorized());
    }
    let id = id_of(broker, email);
    let attempts = format!("password/{id}");
    if let Some(seconds) = limits::count(&broker.vault, &attempts, ATTEMPTS, 900).await? {
        return Err(Problem::too_many("too many attempts for this address", seconds));
    }
    let account = match broker.vault.get::<Account>(&account_key(&id)).await? {
        Some(found) => Some(found.document),
        None => broker.vault.get::<Account>(&waiting_key(&id)).await?.map(|found| found.document),
    };
    let hash = account.as_ref().map(|account| account.password.clone());
    if !passwords::verify(password, hash).await? {
        return Err(Problem::unauthorized());
    }
    let tenant = account.and_then(|account| account.tenant).ok_or_else(Problem::unverified)?;
    let room = quota::room_for_key(&broker.vault, &tenant).await?;
    let vault = Arc::clone(&broker.vault);
    let work = async move {
        let issued = tenants::issue_key(&vault, &tenant, "").await;
        room.end().await;
        Ok::<_, Error>(issued?.1)
    };
    Ok(broker.complete(work).await?)
}
