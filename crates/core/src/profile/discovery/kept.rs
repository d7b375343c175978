//! The copy of an issuer's metadata that is kept between runs, for a day at most.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fetch::Found;
use crate::files::cache::{Cache, entry_name};
use crate::port::HttpResponse;
use crate::profile::metadata::{Metadata, judge};
use crate::time::Timestamp;

/// How long a document is kept where the server does not ask for less.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long it is kept at least.
const KEPT_AT_LEAST: Duration = Duration::from_secs(300);
/// The form of cache files.
const VERSION: u32 = 2;

#[derive(Serialize, Deserialize)]
struct Cached {
    version: u32,
    issuer: String,
    fetched_at: Timestamp,
    good_until: Timestamp,
    /// Whether both places of a document have been asked.
    is_joined: bool,
    document: Map<String, Value>,
}

/// Metadata that was kept.
pub(super) struct Kept {
    pub(super) metadata: Metadata,
    /// Whether both places of a document have been asked.
    pub(super) is_joined: bool,
    /// Whether it may still be used for everything.
    pub(super) is_current: bool,
}

fn cache(dir: &Path) -> Cache<Cached> {
    Cache::new(dir)
}

/// Returns the path of what is kept.
#[cfg(test)]
pub(super) fn path(dir: &Path, issuer: &str) -> std::path::PathBuf {
    cache(dir).path_of(&entry_name("", issuer))
}

/// Returns what is kept. It is validated again, as if it had just come: a damaged file is no file.
pub(super) fn find(dir: &Path, issuer: &str, now: Timestamp) -> Option<Kept> {
    let entry = cache(dir).find(&entry_name("", issuer))?;
    if entry.version != VERSION || entry.issuer != issuer {
        return None;
    }
    let is_current = entry.fetched_at <= now
        && now < entry.good_until
        && entry.good_until <= entry.fetched_at.plus(KEPT);
    let metadata = judge(issuer, &entry.document).ok()?;
    Some(Kept { metadata, is_joined: entry.is_joined, is_current })
}

/// Keeps what was fetched. It is an optimisation: where it fails, the next run fetches again.
pub(super) fn keep(dir: &Path, issuer: &str, found: Found, now: Timestamp) {
    let entry = Cached {
        version: VERSION,
        issuer: issuer.to_owned(),
        fetched_at: now,
        good_until: now.plus(found.lifetime),
        is_joined: found.is_joined,
        document: found.document,
    };
    cache(dir).keep(&entry_name("", issuer), &entry);
}

/// How long an answer may be kept: the server can shorten our bound, but not below a few minutes.
pub(super) fn lifetime(response: &HttpResponse) -> Duration {
    let cache_control = response.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    let asked = cache_control.split(',').map(str::trim).find_map(|directive| {
        match directive.split_once('=') {
            Some(("max-age", seconds)) => {
                seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
            }
            None if directive == "no-store" || directive == "no-cache" => Some(Duration::ZERO),
            _ => None,
        }
    });
    asked.unwrap_or(KEPT).clamp(KEPT_AT_LEAST, KEPT)
}
