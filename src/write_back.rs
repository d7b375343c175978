//! Passes an account's export line to a command, for instance the secret API of a CI system.

use oauthctl_core::profile::Profile;
use oauthctl_core::{Error, GrantKey, Result, Secret, hook};

use crate::hint::refresh_command;
use crate::ui::Ui;

/// Reports a command that was ended because its caller stopped waiting.
struct Awaited<'a> {
    key: &'a GrantKey,
    ui: Ui,
    is_done: bool,
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let what = "`write_back` was interrupted and may not have received the new tokens: they \
                    are stored locally";
        let hint = format!("run `{}` to write them back", refresh_command(self.key));
        self.ui.warn(&Error::config(what).hint(hint));
    }
}

/// Runs the profile's command with the line on its standard input. Its standard output never reaches our
/// own. If the future is dropped before the end, the command and all processes that it started are ended,
/// and a warning is printed.
///
/// # Errors
///
/// Returns `Config` if it cannot be started, fails, or takes too long.
pub async fn feed(profile: &Profile, key: &GrantKey, line: &Secret, ui: Ui) -> Result<()> {
    let line = Secret::new(format!("{}\n", line.expose()));
    let mut awaited = Awaited { key, ui, is_done: false };
    let outcome = hook::feed(profile, &profile.write_back, line).await;
    awaited.is_done = true;
    outcome.map_err(|error| error.hint("correct `write_back` in the profile"))
}
