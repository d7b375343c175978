//! What callers do with the grants that exist.

use std::time::Duration;

use serde_json::{Map, Value};

use super::FlowManager;
use crate::error::Result;
use crate::flow::access_token::AccessToken;
use crate::flow::attributes::AttributeChanges;
use crate::flow::claims::{self, Userinfo};
use crate::flow::introspect::{self, Introspected};
use crate::flow::prover::{self, Prover};
use crate::flow::request::TokenRequest;
use crate::flow::revoke::{self, Revoked};
use crate::flow::{accounts, attributes, load, token};
use crate::grant::{AccountEntry, Grant, GrantInfo, GrantKey};
use crate::protocol::jwt::{Jwt, Signature};

impl FlowManager {
    /// Returns a token with the required lifetime: the stored one, a refreshed one, or a new one for a
    /// grant that requires no user interaction.
    ///
    /// However many callers and processes request a token at the same time, one request is made per
    /// account. A rotated refresh token is durably stored before this method returns.
    ///
    /// # Errors
    ///
    /// - `LoginRequired`: a login by the user is required; [`Error::warning`](crate::Error::warning) is set if the
    ///   `login_required` hook failed or could not be run. Also returned if no stored token has the required lifetime
    ///   with [`cached`](TokenRequest::cached), and while refreshing pauses, as described below;
    /// - `Usage`: the [`resource`](TokenRequest::resource) is invalid;
    /// - `Store`: the record cannot be read or saved, or an older copy of it was restored;
    /// - `Unavailable`: a transient failure, or another caller holds the lock for too long;
    /// - `ServerRefused`: the server refused for a reason other than the end of the grant;
    /// - `Validation`: metadata that does not match its issuer, or a response that does not match the
    ///   request, such as an id_token of another user;
    /// - `AccessDenied`: a hook or the server denied;
    /// - `Config`: the key's profile is unknown here, another hook fails or there is nothing to run it
    ///   ([`Ports::hooks`](crate::flow::Ports::hooks)), or a secret of the profile cannot be read.
    ///
    /// # The pause
    ///
    /// If processes die twice between sending a refresh token and storing the response, the token may be
    /// spent, and a server may end the whole grant if it sees the token again (RFC 9700, section 4.14.2).
    /// The token is then not sent for 5 minutes. Each further such failure doubles that time, up to an
    /// hour. Meanwhile the stored token is returned while it is valid; after that, this method fails with
    /// `LoginRequired`. The pause ends automatically; [`force`](TokenRequest::force) ends it immediately.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped while a rotating refresh token is being sent, that token can be lost, and
    /// the user must log in again. Let the future run to completion ([`is_critical`](Self::is_critical)).
    pub async fn token(&self, key: &GrantKey, request: &TokenRequest) -> Result<AccessToken> {
        let profile = self.profile(&key.profile).await?;
        token::token(self.context(&profile), key, request).await
    }

    /// Returns the signer of proofs of possession for requests with a token of this grant (RFC 9449),
    /// or `None` if its tokens are not bound to a key.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the grant or its key cannot be read.
    pub async fn prover(&self, key: &GrantKey) -> Result<Option<Prover>> {
        prover::prover(&self.shared, key).await
    }

    /// Returns the public view of the stored grant, without a lock or the network. Does not check whether its
    /// token is still valid; use [`FlowManager::token`] for that.
    ///
    /// # Errors
    ///
    /// Returns `Store` if it cannot be read.
    pub async fn grant(&self, key: &GrantKey) -> Result<Option<GrantInfo>> {
        Ok(load::load(&self.shared.ports, key).await?.map(GrantInfo::from))
    }

    /// Returns the whole record of the stored grant, with its refresh token, to be copied elsewhere. This is the
    /// only method from which callers receive the refresh token.
    ///
    /// The record is read under its lock, without the network: this method waits for a refresh in progress, and
    /// completes a save that was interrupted. A record that is read directly from the store may hold
    /// a refresh token that is being used at that moment.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the grant cannot be locked or read, an interrupted save cannot be completed, or an
    /// older copy of the record was restored, and `Unavailable` if another caller holds the lock for too long.
    pub async fn export_grant(&self, key: &GrantKey) -> Result<Option<Grant>> {
        accounts::export(&self.shared, key).await
    }

    /// Lists the known grants of one profile or of all, sorted by key, without their secrets.
    ///
    /// The grants are those of the store if it can list them
    /// ([`GrantStore::list`](crate::port::GrantStore::list)), else those of the coordinator's index. Grants
    /// of profiles that are unknown to this manager are listed too.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the store or the index cannot be read.
    pub async fn list(&self, profile: Option<&str>) -> Result<Vec<AccountEntry>> {
        accounts::list(&self.shared.ports, profile).await
    }

    /// Sets an attribute of a grant, for the given time or for the lifetime of the grant. The profile need
    /// not be known to this manager.
    ///
    /// A name has 1 to 256 bytes, and a value is nested at most 32 levels deep. All attributes of a grant,
    /// names and values as JSON, have at most 32 KiB.
    ///
    /// # Errors
    ///
    /// Returns `LoginRequired` if there is no grant, `Usage` if the name or the value exceeds these limits,
    /// and `Store` or `Unavailable` if the grant cannot be locked, read or saved. A failure to write the
    /// index of accounts is not an error: the attribute is saved by then.
    pub async fn set_attribute(
        &self,
        key: &GrantKey,
        name: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        attributes::set(&self.shared, key, name, value, ttl).await
    }

    /// Removes an attribute of a grant. Returns whether it existed.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::set_attribute`].
    pub async fn unset_attribute(&self, key: &GrantKey, name: &str) -> Result<bool> {
        attributes::unset(&self.shared, key, name).await
    }

    /// Changes several attributes of a grant, all or none. With `known`, they are changed only if the grant is still
    /// this one; nothing can change it between the comparison and the change. Returns whether they were changed.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::set_attribute`].
    pub async fn change_attributes(
        &self,
        key: &GrantKey,
        changes: AttributeChanges,
        known: Option<&Grant>,
    ) -> Result<bool> {
        attributes::change_all(&self.shared, key, changes, known).await
    }

    /// Revokes a grant at its server and removes it. The grant is removed even if revocation fails, or if
    /// its profile is unknown, in which case no request is sent.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the record cannot be removed or the store returns another user's record for this
    /// key, `Unavailable` if another process holds its lock, and the errors of [`Profiles::get`](crate::flow::Profiles::get), in which case
    /// nothing is removed.
    pub async fn revoke(&self, key: &GrantKey) -> Result<Revoked> {
        Ok(self.revoke_if(key, None).await?.unwrap_or_default())
    }

    /// Revokes a grant and removes it as [`revoke`](Self::revoke) does. With `known`, that happens only if the grant is
    /// still this one; nothing can change it between the comparison and the revocation. Returns `None` if it is not.
    ///
    /// # Errors
    ///
    /// See [`revoke`](Self::revoke).
    pub async fn revoke_if(
        &self,
        key: &GrantKey,
        known: Option<&Grant>,
    ) -> Result<Option<Revoked>> {
        let profile = self.shared.profile(&key.profile).await?;
        revoke::end(&self.shared, profile.as_deref(), key, known).await
    }

    /// Removes a grant without contacting its server. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::revoke`].
    pub async fn forget(&self, key: &GrantKey) -> Result<bool> {
        let ended = revoke::end(&self.shared, None, key, None).await?;
        Ok(ended.is_some_and(|ended| ended.forgotten))
    }

    /// Returns the server's claims about the user of an account (OpenID Connect Core, section 5.3),
    /// requested with a valid token. The subject must be that of the id_token.
    ///
    /// # Errors
    ///
    /// See [`token`](Self::token); also returns `Config` if no endpoint is known, `Validation` if the claims are about
    /// another user or cannot be verified, `ServerRefused` if the server refuses the token, and `Unavailable`.
    pub async fn userinfo(&self, key: &GrantKey) -> Result<Userinfo> {
        let profile = self.profile(&key.profile).await?;
        claims::userinfo(self.context(&profile), key).await
    }

    /// Returns the introspection response of this profile's server for a token (RFC 7662). `active`
    /// is a boolean in every result.
    /// The stored token is sent as it is: an expired one is not refreshed.
    ///
    /// # Errors
    ///
    /// Returns `Config` if no endpoint is known or the login belongs to another server, `LoginRequired` if there is no
    /// such token, `ServerRefused` if the server refuses the client, `Validation` for an invalid response,
    /// `Unavailable`, and `Store`.
    pub async fn introspect(
        &self,
        profile: &str,
        token: &Introspected,
    ) -> Result<Map<String, Value>> {
        let profile = self.profile(profile).await?;
        introspect::introspect(self.context(&profile), token).await
    }

    /// Verifies the signature of a token with the keys of the profile's server, if the token names that server as its
    /// issuer. Nothing else in the token is checked, not even its expiry. Keys that cannot be fetched are a result
    /// ([`Signature::NotVerified`]).
    ///
    /// # Errors
    ///
    /// Returns `Config` if the profile is unknown or its `jwks_uri` is invalid.
    pub async fn verify(&self, profile: &str, token: &Jwt) -> Result<Signature> {
        let profile = self.profile(profile).await?;
        introspect::verify(self.context(&profile), token).await
    }
}
