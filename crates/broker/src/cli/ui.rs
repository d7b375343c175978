//! Output: results on stdout, everything else on stderr.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use oauthctl_core::{Error, ErrorKind as Kind, Result};
use serde_json::{Map, Value, json};

/// How messages are printed.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// As JSON.
    pub json: bool,
    /// Only results and errors.
    pub quiet: bool,
}

impl Ui {
    /// Prints a result: this value with `--json`, else this text, or nothing if it is empty.
    ///
    /// # Errors
    ///
    /// Returns an error if stdout is full or closed: a result that is lost is a failure.
    pub fn result(self, value: &Value, text: &str) -> Result<()> {
        let line = if self.json { value.to_string() } else { text.to_owned() };
        if line.is_empty() {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|e| unwritten(&e))
    }

    /// Prints a message for the operator.
    pub fn say(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// Prints a message, even with `--quiet`.
    pub fn insist(self, text: &str) {
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Prints an error, and returns its exit code.
    pub fn fail(self, error: &Error) -> ExitCode {
        let hint = error.advice_text();
        let code = error.exit_code();
        let text = if self.json {
            let mut object = Map::new();
            object.insert("error".to_owned(), error.kind().word().into());
            object.insert("message".to_owned(), error.message().into());
            if let Some(hint) = hint {
                object.insert("hint".to_owned(), hint.into());
            }
            object.insert("exit_code".to_owned(), json!(code));
            Value::Object(object).to_string()
        } else {
            let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
            format!("error: {}{hint}", error.message())
        };
        let _ = writeln!(std::io::stderr(), "{text}");
        ExitCode::from(code)
    }
}

/// Returns the error of a result that could not be written.
fn unwritten(error: &std::io::Error) -> Error {
    Error::new(Kind::Internal, format!("cannot write the result to stdout: {error}"))
}

/// Returns the text without the user and password of each URL in it: a store's location has both.
fn without_user_info(text: &str) -> String {
    let mut parts = text.split("://");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shown, part| {
        let authority = part.find(['/', '?', '#', ' ', '\'', '\n']).unwrap_or(part.len());
        let host = part[..authority].rfind('@').map_or(0, |at| at + 1);
        shown + "://" + &part[host..]
    })
}

/// Prints clap's message: help, or a usage error.
pub fn usage(error: &clap::Error) -> ExitCode {
    let is_json = std::env::args_os().any(|argument| argument == "--json");
    if !error.use_stderr() {
        let printed = error.print().and_then(|()| std::io::stdout().flush());
        let fail = |e| Ui { json: is_json, quiet: false }.fail(&unwritten(&e));
        return printed.map_or_else(fail, |()| ExitCode::SUCCESS);
    }
    if !is_json {
        let text = error.render();
        let text = match std::io::stderr().is_terminal() {
            true => text.ansi().to_string(),
            false => text.to_string(),
        };
        let _ = write!(std::io::stderr(), "{}", without_user_info(&text));
        return ExitCode::from(2);
    }
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command specified".to_owned(),
        _ => {
            let text = error.render().to_string();
            let first = text.split("\n\n").next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            without_user_info(&first.split_whitespace().collect::<Vec<_>>().join(" "))
        }
    };
    Ui { json: true, quiet: false }
        .fail(&Error::usage(message).hint("add `--help` to the command to see its options"))
}
