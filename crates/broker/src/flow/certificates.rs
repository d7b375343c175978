//! Clients that authenticate with a certificate (RFC 8705): each has a transport of its own.
//!
//! One transport serves all tenants. Work for a provider with a certificate therefore carries the transport that presents
//! it, so that no request for another provider can.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use oauthctl_core::http::{HttpClient, Options, client_certificate};
use oauthctl_core::profile::{ClientAuth, Profile, SecretSource};
use oauthctl_core::{Error, Result, Secret};

/// Maximum number of transports. A further one replaces the one that was unused for the longest time.
const MOST: usize = 1_024;

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

/// A transport, with the certificate that it presents.
struct Presenting {
    pem: Secret,
    client: Arc<HttpClient>,
    used_at: Instant,
}

/// The transports, by profile.
pub struct Certificates {
    options: Options,
    most: usize,
    clients: Mutex<HashMap<String, Presenting>>,
}

impl Certificates {
    /// Creates the transports, with these options.
    pub fn new(options: Options) -> Self {
        Self { options, most: MOST, clients: Mutex::default() }
    }

    /// Returns the transport that presents the certificate of a profile; `None` if its client has none.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the certificate or its key cannot be used.
    pub async fn client(&self, profile: &Profile) -> Result<Option<Arc<HttpClient>>> {
        let Some(pem) = certificate(profile)? else { return Ok(None) };
        if let Some(client) = self.known(&profile.name, &pem) {
            return Ok(Some(client));
        }
        let client = Arc::new(self.build(pem.clone()).await?);
        self.keep(&profile.name, pem, Arc::clone(&client));
        Ok(Some(client))
    }

    /// Checks the certificate of a profile, if its client has one.
    ///
    /// # Errors
    ///
    /// Returns `Config` if the certificate or its key cannot be used.
    pub async fn check(&self, profile: &Profile) -> Result<()> {
        match certificate(profile)? {
            Some(pem) => self.build(pem).await.map(drop),
            None => Ok(()),
        }
    }

    /// Drops the transport of a profile that was changed or removed.
    pub fn forget(&self, profile: &str) {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner).remove(profile);
    }

    fn known(&self, profile: &str, pem: &Secret) -> Option<Arc<HttpClient>> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known = clients.get_mut(profile).filter(|known| known.pem == *pem)?;
        known.used_at = Instant::now();
        Some(Arc::clone(&known.client))
    }

    fn keep(&self, profile: &str, pem: Secret, client: Arc<HttpClient>) {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= self.most && !clients.contains_key(profile) {
            let oldest = clients.iter().min_by_key(|(_, known)| known.used_at);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                clients.remove(&oldest);
            }
        }
        clients.insert(profile.to_owned(), Presenting { pem, client, used_at: Instant::now() });
    }

    /// Builds a transport. That takes too long for a thread that serves others.
    async fn build(&self, pem: Secret) -> Result<HttpClient> {
        let options = Options { client_certificate: Some(pem), ..self.options.clone() };
        let building = tokio::task::spawn_blocking(move || {
            let client = HttpClient::new(options);
            client.check_options().map(|()| client)
        });
        let built = building.await;
        built.unwrap_or_else(|_| Err(Error::internal("a TLS client cannot be built")))
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

#[cfg(test)]
mod tests {
    use oauthctl_core::http::Reach;
    use rcgen::{CertificateParams, KeyPair};

    use super::*;
    use crate::flow::http::options;

    fn profile(name: &str) -> Profile {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = certificate.self_signed(&key).unwrap().pem();
        Profile::builder(format!("acme/{name}"), "app")
            .key("authorization_endpoint", "https://as.example/authorize")
            .key("token_endpoint", "https://as.example/token")
            .key("client_auth", "tls_client_auth")
            .certificate(Secret::new(certificate.as_str()))
            .private_key(Secret::new(key.serialize_pem().as_str()))
            .build()
            .unwrap()
    }

    fn names(certificates: &Certificates) -> Vec<String> {
        let mut names: Vec<_> = certificates.clients.lock().unwrap().keys().cloned().collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn checked_certificate_is_not_kept() {
        let certificates = Certificates::new(options(Reach::Anywhere));
        certificates.check(&profile("a")).await.unwrap();
        assert_eq!(names(&certificates), [""; 0]);
    }

    #[tokio::test]
    async fn further_client_replaces_the_oldest_alone() {
        let certificates = Certificates { most: 2, ..Certificates::new(options(Reach::Anywhere)) };
        let [a, b, c] = ["a", "b", "c"].map(profile);
        let first = certificates.client(&a).await.unwrap().unwrap();
        certificates.client(&b).await.unwrap();
        // It is used again, so the other one is older.
        let again = certificates.client(&a).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        certificates.client(&c).await.unwrap();
        assert_eq!(names(&certificates), ["acme/a", "acme/c"]);
        // A changed certificate replaces its own.
        let changed = certificates.client(&profile("a")).await.unwrap().unwrap();
        assert!(!Arc::ptr_eq(&first, &changed));
        assert_eq!(names(&certificates), ["acme/a", "acme/c"]);
        certificates.forget("acme/a");
        assert_eq!(names(&certificates), ["acme/c"]);
    }
}
