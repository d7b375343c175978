//! Adds every exchange of an `Http` to the trace.

use std::sync::Arc;
use std::time::Duration;

use super::exchange::{Outcome, Request, Response, phrase};
use super::explain::{self, Side};
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

    fn begin(&self, request: &HttpRequest) -> Option<Request> {
        let mut begun = None;
        self.trace.with(|state, started| {
            state.exchanges += 1;
            let request = Request {
                number: state.exchanges,
                started,
                purpose: request.purpose,
                method: request.method.as_str(),
                url: state.redactor.url(&request.url),
                base: state.redactor.base(&request.url),
                query: state.redactor.form(request.url.query().unwrap_or_default()),
                headers: state.headers(&request.headers),
                body: state.redactor.body(content_type(&request.headers), &request.body),
                size: request.body.len(),
            };
            state.show_request(&request);
            begun = Some(request);
        });
        begun
    }

    fn end(&self, request: Request, outcome: &Result<HttpResponse, HttpError>) {
        self.trace.with(|state, now| {
            let took = now.saturating_sub(request.started);
            state.redactor.hears(true);
            let outcome = match outcome {
                // The body is processed first: its secrets must be known when the headers are shown.
                Ok(response) => {
                    let body = state.redactor.body(content_type(&response.headers), &response.body);
                    let headers = state.headers(&response.headers);
                    let size = response.body.len();
                    Outcome::Answer(Response { status: response.status, headers, body, size })
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

impl Http for TracedHttp {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(async move {
            let begun = self.begin(request);
            let outcome = self.inner.send(request).await;
            if let Some(begun) = begun {
                self.end(begun, &outcome);
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
