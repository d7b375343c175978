//! The sandbox in this process, with responses that the test writes.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use oauthctl_sandbox::{Answer, Moment, Sandbox, SandboxOptions, Script, ScriptedRequest};
use serde_json::Value;
use tokio::sync::oneshot;

use super::home::Home;
use super::process::DEADLINE;
use super::shapes::Shape;

/// The grant type of a login's token request.
pub const CODE_GRANT: &str = "authorization_code";
/// The grant type of a refresh.
pub const REFRESH_GRANT: &str = "refresh_token";
/// The grant type of a poll in the device flow.
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The authorization endpoint.
pub const AUTHORIZE: &str = "authorize";

/// A sandbox whose responses the test writes, by the grant type of token requests, or by the name of another endpoint. It
/// ends when this is dropped.
pub struct Scripted {
    sandbox: Arc<Sandbox>,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    inner: Mutex<Inner>,
    /// A request is held.
    held: Condvar,
}

#[derive(Default)]
struct Inner {
    /// By grant type or endpoint, in their order.
    steps: HashMap<&'static str, Vec<Step>>,
    hold: Option<Hold>,
    requests: Vec<Asked>,
    secrets: Vec<String>,
}

/// What happens to the next `times` requests.
struct Step {
    shape: Shape,
    is_processed: bool,
    times: usize,
}

fn step(shape: &Shape, is_processed: bool, times: usize) -> Step {
    Step { shape: shape.clone(), is_processed, times }
}

/// The next `left` of these requests wait at this moment until it is dropped.
struct Hold {
    place: &'static str,
    moment: Moment,
    left: usize,
    waiting: Vec<oneshot::Sender<()>>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub at: Instant,
    pub endpoint: &'static str,
    pub form: HashMap<String, String>,
    /// The status of the response before its shape, unless the request was not processed.
    pub status: Option<u16>,
    /// The DPoP proof.
    pub proof: Option<String>,
}

/// The grant type of a token request, or the endpoint of another one.
fn place<'a>(request: &'a ScriptedRequest<'_>) -> &'a str {
    request.grant_type().unwrap_or(request.endpoint())
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
        let (stop, stopped) = oneshot::channel();
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
        self.reply_each(place, &[(shape.clone(), usize::MAX)]);
    }

    /// Sends a response of this shape to the next `times` of these requests, which are not processed.
    pub fn refuse(&self, place: &'static str, shape: &Shape, times: usize) {
        self.refuse_each(place, &[(shape.clone(), times)]);
    }

    /// Does so with several shapes, one after the other.
    pub fn refuse_each(&self, place: &'static str, shapes: &[(Shape, usize)]) {
        self.set(place, shapes.iter().map(|(shape, times)| step(shape, false, *times)).collect());
    }

    /// Gives responses to these requests several shapes, one after the other.
    pub fn reply_each(&self, place: &'static str, shapes: &[(Shape, usize)]) {
        self.set(place, shapes.iter().map(|(shape, times)| step(shape, true, *times)).collect());
    }

    /// Gives the next response to these requests a shape.
    pub fn reply_once(&self, place: &'static str, shape: &Shape) {
        self.reply_each(place, &[(shape.clone(), 1)]);
    }

    fn set(&self, place: &'static str, steps: Vec<Step>) {
        self.state.inner.lock().unwrap().steps.insert(place, steps);
    }

    /// Sends unchanged responses from now on.
    pub fn honest(&self) {
        self.state.inner.lock().unwrap().steps.clear();
    }

    /// Holds the next `count` of these requests at this moment.
    pub fn hold(&self, place: &'static str, moment: Moment, count: usize) {
        let hold = Hold { place, moment, left: count, waiting: Vec::new() };
        self.state.inner.lock().unwrap().hold = Some(hold);
    }

    /// Waits until `count` are held.
    #[track_caller]
    pub fn await_held(&self, count: usize) {
        let is_waiting =
            |inner: &mut Inner| inner.hold.as_ref().is_none_or(|hold| hold.waiting.len() < count);
        let inner = self.state.inner.lock().unwrap();
        let waited = self.state.held.wait_timeout_while(inner, DEADLINE, is_waiting).unwrap();
        assert!(!waited.1.timed_out(), "{count} requests are not held");
    }

    /// Lets go what is held.
    pub fn release(&self) {
        self.state.inner.lock().unwrap().hold = None;
    }

    /// The token requests of this grant type so far.
    pub fn requests(&self, grant_type: &str) -> Vec<Asked> {
        let mut all = self.requests_at("token");
        all.retain(|asked| asked.form.get("grant_type").is_some_and(|it| it == grant_type));
        all
    }

    /// The requests to an endpoint so far, by its name in the journal of the sandbox.
    pub fn requests_at(&self, endpoint: &str) -> Vec<Asked> {
        let mut all = self.state.inner.lock().unwrap().requests.clone();
        all.retain(|asked| asked.endpoint == endpoint);
        all
    }

    /// Every code, token, verifier and client secret that the server has sent or received.
    pub fn secrets(&self) -> Vec<String> {
        self.state.inner.lock().unwrap().secrets.clone()
    }

    /// The newest secret of this kind that the server has sent: `access_token`, `refresh_token`, `device_code` or `code`.
    #[track_caller]
    pub fn newest(&self, kind: &str) -> String {
        let start = format!("sandbox-{}", kind.split('_').next().unwrap());
        self.secrets().into_iter().rfind(|secret| secret.starts_with(&start)).unwrap()
    }

    /// The server has accepted every token request, of which so many were refreshes: no refresh token was used twice,
    /// none was lost.
    #[track_caller]
    pub fn assert_all_accepted(&self, refreshes: usize) {
        assert_eq!(self.requests(REFRESH_GRANT).len(), refreshes);
        let inner = self.state.inner.lock().unwrap();
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
        let step = self.steps.get_mut(place(request))?.iter_mut().find(|step| step.times > 0)?;
        if step.is_processed != is_processed {
            return None;
        }
        step.times -= 1;
        Some(step.shape.clone())
    }
}

fn parameters(request: &ScriptedRequest<'_>) -> HashMap<String, String> {
    request.parameters().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

impl Script for State {
    fn pause(
        &self,
        request: &ScriptedRequest<'_>,
        moment: Moment,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send>>> {
        let mut inner = self.inner.lock().unwrap();
        if moment == Moment::Received {
            for (name, value) in request.parameters() {
                inner.keep(name, value);
            }
            inner.requests.push(Asked {
                at: Instant::now(),
                endpoint: request.endpoint(),
                form: parameters(request),
                status: None,
                proof: request.header("dpop").map(str::to_owned),
            });
        }
        let hold = inner.hold.as_mut().filter(|hold| hold.place == place(request))?;
        if hold.moment != moment || hold.left == 0 {
            return None;
        }
        hold.left -= 1;
        let (go, gone) = oneshot::channel();
        hold.waiting.push(go);
        self.held.notify_all();
        Some(Box::pin(async { drop(gone.await) }))
    }

    fn instead(&self, request: &ScriptedRequest<'_>) -> Option<Answer> {
        let mut inner = self.inner.lock().unwrap();
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
        let mut inner = self.inner.lock().unwrap();
        inner.keep_answer(answer);
        let (endpoint, form) = (request.endpoint(), parameters(request));
        let is_this = |asked: &&mut Asked| asked.endpoint == endpoint && asked.form == form;
        if let Some(asked) =
            inner.requests.iter_mut().filter(|it| it.status.is_none()).rfind(is_this)
        {
            asked.status = Some(answer.status);
        }
        if let Some(shape) = inner.next(request, true) {
            shape(answer, request);
            inner.keep_answer(answer);
        }
    }
}
