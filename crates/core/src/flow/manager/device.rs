//! Logins on another device (RFC 8628).

use super::FlowManager;
use crate::error::Result;
use crate::flow::device::{self, DeviceAuthorization, DevicePoll, DeviceRequest, poll, request};
use crate::flow::first_tokens::Completed;

impl FlowManager {
    /// Starts a device authorization (RFC 8628): verifies that the store is writable, and requests
    /// the codes. Any profile whose server has a device authorization endpoint can use this flow.
    ///
    /// Show the code and the page to the user, then call [`complete_device`](Self::complete_device) or
    /// [`poll_device`](Self::poll_device).
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown profile, and if no device authorization endpoint is known; `Usage` for an
    /// invalid scope or a reserved parameter; `Store` if the store cannot be written; the server's refusal;
    /// `Unavailable` if it does not respond; and `Validation` for a response that cannot be shown to a user.
    pub async fn authorize_device(&self, request: DeviceRequest) -> Result<DeviceAuthorization> {
        let profile = device::of_device(&*self.profile(&request.key.profile).await?);
        request::authorize(self.context(&profile), request).await
    }

    /// Waits until the next poll is due, and polls once. If the user has granted access, validates and
    /// stores the tokens.
    ///
    /// The interval is the server's (5 seconds if it specifies none). It is longer after `slow_down` and while
    /// the server does not respond. Before each poll, the lock is acquired and the store is checked. Dropping
    /// the future while it waits is harmless.
    ///
    /// # Errors
    ///
    /// - `Timeout`: the codes have expired;
    /// - `AccessDenied`: the user, the server or a hook denied access;
    /// - `ServerRefused`, `LoginRequired`: any other refusal, which ends the authorization;
    /// - `Validation`: the response is not a token response, or its id_token is invalid;
    /// - `Store`, `Unavailable`: the store failed, or another caller holds the lock for too long;
    /// - `Config`: a hook failed, or the profile is unknown.
    ///
    /// A poll without a response is not an error: it returns [`DevicePoll::Unanswered`].
    pub async fn poll_device(&self, authorization: &mut DeviceAuthorization) -> Result<DevicePoll> {
        let profile = device::of_device(&*self.profile(&authorization.key.profile).await?);
        poll::poll(self.context(&profile), authorization).await
    }

    /// Polls until the user has decided or the codes expire.
    ///
    /// # Errors
    ///
    /// See [`poll_device`](Self::poll_device).
    pub async fn complete_device(
        &self,
        mut authorization: DeviceAuthorization,
    ) -> Result<Completed> {
        loop {
            if let DevicePoll::Completed(completed) = self.poll_device(&mut authorization).await? {
                return Ok(*completed);
            }
        }
    }
}
