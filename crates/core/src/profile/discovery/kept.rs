//! The cached copy of an issuer's metadata, which is used for at most a day.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::files::cache::{Cache, entry_name};
use crate::port::HttpResponse;
use crate::profile::DiscoveryRules;
use crate::profile::metadata::{Metadata, validate};
use crate::time::Timestamp;

/// How long a document is cached, unless the server sets a shorter time.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// The minimum time for which it is cached.
const KEPT_AT_LEAST: Duration = Duration::from_secs(300);
/// Version of the cache file format.
const VERSION: u32 = 3;

#[derive(Serialize, Deserialize)]
struct Cached {
    version: u32,
    issuer: String,
    fetched_at: Timestamp,
    good_until: Timestamp,
    /// Whether both locations of a document have been requested.
    is_joined: bool,
    document: Map<String, Value>,
}

/// Metadata as received.
pub(super) struct Found {
    /// The members that are used.
    pub(super) document: Map<String, Value>,
    /// How long it may be cached.
    pub(super) lifetime: Duration,
    /// Whether both locations of a document have been requested.
    pub(super) is_joined: bool,
}

/// Cached metadata.
pub(super) struct Kept {
    pub(super) metadata: Metadata,
    /// Whether both locations of a document have been requested.
    pub(super) is_joined: bool,
    /// Whether it may still be used for everything.
    pub(super) is_current: bool,
}

/// Returns the name of an entry. The rules decide which of several documents is used.
fn name(issuer: &str, rules: DiscoveryRules) -> String {
    let prefix = match rules {
        DiscoveryRules::Configured => "",
        DiscoveryRules::Mcp => "mcp-",
    };
    entry_name(prefix, issuer)
}

fn cache(dir: &Path) -> Cache<Cached> {
    Cache::new(dir)
}

/// Returns the path of what is kept.
#[cfg(test)]
pub(super) fn path(dir: &Path, issuer: &str) -> std::path::PathBuf {
    cache(dir).path_of(&name(issuer, DiscoveryRules::Configured))
}

/// Returns the cached copy. It is validated again as if it had just been fetched; a damaged file counts as
/// missing.
pub(super) fn find(
    dir: &Path,
    issuer: &str,
    rules: DiscoveryRules,
    now: Timestamp,
) -> Option<Kept> {
    let entry = cache(dir).find(&name(issuer, rules))?;
    if entry.version != VERSION || entry.issuer != issuer {
        return None;
    }
    let is_current = entry.fetched_at <= now
        && now < entry.good_until
        && entry.good_until <= entry.fetched_at.plus(KEPT);
    let metadata = validate(issuer, &entry.document).ok()?;
    Some(Kept { metadata, is_joined: entry.is_joined, is_current })
}

/// Caches what was fetched. This is an optimisation: if it fails, the next run fetches again.
pub(super) fn keep(dir: &Path, issuer: &str, rules: DiscoveryRules, found: Found, now: Timestamp) {
    let entry = Cached {
        version: VERSION,
        issuer: issuer.to_owned(),
        fetched_at: now,
        good_until: now.plus(found.lifetime),
        is_joined: found.is_joined,
        document: found.document,
    };
    cache(dir).keep(&name(issuer, rules), &entry);
}

/// Returns how long a response may be cached: the server can shorten the default, but not below a few
/// minutes.
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
