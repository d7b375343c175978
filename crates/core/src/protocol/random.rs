//! Unpredictable values.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Returns bytes of the cryptographic random number generator, in base64url without padding. 32 bytes make
/// a `state` or a `nonce`, 16 a `jti`.
///
/// # Errors
///
/// Returns [`Internal`](crate::ErrorKind::Internal) if the generator fails.
pub(crate) fn token(bytes: usize) -> Result<String> {
    let mut buffer = Zeroizing::new(vec![0u8; bytes]);
    aws_lc_rs::rand::fill(&mut buffer)
        .map_err(|_| Error::internal("the random number generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(&*buffer))
}

/// Returns the id of a new grant: `g_` and 128 random bits.
///
/// # Errors
///
/// See [`token`].
pub(crate) fn grant_id() -> Result<String> {
    Ok(format!("g_{}", token(16)?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_have_the_asked_size_and_never_repeat() {
        let seen: HashSet<String> = (0..1_000).map(|_| token(32).unwrap()).collect();
        assert_eq!(seen.len(), 1_000);
        assert!(seen.iter().all(|t| URL_SAFE_NO_PAD.decode(t).unwrap().len() == 32));
    }

    #[test]
    fn grant_ids_are_safe_in_file_names() {
        let id = grant_id().unwrap();
        assert_eq!(id.len(), 24);
        assert!(id.starts_with("g_"));
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{id}");
    }
}
