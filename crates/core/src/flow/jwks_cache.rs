//! Caches the public keys of servers beside their metadata, so that a refresh need not fetch them.
//!
//! Only a refresh reads them; a login always fetches. If a key is missing or does not match, the refresh
//! fetches the keys again: see [`KeySource`](crate::protocol::jwks::KeySource).

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::ports::Ports;
use crate::error::Result;
use crate::files::cache::{Cache, entry_name};
use crate::protocol::jwks::KeySource;
use crate::time::Timestamp;

/// Version of the cache file format.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    jwks_uri: String,
    fetched_at: Timestamp,
    document: Value,
}

/// The keys of servers, kept for as long as a manager lives, by their address.
#[derive(Clone, Default)]
pub(super) struct JwksCache(Arc<Mutex<HashMap<String, Arc<KeySource>>>>);

impl JwksCache {
    /// Returns the keys at this address. A refresh begins with those that an earlier process has fetched.
    pub(super) fn source(
        &self,
        ports: &Ports,
        jwks_uri: &str,
        is_refresh: bool,
    ) -> Result<Arc<KeySource>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = known.get(jwks_uri) {
            return Ok(Arc::clone(source));
        }
        let mut source = KeySource::new(jwks_uri)?;
        if let Some(dir) = ports.discovery_cache.as_deref().filter(|_| is_refresh)
            && let Some((document, fetched_at)) = find(dir, jwks_uri)
        {
            source.start_with(&document, fetched_at, ports.now());
        }
        let source = Arc::new(source);
        known.insert(jwks_uri.to_owned(), Arc::clone(&source));
        Ok(source)
    }
}

/// Keeps what these keys have fetched, for later processes.
pub(super) async fn keep_fetched(ports: &Ports, jwks_uri: &str, keys: &KeySource) {
    if let Some((document, at)) = keys.take_fetched().await
        && let Some(dir) = &ports.discovery_cache
    {
        keep(dir, jwks_uri, &document, at);
    }
}

/// Returns what is cached for this address: the document, to be validated as if it had just been fetched,
/// and when it was fetched.
fn find(dir: &Path, jwks_uri: &str) -> Option<(Vec<u8>, Timestamp)> {
    let kept = cache(dir).find(&name(jwks_uri))?;
    if kept.version != VERSION || kept.jwks_uri != jwks_uri {
        return None;
    }
    Some((serde_json::to_vec(&kept.document).ok()?, kept.fetched_at))
}

/// Caches a document. Caching is an optimisation: if it fails, the next refresh fetches.
fn keep(dir: &Path, jwks_uri: &str, document: &[u8], fetched_at: Timestamp) {
    let Ok(document) = serde_json::from_slice::<Value>(document) else { return };
    let document = used(&document);
    let kept = Kept { version: VERSION, jwks_uri: jwks_uri.to_owned(), fetched_at, document };
    cache(dir).keep(&name(jwks_uri), &kept);
}

/// The members of public keys that verify signatures (RFC 7517, section 4; RFC 7518, section 6).
const USED: [&str; 10] = ["kty", "kid", "use", "key_ops", "alg", "crv", "x", "y", "n", "e"];

/// Returns the used members of a set of keys. Anything else, for instance a private key published by
/// mistake, must not be stored on this machine.
fn used(document: &Value) -> Value {
    let keys = document.get("keys").and_then(Value::as_array).into_iter().flatten();
    let keys = keys.filter_map(Value::as_object).map(|key| {
        let used = |name: &&str| USED.contains(name);
        let members = key.iter().filter(|(name, _)| used(&name.as_str()));
        members.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}

fn cache(dir: &Path) -> Cache<Kept> {
    Cache::new(dir)
}

fn name(jwks_uri: &str) -> String {
    entry_name("keys-", jwks_uri)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const URI: &str = "https://as.example/jwks";
    const SET: &[u8] = br#"{"keys":[{"kty":"EC","kid":"1"}]}"#;

    fn path(dir: &Path, jwks_uri: &str) -> PathBuf {
        cache(dir).path_of(&name(jwks_uri))
    }

    #[test]
    fn cached_jwks_is_found_by_its_url() {
        let dir = tempfile::tempdir().unwrap();
        let (dir, at) = (dir.path().join("made/here"), Timestamp::from_unix(1_000));
        assert_eq!(find(&dir, URI), None);
        keep(&dir, URI, SET, at);
        assert_eq!(find(&dir, URI), Some((SET.to_vec(), at)));
        assert_eq!(find(&dir, "https://as.example/other"), None);
        std::fs::copy(path(&dir, URI), path(&dir, "https://evil.example/jwks")).unwrap();
        assert_eq!(find(&dir, "https://evil.example/jwks"), None, "another address's");
    }

    #[test]
    fn cached_jwks_has_verification_members_only() {
        let dir = tempfile::tempdir().unwrap();
        let document = br#"{"keys":[{"kty":"RSA","kid":"1","n":"AQAB","e":"AQAB","d":"canary","x5c":["canary"]},
            "canary",{"kty":"EC","crv":"P-256","x":"x","y":"y","use":"sig","alg":"ES256","key_ops":["verify"]}],
            "note":"canary"}"#;
        keep(dir.path(), URI, document, Timestamp::from_unix(0));
        let kept = std::fs::read_to_string(path(dir.path(), URI)).unwrap();
        assert!(!kept.contains("canary"), "{kept}");
        let (found, _) = find(dir.path(), URI).unwrap();
        let found: Value = serde_json::from_slice(&found).unwrap();
        assert_eq!(found["keys"][0], json!({ "kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB" }));
        assert_eq!(found["keys"][1].as_object().unwrap().len(), 7);
    }

    #[test]
    fn damaged_entry_counts_as_missing() {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path(), URI, b"not JSON", Timestamp::from_unix(0));
        assert_eq!(find(dir.path(), URI), None);
        keep(dir.path(), URI, SET, Timestamp::from_unix(0));
        std::fs::write(path(dir.path(), URI), b"{\"version\":1").unwrap();
        assert_eq!(find(dir.path(), URI), None);
    }
}
