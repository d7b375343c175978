//! Fetches the metadata of an issuer: from the first location that has a document, completed from the
//! other.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::kept::{Found, lifetime};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::port::{Http, HttpRequest, HttpResponse, Method};
use crate::profile::DiscoveryRules;
use crate::profile::endpoint;
use crate::profile::metadata::{Unique, complete, relevant, validate};
use crate::text::one_line;

/// Maximum size of a document, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// Why there is no metadata.
pub(super) enum Failure {
    /// The server did not respond, or is temporarily unavailable: an attacker on the network could have
    /// caused that.
    NoAnswer(Error),
    /// The server responded that it has none.
    NoDocument(Error),
    /// The metadata must not be used, or cannot be requested.
    Refused(Error),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let (Failure::NoAnswer(error) | Failure::NoDocument(error) | Failure::Refused(error)) =
            failure;
        error
    }
}

/// The standard that defines the location of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standard {
    /// OpenID Connect Discovery.
    OpenId,
    /// RFC 8414.
    OAuth,
}

/// Returns the possible locations of an issuer's metadata: that of OpenID Connect, that of RFC 8414
/// (between host and path, section 3.1), and, for an issuer with a path, OpenID Connect's document at that
/// location too (section 5). The rules determine their order.
pub(super) fn candidates(issuer: &Url, rules: DiscoveryRules) -> Vec<(Standard, Url)> {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    let oauth = (Standard::OAuth, at(format!("/.well-known/oauth-authorization-server{path}")));
    let openid = (Standard::OpenId, at(format!("{path}/.well-known/openid-configuration")));
    let inserted = (!path.is_empty())
        .then(|| (Standard::OpenId, at(format!("/.well-known/openid-configuration{path}"))));
    match rules {
        DiscoveryRules::Configured => [openid, oauth].into_iter().chain(inserted).collect(),
        DiscoveryRules::Mcp => [oauth].into_iter().chain(inserted).chain([openid]).collect(),
    }
}

/// Fetches the first existing document. If it `lacks` something, the document of the other standard
/// completes it; a failure of that one leaves the first unchanged.
pub(super) async fn fetch(
    issuer: &str,
    rules: DiscoveryRules,
    http: &dyn Http,
    lacks: impl Fn(&Map<String, Value>) -> bool,
) -> Result<Found, Failure> {
    let places = places(issuer, rules)?;
    let First { standard, document, lifetime, .. } = first(issuer, &places, http).await?;
    let mut found = Found { document: relevant(document), lifetime, is_joined: false };
    validate(issuer, &found.document).map_err(Failure::Refused)?;
    if lacks(&found.document) {
        let others = places.iter().filter(|(other, _)| *other != standard);
        let others: Vec<&Url> = others.map(|(_, url)| url).collect();
        join(issuer, http, &others, &mut found, lacks).await;
    }
    Ok(found)
}

/// Fetches everything that an issuer publishes about itself: the first existing document, with the members that only
/// the others have. Returns it with the location of the first.
pub(super) async fn fetch_all(
    issuer: &str,
    http: &dyn Http,
) -> Result<(Url, Map<String, Value>), Failure> {
    let places = places(issuer, DiscoveryRules::Configured)?;
    let First { url, document: mut all, .. } = first(issuer, &places, http).await?;
    validate(issuer, &all).map_err(Failure::Refused)?;
    for (_, other) in places.iter().filter(|(_, other)| *other != url) {
        let Ok(response) = http.send(&request(other)).await else { break };
        let Ok(second) = document(&response) else { continue };
        if validate(issuer, &second).is_ok() {
            let new = second.into_iter().filter(|(name, _)| !all.contains_key(name));
            let new: Vec<_> = new.collect();
            all.extend(new);
        }
    }
    Ok((url, all))
}

fn places(issuer: &str, rules: DiscoveryRules) -> Result<Vec<(Standard, Url)>, Failure> {
    let url = endpoint::check_issuer(issuer)
        .map_err(|why| Failure::Refused(Error::config(format!("the issuer {why}"))))?;
    Ok(candidates(&url, rules))
}

/// The first existing document of an issuer.
struct First {
    standard: Standard,
    url: Url,
    document: Map<String, Value>,
    lifetime: Duration,
}

async fn first(
    issuer: &str,
    places: &[(Standard, Url)],
    http: &dyn Http,
) -> Result<First, Failure> {
    let mut failures = Vec::new();
    for (standard, url) in places {
        let shown = one_line(url.as_str());
        let response = http.send(&request(url)).await.map_err(|error| {
            let told = error.told(format!("cannot fetch {shown}: {}", error.message));
            match error.misconfigured {
                true => Failure::Refused(told),
                false => Failure::NoAnswer(told),
            }
        })?;
        match document(&response) {
            Ok(document) => {
                let (standard, url, lifetime) = (*standard, url.clone(), lifetime(&response));
                return Ok(First { standard, url, document, lifetime });
            }
            Err(nothing) => failures.push((shown, nothing)),
        }
    }
    Err(none_found(issuer, &failures))
}

async fn join(
    issuer: &str,
    http: &dyn Http,
    places: &[&Url],
    found: &mut Found,
    lacks: impl Fn(&Map<String, Value>) -> bool,
) {
    for url in places {
        // If nothing responds, the next run tries again.
        let Ok(response) = http.send(&request(url)).await else { return };
        if let Ok(second) = document(&response) {
            complete(issuer, &mut found.document, relevant(second));
        }
        if !lacks(&found.document) {
            break;
        }
    }
    found.is_joined = true;
}

/// Returns a request for a document.
pub(crate) fn request(url: &Url) -> HttpRequest {
    HttpRequest {
        purpose: "discovery",
        method: Method::Get,
        url: url.clone(),
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Zeroizing::default(),
    }
}

/// Why a location has no document.
pub(crate) struct Unusable {
    pub(crate) why: String,
    /// Whether the server may have one later.
    pub(crate) is_transient: bool,
}

fn none_found(issuer: &str, failures: &[(String, Unusable)]) -> Failure {
    let lines = failures.iter().map(|(url, nothing)| format!("  {url}: {}", nothing.why));
    let message = format!("no metadata found for {}:", one_line(issuer));
    if failures.iter().any(|(_, nothing)| nothing.is_transient) {
        let error = Error::unavailable(message).and_lines(lines);
        return Failure::NoAnswer(error.hint(Advice::RetryLater));
    }
    Failure::NoDocument(Error::config(message).and_lines(lines))
}

/// Returns the document of a response, or what the response was instead.
pub(crate) fn document(response: &HttpResponse) -> Result<Map<String, Value>, Unusable> {
    let because = |why: String| Unusable { why, is_transient: false };
    match response.status {
        200 => {}
        status @ 300..400 => {
            let to = response
                .header("location")
                .map_or_else(String::new, |to| format!(" to {}", one_line(to)));
            return Err(because(format!(
                "status {status}, a redirect{to}: redirects are not followed"
            )));
        }
        status => {
            let is_transient = status >= 500 || status == 429;
            return Err(Unusable { why: format!("status {status}"), is_transient });
        }
    }
    if response.body.len() > MAX_BYTES {
        return Err(because("more than 1 MiB".to_owned()));
    }
    let start = response.body.trim_ascii_start();
    if start.is_empty() {
        return Err(because("an empty response".to_owned()));
    }
    if start.starts_with(b"<") {
        return Err(because("a web page instead of JSON".to_owned()));
    }
    match serde_json::from_slice::<Unique>(&response.body) {
        Ok(Unique(document)) => Ok(document),
        Err(error) if error.is_data() => {
            Err(because(format!("JSON, but not valid metadata: {}", one_line(&error.to_string()))))
        }
        Err(error) => Err(because(format!("not JSON: {}", one_line(&error.to_string())))),
    }
}
