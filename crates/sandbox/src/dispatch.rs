//! Calls the handler of a request, and applies the effects of scenarios around it.

use std::time::Duration;

use super::endpoint::Endpoint;
use super::issuer::Issuer;
use super::reply::{Answer, Content, Outcome, Refusal, Reply};
use super::request::Call;
use super::script::{Moment, ScriptedRequest};
use super::{authorize, device, metadata, page, register, resource, token};

/// Answers a request.
pub(super) async fn answer(issuer: &Issuer, call: &Call) -> Answer {
    let delay = issuer.effects.delay(call);
    if delay > 0 {
        issuer.shared.options.clock.sleep(Duration::from_secs(delay)).await;
    }
    let Some(script) = issuer.shared.options.script.as_deref() else {
        return process(issuer, call);
    };
    let request = ScriptedRequest::new(&issuer.identifier, call);
    if let Some(pause) = script.pause(&request, Moment::Received) {
        pause.await;
    }
    if let Some(answer) = script.instead(&request) {
        return answer;
    }
    let mut answer = process(issuer, call);
    script.edit(&request, &mut answer);
    if let Some(pause) = script.pause(&request, Moment::Processed) {
        pause.await;
    }
    answer
}

/// Calls the handler, and applies the effects of scenarios around it.
fn process(issuer: &Issuer, call: &Call) -> Answer {
    let cue = issuer.cue();
    let instead = issuer.effects.instead(call, &cue, |name| issuer.store().happened.insert(name));
    let reply = instead.unwrap_or_else(|| {
        let mut reply = handle(issuer, call).unwrap_or_else(Reply::from);
        if let (200..300, Content::Json(json)) = (reply.status, &mut reply.content) {
            issuer.effects.edit(call, json, &cue);
        }
        reply
    });
    let mut answer = reply.render();
    issuer.effects.rewrite(call, &mut answer, &cue);
    answer.transport = issuer.effects.transport(call);
    answer
}

fn handle(issuer: &Issuer, call: &Call) -> Outcome {
    match call.endpoint {
        Endpoint::Index => Ok(page::index(issuer)),
        Endpoint::Metadata => Ok(metadata::server(issuer)),
        Endpoint::ResourceMetadata => Ok(metadata::resource(issuer)),
        Endpoint::Jwks => {
            let reply = metadata::jwks(issuer);
            issuer.count_jwks_fetch();
            Ok(reply)
        }
        Endpoint::Authorize => Ok(authorize::authorize(issuer, call)),
        Endpoint::Consent => Ok(authorize::consent(issuer, call)),
        Endpoint::PushedAuthorization => authorize::push(issuer, call),
        Endpoint::Token => token::token(issuer, call),
        Endpoint::DeviceAuthorization => device::authorize(issuer, call),
        Endpoint::Verification => Ok(device::verify(issuer, call)),
        Endpoint::Revocation => resource::revoke(issuer, call),
        Endpoint::Introspection => resource::introspect(issuer, call),
        Endpoint::Userinfo => resource::userinfo(issuer, call),
        Endpoint::Resource => resource::protected(issuer, call),
        Endpoint::Registration => register::register(issuer, call),
        Endpoint::EndSession => Ok(resource::end_session(issuer, call)),
        Endpoint::Canary => Ok(Reply::bytes(200, "text/plain; charset=utf-8", "canary\n")),
        Endpoint::Journal | Endpoint::Unknown => {
            Err(Refusal::new("not_found", "there is no such endpoint").status(404))
        }
    }
}
