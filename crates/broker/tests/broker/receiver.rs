//! A receiver of webhooks, and the library of Standard Webhooks to verify what it got.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Message {
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
    pub status: u16,
}

impl Message {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }
}

#[derive(Default)]
struct Shared {
    messages: Vec<Message>,
    /// The statuses of the next answers; without one, 204.
    next: VecDeque<u16>,
    always: Option<u16>,
    /// Whether messages get no response.
    is_mute: bool,
    /// The number of messages after which no message gets a response.
    silent_after: Option<usize>,
    /// Number of messages without a response whose sender no longer waits.
    ended: usize,
    /// The body of successful answers.
    body: Option<String>,
}

/// A receiver on the loopback interface.
pub struct Receiver {
    pub url: String,
    shared: Arc<Mutex<Shared>>,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared::default()));
        let router = Router::new().fallback(receive).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Answers the next messages with these statuses.
    pub fn answer_next(&self, statuses: &[u16]) {
        self.shared.lock().unwrap().next.extend(statuses);
    }

    /// Answers every message with this status.
    pub fn answer_always(&self, status: u16) {
        self.shared.lock().unwrap().always = Some(status);
    }

    /// Answers with status 200 and this body.
    pub fn answer_body(&self, body: &str) {
        let mut shared = self.shared.lock().unwrap();
        (shared.always, shared.body) = (Some(200), Some(body.to_owned()));
    }

    /// Sends no more responses.
    pub fn fall_silent(&self) {
        self.shared.lock().unwrap().is_mute = true;
    }

    /// Sends no more responses after so many more messages.
    pub fn fall_silent_after(&self, count: usize) {
        let mut shared = self.shared.lock().unwrap();
        shared.silent_after = Some(shared.messages.len() + count);
    }

    /// Sends responses again, also those that are missing, with these statuses.
    pub fn speak(&self, status: u16) {
        let mut shared = self.shared.lock().unwrap();
        (shared.is_mute, shared.silent_after, shared.always) = (false, None, Some(status));
    }

    /// Returns the number of messages without a response whose sender no longer waits.
    pub fn ended(&self) -> usize {
        self.shared.lock().unwrap().ended
    }

    /// Everything that was received so far.
    pub fn all(&self) -> Vec<Message> {
        self.shared.lock().unwrap().messages.clone()
    }

    /// The messages that were accepted.
    pub fn accepted(&self) -> Vec<Message> {
        self.all().into_iter().filter(|message| message.status < 300).collect()
    }

    /// Waits until the messages that were accepted are as many as this.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = Vec<Message>> {
        // A message that a killed broker had claimed is sent again after its lease of 60 seconds.
        let until = Instant::now() + Duration::from_secs(90);
        let caller = std::panic::Location::caller();
        async move {
            loop {
                let accepted = self.accepted();
                if accepted.len() >= count {
                    return accepted;
                }
                let kinds: Vec<_> = self.all().iter().map(|m| (m.kind(), m.status)).collect();
                assert!(Instant::now() < until, "{caller}: only {kinds:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn receive(
    State(shared): State<Arc<Mutex<Shared>>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let (is_mute, mut status, answer) = {
        let mut shared = shared.lock().unwrap();
        let status = shared.next.pop_front().or(shared.always).unwrap_or(204);
        let body = String::from_utf8(body.into()).unwrap();
        shared.is_mute |= shared.silent_after.is_some_and(|count| shared.messages.len() >= count);
        shared.messages.push(Message { path: uri.path().to_owned(), headers, body, status });
        let status = StatusCode::from_u16(status).unwrap();
        let answer = shared.body.clone().filter(|_| status == StatusCode::OK).unwrap_or_default();
        (shared.is_mute, status, answer)
    };
    if is_mute {
        let mut waiting = Waiting(Some(Arc::clone(&shared)));
        while shared.lock().unwrap().is_mute {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        waiting.0 = None;
        let late = shared.lock().unwrap().always.unwrap_or(204);
        status = StatusCode::from_u16(late).unwrap();
    }
    (status, [("location", "/elsewhere")], answer).into_response()
}

/// A message whose sender waits for the response.
struct Waiting(Option<Arc<Mutex<Shared>>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(shared) = &self.0 {
            shared.lock().unwrap().ended += 1;
        }
    }
}

/// What the published library says of these messages: `ok`, or its error.
pub fn verdicts(secret: &str, messages: &[Message]) -> Vec<String> {
    let servers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/servers");
    let mut node = Command::new("node")
        .arg(servers.join("webhooks.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    for message in messages {
        let headers: serde_json::Map<String, Value> = message
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
            .collect();
        let line = json!({ "secret": secret, "headers": headers, "body": message.body });
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = String::from_utf8(node.wait_with_output().unwrap().stdout).unwrap();
    output.lines().map(str::to_owned).collect()
}
