//! Authorizations that are completed later or in another process.

use super::FlowManager;
use crate::error::Result;
use crate::flow::first_tokens::Completed;
use crate::flow::pending::{
    Expected, PendingFlows, PendingInfo, Recognized, StartRequest, Started,
};
use crate::flow::{accounts, pending};
use crate::protocol::response::AuthorizationResponse;

impl FlowManager {
    /// Starts an authorization whose response arrives in another process or later. Any manager with the
    /// same profile, pending store and keys can [`complete`](Self::complete) it, in any process. Any number
    /// of authorizations can be pending at once.
    ///
    /// Send the user to [`Started::authorization_url`]. Keep [`Started::state`] in that user's session, and
    /// expect it when the response arrives.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown profile, a profile with another grant than `authorization_code`, a
    /// manager without a pending store, or a user whose flow would replace a login that was not made for
    /// that user; `Usage` for an invalid user, account, lifetime, attribute, parameter or redirect URI, and
    /// for a sealed state that is too long for a URL (6 KiB); `Validation` and `Unavailable` for metadata
    /// that is invalid or not available; the server's refusal of a pushed request; `Store` if the pending
    /// store is full or fails; and `Internal` if the manager has a pending store but no key for states.
    ///
    /// Dropping the future leaves at most a pending flow, which expires by itself.
    pub async fn start(&self, profile: &str, request: StartRequest) -> Result<Started> {
        let profile = self.profile(profile).await?;
        pending::start(self.context(&profile), &self.pending_flows()?, request).await
    }

    /// Completes a started authorization: finds the flow of the response, validates the response, claims
    /// the flow for this call alone, redeems the code, and validates and stores the tokens.
    ///
    /// # Errors
    ///
    /// [`InvalidState`](crate::ErrorKind::InvalidState), with nothing redeemed, for every state that these keys
    /// did not sign, that has expired or that was used; for an unexpected state, or a state of another
    /// profile, user, client or server; and for a response that another server could have sent, because
    /// neither an `iss` nor [the URL that received it](AuthorizationResponse::received_at) identifies the
    /// server (RFC 9700, section 4.4). All other errors concern an existing flow:
    ///
    /// - `Validation`: the response was received at another redirect URI, its `iss` names another server,
    ///   the id_token does not match the request, or a user other than the required one has granted
    ///   access;
    /// - `AccessDenied`: the user or a hook denied access;
    /// - `ServerRefused`, `LoginRequired`: the server refused the code;
    /// - `Unavailable`: the network or the server failed, before or after the code was sent, or another
    ///   caller holds the lock for too long;
    /// - `Store`: the store failed; before the code is sent, nothing is spent;
    /// - `Config`: the profile is unknown here, a secret of it cannot be read, a hook of it fails,
    ///   there is nothing to run it ([`Ports::hooks`](crate::flow::Ports::hooks)), or the account holds a
    ///   login that was not made for the user of the flow.
    ///
    /// A failure before the flow is claimed leaves the state usable: a hook that denies or fails before the
    /// code is sent, the lock, the store. The flow is claimed right before the code is sent; from then on
    /// the state is used, whatever the outcome. It is also used once the server has refused the
    /// authorization.
    ///
    /// A code is sent once. If the future is dropped after that, the code is lost and the user must start
    /// again, so let the future run to completion.
    pub async fn complete(
        &self,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let recognized = self.pending_flows()?.recognize(response, expected).await?;
        self.complete_recognized(&recognized, response, expected).await
    }

    /// The second half of [`complete`](Self::complete), for a flow that
    /// [`PendingFlows::recognize`](PendingFlows::recognize) has found: for callers that can build the
    /// manager only once the profile is known.
    ///
    /// # Errors
    ///
    /// See [`complete`](Self::complete).
    pub async fn complete_recognized(
        &self,
        recognized: &Recognized,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Completed> {
        let flows = self.pending_flows()?;
        pending::complete(&self.shared, &flows, recognized, response, expected).await
    }

    /// Lists the started flows that are waiting for their response, ordered by expiry.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the manager has no pending store, and `Store` if that fails.
    pub async fn pending(&self) -> Result<Vec<PendingInfo>> {
        self.pending_flows()?.list().await
    }

    /// Removes a started flow, named by its grant id, so that its response will be refused. Returns `false`
    /// if there is none, or if it has been completed in the meantime. A sealed flow is not stored and
    /// cannot be cancelled.
    ///
    /// # Errors
    ///
    /// See [`FlowManager::pending`].
    pub async fn cancel(&self, grant_id: &str) -> Result<bool> {
        accounts::cancel(&self.pending_flows()?, grant_id).await
    }

    fn pending_flows(&self) -> Result<PendingFlows> {
        accounts::pending_flows(&self.shared.ports)
    }
}
