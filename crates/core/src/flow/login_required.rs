//! The errors of an account that has no usable grant here: a user must log in, or it is in another store.

use super::Ports;
use super::load::Unloaded;
use crate::advice::Advice;
use crate::error::Error;
use crate::grant::{Grant, GrantKey};
use crate::text::one_line;

/// A store that cannot be read; the index may know that the grant is in another one.
pub(super) fn perhaps_elsewhere(ports: &Ports, key: &GrantKey, unloaded: Unloaded) -> Error {
    let Unloaded::Failed(error) = unloaded else { return unloaded.into() };
    match ports.coordinator.account(key) {
        Ok(Some(entry)) if entry.store != ports.store.name() => {
            error.hint(Advice::UseStore { key: key.clone(), store: entry.store })
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
        .hint(Advice::UseStore { key: key.clone(), store: entry.store }),
        _ => error,
    }
}

pub(super) fn no_cached_token(key: &GrantKey, grant: Option<&Grant>) -> Error {
    match grant {
        None => not_logged_in(key),
        Some(_) => Error::login_required(format!("the stored token of {key} expires too soon"))
            .hint(Advice::AllowRefresh),
    }
}

pub(super) fn login_required(key: &GrantKey, what: &str) -> Error {
    Error::login_required(what).hint(Advice::LogIn(key.clone()))
}

/// The error of an account that has no grant.
pub fn not_logged_in(key: &GrantKey) -> Error {
    login_required(key, &format!("not logged in to {key}"))
}
