//! Dynamic client registration (RFC 7591) and the deletion of a registration (RFC 7592).

use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use super::answer::Answer;
use super::members::Members;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::port::{HttpRequest, Method};
use crate::profile::{AuthorizationServer, ClientAuth, endpoint};
use crate::time::Timestamp;

const PURPOSE: &str = "registration request";

/// Maximum length of an id or a secret, in bytes.
const LONGEST: usize = 16 * 1024;

/// The client to register.
pub(crate) struct ClientMetadata<'a> {
    pub(crate) redirect_uri: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) auth: ClientAuth,
}

/// A registered client.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Registration {
    /// The redirect URI that was registered.
    pub redirect_uri: String,
    /// Its id.
    pub client_id: String,
    /// Its secret, if it has one.
    pub client_secret: Option<Secret>,
    /// The scopes that the client may request; empty if it is not restricted.
    pub scopes: Vec<String>,
    /// When the secret expires.
    pub secret_expires_at: Option<Timestamp>,
    /// How it authenticates, if the server says so.
    pub auth: Option<ClientAuth>,
    /// Where the registration can be deleted, and the token for that (RFC 7592, section 3).
    pub management: Option<(String, Secret)>,
}

/// Returns how a native client authenticates at this server: not at all if possible.
///
/// # Errors
///
/// Returns `Config` if the server requires a method that needs more than a secret.
pub(crate) fn method(server: &AuthorizationServer) -> Result<ClientAuth> {
    let offered = &server.token_auth_methods;
    let is_offered = |auth: &ClientAuth| offered.iter().any(|one| one == auth.as_str());
    if offered.is_empty() {
        return Ok(ClientAuth::None);
    }
    // Servers that use the Python SDK of MCP offer Basic, and then miss the client id in the body.
    let known = [ClientAuth::None, ClientAuth::ClientSecretPost, ClientAuth::ClientSecretBasic];
    known.into_iter().find(is_offered).ok_or_else(|| {
        let methods = crate::text::one_line(&offered.join(", "));
        Error::config(format!(
            "cannot register a client: the server accepts only other authentication methods ({methods})"
        ))
        .hint(Advice::RegisterClient)
    })
}

/// Returns the request that registers a client (RFC 7591, section 3.1).
pub(crate) fn request(endpoint: &Url, client: &ClientMetadata<'_>) -> HttpRequest {
    let mut metadata = json!({
        "client_name": "oauthctl",
        "application_type": "native",
        "redirect_uris": [client.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": client.auth.as_str(),
    });
    if !client.scopes.is_empty() {
        metadata["scope"] = json!(client.scopes.join(" "));
    }
    HttpRequest {
        purpose: PURPOSE,
        method: Method::Post,
        url: endpoint.clone(),
        headers: vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: Zeroizing::new(metadata.to_string().into_bytes()),
    }
}

/// Reads the response (RFC 7591, section 3.2).
///
/// # Errors
///
/// Returns the refusal of the server, `Unavailable` if it failed, and `Validation` for a client that cannot be
/// used.
pub(crate) fn validate(
    answer: &Answer,
    client: &ClientMetadata<'_>,
    sent_to: &Url,
) -> Result<Registration> {
    let body = answer.members();
    let text = |name: &str| body.text(name).filter(|text| !text.is_empty());
    if let Some(error) = text("error") {
        let oauth = answer.oauth_error(&error, text("error_description").as_deref());
        return Err(Error::refused("the server refused to register a client", oauth)
            .hint(Advice::RegisterClient));
    }
    match answer.status() {
        200 | 201 => read(&body, client, sent_to),
        status @ (429 | 500..=599) => Err(Error::unavailable(format!(
            "the registration of a client failed: the server returned {status}"
        ))
        .hint(Advice::RetryLater)),
        status => Err(Error::new(
            ErrorKind::ServerRefused,
            format!("the server refused to register a client: status {status}"),
        )
        .hint(Advice::RegisterClient)),
    }
}

fn read(body: &Members, client: &ClientMetadata<'_>, sent_to: &Url) -> Result<Registration> {
    let invalid =
        |why: &str| Error::validation(format!("the response to the registration request {why}"));
    if let Some(defect) = body.defect() {
        return Err(invalid(&format!("is {defect}")));
    }
    let text = |name: &str| -> Result<Option<String>> {
        match body.get(name).map_err(|why| invalid(&format!("has {why}")))? {
            None => Ok(None),
            Some(serde_json::Value::String(text)) if text.is_empty() => Ok(None),
            Some(serde_json::Value::String(text)) if is_printable(&text) => Ok(Some(text)),
            Some(_) => Err(invalid(&format!("has an invalid `{name}`"))),
        }
    };
    let client_id = text("client_id")?.ok_or_else(|| invalid("has no `client_id`"))?;
    let client_secret = text("client_secret")?.map(Secret::new);
    let auth =
        match text("token_endpoint_auth_method")? {
            None if client_secret.is_none() => Some(ClientAuth::None),
            None => None,
            Some(method) => Some(usable(&method).ok_or_else(|| {
                invalid("requires an authentication method that was not requested")
            })?),
        };
    if client_secret.is_none() && auth != Some(ClientAuth::None) {
        return Err(invalid("has no `client_secret`"));
    }
    // Zero means that it does not expire. Any other defect only delays a new registration.
    let expiry = body.get("client_secret_expires_at").ok().flatten();
    let expiry = expiry.and_then(|value| value.as_u64()).filter(|seconds| *seconds != 0);
    // The server may have changed them (RFC 7591, section 3.2.1).
    let scopes = match body.text("scope") {
        Some(scopes) => scopes.split_whitespace().map(str::to_owned).collect(),
        None => client.scopes.to_vec(),
    };
    Ok(Registration {
        redirect_uri: client.redirect_uri.to_owned(),
        client_id,
        scopes,
        secret_expires_at: expiry.filter(|_| client_secret.is_some()).map(Timestamp::from_unix),
        client_secret: client_secret.filter(|_| auth != Some(ClientAuth::None)),
        auth,
        // Without it, the registration cannot be deleted, but the client can still be used.
        management: management(body, sent_to),
    })
}

/// Returns the management URI and token of a client whose registration response is unusable, if the server registered
/// one.
pub(crate) fn unusable(answer: &Answer, sent_to: &Url) -> Option<(String, Secret)> {
    let is_registered = matches!(answer.status(), 200 | 201);
    is_registered.then(|| management(&answer.members(), sent_to)).flatten()
}

/// Returns where a registration can be deleted, and the token for that. A URI on another server is ignored: otherwise,
/// this server could choose what is deleted there.
fn management(body: &Members, sent_to: &Url) -> Option<(String, Secret)> {
    let text = |name: &str| body.text(name).filter(|text| !text.is_empty() && is_printable(text));
    let is_own =
        |uri: &String| endpoint::check(uri).is_ok_and(|url| url.origin() == sent_to.origin());
    let uri = text("registration_client_uri").filter(is_own)?;
    Some((uri, Secret::new(text("registration_access_token")?)))
}

fn usable(method: &str) -> Option<ClientAuth> {
    let known = [ClientAuth::None, ClientAuth::ClientSecretBasic, ClientAuth::ClientSecretPost];
    known.into_iter().find(|auth| auth.as_str() == method)
}

/// Returns whether a text can be an id or a secret (RFC 6749, appendix A).
fn is_printable(text: &str) -> bool {
    text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

/// Returns the request that deletes a registration (RFC 7592, section 2.3).
pub(crate) fn deletion(uri: &Url, token: &Secret) -> HttpRequest {
    HttpRequest {
        purpose: "deletion of the registration",
        method: Method::Delete,
        url: uri.clone(),
        headers: vec![("authorization".to_owned(), format!("Bearer {}", token.expose()))],
        body: Zeroizing::default(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::port::HttpResponse;

    fn validated(status: u16, body: &str) -> Result<Registration> {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        let response = HttpResponse { status, headers: Vec::new(), body };
        let client = ClientMetadata {
            redirect_uri: "http://127.0.0.1:1/",
            scopes: &["sent".to_owned()],
            auth: ClientAuth::None,
        };
        validate(
            &Answer::new(response, Vec::new(), Timestamp::from_unix(0)),
            &client,
            &Url::parse("https://as.example/register").unwrap(),
        )
    }

    #[test]
    fn registration_is_read_as_far_as_it_is_needed() {
        let public = validated(201, r#"{"client_id":"a b","redirect_uris":1,"scope":[]}"#).unwrap();
        assert_eq!((public.client_id.as_str(), public.auth), ("a b", Some(ClientAuth::None)));
        assert_eq!(public.scopes, ["sent"]);
        let fewer = validated(201, r#"{"client_id":"c","scope":"a  b"}"#).unwrap();
        assert_eq!(fewer.scopes, ["a", "b"]);
        let secret = validated(
            200,
            r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":0,
                "token_endpoint_auth_method":"client_secret_post",
                "registration_client_uri":"https://as.example/r/c","registration_access_token":"t"}"#,
        )
        .unwrap();
        assert_eq!(secret.client_secret.unwrap().expose(), "s");
        assert_eq!(
            (secret.auth, secret.secret_expires_at),
            (Some(ClientAuth::ClientSecretPost), None)
        );
        assert_eq!(secret.management.unwrap().0, "https://as.example/r/c");
        let elsewhere = validated(
            201,
            r#"{"client_id":"c","registration_client_uri":"https://as.example:8443/r/c","registration_access_token":"t"}"#,
        );
        assert!(elsewhere.unwrap().management.is_none());
        let unsaid = validated(
            201,
            r#"{"client_id":"c","client_secret":"s","client_secret_expires_at":99,
                "registration_client_uri":"http://127.0.0.1/r","registration_access_token":"t"}"#,
        )
        .unwrap();
        assert_eq!((unsaid.auth, unsaid.management.is_none()), (None, true));
        assert_eq!(unsaid.secret_expires_at, Some(Timestamp::from_unix(99)));
    }

    #[test]
    fn hostile_registration_is_refused() {
        let long = format!(r#"{{"client_id":"{}"}}"#, "x".repeat(LONGEST + 1));
        for body in [
            "",
            "[]",
            "<html>",
            "{}",
            r#"{"client_id":""}"#,
            r#"{"client_id":1}"#,
            r#"{"client_id":"a","client_id":"b"}"#,
            r#"{"client_id":"a\nb"}"#,
            r#"{"client_id":"a\u001b[31m"}"#,
            r#"{"client_id":"é"}"#,
            r#"{"client_id":"a","client_secret":["s"]}"#,
            r#"{"client_id":"a","client_secret":"s\u0000"}"#,
            r#"{"client_id":"a","token_endpoint_auth_method":"client_secret_basic"}"#,
            r#"{"client_id":"a","client_secret":"s","token_endpoint_auth_method":"private_key_jwt"}"#,
            &long,
        ] {
            assert_eq!(
                validated(201, body).unwrap_err().kind(),
                ErrorKind::Validation,
                "{body:.60}"
            );
        }
        for (status, kind) in [
            (400, ErrorKind::ServerRefused),
            (401, ErrorKind::ServerRefused),
            (302, ErrorKind::ServerRefused),
            (429, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
        ] {
            assert_eq!(
                validated(status, r#"{"client_id":"a"}"#).unwrap_err().kind(),
                kind,
                "{status}"
            );
        }
        let refused = validated(400, r#"{"error":"invalid_redirect_uri"}"#).unwrap_err();
        assert_eq!(refused.oauth_error().unwrap().code, "invalid_redirect_uri");
    }

    #[test]
    fn native_client_is_registered_for_refresh_tokens() {
        let url = Url::parse("https://as.example/register").unwrap();
        let client = ClientMetadata {
            redirect_uri: "http://127.0.0.1:1/callback",
            scopes: &["a".to_owned(), "b".to_owned()],
            auth: ClientAuth::None,
        };
        let sent: Value = serde_json::from_slice(&request(&url, &client).body).unwrap();
        assert_eq!(sent["application_type"], "native");
        assert_eq!(sent["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(
            (&sent["scope"], &sent["redirect_uris"][0]),
            (&json!("a b"), &json!("http://127.0.0.1:1/callback"))
        );
    }
}
