//! Errors: what failed, whether retrying can help, and what to do about it.

mod kind;

use crate::advice::Advice;
use crate::grant::GrantKey;
use crate::redact::names::is_error_code;
use crate::text;

pub use kind::ErrorKind;
pub(crate) use kind::is_denial;

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A server's error (RFC 6749, sections 4.1.2.1 and 5.2), sanitized for printing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// The `error` code.
    pub code: String,
    /// The `error_description`, if there was one.
    pub description: Option<String>,
}

impl OAuthError {
    /// Creates an error from a server's text, which is sanitized and truncated.
    pub fn new(code: &str, description: Option<&str>) -> Self {
        Self { code: text::one_line(code), description: description.map(text::one_line) }
    }
}

/// An error: its kind, its message, and, if there is something to do, a hint.
#[derive(Debug, Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    /// The message without what must not be stored, if it quotes such text.
    kept: Option<String>,
    advice: Vec<Advice>,
    oauth: Option<OAuthError>,
    transient: bool,
    exit_code: Option<u8>,
    warning: Option<Error>,
}

impl Error {
    /// Creates an error of this kind. The message describes what failed, for users, and contains no secret.
    /// It is one line: a line break in a quoted name cannot start another.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let transient = kind == ErrorKind::Unavailable;
        let message = text::line(&message.into());
        Self(Box::new(Inner {
            kind,
            message,
            kept: None,
            advice: Vec::new(),
            oauth: None,
            transient,
            exit_code: None,
            warning: None,
        }))
    }

    /// Creates an internal error.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Creates a usage error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Creates a configuration error.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// Creates an error for a login that is required.
    pub fn login_required(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::LoginRequired, message)
    }

    /// Creates the error for an account that has no grant, with the advice to log in to it.
    ///
    /// ```
    /// use oauthctl_core::{Advice, Error, ErrorKind, GrantKey};
    ///
    /// let key = GrantKey::new("gitlab", "4711");
    /// let error = Error::not_logged_in(&key);
    /// assert_eq!((error.kind(), error.advice()), (ErrorKind::LoginRequired, &[Advice::LogIn(key)][..]));
    /// ```
    pub fn not_logged_in(key: &GrantKey) -> Self {
        Self::login_required(format!("not logged in to {key}")).hint(Advice::LogIn(key.clone()))
    }

    /// Creates an error for a response that does not match the request.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Validation, message)
    }

    /// Creates an error for a transient failure of the network or the server.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// Creates an error for a store failure.
    pub fn store(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Store, message)
    }

    /// Creates an error from the server's own error: `access_denied` and similar codes are denials,
    /// `invalid_grant` requires a new login, `temporarily_unavailable` and `server_error` are transient,
    /// and all others are refusals.
    pub fn refused(what: &str, oauth: OAuthError) -> Self {
        let kind = match oauth.code.as_str() {
            code if is_denial(code) => ErrorKind::AccessDenied,
            "invalid_grant" => ErrorKind::LoginRequired,
            "temporarily_unavailable" | "server_error" => ErrorKind::Unavailable,
            _ => ErrorKind::ServerRefused,
        };
        let message = match &oauth.description {
            Some(description) => format!("{what}: {} ({description})", oauth.code),
            None => format!("{what}: {}", oauth.code),
        };
        let mut error = Self::new(kind, message);
        error.0.oauth = Some(oauth);
        error
    }

    /// Sets this advice as the only one: a variant of [`Advice`], or a sentence.
    #[must_use]
    pub fn hint(self, advice: impl Into<Advice>) -> Self {
        self.hints([advice.into()])
    }

    /// Adds this advice after the existing advice.
    #[must_use]
    pub fn and_hint(mut self, advice: impl Into<Advice>) -> Self {
        if !self.lacks_descriptors() {
            self.0.advice.push(advice.into());
        }
        self
    }

    /// Sets this advice, in this order, as the only advice.
    #[must_use]
    pub fn hints(mut self, advice: impl IntoIterator<Item = Advice>) -> Self {
        if !self.lacks_descriptors() {
            self.0.advice = advice.into_iter().collect();
        }
        self
    }

    /// Sets the advice for the I/O error that caused this one. If too many files are open (EMFILE, ENFILE), the
    /// only advice is to raise that limit, and advice that is set later does not replace it. Other causes change
    /// nothing.
    #[must_use]
    pub fn caused_by(self, cause: &std::io::Error) -> Self {
        match is_out_of_descriptors(cause) {
            true => self.hint(Advice::RaiseFileLimit),
            false => self,
        }
    }

    fn lacks_descriptors(&self) -> bool {
        self.0.advice == [Advice::RaiseFileLimit]
    }

    /// Adds lines to the message.
    #[must_use]
    pub(crate) fn and_lines(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        for line in lines {
            self.0.message.push('\n');
            self.0.message.push_str(&text::line(&line));
        }
        self
    }

    /// Adds the output of a user's command: it is shown, but never stored.
    #[must_use]
    pub(crate) fn quoting(mut self, said: &str) -> Self {
        self.0.kept = Some(self.0.message.clone());
        self.0.message = format!("{}: {}", self.0.message, text::one_line(said));
        self
    }

    /// Sets what [`message_to_keep`](Self::message_to_keep) returns. It must contain nothing that a server said.
    #[must_use]
    pub fn kept_as(mut self, words: impl Into<String>) -> Self {
        self.0.kept = Some(words.into());
        self
    }

    /// Returns the part of the message that may be stored unencrypted. It leaves out what a server, a hook or
    /// another command said, because that can contain secrets.
    pub fn message_to_keep(&self) -> String {
        if let Some(words) = &self.0.kept {
            return words.clone();
        }
        let words = self.0.kind.in_words();
        match self.oauth_error() {
            Some(oauth) if is_error_code(&oauth.code) => format!("{words}: {}", oauth.code),
            _ => words.to_owned(),
        }
    }

    /// Names the account in advice about its record in this store.
    #[cfg(any(feature = "file", feature = "keyring"))]
    #[must_use]
    pub(crate) fn of_account(mut self, key: &crate::grant::GrantKey, store: &str) -> Self {
        for advice in &mut self.0.advice {
            advice.name_account(key, store);
        }
        self
    }

    /// Sets the kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self.0.transient = kind == ErrorKind::Unavailable;
        self
    }

    /// Prepends what was being done to the message.
    #[must_use]
    pub fn context(mut self, doing: impl std::fmt::Display) -> Self {
        self.0.message = format!("{}: {}", text::line(&doing.to_string()), self.0.message);
        self
    }

    /// Sets the server's error.
    #[must_use]
    pub(crate) fn with_oauth(mut self, oauth: OAuthError) -> Self {
        self.0.oauth = Some(oauth);
        self
    }

    /// Adds another failure as a warning.
    #[must_use]
    pub fn with_warning(mut self, warning: Self) -> Self {
        self.0.warning = Some(warning);
        self
    }

    /// Sets the exit code, in place of that of the [kind](Self::kind). A program that a signal terminates
    /// exits with 128 plus the number of the signal.
    #[must_use]
    pub fn with_exit_code(mut self, code: u8) -> Self {
        self.0.exit_code = Some(code);
        self
    }

    /// Returns the program's exit code for this error.
    pub fn exit_code(&self) -> u8 {
        self.0.exit_code.unwrap_or_else(|| self.kind().exit_code())
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the error message in the program's own words, for a log or for the operator.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns what to do about it, as data, in the order in which to show it. Phrase it for your own
    /// users; the [`Display`](std::fmt::Display) form of each is for a log.
    pub fn advice(&self) -> &[Advice] {
        &self.0.advice
    }

    /// Returns the advice in plain English, on one line, for a log.
    pub fn advice_text(&self) -> Option<String> {
        let words: Vec<String> = self.advice().iter().map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    /// Returns the server's error, if the server refused.
    pub fn oauth_error(&self) -> Option<&OAuthError> {
        self.0.oauth.as_ref()
    }

    /// Returns a secondary failure that did not change this error, such as a failed notification hook.
    pub fn warning(&self) -> Option<&Self> {
        self.0.warning.as_ref()
    }

    /// Returns whether the cause may be transient, so that retrying later can help. After a code was sent,
    /// retry from [`start`](crate::FlowManager::start): the state is used.
    pub fn is_transient(&self) -> bool {
        self.0.transient
    }
}

/// Whether a process, or the whole system, may open no more files (EMFILE, ENFILE).
pub(crate) fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    #[cfg(unix)]
    fn lack_of_descriptors_has_one_remedy() {
        let advice = [Advice::RaiseFileLimit];
        for number in [23, 24] {
            let cause = io::Error::from_raw_os_error(number);
            let error = Error::store("it failed").hint("look there").caused_by(&cause);
            assert_eq!(error.advice(), advice);
            assert_eq!(error.hint(Advice::Retry).and_hint("or so").advice(), advice);
        }
        let cause = io::Error::from_raw_os_error(2);
        let error = Error::store("it failed").hint(Advice::Retry).caused_by(&cause);
        assert_eq!(error.and_hint("later").advice(), [Advice::Retry, "later".into()]);
    }

    #[test]
    fn advice_is_one_line() {
        let error = Error::usage("x").hint("a\nb".to_owned()).and_hint(Advice::RetryLater);
        assert_eq!(error.advice_text().as_deref(), Some("a b; try again later"));
        assert_eq!(Error::usage("x").advice_text(), None);
    }
}
