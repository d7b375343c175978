//! What `store migrate` moves beside the accounts: the client secrets that profiles keep in the token store, and logins by
//! URL.

use std::collections::BTreeSet;

use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::profile::{Config, Profile, SecretSource};
use oauthctl_core::store::migrate::{Original, migrate_secret};
use oauthctl_core::store::{Store, StoreSpec};
use oauthctl_core::{AccountEntry, Error, Result, text};

use crate::context::Context;
use crate::{by_url, run as runner};

/// The profiles whose client secrets were moved, and the first error.
pub struct Moved {
    pub profiles: BTreeSet<String>,
    pub failure: Option<Error>,
}

/// Moves the client secrets of one profile or of all, and the logins by URL. A profile of which an account stayed keeps its secret, too.
///
/// # Errors
///
/// Returns `Config` if the configuration is invalid.
pub fn secrets(
    profile: Option<&str>,
    (to_spec, to): (&StoreSpec, &Store),
    accounts: &[&AccountEntry],
    stayed: &BTreeSet<String>,
    context: &Context,
) -> Result<Moved> {
    let config = context.config()?;
    let is_meant =
        |name: &String| profile.is_none_or(|only| only == name) && !stayed.contains(name);
    let mut moved = Moved { profiles: BTreeSet::new(), failure: None };
    urls(&is_meant, (to_spec, to), &mut moved, context)?;
    let of_file = config.profiles.values().filter(|settings| !is_url(&settings.name));
    for settings in of_file.filter(|settings| is_meant(&settings.name)) {
        let Some(item) = item(settings) else { continue };
        let others: Vec<&Profile> =
            config.profiles.values().filter(|other| !is_meant(&other.name)).collect();
        for from_spec in sources(settings, config, accounts, context)? {
            if from_spec == *to_spec {
                continue;
            }
            let original = match is_read_by(&others, item, &from_spec, config, context)? {
                true => Original::Keep,
                false => Original::Remove,
            };
            let from = context.open_store(&from_spec)?;
            let work = migrate_secret(&*from.items, &*to.items, item, original);
            match runner::block_on(None, work) {
                Ok(true) => {
                    moved.profiles.insert(settings.name.clone());
                    break;
                }
                Ok(false) => {}
                Err(error) => {
                    let name = text::one_line(&settings.name);
                    let what = format!("cannot move the client secret of `{name}`");
                    context.ui.warn(&error.clone().context(what));
                    moved.failure = moved.failure.or(Some(error));
                    break;
                }
            }
        }
    }
    Ok(moved)
}

/// Moves the logins by URL, with the secrets of their clients.
fn urls(
    is_meant: &dyn Fn(&String) -> bool,
    (to_spec, to): (&StoreSpec, &Store),
    moved: &mut Moved,
    context: &Context,
) -> Result<()> {
    let logins = context.url_logins()?;
    for login in logins.all()?.into_iter().filter(|login| is_meant(&login.url)) {
        let from_spec: StoreSpec = login.store.parse()?;
        if from_spec == *to_spec {
            continue;
        }
        let from = context.open_store(&from_spec)?;
        let work = by_url::migrate(&logins, &login, &from, (to_spec, to));
        match runner::block_on(None, work) {
            Ok(true) => drop(moved.profiles.insert(login.url)),
            Ok(false) => {}
            Err(error) => {
                let what = format!("cannot move the login to {}", text::one_line(&login.url));
                context.ui.warn(&error.clone().context(what));
                moved.failure = moved.failure.take().or(Some(error));
            }
        }
    }
    Ok(())
}

/// The item of the token store that holds a profile's client secret.
fn item(profile: &Profile) -> Option<&str> {
    match &profile.client.secret {
        Some(SecretSource::Keyring(item)) => Some(item),
        _ => None,
    }
}

/// Where a profile's client secret can be: in its store, and in those of its accounts, because the configuration may
/// already name the new store.
fn sources(
    profile: &Profile,
    config: &Config,
    accounts: &[&AccountEntry],
    context: &Context,
) -> Result<Vec<StoreSpec>> {
    let mut specs = vec![context.store_spec(config.store_of(profile))?];
    for entry in accounts.iter().filter(|entry| entry.key.profile == profile.name) {
        let spec: StoreSpec = entry.store.parse()?;
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    Ok(specs)
}

/// Whether one of these profiles reads this item from this store.
fn is_read_by(
    profiles: &[&Profile],
    item_name: &str,
    spec: &StoreSpec,
    config: &Config,
    context: &Context,
) -> Result<bool> {
    for profile in profiles.iter().filter(|profile| item(profile) == Some(item_name)) {
        if context.store_spec(config.store_of(profile))? == *spec {
            return Ok(true);
        }
    }
    Ok(false)
}
