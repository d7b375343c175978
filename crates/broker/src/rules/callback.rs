//! Sends events to a server of the tenant, in requests that are signed like webhooks.

use std::time::Duration;

use oauthctl_core::port::{Http, HttpRequest, Method};
use oauthctl_core::{Error, Result, Secret};
use serde_json::Value;
use url::Url;

use crate::clock::now_seconds;
use crate::keys::random_name;
use crate::webhooks::signature::{self, SigningSecret};

/// How long the server may take to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Maximum size of an answer, in bytes.
const LARGEST: usize = 64 * 1024;

/// Sends an event, and returns the body of the response.
///
/// # Errors
///
/// Returns `Config` if it does not answer in time with 200 or 204 and at most 64 KiB.
pub(super) async fn send(
    outbound: &dyn Http,
    url: &str,
    secrets: &[SigningSecret],
    input: &Value,
) -> Result<Secret> {
    let failed = |why: String| Error::config(format!("the callback of a rule failed: {why}"));
    let url = Url::parse(url).map_err(|_| failed("its URL is invalid".to_owned()))?;
    let body = input.to_string();
    let id = format!("msg_{}", random_name()?);
    let headers = signature::headers(secrets, &id, now_seconds(), &body)?;
    let request = HttpRequest {
        purpose: "rule",
        method: Method::Post,
        url,
        headers,
        body: body.into_bytes().into(),
    };
    let response = tokio::time::timeout(LIMIT, outbound.send(&request)).await;
    let response = response.map_err(|_| failed("no answer in time".to_owned()))?;
    let response = response.map_err(|error| failed(error.message))?;
    match response.status {
        204 => Ok(Secret::new("")),
        200 if response.body.len() > LARGEST => Err(failed("its answer is too large".to_owned())),
        200 => std::str::from_utf8(&response.body)
            .map(Secret::new)
            .map_err(|_| failed("its answer is not text".to_owned())),
        status => Err(failed(format!("HTTP status {status}"))),
    }
}
