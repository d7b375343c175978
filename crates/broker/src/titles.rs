//! The names of providers and applications on pages for end users.

use oauthctl_core::profile::{Profile, presets};
use oauthctl_core::{Error, Result};
use url::Url;

use crate::broker::Broker;
use crate::model::{Link, Tenant};
use crate::pages::Connect;
use crate::tenants;

/// The two parties of a connection, as end users know them.
#[derive(Debug, Clone)]
pub struct Titles {
    /// The provider.
    pub provider: String,
    /// The application.
    pub application: String,
}

impl Titles {
    /// Returns the names of the parties of a link. What cannot be read is left general, because the outcome of a
    /// flow is shown in any case.
    pub async fn of(broker: &Broker, link: &Link) -> Self {
        let tenant = tenants::get(&broker.vault, &link.tenant).await;
        let application = tenant.map_or_else(|_| "The application".to_owned(), application);
        let profile = broker.flow.providers.profile(&link.tenant, &link.provider).await;
        let provider = match profile {
            Ok(Some(profile)) => provider(&profile, None),
            _ => link.provider.clone(),
        };
        Self { provider, application }
    }
}

fn application(tenant: Tenant) -> String {
    tenant.title.unwrap_or(tenant.name)
}

/// Returns the name of a provider: that of the preset, if the preset alone determines the server, else the
/// host to which the user is redirected. The tenant cannot choose it, because it could choose any name.
fn provider(profile: &Profile, authorization_endpoint: Option<&str>) -> String {
    let preset = profile.provider.as_deref().filter(|_| profile.callback.server_of_preset);
    if let Some(preset) = preset.and_then(presets::find) {
        return preset.title.clone();
    }
    let of_profile = profile.endpoints.authorization.as_deref().or(profile.issuer.as_deref());
    authorization_endpoint
        .or(of_profile)
        .and_then(host)
        .unwrap_or_else(|| "the provider".to_owned())
}

fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// Returns the page that explains the connection of a link; its links contain this answer.
///
/// # Errors
///
/// Returns the errors of [`FlowManager::server`](oauthctl_core::FlowManager::server).
pub async fn connect_page(broker: &Broker, link: &Link, answer: &str) -> Result<Connect> {
    let tenant = tenants::get(&broker.vault, &link.tenant).await?;
    let profile = broker.flow.providers.profile(&link.tenant, &link.provider).await?;
    let profile = profile.ok_or_else(|| Error::config("the provider has been removed"))?;
    let server = broker.flow.manager.server(&profile.name).await?;
    let endpoint = server.endpoints.authorization.as_deref();
    let scopes = if link.scopes.is_empty() { &profile.scopes } else { &link.scopes };
    Ok(Connect {
        provider: provider(&profile, endpoint),
        application: application(tenant),
        scopes: scopes.clone(),
        host: endpoint.and_then(host).unwrap_or_else(|| "the provider".to_owned()),
        back: link.redirect_to.as_deref().and_then(host),
        go: format!("?continue={answer}"),
        cancel: format!("?cancel={answer}"),
    })
}
