//! Device authorization (RFC 8628).

use serde_json::json;

use super::authorize::is_own_form;
use super::client;
use super::exchange::{Exchange, Refresh};
use super::issuer::Issuer;
use super::keys::random;
use super::page;
use super::reply::{Outcome, Refusal, Reply, object};
use super::request::Call;
use super::scenario::Rule;
use super::store::{Decision, DeviceFlow};
use super::users::{self, USERS};

/// Lifetime of a device code, in seconds.
const TTL: u64 = 600;
/// Letters of user codes: no vowels, and no letters that are easily confused (section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The device authorization endpoint.
pub(super) fn authorize(issuer: &Issuer, call: &Call) -> Outcome {
    let mut store = issuer.store();
    let caller = client::authenticate(issuer, &mut store, call)?;
    let device_code = random("sandbox-device")?;
    let user_code = user_code()?;
    let interval = issuer.shared.options.device_interval.as_secs();
    let decision = if issuer.effects.rule(Rule::DeviceDenied) || issuer.effects.rule(Rule::Deny) {
        Decision::Denied
    } else if issuer.shared.options.auto_consent {
        Decision::Approved(&USERS[0])
    } else {
        Decision::Pending
    };
    let lifetime = if issuer.effects.rule(Rule::DeviceExpires) { 0 } else { TTL };
    let flow = DeviceFlow {
        user_code: user_code.clone(),
        client_id: caller.id,
        scope: call.form.get("scope").unwrap_or_default().to_owned(),
        expires: issuer.now() + lifetime,
        interval,
        polled: None,
        polls: 0,
        decision,
    };
    store.devices.insert(device_code.clone(), flow);
    let verification_uri = issuer.url("/device");
    Ok(Reply::json(object(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri_complete": format!("{verification_uri}?user_code={user_code}"),
        "verification_uri": verification_uri,
        "expires_in": TTL,
        "interval": interval,
    }))))
}

fn user_code() -> Result<String, Refusal> {
    let mut bytes = [0_u8; 8];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Refusal::server())?;
    let letters = bytes.map(|b| char::from(LETTERS[usize::from(b) % LETTERS.len()]));
    let (left, right) = letters.split_at(4);
    Ok(format!("{}-{}", String::from_iter(left), String::from_iter(right)))
}

/// The page where the user types the code in, and what the page sends.
pub(super) fn verify(issuer: &Issuer, call: &Call) -> Reply {
    let user_code = call.params().get("user_code").unwrap_or_default().to_uppercase();
    if call.method != hyper::Method::POST {
        let Ok(transaction) = random("transaction") else {
            return page::failed(500, "no random numbers");
        };
        let reply = page::device(issuer, &transaction, &user_code);
        issuer.store().device_pages.insert(transaction, issuer.now() + TTL);
        return reply;
    }
    if !is_own_form(issuer, call) {
        return page::failed(403, "This form was sent by another site.");
    }
    let mut store = issuer.store();
    let page = call.form.get("transaction").and_then(|id| store.device_pages.take(id));
    if page.is_none_or(|expires| expires <= issuer.now()) {
        return page::failed(403, "This page has already been used or has expired. Start again.");
    }
    let device_code = store.devices.find(|flow| flow.user_code == user_code.trim()).cloned();
    let flow = device_code.and_then(|code| store.devices.get_mut(&code));
    let Some(flow) =
        flow.filter(|f| f.expires > issuer.now() && matches!(f.decision, Decision::Pending))
    else {
        return page::failed(404, "This code is unknown, already used or expired.");
    };
    let user = call.form.get("person").and_then(users::find);
    match (call.form.get("decision"), user) {
        (Some("allow"), Some(user)) => {
            flow.decision = Decision::Approved(user);
            page::told("Device connected", "You can close this page and return to the device.")
        }
        _ => {
            flow.decision = Decision::Denied;
            page::told("Device denied", "You can close this page.")
        }
    }
}

/// Handles the device's poll at the token endpoint (section 3.4).
pub(super) fn redeem(exchange: &mut Exchange) -> Outcome {
    let now = exchange.now;
    let Some(device_code) = exchange.call.form.get("device_code") else {
        return Err(Refusal::request("the parameter device_code is missing"));
    };
    let slow = exchange.issuer.effects.rule(Rule::SlowDown);
    let Some(flow) = exchange.store.devices.get_mut(device_code) else {
        return Err(Refusal::grant("the device code is unknown or already used"));
    };
    if flow.client_id != exchange.caller.id {
        return Err(Refusal::grant("the device code belongs to another client"));
    }
    if flow.expires <= now {
        return Err(Refusal::new("expired_token", "the device code has expired"));
    }
    let early = flow.polled.is_some_and(|last| now < last + flow.interval);
    flow.polled = Some(now);
    flow.polls += 1;
    if early || (slow && flow.polls <= 2) {
        flow.interval += 5;
        return Err(Refusal::new("slow_down", "wait five seconds longer between polls"));
    }
    let user = match flow.decision {
        Decision::Pending => {
            return Err(Refusal::new("authorization_pending", "the user has not decided yet"));
        }
        Decision::Denied => {
            return Err(Refusal::new("access_denied", "the user denied the request"));
        }
        Decision::Approved(user) => user,
    };
    let scope = flow.scope.clone();
    exchange.store.devices.take(device_code);
    let family = exchange.family(user.subject, &scope, true);
    exchange.begin(family, Refresh::New)
}
