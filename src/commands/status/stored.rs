//! Compares the accounts of the index with the stores: `status` must not promise what `token` cannot
//! deliver.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use oauthctl_core::flow::login_again;
use oauthctl_core::grant::{AccountEntry, DEFAULT_ACCOUNT, Grant};
use oauthctl_core::profile::GrantType;
use oauthctl_core::store::{Store, StoreSpec};
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Advice, Error, ErrorKind, GrantKey, Result};

use crate::context::Context;
use crate::{hint, run as runner};

/// Maximum number of accounts to look up in their stores: each requires reading and decrypting a record.
const ASKED_AT_MOST: usize = 100;

/// Time limit for all stores together: a locked or hanging store must not delay `status`.
const WAIT: Duration = Duration::from_secs(1);

/// An account, as `status` shows it.
pub struct Account {
    /// What is known of it: from its record if that could be read, else from the index.
    pub entry: AccountEntry,
    /// Its record, if it could be read.
    pub grant: Option<Grant>,
    /// Whether the store has the record; `None` if that is unknown.
    pub is_stored: Option<bool>,
    /// Why `token` would not print this token, and what to do about it.
    pub problem: Option<Error>,
}

impl Account {
    fn as_indexed(entry: AccountEntry) -> Self {
        Self { entry, grant: None, is_stored: None, problem: None }
    }

    /// Combines an index entry with what the store returned for the account.
    fn compared(entry: AccountEntry, found: Result<Record>, context: &Context) -> Self {
        let grant = match found {
            Ok(Record::Read(grant)) => grant,
            Ok(Record::There(is_stored)) => return Self { is_stored, ..Self::as_indexed(entry) },
            Ok(Record::None) if !needs_user(&entry) => {
                return Self { is_stored: Some(false), ..Self::as_indexed(entry) };
            }
            Ok(Record::None) => {
                let what = format!("it is no longer in the store `{}`", one_line(&entry.store));
                let problem = Error::login_required(what).hint(log_in(&entry, context));
                return Self {
                    is_stored: Some(false),
                    problem: Some(problem),
                    ..Self::as_indexed(entry)
                };
            }
            Err(error) => {
                let what = "showing the last recorded state, because the record cannot be read";
                let problem = Some(error.context(what));
                return Self { problem, ..Self::as_indexed(entry) };
            }
        };
        let problem = entry.refuse_older(&grant, &entry.store).err();
        let mut read = AccountEntry::of(&grant, &entry.store);
        if read.grant_id == entry.grant_id {
            // The index records failures that left the record unchanged.
            read.login_required |= entry.login_required;
            read.last_error = entry.last_error;
        }
        Self { entry: read, grant: Some(*grant), is_stored: Some(true), problem }
    }
}

/// Returns the advice to log in to this account again, with the scopes that it has now.
pub fn log_in(entry: &AccountEntry, context: &Context) -> Advice {
    match context.profile(&entry.key.profile) {
        Ok(profile) => login_again(profile, &entry.key, &entry.scopes),
        Err(_) => Advice::LogIn(entry.key.clone()),
    }
}

/// Returns the accounts, compared with their stores, and whether the stores were checked.
pub fn compare(entries: Vec<AccountEntry>, context: &Context) -> (Vec<Account>, bool) {
    if entries.len() > ASKED_AT_MOST {
        return (entries.into_iter().map(Account::as_indexed).collect(), false);
    }
    let places = entries.iter().map(|entry| (entry.key.clone(), entry.store.clone()));
    let mut found = load(places.collect(), context);
    let accounts = entries.into_iter().map(|entry| {
        let of_store = found.remove(&entry.key).unwrap_or_else(|| {
            Err(Error::store(format!("the store `{}` does not respond", one_line(&entry.store))))
        });
        let mut account = Account::compared(entry, of_store, context);
        let entry = &account.entry;
        let problem = account.problem.or_else(|| elsewhere(entry, context));
        account.problem = problem.or_else(|| moved(entry, context)).or_else(|| refused(entry));
        account
    });
    (accounts.collect(), true)
}

/// Returns the default accounts that are stored but not indexed, of this profile or of all profiles, and why
/// others cannot be read.
pub fn unindexed(name: Option<&str>, context: &Context) -> (Vec<Account>, Vec<Error>) {
    let names = match (name, context.catalog()) {
        (Some(name), _) => vec![name.to_owned()],
        // A large configuration is not parsed for this.
        (None, Ok(Some(_)) | Err(_)) => Vec::new(),
        (None, Ok(None)) => context
            .config()
            .map(|config| config.profiles.keys().take(ASKED_AT_MOST).cloned().collect())
            .unwrap_or_default(),
    };
    let place = |name: String| {
        // A keyring is not accessed unless something indicates that it has the account.
        let store = context.store_spec_of(&name).ok()?;
        let is_file = matches!(store, StoreSpec::File(_));
        is_file.then(|| (GrantKey::new(name, DEFAULT_ACCOUNT), store.to_string()))
    };
    let places: Vec<(GrantKey, String)> = names.into_iter().filter_map(place).collect();
    let mut found = load(places.clone(), context);
    let (mut accounts, mut unread) = (Vec::new(), Vec::new());
    for (key, store) in places {
        match found.remove(&key) {
            Some(Ok(Record::Read(grant))) => {
                let entry = AccountEntry::of(&grant, &store);
                let (grant, is_stored) = (Some(*grant), Some(true));
                let problem = moved(&entry, context);
                accounts.push(Account { entry, grant, is_stored, problem });
            }
            Some(Err(error)) => unread.push(error.context(format!("cannot read {key}"))),
            _ => {}
        }
    }
    (accounts, unread)
}

/// Returns the problem of an account whose profile now uses another store, where commands look for it.
fn elsewhere(entry: &AccountEntry, context: &Context) -> Option<Error> {
    let now = context.store_spec_of(&entry.key.profile).ok()?.to_string();
    (now != entry.store).then(|| {
        let what = format!("commands use a different store, `{}`", one_line(&now));
        Error::config(what).hint(hint::use_store(&entry.store, &entry.key.profile))
    })
}

/// Returns the problem of an account whose profile now has another server or client: its refresh token is not sent
/// there.
fn moved(entry: &AccountEntry, context: &Context) -> Option<Error> {
    let pin = entry.pin.as_ref().filter(|_| needs_user(entry))?;
    let profile = context.profile(&entry.key.profile).ok()?;
    let (issuer, endpoint) = (profile.issuer.as_deref(), profile.endpoints.token.as_deref());
    let what = pin.differs_from(issuer, endpoint, &profile.client.id)?;
    let what = format!("the profile now has a different {what}, to which its tokens do not belong");
    Some(Error::login_required(what).hint(Advice::LogInIfIntended(entry.key.clone())))
}

/// Returns the problem of an account whose last refresh the server has refused for a reason that does not pass.
fn refused(entry: &AccountEntry) -> Option<Error> {
    let failure = entry.last_error.as_ref().filter(|failure| failure.narrowing.is_none())?;
    let lasting = [ErrorKind::ServerRefused, ErrorKind::AccessDenied];
    let kind = lasting.into_iter().find(|kind| failure.error.as_deref() == Some(kind.word()))?;
    let error = Error::new(kind, format!("the last refresh failed: {}", failure.message));
    let is_of_client = failure.oauth_error.as_deref() == Some("invalid_client");
    Some(match is_of_client {
        true => error.hint(format!(
            "correct the client with `oauthctl profile edit`, or its secret with `oauthctl profile \
             set-secret {}`; then run `{}`",
            shell_word(&entry.key.profile),
            hint::refresh_command(&entry.key)
        )),
        false => error.hint(Advice::Refresh(entry.key.clone())),
    })
}

/// The result of looking up a record.
enum Record {
    /// It was read.
    Read(Box<Grant>),
    /// It was not read, because a keyring could prompt the user. Whether it exists, if that is known.
    There(Option<bool>),
    /// It does not exist.
    None,
}

type Found = (GrantKey, Result<Record>);

/// Reads the records, with a thread for each store, so that a slow one is not waited for.
fn load(places: Vec<(GrantKey, String)>, context: &Context) -> BTreeMap<GrantKey, Result<Record>> {
    let mut by_store: BTreeMap<String, Vec<GrantKey>> = BTreeMap::new();
    for (key, store) in places {
        by_store.entry(store).or_default().push(key);
    }
    let mut found = BTreeMap::new();
    let (sender, receiver) = mpsc::channel();
    for (name, keys) in by_store {
        let opened = name
            .parse::<StoreSpec>()
            .and_then(|spec| Ok((context.open_store(&spec)?, matches!(spec, StoreSpec::File(_)))));
        match opened {
            Ok((store, is_read)) => ask(store, is_read, keys, sender.clone()),
            Err(error) => found.extend(keys.into_iter().map(|key| (key, Err(error.clone())))),
        }
    }
    drop(sender);
    let end = Instant::now() + WAIT;
    let left = || end.saturating_duration_since(Instant::now());
    while let Ok((key, grant)) = receiver.recv_timeout(left()) {
        found.insert(key, grant);
    }
    found
}

fn ask(store: Store, is_read: bool, keys: Vec<GrantKey>, sender: mpsc::Sender<Found>) {
    std::thread::spawn(move || {
        for key in keys {
            let record = runner::block_on(None, look(&store, is_read, &key));
            if sender.send((key, record)).is_err() {
                return;
            }
        }
    });
}

async fn look(store: &Store, is_read: bool, key: &GrantKey) -> Result<Record> {
    if !is_read {
        return Ok(match store.grants.contains(key).await? {
            Some(false) => Record::None,
            known => Record::There(known),
        });
    }
    let grant = store.grants.load(key).await?;
    Ok(grant.map_or(Record::None, |grant| Record::Read(Box::new(grant))))
}

/// Returns whether only the user can obtain a new grant, as is assumed for an unknown grant type.
pub fn needs_user(entry: &AccountEntry) -> bool {
    let known = GrantType::ALL.iter().find(|(name, _)| *name == entry.grant_type);
    known.is_none_or(|(_, grant)| grant.needs_user())
}
