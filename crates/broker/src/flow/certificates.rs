//! Clients that authenticate with a certificate (RFC 8705): each has a transport of its own.
//!
//! One transport serves all tenants. Work for a provider with a certificate therefore carries the transport that presents
//! it, so that no request for another provider can.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use oauthctl_core::http::{HttpClient, Options, client_certificate};
use oauthctl_core::profile::{ClientAuth, Profile, SecretSource};
use oauthctl_core::{Error, Result, Secret};

/// Number of known transports above which they are forgotten.
const MANY: usize = 1_024;

tokio::task_local! {
    static CLIENT: Arc<HttpClient>;
}

/// Runs work whose requests use this transport.
pub(super) async fn scope<F: Future>(client: Option<Arc<HttpClient>>, work: F) -> F::Output {
    match client {
        Some(client) => CLIENT.scope(client, work).await,
        None => work.await,
    }
}

/// Returns the transport of this task, if it has one of its own.
pub(super) fn client_of_task() -> Option<Arc<HttpClient>> {
    CLIENT.try_with(Arc::clone).ok()
}

/// The transports, by profile, with the certificates that they present.
pub struct Certificates {
    options: Options,
    clients: Mutex<HashMap<String, (Secret, Arc<HttpClient>)>>,
}

impl Certificates {
    /// Creates the transports, with these options.
    pub fn new(options: Options) -> Self {
        Self { options, clients: Mutex::default() }
    }

    /// Returns the transport that presents the certificate of a profile; `None` if its client has none.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the certificate or its key cannot be used.
    pub fn client(&self, profile: &Profile) -> Result<Option<Arc<HttpClient>>> {
        let Some(pem) = certificate(profile)? else { return Ok(None) };
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, client)) = clients.get(&profile.name)
            && *known == pem
        {
            return Ok(Some(Arc::clone(client)));
        }
        let presents = Some(pem.clone());
        let client =
            HttpClient::new(Options { client_certificate: presents, ..self.options.clone() });
        client.check_options()?;
        let client = Arc::new(client);
        if clients.len() >= MANY {
            clients.clear();
        }
        clients.insert(profile.name.clone(), (pem, Arc::clone(&client)));
        Ok(Some(client))
    }
}

/// Returns the certificate of a client with its private key, PEM. Without `certificate`, `private_key` contains it.
fn certificate(profile: &Profile) -> Result<Option<Secret>> {
    let client = &profile.client;
    if !client.auth.is_some_and(ClientAuth::is_mutual_tls) {
        return Ok(None);
    }
    match (&client.certificate, &client.private_key) {
        (Some(SecretSource::Inline(certificate)), Some(SecretSource::Inline(key))) => {
            client_certificate(certificate, key).map(Some)
        }
        (None, Some(SecretSource::Inline(key))) => Ok(Some(key.clone())),
        _ => Err(Error::config("a client certificate requires `private_key`")),
    }
}
