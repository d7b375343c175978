//! Where tokens come from, for programs that hand them on.

use super::{AccessToken, FlowManager, Prover, TokenRequest};
use crate::error::Result;
use crate::grant::GrantKey;
use crate::port::BoxFuture;

/// Hands out access tokens of accounts, but no grants, refresh tokens or logins. Code that sends requests
/// on behalf of an account needs only this trait.
///
/// [`FlowManager`] obtains tokens from servers. Other sources can request them from another process.
///
/// ```
/// use oauthctl_core::flow::{TokenRequest, TokenSource};
/// use oauthctl_core::{GrantKey, Result};
///
/// async fn authorization(source: &dyn TokenSource, key: &GrantKey) -> Result<String> {
///     let token = source.access_token(key, &TokenRequest::default()).await?;
///     Ok(format!("{} {}", token.token_type, token.value.expose()))
/// }
/// ```
pub trait TokenSource: Send + Sync {
    /// Returns a token that satisfies the request.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::token`].
    fn access_token<'a>(
        &'a self,
        key: &'a GrantKey,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<AccessToken>>;

    /// Returns what signs proofs of possession for the tokens of an account, or `None` if they are not bound
    /// to a key.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::prover`].
    fn prover<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Prover>>>;
}

impl TokenSource for FlowManager {
    fn access_token<'a>(
        &'a self,
        key: &'a GrantKey,
        request: &'a TokenRequest,
    ) -> BoxFuture<'a, Result<AccessToken>> {
        Box::pin(self.token(key, request))
    }

    fn prover<'a>(&'a self, key: &'a GrantKey) -> BoxFuture<'a, Result<Option<Prover>>> {
        Box::pin(Self::prover(self, key))
    }
}
