//! Sign-up: a developer proves an email address and gets a tenant.
//!
//! Responses do not reveal whether an address is known: they are the same, and so is the work. A password
//! counts only after the link of its own mail was followed. Mail scanners follow links as well, so that is
//! sufficient only for an address without a tenant. To replace the password of a tenant takes both what is in
//! the mail and what was chosen at the sign-up: nobody but the owner of the address who signed up has both.

use std::sync::Arc;

use lettre::Address;
use lettre::message::Mailbox;
use oauthctl_core::{Error, Result, Secret};
use serde::{Deserialize, Serialize};

use crate::broker::Broker;
use crate::clock::now_seconds;
use crate::keys::random_text;
use crate::limits::Turn;
use crate::model::Quota;
use crate::names::of_secret;
use crate::problem::Problem;
use crate::quota::{self, Room};
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::{Terms, Vault};
use crate::{limits, passwords, tenants};

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
    // Also for a known address, where it is never read: otherwise, the response time would reveal that it is known.
    broker.vault.put(waiting_key(&id), &account, until()).await?;
    let is_known = broker.vault.storage().get(&account_key(&id)).await?.is_some();
    let (subject, text) = mail(&broker.public_url, &token, is_known);
    let (mailer, counted) = (mailer.clone(), broker.count_work());
    // In the background: otherwise, the response time would reveal whether a mail is sent.
    tokio::spawn(async move {
        let _counted = counted;
        let to = Mailbox::new(None, address);
        if let Err(error) = mailer.send(to, subject, text).await {
            tracing::error!(reason = error.message(), "an email was not sent");
        }
    });
    Ok(())
}

/// Returns the subject and the text of the mail with a link.
fn mail(public_url: &str, token: &str, is_known: bool) -> (&'static str, String) {
    let url = format!("{public_url}/v1/verify?token={token}");
    if is_known {
        let text = format!(
            "Someone asked to set a new password for the account with this address at {public_url}.\n\n\
             If this was you, open this link within 24 hours, and enter the new password there:\n\n{url}\n\n\
             Otherwise, ignore this email: nothing changes.\n"
        );
        return ("Set a new password", text);
    }
    let text = format!(
        "Someone signed up with this address at {public_url}.\n\n\
         If this was you, open this link within 24 hours:\n\n{url}\n\n\
         Otherwise, ignore this email.\n"
    );
    ("Confirm your email address", text)
}

/// What opening a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// The link is invalid.
    Invalid,
    /// The address is confirmed now.
    Confirmed,
    /// The address has a tenant. Nothing was changed: see [`replace`].
    Known,
}

/// Handles a link that was opened. Confirms the address to which it was mailed, unless that has a tenant already.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn open(broker: &Arc<Broker>, token: &str) -> Result<Opened> {
    let (shared, link) = (Arc::clone(broker), link_key(token));
    broker.complete(async move { follow(&shared, link).await }).await
}

async fn follow(broker: &Broker, link: Key) -> Result<Opened> {
    // Another request for the same address may be faster.
    loop {
        let Some(found) = broker.vault.get::<Account>(&link).await? else {
            return Ok(Opened::Invalid);
        };
        let id = id_of(broker, &found.document.email);
        if broker.vault.storage().get(&account_key(&id)).await?.is_some() {
            return Ok(Opened::Known);
        }
        let name = format!("t-{}", random_text()?.to_lowercase().replace(['-', '_'], "0"));
        let name: String = name.chars().take(18).collect();
        tenants::found(&broker.vault, &name, QUOTA).await?;
        let account = Account { tenant: Some(name.clone()), ..found.document };
        let terms = Terms::only_if(Condition::Absent);
        if broker.vault.put(account_key(&id), &account, terms).await? != Written::Refused {
            broker.vault.delete(&waiting_key(&id)).await?;
            broker.vault.delete(&link).await?;
            return Ok(Opened::Confirmed);
        }
        broker.vault.delete(&tenants::tenant_record(&name)).await?;
    }
}

/// The outcome of replacing a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// The link is invalid.
    Invalid,
    /// The password is not that of the sign-up.
    WrongPassword,
    /// There were too many attempts; the number of seconds until the next one.
    TooOften(u64),
    /// The password is replaced.
    Done,
}

/// Replaces the password of a known address with the one that was chosen at the sign-up of this link, and revokes the
/// keys that were issued for the old one. If that fails, it can be repeated.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn replace(broker: &Arc<Broker>, token: &str, password: Secret) -> Result<Replaced> {
    let link = link_key(token);
    let Some(found) = broker.vault.get::<Account>(&link).await? else {
        return Ok(Replaced::Invalid);
    };
    let attempts = format!("replace/{}", of_secret(token));
    if let Some(seconds) = limits::count(&broker.vault, &attempts, ATTEMPTS, 900).await? {
        return Ok(Replaced::TooOften(seconds));
    }
    if password.expose().len() > *PASSWORD.end()
        || !passwords::verify(password, Some(found.document.password.clone())).await?
    {
        return Ok(Replaced::WrongPassword);
    }
    let shared = Arc::clone(broker);
    broker.complete(async move { replace_in_turn(&shared, &link, found.document).await }).await
}

async fn replace_in_turn(broker: &Broker, link: &Key, chosen: Account) -> Result<Replaced> {
    let vault = &broker.vault;
    let key = account_key(&id_of(broker, &chosen.email));
    let Some(known) = vault.get::<Account>(&key).await? else { return Ok(Replaced::Invalid) };
    let Some(tenant) = known.document.tenant else { return Ok(Replaced::Invalid) };
    // In the turn of those who issue keys: no key for the old password may come after the revocation.
    let turn = Turn::wait(vault, Space::KeyNames, &tenant).await?;
    let replaced = async {
        // Of two requests with this link, one replaces the password.
        if vault.storage().get(link).await?.is_none() {
            return Ok(Replaced::Invalid);
        }
        let account = Account { tenant: Some(tenant.clone()), ..chosen };
        let written = vault.put(key, &account, Terms::only_if(turn.condition())).await?;
        if written == Written::Refused {
            return Err(Error::store("the store took too long"));
        }
        tenants::revoke_keys_by_password(vault, &broker.caches, &tenant).await?;
        vault.delete(link).await?;
        Ok(Replaced::Done)
    }
    .await;
    turn.end().await;
    replaced
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
        return Err(Problem::wrong_password());
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
    if !passwords::verify(password, hash.clone()).await? {
        return Err(Problem::wrong_password());
    }
    let tenant = account.and_then(|account| account.tenant).ok_or_else(Problem::unverified)?;
    let room = quota::room_for_key(&broker.vault, &tenant).await?;
    let vault = Arc::clone(&broker.vault);
    let work = async move {
        let issued = issue_in_turn(&vault, &account_key(&id), hash, &tenant, &room).await;
        room.end().await;
        issued
    };
    broker.complete(work).await
}

/// Issues a key, unless the password has been replaced since it was verified.
async fn issue_in_turn(
    vault: &Vault,
    account: &Key,
    verified: Option<String>,
    tenant: &str,
    room: &Room,
) -> Result<Secret, Problem> {
    let account = vault.get::<Account>(account).await?;
    if account.map(|found| found.document.password) != verified {
        return Err(Problem::wrong_password());
    }
    Ok(tenants::issue_key_by_password(vault, tenant, room.condition()).await?)
}
