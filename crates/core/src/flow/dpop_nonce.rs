//! The most recent `DPoP-Nonce` of each authorization server (RFC 9449, section 8), kept beside its metadata: the
//! next process sends it at once, instead of being refused for it first.

use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use super::ports::Ports;
use crate::files::cache::{Cache, entry_name};

/// Version of the cache file format.
const VERSION: u32 = 1;

/// Maximum size of a nonce that is kept, in bytes.
const LIMIT: usize = 1024;

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    origin: String,
    nonce: String,
}

/// Returns the nonce that this server gave last. It may have expired, which the server then says.
pub(super) fn find(ports: &Ports, endpoint: &str) -> Option<String> {
    let (dir, origin) = (ports.discovery_cache.as_deref()?, origin(endpoint)?);
    let kept = cache(dir).find(&name(&origin))?;
    (kept.version == VERSION && kept.origin == origin && is_nonce(&kept.nonce))
        .then_some(kept.nonce)
}

/// Keeps the nonce of a response, unless it is the one that was sent.
pub(super) fn keep(ports: &Ports, endpoint: &str, nonce: Option<&str>, sent: Option<&str>) {
    if let Some(nonce) = nonce.filter(|nonce| is_nonce(nonce) && Some(*nonce) != sent)
        && let (Some(dir), Some(origin)) = (ports.discovery_cache.as_deref(), origin(endpoint))
    {
        let kept = Kept { version: VERSION, origin, nonce: nonce.to_owned() };
        cache(dir).keep(&name(&kept.origin), &kept);
    }
}

/// Returns whether a text is a nonce (RFC 9449, section 8.1).
fn is_nonce(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    !text.is_empty() && text.len() <= LIMIT && text.bytes().all(is_allowed)
}

fn origin(endpoint: &str) -> Option<String> {
    Url::parse(endpoint).ok().map(|url| url.origin().ascii_serialization())
}

fn cache(dir: &Path) -> Cache<Kept> {
    Cache::new(dir)
}

fn name(origin: &str) -> String {
    entry_name("nonce-", origin)
}
