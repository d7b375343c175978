//! Grants that somebody else gave than the one who must have: they are not kept.

use super::FlowManager;
use crate::error::{Error, Result};
use crate::grant::Grant;
use crate::profile::{AuthorizationServer, Profile};

/// Who must have granted, as the server reports it; what is `None` may be anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredIdentity {
    /// The subject.
    pub sub: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
}

impl FlowManager {
    /// Refuses a grant that another person gave than the required one.
    pub(super) async fn require_identity(
        &self,
        profile: &Profile,
        grant: &mut Grant,
        required: &RequiredIdentity,
    ) -> Result<()> {
        if required.email.is_some() && grant.identity.email.is_none() {
            self.complete_identity(profile, grant).await?;
        }
        let pairs = [
            ("sub", &required.sub, &grant.identity.sub),
            ("email", &required.email, &grant.identity.email),
        ];
        for (name, wanted, given) in pairs {
            if wanted.is_some() && wanted != given {
                let given = given.as_deref().map_or("none".to_owned(), crate::text::one_line);
                return Err(Error::validation(format!(
                    "another person has granted than the required one: `{name}` is {given}"
                ))
                .hint("nothing was stored; let the right person log in"));
            }
        }
        Ok(())
    }

    /// Revokes tokens that are not kept. Where that fails they end by themselves: nobody has them.
    pub(super) async fn discard(
        &self,
        profile: &Profile,
        server: &AuthorizationServer,
        grant: &Grant,
    ) {
        let endpoint = match server.endpoints.revocation.clone() {
            Some(endpoint) => Some(endpoint),
            None => match self.whole_server(profile).await {
                Ok(server) => server.endpoints.revocation,
                Err(_) => None,
            },
        };
        let Some(endpoint) = endpoint else { return };
        let (token, hint) = match &grant.tokens.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (&grant.tokens.access_token, "access_token"),
        };
        let _ = self.send_revocation(profile, server, &endpoint, token, hint, grant).await;
    }
}
