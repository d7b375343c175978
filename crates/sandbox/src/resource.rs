//! Uses of tokens: userinfo, a protected resource, revocation (RFC 7009), introspection (RFC 7662), and the
//! end of a session.

use serde_json::json;

use super::issuer::Issuer;
use super::reply::{Object, Outcome, Refusal, Reply, object};
use super::request::Call;
use super::store::Store;
use super::{client, dpop, id_token, page};

/// The userinfo endpoint (OpenID Connect Core, section 5.3).
pub(super) fn userinfo(issuer: &Issuer, call: &Call) -> Outcome {
    let mut store = issuer.store();
    let (subject, scope) = bearer(issuer, &mut store, call)?;
    if !scope.split(' ').any(|s| s == "openid") {
        let challenge = "Bearer error=\"insufficient_scope\", scope=\"openid\"";
        return Err(Refusal::new("insufficient_scope", "userinfo requires the scope openid")
            .status(403)
            .header("www-authenticate", challenge));
    }
    let mut claims = object(json!({ "sub": subject }));
    id_token::add_user(&mut claims, &subject, &scope);
    Ok(Reply::json(claims))
}

/// Handles a resource that accepts any access token. Its refusal refers to its metadata (RFC 9728).
pub(super) fn protected(issuer: &Issuer, call: &Call) -> Outcome {
    let (subject, scope) = bearer(issuer, &mut issuer.store(), call)?;
    Ok(Reply::json(object(json!({"message": "welcome", "subject": subject, "scope": scope}))))
}

/// Validates the access token of a request (RFC 6750, section 2.1; RFC 9449, section 7.1).
fn bearer(issuer: &Issuer, store: &mut Store, call: &Call) -> Result<(String, String), Refusal> {
    let path = issuer.identifier.strip_prefix(&issuer.shared.origin).unwrap_or_default();
    let origin = &issuer.shared.origin;
    let metadata = format!("{origin}/.well-known/oauth-protected-resource{path}/resource");
    let refuse = |error: &'static str, description: &str| {
        let challenge = match error {
            "" => format!("Bearer resource_metadata=\"{metadata}\""),
            _ => format!("Bearer error=\"{error}\", resource_metadata=\"{metadata}\""),
        };
        let error = if error.is_empty() { "invalid_request" } else { error };
        Refusal::new(error, description).status(401).header("www-authenticate", challenge)
    };
    let Some(header) = call.header("authorization") else {
        return Err(refuse("", "the request has no access token"));
    };
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let found = store
        .access(token.trim(), issuer.now())
        .map(|(access, family)| (family.subject.clone(), access.scope.clone(), family.jkt.clone()));
    let Some((subject, scope, jkt)) = found else {
        return Err(refuse("invalid_token", "the access token is unknown, expired or revoked"));
    };
    let scheme_fits = match jkt {
        None => scheme.eq_ignore_ascii_case("bearer"),
        Some(_) => {
            scheme.eq_ignore_ascii_case("dpop")
                && dpop::check(issuer, store, call, Some(token.trim()))? == jkt
        }
    };
    if !scheme_fits {
        return Err(refuse(
            "invalid_token",
            "the access token was sent in a different way than it was issued",
        ));
    }
    Ok((subject, scope))
}

/// Handles the revocation endpoint. An unknown token counts as revoked.
pub(super) fn revoke(issuer: &Issuer, call: &Call) -> Outcome {
    let store = &mut *issuer.store();
    let caller = client::authenticate(issuer, store, call)?;
    let Some(token) = call.form.get("token") else {
        return Err(Refusal::request("the parameter token is missing"));
    };
    let refresh = store.refresh.get(token).map(|t| t.family);
    let family = refresh.or_else(|| store.access.get(token).map(|t| t.family));
    let owner = family.and_then(|id| store.families.get(&id)).map(|f| f.client_id.as_str());
    if owner.is_some_and(|owner| owner != caller.id) {
        return Err(Refusal::new("unauthorized_client", "the token belongs to another client"));
    }
    match refresh {
        Some(family) => store.revoke(family),
        None => {
            store.access.take(token);
        }
    }
    Ok(Reply::empty(200))
}

/// The introspection endpoint.
pub(super) fn introspect(issuer: &Issuer, call: &Call) -> Outcome {
    let store = &mut *issuer.store();
    client::authenticate(issuer, store, call)?;
    let Some(token) = call.form.get("token") else {
        return Err(Refusal::request("the parameter token is missing"));
    };
    let known = describe_access(issuer, store, token).or_else(|| describe_refresh(store, token));
    let mut json = known.unwrap_or_else(|| object(json!({"active": false})));
    if json.len() > 1 {
        json.insert("iss".to_owned(), json!(issuer.identifier));
    }
    Ok(Reply::json(json))
}

fn describe_access(issuer: &Issuer, store: &Store, token: &str) -> Option<Object> {
    let (access, family) = store.access(token, issuer.now())?;
    let mut json = object(json!({
        "active": true,
        "scope": access.scope,
        "client_id": family.client_id,
        "sub": family.subject,
        "token_type": if family.jkt.is_some() { "DPoP" } else { "Bearer" },
        "iat": access.issued,
        "exp": access.expires,
    }));
    if !family.audience.is_empty() {
        json.insert("aud".to_owned(), json!(family.audience));
    }
    if let Some(jkt) = &family.jkt {
        json.insert("cnf".to_owned(), json!({ "jkt": jkt }));
    }
    Some(json)
}

fn describe_refresh(store: &Store, token: &str) -> Option<Object> {
    let refresh = store.refresh.get(token).filter(|t| t.spent.is_none())?;
    let family = store.family(refresh.family)?;
    Some(object(json!({
        "active": true,
        "scope": family.scope,
        "client_id": family.client_id,
        "sub": family.subject,
    })))
}

/// Handles RP-initiated logout. There is no browser session to end.
pub(super) fn end_session(issuer: &Issuer, call: &Call) -> Reply {
    let params = call.params();
    let client = params.get("client_id").unwrap_or_default();
    match params.get("post_logout_redirect_uri") {
        Some(uri) if super::authorize::may_return_to(&issuer.store(), client, uri) => {
            super::authorize::return_to(uri, params.get("state"))
        }
        Some(_) => {
            page::failed(400, "The post_logout_redirect_uri is not on the loopback interface.")
        }
        None => page::told("You are logged out", "You can close this page."),
    }
}
