//! An authorization server that rotates refresh tokens, ends a login whose refresh token comes twice, counts, and can be
//! slow: what the broker must never do shows here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Redirect, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

type Fields = HashMap<String, String>;

/// What it remembers.
#[derive(Default)]
pub struct Memory {
    /// How many times each refresh token was received.
    pub received: HashMap<String, u32>,
    /// When each refresh token was received last.
    pub received_at: HashMap<String, Instant>,
    /// The tokens that were revoked.
    pub revoked: Vec<String>,
    /// When each refused refresh was received.
    pub refused_at: Vec<Instant>,
    /// How long a response takes, after the tokens were rotated.
    pub delay: Duration,
    /// How long the response to a code takes, after it was redeemed.
    pub login_delay: Duration,
    /// The number of bytes that are added to each access token.
    pub padding: usize,
    /// Number of token requests that got their response or whose client no longer waits.
    pub ended: u32,
    /// The lifetime of access tokens, in seconds.
    pub lifetime: u64,
    /// Refuses refreshes for now, with this `Retry-After`.
    pub refusal: Option<&'static str>,
    /// The number of the current refresh token of each login; none once that has ended.
    pub logins: Vec<Option<u64>>,
}

/// The server.
pub struct Authority {
    pub url: String,
    memory: Arc<Mutex<Memory>>,
}

impl Authority {
    pub async fn start() -> Self {
        let memory = Arc::new(Mutex::new(Memory { lifetime: 3_600, ..Memory::default() }));
        let routes = axum::Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .with_state(Arc::clone(&memory));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, memory }
    }

    /// The keys of a provider that uses it.
    pub fn provider(&self) -> Value {
        json!({
            "client_id": "app",
            "authorization_endpoint": format!("{}/authorize", self.url),
            "token_endpoint": format!("{}/token", self.url),
            "revocation_endpoint": format!("{}/revoke", self.url),
            "scopes": ["all"],
        })
    }

    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }

    /// The number of refreshes that it received.
    pub fn refreshes(&self) -> u32 {
        self.memory().received.values().sum()
    }

    /// Waits until it has received this many.
    pub async fn receives(&self, count: u32) {
        let until = Instant::now() + Duration::from_secs(30);
        while self.refreshes() < count {
            assert!(Instant::now() < until, "{} of {count} refreshes came", self.refreshes());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Fails if any refresh token came twice, or a login has ended.
    #[track_caller]
    pub fn assert_nothing_was_lost(&self) {
        let memory = self.memory();
        let twice: Vec<_> = memory.received.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        assert!(memory.logins.iter().all(Option::is_some), "{:?}", memory.logins);
    }
}

async fn authorize(Query(query): Query<Fields>) -> Redirect {
    Redirect::to(&format!("{}?code=c&state={}", query["redirect_uri"], query["state"]))
}

async fn token(State(memory): State<Arc<Mutex<Memory>>>, Form(form): Form<Fields>) -> Response {
    let (answer, delay) = {
        let mut memory = memory.lock().unwrap();
        match form["grant_type"].as_str() {
            "refresh_token" => (memory.refresh(&form["refresh_token"]), memory.delay),
            _ => {
                memory.logins.push(Some(1));
                (memory.tokens(memory.logins.len() - 1, 1), memory.login_delay)
            }
        }
    };
    let _waiting = Waiting(memory);
    tokio::time::sleep(delay).await;
    answer
}

/// A request whose client waits for the response.
struct Waiting(Arc<Mutex<Memory>>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.lock().unwrap().ended += 1;
    }
}

async fn revoke(State(memory): State<Arc<Mutex<Memory>>>, Form(form): Form<Fields>) -> StatusCode {
    memory.lock().unwrap().revoked.push(form["token"].clone());
    StatusCode::OK
}

impl Memory {
    fn refresh(&mut self, token: &str) -> Response {
        if let Some(refusal) = self.refusal {
            self.refused_at.push(Instant::now());
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, refusal.parse().unwrap());
            return (StatusCode::TOO_MANY_REQUESTS, headers).into_response();
        }
        *self.received.entry(token.to_owned()).or_default() += 1;
        self.received_at.insert(token.to_owned(), Instant::now());
        let mut parts = token.split('-').skip(1).map(|part| part.parse::<u64>().unwrap());
        let (login, number) = (parts.next().unwrap() as usize, parts.next().unwrap());
        let current = self.logins[login];
        if current != Some(number) {
            self.logins[login] = None;
            let refused = Json(json!({ "error": "invalid_grant" }));
            return (StatusCode::BAD_REQUEST, refused).into_response();
        }
        let next = current.unwrap() + 1;
        self.logins[login] = Some(next);
        self.tokens(login, next)
    }

    fn tokens(&self, login: usize, number: u64) -> Response {
        Json(json!({
            "access_token": format!("at-{login}-{number}{}", "x".repeat(self.padding)),
            "refresh_token": format!("rt-{login}-{number}"),
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }))
        .into_response()
    }
}
