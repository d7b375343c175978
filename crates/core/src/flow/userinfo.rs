//! Requests to the userinfo endpoint (OpenID Connect Core, section 5.3).

use serde_json::{Map, Value};
use url::Url;

use super::exchange::send;
use super::turn::Context;
use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Identity;
use crate::port::{HttpRequest, HttpResponse, Method};
use crate::profile::Endpoint;
use crate::protocol::dpop;
use crate::protocol::id_token;
use crate::protocol::members::Members;
use crate::protocol::signing_key::SigningKey;
use crate::text::one_line;

/// The token of a userinfo request.
#[derive(Clone, Copy)]
pub(super) struct UserinfoRequest<'a> {
    pub(super) token_type: &'a str,
    pub(super) access_token: &'a Secret,
    pub(super) dpop_key: Option<&'a Secret>,
}

/// Requests who the user is, for an account that is being made.
pub(super) async fn identity(
    context: Context<'_>,
    endpoint: &str,
    asked: UserinfoRequest<'_>,
) -> Result<Identity> {
    let response = request(context, endpoint, asked).await?;
    if response.status != 200 {
        let what = format!("the userinfo request was refused: status {}", response.status);
        return Err(match response.status {
            429 | 500.. => Error::unavailable(what),
            _ => Error::new(ErrorKind::ServerRefused, what),
        });
    }
    let body = Members::read(&response.body);
    if let Some(defect) = body.defect() {
        return Err(failed(defect));
    }
    let mut claims = Map::new();
    for name in CLAIMS {
        if let Some(value) = body.get(name).map_err(|what| failed(&what))? {
            claims.insert(name.to_owned(), value);
        }
    }
    Ok(identity_of(&claims))
}

pub(super) async fn request(
    context: Context<'_>,
    endpoint: &str,
    asked: UserinfoRequest<'_>,
) -> Result<HttpResponse> {
    context.trace_step("Requesting the identity of the user", "OpenID Connect Core, section 5.3");
    let UserinfoRequest { token_type, access_token, dpop_key } = asked;
    let url = Url::parse(endpoint)
        .map_err(|_| Error::config("the userinfo endpoint is not a valid URL"))?;
    let key = dpop_key.filter(|_| token_type == "DPoP");
    let key = key.map(SigningKey::from_stored).transpose()?;
    let mut nonce = None;
    loop {
        let mut headers = vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), format!("{token_type} {}", access_token.expose())),
        ];
        let (purpose, method) = (Endpoint::Userinfo.purpose(), Method::Get);
        if let Some(key) = &key {
            let (method, url) = (method.as_str(), &url);
            let (nonce, access_token) = (nonce.as_deref(), Some(access_token));
            let request = dpop::Request { method, url, nonce, access_token };
            let proof = dpop::proof(key, request, context.now())?;
            headers.push(("dpop".to_owned(), proof));
        }
        let (url, body) = (url.clone(), zeroize::Zeroizing::default());
        let request = HttpRequest { purpose, method, url, headers, body };
        let secrets = std::slice::from_ref(access_token);
        let response = send(context.ports(), &request, secrets).await.map_err(|n| n.error)?;
        match wanted_nonce(&response) {
            Some(wanted) if key.is_some() && nonce.is_none() => nonce = Some(wanted),
            _ => return Ok(response),
        }
    }
}

fn failed(what: &str) -> Error {
    Error::unavailable(format!("the userinfo request failed: {what}"))
}

/// Returns the nonce that the proof must have, if a protected resource requires one (RFC 9449, section 9).
fn wanted_nonce(response: &HttpResponse) -> Option<String> {
    let asks = |(name, value): &(String, String)| {
        name == "www-authenticate" && value.contains("use_dpop_nonce")
    };
    let is_asked = response.status == 401 && response.headers.iter().any(asks);
    response.header("dpop-nonce").filter(|_| is_asked).map(str::to_owned)
}

/// The members of a userinfo response that tell who the user is.
const CLAIMS: [&str; 11] = [
    "sub",
    "id",
    "user_id",
    "account_id",
    "email",
    "email_verified",
    "preferred_username",
    "login",
    "username",
    "name",
    "display_name",
];

/// Returns the identity, by the names of the standard or by those of providers.
fn identity_of(claims: &Map<String, Value>) -> Identity {
    let text = |names: &[&str]| {
        names.iter().find_map(|n| match claims.get(*n) {
            Some(Value::String(s)) if !s.is_empty() => Some(one_line(s)),
            Some(Value::Number(n)) => Some(n.to_string()),
            _ => None,
        })
    };
    // Kept exactly: two users may differ in characters that are invisible.
    let exactly = |name: &&str| match claims.get(*name) {
        Some(Value::String(s)) if !s.is_empty() => Some(s.clone()),
        Some(Value::Number(n)) => Some(n.to_string()),
        _ => None,
    };
    Identity {
        sub: ["sub", "id", "user_id", "account_id"].iter().find_map(exactly),
        email: text(&["email"]),
        email_verified: id_token::email_verified(claims.get("email"), claims.get("email_verified")),
        username: text(&["preferred_username", "login", "username"]),
        name: text(&["name", "display_name"]),
    }
}
