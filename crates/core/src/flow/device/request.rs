//! The device authorization request (RFC 8628, section 3.1), and that of CIBA.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::pace::Pace;
use super::{DeviceAuthorization, DeviceRequest, Handle};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::flow::authorize::check_extra;
use crate::flow::commit::prove_store;
use crate::flow::credentials::{credentials, dpop_key};
use crate::flow::exchange::{Exchange, Spends, exchange_with};
use crate::flow::pin::pin;
use crate::flow::turn::{Context, Peer};
use crate::profile::discovery::Purpose;
use crate::profile::{Endpoint, GrantType, Profile, scopes};
use crate::protocol::answer::Answer;
use crate::protocol::client_auth::Credentials;
use crate::protocol::{device, random};

/// How long codes are assumed to be valid if the server does not say.
const DEFAULT_LIFETIME: Duration = Duration::from_secs(900);

/// Requests the codes.
pub(in crate::flow) async fn authorize(
    context: Context<'_>,
    request: DeviceRequest,
) -> Result<DeviceAuthorization> {
    let profile = context.profile;
    check_extra(&request.extra)?;
    scopes::check(&request.scopes)?;
    let reservation = prove_store(context.ports(), &request.key).await?;
    let credentials = credentials(context).await?;
    let server = context.server(Purpose::Login).await?;
    let peer = context.with(&server);
    let pin = pin(profile, &server)?;
    let dpop_key = dpop_key(context, Some(&credentials)).await?;
    let scopes = if request.scopes.is_empty() { &profile.scopes } else { &request.scopes };
    let scopes = scopes::split(scopes, &profile.scope_separator);
    let sent_at = context.now();
    let answer = send_request(peer, &credentials, &scopes, &request.extra).await?;
    let is_backchannel = profile.grant == GrantType::Ciba;
    let reply = match is_backchannel {
        true => device::read_backchannel(&answer, profile)?,
        false => device::read(&answer, profile)?,
    };
    context.ports().trace.hide(&reply.device_code);
    let handle = match is_backchannel {
        true => Handle::Backchannel(reply.device_code),
        false => Handle::DeviceCode(reply.device_code),
    };
    let life = reply.expires_in.unwrap_or(DEFAULT_LIFETIME);
    let is_cut = request.ttl.is_some_and(|ttl| ttl < life);
    let life = request.ttl.map_or(life, |ttl| ttl.min(life));
    Ok(DeviceAuthorization {
        user_code: reply.user_code,
        verification_uri: reply.verification_uri,
        verification_uri_complete: reply.verification_uri_complete,
        key: request.key,
        scopes,
        expires_at: sent_at.plus(life),
        grant_id: random::grant_id()?,
        handle,
        dpop_key,
        credentials,
        pin,
        server: Arc::new(server),
        attributes: BTreeMap::new(),
        pace: Pace::new(reply.interval, life),
        is_cut,
        prepared: None,
        _reservation: reservation,
    })
}

/// Sends the device authorization request (section 3.1).
async fn send_request(
    peer: Peer<'_>,
    credentials: &Credentials,
    scopes: &[String],
    extra: &[(String, String)],
) -> Result<Answer> {
    let Peer { profile, server, .. } = peer;
    let known = match profile.grant {
        GrantType::Ciba => Endpoint::BackchannelAuthentication,
        _ => Endpoint::DeviceAuthorization,
    };
    let endpoint = server.endpoints.get(known).ok_or_else(|| {
        let title = known.title();
        Error::config(format!("no {title} endpoint is known for profile `{}`", profile.name))
    })?;
    let mut form = vec![("client_id".to_owned(), profile.client.id.clone())];
    if known == Endpoint::BackchannelAuthentication {
        peer.trace_step(
            "Starting the backchannel authentication",
            "OpenID Connect CIBA, section 7.1",
        );
        form.extend(backchannel_parameters(profile, extra)?);
    } else {
        peer.trace_step("Requesting a code for the user", "RFC 8628, section 3.1");
    }
    let mut push = |name: &str, value: String| form.push((name.to_owned(), value));
    if !scopes.is_empty() {
        let name = profile.quirks.device_scope_param.as_ref().unwrap_or(&profile.scope_param);
        push(name, scopes.join(&profile.scope_separator));
    }
    if let Some(audience) = &profile.audience {
        push("audience", audience.clone());
    }
    for resource in &profile.resource {
        push("resource", resource.clone());
    }
    if !profile.authorization_details.is_empty() {
        let details = serde_json::Value::Array(profile.authorization_details.clone());
        push("authorization_details", details.to_string());
    }
    for (name, value) in &profile.authorization_params {
        // There is no response in a browser.
        if name != "response_mode" && !extra.iter().any(|(n, _)| n == name) {
            push(name, value.clone());
        }
    }
    form.extend(extra.iter().cloned());
    let request = Exchange {
        purpose: known.purpose(),
        endpoint,
        form,
        spends: Spends::Again,
        dpop_key: None,
        may_be_json: false,
    };
    exchange_with(peer, credentials, &request).await.map_err(|no_answer| no_answer.error)
}

/// Returns who is asked, and what the user sees. Hints of the caller take precedence.
fn backchannel_parameters(
    profile: &Profile,
    extra: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let given = |name: &str| {
        let all = extra.iter().map(|(n, _)| n).chain(profile.authorization_params.keys());
        all.into_iter().any(|known| known == name)
    };
    let inputs = &profile.inputs;
    let has_hint = ["login_hint", "login_hint_token", "id_token_hint"].into_iter().any(given);
    if inputs.login_hint.is_none() && !has_hint {
        let what = format!("profile `{}` does not specify the user to log in", profile.name);
        return Err(Error::config(what).hint(Advice::configure(
            &["login_hint"],
            "set `login_hint` in the profile, for example to an email address",
        )));
    }
    let own = [
        ("login_hint", inputs.login_hint.as_ref().filter(|_| !has_hint)),
        ("binding_message", inputs.binding_message.as_ref()),
    ];
    let own = own.into_iter().filter(|(name, _)| !given(name));
    Ok(own.filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect())
}
