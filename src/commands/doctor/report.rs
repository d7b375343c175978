//! The results of the tests.

use oauthctl_core::Error;

use crate::ui;

/// The result of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    /// It works, but not as well as it could.
    Warn,
    Fail,
}

impl Status {
    /// Returns its word in the output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// A test and its result.
#[derive(Debug)]
pub struct Check {
    pub name: &'static str,
    /// What was tested, if there are several.
    pub subject: Option<String>,
    pub status: Status,
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All tests, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Report {
    pub checks: Vec<Check>,
}

impl Report {
    /// Returns whether a test failed.
    pub fn failed(&self) -> bool {
        self.checks.iter().any(|check| check.status == Status::Fail)
    }

    /// Adds something that works.
    pub fn ok(&mut self, name: &'static str, subject: Option<&str>, message: &str) {
        self.add(name, subject, Status::Ok, (message.to_owned(), None));
    }

    /// Adds an error with its hint.
    pub fn error(
        &mut self,
        name: &'static str,
        subject: Option<&str>,
        status: Status,
        error: &Error,
    ) {
        self.add(name, subject, status, (error.message().to_owned(), ui::hint_of(error)));
    }

    fn add(
        &mut self,
        name: &'static str,
        subject: Option<&str>,
        status: Status,
        (message, hint): (String, Option<String>),
    ) {
        let subject = subject.map(str::to_owned);
        self.checks.push(Check { name, subject, status, message, hint });
    }
}
