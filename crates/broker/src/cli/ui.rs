//! Output: results on stdout, everything else on stderr.

use std::io::Write;
use std::process::ExitCode;

use clap::error::ErrorKind;
use oauthctl_core::Error;
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
    pub fn result(self, value: &Value, text: &str) {
        let line = if self.json { value.to_string() } else { text.to_owned() };
        let _ = writeln!(std::io::stdout(), "{line}");
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

/// Prints clap's message: help, or a usage error.
pub fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if !std::env::args_os().any(|argument| argument == "--json") {
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
