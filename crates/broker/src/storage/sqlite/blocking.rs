//! Blocking work, and how it fails.

use oauthctl_core::{Error, Result};

use super::super::failure::failure;

/// Runs blocking work on a thread that may block.
pub(super) async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Error::store("a task of the store stopped unexpectedly")))
}

/// Returns the error of a query. SQLite's messages name tables and codes, no values.
pub(super) fn failed(error: &rusqlite::Error) -> Error {
    let what = match error {
        rusqlite::Error::SqliteFailure(code, _) => format!("{:?}", code.code),
        other => other.to_string(),
    };
    failure(format!("the SQLite store failed: {what}"))
}
