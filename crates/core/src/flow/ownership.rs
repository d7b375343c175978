//! Which login a flow may replace: the flow of an end user replaces only that user's own login.

use super::commit::Warnings;
use super::index::indexed_user;
use super::load::{Unloaded, load};
use super::ports::Ports;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Grant, GrantKey};
use crate::text::one_line;

/// Refuses, before the user is sent to the server, what [`require_owner`] would refuse at the end. A
/// store that cannot be read is left to the completion, which may run on another machine.
pub(super) async fn check_owner(ports: &Ports, key: &GrantKey, user: Option<&str>) -> Result<()> {
    let Some(name) = user else { return Ok(()) };
    let owner = indexed_user(ports, key).await;
    if owner.is_some_and(|owner| owner.as_deref() == Some(name)) {
        return Ok(());
    }
    match load(ports, key).await {
        Ok(Some(grant)) => require_owner(key, grant.user.as_deref(), user),
        _ => Ok(()),
    }
}

/// Refuses to replace a login that was made for `owner` by the flow of another end user. A flow without a
/// user belongs to the operator and may replace any login.
pub(super) fn require_owner(key: &GrantKey, owner: Option<&str>, user: Option<&str>) -> Result<()> {
    let Some(user) = user.filter(|user| owner != Some(user)) else { return Ok(()) };
    let (account, shown) = (one_line(&key.account), one_line(user));
    Err(Error::config(format!(
        "the login of account `{account}` of `{}` was not made for user `{shown}`, so a flow of \
         this user must not replace it",
        one_line(&key.profile)
    ))
    .hint(Advice::UseAnotherUser(key.clone())))
}

/// Returns the stored grant that a new login replaces. A damaged or newer record is moved aside, never
/// overwritten; the warning says where it went. A record of another key stays in place, and so does a
/// login that this user's flow must not replace.
pub(super) async fn replaced(
    ports: &Ports,
    key: &GrantKey,
    user: Option<&str>,
) -> Result<(Option<Grant>, Warnings)> {
    match load(ports, key).await {
        Ok(Some(grant)) => {
            require_owner(key, grant.user.as_deref(), user)?;
            Ok((Some(grant), Vec::new()))
        }
        Ok(None) => Ok((None, Vec::new())),
        Err(Unloaded::Foreign(error)) => Err(error),
        Err(Unloaded::Failed(error) | Unloaded::Newer(error)) => {
            if let Some(owner) = indexed_user(ports, key).await {
                require_owner(key, owner.as_deref(), user)?;
            }
            match ports.store.set_aside(key).await? {
                Some(place) => {
                    let what = format!("the previously stored record is kept as {place}");
                    Ok((None, vec![error.context(what)]))
                }
                None => Err(error),
            }
        }
    }
}
