//! Output: results on stdout, everything else on stderr.

use std::io::Write;
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
    /// Prints a result: this value with `--json`, else this text.
    ///
    /// # Errors
    ///
    /// Returns an error if stdout is full or closed: a result that is lost is a failure.
    pub fn result(self, value: &Value, text: &str) -> Result<()> {
        let line = if self.json { value.to_string() } else { text.to_owned() };
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

    /// Prints an error, unless it is that the reader of stdout has ended, and returns its exit code.
    pub fn fail(self, error: &Error) -> ExitCode {
        let hint = error.advice_text();
        let code = error.exit_code();
        if code == BROKEN_PIPE {
            return ExitCode::from(code);
        }
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

/// The exit code of a program that SIGPIPE ended.
const BROKEN_PIPE: u8 = 141;

/// Returns the error of a result that could not be written.
fn unwritten(error: &std::io::Error) -> Error {
    let message = format!("cannot write the result to stdout: {error}");
    let unwritten = Error::new(Kind::Internal, message);
    match error.kind() {
        std::io::ErrorKind::BrokenPipe => unwritten.with_exit_code(BROKEN_PIPE),
        _ => unwritten,
    }
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
        let _ = error.print();
        return ExitCode::from(2);
    }
    let message = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command specified".to_owned(),
        _ => {
            let text = error.render().to_string();
            let first = text.split("\n\n").next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            first.split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    Ui { json: true, quiet: false }
        .fail(&Error::usage(message).hint("add `--help` to the command to see its options"))
}
