//! The flows that wait, and the one that a response belongs to.

use std::sync::Arc;

use super::expected::{Expected, unexpected};
use super::info::PendingInfo;
use super::record::{FlowRecord, VERSION, Whole, name_of, unseal};
use crate::Secret;
use crate::error::Result;
use crate::port::{Clock, PendingRecord, PendingStore};
use crate::protocol::response::AuthorizationResponse;
use crate::protocol::state::{Opened, StateClaims, StateKeys, refused};
use crate::time::Timestamp;

/// A pending store with the keys of its states: the operations on started flows that require no profile.
#[derive(Clone)]
pub struct PendingFlows {
    store: Arc<dyn PendingStore>,
    keys: Arc<StateKeys>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for PendingFlows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PendingFlows({:?})", self.keys)
    }
}

/// The flow of a state. Neither the state nor the code has been used yet.
pub struct Recognized {
    pub(super) claims: StateClaims,
    pub(super) state: Secret,
    pub(super) flow: FlowRecord,
    pub(super) is_sealed: bool,
}

impl std::fmt::Debug for Recognized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recognized({})", self.flow.grant_id)
    }
}

impl Recognized {
    /// Returns the profile of the flow.
    pub fn profile(&self) -> &str {
        &self.flow.profile
    }

    /// Returns the caller's reference for the user of the flow.
    pub fn user(&self) -> Option<&str> {
        self.flow.user.as_deref()
    }

    /// Returns the id that the grant will have.
    pub fn grant_id(&self) -> &str {
        &self.flow.grant_id
    }

    /// Returns the redirect URI at which the response must have been received.
    pub fn redirect_uri(&self) -> &str {
        &self.flow.redirect_uri
    }

    /// Refuses a flow that is not as expected.
    pub(super) fn require(&self, expected: &Expected) -> Result<()> {
        expected.require_state(&self.state)?;
        if expected.profile.as_ref().is_some_and(|name| *name != self.flow.profile) {
            return Err(unexpected("the state belongs to another profile"));
        }
        if expected.user.is_some() && expected.user != self.flow.user {
            return Err(unexpected("the state belongs to another user"));
        }
        Ok(())
    }
}

impl PendingFlows {
    /// Creates a view of the flows in this store, whose states these keys have signed.
    pub fn new(
        store: Arc<dyn PendingStore>,
        keys: impl Into<Arc<StateKeys>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, keys: keys.into(), clock }
    }

    pub(super) fn store(&self) -> &dyn PendingStore {
        &*self.store
    }

    pub(super) fn keys(&self) -> &StateKeys {
        &self.keys
    }

    /// Finds the flow of a response, by its state alone and without the network.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidState`](crate::ErrorKind::InvalidState) for a state that was not created with
    /// these keys, has expired, has been used, or is not the expected one; and `Store` if the pending
    /// store fails.
    pub async fn recognize(
        &self,
        response: &AuthorizationResponse,
        expected: &Expected,
    ) -> Result<Recognized> {
        let state = Secret::new(response.state());
        expected.require_state(&state)?;
        let (claims, flow, is_sealed) = self.open(state.expose()).await?;
        let belongs = flow.version == VERSION
            && Secret::new(flow.rfp.as_str()) == Secret::new(claims.rfp.as_str())
            && flow.pin.client_id == claims.aud
            && flow.server.as_ref().is_none_or(|server| name_of(server) == claims.server);
        if !belongs {
            return Err(refused());
        }
        let recognized = Recognized { claims, state, flow, is_sealed };
        recognized.require(expected)?;
        Ok(recognized)
    }

    /// Returns the claims of a state, and the record of its flow.
    async fn open(&self, state: &str) -> Result<(StateClaims, FlowRecord, bool)> {
        match self.keys.open(state)? {
            Opened::Sealed(plain, _) => {
                let whole: Whole = serde_json::from_slice(&plain).map_err(|_| refused())?;
                whole.claims.check_time(self.clock.now())?;
                let expires_at = Timestamp::from_unix(whole.claims.exp);
                if self.store.is_used(&whole.claims.jti, expires_at).await? {
                    return Err(refused());
                }
                Ok((whole.claims, whole.flow, true))
            }
            Opened::Signed(claims, key) => {
                claims.check_time(self.clock.now())?;
                let expires_at = Timestamp::from_unix(claims.exp);
                let record = self.store.get(&claims.jti, expires_at).await?.ok_or_else(refused)?;
                let flow = unseal(key, &record).ok_or_else(refused)?;
                Ok((claims, flow, false))
            }
        }
    }

    /// Lists the flows that are waiting for their response, ordered by expiry. Flows that were sealed with
    /// a key that no longer exists cannot be completed and are omitted.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the pending store fails.
    pub async fn list(&self) -> Result<Vec<PendingInfo>> {
        let records = self.store.list().await?;
        let open = |record: &PendingRecord| {
            let flow = self.keys.iter().find_map(|key| unseal(key, record))?;
            Some(flow.info(record))
        };
        let mut flows: Vec<_> = records.iter().filter_map(open).collect();
        flows.sort_by(|a, b| (a.expires_at, &a.id).cmp(&(b.expires_at, &b.id)));
        Ok(flows)
    }

    /// Removes a flow, so that its response will be refused. Returns `false` if it has been completed in
    /// the meantime.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the pending store fails.
    pub async fn cancel(&self, flow: &PendingInfo) -> Result<bool> {
        self.store.claim(&flow.id, flow.expires_at).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::flow::pending::record::{seal, sealed_state};
    use crate::protocol::state::StateKey;
    use crate::store::MemoryPending;
    use serde_json::json;

    fn whole(version: u32, jti: &str) -> Whole {
        let now = SystemClock.now().unix();
        let pin = json!({ "issuer": "https://as.example", "token_endpoint": "https://as.example/token",
            "client_id": "cli", "client_auth": "none" });
        let claims = json!({ "rfp": "r", "iat": now, "exp": now + 600, "as": "https://as.example",
            "aud": "cli", "jti": jti });
        let flow = json!({ "version": version, "rfp": "r", "grant_id": jti, "profile": "p",
            "redirect_uri": "http://127.0.0.1/callback", "scopes": [], "pin": pin, "started_at": now });
        serde_json::from_value(json!({ "claims": claims, "flow": flow })).unwrap()
    }

    #[tokio::test]
    async fn record_of_another_version_is_refused() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let store = Arc::new(MemoryPending::new(Arc::clone(&clock), 9));
        let secret = StateKey::generate().unwrap();
        let flows = PendingFlows::new(store.clone(), StateKeys::of_secret(&secret).unwrap(), clock);
        let key = flows.keys().current().unwrap();
        for (version, jti) in [(VERSION, "ours"), (VERSION + 1, "newer"), (0, "older")] {
            let Whole { claims, flow } = whole(version, jti);
            store.put(&seal(key, &claims, &flow).unwrap()).await.unwrap();
            let sealed = sealed_state(key, whole(version, &format!("sealed-{jti}"))).unwrap();
            for state in [key.sign(&claims).unwrap(), sealed] {
                let given =
                    AuthorizationResponse::from_parameters([("code", "x"), ("state", &state)]);
                let found = flows.recognize(&given.unwrap(), &Expected::default()).await;
                assert_eq!(found.is_ok(), version == VERSION, "{jti}: {found:?}");
            }
        }
        let listed = flows.list().await.unwrap();
        assert_eq!(listed.iter().map(|flow| &*flow.id).collect::<Vec<_>>(), ["ours"]);
    }
}
