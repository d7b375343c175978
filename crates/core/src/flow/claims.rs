//! What the server says about the user of an account (OpenID Connect Core, section 5.3).

use serde_json::{Map, Value};

use super::access_token::Account;
use super::load::load;
use super::pin::{moved, pin, pinned};
use super::request::TokenRequest;
use super::token;
use super::turn::{Context, Peer};
use super::userinfo::{UserinfoRequest, request};
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Grant, GrantKey};
use crate::port::HttpResponse;
use crate::profile::discovery::Purpose;
use crate::profile::metadata::Unique;
use crate::protocol::jws::Compact;
use crate::text::one_line;

/// Maximum size of a signed response, in bytes.
const MAX_SIGNED: usize = 256 * 1024;

/// The claims about a user.
#[derive(Clone)]
#[non_exhaustive]
pub struct Userinfo {
    /// The claims, as the server returned them.
    pub claims: Map<String, Value>,
    /// The account whose token was sent.
    pub account: Account,
    /// A failure that accompanied the token.
    pub warning: Option<Error>,
}

crate::redact::debug::redacted_debug!(Userinfo { claims => hidden, account, warning });

/// Requests the claims about the user of an account with a valid token of it.
pub(super) async fn userinfo(context: Context<'_>, key: &GrantKey) -> Result<Userinfo> {
    let token = token::token(context, key, &TokenRequest::default()).await?;
    let ports = context.ports();
    let Some(grant) = load(ports, key).await? else { return Err(Error::not_logged_in(key)) };
    let profile = pinned(context.profile, &grant.pin);
    let context = Context { profile: &profile, ..context };
    let server = context.server(Purpose::Optional).await?;
    let peer = context.with(&server);
    if let Some(difference) = moved(&grant.pin, &pin(peer.profile, peer.server)?) {
        let what = format!("the token was not sent to the userinfo endpoint: {difference}");
        return Err(Error::config(what).hint(Advice::LogInIfIntended(key.clone())));
    }
    let Some(endpoint) = &server.endpoints.userinfo else {
        return Err(Error::config("no userinfo endpoint is known").hint(Advice::configure(
            &["userinfo_endpoint"],
            "set `userinfo_endpoint` in the profile, if the server has one",
        )));
    };
    let asked = UserinfoRequest {
        token_type: &token.token_type,
        access_token: &token.value,
        dpop_key: grant.dpop_key.as_ref(),
    };
    let response = request(context, endpoint, asked).await?;
    if response.status != 200 {
        return Err(refused(&response, key));
    }
    let claims = claims(peer, &response).await?;
    same_subject(&claims, &grant)?;
    Ok(Userinfo { claims, account: token.account, warning: token.warning })
}

/// Returns the claims of a response: JSON, or a JWT that the server's keys signed (OpenID Connect Core, section
/// 5.3.2).
async fn claims(peer: Peer<'_>, response: &HttpResponse) -> Result<Map<String, Value>> {
    let media_type = response.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/jwt") {
        return object(&response.body);
    }
    let what = "userinfo response";
    let text = std::str::from_utf8(&response.body).unwrap_or_default().trim();
    let signed = Compact::parse(text, what, MAX_SIGNED)?;
    let Some(jwks_uri) = &peer.server.endpoints.jwks_uri else {
        return Err(Error::validation(
            "the userinfo response is signed, but no `jwks_uri` is known",
        ));
    };
    let keys = peer.shared.jwks.source(&peer.shared.ports, jwks_uri, false)?;
    keys.verify(peer.http(), &signed, what, peer.now()).await?;
    let claims = object(&signed.payload)?;
    let issuer = peer.server.issuer.as_deref();
    if let Some(iss) = claims.get("iss")
        && issuer.is_some_and(|issuer| iss != issuer)
    {
        return Err(Error::validation(
            "the `iss` of the signed userinfo response is a different server",
        ));
    }
    let client = peer.profile.client.id.as_str();
    let is_ours = |aud: &Value| match aud {
        Value::Array(all) => all.iter().any(|aud| aud == client),
        one => one == client,
    };
    match claims.get("aud") {
        Some(aud) if !is_ours(aud) => Err(Error::validation(
            "the `aud` of the signed userinfo response is a different client",
        )),
        _ => Ok(claims),
    }
}

fn object(body: &[u8]) -> Result<Map<String, Value>> {
    match serde_json::from_slice::<Unique>(body) {
        Ok(Unique(claims)) => Ok(claims),
        Err(_) => Err(Error::validation(
            "the userinfo response is not a JSON object with each claim once",
        )),
    }
}

/// Compares the subject with that of the id_token: otherwise the claims belong to another user (OpenID Connect Core,
/// section 5.3.2).
fn same_subject(claims: &Map<String, Value>, grant: &Grant) -> Result<()> {
    let Some(first) = &grant.id_token_claims else { return Ok(()) };
    match claims.get("sub").and_then(Value::as_str) {
        Some(sub) if sub == first.sub => Ok(()),
        Some(sub) => Err(Error::validation(format!(
            "the userinfo response is about a different user: its `sub` is `{}`, that of the \
             id_token is `{}`",
            one_line(sub),
            one_line(&first.sub)
        ))
        .hint("do not use its claims: this may be an attack, or a bug in the server")),
        None => Err(Error::validation("the userinfo response has no `sub`")
            .hint("without it, nothing proves that the claims are about the user who logged in")),
    }
}

/// Returns the error for a response that contains no claims.
fn refused(response: &HttpResponse, key: &GrantKey) -> Error {
    let what = format!("the userinfo request was refused: status {}", response.status);
    match response.status {
        429 | 500.. => Error::unavailable(what).hint(Advice::RetryLater),
        401 => Error::new(ErrorKind::ServerRefused, what).hint(Advice::Refresh(key.clone())),
        403 => Error::new(ErrorKind::ServerRefused, what).hint(Advice::configure(
            &["scopes"],
            "the token may lack the scope `openid` or `profile`: add it to `scopes`, then log in again",
        )),
        _ => Error::new(ErrorKind::ServerRefused, what).hint(Advice::Trace),
    }
}
