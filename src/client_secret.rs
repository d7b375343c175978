//! Client secrets from standard input.

use std::io::{IsTerminal, Read};

#[cfg(unix)]
use oauthctl_core::login::terminal::{Echo, Input, Terminal};
use oauthctl_core::{Error, Result, Secret};
use zeroize::Zeroizing;

use crate::context::Context;
use crate::ui;

/// The maximum size of a client secret, in bytes.
const LONGEST_SECRET: usize = 64 * 1024;

/// Reads the client secret: everything from a pipe, or a hidden line at a terminal.
///
/// # Errors
///
/// Returns `Usage` for a secret that is empty, too long or not UTF-8, and `LoginRequired` if it would have to be
/// entered.
pub fn read(context: &Context) -> Result<Secret> {
    let text = match std::io::stdin().is_terminal() {
        true => prompt_for_secret(context)?,
        false => piped_secret()?,
    };
    let Some(text) = text else {
        return Err(Error::usage("the client secret on standard input is longer than 64 KiB"));
    };
    let text = std::str::from_utf8(&text)
        .map_err(|_| Error::usage("the client secret on standard input is not valid UTF-8"))?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(Error::usage("the client secret on standard input is empty")),
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

/// Reads one line from the terminal; `None` if it is too long.
fn prompt_for_secret(context: &Context) -> Result<Option<Zeroizing<Vec<u8>>>> {
    const PIPE: &str = "pipe it: `pass show gitlab/secret | oauthctl profile add …`";
    if context.globals.no_input {
        let what = "entering the client secret requires user interaction, but `--no-input` is set";
        return Err(Error::login_required(what).hint(PIPE));
    }
    #[cfg(unix)]
    if let Some(terminal) = Terminal::on_stdin(Echo::Hidden) {
        ui::prompt("Client secret: ");
        let input = terminal.lines(LONGEST_SECRET).read();
        ui::prompt("\n");
        return Ok(match input {
            Input::Line(line) => Some(line),
            Input::TooLong => None,
            Input::End => Some(Zeroizing::default()),
        });
    }
    Err(Error::usage("cannot prompt for a client secret at this terminal").hint(PIPE))
}
