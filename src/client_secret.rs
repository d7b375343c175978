//! Client secrets from standard input.

use std::io::{IsTerminal, Read};

use oauthctl_core::{Error, Result, Secret};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::prompt;

/// The maximum size of a client secret, in bytes.
const LONGEST_SECRET: usize = 64 * 1024;

/// Reads the client secret: everything from a pipe, or a hidden line at a terminal.
///
/// # Errors
///
/// Returns `Usage` for a secret that is empty, too long or not UTF-8, and `LoginRequired` if it would have to be
/// entered.
pub fn read(context: &Context) -> Result<Secret> {
    let empty = || Error::usage("the client secret on standard input is empty");
    if std::io::stdin().is_terminal() {
        return prompt_for_secret(context)?.ok_or_else(empty);
    }
    let Some(text) = piped_secret()? else {
        return Err(Error::usage("the client secret on standard input is longer than 64 KiB"));
    };
    let text = std::str::from_utf8(&text)
        .map_err(|_| Error::usage("the client secret on standard input is not valid UTF-8"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(empty()),
        secret => Ok(Secret::new(secret)),
    }
}

/// Reads all of standard input; `None` if it is too long.
fn piped_secret() -> Result<Option<Zeroizing<Vec<u8>>>> {
    let mut text = Zeroizing::new(Vec::new());
    std::io::stdin()
        .lock()
        .take(LONGEST_SECRET as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|e| Error::usage(format!("cannot read the client secret: {e}")))?;
    Ok(Some(text).filter(|text| text.len() <= LONGEST_SECRET))
}

/// Prompts for the secret; an empty answer is none.
fn prompt_for_secret(context: &Context) -> Result<Option<Secret>> {
    if context.globals.no_input {
        let what = "entering the client secret requires user interaction, but `--no-input` is set";
        return Err(Error::login_required(what)
            .hint("pipe it: `pass show gitlab/secret | oauthctl profile add …`"));
    }
    // As from a pipe: nothing is an empty secret.
    Ok(prompt::hidden_or_end("Client secret")?.flatten())
}
