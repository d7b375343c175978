//! Flows whose response comes elsewhere or later: started here, completed by another process.
//!
//! The state names the flow. What belongs to it (verifier, nonce, user, attributes, the server as it
//! was known) waits sealed in a [`PendingStore`]. A response is first recognized, by its state alone
//! and without the network; only then is it known which profile it belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::complete::Terms;
use super::remembered::{
    Remembered, VERSION, Whole, elsewhere, name_of, seal, sealed_state, unseal,
};
use super::required::RequiredIdentity;
use super::{Completed, FlowManager, StartRequest, moved, pin};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::port::{Clock, PendingRecord, PendingStore};
use crate::profile::{GrantType, Profile, endpoint};
use crate::protocol::authorization::{self, Judgement};
use crate::protocol::random;
use crate::protocol::state::{Opened, StateClaims, StateKeys, refused};
use crate::time::{Timestamp, describe};

/// The most bytes of a user reference.
pub const LONGEST_USER: usize = 1024;

/// The longest life of a state.
pub const LONGEST_TTL: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

/// The most bytes of all attributes of a flow together.
const LARGEST_ATTRIBUTES: usize = 16 * 1024;

/// What two-phase flows need beside the ports: where they wait, and the keys of their states.
#[derive(Clone)]
pub struct TwoPhase {
    store: Arc<dyn PendingStore>,
    keys: Arc<StateKeys>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for TwoPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TwoPhase({:?})", self.keys)
    }
}

/// What a caller wants of [`FlowManager::begin`].
#[derive(Debug, Clone)]
pub struct BeginRequest {
    /// The authorization. Its account is the user's, where a user is given.
    pub start: StartRequest,
    /// The caller's own name for the person: any text of 1 to 1024 bytes.
    pub user: Option<String>,
    /// Attributes that the grant will have.
    pub attributes: BTreeMap<String, Value>,
    /// Whether all of the flow goes into the state itself, encrypted, and nothing into the store: then
    /// any process with the key can finish it.
    pub sealed: bool,
}

/// A flow that waits for its response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Where the person must go.
    pub authorization_url: String,
    /// The state of that URL. With the code it completes the flow, so it is the person's alone.
    pub state: String,
    /// The name that the grant will have.
    pub grant_id: String,
    /// The caller's own name for the person.
    pub user: Option<String>,
    /// Until when a response is taken.
    pub expires_at: Timestamp,
}

/// A pending flow as [`TwoPhase::list`] shows it: no state, no verifier.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingInfo {
    /// The name that the grant will have, and by which the flow is cancelled.
    pub grant_id: String,
    /// The profile.
    pub profile: String,
    /// The caller's own name for the person.
    pub user: Option<String>,
    /// The attributes that the grant will have.
    pub attributes: BTreeMap<String, Value>,
    /// The redirect URI.
    pub redirect_uri: String,
    /// The scopes that were asked for.
    pub scopes: Vec<String>,
    /// When it was started.
    pub started_at: Timestamp,
    /// Until when a response is taken.
    pub expires_at: Timestamp,
    pub(super) id: String,
}

/// A flow that a state was found to belong to. Nothing of it is spent yet.
pub struct Recognized {
    claims: StateClaims,
    state: Secret,
    flow: Remembered,
    is_sealed: bool,
}

impl std::fmt::Debug for Recognized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recognized({})", self.flow.grant_id)
    }
}

impl Recognized {
    /// The profile that the flow belongs to.
    pub fn profile(&self) -> &str {
        &self.flow.profile
    }

    /// Where the response must have come in.
    pub fn redirect_uri(&self) -> &str {
        &self.flow.redirect_uri
    }
}

/// The right to redeem the code of a flow: one process gets it, once.
pub(super) struct Claim<'a> {
    pub(super) store: &'a dyn PendingStore,
    pub(super) claims: &'a StateClaims,
    pub(super) is_sealed: bool,
}

impl Claim<'_> {
    /// Takes it, durably.
    pub(super) async fn take(&self) -> Result<()> {
        let expires_at = Timestamp::from_unix(self.claims.exp);
        let id = &self.claims.jti;
        let taken = match self.is_sealed {
            true => self.store.mark_used(id, expires_at).await?,
            false => self.store.claim(id, expires_at).await?,
        };
        if taken { Ok(()) } else { Err(refused()) }
    }
}

impl TwoPhase {
    /// Flows that wait in this store, with states of these keys.
    pub fn new(store: Arc<dyn PendingStore>, keys: StateKeys, clock: Arc<dyn Clock>) -> Self {
        Self { store, keys: Arc::new(keys), clock }
    }

    /// Finds the flow that a state belongs to, without the network.
    ///
    /// # Errors
    ///
    /// [`InvalidState`](ErrorKind::InvalidState) for every state but one that was made with these
    /// keys, has not expired and was not used, and for one that is not the `expected` one;
    /// `Store` where the pending store fails.
    pub async fn recognize(&self, state: &str, expected: Option<&str>) -> Result<Recognized> {
        if expected.is_some_and(|expected| Secret::new(expected) != Secret::new(state)) {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "the state is not the one that was expected here",
            )
            .hint("nothing was redeemed; the response may be another person's"));
        }
        let (claims, flow, is_sealed) = match self.keys.open(state)? {
            Opened::Sealed(plain, _) => {
                let whole: Whole = serde_json::from_slice(&plain).map_err(|_| refused())?;
                whole.claims.check_time(self.clock.now())?;
                (whole.claims, whole.flow, true)
            }
            Opened::Signed(claims, key) => {
                claims.check_time(self.clock.now())?;
                let expires_at = Timestamp::from_unix(claims.exp);
                let record = self.store.get(&claims.jti, expires_at).await?.ok_or_else(refused)?;
                let flow = unseal(key, &record).ok_or_else(refused)?;
                (claims, flow, false)
            }
        };
        let belongs = flow.version == VERSION
            && Secret::new(flow.rfp.as_str()) == Secret::new(claims.rfp.as_str())
            && flow.pin.client_id == claims.aud
            && flow.server.as_ref().is_none_or(|server| name_of(server) == claims.server);
        if !belongs {
            return Err(refused());
        }
        Ok(Recognized { claims, state: Secret::new(state), flow, is_sealed })
    }

    /// The flows that wait for their response, those first that expire first. What was sealed with a
    /// key that is gone cannot be completed, and is left out.
    ///
    /// # Errors
    ///
    /// `Store` where the pending store fails.
    pub async fn list(&self) -> Result<Vec<PendingInfo>> {
        let records = self.store.list().await?;
        let open = |record: &PendingRecord| {
            let flow = self.keys.iter().find_map(|key| unseal(key, record))?;
            Some(flow.info(record))
        };
        Ok(records.iter().filter_map(open).collect())
    }

    /// Forgets a flow: its response will be refused. `false` where it was completed meanwhile.
    ///
    /// # Errors
    ///
    /// `Store` where the pending store fails.
    pub async fn cancel(&self, flow: &PendingInfo) -> Result<bool> {
        self.store.claim(&flow.id, flow.expires_at).await
    }
}

impl FlowManager {
    /// The same manager, able to [`begin`](Self::begin) and [`finish`](Self::finish) flows.
    #[must_use]
    pub fn with_two_phase(mut self, two_phase: TwoPhase) -> Self {
        self.two_phase = Some(two_phase);
        self
    }

    fn two_phase(&self) -> Result<&TwoPhase> {
        let missing = || Error::internal("this manager was given no store of pending flows");
        self.two_phase.as_ref().ok_or_else(missing)
    }

    /// Starts an authorization that any process with the same pending store and keys can finish.
    ///
    /// # Errors
    ///
    /// As [`FlowManager::start`]; `Usage` for a user or attributes that are too large; `Config` for
    /// a profile with another grant; `Store` where the pending store is full or fails.
    pub async fn begin(&self, profile: &Profile, request: BeginRequest) -> Result<Begun> {
        let two_phase = self.two_phase()?;
        check(profile, &request)?;
        let BeginRequest { mut start, user, attributes, sealed } = request;
        if let Some(user) = &user {
            start.key.account.clone_from(user);
        }
        let ttl = start.ttl.as_secs();
        let key = two_phase.keys.current()?;
        let (rfp, jti) = (random::token(16)?, random::token(16)?);
        let mut record = None;
        let pending = self
            .start_with(profile, None, start, |pending| {
                let started_at =
                    Timestamp::from_unix(pending.expires_at.unix().saturating_sub(ttl));
                let user = user.as_deref();
                let mut flow = Remembered::of(pending, user, &attributes, &rfp, started_at);
                let claims = StateClaims {
                    rfp: rfp.clone(),
                    iat: started_at.unix(),
                    exp: pending.expires_at.unix(),
                    server: name_of(&pending.server),
                    aud: profile.client.id.clone(),
                    jti: jti.clone(),
                };
                if sealed {
                    flow.server = None;
                    return sealed_state(key, Whole { claims, flow });
                }
                record = Some(seal(key, &claims, &flow)?);
                key.sign(&claims)
            })
            .await?;
        if let Some(record) = record {
            two_phase.store.put(&record).await?;
        }
        Ok(Begun {
            authorization_url: pending.authorization_url,
            state: pending.state.expose().to_owned(),
            grant_id: pending.grant_id,
            user,
            expires_at: pending.expires_at,
        })
    }

    /// Finishes a recognized flow with the parameters of its response: judges them, takes the flow
    /// for this call alone, redeems the code, validates and stores.
    ///
    /// # Errors
    ///
    /// [`InvalidState`](ErrorKind::InvalidState), with nothing redeemed, where profile, client or
    /// server are not those of the flow, or another call was faster; else as
    /// [`FlowManager::complete`], and `Validation` where it was not the `required` person.
    pub async fn finish(
        &self,
        profile: &Profile,
        recognized: &Recognized,
        response: &[(String, String)],
        required: Option<&RequiredIdentity>,
    ) -> Result<Completed> {
        let two_phase = self.two_phase()?;
        let Recognized { claims, state, flow, is_sealed } = recognized;
        claims.check_time(self.now())?;
        flow.belongs_to(profile)?;
        let server = match &flow.server {
            Some(server) => server.clone(),
            None => self.server(profile).await?,
        };
        if name_of(&server) != claims.server {
            return Err(elsewhere("the server is another now"));
        }
        let pending = flow.pending(claims, state, server);
        if let Some(difference) = moved(&pending.pin, &pin(profile, &pending.server)?) {
            return Err(elsewhere(&difference));
        }
        let claim = Claim { store: &*two_phase.store, claims, is_sealed: *is_sealed };
        match authorization::judge(response, state.expose(), &pending.server) {
            Judgement::NotOurs(what) => Err(Error::new(
                ErrorKind::InvalidState,
                format!("the response does not belong to this flow: {what}"),
            )),
            Judgement::Failed(error) => {
                // A refusal in the server's name ends the flow; a forged one does not.
                if error.oauth_error().is_some() {
                    claim.take().await?;
                }
                Err(error)
            }
            Judgement::Code(code) => {
                let terms = Terms { claim: Some(claim), identity: required };
                self.redeem_once(profile, &pending, &code, response, &terms).await
            }
        }
    }
}

fn check(profile: &Profile, request: &BeginRequest) -> Result<()> {
    if profile.grant != GrantType::AuthorizationCode {
        return Err(Error::config(format!(
            "a flow with the grant `{}` cannot be completed elsewhere",
            profile.grant.as_str()
        ))
        .hint("use `grant = \"authorization_code\"`"));
    }
    let redirect_uri = &request.start.redirect_uri;
    if !redirect_uri.is_empty()
        && let Err(why) = endpoint::redirect_uri(redirect_uri)
    {
        return Err(Error::usage(format!("the redirect URI {why}")));
    }
    let ttl = request.start.ttl;
    if ttl.is_zero() || ttl > LONGEST_TTL {
        return Err(Error::usage(format!(
            "a state lives for a second at least and {} at most",
            describe(LONGEST_TTL)
        )));
    }
    if request.user.as_ref().is_some_and(|user| user.is_empty() || user.len() > LONGEST_USER) {
        return Err(Error::usage(format!("a user reference has 1 to {LONGEST_USER} bytes")));
    }
    let size: usize = request.attributes.iter().map(|(n, v)| n.len() + v.to_string().len()).sum();
    if size > LARGEST_ATTRIBUTES || request.attributes.contains_key("") {
        return Err(Error::usage(format!(
            "attributes need names, and have {LARGEST_ATTRIBUTES} bytes together at most"
        )));
    }
    Ok(())
}
