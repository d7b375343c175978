//! Sends requests to the token endpoint and related endpoints: once, or again if that is safe.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::credentials::credentials;
use super::dpop_nonce;
use super::pin::client_auth;
use super::ports::Ports;
use super::turn::Peer;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::port::{HttpError, HttpRequest, HttpResponse, MAX_BODY, Method};
use crate::profile::{AssertionAudience, TokenRequestFormat};
use crate::protocol::answer::Answer;
use crate::protocol::client_auth::{Client, Credentials, Terms, authenticate};
use crate::protocol::dpop;
use crate::protocol::members::Members;
use crate::protocol::signing_key::SigningKey;
use crate::redact::{self, names};
use crate::time::Timestamp;

/// Maximum number of times that a request is sent.
const ATTEMPTS: u32 = 3;

/// Maximum `Retry-After` that is obeyed within one command.
const RETRY_CAP: Duration = Duration::from_secs(10);

/// What a request spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spends {
    /// A code: sent once, and again only if nothing of it left this machine.
    Once,
    /// A device code: sent once, and by the caller again at the next poll.
    Polled,
    /// Anything else: sent again also if the server says that it did not act.
    Again,
}

/// A request to an endpoint that authenticates the client.
pub(super) struct Exchange<'a> {
    pub(super) purpose: &'static str,
    pub(super) endpoint: &'a str,
    pub(super) form: Vec<(String, String)>,
    pub(super) spends: Spends,
    pub(super) dpop_key: Option<&'a Secret>,
    /// Whether the profile's token request format applies.
    pub(super) may_be_json: bool,
}

/// Why there is no response, and whether the server may have acted anyway.
pub(super) struct NoAnswer {
    pub(super) error: Error,
    pub(super) perhaps_acted: bool,
}

impl From<Error> for NoAnswer {
    fn from(error: Error) -> Self {
        Self { error, perhaps_acted: false }
    }
}

/// Sends the request. Every response with a status counts.
pub(super) async fn exchange(peer: Peer<'_>, exchange: &Exchange<'_>) -> Result<Answer, NoAnswer> {
    let credentials = credentials(peer.context()).await?;
    exchange_with(peer, &credentials, exchange).await
}

/// Does the same with the given client credentials. For a request that spends something, they are read
/// before the spending is recorded.
pub(super) async fn exchange_with(
    peer: Peer<'_>,
    credentials: &Credentials,
    exchange: &Exchange<'_>,
) -> Result<Answer, NoAnswer> {
    let (ports, endpoint) = (peer.ports(), exchange.endpoint);
    let mut nonce = exchange.dpop_key.and_then(|_| dpop_nonce::find(ports, endpoint));
    let mut has_asked = false;
    let mut attempt = 1;
    loop {
        let (request, secrets) = build(peer, credentials, exchange, nonce.as_deref())?;
        let sent_at = peer.now();
        let wait = match send(peer.ports(), &request, &secrets).await {
            Err(no_answer) => {
                let is_final = no_answer.perhaps_acted
                    || !no_answer.error.is_transient()
                    || exchange.spends == Spends::Polled;
                if is_final || attempt == ATTEMPTS {
                    return Err(no_answer);
                }
                Duration::from_millis(200 * u64::from(attempt))
            }
            Ok(response) => {
                if exchange.dpop_key.is_some() {
                    let new = response.header("dpop-nonce");
                    dpop_nonce::keep(ports, endpoint, new, nonce.as_deref());
                    if !has_asked && wants_nonce(&response) {
                        (nonce, has_asked) = (new.map(str::to_owned), true);
                        continue;
                    }
                }
                match repeat_after(exchange, &response, peer.now()) {
                    Some(wait) if attempt < ATTEMPTS => wait,
                    _ => return Ok(Answer::new(response, secrets, sent_at)),
                }
            }
        };
        attempt += 1;
        peer.ports().clock.sleep(wait + jitter()).await;
    }
}

/// Sends a request that contains these secrets, once. The transport may be a custom one: a response
/// over the limit is refused, and an error quotes no secret.
pub(super) async fn send(
    ports: &Ports,
    request: &HttpRequest,
    secrets: &[Secret],
) -> Result<HttpResponse, NoAnswer> {
    let answer = ports.http.send(request).await;
    let response = answer.map_err(|failure| no_answer(request.purpose, failure, secrets))?;
    let size = response.body.len();
    if size <= MAX_BODY {
        return Ok(response);
    }
    let error = Error::validation(format!(
        "the response to the {} has {size} bytes, but at most {MAX_BODY} are accepted",
        request.purpose
    ));
    Err(NoAnswer { error, perhaps_acted: true })
}

fn repeat_after(
    exchange: &Exchange<'_>,
    response: &HttpResponse,
    now: Timestamp,
) -> Option<Duration> {
    if exchange.spends != Spends::Again {
        return None;
    }
    let asked = response.retry_after(now);
    match (response.status, asked) {
        (429 | 503, Some(wait)) if wait <= RETRY_CAP => Some(wait),
        _ => None,
    }
}

/// Returns the request, and the secrets in it.
fn build(
    peer: Peer<'_>,
    credentials: &Credentials,
    exchange: &Exchange<'_>,
    nonce: Option<&str>,
) -> Result<(HttpRequest, Vec<Secret>)> {
    let Peer { profile, server, .. } = peer;
    let url = Url::parse(exchange.endpoint).map_err(|_| {
        Error::config(format!("the endpoint of the {} is not a valid URL", exchange.purpose))
    })?;
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    let mut form = exchange.form.clone();
    let token_endpoint = server.endpoints.token.as_deref();
    let audience = match profile.client.assertion_audience {
        AssertionAudience::Issuer => server.issuer.as_deref().or(token_endpoint),
        AssertionAudience::TokenEndpoint => token_endpoint,
        AssertionAudience::Endpoint => None,
    };
    let method = client_auth(profile, server);
    let terms = Terms {
        audience: audience.unwrap_or(exchange.endpoint),
        algs: &server.token_auth_algs,
        now: peer.now(),
    };
    let client = Client { method, id: &profile.client.id, credentials };
    authenticate(client, terms, &mut headers, &mut form)?;
    if let Some(key) = exchange.dpop_key {
        let key = SigningKey::from_stored(key)?;
        let (method, access_token) = (Method::Post.as_str(), None);
        let request = dpop::Request { method, url: &url, nonce, access_token };
        let proof = dpop::proof(&key, request, peer.now())?;
        headers.push(("dpop".to_owned(), proof));
    }
    let mut secrets = secrets_in(&headers, &form);
    secrets.extend(credentials.secret.clone().filter(|secret| !secret.is_empty()));
    let as_json = exchange.may_be_json && profile.token_request == TokenRequestFormat::Json;
    let (media_type, body) = if as_json {
        ("application/json", json_body(form)?)
    } else {
        ("application/x-www-form-urlencoded", form_body(&form))
    };
    headers.push(("content-type".to_owned(), media_type.to_owned()));
    let purpose = exchange.purpose;
    Ok((HttpRequest { purpose, method: Method::Post, url, headers, body }, secrets))
}

fn secrets_in(headers: &[(String, String)], form: &[(String, String)]) -> Vec<Secret> {
    let credentials = headers.iter().filter(|(name, _)| name == "authorization");
    let credentials = credentials.filter_map(|(_, value)| value.split(' ').nth(1));
    let sent = form.iter().filter(|(name, value)| names::is_secret(name, value));
    let sent = sent.map(|(_, value)| value.as_str());
    sent.chain(credentials).filter(|value| !value.is_empty()).map(Secret::new).collect()
}

fn no_answer(purpose: &str, mut failure: HttpError, secrets: &[Secret]) -> NoAnswer {
    failure.message = redact::without(&failure.message, secrets);
    failure.hint = failure.hint.map(|hint| {
        let text = hint.to_string();
        let clean = redact::without(&text, secrets);
        if clean == text { hint } else { clean.into() }
    });
    let error = failure
        .told(format!("the {purpose} failed: {}", failure.message))
        .kept_as(format!("the {purpose} got no response"));
    let error = match error.advice().is_empty() {
        true => error.hint(Advice::CheckNetwork),
        false => error,
    };
    NoAnswer { error, perhaps_acted: !failure.not_sent }
}

fn wants_nonce(response: &HttpResponse) -> bool {
    matches!(response.status, 400 | 401)
        && response.header("dpop-nonce").is_some()
        && Members::read(&response.body).text("error").as_deref() == Some("use_dpop_nonce")
}

/// Returns up to 100 ms, so that processes that failed together do not retry together.
fn jitter() -> Duration {
    let mut byte = [0];
    // Without randomness they retry together, which is no reason to fail.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    Duration::from_micros(u64::from(byte[0]) * 400)
}

fn form_body(form: &[(String, String)]) -> Zeroizing<Vec<u8>> {
    let mut body = url::form_urlencoded::Serializer::new(String::with_capacity(1024));
    body.extend_pairs(form);
    Zeroizing::new(body.finish().into_bytes())
}

fn json_body(form: Vec<(String, String)>) -> Result<Zeroizing<Vec<u8>>> {
    let map: Map<String, Value> = form.into_iter().map(|(n, v)| (n, Value::String(v))).collect();
    let body = serde_json::to_vec(&map).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Zeroizing::new(body))
}
