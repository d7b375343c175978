//! Questions to the user at the terminal, on standard error; answers are read from standard input.

use std::io::IsTerminal;

#[cfg(unix)]
use oauthctl_core::login::terminal::{Echo, Input, Terminal};
use oauthctl_core::{Error, ErrorKind, Result, Secret};

use crate::context::Context;
use crate::{run as runner, ui};

/// Maximum size of an answer, in bytes.
const LONGEST: usize = 64 * 1024;

/// Returns whether the user can be asked: both streams are terminals, and `--no-input` is not set.
pub fn is_possible(context: &Context) -> bool {
    !context.globals.no_input && std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks for a line. An empty answer is the default; without one, the question is repeated.
///
/// # Errors
///
/// Returns `Interrupted` if the user ends the input.
pub fn line(question: &str, default: Option<&str>) -> Result<String> {
    loop {
        let shown =
            default.filter(|d| !d.is_empty()).map(|d| format!(" [{d}]")).unwrap_or_default();
        let answer = read(&format!("{question}{shown}: "), false)?.ok_or_else(ended)?;
        match (answer.expose().trim(), default) {
            ("", Some(default)) => return Ok(default.to_owned()),
            ("", None) => {}
            (answer, _) => return Ok(answer.to_owned()),
        }
    }
}

/// Asks for a secret, which is not shown. `None` is an empty answer.
///
/// # Errors
///
/// See [`line()`].
pub fn hidden(question: &str) -> Result<Option<Secret>> {
    hidden_or_end(question)?.ok_or_else(ended)
}

/// Asks for a secret, as [`hidden`] does. `None` is the end of the input.
///
/// # Errors
///
/// Returns `Interrupted` after a signal.
pub fn hidden_or_end(question: &str) -> Result<Option<Option<Secret>>> {
    let Some(answer) = read(&format!("{question}: "), true)? else { return Ok(None) };
    ui::prompt("\n");
    let answer = answer.expose().trim_end_matches(['\r', '\n']);
    Ok(Some((!answer.is_empty()).then(|| Secret::new(answer))))
}

/// Asks a question whose answer is yes or no. An empty answer is the default.
///
/// # Errors
///
/// See [`line()`].
pub fn confirm(question: &str, default: bool) -> Result<bool> {
    let choice = if default { "Y/n" } else { "y/N" };
    loop {
        let answer = read(&format!("{question} [{choice}] "), false)?.ok_or_else(ended)?;
        match answer.expose().trim().to_ascii_lowercase().as_str() {
            "" => return Ok(default),
            "y" | "yes" => return Ok(true),
            "n" | "no" => return Ok(false),
            _ => {}
        }
    }
}

#[cfg(unix)]
fn read(prompt: &str, is_secret: bool) -> Result<Option<Secret>> {
    let echo = if is_secret { Echo::Hidden } else { Echo::Shown };
    let Some(terminal) = Terminal::on_stdin(echo) else { return Ok(None) };
    ui::prompt(prompt);
    let mut lines = terminal.lines(LONGEST);
    // Once a signal was caught, the system no longer ends the program by itself.
    let input = runner::block_on(None, async move {
        let read = tokio::task::spawn_blocking(move || lines.read()).await;
        read.map_err(|error| Error::internal(format!("cannot read the answer: {error}")))
    });
    drop(terminal);
    match input? {
        Input::Line(line) => text(&line).map(Some),
        Input::TooLong => Err(Error::usage("the answer is longer than 64 KiB")),
        Input::End => Ok(None),
    }
}

#[cfg(not(unix))]
fn read(prompt: &str, is_secret: bool) -> Result<Option<Secret>> {
    if is_secret {
        return Err(Error::usage("cannot prompt for a secret at this terminal"));
    }
    ui::prompt(prompt);
    let mut line = zeroize::Zeroizing::new(String::new());
    match std::io::stdin().read_line(&mut line) {
        Ok(1..) if line.len() <= LONGEST => text(line.as_bytes()).map(Some),
        Ok(1..) => Err(Error::usage("the answer is longer than 64 KiB")),
        _ => Ok(None),
    }
}

fn text(line: &[u8]) -> Result<Secret> {
    let text = std::str::from_utf8(line);
    text.map(Secret::new).map_err(|_| Error::usage("the answer is not valid UTF-8"))
}

fn ended() -> Error {
    Error::new(ErrorKind::Interrupted, "cancelled: the input ended")
}
