//! Shapes of responses: what a server can make of a JSON object.

use std::sync::Arc;

use oauthctl_sandbox::{Answer, ScriptedRequest, Transport};
use serde_json::{Map, Value, json};

/// Changes a response.
pub type Shape = Arc<dyn Fn(&mut Answer, &ScriptedRequest<'_>) + Send + Sync>;

/// A shape with a name, for messages.
pub type Named = (&'static str, Shape);

/// A shape that depends on the request.
pub fn shape(change: impl Fn(&mut Answer, &ScriptedRequest<'_>) + Send + Sync + 'static) -> Shape {
    Arc::new(change)
}

/// Changes the JSON object.
pub fn members(change: impl Fn(&mut Map<String, Value>) + Send + Sync + 'static) -> Shape {
    shape(move |answer, _| {
        let mut object = serde_json::from_slice(&answer.body).unwrap_or_default();
        change(&mut object);
        answer.body = Value::Object(object).to_string().into_bytes();
    })
}

/// Sets a member.
pub fn set(name: &'static str, value: Value) -> Shape {
    members(move |object| drop(object.insert(name.to_owned(), value.clone())))
}

/// Removes a member.
pub fn without(name: &'static str) -> Shape {
    members(move |object| drop(object.remove(name)))
}

/// Changes the text of a member.
pub fn text_of(name: &'static str, to: impl Fn(&str) -> Value + Send + Sync + 'static) -> Shape {
    members(move |object| {
        let before = object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        object.insert(name.to_owned(), to(&before));
    })
}

/// Appends to the access token.
pub fn suffix(end: impl Into<String>) -> Shape {
    let end = end.into();
    text_of("access_token", move |token| json!(format!("{token}{end}")))
}

/// Changes the body as text.
pub fn raw(change: impl Fn(String) -> String + Send + Sync + 'static) -> Shape {
    shape(move |answer, _| {
        let body = String::from_utf8(std::mem::take(&mut answer.body)).unwrap();
        answer.body = change(body).into_bytes();
    })
}

/// Puts a text behind the first brace.
pub fn first(text: impl Into<String>) -> Shape {
    let text = text.into();
    raw(move |body| body.replacen('{', &format!("{{{text},"), 1))
}

/// Replaces the body.
pub fn body(bytes: impl Into<Vec<u8>>) -> Shape {
    let bytes = bytes.into();
    shape(move |answer, _| answer.body.clone_from(&bytes))
}

/// Sends the response with this status.
pub fn with_status(status: u16, inner: Shape) -> Shape {
    shape(move |answer, request| {
        inner(answer, request);
        answer.status = status;
    })
}

/// Sends the response with this media type.
pub fn with_type(kind: &'static str, inner: Shape) -> Shape {
    shape(move |answer, request| {
        inner(answer, request);
        answer.set("content-type", kind);
    })
}

/// Adds a header.
pub fn with_header(name: &'static str, value: impl Into<String>, inner: Shape) -> Shape {
    let value = value.into();
    shape(move |answer, request| {
        inner(answer, request);
        answer.set(name, value.clone());
    })
}

/// A page of a gateway, with this status.
pub fn status(status: u16) -> Shape {
    let page = "<!doctype html><title>Gateway</title><h1>It did not work</h1>";
    with_type("text/html", with_status(status, body(page)))
}

/// The same with a status that is transient, and `Retry-After`.
pub fn busy(code: u16, retry_after: impl Into<String>) -> Shape {
    with_header("retry-after", retry_after, status(code))
}

/// A redirect.
pub fn redirect(code: u16, location: impl Into<String>) -> Shape {
    with_header("location", location, with_status(code, body("")))
}

/// A redirect to the URL that was requested, or another one of the same server.
pub fn redirect_here(code: u16) -> Shape {
    shape(move |answer, request| {
        redirect(code, format!("{}/{}", request.issuer(), request.endpoint()))(answer, request);
    })
}

/// A body that claims to be compressed.
fn gzipped(bytes: impl Into<Vec<u8>>) -> Shape {
    with_header("content-encoding", "gzip", body(bytes))
}

/// A compressed body that is cut off in its head.
pub fn gzip_broken() -> Shape {
    gzipped(b"\x1f\x8b\x08\0\0\0\0\0\0\xff")
}

/// A small body that is large when it is unpacked.
pub fn gzip_bomb() -> Shape {
    gzipped(oauthctl_sandbox::gzip_bomb())
}

/// The body in a block that is stored, not compressed (RFC 1951, section 3.2.4; RFC 1952).
pub fn gzip() -> Shape {
    shape(|answer, _| {
        let body = std::mem::take(&mut answer.body);
        let length = u16::try_from(body.len()).unwrap();
        let mut packed = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
        packed.extend([length.to_le_bytes(), (!length).to_le_bytes()].concat());
        packed.extend(&body);
        packed.extend([crc32(&body), length.into()].map(u32::to_le_bytes).concat());
        answer.body = packed;
        answer.set("content-encoding", "gzip");
    })
}

fn crc32(bytes: &[u8]) -> u32 {
    let of_bit = |crc: u32, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), of_bit))
}

/// What is sent differently than over HTTP. A request that was not processed has a token response that means nothing.
pub fn sent(transport: Transport) -> Shape {
    shape(move |answer, _| {
        if answer.body.is_empty() {
            answer.body = json!({ "access_token": "CANARY-decoy", "token_type": "Bearer" })
                .to_string()
                .into();
        }
        answer.transport = Some(transport);
    })
}

/// These bytes, and the end of the connection.
pub fn bytes(bytes: impl Into<Vec<u8>>) -> Shape {
    let bytes = bytes.into();
    shape(move |answer, _| {
        answer.body.clone_from(&bytes);
        answer.transport = Some(Transport::Raw);
    })
}

/// Both changes, one after the other.
pub fn both(first: Shape, second: Shape) -> Shape {
    shape(move |answer, request| {
        first(answer, request);
        second(answer, request);
    })
}

/// The unchanged response.
pub fn same() -> Shape {
    shape(|_, _| ())
}

/// An OAuth error (RFC 6749, section 5.2).
pub fn oauth_error(code: impl Into<Value>, status: u16) -> Shape {
    described(code, status, json!({}))
}

/// An OAuth error with further members.
pub fn described(code: impl Into<Value>, status: u16, more: Value) -> Shape {
    let mut object = more.as_object().unwrap().clone();
    object.insert("error".to_owned(), code.into());
    with_type(
        "application/json",
        with_status(status, body(Value::Object(object).to_string().into_bytes())),
    )
}

/// A refusal that repeats the request.
pub fn echo() -> Shape {
    shape(|answer, request| {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(request.parameters())
            .finish();
        described("invalid_request", 400, json!({ "error_description": form }))(answer, request);
    })
}

/// The parameters of an authorization response, in their order. The values are percent-encoded.
pub type Parameters = Vec<(String, String)>;

/// Changes the parameters of a redirect.
pub fn redirected(change: impl Fn(&mut Parameters) + Send + Sync + 'static) -> Shape {
    shape(move |answer, _| {
        let Some((_, location)) = answer.headers.iter().find(|(name, _)| name == "location") else {
            return;
        };
        let (to, query) = location.split_once('?').unwrap();
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        let mut parameters = query.split('&').map(pair).collect();
        change(&mut parameters);
        let query: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let location = format!("{to}?{}", query.join("&"));
        answer.set("location", location);
    })
}

/// Percent-encodes a value.
pub fn encoded(value: &str) -> String {
    value.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Changes the value of a parameter.
pub fn parameter(name: &'static str, to: impl Fn(&str) -> String + Send + Sync + 'static) -> Shape {
    redirected(move |parameters| {
        for (_, value) in parameters.iter_mut().filter(|(n, _)| n == name) {
            *value = to(value);
        }
    })
}

/// Removes a parameter.
pub fn without_parameter(name: &'static str) -> Shape {
    redirected(move |parameters| parameters.retain(|(n, _)| n != name))
}

/// Adds parameters, whose values are percent-encoded already.
pub fn with_parameters(added: &'static [(&'static str, &'static str)]) -> Shape {
    redirected(move |parameters| {
        let added = added.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        parameters.extend(added);
    })
}

/// The members as a form.
pub fn form() -> Shape {
    shape(|answer, _| {
        let object: Map<String, Value> = serde_json::from_slice(&answer.body).unwrap();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &object {
            form.append_pair(name, value.as_str().unwrap_or(&value.to_string()));
        }
        answer.body = form.finish().into_bytes();
    })
}

/// Responses in an unusual form that a client accepts.
pub fn unusual() -> Vec<Named> {
    let nested = format!("\"extra\":{}{}", "[".repeat(120), "]".repeat(120));
    vec![
        ("token-type-case", set("token_type", json!("bEARER"))),
        ("expires-in-string", set("expires_in", json!("3600"))),
        ("expires-in-missing", without("expires_in")),
        ("scope-missing", without("scope")),
        ("scope-less", set("scope", json!("openid"))),
        ("scope-more", text_of("scope", |scope| json!(format!("{scope} admin").trim()))),
        ("unknown-members", first(r#""x":{"y":[1,null]},"instance_url":"https://i.example""#)),
        ("nested-extra", first(nested)),
        ("charset", with_type("application/json; charset=utf-8", same())),
        ("pretty", raw(|body| format!("\n {} \n", body.replace(',', " ,\n    ")))),
        ("token-64-kib", suffix("a".repeat(64 * 1024))),
        ("token-256-kib", suffix("a".repeat(256 * 1024))),
        ("token-shell", suffix("'\"`$(id)`\\;&|<>*?~#!%{}[]")),
    ]
}

/// Responses that some real servers send, whether or not the RFC allows them, and that a client accepts.
pub fn odd() -> Vec<Named> {
    let behind = |bytes: &'static [u8]| {
        shape(move |answer, _| {
            answer.body.splice(1..1, [bytes, b","].concat());
        })
    };
    vec![
        ("token-type-missing", without("token_type")),
        ("token-type-null", set("token_type", Value::Null)),
        ("token-type-bearer-token", set("token_type", json!("BearerToken"))),
        ("form", with_type("application/x-www-form-urlencoded", form())),
        ("form-as-text", with_type("text/plain; charset=utf-8", form())),
        ("created", with_status(201, same())),
        ("non-authoritative", with_status(203, same())),
        ("text-plain", with_type("text/plain", same())),
        ("text-html", with_type("text/html; charset=utf-8", same())),
        ("byte-order-mark", raw(|body| format!("\u{feff}{body}"))),
        ("latin-1", behind(b"\"\xe9t\xe9\":\"\xff\xfe\"")),
        ("lone-surrogate", behind(br#""\ud800":"\udfff \ud800x""#)),
        ("line-break", behind(b"\"note\":\"one\ntwo\t\"")),
        ("duplicate-member", behind(br#""x":1,"x":{"y":1,"y":2}"#)),
        ("error-empty", set("error", json!(""))),
        ("error-null", set("error", Value::Null)),
        ("id-token-false", set("id_token", json!(false))),
        ("scope-array", text_of("scope", |scope| scope.split(' ').collect())),
        ("scope-number", set("scope", json!(7))),
        ("scope-twice", first(r#""scope":"api","scope":"read""#)),
        ("scope-control", set("scope", json!("api\u{7}\tread"))),
        (
            "scope-token",
            members(|object| {
                let token = object["access_token"].as_str().unwrap().to_owned();
                object.insert("scope".to_owned(), json!(format!("api {token}")));
            }),
        ),
        ("scope-comma", text_of("scope", |scope| json!(scope.replace(' ', ",")))),
        ("refresh-token-empty", set("refresh_token", json!(""))),
        ("refresh-token-null", set("refresh_token", Value::Null)),
    ]
}

/// Lifetimes that must neither overflow nor panic, nor make each call refresh; and whether each is one.
pub fn lifetimes() -> Vec<(&'static str, Shape, bool)> {
    let expires = |text: &'static str| {
        raw(move |body| body.replace("\"expires_in\":3600", &format!("\"expires_in\":{text}")))
    };
    vec![
        ("300", expires("300"), true),
        ("0", expires("0"), false),
        ("negative", expires("-1"), false),
        ("float", expires("3600.5"), true),
        ("1e308", expires("1e308"), true),
        ("2-63", expires("9223372036854775808"), true),
        ("2-64", expires("18446744073709551616"), true),
        ("null", expires("null"), false),
        ("word", expires("\"soon\""), false),
        ("empty", expires("\"\""), false),
        ("array", expires("[3600]"), false),
    ]
}
