//! The prefix of keys, and errors, for all files of this backend.

use oauthctl_core::Error;
use redis::RedisError;

use super::super::failure::failure;

/// Prefix of all keys. The braces are a hash tag: all keys are in one slot of a cluster.
pub(super) const PREFIX: &str = "{oauthctl}:";

/// Returns the error of a command. The server's message may contain values, so only its code is shown.
pub(super) fn failed(error: &RedisError) -> Error {
    let what = match error.code() {
        Some(code) => code.to_owned(),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None if error.is_io_error() => "no connection".to_owned(),
        None => format!("{:?}", error.kind()),
    };
    failure(format!("the Redis store failed: {what}"))
}
