//! Why a sandbox does not start.

use std::io;

use super::text::printable;

/// Why a sandbox does not start, or an issuer of it does not exist.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// No scenario has this name.
    UnknownScenario {
        /// The name that was asked for.
        name: String,
        /// The scenario whose name is most like it, where one is similar enough.
        nearest: Option<&'static str>,
    },
    /// The scenario takes no argument, and one was given.
    SurplusArgument {
        /// The scenario.
        scenario: &'static str,
    },
    /// The scenario requires an argument, and none, or an invalid one, was given.
    InvalidArgument {
        /// The scenario.
        scenario: &'static str,
        /// What the argument is.
        argument: &'static str,
    },
    /// The sandbox cannot listen on the port.
    Listen {
        /// The port, 0 where the system was to choose.
        port: u16,
        /// The reason.
        source: io::Error,
    },
    /// The sandbox serves as many issuers as it can.
    TooManyIssuers,
    /// The sandbox cannot generate its keys.
    Keys,
}

impl Error {
    /// Returns what to do about it, where there is something better than to read the message.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownScenario { nearest, .. } => {
                nearest.map(|name| format!("did you mean `{name}`?"))
            }
            Self::SurplusArgument { scenario } => Some(format!("write `{scenario}` alone")),
            Self::InvalidArgument { scenario, argument } => {
                Some(format!("write `{scenario}:{argument}`"))
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
                write!(f, "there is no scenario `{}`", printable(name))
            }
            Self::SurplusArgument { scenario } => {
                write!(f, "the scenario `{scenario}` takes no argument")
            }
            Self::InvalidArgument { scenario, .. } => {
                write!(f, "the scenario `{scenario}` needs its argument")
            }
            Self::Listen { port, source } => {
                write!(f, "cannot listen on 127.0.0.1:{port}: {source}")
            }
            Self::TooManyIssuers => f.write_str("the sandbox has too many issuers"),
            Self::Keys => f.write_str("the sandbox cannot make a key"),
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
