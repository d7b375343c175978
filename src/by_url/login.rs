//! Logins by URL, as they are stored: each is a profile that no configuration file contains.

use std::collections::BTreeSet;
use std::time::Duration;

use oauthctl_core::grant::Pin;
use oauthctl_core::profile::{
    Client, ClientAuth, DiscoveryRules, FormerClient, Profile, SecretSource,
};
use oauthctl_core::{Result, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// How long after a login another one for the same scopes counts as a repetition.
const ROW: Duration = Duration::from_secs(600);

/// A login by URL: the server, the resource and the client that it was made with. Contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlLogin {
    /// The URL as the user wrote it, which is the name of the profile.
    pub url: String,
    /// The issuer of the authorization server.
    pub issuer: String,
    /// The identifier of the resource, as its metadata writes it; `None` if the URL is an issuer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// The requested scopes that the user chose, as opposed to those from metadata.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chosen_scopes: Vec<String>,
    /// The store of the tokens and of the client's secrets, as in `--store`.
    pub store: String,
    /// The client.
    pub client: UrlClient,
    /// The clients of earlier logins to this URL, until they are forgotten with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<IssuedClient>,
    /// How often the same scopes were requested in a row.
    pub attempts: Attempts,
}

/// The client of a login by URL. It belongs to one issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlClient {
    /// The client id.
    pub id: String,
    /// Where it comes from.
    pub origin: ClientOrigin,
    /// How it authenticates (a `token_endpoint_auth_method` of RFC 7591), if that is not left to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// The item of the token store with its secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_item: Option<String>,
    /// When its secret expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at: Option<Timestamp>,
    /// The redirect URI that is registered for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The scopes that it is registered for; empty if it is not restricted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Where its registration can be deleted (RFC 7592).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_uri: Option<String>,
    /// The item of the token store that holds the registration access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_token_item: Option<String>,
}

/// A client, and the issuer that knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedClient {
    /// The issuer.
    pub issuer: String,
    /// The client.
    pub client: UrlClient,
    /// The store of its secrets, if that is not the store of the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
}

impl IssuedClient {
    /// Returns a client in the store of its login.
    pub fn new(issuer: &str, client: UrlClient) -> Self {
        Self { issuer: issuer.to_owned(), client, store: None }
    }

    /// Returns whether this is the client with this id at this issuer.
    pub fn is(&self, issuer: &str, id: &str) -> bool {
        self.issuer == issuer && self.client.id == id
    }

    /// Returns whether a grant is pinned to this client.
    pub fn has(&self, pin: &Pin) -> bool {
        pin.issuer.as_deref().is_some_and(|issuer| self.is(issuer, &pin.client_id))
    }
}

/// Where a client comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientOrigin {
    /// The user named a client that was registered before.
    Given,
    /// The id is the URL of a client-ID metadata document.
    MetadataDocument,
    /// This program registered it (RFC 7591).
    Registered,
}

/// How often the same scopes were requested in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    /// The scopes.
    pub scopes: Vec<String>,
    /// The number of logins.
    pub count: u32,
    /// When the last of them began.
    pub at: Timestamp,
}

impl Attempts {
    /// Returns the first attempt for these scopes.
    pub fn first(scopes: &[String], now: Timestamp) -> Self {
        Self { scopes: scopes.to_vec(), count: 1, at: now }
    }

    /// Returns the next attempt for these scopes: one more if they are the same as last time, and that was not
    /// long ago.
    pub fn next(&self, scopes: &[String], now: Timestamp) -> Self {
        let is_same = scopes.len() == self.scopes.len()
            && scopes.iter().all(|scope| self.scopes.contains(scope));
        match is_same && now < self.at.plus(ROW) {
            true => Self { scopes: scopes.to_vec(), count: self.count.saturating_add(1), at: now },
            false => Self::first(scopes, now),
        }
    }
}

impl UrlLogin {
    /// Returns the client, and then those of earlier logins.
    pub fn clients(&self) -> impl Iterator<Item = IssuedClient> {
        let own = IssuedClient::new(&self.issuer, self.client.clone());
        std::iter::once(own).chain(self.former.iter().cloned())
    }

    /// Returns those of these clients whose secrets are in this store.
    pub fn clients_in(&self, store: &str) -> impl Iterator<Item = IssuedClient> {
        self.clients().filter(move |one| self.store_of(one) == store)
    }

    /// Returns the stores of these clients, that of the login first.
    pub fn stores(&self) -> Vec<String> {
        let mut stores: Vec<String> =
            self.clients().map(|one| self.store_of(&one).to_owned()).collect();
        let mut seen = BTreeSet::new();
        stores.retain(|store| seen.insert(store.clone()));
        stores
    }

    /// Returns the store of one of these clients.
    pub fn store_of<'a>(&'a self, one: &'a IssuedClient) -> &'a str {
        one.store.as_deref().unwrap_or(&self.store)
    }

    /// Returns the equivalent profile.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the stored login is invalid.
    pub fn profile(&self) -> Result<Profile> {
        let mut builder =
            Profile::builder("url", &self.client.id).issuer(&self.issuer).scopes(&self.scopes);
        if let Some(resource) = &self.resource {
            builder = builder.key("resource", json!([resource]));
        }
        if let Some(auth) = &self.client.auth {
            builder = builder.key("client_auth", auth.as_str());
        }
        if let Some(uri) = &self.client.redirect_uri {
            builder = builder.redirect_uri(uri);
        }
        if let Some(item) = &self.client.secret_item {
            builder = builder.client_secret_from(SecretSource::Keyring(item.clone()));
        }
        let mut profile = builder.build()?;
        profile.name.clone_from(&self.url);
        // Not a key of the builder: the programs of the store `command` are in the user's configuration.
        profile.store = Some(self.store.clone());
        profile.discovery_rules = DiscoveryRules::Mcp;
        profile.chosen_scopes.clone_from(&self.chosen_scopes);
        let former = self.former.iter().filter_map(|one| {
            let client = one.client.in_place_of(&profile.client)?;
            Some(FormerClient::new(&one.issuer, client))
        });
        profile.former_clients = former.collect();
        Ok(profile)
    }
}

impl UrlClient {
    /// Returns the client of the equivalent profile, made from that of another one, or `None` if it authenticates in a
    /// way that is unknown.
    fn in_place_of(&self, other: &Client) -> Option<Client> {
        let method = |name: &String| ClientAuth::ALL.iter().find(|(known, _)| known == name);
        let auth = match &self.auth {
            Some(name) => Some(method(name)?.1),
            None => None,
        };
        let mut client = other.clone();
        client.id.clone_from(&self.id);
        client.auth = auth;
        client.secret = self.secret_item.clone().map(SecretSource::Keyring);
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_login_is_a_profile_named_by_its_url() {
        let login = UrlLogin {
            url: "https://r.example/mcp".to_owned(),
            issuer: "https://as.example".to_owned(),
            resource: Some("https://r.example".to_owned()),
            scopes: vec!["a".to_owned(), "offline_access".to_owned()],
            chosen_scopes: vec!["a".to_owned()],
            store: "file".to_owned(),
            client: UrlClient {
                id: "c\"1".to_owned(),
                origin: ClientOrigin::Registered,
                auth: Some("client_secret_post".to_owned()),
                secret_item: Some("item".to_owned()),
                secret_expires_at: None,
                redirect_uri: Some("http://127.0.0.1:4711/callback".to_owned()),
                scopes: Vec::new(),
                registration_uri: None,
                registration_token_item: None,
            },
            former: Vec::new(),
            attempts: Attempts { scopes: Vec::new(), count: 1, at: Timestamp::from_unix(1) },
        };
        let profile = login.profile().unwrap();
        assert_eq!((profile.name.as_str(), profile.client.id.as_str()), (&*login.url, "c\"1"));
        // Byte for byte: a URL parser would add a slash.
        assert_eq!(profile.resource, ["https://r.example"]);
        assert_eq!(profile.client.secret, Some(SecretSource::Keyring("item".to_owned())));
        assert_eq!(profile.redirect_uris[0].port, Some(4711));
        assert_eq!(profile.scopes, login.scopes);
    }
}
