//! Gives an account's export line to a command: the secret API of a CI system, for instance.

use oauthctl_core::profile::Profile;
use oauthctl_core::{Error, Result, Secret, hook};

use super::report::Voice;

/// Tells of a command that was ended with whoever awaited it.
struct Awaited {
    voice: Voice,
    is_done: bool,
}

impl Drop for Awaited {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        let what = "`write_back` was interrupted, and may not have taken the new tokens: they are \
                    stored here";
        self.voice.warn(&Error::config(what).hint("the next refresh writes them back"));
    }
}

/// Runs the profile's command with the line on its standard input; it says nothing on our standard
/// output. Dropped before its end, the command and all that it has started are ended, and that is
/// told.
///
/// # Errors
///
/// `Config` where it cannot be started, fails, or takes too long.
pub async fn feed(profile: &Profile, line: &Secret, voice: Voice) -> Result<()> {
    let line = Secret::new(format!("{}\n", line.expose()));
    let mut awaited = Awaited { voice, is_done: false };
    let outcome = hook::feed(profile, &profile.write_back, line).await;
    awaited.is_done = true;
    outcome.map_err(|error| error.hint("correct `write_back` in the profile"))
}
