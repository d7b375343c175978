//! How the client of a profile authenticates if the configuration sets no method.

use super::{ClientAuth, GrantType, Profile};

impl Profile {
    /// Returns how the client authenticates: as configured, else by its credentials and the methods that the server
    /// offers. No methods stand for metadata that lists none, or is not known.
    pub fn client_auth(&self, offered: &[String]) -> ClientAuth {
        if let Some(method) = self.client.auth {
            return method;
        }
        let is_offered = |method: ClientAuth| {
            offered.is_empty() || offered.iter().any(|name| name == method.as_str())
        };
        // The key of `jwt_bearer` signs the grant's own assertion. Authentication is optional beside it (RFC
        // 7521, section 4.1).
        let is_of_grant = self.grant == GrantType::JwtBearer;
        let signs = self.client.private_key.is_some() || self.client.assertion.is_some();
        if signs && !is_of_grant {
            return ClientAuth::PrivateKeyJwt;
        }
        match self.client.secret {
            None => ClientAuth::None,
            Some(_)
                if !is_offered(ClientAuth::ClientSecretBasic)
                    && is_offered(ClientAuth::ClientSecretPost) =>
            {
                ClientAuth::ClientSecretPost
            }
            Some(_) => ClientAuth::ClientSecretBasic,
        }
    }
}
