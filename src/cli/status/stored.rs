//! What the stores have of the accounts in the index: `status` must not promise what `token` cannot keep.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use oauthctl_core::grant::{AccountEntry, DEFAULT_ACCOUNT, Grant};
use oauthctl_core::store::{Store, StoreSpec};
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Advice, Error, GrantKey, Result};

use super::super::context::Context;
use super::super::run as runner;
use super::needs_user;

/// How many accounts are looked up in their stores: each costs reading and decrypting a record.
const ASKED_AT_MOST: usize = 100;

/// How long all stores together may take: one that is locked or hangs must not hold `status` up.
const WAIT: Duration = Duration::from_secs(1);

/// An account as `status` shows it.
pub struct Account {
    /// What is known of it: from its record, where that could be read, else from the index.
    pub entry: AccountEntry,
    /// Its record, where it could be read.
    pub grant: Option<Grant>,
    /// Whether the store has the record; `None` where that is not known.
    pub is_stored: Option<bool>,
    /// Why `token` would not hand out what is shown, and what to do about it.
    pub problem: Option<Error>,
}

impl Account {
    fn as_indexed(entry: AccountEntry) -> Self {
        Self { entry, grant: None, is_stored: None, problem: None }
    }

    /// What the store said of the account.
    fn compared(entry: AccountEntry, found: Result<Record>) -> Self {
        let grant = match found {
            Ok(Record::Read(grant)) => grant,
            Ok(Record::There(is_stored)) => return Self { is_stored, ..Self::as_indexed(entry) },
            Ok(Record::None) if !needs_user(&entry) => {
                return Self { is_stored: Some(false), ..Self::as_indexed(entry) };
            }
            Ok(Record::None) => {
                let what = format!("the store `{}` no longer has it", one_line(&entry.store));
                let hint = Advice::LogIn(entry.key.clone());
                let problem = Error::login_required(what).hint(hint);
                return Self {
                    is_stored: Some(false),
                    problem: Some(problem),
                    ..Self::as_indexed(entry)
                };
            }
            Err(error) => {
                let what = "what is shown is as last recorded: its record cannot be read";
                let problem = Some(error.context(what));
                return Self { problem, ..Self::as_indexed(entry) };
            }
        };
        let problem = entry.refuse_older(&grant, &entry.store).err();
        let mut read = AccountEntry::of(&grant, &entry.store);
        if read.grant_id == entry.grant_id {
            // The index knows of failures that left the record as it was.
            read.login_required |= entry.login_required;
            read.last_error = entry.last_error;
        }
        Self { entry: read, grant: Some(*grant), is_stored: Some(true), problem }
    }
}

/// The accounts with what their stores say of them, and whether the stores were asked.
pub fn compare(entries: Vec<AccountEntry>, context: &Context) -> (Vec<Account>, bool) {
    if entries.len() > ASKED_AT_MOST {
        return (entries.into_iter().map(Account::as_indexed).collect(), false);
    }
    let places = entries.iter().map(|entry| (entry.key.clone(), entry.store.clone()));
    let mut found = load(places.collect(), context);
    let accounts = entries.into_iter().map(|entry| {
        let of_store = found.remove(&entry.key).unwrap_or_else(|| {
            Err(Error::store(format!("the store `{}` does not answer", one_line(&entry.store))))
        });
        let mut account = Account::compared(entry, of_store);
        account.problem = account.problem.or_else(|| elsewhere(&account.entry, context));
        account
    });
    (accounts.collect(), true)
}

/// The default accounts that are in the stores although the index does not know them: of this profile,
/// else of all profiles.
pub fn unindexed(name: Option<&str>, context: &Context) -> Vec<Account> {
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
        // A keyring is not asked where nothing says that it has something.
        let store = context.store_spec_of(&name).ok()?;
        let is_file = matches!(store, StoreSpec::File(_));
        is_file.then(|| (GrantKey::new(name, DEFAULT_ACCOUNT), store.to_string()))
    };
    let places: Vec<(GrantKey, String)> = names.into_iter().filter_map(place).collect();
    let mut found = load(places.clone(), context);
    let accounts = places.into_iter().filter_map(|(key, store)| {
        let Ok(Record::Read(grant)) = found.remove(&key)? else { return None };
        let entry = AccountEntry::of(&grant, &store);
        Some(Account { entry, grant: Some(*grant), is_stored: Some(true), problem: None })
    });
    accounts.collect()
}

/// Where the profile's store is another one now, commands look for the account there.
fn elsewhere(entry: &AccountEntry, context: &Context) -> Option<Error> {
    let now = context.store_spec_of(&entry.key.profile).ok()?.to_string();
    (now != entry.store).then(|| {
        let what = format!("commands use the store `{}`, which is another one", one_line(&now));
        Error::config(what).hint(format!(
            "add `--store {}` to the command, or set `store = \"{}\"` in the profile",
            shell_word(&entry.store),
            one_line(&entry.store)
        ))
    })
}

/// What a store says of a record.
enum Record {
    /// It could be read.
    Read(Box<Grant>),
    /// It was not read: a keyring could prompt the user. Whether it is there, where that is known.
    There(Option<bool>),
    /// It is not there.
    None,
}

type Found = (GrantKey, Result<Record>);

/// Reads the records, those of each store in a thread of its own, so that none is waited for too long.
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
