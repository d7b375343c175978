//! One server that wants the codes of another (RFC 9700, section 4.4), and the redirect URIs that keep them apart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use url::Url;

use crate::support::{Browser, Home, provider};

/// An authorization server of an attacker, which hands its users on to another server.
struct Evil {
    url: String,
    plan: Arc<Mutex<Plan>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Plan {
    url: String,
    /// Whether there is metadata, and what it promises about `iss`.
    metadata: Option<bool>,
    /// The authorization endpoint of the other server, and the redirect URI that a client registered there.
    victim: (String, String),
    /// How often something was sent to the token endpoint.
    received: usize,
}

type Shared = State<Arc<Mutex<Plan>>>;

impl Evil {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let plan = Arc::new(Mutex::new(Plan { url: url.clone(), ..Plan::default() }));
        let router = Router::new()
            .route("/.well-known/{document}", get(metadata))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(Arc::clone(&plan));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, plan, task }
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap()
    }
}

impl Drop for Evil {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn metadata(State(plan): Shared) -> Response {
    let plan = plan.lock().unwrap();
    let Some(promise) = plan.metadata else { return StatusCode::BAD_GATEWAY.into_response() };
    let url = &plan.url;
    Json(json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": promise,
    }))
    .into_response()
}

/// Sends the user to the other server as its client, with the state of this flow.
async fn authorize(State(plan): Shared, Query(asked): Query<HashMap<String, String>>) -> Redirect {
    let plan = plan.lock().unwrap();
    let (endpoint, redirect_uri) = &plan.victim;
    let mut next = Url::parse(endpoint).unwrap();
    next.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", "victim")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", &asked["state"])
        .append_pair("code_challenge", &asked["code_challenge"])
        .append_pair("code_challenge_method", "S256");
    Redirect::to(next.as_str())
}

async fn token(State(plan): Shared) -> StatusCode {
    plan.lock().unwrap().received += 1;
    StatusCode::BAD_REQUEST
}

#[tokio::test]
async fn code_of_one_server_never_reaches_another() {
    let (sandbox, evil, home) = (provider().await, Evil::start().await, Home::new());
    let broker = home.serve(&[]);
    let victim = broker.api(&home.tenant("victim", &[]));
    let attacker = broker.api(&home.tenant("attacker", &[]));
    let evil_token = format!("{}/token", evil.url);
    let evil_authorize = format!("{}/authorize", evil.url);
    for (at, honest) in
        [sandbox.issuer().to_owned(), sandbox.issuer_with("no-iss")].iter().enumerate()
    {
        let name = format!("honest-{at}");
        let body = json!({ "issuer": honest, "client_id": "victim" });
        let put = victim.put(&format!("/v1/providers/{name}"), &body).await.json(201);
        let registered = put["redirect_uri"].as_str().unwrap().to_owned();
        evil.plan().victim = (format!("{honest}/authorize"), registered);
        let of_honest = json!({ "issuer": honest, "client_id": "victim",
            "authorization_endpoint": evil_authorize, "token_endpoint": evil_token });
        let bare = json!({ "client_id": "victim",
            "authorization_endpoint": evil_authorize, "token_endpoint": evil_token });
        let own = json!({ "issuer": evil.url, "client_id": "victim" });
        for (body, promise) in [(&own, false), (&own, true), (&of_honest, false), (&bare, false)] {
            evil.plan().metadata = Some(promise);
            attacker.delete("/v1/providers/evil").await;
            attacker.put("/v1/providers/evil", body).await.json(201);
            let link = attacker.link(&json!({ "provider": "evil", "user": "u-1" })).await;
            let page = Browser::default().follow(&link).await;
            assert!(page.status == 404 || page.status == 502, "{body}: {}", page.text);
            assert_eq!(evil.plan().received, 0, "{honest}, {body}, {promise}");
        }
        victim.connect(&name, "u-1").await;
        victim.token(&name, "u-1").await.json(200);
    }
}

#[tokio::test]
async fn provider_shows_the_redirect_uri_to_register() {
    let (sandbox, evil, home) = (provider().await, Evil::start().await, Home::new());
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    let common = format!("{}/callback", broker.url);
    let own = format!("{}/connect/acme/p/callback", broker.url);
    let no_iss = sandbox.issuer_with("no-iss");
    for (body, expected) in [
        (json!({ "provider": "github", "client_id": "c", "client_secret": "s" }), &common),
        (json!({ "issuer": sandbox.issuer(), "client_id": "c" }), &common),
        (json!({ "issuer": no_iss, "client_id": "c" }), &own),
        (json!({ "issuer": sandbox.issuer(), "client_id": "c", "own_callback": true }), &own),
        (json!({ "provider": "gitlab", "client_id": "c", "root_url": evil.url }), &own),
        (
            json!({ "provider": "github", "client_id": "c", "client_secret": "s", "own_callback": false }),
            &common,
        ),
    ] {
        assert_eq!(
            redirect_uri(&api.put("/v1/providers/p", &body).await.text),
            *expected,
            "{body}"
        );
        assert_eq!(redirect_uri(&api.get("/v1/providers/p").await.text), *expected, "{body}");
    }
    api.put("/v1/providers/p", &json!({ "client_id": "c", "own_callback": "yes" }))
        .await
        .problem(400);
}

fn redirect_uri(provider: &str) -> String {
    let provider: Value = serde_json::from_str(provider).unwrap();
    provider["redirect_uri"].as_str().unwrap_or_else(|| panic!("{provider}")).to_owned()
}

#[tokio::test]
async fn redirect_uri_that_was_used_stays_for_its_issuer() {
    let (evil, home) = (Evil::start().await, Home::new());
    let broker = home.serve(&[]);
    let api = broker.api(&home.tenant("acme", &[]));
    let common = format!("{}/callback", broker.url);
    let own = format!("{}/connect/acme/p/callback", broker.url);
    let body = json!({ "issuer": evil.url, "client_id": "c" });
    // Nothing is known about the server yet.
    assert_eq!(redirect_uri(&api.put("/v1/providers/p", &body).await.text), common);
    for promise in [false, true] {
        evil.plan().metadata = Some(promise);
        let link = api.link(&json!({ "provider": "p", "user": "u" })).await;
        let sent = Browser::default().open(&link).await;
        let url = Url::parse(sent.header("location")).unwrap();
        let used = url.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1;
        assert_eq!(used, own);
        assert_eq!(redirect_uri(&api.get("/v1/providers/p").await.text), own);
        assert_eq!(redirect_uri(&api.put("/v1/providers/p", &body).await.text), own);
    }
}
