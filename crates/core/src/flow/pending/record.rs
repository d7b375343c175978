//! The record of a started flow, and how it is encrypted: for the pending store, or into the state
//! itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::info::PendingInfo;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::authorize::Authorization;
use crate::grant::{Attribute, DEFAULT_ACCOUNT, GrantKey, Pin};
use crate::port::PendingRecord;
use crate::profile::{AuthorizationServer, Profile};
use crate::protocol::state::{StateClaims, StateKey};
use crate::secret::exposed_option;
use crate::time::Timestamp;

/// Maximum size of a sealed state, in bytes: with the rest of the request it must fit into the request line
/// that common servers accept, 8 KiB.
const LONGEST_SEALED: usize = 6 * 1024;

pub(super) const VERSION: u32 = 1;

/// The stored data of a flow.
#[derive(Serialize, Deserialize)]
pub(super) struct FlowRecord {
    pub(super) version: u32,
    pub(super) rfp: String,
    pub(super) grant_id: String,
    pub(super) profile: String,
    /// The account, if it is not named after the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "encoded")]
    pub(super) user: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) attributes: BTreeMap<String, Value>,
    pub(super) redirect_uri: String,
    pub(super) scopes: Vec<String>,
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    pub(super) verifier: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<String>,
    #[serde(with = "exposed_option", default, skip_serializing_if = "Option::is_none")]
    pub(super) dpop_key: Option<Secret>,
    pub(super) pin: Pin,
    /// Omitted in a sealed state, which has to be short: there the pin identifies the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<AuthorizationServer>,
    /// Whether the server announced `iss` (RFC 9207) when the redirect URI was chosen; in a sealed state
    /// too. A response without it may come from another server, whatever is announced later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) announced_iss: bool,
    pub(super) started_at: Timestamp,
}

/// The content of a sealed state.
#[derive(Serialize, Deserialize)]
pub(super) struct Whole {
    pub(super) claims: StateClaims,
    pub(super) flow: FlowRecord,
}

impl FlowRecord {
    pub(super) fn of(
        pending: &Authorization,
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
            account: (user != Some(&*pending.key.account)).then(|| pending.key.account.clone()),
            user: user.map(str::to_owned),
            attributes: attributes.clone(),
            redirect_uri: pending.redirect_uri.clone(),
            scopes: pending.scopes.clone(),
            verifier: pending.verifier.clone(),
            nonce: pending.nonce.clone(),
            dpop_key: pending.dpop_key.clone(),
            pin: pending.pin.clone(),
            server: Some(pending.server.clone()),
            announced_iss: pending.server.iss_parameter_supported,
            started_at,
        }
    }

    pub(super) fn authorization(
        &self,
        claims: &StateClaims,
        state: &Secret,
        server: AuthorizationServer,
    ) -> Authorization {
        let kept = |value: &Value| Attribute { value: value.clone(), expires_at: None };
        Authorization {
            authorization_url: String::new(),
            redirect_uri: self.redirect_uri.clone(),
            key: GrantKey::new(&self.profile, self.account()),
            scopes: self.scopes.clone(),
            expires_at: Timestamp::from_unix(claims.exp),
            grant_id: self.grant_id.clone(),
            user: self.user.clone(),
            attributes: self.attributes.iter().map(|(n, v)| (n.clone(), kept(v))).collect(),
            state: state.clone(),
            nonce: self.nonce.clone(),
            verifier: self.verifier.clone(),
            dpop_key: self.dpop_key.clone(),
            credentials: None,
            server,
            pin: self.pin.clone(),
        }
    }

    fn account(&self) -> &str {
        self.account.as_deref().or(self.user.as_deref()).unwrap_or(DEFAULT_ACCOUNT)
    }

    /// Refuses a different profile, or one that now names another server or client.
    pub(super) fn belongs_to(&self, profile: &Profile) -> Result<()> {
        let differs = |now: &Option<String>, then: &Option<String>| now.is_some() && now != then;
        let authorization = self.server.as_ref().map(|server| &server.endpoints.authorization);
        let token = Some(self.pin.token_endpoint.clone());
        let now = &profile.endpoints;
        let what = if profile.name != self.profile {
            "it belongs to another profile"
        } else if profile.client.id != self.pin.client_id {
            "the client has changed"
        } else if differs(&profile.issuer, &self.pin.issuer) {
            "the issuer has changed"
        } else if differs(&now.token, &token)
            || authorization.is_some_and(|then| differs(&now.authorization, then))
        {
            "the endpoints have changed"
        } else {
            return Ok(());
        };
        Err(elsewhere(what))
    }

    pub(super) fn info(self, record: &PendingRecord) -> PendingInfo {
        let account = self.account().to_owned();
        PendingInfo {
            account,
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

pub(super) fn elsewhere(difference: &str) -> Error {
    Error::new(
        ErrorKind::InvalidState,
        format!("the state does not belong to this profile: {difference}"),
    )
    .hint("nothing was redeemed")
    .and_hint(Advice::StartAgain)
}

/// Returns the name of the server in a state.
pub(super) fn name_of(server: &AuthorizationServer) -> String {
    server.issuer.clone().or_else(|| server.endpoints.authorization.clone()).unwrap_or_default()
}

pub(super) fn seal(
    key: &StateKey,
    claims: &StateClaims,
    flow: &FlowRecord,
) -> Result<PendingRecord> {
    let plain = serde_json::to_vec(flow).map_err(|e| Error::internal(e.to_string()))?;
    let expires_at = Timestamp::from_unix(claims.exp);
    let sealed = key.seal(&claims.jti, expires_at, &Zeroizing::new(plain))?;
    Ok(PendingRecord { id: claims.jti.clone(), expires_at, sealed })
}

/// Puts the whole flow into a state, which has to fit into a URL that servers accept.
pub(super) fn sealed_state(key: &StateKey, whole: Whole) -> Result<String> {
    let plain = serde_json::to_vec(&whole).map_err(|e| Error::internal(e.to_string()))?;
    let state = key.encrypt(&Zeroizing::new(plain))?;
    if state.len() > LONGEST_SEALED {
        return Err(Error::usage(format!(
            "the sealed state has {} bytes, but at most {LONGEST_SEALED} are possible",
            state.len()
        ))
        .hint(Advice::UsePendingStore));
    }
    Ok(state)
}

/// The user reference in base64url, which has the same length however a JSON writer would escape the text.
mod encoded {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        user: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match user {
            Some(user) => serializer.serialize_str(&URL_SAFE_NO_PAD.encode(user)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| D::Error::custom("not base64url"))?;
        String::from_utf8(bytes).map(Some).map_err(|_| D::Error::custom("not UTF-8"))
    }
}

pub(super) fn unseal(key: &StateKey, record: &PendingRecord) -> Option<FlowRecord> {
    let plain = key.open(&record.id, record.expires_at, &record.sealed)?;
    let flow: FlowRecord = serde_json::from_slice(&plain).ok()?;
    (flow.version == VERSION).then_some(flow)
}
