//! The token endpoint: one function per grant type.

use serde_json::{Value, json};

use super::client;
use super::exchange::{Exchange, Refresh};
use super::issuer::Issuer;
use super::keys::sha256;
use super::reply::{Outcome, Refusal, Reply};
use super::request::Call;
use super::scenario::Rule;
use super::users;
use super::{device, dpop};

/// How long a replaced refresh token stays valid in a grace period, in seconds.
const GRACE: u64 = 60;
const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A grant type and its function.
pub(super) struct Grant {
    pub(super) name: &'static str,
    run: fn(&mut Exchange) -> Outcome,
}

/// The grant types.
pub(super) const GRANTS: &[Grant] = &[
    Grant { name: "authorization_code", run: code },
    Grant { name: "refresh_token", run: refresh },
    Grant { name: "client_credentials", run: client_credentials },
    Grant { name: "urn:ietf:params:oauth:grant-type:device_code", run: device::redeem },
    Grant { name: "urn:ietf:params:oauth:grant-type:jwt-bearer", run: jwt_bearer },
    Grant { name: "urn:ietf:params:oauth:grant-type:token-exchange", run: token_exchange },
    Grant { name: "password", run: password },
];

/// The token endpoint.
pub(super) fn token(issuer: &Issuer, call: &Call) -> Outcome {
    if let Some(name) = call.form.repeated() {
        return Err(Refusal::request(format!("the parameter {name} is repeated")));
    }
    let Some(grant_type) = call.grant_type() else {
        return Err(Refusal::request("grant_type is missing"));
    };
    let store = &mut *issuer.store();
    let caller = client::authenticate(issuer, store, call)?;
    let Some(grant) = GRANTS.iter().find(|grant| grant.name == grant_type) else {
        return Err(Refusal::new("unsupported_grant_type", "unknown grant type"));
    };
    let jkt = dpop::check(issuer, store, call, None)?;
    let now = issuer.now();
    (grant.run)(&mut Exchange { issuer, store, call, caller, now, jkt })
}

/// RFC 6749, section 4.1.3, and RFC 7636, section 4.5.
fn code(exchange: &mut Exchange) -> Outcome {
    let presented = exchange.required("code")?.to_owned();
    let Some(code) = exchange.store.codes.get(&presented) else {
        return Err(Refusal::grant("the code is unknown"));
    };
    if let Some(family) = code.redeemed {
        exchange.store.revoke(family);
        return Err(Refusal::grant("the code has already been used; its tokens are revoked"));
    }
    let request = code.request.clone();
    if request.client_id != exchange.caller.id {
        return Err(Refusal::grant("the code belongs to another client"));
    }
    if code.expires <= exchange.now {
        return Err(Refusal::grant("the code has expired"));
    }
    if exchange.required("redirect_uri")? != request.redirect_uri {
        return Err(Refusal::grant("redirect_uri differs from that of the authorization request"));
    }
    if request.jkt.is_some() && request.jkt != exchange.jkt {
        return Err(Refusal::grant("the code is bound to another DPoP key"));
    }
    let (user, auth_time) = (code.user, code.auth_time);
    let verifier = exchange.required("code_verifier")?;
    if !is_verifier(verifier) || sha256(verifier) != request.challenge {
        exchange.store.codes.take(&presented);
        return Err(Refusal::grant("code_verifier does not match; the code is invalidated"));
    }
    let mut family = exchange.family(user.subject, &request.scope, true);
    family.nonce = request.nonce;
    family.auth_time = Some(auth_time);
    if family.audience.is_empty() {
        family.audience = request.audience;
    }
    let id = exchange.store.begin(family);
    if let Some(code) = exchange.store.codes.get_mut(&presented) {
        code.redeemed = Some(id);
    }
    exchange.issue(id, &request.scope, Refresh::New).map(Reply::json)
}

fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// RFC 6749, section 6; RFC 9700, section 4.14.2.
fn refresh(exchange: &mut Exchange) -> Outcome {
    let presented = exchange.required("refresh_token")?.to_owned();
    let Some(token) = exchange.store.refresh.get(&presented) else {
        return Err(Refusal::grant("the refresh token is unknown"));
    };
    let (id, spent) = (token.family, token.spent);
    let Some(family) = exchange.store.family(id) else {
        return Err(Refusal::grant("the grant has been revoked"));
    };
    if family.client_id != exchange.caller.id {
        return Err(Refusal::grant("the refresh token belongs to another client"));
    }
    if family.jkt.is_some() && family.jkt != exchange.jkt {
        return Err(Refusal::grant("the refresh token is bound to another DPoP key"));
    }
    let effects = &exchange.issuer.effects;
    if let Some(at) = spent
        && !(effects.rule(Rule::Grace) && exchange.now <= at + GRACE)
    {
        exchange.store.revoke(id);
        return Err(Refusal::grant(
            "the refresh token has already been used; the grant is revoked",
        ));
    }
    let granted = family.scope.clone();
    let scope = exchange.call.form.get("scope").unwrap_or(&granted).to_owned();
    if !scope.split(' ').all(|asked| granted.split(' ').any(|g| g == asked)) {
        return Err(Refusal::new("invalid_scope", "the requested scopes exceed the granted ones"));
    }
    let next = if effects.rule(Rule::KeepSilently) {
        Refresh::None
    } else if effects.rule(Rule::Repeat) {
        Refresh::Old(presented)
    } else {
        if let Some(token) = exchange.store.refresh.get_mut(&presented) {
            token.spent = token.spent.or(Some(exchange.now));
        }
        Refresh::New
    };
    exchange.issue(id, &scope, next).map(Reply::json)
}

/// RFC 6749, section 4.4.
fn client_credentials(exchange: &mut Exchange) -> Outcome {
    if !exchange.caller.authenticated {
        return Err(Refusal::new("unauthorized_client", "a public client has no credentials"));
    }
    let scope = exchange.call.form.get("scope").unwrap_or_default().to_owned();
    let subject = exchange.caller.id.clone();
    let family = exchange.family(&subject, &scope, false);
    exchange.begin(family, Refresh::None)
}

/// RFC 6749, section 4.3.
fn password(exchange: &mut Exchange) -> Outcome {
    let user = users::find(exchange.required("username")?);
    let password = exchange.required("password")?;
    let Some(user) = user.filter(|p| p.username == password) else {
        return Err(Refusal::grant("invalid user name or password"));
    };
    let scope = exchange.call.form.get("scope").unwrap_or_default().to_owned();
    let family = exchange.family(user.subject, &scope, true);
    exchange.begin(family, Refresh::New)
}

/// RFC 7523, section 2.1. The signature is verified if the client has registered keys.
fn jwt_bearer(exchange: &mut Exchange) -> Outcome {
    let assertion = exchange.required("assertion")?;
    let claims = client::unverified_claims(assertion)
        .filter(|claims| client::is_for(exchange.issuer, claims))
        .ok_or_else(|| Refusal::grant("the assertion is expired or not for this server"))?;
    let registered = exchange.store.clients.get(&exchange.caller.id);
    if registered.is_some_and(|c| c.jwks.is_some() && !client::is_signed_by(c, assertion)) {
        return Err(Refusal::grant("invalid signature of the assertion"));
    }
    let Some(subject) = claims.get("sub").and_then(Value::as_str) else {
        return Err(Refusal::grant("the assertion has no subject"));
    };
    let scope = exchange.call.form.get("scope").unwrap_or_default().to_owned();
    let family = exchange.family(subject, &scope, false);
    exchange.begin(family, Refresh::None)
}

/// RFC 8693: an access token of this issuer, or a JWT of another one, which is not verified.
fn token_exchange(exchange: &mut Exchange) -> Outcome {
    let subject_token = exchange.required("subject_token")?;
    let kind = exchange.required("subject_token_type")?;
    let subject = match kind {
        ACCESS_TOKEN_TYPE => exchange
            .store
            .access(subject_token, exchange.now)
            .map(|(_, family)| (family.subject.clone(), family.scope.clone())),
        "urn:ietf:params:oauth:token-type:jwt" | "urn:ietf:params:oauth:token-type:id_token" => {
            let claims = client::unverified_claims(subject_token);
            claims.and_then(|c| Some((c.get("sub")?.as_str()?.to_owned(), String::new())))
        }
        _ => return Err(Refusal::request("unknown subject_token_type")),
    };
    let Some((subject, granted)) = subject else {
        return Err(Refusal::request("invalid subject token"));
    };
    let scope = exchange.call.form.get("scope").unwrap_or(&granted).to_owned();
    let family = exchange.family(&subject, &scope, false);
    let id = exchange.store.begin(family);
    let mut json = exchange.issue(id, &scope, Refresh::None)?;
    json.insert("issued_token_type".to_owned(), json!(ACCESS_TOKEN_TYPE));
    Ok(Reply::json(json))
}
