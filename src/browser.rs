//! The browser that the user chose.

use oauthctl_core::login::Browser;
use oauthctl_core::{Error, Result};

use crate::environment::{variable, variable_os};

/// The variable for this program.
const OWN: &str = "OAUTHCTL_BROWSER";
/// The variable for all programs.
const SHARED: &str = "BROWSER";

/// Returns the browser that the flag or a variable names.
///
/// # Errors
///
/// Returns `Usage` for an invalid command and for a program of the flag that does not exist, and `Config` for a
/// variable that is not text. A program of a variable is not checked: without it, the user opens the URL.
pub fn named(flag: Option<&str>) -> Result<Option<Browser>> {
    let path = variable_os("PATH");
    if let Some(command) = flag {
        let browser = Browser::command(command, path.as_deref())?;
        browser.program().map_err(unusable)?;
        return Ok(Some(browser));
    }
    let named = variable(OWN)?;
    // A list without an entry names no browser.
    let is_entry = |c: char| !(c == ':' || c == ';' || c.is_whitespace());
    let alternatives = variable(SHARED)?.filter(|list| list.contains(is_entry));
    match (named, alternatives) {
        (Some(command), _) => of(OWN, Browser::command(&command, path.as_deref())),
        (None, Some(all)) => of(SHARED, Browser::alternatives(&all, path.as_deref())),
        (None, None) => Ok(None),
    }
}

/// Names the variable of a browser, in errors too.
fn of(variable: &'static str, browser: Result<Browser>) -> Result<Option<Browser>> {
    let browser = browser.map_err(|error| error.context(format!("cannot read {variable}")))?;
    Ok(Some(browser.of_variable(variable)))
}

fn unusable(error: Error) -> Error {
    Error::usage(format!("the value of `--browser` cannot be used: {}", error.message()))
        .hint("name a program in PATH, or one by its absolute path")
}
