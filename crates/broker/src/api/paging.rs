//! Pages of lists.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::problem::Problem;

/// The default and the maximum number of items of a page.
const LIMITS: (usize, usize) = (50, 200);

/// The parameters of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    limit: Option<usize>,
    cursor: Option<String>,
}

impl Position {
    /// Returns the id after which the page begins, and the number of its items.
    ///
    /// # Errors
    ///
    /// Returns 400 for a cursor or a number that is not allowed.
    pub(super) fn read(&self) -> Result<(Option<String>, usize), Problem> {
        let after = self.cursor.as_deref().map(read_cursor).transpose()?;
        Ok((after, limit(self.limit)?))
    }
}

/// Returns the number of items of a page.
///
/// # Errors
///
/// Returns 400 for a number that is not allowed.
pub(super) fn limit(given: Option<usize>) -> Result<usize, Problem> {
    match given.unwrap_or(LIMITS.0) {
        limit if limit == 0 || limit > LIMITS.1 => {
            Err(Problem::invalid("`limit` must be 1 to 200"))
        }
        limit => Ok(limit),
    }
}

/// Returns the id that a cursor represents.
///
/// # Errors
///
/// Returns 400 for an invalid cursor.
pub(super) fn read_cursor(cursor: &str) -> Result<String, Problem> {
    let id = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|id| String::from_utf8(id).ok());
    let id = id.filter(|id| id.len() <= 200 && id.bytes().all(|c| c.is_ascii_graphic()));
    id.ok_or_else(|| Problem::invalid("`cursor` was not returned by a list"))
}

/// Returns the cursor of an id.
pub(super) fn cursor(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(id)
}
