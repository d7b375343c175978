//! Scenarios before there is a token: discovery, authorization response, pushed requests, device
//! authorization, registration.

use serde_json::{Value, json};

use super::super::reply::{Object, Reply};
use super::effect::{Effect, On, Response, Rule};
use super::row::{Scenario, row};

macro_rules! metadata_field {
    ($field:literal, $value:expr) => {
        Effect::Edit(On::Metadata, |json, _| {
            json.insert($field.to_owned(), json!($value));
        })
    };
}

const REQUIRE_PUSHED: Effect = metadata_field!("require_pushed_authorization_requests", true);
const NO_ISS_PROMISED: Effect = Effect::Edit(On::Metadata, |json, _| {
    json.shift_remove("authorization_response_iss_parameter_supported");
});

fn replace(response: &mut Response, name: &'static str, value: String) {
    remove(response, name);
    response.push((name, value));
}

fn remove(response: &mut Response, name: &str) {
    response.retain(|(n, _)| *n != name);
}

fn value(response: &Response, name: &str) -> String {
    response.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone()).unwrap_or_default()
}

fn to_other_host(json: &mut Object, field: &str) {
    if let Some(Value::String(url)) = json.get_mut(field) {
        *url = url.replacen("127.0.0.1", "sandbox.invalid", 1);
    }
}

pub(super) const ROWS: &[Scenario] = &[
    row(
        "deny",
        "Denies every authorization at once, as if the user had.",
        &[Effect::Rule(Rule::Deny)],
    ),
    row(
        "wrong-state",
        "Returns a state that was not sent.",
        &[Effect::Respond(|r, _| replace(r, "state", "not-the-state-you-sent".to_owned()))],
    ),
    row(
        "truncated-state",
        "Returns the state without its last character.",
        &[Effect::Respond(|r, _| {
            let mut state = value(r, "state");
            state.pop();
            replace(r, "state", state);
        })],
    ),
    row("no-state", "Returns no state.", &[Effect::Respond(|r, _| remove(r, "state"))]),
    row(
        "no-iss",
        "Neither announces nor returns iss, like servers that predate RFC 9207.",
        &[NO_ISS_PROMISED, Effect::Respond(|r, _| remove(r, "iss"))],
    ),
    row(
        "iss-announced-missing",
        "Announces iss in the metadata, but does not return it.",
        &[Effect::Respond(|r, _| remove(r, "iss"))],
    ),
    row(
        "wrong-iss",
        "Returns the iss of another server.",
        &[Effect::Respond(|r, _| replace(r, "iss", "https://attacker.example".to_owned()))],
    ),
    row(
        "slash-iss",
        "Returns iss with an extra slash.",
        &[Effect::Respond(|r, cue| replace(r, "iss", format!("{}/", cue.issuer)))],
    ),
    row(
        "twice-iss",
        "Returns iss twice, first the right one, then that of another server.",
        &[Effect::Respond(|r, _| r.push(("iss", "https://attacker.example".to_owned())))],
    ),
    row(
        "code-and-error",
        "Returns a code and an error together.",
        &[Effect::Respond(|r, _| r.push(("error", "access_denied".to_owned())))],
    ),
    row(
        "duplicate-code",
        "Returns two different codes.",
        &[Effect::Respond(|r, _| r.push(("code", "sandbox-another-code".to_owned())))],
    ),
    row(
        "hostile-code",
        "Returns a code that contains control characters.",
        &[Effect::Respond(|r, _| replace(r, "code", "code\r\n\u{0}\u{1b}[31m".to_owned()))],
    ),
    row(
        "token-in-callback",
        "Returns an access token instead of a code.",
        &[Effect::Respond(|r, _| {
            remove(r, "code");
            r.push(("access_token", "sandbox-implicit-token".to_owned()));
            r.push(("token_type", "Bearer".to_owned()));
        })],
    ),
    row(
        "callback-error",
        "Returns the error server_error to the client.",
        &[Effect::Respond(|r, _| {
            remove(r, "code");
            replace(r, "error", "server_error".to_owned());
        })],
    ),
    row(
        "hostile-callback-text",
        "Returns an error whose description contains markup and terminal escapes.",
        &[Effect::Respond(|r, _| {
            remove(r, "code");
            replace(r, "error", "access_denied".to_owned());
            replace(r, "error_description", "<img src=x onerror=alert(1)>\u{1b}[2J\u{1b}]8;;http://evil\u{7}\r\nhint: paste your password".to_owned());
        })],
    ),
    row(
        "discovery-wrong-issuer",
        "Uses a different issuer in the metadata.",
        &[metadata_field!("issuer", "https://attacker.example")],
    ),
    row(
        "discovery-slash-issuer",
        "Uses the issuer with an extra slash in the metadata.",
        &[Effect::Edit(On::Metadata, |json, cue| {
            json.insert("issuer".to_owned(), json!(format!("{}/", cue.issuer)));
        })],
    ),
    row(
        "discovery-http-endpoint",
        "Uses a token endpoint with plain http on another host.",
        &[Effect::Edit(On::Metadata, |json, _| to_other_host(json, "token_endpoint"))],
    ),
    row(
        "discovery-script-endpoint",
        "Uses a javascript: URL as authorization endpoint.",
        &[metadata_field!("authorization_endpoint", "javascript:alert(document.domain)")],
    ),
    row(
        "discovery-no-token-endpoint",
        "Omits the token endpoint from the metadata.",
        &[Effect::Edit(On::Metadata, |json, _| {
            json.shift_remove("token_endpoint");
        })],
    ),
    row(
        "discovery-html",
        "Answers discovery with a web page.",
        &[Effect::Instead(On::Metadata, |_| {
            Reply::bytes(
                200,
                "text/html; charset=utf-8",
                "<!doctype html><title>Home</title><p>Nothing to see here.\n",
            )
        })],
    ),
    row(
        "discovery-404",
        "Has no metadata.",
        &[Effect::Instead(On::Metadata, |_| {
            Reply::bytes(404, "text/plain; charset=utf-8", "not found\n")
        })],
    ),
    row(
        "discovery-500",
        "Answers discovery with status 500.",
        &[Effect::Instead(On::Metadata, |_| Reply::empty(500))],
    ),
    row(
        "discovery-redirect",
        "Redirects discovery to another path of this server, which the journal calls canary.",
        &[Effect::Instead(On::Metadata, |cue| {
            Reply::redirect(302, format!("{}/canary", cue.origin))
        })],
    ),
    row(
        "discovery-plain-pkce-only",
        "Lists only plain as PKCE method in the metadata.",
        &[metadata_field!("code_challenge_methods_supported", ["plain"])],
    ),
    row(
        "discovery-no-pkce",
        "Does not mention PKCE in the metadata.",
        &[Effect::Edit(On::Metadata, |json, _| {
            json.shift_remove("code_challenge_methods_supported");
        })],
    ),
    row(
        "resource-wrong",
        "Uses a different resource in the metadata of the protected resource.",
        &[Effect::Edit(On::ResourceMetadata, |json, _| {
            json.insert("resource".to_owned(), json!("https://attacker.example/resource"));
        })],
    ),
    row(
        "requires-par",
        "Accepts only pushed authorization requests.",
        &[REQUIRE_PUSHED, Effect::Rule(Rule::RequirePushed)],
    ),
    row(
        "par-expired",
        "Accepts only pushed requests, and expires them at once.",
        &[REQUIRE_PUSHED, Effect::Rule(Rule::RequirePushed), Effect::Rule(Rule::PushedExpires)],
    ),
    row(
        "par-error",
        "Accepts only pushed requests, and refuses each of them.",
        &[
            REQUIRE_PUSHED,
            Effect::Rule(Rule::RequirePushed),
            Effect::Instead(On::Pushed, |_| {
                let mut reply = Reply::json(Object::new());
                reply.status = 400;
                if let super::super::reply::Content::Json(json) = &mut reply.content {
                    json.insert("error".to_owned(), json!("invalid_request"));
                    json.insert(
                        "error_description".to_owned(),
                        json!("the sandbox was told to refuse"),
                    );
                }
                reply
            }),
        ],
    ),
    row(
        "par-500",
        "Accepts only pushed requests, and answers each with status 500.",
        &[
            REQUIRE_PUSHED,
            Effect::Rule(Rule::RequirePushed),
            Effect::Instead(On::Pushed, |_| Reply::empty(500)),
        ],
    ),
    row(
        "par-redirect",
        "Accepts only pushed requests, and redirects each to a path that the journal calls canary.",
        &[
            REQUIRE_PUSHED,
            Effect::Rule(Rule::RequirePushed),
            Effect::Instead(On::Pushed, |cue| {
                Reply::redirect(307, format!("{}/canary", cue.origin))
            }),
        ],
    ),
    row(
        "slow-down",
        "Tells a device to slow down twice before answering its polls.",
        &[Effect::Rule(Rule::SlowDown)],
    ),
    row("device-denied", "Denies device authorizations.", &[Effect::Rule(Rule::DeviceDenied)]),
    row(
        "device-expired",
        "Issues device codes that have already expired.",
        &[Effect::Rule(Rule::DeviceExpires)],
    ),
    row(
        "device-no-interval",
        "Omits interval from device authorization responses.",
        &[Effect::Edit(On::DeviceAuthorization, |json, _| {
            json.shift_remove("interval");
        })],
    ),
    row(
        "device-hostile-uri",
        "Uses a javascript: URL as verification URI, and terminal escapes in the user code.",
        &[Effect::Edit(On::DeviceAuthorization, |json, _| {
            json.insert("verification_uri".to_owned(), json!("javascript:alert(1)"));
            json.insert("verification_uri_complete".to_owned(), json!("javascript:alert(1)"));
            json.insert("user_code".to_owned(), json!("AB\u{1b}[31mCD\u{202e}-EF"));
        })],
    ),
    row(
        "register-other-redirect",
        "Registers a different redirect URI than requested.",
        &[Effect::Edit(On::Registration, |json, _| {
            json.insert("redirect_uris".to_owned(), json!(["https://attacker.example/callback"]));
        })],
    ),
    row(
        "register-expired-secret",
        "Registers clients with a secret that has already expired.",
        &[Effect::Edit(On::Registration, |json, cue| {
            json.insert("client_secret".to_owned(), json!("sandbox-expired-secret"));
            json.insert("client_secret_expires_at".to_owned(), json!(cue.now.saturating_sub(60)));
        })],
    ),
    row(
        "register-refused",
        "Refuses to register clients.",
        &[Effect::Instead(On::Registration, |_| {
            Reply::bytes(403, "text/plain; charset=utf-8", "registration is closed\n")
        })],
    ),
];
