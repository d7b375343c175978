//! Errors of starting a sandbox.

use std::io;

use super::text::printable;

/// Why a sandbox does not start, or why it has no such issuer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No scenario has this name.
    UnknownScenario {
        /// The requested name.
        name: String,
        /// The most similar scenario name, if one is similar enough.
        nearest: Option<&'static str>,
    },
    /// The scenario accepts no argument, but one was set.
    SurplusArgument {
        /// The scenario.
        scenario: &'static str,
    },
    /// The scenario requires an argument, but none, or an invalid one, was set.
    InvalidArgument {
        /// The scenario.
        scenario: &'static str,
        /// What the argument is.
        argument: &'static str,
    },
    /// The sandbox cannot listen on the port.
    Listen {
        /// The port, 0 if the system was to choose.
        port: u16,
        /// The reason.
        source: io::Error,
    },
    /// The sandbox has reached its maximum number of issuers.
    TooManyIssuers,
    /// The sandbox cannot generate its keys.
    Keys,
}

impl Error {
    /// Returns a hint, if there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownScenario { nearest, .. } => {
                nearest.map(|name| format!("did you mean `{name}`?"))
            }
            Self::SurplusArgument { scenario } => Some(format!("use `{scenario}` alone")),
            Self::InvalidArgument { scenario, argument } => {
                Some(format!("use `{scenario}:{argument}`"))
            }
            Self::Listen { .. } => {
                Some("choose another port, or none to let the system choose".to_owned())
            }
            Self::TooManyIssuers | Self::Keys => None,
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownScenario { name, .. } => {
                write!(f, "unknown scenario `{}`", printable(name))
            }
            Self::SurplusArgument { scenario } => {
                write!(f, "the scenario `{scenario}` accepts no argument")
            }
            Self::InvalidArgument { scenario, .. } => {
                write!(f, "the scenario `{scenario}` requires an argument")
            }
            Self::Listen { port, source } => {
                write!(f, "cannot listen on 127.0.0.1:{port}: {source}")
            }
            Self::TooManyIssuers => f.write_str("the sandbox has too many issuers"),
            Self::Keys => f.write_str("the sandbox cannot generate a key"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
