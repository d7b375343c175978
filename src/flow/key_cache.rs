//! The public keys of servers, kept beside their metadata, so that a refresh need not fetch them.
//!
//! Only a refresh reads them; a login fetches. A key that is not among them, or does not fit, makes
//! the refresh fetch them again: see [`KeySource`](crate::protocol::jwks::KeySource).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::hex_sha256;
use crate::profile::atomic_file;
use crate::time::Timestamp;

/// The form of cache files.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    jwks_uri: String,
    fetched_at: Timestamp,
    document: Value,
}

/// What is kept of this address: the document, to be judged as if it had just come, and since when.
pub(super) fn find(dir: &Path, jwks_uri: &str) -> Option<(Vec<u8>, Timestamp)> {
    let bytes = atomic_file::read(&path(dir, jwks_uri))?;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    if kept.version != VERSION || kept.jwks_uri != jwks_uri {
        return None;
    }
    Some((serde_json::to_vec(&kept.document).ok()?, kept.fetched_at))
}

/// Keeping is an optimisation: where it fails, the next refresh fetches.
pub(super) fn keep(dir: &Path, jwks_uri: &str, document: &[u8], fetched_at: Timestamp) {
    let Ok(document) = serde_json::from_slice(document) else { return };
    let kept = Kept { version: VERSION, jwks_uri: jwks_uri.to_owned(), fetched_at, document };
    let Ok(bytes) = serde_json::to_vec(&kept) else { return };
    if atomic_file::private_directory(dir).is_ok() {
        let _ = atomic_file::write_lazily(&path(dir, jwks_uri), &bytes);
    }
}

fn path(dir: &Path, jwks_uri: &str) -> PathBuf {
    dir.join(format!("keys-{}.json", hex_sha256(&[jwks_uri.as_bytes()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "https://as.example/jwks";
    const SET: &[u8] = br#"{"keys":[{"kty":"EC","kid":"1"}]}"#;

    #[test]
    fn a_document_is_found_by_its_address_as_it_was() {
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
    fn damage_is_nothing_there() {
        let dir = tempfile::tempdir().unwrap();
        keep(dir.path(), URI, b"not JSON", Timestamp::from_unix(0));
        assert_eq!(find(dir.path(), URI), None);
        keep(dir.path(), URI, SET, Timestamp::from_unix(0));
        std::fs::write(path(dir.path(), URI), b"{\"version\":1").unwrap();
        assert_eq!(find(dir.path(), URI), None);
    }
}
