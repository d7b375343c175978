//! Limits that all instances count together.

use oauthctl_core::Result;
use serde::{Deserialize, Serialize};

use crate::clock::now_seconds;
use crate::storage::{Condition, Key, Space, Written};
use crate::vault::{Terms, Vault};

#[derive(Serialize, Deserialize)]
struct Counter {
    count: u32,
}

/// Counts one more of something, within windows of `seconds`. Returns the seconds until the window ends if there were
/// `most` already.
///
/// # Errors
///
/// Returns `Store` if the store fails.
pub async fn count(vault: &Vault, what: &str, most: u32, seconds: u64) -> Result<Option<u64>> {
    let now = now_seconds();
    let ends = now - now % seconds + seconds;
    let key = Key::new(Space::Limits, "", format!("{what}/{ends}"));
    loop {
        let found = vault.get::<Counter>(&key).await?;
        let (count, condition) = match found {
            Some(found) => (found.document.count, Condition::Revision(found.revision)),
            None => (0, Condition::Absent),
        };
        if count >= most {
            return Ok(Some(ends.saturating_sub(now).max(1)));
        }
        let terms = Terms { expires_at: Some(ends + 60), ..Terms::only_if(condition) };
        if vault.put(key.clone(), &Counter { count: count + 1 }, terms).await? != Written::Refused {
            return Ok(None);
        }
    }
}
