//! Proofs of possession for requests with a token that is bound to a key (RFC 9449, section 7).

use std::sync::Arc;

use url::Url;

use super::load::load;
use super::turn::Shared;
use crate::error::Result;
use crate::grant::GrantKey;
use crate::protocol::dpop;
use crate::protocol::signing_key::SigningKey;
use crate::secret::Secret;
use crate::time::Timestamp;

/// Signs proofs of possession with the key of a grant. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Prover(Arc<SigningKey>);

impl Prover {
    /// Returns the value of the `DPoP` header for one request with this access token. The query and the
    /// fragment of the URL are omitted; `nonce` is the most recent `DPoP-Nonce` of the resource server.
    ///
    /// # Errors
    ///
    /// Returns [`Internal`](crate::ErrorKind::Internal) if signing fails.
    pub fn proof(
        &self,
        method: &str,
        url: &Url,
        nonce: Option<&str>,
        access_token: &Secret,
        now: Timestamp,
    ) -> Result<String> {
        let access_token = Some(access_token);
        dpop::proof(&self.0, dpop::Request { method, url, nonce, access_token }, now)
    }
}

/// Returns the prover of a grant; none if its tokens are not bound to a key.
pub(super) async fn prover(shared: &Shared, key: &GrantKey) -> Result<Option<Prover>> {
    let grant = load(&shared.ports, key).await?;
    let stored = grant.and_then(|grant| grant.dpop_key);
    let key = stored.as_ref().map(SigningKey::from_stored).transpose()?;
    Ok(key.map(|key| Prover(Arc::new(key))))
}
