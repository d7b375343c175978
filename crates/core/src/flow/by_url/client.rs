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
            sent(ports, &endpoint, &client).await.map_err(|_| error)
        }
        // Some servers accept only scopes that they would grant to every client.
        Err(error) if !scopes.is_empty() && has_code(&error, "invalid_client_metadata") => {
            client.scopes = &[];
            sent(ports, &endpoint, &client).await.map_err(|_| error)
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
    Err(match unregister(ports, &uri, &token).await {
        Ok(()) => error,
        Err(why) => error.with_warning(Error::unavailable(format!(
            "cannot delete the client that was registered: {}",
            why.message()
        ))),
    })
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
