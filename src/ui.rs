//! Prints all errors and messages. [`results`] has the results.

mod results;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;
use oauthctl_core::Error;
use oauthctl_core::login::COUNTDOWN_COLUMNS;
use serde_json::{Value, json};

use crate::given::{self, Given};
use crate::hint;
use crate::wrap::{width, wrapped};
use results::escaped;
pub use results::{
    BROKEN_PIPE, field, json_text, plain, print, print_bytes, print_json, print_line, print_path,
    unwritten,
};

/// When colors are used: on a terminal unless NO_COLOR is set, always, never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// How messages are printed.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// Print results and errors as JSON.
    pub json: bool,
    /// Omit messages.
    pub quiet: bool,
    /// Print more messages.
    pub verbose: bool,
    /// Use colors on stderr.
    pub color: bool,
}

impl Ui {
    /// Creates the output settings; decides about colors on stderr.
    pub fn new(json: bool, quiet: bool, verbose: bool, color: ColorChoice, no_color: bool) -> Self {
        let color = match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !no_color && !json && std::io::stderr().is_terminal(),
        };
        Self { json, quiet, verbose, color }
    }

    /// Prints a message, unless `--quiet` is set.
    pub fn say(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.insist(text);
        }
    }

    /// Prints a message even with `--quiet`: a URL to open, a prompt.
    pub fn insist(&self, text: impl AsRef<str>) {
        insist(text.as_ref());
    }

    /// Prints a message only with `--verbose`.
    pub fn remark(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.insist(text);
        }
    }

    /// Prints what accompanies a success: warnings, and notes with `--verbose`.
    pub fn tell_beside<'a>(&self, warnings: impl IntoIterator<Item = &'a Error>, notes: &[String]) {
        for warning in warnings {
            self.warn(warning);
        }
        for note in notes.iter().filter(|_| self.verbose) {
            quote(&oauthctl_core::text::one_line(note));
        }
    }

    /// Prints a warning.
    pub fn warn(&self, warning: &Error) {
        if !self.quiet {
            self.insist_on(warning);
        }
    }

    /// Prints a warning and its hint even when it is quiet.
    pub fn insist_on(&self, warning: &Error) {
        self.tell("warning:", warning);
    }

    /// Warns even when it is quiet.
    pub fn warn_always(&self, text: &str) {
        self.tell_line("warning:", text);
    }

    /// Says something behind a word, which may be blank. Where it takes several lines, they are aligned.
    pub fn say_behind(&self, word: &str, text: &str) {
        if !self.quiet {
            stderr_lines(word, &self.paint(word, "36;1"), &completed(text));
        }
    }

    fn tell(&self, what: &str, error: &Error) {
        self.tell_line(what, error.message());
        if let Some(hint) = hint::of(error) {
            self.tell_line("hint:", &completed(&hint));
        }
    }

    /// Prints a line as it is: servers write parts of it, whose commands must not look like this program's.
    fn tell_line(&self, word: &str, text: &str) {
        let color = match word {
            "error:" => "31;1",
            "warning:" => "33;1",
            _ => "36;1",
        };
        stderr_lines(word, &self.paint(word, color), &without_secrets(text));
    }

    /// Prints an error, unless it is that the reader of stdout needs no more, and returns its exit code.
    pub fn fail(&self, error: &Error) -> ExitCode {
        let code = error.exit_code();
        if code == BROKEN_PIPE {
            clear_status();
        } else if self.json {
            stderr_line(&without_secrets(&escaped(&error_json(error, code).to_string())));
        } else {
            if let Some(warning) = error.warning() {
                self.warn(warning);
            }
            self.tell("error:", error);
        }
        ExitCode::from(code)
    }

    /// Returns a word in color, if colors are on.
    pub fn paint(&self, text: &str, code: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Prefixes, in any case, of secrets that can be recognized: keys of the file store and lines of `export`.
const SECRET_LOOKS: [&str; 3] = ["age-secret-key-", "oauthctl-1-plain.", "oauthctl-1-age."];

/// Returns the text of an error without secrets: it may repeat an argument or a variable that was put in
/// the wrong place. Only the beginning of a secret is left.
pub fn without_secrets(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let next = |from: usize| {
        let found = |looks: &&str| lower[from..].find(*looks).map(|at| from + at + looks.len());
        SECRET_LOOKS.iter().filter_map(found).min()
    };
    while let Some(at) = next(from) {
        out.push_str(&text[from..at]);
        let is_of_it = |c: char| c.is_ascii_alphanumeric() || "-_.+/=%".contains(c);
        from = at + text[at..].find(|c| !is_of_it(c)).unwrap_or(text.len() - at);
        if from > at {
            out.push_str("[redacted]");
        }
    }
    out + &text[from..]
}

fn error_json(error: &Error, code: u8) -> Value {
    let mut object = json!({
        "error": error.kind().word(),
        "message": error.message(),
        "hint": hint_of(error),
        "exit_code": code,
    });
    if let Some(oauth) = error.oauth_error() {
        object["oauth_error"] = json!(oauth.code);
        if let Some(description) = &oauth.description {
            object["oauth_error_description"] = json!(description);
        }
    }
    if let Some(warning) = error.warning() {
        object["warning"] = json!(warning.message());
    }
    object
}

/// Prints what others may have written, whatever the settings. Its commands are not this program's.
pub fn quote(text: &str) {
    stderr_lines("", "", text);
}

/// Prints a message, whatever the settings.
pub fn insist(text: &str) {
    stderr_lines("", "", &completed(text));
}

/// Prints a prompt without a newline.
pub fn prompt(text: &str) {
    clear_status();
    let _ = write!(std::io::stderr().lock(), "{text}");
}

/// Whether the last line on stderr is one that [`status`] wrote.
static HAS_STATUS: AtomicBool = AtomicBool::new(false);

/// Returns whether a line on stderr can be replaced: it is a terminal that is wide enough, and not one that
/// only knows how to print.
pub fn shows_status() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !is_dumb && width().is_some_and(|columns| columns > COUNTDOWN_COLUMNS)
}

/// Shows a line that the next message replaces. It has no escape sequences: the cursor returns to its start.
pub fn status(text: &str) {
    HAS_STATUS.store(true, Ordering::Relaxed);
    let _ = write!(std::io::stderr().lock(), "{text:COUNTDOWN_COLUMNS$.COUNTDOWN_COLUMNS$}\r");
}

/// Erases the line of [`status`].
pub fn clear_status() {
    if HAS_STATUS.swap(false, Ordering::Relaxed) {
        let _ = write!(std::io::stderr().lock(), "{:COUNTDOWN_COLUMNS$}\r", "");
    }
}

fn stderr_line(text: &str) {
    clear_status();
    // If stderr is closed, the failure cannot be reported either.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Returns what to do about an error, with commands that work as printed.
pub fn hint_of(error: &Error) -> Option<String> {
    hint::of(error).map(|hint| completed(&hint).into_owned())
}

/// Returns a message whose commands work as printed.
fn completed(text: &str) -> Cow<'_, str> {
    if !given::has_command(text) {
        return text.into();
    }
    Given::of_this_call().complete(text)
}

/// Writes a message to stderr after a label: as it is for programs, wrapped between words for a terminal.
fn stderr_lines(word: &str, shown: &str, text: &str) {
    let Some(width) = width() else {
        let blank = if word.is_empty() { "" } else { " " };
        return stderr_line(&format!("{shown}{blank}{text}"));
    };
    let wrapped = wrapped(word, text, width);
    stderr_line(&wrapped.replacen(word, shown, 1));
}

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn text_like_a_secret_is_not_repeated() {
        for (text, shown) in [
            ("no profile `gitlab`", "no profile `gitlab`"),
            ("'AGE-SECRET-KEY-1QX' and more", "'AGE-SECRET-KEY-[redacted]' and more"),
            ("--store=age-secret-key-1qx", "--store=age-secret-key-[redacted]"),
            ("é`oauthctl-1-plain.eyJ-_=`é", "é`oauthctl-1-plain.[redacted]`é"),
            (
                "oauthctl-1-age.b oauthctl-1-plain.oauthctl-1-age.c AGE-SECRET-KEY-1\n2",
                "oauthctl-1-age.[redacted] oauthctl-1-plain.[redacted] AGE-SECRET-KEY-[redacted]\n2",
            ),
            ("no /tmp/oauthctl-1-run/c.toml:1", "no /tmp/oauthctl-1-run/c.toml:1"),
            ("it begins with `oauthctl-1-`", "it begins with `oauthctl-1-`"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
