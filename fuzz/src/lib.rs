//! What the targets share: a login against a server whose responses the fuzzer writes. Only the public API of the
//! library is used, and nothing leaves the process.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use oauthctl_core::flow::Completed;
use oauthctl_core::port::{BoxFuture, Clock, Http, HttpError, HttpRequest, HttpResponse};
use oauthctl_core::profile::Config;
use oauthctl_core::{
    AuthorizationResponse, Error, Expected, FlowManager, Ports, StartRequest, Started, Timestamp,
};

/// The issuer of the server.
pub const ISSUER: &str = "https://as.example";
/// The client, and the audience of its id_tokens.
pub const CLIENT: &str = "client";
/// The client secret, with which id_tokens are signed.
pub const CLIENT_SECRET: &str = "0123456789abcdef0123456789abcdef";
/// The time at which everything happens: 2026-01-01T00:00:00Z.
pub const NOW: u64 = 1_767_225_600;

const PROFILE: &str = r#"
    [profiles.openid]
    issuer = "https://as.example"
    authorization_endpoint = "https://as.example/authorize"
    token_endpoint = "https://as.example/token"
    client_id = "client"
    client_secret = "0123456789abcdef0123456789abcdef"
    client_auth = "client_secret_post"
    id_token_signed_response_alg = "HS256"
    redirect_uri = "http://127.0.0.1:8080/callback"
    scopes = ["openid"]

    [profiles.plain]
    authorization_endpoint = "https://as.example/authorize"
    token_endpoint = "https://as.example/token"
    client_id = "client"
    redirect_uri = "http://127.0.0.1:8080/plain"
    scopes = ["read"]
"#;

/// A response with a body of JSON.
pub fn json(status: u16, body: &[u8]) -> HttpResponse {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    HttpResponse { status, headers, body: body.to_vec().into() }
}

/// Answers token requests with what was set, discovery with fixed metadata, and nothing else.
#[derive(Default)]
struct Server {
    token_response: Mutex<Option<HttpResponse>>,
}

impl Http for Server {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        let response = match request.url.path() {
            "/token" => self.token_response.lock().unwrap().clone(),
            "/.well-known/openid-configuration" => Some(json(200, METADATA.as_bytes())),
            _ => Some(json(404, b"{}")),
        };
        // Without a response to give, a token request must never be sent.
        let response = response.unwrap_or_else(|| panic!("sent to {}", request.url));
        Box::pin(async move { Ok(response) })
    }
}

const METADATA: &str = r#"{
    "issuer": "https://as.example",
    "authorization_endpoint": "https://as.example/authorize",
    "token_endpoint": "https://as.example/token",
    "response_types_supported": ["code"],
    "id_token_signing_alg_values_supported": ["HS256"]
}"#;

/// A clock that stands still and waits for nothing.
struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(NOW)
    }

    fn sleep<'a>(&'a self, _: Duration) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// A manager with two profiles, `openid` and `plain`, on a runtime of its own.
pub struct Client {
    manager: FlowManager,
    server: Arc<Server>,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// A client that has started nothing.
    pub fn new() -> Self {
        let server = Arc::new(Server::default());
        let config: Config = PROFILE.parse().unwrap();
        let ports = Ports::in_memory_with(server.clone(), Arc::new(Standing));
        let manager = FlowManager::new(config.profiles.into_values(), ports);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { manager, server, runtime }
    }

    /// Starts an authorization.
    pub fn start(&self, profile: &str) -> Started {
        self.runtime.block_on(self.manager.start(profile, StartRequest::default())).unwrap()
    }

    /// Completes an authorization. Without a response, a token request ends the process.
    pub fn complete(
        &self,
        response: &AuthorizationResponse,
        token_response: Option<HttpResponse>,
    ) -> Result<Completed, Error> {
        *self.server.token_response.lock().unwrap() = token_response;
        self.runtime.block_on(self.manager.complete(response, &Expected::default()))
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

/// The value of a parameter of the authorization URL.
pub fn parameter(started: &Started, name: &str) -> String {
    let (_, query) = started.authorization_url.split_once('?').unwrap();
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).unwrap().1.to_owned()
}

/// The response of the browser to what was started.
pub fn authentic(started: &Started) -> AuthorizationResponse {
    let parameters = [("code", "code"), ("state", &*started.state)];
    let response = AuthorizationResponse::from_parameters(parameters).unwrap();
    let redirect_uri = parameter(started, "redirect_uri");
    response.received_at(&redirect_uri.replace("%3A", ":").replace("%2F", "/")).unwrap()
}
