//! Whose login a flow may replace: the flow of an end user replaces none but that user's own.

use super::FlowManager;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::GrantKey;
use crate::text::one_line;

impl FlowManager {
    /// Refuses, before the user is sent anywhere, what [`require_owner`] would refuse at the end.
    /// A store that cannot be read is left to the completion, which may run on another machine.
    pub(super) async fn check_owner(&self, key: &GrantKey, user: Option<&str>) -> Result<()> {
        if user.is_none() || self.indexed_user(key).is_some_and(|owner| owner.as_deref() == user) {
            return Ok(());
        }
        match self.load(key).await {
            Ok(Some(grant)) => require_owner(key, grant.user.as_deref(), user),
            _ => Ok(()),
        }
    }

    /// Whom the account index names as the user of what this store holds under the key; `None` where
    /// the index does not know the account.
    pub(super) fn indexed_user(&self, key: &GrantKey) -> Option<Option<String>> {
        let entry = self.ports.coordinator.account(key).ok().flatten()?;
        (entry.store == self.ports.store.name()).then_some(entry.user)
    }
}

/// Refuses to replace a login that was made for `owner` by the flow of another end user. A flow
/// without a user is the operator's own, and may replace any login.
pub(super) fn require_owner(key: &GrantKey, owner: Option<&str>, user: Option<&str>) -> Result<()> {
    let Some(user) = user.filter(|user| owner != Some(user)) else { return Ok(()) };
    let (account, shown) = (one_line(&key.account), one_line(user));
    Err(Error::config(format!(
        "the login of account `{account}` of `{}` was not made for user `{shown}`, whose flow must not replace it",
        one_line(&key.profile)
    ))
    .hint(Advice::UseAnotherUser(key.clone())))
}
