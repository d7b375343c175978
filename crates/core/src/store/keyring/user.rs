//! The user who can respond to the prompts of a keyring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A user who can answer a keyring's prompts.
#[derive(Clone)]
pub struct KeyringUser {
    /// How long the user has to answer one prompt.
    pub patience: Duration,
    /// Called if a prompt is still open after a moment.
    pub notice: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for KeyringUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyringUser").field("patience", &self.patience).finish_non_exhaustive()
    }
}
