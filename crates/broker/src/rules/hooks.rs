//! The rules as hooks of the core: at an authorization and before each token request.

use std::sync::Arc;

use oauthctl_core::flow::Hooks;
use oauthctl_core::port::{BoxFuture, Http};
use oauthctl_core::profile::{Hook, Profile};
use oauthctl_core::{Error, Result, Secret};
use serde_json::{Map, Value};

use super::{Moment, ask};
use crate::flow::Place;
use crate::vault::Vault;

/// The rules of all tenants.
pub struct Rules {
    vault: Arc<Vault>,
    outbound: Arc<dyn Http>,
}

impl Rules {
    /// Creates the rules, with the transport to the servers of tenants.
    pub fn new(vault: Arc<Vault>, outbound: Arc<dyn Http>) -> Self {
        Self { vault, outbound }
    }

    async fn answer(&self, profile: &Profile, input: &Secret) -> Result<Secret> {
        let unknown = || Error::internal("the core asks for an unknown event");
        let mut input: Map<String, Value> =
            serde_json::from_str(input.expose()).map_err(|_| unknown())?;
        let event = input.get("event").and_then(Value::as_str).and_then(Moment::of_name);
        let moment = event.ok_or_else(unknown)?;
        let is_refresh = input.get("grant_type").is_some_and(|name| name == "refresh_token");
        if moment == Moment::PostToken && is_refresh {
            // This rule is applied when the token is handed out. Here, it would prevent the tokens from being stored.
            return Ok(Secret::new(""));
        }
        let (tenant, provider) = profile.name.split_once('/').ok_or_else(unknown)?;
        let place = Place::new(tenant, provider, "");
        input.remove("profile");
        input.remove("account");
        input.insert("provider".to_owned(), provider.into());
        let input = Value::Object(input);
        ask(&self.vault, &*self.outbound, &place, moment, &input).await.map(|all| all.of_hook())
    }
}

impl Hooks for Rules {
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        _: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move {
            match self.answer(profile, &input).await {
                Err(error) if error.kind() == oauthctl_core::ErrorKind::AccessDenied => {
                    let denial = serde_json::json!({ "deny": error.message() });
                    Ok(Secret::new(denial.to_string()))
                }
                outcome => outcome,
            }
        })
    }
}
