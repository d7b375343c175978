//! What the server says about a token: its introspection endpoint (RFC 7662), and its signature.

use serde_json::{Map, Value};

use super::exchange::{Exchange, Spends, exchange};
use super::identity::issuer;
use super::load::load;
use super::pin::{moved, pin, pinned};
use super::turn::{Context, Peer};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::GrantKey;
use crate::profile::Endpoint;
use crate::profile::discovery::Purpose;
use crate::protocol::jwks::require_valid;
use crate::protocol::jwt::{Jwt, Signature};
use crate::text::one_line;

/// The token that the server is asked about.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Introspected {
    /// The stored access token of this account.
    AccessToken(GrantKey),
    /// The stored refresh token of this account.
    RefreshToken(GrantKey),
    /// This token, which a client of the profile received.
    Received(Secret),
}

/// Asks the server of a profile about a token.
pub(super) async fn introspect(
    context: Context<'_>,
    token: &Introspected,
) -> Result<Map<String, Value>> {
    let grant = match token {
        Introspected::AccessToken(key) | Introspected::RefreshToken(key) => {
            Some(load(context.ports(), key).await?.ok_or_else(|| Error::not_logged_in(key))?)
        }
        Introspected::Received(_) => None,
    };
    let pinned = grant.as_ref().map(|grant| pinned(context.profile, &grant.pin));
    let context = Context { profile: pinned.as_deref().unwrap_or(context.profile), ..context };
    let server = context.server(Purpose::Optional).await?;
    let peer = context.with(&server);
    if let Some(grant) = &grant
        && let Some(difference) = moved(&grant.pin, &pin(peer.profile, peer.server)?)
    {
        let what = format!("the token was not sent for introspection: {difference}");
        return Err(Error::config(what).hint(Advice::LogInIfIntended(grant.key.clone())));
    }
    let (secret, hint) = match (token, &grant) {
        (Introspected::Received(secret), _) => (secret, None),
        (Introspected::RefreshToken(key), Some(grant)) => {
            let Some(secret) = &grant.tokens.refresh_token else {
                return Err(Error::login_required(format!("{key} has no refresh token")));
            };
            (secret, Some("refresh_token"))
        }
        (_, Some(grant)) => (&grant.tokens.access_token, Some("access_token")),
        (_, None) => return Err(Error::internal("there is no token to introspect")),
    };
    ask(peer, secret, hint).await
}

async fn ask(peer: Peer<'_>, token: &Secret, hint: Option<&str>) -> Result<Map<String, Value>> {
    let Some(endpoint) = &peer.server.endpoints.introspection else {
        return Err(Error::config("no introspection endpoint is known").hint(Advice::configure(
            &["introspection_endpoint"],
            "set `introspection_endpoint` in the profile, if the server has one",
        )));
    };
    peer.trace_step("Introspecting the token", "RFC 7662, section 2.1");
    let mut form = vec![("token".to_owned(), token.expose().to_owned())];
    form.extend(hint.map(|hint| ("token_type_hint".to_owned(), hint.to_owned())));
    let request = Exchange {
        purpose: Endpoint::Introspection.purpose(),
        endpoint,
        form,
        spends: Spends::Again,
        dpop_key: None,
        may_be_json: true,
    };
    let answer = exchange(peer, &request).await.map_err(|no_answer| no_answer.error)?;
    let what = "the introspection request was refused";
    match answer.status() {
        200 => {}
        status @ (429 | 500..) => {
            let what = format!("the introspection request failed: the server returned {status}");
            return Err(Error::unavailable(what).hint(Advice::RetryLater));
        }
        status => {
            let body = answer.members();
            let error = match body.text("error") {
                Some(code) => {
                    let description = body.text("error_description");
                    // Whatever the code means elsewhere, nothing here ends a login.
                    Error::refused(what, answer.oauth_error(&code, description.as_deref()))
                        .with_kind(ErrorKind::ServerRefused)
                }
                None => Error::new(
                    ErrorKind::ServerRefused,
                    format!("{what}: the server returned {status}"),
                ),
            };
            return Err(error.hint(Advice::configure(
                &["client_secret"],
                "most servers require client authentication: set `client_secret`, or use a client \
                 that may introspect tokens",
            )));
        }
    }
    let members = answer.object().ok_or_else(|| {
        Error::validation("the introspection response is not a JSON object with each member once")
    })?;
    match members.get("active") {
        Some(Value::Bool(_)) => Ok(members),
        _ => Err(Error::validation("the introspection response has no boolean `active`")),
    }
}

/// Verifies the signature of a token with the keys of the profile's server. A failure to get them is a result too.
pub(super) async fn verify(context: Context<'_>, token: &Jwt) -> Result<Signature> {
    let mut signed = match token.signed() {
        Ok(signed) => signed,
        Err(outcome) => return Ok(outcome),
    };
    let server = match context.server(Purpose::Optional).await {
        Ok(server) => server,
        Err(error) => return Ok(Signature::NotVerified(error.message().to_owned())),
    };
    let peer = context.with(&server);
    let (Some(iss), Some(issuer)) = (token.issuer(), issuer(peer)) else {
        return Ok(Signature::NotVerified("the issuer of the token is not known".to_owned()));
    };
    if !issuer.is(iss, token.claim("tid").and_then(Value::as_str)) {
        return Ok(Signature::NotVerified(format!(
            "the token names the issuer `{}`, which is not the server of the profile",
            one_line(iss)
        )));
    }
    let Some(jwks_uri) = &server.endpoints.jwks_uri else {
        return Ok(Signature::NotVerified("no `jwks_uri` of the issuer is known".to_owned()));
    };
    signed.key_issuers = issuer.of_keys(&signed.payload);
    peer.trace_step("Verifying the signature of the token", "RFC 7515, section 5.2");
    let keys = peer.shared.jwks.source(peer.ports(), jwks_uri, false)?;
    Ok(match keys.check(peer.http(), &signed, peer.now()).await {
        Err(error) => Signature::NotVerified(error.message().to_owned()),
        Ok(check) => match require_valid(check, &signed, "token") {
            Ok(()) => Signature::Valid,
            Err(error) => Signature::Invalid(error.message().to_owned()),
        },
    })
}
