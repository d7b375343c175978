//! Registers a client at the authorization server of a URL, and deletes its registration.

use url::Url;

use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::exchange::send;
use crate::flow::ports::Ports;
use crate::profile::{AuthorizationServer, endpoint};
use crate::protocol::answer::Answer;
use crate::protocol::registration::{self, ClientMetadata, Registration};
use crate::text::one_line;

/// Registers a native client (RFC 7591).
pub(in crate::flow) async fn register(
    ports: &Ports,
    server: &AuthorizationServer,
    redirect_uri: &str,
    scopes: &[String],
) -> Result<Registration> {
    let issuer = server.issuer.as_deref().map(one_line).unwrap_or_default();
    let Some(endpoint) = &server.endpoints.registration else {
        return Err(Error::config(format!(
            "{issuer} requires a registered client, but does not support dynamic registration"
        ))
        .hint(Advice::RegisterClient));
    };
    let endpoint = endpoint::check(endpoint)
        .map_err(|why| Error::validation(format!("the registration endpoint of {issuer} {why}")))?;
    ports.trace.step("Registering a client", "RFC 7591, section 3");
    let auth = registration::method(server)?;
    let mut client = ClientMetadata { redirect_uri, scopes, auth };
    match sent(ports, &endpoint, &client).await {
        Err(error) if has_code(&error, "invalid_redirect_uri") => {
            // Some servers know the loopback interface only by its name.
            let named = redirect_uri.replacen("//127.0.0.1:", "//localhost:", 1);
            client.redirect_uri = &named;
            sent(ports, &endpoint, &client).await.map_err(|second| with_warning_of(error, &second))
        }
        // Some servers accept only scopes that they would grant to every client.
        Err(error) if !scopes.is_empty() && has_code(&error, "invalid_client_metadata") => {
            client.scopes = &[];
            sent(ports, &endpoint, &client).await.map_err(|second| with_warning_of(error, &second))
        }
        outcome => outcome,
    }
}

async fn sent(ports: &Ports, endpoint: &Url, client: &ClientMetadata<'_>) -> Result<Registration> {
    let request = registration::request(endpoint, client);
    let sent_at = ports.now();
    let response = send(ports, &request, &[]).await.map_err(|no_answer| no_answer.error)?;
    let answer = Answer::new(response, Vec::new(), sent_at);
    let error = match registration::validate(&answer, client, endpoint) {
        Ok(registration) => return Ok(registration),
        Err(error) => error,
    };
    // Otherwise the server would keep a client that nobody uses.
    let Some((uri, token)) = registration::unusable(&answer, endpoint) else { return Err(error) };
    let deletion = unregister(ports, &uri, &token);
    Err(match ports.optionally(deletion, "the server did not answer").await {
        Ok(()) => error,
        Err(why) => error.with_warning(Error::unavailable(format!(
            "cannot delete the client that was registered: {}",
            why.message()
        ))),
    })
}

/// Adds the warning of a second attempt to the error of the first. Each tells of a client that the server keeps.
fn with_warning_of(error: Error, second: &Error) -> Error {
    let warning = match (error.warning(), second.warning()) {
        (_, None) => return error,
        (None, Some(warning)) => warning.clone(),
        (Some(one), Some(other)) => {
            Error::unavailable(format!("{}; {}", one.message(), other.message()))
        }
    };
    error.with_warning(warning)
}

fn has_code(error: &Error, code: &str) -> bool {
    error.oauth_error().is_some_and(|oauth| oauth.code == code)
}

/// Deletes a registration (RFC 7592, section 2.3).
pub(in crate::flow) async fn unregister(ports: &Ports, uri: &str, token: &Secret) -> Result<()> {
    let url = endpoint::check(uri)
        .map_err(|why| Error::validation(format!("the URL of the registration {why}")))?;
    ports.trace.step("Deleting the registration of the client", "RFC 7592, section 2.3");
    let request = registration::deletion(&url, token);
    let secrets = [token.clone()];
    let response = send(ports, &request, &secrets).await.map_err(|no_answer| no_answer.error)?;
    match response.status {
        // The server has forgotten it by itself.
        200..=299 | 401 | 404 | 410 => Ok(()),
        status => Err(Error::new(
            if status >= 500 { ErrorKind::Unavailable } else { ErrorKind::ServerRefused },
            format!("the server did not delete the registration of the client: status {status}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::*;
    use crate::port::{BoxFuture, Clock, Http, HttpError, HttpRequest, HttpResponse, Method};
    use crate::profile::AuthorizationServer;
    use crate::time::Timestamp;

    /// A server that returns these responses to registrations, and one status, or nothing, to deletions.
    struct Server {
        registrations: Mutex<Vec<(u16, Value)>>,
        deletion: Option<u16>,
    }

    impl Http for Server {
        fn send<'a>(
            &'a self,
            request: &'a HttpRequest,
        ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
            let (status, body) = match (request.method, self.deletion) {
                (Method::Post, _) => self.registrations.lock().unwrap().remove(0),
                (_, Some(status)) => (status, json!({})),
                (_, None) => return Box::pin(std::future::pending()),
            };
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            let body = body.to_string().into_bytes().into();
            Box::pin(std::future::ready(Ok(HttpResponse { status, headers, body })))
        }
    }

    /// A clock on which every wait is over at once. It records them.
    #[derive(Default)]
    struct Waits(Mutex<Vec<Duration>>);

    impl Clock for Waits {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(1_000)
        }

        fn sleep<'a>(&'a self, duration: Duration) -> BoxFuture<'a, ()> {
            Box::pin(async move { self.0.lock().unwrap().push(duration) })
        }
    }

    /// A response with a client that cannot be used.
    fn unusable(client: &str) -> (u16, Value) {
        let uri = format!("https://as.example/register/{client}");
        (201, json!({ "registration_client_uri": uri, "registration_access_token": "rat" }))
    }

    async fn failed(
        registrations: Vec<(u16, Value)>,
        deletion: Option<u16>,
        clock: &Arc<Waits>,
    ) -> Error {
        let server = Server { registrations: Mutex::new(registrations), deletion };
        let ports = Ports::in_memory_with(Arc::new(server), clock.clone());
        let described = json!({
            "issuer": "https://as.example", "endpoints": { "registration": "https://as.example/register" },
            "iss_parameter_supported": false, "require_par": false, "id_token_algs": [],
            "token_auth_methods": [], "mtls_endpoints": {},
        });
        let server: AuthorizationServer = serde_json::from_value(described).unwrap();
        let scopes = ["read".to_owned()];
        register(&ports, &server, "http://127.0.0.1:1/callback", &scopes).await.unwrap_err()
    }

    #[tokio::test]
    async fn second_client_that_remains_is_a_warning() {
        for code in ["invalid_redirect_uri", "invalid_client_metadata"] {
            let refusal = (400, json!({ "error": code }));
            let clock = Arc::default();
            let error = failed(vec![refusal.clone(), unusable("2")], Some(500), &clock).await;
            assert!(has_code(&error, code), "{error}");
            let warning = error.warning().expect(code).message();
            assert!(warning.starts_with("cannot delete the client"), "{warning}");
            let error = failed(vec![refusal, unusable("2")], Some(204), &clock).await;
            assert!(error.warning().is_none(), "{code}");
        }
    }

    #[tokio::test]
    async fn both_clients_that_remain_are_warnings() {
        let (_, mut first) = unusable("1");
        first["error"] = json!("invalid_redirect_uri");
        let error = failed(vec![(201, first), unusable("2")], Some(500), &Arc::default()).await;
        let warning = error.warning().unwrap().message();
        assert_eq!(warning.matches("cannot delete the client").count(), 2, "{warning}");
    }

    #[tokio::test]
    async fn deletion_without_response_ends_after_five_seconds() {
        let clock = Arc::new(Waits::default());
        let error = failed(vec![unusable("1")], None, &clock).await;
        let warning = error.warning().unwrap().message();
        assert!(warning.contains("did not answer within 5"), "{warning}");
        assert_eq!(*clock.0.lock().unwrap(), [Duration::from_secs(5)]);
    }
}
