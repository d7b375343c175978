//! The error of a backend that fails.

use oauthctl_core::Error;

/// Returns the error with this message, which contains nothing but this program's own words and so may be logged.
pub(super) fn failure(message: String) -> Error {
    Error::store(message.clone()).kept_as(message)
}
