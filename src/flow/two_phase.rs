//! Flows whose response comes elsewhere or later: started here, completed by another process.
//!
//! The state names the flow. What belongs to it (verifier, nonce, user, attributes, the server as it
//! was known) waits sealed in a [`PendingStore`]. A response is first recognized, by its state alone
//! and without the network; only then is it known which profile it belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::complete::Terms;
use super::required::RequiredIdentity;
use super::{Completed, FlowManager, PendingFlow, StartRequest, moved, pin};
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Attribute, GrantKey, Pin};
use crate::port::{Clock, PendingRecord, PendingStore};
use crate::profile::{AuthorizationServer, GrantType, Profile, endpoint};
use crate::protocol::authorization::{self, Judgement};
use crate::protocol::random;
use crate::protocol::state::{Opened, StateClaims, StateKey, StateKeys, refused};
use crate::secret::exposed_option;
use crate::time::{Timestamp, describe};

/// The most bytes of a user reference.
pub const LONGEST_USER: usize = 1024;

/// The longest life of a state.
pub const LONGEST_TTL: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

/// The most bytes of all attributes of a flow together.
const LARGEST_ATTRIBUTES: usize = 16 * 1024;

const VERSION: u32 = 1;

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
    id: String,
}

/// A flow that a state was found to belong to. Nothing of it is spent yet.
pub struct Recognized {
    claims: StateClaims,
    state: Secret,
    flow: Remembered,
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

/// What is remembered of a flow.
#[derive(Serialize, Deserialize)]
struct Remembered {
    version: u32,
    rfp: String,
    grant_id: String,
    profile: String,
    account: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, Value>,
    redirect_uri: String,
    scopes: Vec<String>,
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    verifier: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<String>,
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    dpop_key: Option<Secret>,
    pin: Pin,
    server: AuthorizationServer,
    started_at: Timestamp,
}

/// The right to redeem the code of a flow: one process gets it, once.
pub(super) struct Claim<'a> {
    pub(super) store: &'a dyn PendingStore,
    pub(super) claims: &'a StateClaims,
}

impl Claim<'_> {
    /// Takes it, durably.
    pub(super) async fn take(&self) -> Result<()> {
        let expires_at = Timestamp::from_unix(self.claims.exp);
        let taken = self.store.claim(&self.claims.jti, expires_at).await?;
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
        let (claims, key) = match self.keys.open(state)? {
            Opened::Signed(claims, key) => (claims, key),
            Opened::Sealed(..) => return Err(refused()),
        };
        claims.check_time(self.clock.now())?;
        let expires_at = Timestamp::from_unix(claims.exp);
        let record = self.store.get(&claims.jti, expires_at).await?.ok_or_else(refused)?;
        let flow = unseal(key, &record).ok_or_else(refused)?;
        let belongs = Secret::new(flow.rfp.as_str()) == Secret::new(claims.rfp.as_str())
            && flow.pin.client_id == claims.aud
            && name_of(&flow.server) == claims.server;
        if !belongs {
            return Err(refused());
        }
        Ok(Recognized { claims, state: Secret::new(state), flow })
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
        let BeginRequest { mut start, user, attributes } = request;
        if let Some(user) = &user {
            start.key.account.clone_from(user);
        }
        let now = self.now();
        let key = two_phase.keys.current()?;
        let (rfp, jti) = (random::token(16)?, random::token(16)?);
        let mut record = None;
        let pending = self
            .start_with(profile, start, |pending| {
                let flow = Remembered::of(pending, user.as_deref(), &attributes, &rfp, now);
                let claims = StateClaims {
                    rfp: rfp.clone(),
                    iat: now.unix(),
                    exp: pending.expires_at.unix(),
                    server: name_of(&pending.server),
                    aud: profile.client.id.clone(),
                    jti: jti.clone(),
                };
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
        let Recognized { claims, state, flow } = recognized;
        claims.check_time(self.now())?;
        flow.belongs_to(profile)?;
        let pending = flow.pending(claims, state);
        if let Some(difference) = moved(&pending.pin, &pin(profile, &pending.server)?) {
            return Err(elsewhere(&difference));
        }
        let claim = Claim { store: &*two_phase.store, claims };
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

impl Remembered {
    fn of(
        pending: &PendingFlow,
        user: Option<&str>,
        attributes: &BTreeMap<String, Value>,
        rfp: &str,
        started_at: Timestamp,
    ) -> Self {
        Self {
            version: VERSION,
            rfp: rfp.to_owned(),
            grant_id: pending.grant_id.clone(),
            profile: pending.key.profile.clone(),
            account: pending.key.account.clone(),
            user: user.map(str::to_owned),
            attributes: attributes.clone(),
            redirect_uri: pending.redirect_uri.clone(),
            scopes: pending.scopes.clone(),
            verifier: pending.verifier.clone(),
            nonce: pending.nonce.clone(),
            dpop_key: pending.dpop_key.clone(),
            pin: pending.pin.clone(),
            server: pending.server.clone(),
            started_at,
        }
    }

    fn pending(&self, claims: &StateClaims, state: &Secret) -> PendingFlow {
        let kept = |value: &Value| Attribute { value: value.clone(), expires_at: None };
        PendingFlow {
            authorization_url: String::new(),
            redirect_uri: self.redirect_uri.clone(),
            key: GrantKey::new(&self.profile, &self.account),
            scopes: self.scopes.clone(),
            expires_at: Timestamp::from_unix(claims.exp),
            grant_id: self.grant_id.clone(),
            user: self.user.clone(),
            attributes: self.attributes.iter().map(|(n, v)| (n.clone(), kept(v))).collect(),
            state: state.clone(),
            nonce: self.nonce.clone(),
            verifier: self.verifier.clone(),
            dpop_key: self.dpop_key.clone(),
            server: self.server.clone(),
            pin: self.pin.clone(),
        }
    }

    /// Refuses a profile that is another, or has come to mean another server or client.
    fn belongs_to(&self, profile: &Profile) -> Result<()> {
        let differs = |now: &Option<String>, then: &Option<String>| now.is_some() && now != then;
        let (now, then) = (&profile.endpoints, &self.server.endpoints);
        let what = if profile.name != self.profile {
            "it is another profile's"
        } else if profile.client.id != self.pin.client_id {
            "the client is another now"
        } else if differs(&profile.issuer, &self.server.issuer) {
            "the issuer is another now"
        } else if differs(&now.token, &then.token)
            || differs(&now.authorization, &then.authorization)
        {
            "the endpoints are others now"
        } else {
            return Ok(());
        };
        Err(elsewhere(what))
    }

    fn info(self, record: &PendingRecord) -> PendingInfo {
        PendingInfo {
            grant_id: self.grant_id,
            profile: self.profile,
            user: self.user,
            attributes: self.attributes,
            redirect_uri: self.redirect_uri,
            scopes: self.scopes,
            started_at: self.started_at,
            expires_at: record.expires_at,
            id: record.id.clone(),
        }
    }
}

fn elsewhere(difference: &str) -> Error {
    Error::new(
        ErrorKind::InvalidState,
        format!("the state does not belong to this profile: {difference}"),
    )
    .hint("nothing was redeemed; start again with `oauthctl start`")
}

fn check(profile: &Profile, request: &BeginRequest) -> Result<()> {
    if profile.grant != GrantType::AuthorizationCode {
        return Err(Error::config(format!(
            "a flow with the grant `{}` cannot be completed elsewhere",
            profile.grant.as_str()
        ))
        .hint("use `grant = \"authorization_code\"`"));
    }
    if let Err(why) = endpoint::redirect_uri(&request.start.redirect_uri) {
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

/// The server as a state names it.
fn name_of(server: &AuthorizationServer) -> String {
    server.issuer.clone().or_else(|| server.endpoints.authorization.clone()).unwrap_or_default()
}

fn seal(key: &StateKey, claims: &StateClaims, flow: &Remembered) -> Result<PendingRecord> {
    let plain = serde_json::to_vec(flow).map_err(|e| Error::internal(e.to_string()))?;
    let expires_at = Timestamp::from_unix(claims.exp);
    let sealed = key.seal(&claims.jti, expires_at, &Zeroizing::new(plain))?;
    Ok(PendingRecord { id: claims.jti.clone(), expires_at, sealed })
}

fn unseal(key: &StateKey, record: &PendingRecord) -> Option<Remembered> {
    let plain = key.open(&record.id, record.expires_at, &record.sealed)?;
    let flow: Remembered = serde_json::from_slice(&plain).ok()?;
    (flow.version == VERSION).then_some(flow)
}
