//! Explains every protocol step as it happens: as text for humans, and as a HAR file.
//!
//! Both show the same, without secrets: a value is shown only if its name says that it is public (see
//! `redact`). Tracing costs nothing while it is off.

mod exchange;
mod explain;
mod har;
mod http;
mod json;
mod redact;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use url::Url;

use self::explain::{Explanation, Side, WIDTH};
use self::har::Har;
use self::redact::{Body, Redactor};
use crate::error::Result;
use crate::secret::Secret;
use crate::text;
use crate::time::Timestamp;

pub use self::http::ApiExchange;

/// Receives one line of the trace, without its line break.
pub type LineSink = Box<dyn FnMut(&str) + Send>;

/// Maximum number of lines of one body in a trace for humans. A HAR file contains them all.
const LINES: usize = 120;

/// A trace of the protocol. Clones write to the same sinks.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Inner>>);

struct Inner {
    started: Timestamp,
    clock: Instant,
    state: Mutex<State>,
}

struct State {
    redactor: Redactor,
    sink: Option<LineSink>,
    explained: HashSet<&'static str>,
    exchanges: usize,
    har: Option<Har>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Trace({})", if self.enabled() { "on" } else { "off" })
    }
}

impl Trace {
    /// Returns a trace that is off.
    pub fn off() -> Self {
        Self(None)
    }

    /// Creates a trace that writes to `sink`, if there is one, and keeps a copy for [`Trace::finish_har`]
    /// if `har` is true. `now` is the start time, for the times in the HAR file.
    pub fn new(sink: Option<LineSink>, har: bool, now: Timestamp) -> Self {
        if sink.is_none() && !har {
            return Self::off();
        }
        let state = State {
            redactor: Redactor::default(),
            sink,
            explained: HashSet::new(),
            exchanges: 0,
            har: har.then(Har::default),
        };
        Self(Some(Arc::new(Inner {
            started: now,
            clock: Instant::now(),
            state: Mutex::new(state),
        })))
    }

    /// Returns whether tracing is on. Check it before preparing expensive details.
    pub fn enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Starts a step: what is done now, and the specification that defines it ("RFC 6749, section 4.1.1").
    pub fn step(&self, what: &str, reference: &str) {
        self.with(|state, elapsed| {
            let title = match reference {
                "" => what.to_owned(),
                _ => format!("{what} ({reference})"),
            };
            let title = state.redactor.own_words(&title);
            state.line("");
            state.line(&format!("== {title}"));
            if let Some(har) = &mut state.har {
                har.page(title, elapsed);
            }
        });
    }

    /// Adds a parameter of this step. Its value is shown only if its name is that of a public parameter;
    /// for anything else use [`Trace::note`].
    pub fn detail(&self, name: &str, value: &str) {
        self.with(|state, _| {
            let value = state.redactor.parameter(name, value);
            state.parameter(Side::Request, "   ", name, &value);
            state.comment(&format!("{name} = {value}"));
        });
    }

    /// Adds a secret that this step creates or uses, without its value.
    pub fn secret(&self, name: &str) {
        self.with(|state, _| {
            state.parameter(Side::Request, "   ", name, "[redacted]");
            state.comment(&format!("{name} = [redacted]"));
        });
    }

    /// Adds a sentence of this program about this step, which must not contain a secret.
    pub fn note(&self, sentence: &str) {
        self.with(|state, _| {
            let sentence = state.redactor.own_words(sentence);
            state.line(&format!("   {sentence}"));
            state.comment(&sentence);
        });
    }

    /// Hides this secret in all further output, wherever it appears and however it is encoded.
    pub(crate) fn hide(&self, secret: &Secret) {
        self.with(|state, _| state.redactor.hide(secret));
    }

    /// Adds the URL that the browser is sent to (RFC 6749, section 4.1.1), parameter by parameter.
    pub fn authorization_request(&self, url: &Url) {
        self.with(|state, _| {
            let (whole, base) = (state.redactor.url(url), state.redactor.base(url));
            state.line(&format!("   browser -> {base}"));
            let parameters = state.redactor.form(url.query().unwrap_or_default());
            state.parameters(Side::Request, "      ", &parameters);
            state.comment(&format!("browser -> {whole}"));
        });
    }

    /// Adds the response from the browser (RFC 6749, section 4.1.2): a URL, a request target, or the body
    /// of a form post.
    pub fn authorization_response(&self, target: &str) {
        self.with(|state, _| {
            state.redactor.hears(true);
            let whole = state.redactor.target(target);
            let bare = if target.contains('=') { ("", target) } else { (target, "") };
            let (path, query) = target.split_once('?').unwrap_or(bare);
            let path = state.redactor.target(path);
            state.line(format!("   browser <- {path}").trim_end());
            let query = query.split('#').next().unwrap_or_default();
            let parameters = state.redactor.form(query);
            state.parameters(Side::Response, "      ", &parameters);
            state.redactor.hears(false);
            state.comment(&format!("browser <- {whole}"));
        });
    }

    /// Writes the recorded trace as a HAR 1.2 file with mode 0600, replacing an older one as a whole. Does
    /// nothing if nothing is recorded. May be called more than once, for instance at the beginning to check
    /// that the file can be written.
    ///
    /// # Errors
    ///
    /// Returns [`Usage`](crate::ErrorKind::Usage) if the file cannot be written.
    pub fn finish_har(&self, path: &Path) -> Result<()> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let file = inner.lock().har.as_ref().map(|har| har.render(inner.started));
        file.map_or(Ok(()), |file| har::write(path, file.as_bytes()))
    }

    fn with(&self, tell: impl FnOnce(&mut State, Duration)) {
        if let Some(inner) = &self.0 {
            tell(&mut inner.lock(), inner.clock.elapsed());
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a sink leaves nothing half-done that matters here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn line(&mut self, line: &str) {
        if let Some(sink) = &mut self.sink {
            sink(&text::lines(line).replace('\n', " "));
        }
    }

    fn comment(&mut self, line: &str) {
        if let Some(har) = &mut self.har {
            har.comment(line);
        }
    }

    fn parameters(&mut self, side: Side, indent: &str, parameters: &[(String, String)]) {
        for (name, value) in parameters {
            self.parameter(side, indent, name, value);
        }
    }

    fn parameter(&mut self, side: Side, indent: &str, name: &str, value: &str) {
        let line = match name {
            "" => format!("{indent}{value}"),
            _ => format!("{indent}{name} = {value}"),
        };
        let explanation = self.explain(explain::parameter(side, name));
        self.explained_line(line, explanation);
    }

    fn explained_line(&mut self, line: String, explanation: Option<String>) {
        let Some(explanation) = explanation else { return self.line(&line) };
        for line in explain::beside(line, &explanation, WIDTH) {
            self.line(&line);
        }
    }

    /// Returns the text of an explanation, the first time only.
    fn explain(&mut self, explanation: Option<Explanation>) -> Option<String> {
        let Explanation { what, reference } = explanation?;
        self.explained.insert(what).then(|| format!("{what} ({reference})"))
    }

    fn body(&mut self, side: Side, body: &Body) {
        let mut lines = match body {
            Body::Empty => return,
            Body::Form(parameters) => return self.parameters(side, "      ", parameters),
            Body::Json(json) => {
                json.lines(WIDTH - 6, &mut |name| self.explain(explain::parameter(side, name)))
            }
            Body::Other(what) => vec![what.clone()],
        };
        let more = lines.len().saturating_sub(LINES);
        lines.truncate(LINES);
        for line in lines {
            self.line(&format!("      {line}"));
        }
        if more > 0 {
            self.line(&format!("      … and {more} more lines"));
        }
    }
}
