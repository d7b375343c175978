//! Passwords for sign-up: Argon2id (RFC 9106).

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use oauthctl_core::{Error, Result, Secret};
use tokio::sync::Semaphore;

/// Maximum number of concurrent hash computations. Each takes 19 MiB of memory and some milliseconds of
/// processor time.
const AT_ONCE: usize = 4;

static SLOTS: Semaphore = Semaphore::const_new(AT_ONCE);

/// The hash to compare with for an unknown address, so that it takes as long as a known one.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hashed("nobody"));

fn hashed(password: &str) -> Option<String> {
    Argon2::default().hash_password(password.as_bytes()).ok().map(|hash| hash.to_string())
}

async fn in_turn<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let failed = || Error::internal("cannot hash a password");
    let _slot = SLOTS.acquire().await.map_err(|_| failed())?;
    tokio::task::spawn_blocking(work).await.map_err(|_| failed())
}

/// Hashes a password.
///
/// # Errors
///
/// Returns `Internal` if the random number generator fails.
pub async fn hash(password: Secret) -> Result<String> {
    let hash = in_turn(move || hashed(password.expose())).await?;
    hash.ok_or_else(|| Error::internal("cannot hash a password"))
}

/// Returns whether this is the password of this hash. Without a hash, it takes as long and returns `false`.
///
/// # Errors
///
/// Returns `Internal` if the work cannot be done.
pub async fn verify(password: Secret, hash: Option<String>) -> Result<bool> {
    in_turn(move || {
        let is_known = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone()).unwrap_or_default();
        let parsed = PasswordHash::new(&hash);
        let matches = parsed.is_ok_and(|parsed| {
            Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok()
        });
        matches && is_known
    })
    .await
}
