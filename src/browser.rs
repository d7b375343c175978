//! The browser that the user chose.

use oauthctl_core::Result;
use oauthctl_core::login::Browser;

use crate::environment::{variable, variable_os};

/// Returns the browser that the flag or a variable names.
///
/// # Errors
///
/// Returns `Usage` for an invalid command, and `Config` for a variable that is not text.
pub fn named(flag: Option<&str>) -> Result<Option<Browser>> {
    let path = variable_os("PATH");
    let named = match flag {
        Some(command) => Some(command.to_owned()),
        None => variable("OAUTHCTL_BROWSER")?,
    };
    // A list without an entry names no browser.
    let is_entry = |c: char| !(c == ':' || c == ';' || c.is_whitespace());
    let alternatives = variable("BROWSER")?.filter(|list| list.contains(is_entry));
    match (named, alternatives) {
        (Some(command), _) => Browser::command(&command, path.as_deref()).map(Some),
        (None, Some(all)) => Browser::alternatives(&all, path.as_deref()).map(Some),
        (None, None) => Ok(None),
    }
}
