//! Sends requests to an API with the token of an account: refreshes a token that the server refuses, once
//! for all requests that have it, and signs a proof for each request if the token is bound to a key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use oauthctl_core::flow::{AccessToken, TokenRequest};
use oauthctl_core::http::api::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use oauthctl_core::http::api::{ApiClient, ApiRequest, ApiResponse, Body, Method, StatusCode};
use oauthctl_core::port::HttpError;
use oauthctl_core::trace::Trace;
use oauthctl_core::{Error, ErrorKind, Result};
use url::Url;

use crate::challenge;
use crate::source::{Signer, Source};
use crate::ui::Ui;

/// How long a token is used before the source is asked again: a logout or a new login is noticed after this
/// time.
const REMEMBERED: Duration = Duration::from_secs(5);

/// How long after a forced refresh a refused token causes no other one: the server refuses for another
/// reason then.
const REFRESHED: Duration = Duration::from_secs(60);

/// Maximum number of forced refreshes within that time. A server may accept a token for some requests and refuse it
/// for others.
const MOST_REFRESHES: usize = 5;

/// Adds the token of an account to requests.
pub struct Authorizer {
    source: Source,
    client: ApiClient,
    trace: Trace,
    current: Mutex<Option<Arc<Lent>>>,
    /// Held while the source is asked, so that it is asked once.
    asking: tokio::sync::Mutex<()>,
    nonces: Mutex<Vec<(String, String)>>,
    /// Times of the recent refreshes of refused tokens.
    refreshes: Mutex<Vec<Instant>>,
    ui: Ui,
    told: Mutex<Option<String>>,
}

/// A token in use.
struct Lent {
    token: AccessToken,
    header: HeaderValue,
    signer: Option<Signer>,
    since: Instant,
    /// When the server's refusal last caused a refresh, unless it has accepted the token since.
    forced: Mutex<Option<Instant>>,
}

/// A request without token and body.
pub struct Outgoing<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URL, which the caller has checked.
    pub url: &'a Url,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// Whether the connection may become another protocol.
    pub may_upgrade: bool,
}

/// Returns the body of a request each time that it is sent; `None` if it cannot be sent again.
pub type Bodies<'a> = dyn FnMut() -> Option<Result<Option<Body>>> + Send + 'a;

/// A response, and why the token that it refuses was not refreshed.
pub struct Answer {
    /// The response.
    pub response: ApiResponse,
    /// The failed refresh.
    pub not_refreshed: Option<Error>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Authorizer {
    /// Creates an authorizer. The trace shows the requests to the API.
    pub fn new(source: Source, client: ApiClient, trace: Trace, ui: Ui) -> Self {
        Self {
            source,
            client,
            trace,
            current: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            nonces: Mutex::default(),
            refreshes: Mutex::default(),
            ui,
            told: Mutex::default(),
        }
    }

    /// Sends a request. If the server refuses the token, it is refreshed, and the request is retried once if
    /// its body can be.
    ///
    /// # Errors
    ///
    /// Returns the errors of the source, and `Unavailable` or `Config` if there is no response.
    pub async fn send(&self, outgoing: &Outgoing<'_>, bodies: &mut Bodies<'_>) -> Result<Answer> {
        let mut lent = self.lent().await?;
        let (mut is_renewed, mut has_nonce) = (false, false);
        let mut body = match bodies() {
            Some(body) => body?,
            None => None,
        };
        loop {
            let response = self.send_once(outgoing, body, &lent).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                if response.status().is_success() || response.status().is_redirection() {
                    *locked(&lent.forced) = None;
                }
                return Ok(Answer { response, not_refreshed: None });
            }
            let wants_nonce = challenge::wanted_nonce(response.headers()).is_some();
            if wants_nonce && lent.signer.is_some() && !has_nonce {
                has_nonce = true;
            } else if !is_renewed {
                is_renewed = true;
                match self.renewed(&lent).await {
                    Ok(Some(new)) => lent = new,
                    Ok(None) => return Ok(Answer { response, not_refreshed: None }),
                    Err(error) => return Ok(Answer { response, not_refreshed: Some(error) }),
                }
            } else {
                return Ok(Answer { response, not_refreshed: None });
            }
            match bodies() {
                Some(again) => body = again?,
                None => return Ok(Answer { response, not_refreshed: None }),
            }
        }
    }

    async fn send_once(
        &self,
        outgoing: &Outgoing<'_>,
        body: Option<Body>,
        lent: &Lent,
    ) -> Result<ApiResponse> {
        let Outgoing { method, url, .. } = *outgoing;
        let origin = url.origin().ascii_serialization();
        let mut headers = outgoing.headers.clone();
        headers.insert(AUTHORIZATION, lent.header.clone());
        if let Some(signer) = &lent.signer {
            let nonce = self.nonce_for(&origin);
            let proof = signer.proof(method.as_str(), url, nonce.as_deref(), &lent.token.value);
            headers.insert("dpop", sensitive(&proof.await?)?);
        }
        let traced = self
            .trace
            .enabled()
            .then(|| self.trace.api_request(method.as_str(), url, &texts(&headers)));
        let (method, url, may_upgrade) = (method.clone(), url.clone(), outgoing.may_upgrade);
        let sent = self.client.send(ApiRequest { method, url, headers, body, may_upgrade }).await;
        match sent {
            Ok(response) => {
                if let Some(traced) = traced {
                    traced.answered(response.status().as_u16(), &texts(response.headers()));
                }
                if let Some(nonce) = challenge::nonce(response.headers()) {
                    self.remember_nonce(origin, nonce);
                }
                Ok(response)
            }
            Err(error) => {
                if let Some(traced) = traced {
                    traced.failed(&error);
                }
                Err(no_response(&error))
            }
        }
    }

    /// Returns the token in use, or asks for one.
    async fn lent(&self) -> Result<Arc<Lent>> {
        if let Some(lent) = self.usable() {
            return Ok(lent);
        }
        let _asking = self.asking.lock().await;
        if let Some(lent) = self.usable() {
            return Ok(lent);
        }
        self.ask(&TokenRequest::default()).await
    }

    fn usable(&self) -> Option<Arc<Lent>> {
        locked(&self.current).clone().filter(|lent| lent.since.elapsed() < REMEMBERED)
    }

    /// Returns a token in place of one that the server refuses; `None` if another refresh would not help.
    async fn renewed(&self, refused: &Arc<Lent>) -> Result<Option<Arc<Lent>>> {
        let _asking = self.asking.lock().await;
        let current = locked(&self.current).clone();
        if let Some(current) = current
            && current.token.value != refused.token.value
        {
            return Ok(Some(current));
        }
        let is_recent = |at: &Instant| at.elapsed() < REFRESHED;
        if locked(&refused.forced).is_some_and(|at| is_recent(&at)) {
            return Ok(None);
        }
        {
            let mut refreshes = locked(&self.refreshes);
            refreshes.retain(is_recent);
            if refreshes.len() >= MOST_REFRESHES {
                return Ok(None);
            }
            refreshes.push(Instant::now());
        }
        // A refresh that fails is not tried again at the next request.
        *locked(&refused.forced) = Some(Instant::now());
        self.ask(&TokenRequest::default().force()).await.map(Some)
    }

    async fn ask(&self, request: &TokenRequest) -> Result<Arc<Lent>> {
        let token = self.source.token(request).await?;
        self.tell(&token);
        let (header, signer) = (authorization(&token)?, self.source.signer(&token).await?);
        let mut current = locked(&self.current);
        // The same token stays one that was refreshed a moment ago.
        let before = current.as_ref().filter(|lent| lent.token.value == token.value);
        let forced = match request.force {
            true => Some(Instant::now()),
            false => before.and_then(|lent| *locked(&lent.forced)),
        };
        let forced = Mutex::new(forced);
        let lent = Arc::new(Lent { token, header, signer, since: Instant::now(), forced });
        *current = Some(Arc::clone(&lent));
        Ok(lent)
    }

    /// Prints the warnings that come with a token, each once in a row.
    fn tell(&self, token: &AccessToken) {
        let mut told = locked(&self.told);
        let warning = token.warning.as_ref().map(|warning| warning.message().to_owned());
        if *told != warning {
            self.ui.tell_beside(&token.warning, &token.notes);
            *told = warning;
        }
    }

    fn nonce_for(&self, origin: &str) -> Option<String> {
        let nonces = locked(&self.nonces);
        nonces.iter().find(|(known, _)| known == origin).map(|(_, nonce)| nonce.clone())
    }

    fn remember_nonce(&self, origin: String, nonce: &str) {
        let mut nonces = locked(&self.nonces);
        nonces.retain(|(known, _)| *known != origin);
        nonces.push((origin, nonce.to_owned()));
    }
}

fn authorization(token: &AccessToken) -> Result<HeaderValue> {
    let text = zeroize::Zeroizing::new(format!("{} {}", token.token_type, token.value.expose()));
    sensitive(&text)
}

fn sensitive(text: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(text)
        .map_err(|_| Error::new(ErrorKind::Validation, "the token cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn no_response(error: &HttpError) -> Error {
    let kind = if error.misconfigured { ErrorKind::Config } else { ErrorKind::Unavailable };
    let told = Error::new(kind, error.message.clone());
    match &error.hint {
        Some(hint) => told.hint(hint.clone()),
        None => told,
    }
}

/// Returns headers as text, for the trace.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}
