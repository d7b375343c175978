//! The requests of grants that require no user interaction (RFC 6749, sections 4.3 and 4.4; RFC 7523, section
//! 2.1; RFC 8693; OAuth Identity Assertion Authorization Grant).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::credentials::resolve;
use super::hooks;
use super::other_profiles::{identity_assertion, token_of};
use super::request::TokenRequest;
use super::turn::{Context, Peer};
use crate::Secret;
use crate::error::{Error, Result};
use crate::profile::{GrantType, SecretSource, inputs};
use crate::protocol::random;
use crate::protocol::service_account::ServiceAccount;
use crate::protocol::signing_key::SigningKey;

/// Lifetime of a signed assertion, in seconds.
const ASSERTION_LIFE: u64 = 300;

type Form = Vec<(String, String)>;

/// A request of a grant, and who the token is for, as far as the request says so.
pub(super) struct GrantRequest {
    pub(super) form: Form,
    pub(super) subject: Option<String>,
}

/// Returns the step of a grant in the trace, and the section that describes it.
pub(super) fn step(grant: GrantType) -> (&'static str, &'static str) {
    match grant {
        GrantType::JwtBearer => ("Presenting an assertion", "RFC 7523, section 2.1"),
        GrantType::TokenExchange => ("Exchanging a token", "RFC 8693, section 2.1"),
        GrantType::IdJag => ("Presenting the identity assertion", "RFC 7523, section 2.1"),
        GrantType::Password => ("Presenting the user's password", "RFC 6749, section 4.3.2"),
        _ => ("Requesting a token on behalf of the client itself", "RFC 6749, section 4.4"),
    }
}

/// Returns the request of the profile's grant. Parameters of a hook replace those of the same name, and what
/// they replace is not obtained.
pub(super) async fn grant_request(
    peer: Peer<'_>,
    request: &TokenRequest,
    params: BTreeMap<String, String>,
) -> Result<GrantRequest> {
    let profile = peer.profile;
    let scopes = if request.scopes.is_empty() { &profile.scopes } else { &request.scopes };
    let is_given =
        |name: &str| params.contains_key(name) || profile.token_params.contains_key(name);
    let mut form = vec![pair("grant_type", profile.grant.wire())];
    let mut subject = None;
    let mut scope_is_sent = false;
    match profile.grant {
        GrantType::ClientCredentials => subject = Some(profile.client.id.clone()),
        GrantType::JwtBearer if is_given("assertion") => {}
        GrantType::TokenExchange if is_given("subject_token") => {}
        GrantType::JwtBearer => {
            let signed = assertion(peer, scopes).await?;
            (subject, scope_is_sent) = (signed.subject, signed.has_scope);
            form.push(pair("assertion", signed.assertion.expose()));
        }
        GrantType::TokenExchange => exchanged(peer, &mut form, &is_given).await?,
        GrantType::IdJag => {
            let idp = profile.inputs.idp.as_deref().unwrap_or_default();
            let assertion = identity_assertion(peer, idp, request, scopes).await?;
            peer.ports().trace.hide(&assertion);
            form.push(pair("assertion", assertion.expose()));
        }
        GrantType::Password => subject = password(peer.context(), &mut form, &is_given).await?,
        GrantType::AuthorizationCode | GrantType::DeviceCode | GrantType::Ciba => {
            return Err(Error::config(format!(
                "the grant `{}` requires user interaction",
                profile.grant.as_str()
            )));
        }
    }
    if !scopes.is_empty() && !scope_is_sent {
        form.push(pair("scope", &scopes.join(&profile.scope_separator)));
    }
    request.narrow(&mut form, profile);
    if let (None, Some(audience)) = (&request.audience, &profile.audience)
        && profile.grant != GrantType::IdJag
    {
        form.push(pair("audience", audience));
    }
    if !profile.authorization_details.is_empty() {
        let details = Value::Array(profile.authorization_details.clone());
        form.push(pair("authorization_details", &details.to_string()));
    }
    form.extend(profile.token_params.clone());
    hooks::add(&mut form, params);
    Ok(GrantRequest { form, subject })
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Reads a token or a secret of the grant from its source.
async fn input(context: Context<'_>, name: &str, source: &SecretSource) -> Result<Secret> {
    let secret = match source {
        SecretSource::Profile { name: other, id_token } => {
            token_of(context, other, *id_token).await?
        }
        source => resolve(context, name, source).await?,
    };
    context.ports().trace.hide(&secret);
    Ok(secret)
}

/// Adds the tokens of an exchange and their types.
async fn exchanged(
    peer: Peer<'_>,
    form: &mut Form,
    is_given: &impl Fn(&str) -> bool,
) -> Result<()> {
    let inputs = &peer.profile.inputs;
    let Some(source) = &inputs.subject_token else {
        let signed = assertion(peer, &[]).await?;
        form.push(pair("subject_token", signed.assertion.expose()));
        if !is_given("subject_token_type") {
            let kind = inputs.subject_token_type.as_deref();
            let kind = kind.unwrap_or("urn:ietf:params:oauth:token-type:id_token");
            form.push(pair("subject_token_type", kind));
        }
        return Ok(());
    };
    let tokens = [
        ("subject_token", "subject_token_type", Some(source), &inputs.subject_token_type),
        ("actor_token", "actor_token_type", inputs.actor_token.as_ref(), &inputs.actor_token_type),
    ];
    for (name, type_name, source, kind) in tokens {
        let Some(source) = source else { continue };
        let token = input(peer.context(), name, source).await?;
        let token = token.expose().trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let what = format!("the `{name}` of profile `{}` is not a token", peer.profile.name);
            return Err(Error::config(what).hint("it must be one line of ASCII without spaces"));
        }
        let kind = kind.clone().unwrap_or_else(|| inputs::type_of(source, token));
        form.push(pair(name, token));
        if !is_given(type_name) {
            form.push(pair(type_name, &kind));
        }
    }
    if let Some(kind) =
        inputs.requested_token_type.as_ref().filter(|_| !is_given("requested_token_type"))
    {
        form.push(pair("requested_token_type", kind));
    }
    Ok(())
}

/// Adds the user's name and password, and returns the name.
async fn password(
    context: Context<'_>,
    form: &mut Form,
    is_given: &impl Fn(&str) -> bool,
) -> Result<Option<String>> {
    let inputs = &context.profile.inputs;
    let mut subject = None;
    for (name, source) in [("username", &inputs.username), ("password", &inputs.password)] {
        let Some(source) = source.as_ref().filter(|_| !is_given(name)) else { continue };
        let value = match name {
            "username" => resolve(context, name, source).await?,
            _ => input(context, name, source).await?,
        };
        if name == "username" {
            subject = Some(value.expose().to_owned());
        }
        form.push(pair(name, value.expose()));
    }
    Ok(subject)
}

/// An assertion of the client.
struct Signed {
    assertion: Secret,
    /// Whom it is about, if it was signed here.
    subject: Option<String>,
    /// Whether it contains the requested scopes.
    has_scope: bool,
}

/// Returns the assertion: from the configured source, else signed with the key of the service account or of
/// the profile.
async fn assertion(peer: Peer<'_>, scopes: &[String]) -> Result<Signed> {
    let (context, profile) = (peer.context(), peer.profile);
    if let Some(source) = &profile.inputs.service_account {
        let account = ServiceAccount::read(&input(context, "service_account", source).await?)?;
        return sign(peer, &account.key, &account.email, scopes);
    }
    if let Some(source) = &profile.client.assertion {
        let given = input(context, "client_assertion", source).await?;
        return Ok(Signed { assertion: given, subject: None, has_scope: false });
    }
    let Some(source) = &profile.client.private_key else {
        return Err(Error::config(format!(
            "profile `{}` has neither `client_assertion` nor `private_key`",
            profile.name
        ))
        .hint(format!("set one of them: the grant `{}` requires it", profile.grant.as_str())));
    };
    let key = SigningKey::read(&input(context, "private_key", source).await?)?;
    sign(peer, &key, &profile.client.id, &[])
}

/// Signs an assertion for the server that it is sent to. Google requires the scopes inside.
fn sign(peer: Peer<'_>, key: &SigningKey, issuer: &str, scopes: &[String]) -> Result<Signed> {
    let (profile, now) = (peer.profile, peer.now());
    let audience = match &profile.audience {
        Some(audience) => audience,
        None => peer.token_endpoint()?,
    };
    let subject = profile.token_params.get("sub").map_or(issuer, String::as_str);
    let mut header = json!({"typ": "JWT"});
    if let Some(kid) = key.kid() {
        header["kid"] = kid.into();
    }
    let mut claims = json!({
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "jti": random::token(16)?,
        "iat": now.unix(),
        "exp": now.unix() + ASSERTION_LIFE,
    });
    if !scopes.is_empty() {
        claims["scope"] = scopes.join(" ").into();
    }
    let assertion = Secret::new(key.sign_jwt(header, &claims)?);
    Ok(Signed { assertion, subject: Some(subject.to_owned()), has_scope: !scopes.is_empty() })
}
