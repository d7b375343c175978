//! A token request and the tokens that are issued for it.

use serde_json::json;

use super::client::Caller;
use super::id_token;
use super::issuer::Issuer;
use super::keys::random;
use super::reply::{Object, Outcome, Refusal, Reply, object};
use super::request::Call;
use super::scenario::Rule;
use super::store::{AccessToken, Family, RefreshToken, Store};

/// A token request of an identified client.
pub(super) struct Exchange<'a> {
    pub(super) issuer: &'a Issuer,
    pub(super) store: &'a mut Store,
    pub(super) call: &'a Call,
    pub(super) caller: Caller,
    pub(super) now: u64,
    /// The thumbprint of the key that signed the DPoP proof.
    pub(super) jkt: Option<String>,
}

/// Which refresh token a response contains.
pub(super) enum Refresh {
    None,
    New,
    Old(String),
}

impl Exchange<'_> {
    /// A parameter of the form.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.call
            .form
            .get(name)
            .ok_or_else(|| Refusal::request(format!("the parameter {name} is missing")))
    }

    /// Creates a grant to this caller.
    pub(super) fn family(&self, subject: &str, scope: &str, user: bool) -> Family {
        let mut audience = self.call.form.all("resource");
        audience.extend(self.call.form.all("audience"));
        Family {
            client_id: self.caller.id.clone(),
            subject: subject.to_owned(),
            scope: scope.to_owned(),
            nonce: None,
            auth_time: user.then_some(self.now),
            audience,
            jkt: self.jkt.clone(),
            revoked: false,
        }
    }

    /// Issues the tokens of a new grant.
    pub(super) fn begin(&mut self, family: Family, refresh: Refresh) -> Outcome {
        let scope = family.scope.clone();
        let id = self.store.begin(family);
        self.issue(id, &scope, refresh).map(Reply::json)
    }

    /// Issues tokens of a grant.
    pub(super) fn issue(
        &mut self,
        id: u64,
        scope: &str,
        refresh: Refresh,
    ) -> Result<Object, Refusal> {
        let family = self.store.family(id).cloned().ok_or_else(Refusal::server)?;
        let effects = &self.issuer.effects;
        let access = effects.mint(random("sandbox-access")?);
        let ttl = match effects.rule(Rule::ShortLife) {
            true => 2,
            false => self.issuer.shared.options.access_ttl.as_secs(),
        };
        let (issued, expires) = (self.now, self.now.saturating_add(ttl));
        let record = AccessToken { family: id, scope: scope.to_owned(), issued, expires };
        self.store.access.insert(access.clone(), record);
        let mut json = object(json!({
            "access_token": access,
            "token_type": if family.jkt.is_some() { "DPoP" } else { "Bearer" },
            "expires_in": ttl,
            "scope": scope,
        }));
        let refresh = match refresh {
            _ if effects.rule(Rule::NoRefreshToken) => None,
            Refresh::None => None,
            Refresh::Old(token) => Some(token),
            Refresh::New => Some(random("sandbox-refresh")?),
        };
        if let Some(token) = refresh {
            json.insert("refresh_token".to_owned(), json!(token));
            self.store.refresh.insert(token, RefreshToken { family: id, spent: None });
        }
        if family.auth_time.is_some() && scope.split(' ').any(|s| s == "openid") {
            let signing = self.store.clients.get(&family.client_id).map(|c| c.signing);
            let jwt = id_token::make(self.issuer, self.call, &family, &access, signing)?;
            json.insert("id_token".to_owned(), json!(jwt));
        }
        Ok(json)
    }
}
