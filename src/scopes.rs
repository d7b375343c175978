//! Scopes from the command line.

use oauthctl_core::profile::Profile;
use oauthctl_core::profile::scopes::comma_warning;
use oauthctl_core::{Error, text::shell_word};

use crate::context::Context;

/// Warns about a scope that was probably meant to be several.
pub fn warn(context: &Context, given: &[String], profile: &Profile) {
    if let Some(what) = comma_warning(given, &profile.scope_separator) {
        let spaced = given.join(" ").replace(',', " ");
        let spaced = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
        let hint = format!("separate scopes with spaces: `--scope {}`", shell_word(&spaced));
        context.ui.warn(&Error::usage(what).hint(hint));
    }
}
