//! Where the tokens of one account come from.

use std::sync::Arc;

use oauthctl_core::flow::{AccessToken, FlowManager, Prover, TokenRequest, TokenSource};
use oauthctl_core::{GrantKey, Result, Secret, Timestamp};
use url::Url;

use crate::commands::import;
use crate::context::Context;
use crate::manager;
use crate::target::Target;

/// An account whose tokens this process hands out. Cloning is cheap.
#[derive(Clone)]
pub struct Source {
    key: GrantKey,
    tokens: Arc<dyn TokenSource>,
}

/// An account that was selected, with its manager.
pub struct Opened<'c> {
    /// The profile and the account.
    pub target: Target<'c>,
    /// The manager of the profile.
    pub manager: FlowManager,
}

/// Opens the selected account: of the profile that is named, or of the usual one.
///
/// # Errors
///
/// Returns an error if there is no such profile, several accounts, or no usable store.
pub fn open<'c>(
    context: &'c Context,
    profile: Option<&str>,
    account: Option<&str>,
) -> Result<Opened<'c>> {
    let mut target = Target::existing(context, profile, account)?;
    context.keep_snapshot(target.profile)?;
    if import::from_environment(context, &target)? {
        target.select()?;
    }
    let manager = manager::build(context, &target)?;
    Ok(Opened { target, manager })
}

impl Source {
    /// Returns the source of the tokens of one account: the manager of this process, or what asks another
    /// process for them.
    pub fn of(key: &GrantKey, tokens: Arc<dyn TokenSource>) -> Self {
        Self { key: key.clone(), tokens }
    }

    /// Returns a token.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::token`].
    pub async fn token(&self, request: &TokenRequest) -> Result<AccessToken> {
        self.tokens.access_token(&self.key, request).await
    }

    /// Returns what signs proofs of possession for this token; none if it is not bound to a key.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::prover`].
    pub async fn signer(&self, token: &AccessToken) -> Result<Option<Signer>> {
        if !token.token_type.eq_ignore_ascii_case("DPoP") {
            return Ok(None);
        }
        Ok(self.tokens.prover(&self.key).await?.map(Signer))
    }
}

/// Signs proofs of possession.
pub struct Signer(Prover);

impl Signer {
    /// Returns the proof for one request.
    ///
    /// # Errors
    ///
    /// See [`Prover::proof`].
    pub async fn proof(
        &self,
        method: &str,
        url: &Url,
        nonce: Option<&str>,
        token: &Secret,
    ) -> Result<String> {
        self.0.proof(method, url, nonce, token, Timestamp::now())
    }
}
