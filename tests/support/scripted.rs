//! The sandbox in this process, with responses that the test writes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use oauthctl_sandbox::{Answer, Sandbox, SandboxOptions, Script, ScriptedRequest};
use serde_json::Value;

use super::home::Home;
use super::shapes::Shape;

/// The grant type of a login's token request.
pub const CODE_GRANT: &str = "authorization_code";
/// The grant type of a refresh.
pub const REFRESH_GRANT: &str = "refresh_token";
/// The authorization endpoint.
pub const AUTHORIZE: &str = "authorize";

/// A sandbox whose responses the test writes, by the grant type of token requests, or by the name of another endpoint. It
/// ends when this is dropped.
pub struct Scripted {
    sandbox: Arc<Sandbox>,
    state: Arc<State>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// By grant type or endpoint: the shape, whether the request is processed, and how often.
    shapes: HashMap<&'static str, (Shape, bool, usize)>,
    requests: Vec<Asked>,
    secrets: Vec<String>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub endpoint: &'static str,
    pub form: HashMap<String, String>,
    /// The status of the response before its shape, unless the request was not processed.
    pub status: Option<u16>,
}

impl Scripted {
    pub fn start() -> Self {
        let state: Arc<State> = Arc::default();
        let script: Arc<dyn Script> = state.clone();
        let options = SandboxOptions {
            auto_consent: true,
            device_interval: Duration::from_secs(1),
            script: Some(script),
            ..Default::default()
        };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let sandbox = Arc::new(Sandbox::start(options).await.unwrap());
                tell.send(sandbox.clone()).unwrap();
                let _ = stopped.await;
            });
        });
        let sandbox = told.recv().unwrap();
        Self { sandbox, state, stop: Some(stop), thread: Some(thread) }
    }

    pub fn issuer(&self) -> &str {
        self.sandbox.issuer()
    }

    /// The issuer of a scenario of the sandbox.
    pub fn issuer_with(&self, scenario: &str) -> String {
        self.sandbox.issuer_with(scenario)
    }

    /// Makes `p` the only profile, a public client of this server; `more` is further lines.
    pub fn profile(&self, home: &Home, more: &str) {
        home.config("");
        home.profile("p", self.issuer(), "cli", more);
    }

    /// Gives all further responses to these requests a shape. The server processes the requests.
    pub fn reply(&self, place: &'static str, shape: &Shape) {
        self.set(place, shape, true, usize::MAX);
    }

    /// Sends a response of this shape to the next `times` of these requests, which are not processed.
    pub fn refuse(&self, place: &'static str, shape: &Shape, times: usize) {
        self.set(place, shape, false, times);
    }

    fn set(&self, place: &'static str, shape: &Shape, is_processed: bool, times: usize) {
        let mut inner = self.state.0.lock().unwrap();
        inner.shapes.insert(place, (shape.clone(), is_processed, times));
    }

    /// Gives the next responses to these requests a shape.
    pub fn reply_once(&self, place: &'static str, shape: &Shape) {
        self.set(place, shape, true, 1);
    }

    /// Sends unchanged responses from now on.
    pub fn honest(&self) {
        self.state.0.lock().unwrap().shapes.clear();
    }

    /// The token requests of this grant type so far.
    pub fn requests(&self, grant_type: &str) -> Vec<Asked> {
        let mut all = self.state.0.lock().unwrap().requests.clone();
        all.retain(|asked| asked.form.get("grant_type").is_some_and(|it| it == grant_type));
        all
    }

    /// The requests to an endpoint so far: `token`, `revoke`, `par`, `jwks` or `device_authorization`.
    pub fn requests_at(&self, endpoint: &str) -> Vec<Asked> {
        let mut all = self.state.0.lock().unwrap().requests.clone();
        all.retain(|asked| asked.endpoint == endpoint);
        all
    }

    /// Every code, token, verifier and client secret that the server has sent or received.
    pub fn secrets(&self) -> Vec<String> {
        self.state.0.lock().unwrap().secrets.clone()
    }

    /// The server has accepted every token request, of which so many were refreshes: no refresh token was used twice,
    /// none was lost.
    #[track_caller]
    pub fn assert_all_accepted(&self, refreshes: usize) {
        assert_eq!(self.requests(REFRESH_GRANT).len(), refreshes);
        let inner = self.state.0.lock().unwrap();
        for request in inner.requests.iter().filter(|asked| asked.endpoint == "token") {
            assert_eq!(request.status, Some(200), "{request:?}");
        }
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

const SECRETS: [&str; 7] = [
    "code",
    "code_verifier",
    "client_secret",
    "refresh_token",
    "access_token",
    "device_code",
    "client_assertion",
];

impl Inner {
    fn keep(&mut self, name: &str, value: &str) {
        if SECRETS.contains(&name) && !value.is_empty() && !self.secrets.iter().any(|s| s == value)
        {
            self.secrets.push(value.to_owned());
        }
    }

    /// Keeps the secrets of an answer, also of one that is not quite what it should be.
    fn keep_answer(&mut self, answer: &Answer) {
        let location = answer.headers.iter().find(|(name, _)| name == "location");
        if let Some(url) = location.and_then(|(_, value)| url::Url::parse(value).ok()) {
            url.query_pairs().for_each(|(name, value)| self.keep(&name, &value));
        }
        let values = serde_json::Deserializer::from_slice(&answer.body).into_iter::<Value>();
        for object in values.map_while(Result::ok) {
            for (name, value) in object.as_object().into_iter().flatten() {
                self.keep(name, value.as_str().unwrap_or_default());
            }
        }
        for (name, value) in url::form_urlencoded::parse(&answer.body) {
            self.keep(&name, &value);
        }
    }

    /// The shape of the next response to this request, if `is_processed` is when it applies.
    fn next(&mut self, request: &ScriptedRequest<'_>, is_processed: bool) -> Option<Shape> {
        let place = request.grant_type().unwrap_or(request.endpoint());
        let (shape, when, times) = self.shapes.get_mut(place)?;
        if *when != is_processed || *times == 0 {
            return None;
        }
        *times -= 1;
        Some(shape.clone())
    }
}

impl Script for State {
    fn instead(&self, request: &ScriptedRequest<'_>) -> Option<Answer> {
        let mut inner = self.0.lock().unwrap();
        for (name, value) in request.parameters() {
            inner.keep(name, value);
        }
        let endpoint = request.endpoint();
        if ["token", "revoke", "par", "device_authorization", "jwks"].contains(&endpoint) {
            let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            let form = request.parameters().map(owned).collect();
            inner.requests.push(Asked { at: Instant::now(), endpoint, form, status: None });
        }
        let shape = inner.next(request, false);
        let mut answer = Answer { status: 200, ..Answer::default() };
        answer.set("content-type", "application/json");
        shape.map(|shape| {
            shape(&mut answer, request);
            inner.keep_answer(&answer);
            answer
        })
    }

    fn edit(&self, request: &ScriptedRequest<'_>, answer: &mut Answer) {
        let mut inner = self.0.lock().unwrap();
        inner.keep_answer(answer);
        if let Some(last) = inner.requests.last_mut()
            && last.endpoint == request.endpoint()
        {
            last.status.get_or_insert(answer.status);
        }
        if let Some(shape) = inner.next(request, true) {
            shape(answer, request);
            inner.keep_answer(answer);
        }
    }
}
