//! Adds every exchange of an `Http` to the trace.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::exchange::{Outcome, Request, Response, phrase};
use super::explain::{self, Side};
use super::redact::Body;
use super::{State, Trace};
use crate::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};

/// An [`Http`] that traces what it sends and receives.
struct TracedHttp {
    trace: Trace,
    inner: Arc<dyn Http>,
}

impl Trace {
    /// Wraps an `http` to trace every exchange.
    pub fn wrap(&self, http: Arc<dyn Http>) -> Arc<dyn Http> {
        if self.enabled() { Arc::new(TracedHttp::new(self.clone(), http)) } else { http }
    }
}

impl TracedHttp {
    fn new(trace: Trace, inner: Arc<dyn Http>) -> Self {
        Self { trace, inner }
    }
}

/// The part of a request that is shown in every case.
struct Head<'a> {
    purpose: &'static str,
    method: &'a str,
    url: &'a Url,
    headers: &'a [(String, String)],
}

impl Trace {
    /// Adds a request to an API, whose bodies are not shown.
    pub fn api_request(
        &self,
        method: &str,
        url: &Url,
        headers: &[(String, String)],
    ) -> ApiExchange {
        let head = Head { purpose: "API request", method, url, headers };
        ApiExchange { trace: self.clone(), request: self.begin(&head, None) }
    }

    /// Adds a request. A body that is not known is not shown.
    fn begin(&self, head: &Head<'_>, body: Option<&[u8]>) -> Option<Request> {
        let Head { purpose, method, url, headers } = *head;
        let mut begun = None;
        self.with(|state, started| {
            state.exchanges += 1;
            let request = Request {
                number: state.exchanges,
                started,
                purpose,
                method: method.to_owned(),
                url: state.redactor.url(url),
                base: state.redactor.base(url),
                query: state.redactor.form(url.query().unwrap_or_default()),
                headers: state.headers(headers),
                body: body.map_or(Body::Empty, |b| state.redactor.body(content_type(headers), b)),
                size: body.map_or(0, <[u8]>::len),
            };
            state.show_request(&request);
            begun = Some(request);
        });
        begun
    }

    fn end(&self, request: Request, outcome: Result<Answer<'_>, &HttpError>) {
        self.with(|state, now| {
            let took = now.saturating_sub(request.started);
            state.redactor.hears(true);
            let outcome = match outcome {
                // The body is processed first: its secrets must be known when the headers are shown.
                Ok(Answer { status, headers, body }) => {
                    let size = body.map_or(0, <[u8]>::len);
                    let body =
                        body.map_or(Body::Empty, |b| state.redactor.body(content_type(headers), b));
                    let headers = state.headers(headers);
                    Outcome::Answer(Response { status, headers, body, size })
                }
                Err(error) => {
                    let sent = match error.not_sent {
                        true => "nothing was sent",
                        false => "the server may have acted on it",
                    };
                    let message = state.redactor.text(&error.message);
                    Outcome::Failure(format!("{message} ({sent})"))
                }
            };
            state.redactor.hears(false);
            state.show_outcome(request.number, &outcome, took);
            if let Some(har) = &mut state.har {
                har.exchange(request, outcome, took);
            }
        });
    }
}

/// A response as it came. A body that is not known is not shown.
struct Answer<'a> {
    status: u16,
    headers: &'a [(String, String)],
    body: Option<&'a [u8]>,
}

/// A request to an API that waits for its response.
pub struct ApiExchange {
    trace: Trace,
    request: Option<Request>,
}

impl ApiExchange {
    /// Adds the head of the response.
    pub fn answered(self, status: u16, headers: &[(String, String)]) {
        if let Some(request) = self.request {
            self.trace.end(request, Ok(Answer { status, headers, body: None }));
        }
    }

    /// Adds why there is no response.
    pub fn failed(self, error: &HttpError) {
        if let Some(request) = self.request {
            self.trace.end(request, Err(error));
        }
    }
}

impl Http for TracedHttp {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let HttpRequest { purpose, method, url, headers, body } = request;
            let head = Head { purpose, method: method.as_str(), url, headers };
            let begun = self.trace.begin(&head, Some(body));
            let outcome = self.inner.send(request).await;
            if let Some(begun) = begun {
                let answer = outcome.as_ref().map(|response| Answer {
                    status: response.status,
                    headers: &response.headers,
                    body: Some(&response.body),
                });
                self.trace.end(begun, answer);
            }
            outcome
        })
    }
}

impl State {
    fn headers(&mut self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let mut shown = Vec::new();
        for (name, value) in headers {
            shown.push((name.to_ascii_lowercase(), self.redactor.header(name, value)));
        }
        shown
    }

    fn show_request(&mut self, request: &Request) {
        let Request { number, purpose, method, base, .. } = request;
        self.line(&format!("   [{number}] -> {method} {base}  ({purpose})"));
        for (name, value) in &request.query {
            self.parameter(Side::Request, "      ? ", name, value);
        }
        self.show_headers(&request.headers);
        self.body(Side::Request, &request.body);
    }

    fn show_outcome(&mut self, number: usize, outcome: &Outcome, took: Duration) {
        let took = took.as_millis();
        match outcome {
            Outcome::Failure(why) => {
                self.line(&format!("   [{number}] <- no response after {took} ms: {why}"));
            }
            Outcome::Answer(response) => {
                let status = response.status;
                let phrase = phrase(status);
                self.line(&format!("   [{number}] <- {status}{phrase}, {took} ms"));
                self.show_headers(&response.headers);
                self.body(Side::Response, &response.body);
            }
        }
    }

    fn show_headers(&mut self, headers: &[(String, String)]) {
        for (name, value) in headers {
            let explanation = self.explain(explain::header(name));
            self.explained_line(format!("      {name}: {value}"), explanation);
        }
    }
}

fn content_type(headers: &[(String, String)]) -> Option<&str> {
    let (_, value) = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    Some(value)
}
