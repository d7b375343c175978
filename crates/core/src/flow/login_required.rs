//! The errors of an account that has no usable grant here: a user must log in, or it is in another store.

use super::Ports;
use super::load::Unloaded;
use crate::error::Error;
use crate::grant::{Grant, GrantKey};
use crate::text::{one_line, shell_word};

/// A store that cannot be read; the index may know that the grant is in another one.
pub(super) fn perhaps_elsewhere(ports: &Ports, key: &GrantKey, unloaded: Unloaded) -> Error {
    let Unloaded::Failed(error) = unloaded else { return unloaded.into() };
    match ports.coordinator.account(key) {
        Ok(Some(entry)) if entry.store != ports.store.name() => {
            error.hint(format!("{key} is in another store: {}", use_store(key, &entry.store)))
        }
        _ => error,
    }
}

/// Nothing is stored here; the index may know of another store.
pub(super) fn never_logged_in(ports: &Ports, key: &GrantKey) -> Error {
    let error = not_logged_in(key);
    match ports.coordinator.account(key) {
        Ok(Some(entry)) if entry.store != ports.store.name() => Error::login_required(format!(
            "{key} is not in the store `{}`",
            one_line(&ports.store.name())
        ))
        .hint(format!("it is in another store: {}", use_store(key, &entry.store))),
        _ => error,
    }
}

/// How a command gets to use the store that has the account.
fn use_store(key: &GrantKey, store: &str) -> String {
    format!(
        "add `--store {}` to the command, or set `store = \"{}\"` in the profile `{}`",
        shell_word(store),
        one_line(store),
        one_line(&key.profile)
    )
}

pub(super) fn no_cached_token(key: &GrantKey, grant: Option<&Grant>) -> Error {
    match grant {
        None => not_logged_in(key),
        Some(_) => Error::login_required(format!("the stored token of {key} expires too soon"))
            .hint("omit `--cached` to have it refreshed, or lower `--min-ttl`"),
    }
}

pub(super) fn login_required(key: &GrantKey, what: &str) -> Error {
    Error::login_required(what).hint(format!("run `{}`", login_command(key)))
}

/// The error of an account that has no grant, with the command that logs in.
pub fn not_logged_in(key: &GrantKey) -> Error {
    login_required(key, &format!("not logged in to {key}"))
}

/// The command that logs in to this account, quoted for a shell.
pub fn login_command(key: &GrantKey) -> String {
    key.login_command()
}
