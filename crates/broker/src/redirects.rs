//! Redirect URLs that the operator allowed. They are parsed once and compared as a whole.

use oauthctl_core::{Error, Result};
use url::Url;

use crate::model::Tenant;

/// Parses a URL that an operator allows, and returns the form in which it is compared and sent.
///
/// # Errors
///
/// Returns `Usage` unless it is an https URL, or http on a loopback host, without user, password and fragment.
pub fn parse(text: &str) -> Result<String> {
    target(text).map_err(|why| Error::usage(format!("a redirect URL {why}")))
}

/// Parses a URL to which the broker sends requests or users.
///
/// # Errors
///
/// Returns what is wrong unless it is an https URL, or http on a loopback host, without user, password and fragment.
pub fn target(text: &str) -> std::result::Result<String, &'static str> {
    let url = Url::parse(text).map_err(|_| "must be an absolute URL")?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be plain ASCII without spaces");
    }
    let is_loopback = || match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback()) {
        return Err("must be https, or http on a loopback host");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must not contain a user name, a password or a fragment");
    }
    if url.host_str().is_some_and(|host| host.contains('*')) {
        return Err("must not contain a wildcard");
    }
    Ok(url.into())
}

/// Returns the URL to redirect a user to, if the operator allowed it for the tenant.
pub fn allowed(tenant: &Tenant, wanted: &str) -> Option<String> {
    let url = parse(wanted).ok()?;
    tenant.redirects.contains(&url).then_some(url)
}

/// Adds a parameter to a redirect URL.
pub fn with_parameter(url: &str, name: &str, value: &str) -> String {
    match Url::parse(url) {
        Ok(mut url) => {
            url.query_pairs_mut().append_pair(name, value);
            url.into()
        }
        Err(_) => url.to_owned(),
    }
}
