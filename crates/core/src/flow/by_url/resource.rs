//! Finds the metadata of a protected resource (RFC 9728).

use url::Url;
use zeroize::Zeroizing;

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::flow::exchange::send;
use crate::flow::ports::Ports;
use crate::port::{HttpRequest, HttpResponse, Method};
use crate::profile::discovery::fetch::{Unusable, document, request};
use crate::profile::endpoint;
use crate::protocol::challenge::ResourceChallenge;
use crate::protocol::protected_resource::{ResourceMetadata, locations, validate};
use crate::text::one_line;

/// What was found at a URL.
pub(super) enum Found {
    /// A protected resource, and the scopes of its challenge.
    Resource { metadata: ResourceMetadata, scopes: Vec<String> },
    /// No metadata of a resource, perhaps because of an error, and the scopes of its challenge.
    Nothing { why: Option<Error>, scopes: Vec<String> },
}

/// Finds the metadata: where the challenge says, else at the well-known locations.
pub(super) async fn find(
    ports: &Ports,
    url: &Url,
    challenge: Option<&ResourceChallenge>,
) -> Result<Found> {
    let challenge = match challenge {
        Some(challenge) => challenge.clone(),
        None => asked(ports, url).await?.unwrap_or_default(),
    };
    let scopes = challenge.scopes;
    if let Some(location) = &challenge.resource_metadata {
        let metadata = named(ports, url, location).await?;
        return Ok(Found::Resource { metadata, scopes });
    }
    for location in locations(url) {
        match fetched(ports, &location).await? {
            // The document of the host is not asked if the path has one (MCP).
            Ok(document) => {
                return Ok(match validate(url, &location, &document) {
                    Ok(metadata) => Found::Resource { metadata, scopes },
                    // The URL may be an issuer on the host of a resource.
                    Err(why) => Found::Nothing { why: Some(why), scopes },
                });
            }
            Err(Unusable { is_transient: true, why }) => {
                return Err(unavailable(&location, &why));
            }
            Err(_) => {}
        }
    }
    Ok(Found::Nothing { why: None, scopes })
}

/// Asks the resource for its challenge. A resource that answers something else has none, and neither has one
/// whose answer cannot be read to its end.
async fn asked(ports: &Ports, url: &Url) -> Result<Option<ResourceChallenge>> {
    let request = HttpRequest {
        purpose: "request to the resource",
        method: Method::Get,
        url: url.clone(),
        // Not `text/event-stream`: a stream does not end.
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Zeroizing::default(),
    };
    match send(ports, &request, &[]).await {
        Ok(response) => Ok(challenge_of(&response)),
        Err(no_answer) if no_answer.perhaps_acted => Ok(None),
        Err(no_answer) => Err(no_answer.error),
    }
}

/// Returns the challenge of a refusal. One that is malformed is ignored: the well-known locations remain.
fn challenge_of(response: &HttpResponse) -> Option<ResourceChallenge> {
    if !(400..500).contains(&response.status) {
        return None;
    }
    let values = response.headers.iter().filter(|(name, _)| name == "www-authenticate");
    let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
    ResourceChallenge::read(&values.join(", ")).ok().flatten()
}

/// Returns the metadata at the location that a challenge names.
async fn named(ports: &Ports, url: &Url, location: &str) -> Result<ResourceMetadata> {
    let checked = endpoint::check(location).and_then(|is| match is.scheme() {
        "http" if url.scheme() != "http" => Err("must be https".to_owned()),
        _ => Ok(is),
    });
    let location = checked.map_err(|why| {
        Error::validation(format!(
            "`resource_metadata` in the challenge of {} {why}",
            one_line(url.as_str())
        ))
    })?;
    match fetched(ports, &location).await? {
        Ok(document) => validate(url, &location, &document),
        Err(Unusable { is_transient: true, why }) => Err(unavailable(&location, &why)),
        Err(Unusable { why, .. }) => Err(Error::validation(format!(
            "the metadata of {} is not at the location that its challenge names, {}: {why}",
            one_line(url.as_str()),
            one_line(location.as_str())
        ))),
    }
}

type Document = serde_json::Map<String, serde_json::Value>;

async fn fetched(ports: &Ports, location: &Url) -> Result<Result<Document, Unusable>> {
    let request = HttpRequest { purpose: "discovery of the resource", ..request(location) };
    let response = send(ports, &request, &[]).await.map_err(|no_answer| no_answer.error)?;
    Ok(document(&response))
}

fn unavailable(location: &Url, why: &str) -> Error {
    Error::unavailable(format!("cannot fetch {}: {why}", one_line(location.as_str())))
        .hint(Advice::RetryLater)
}
