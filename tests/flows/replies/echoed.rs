//! Secrets that the server repeats in its refusal.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::support::shapes::*;
use crate::support::*;
use crate::user::*;

const SECRET: &str = "CANARY-secret-:+%& \u{e9}\"";

/// A server that refuses each code with this shape, a home with a client that authenticates in this way, and the
/// output of a login.
fn refused(auth: &str, shape: &Shape) -> (Scripted, Output) {
    let (server, home) = (Scripted::start(), Home::new());
    let more =
        format!("{PASTED}scopes = [\"api\"]\nclient_secret = {SECRET:?}\nclient_auth = {auth:?}\n");
    server.profile(&home, &more);
    server.refuse(CODE_GRANT, shape, 1);
    let output = paste(&home).fails(8);
    (server, output)
}

const METHODS: [&str; 2] = ["client_secret_post", "client_secret_basic"];

/// A server that quotes the request in its refusal: the secret of the client is in it, or in the header.
#[test]
fn secret_that_the_server_repeats_is_not_shown() {
    for auth in METHODS {
        let (server, output) = refused(auth, &echo());
        assert!(error(&output).contains("[redacted]"), "{}", output.stderr);
        let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        assert_not_shown(&output.stderr, [SECRET, &encoded]);
        assert_not_shown(&output.stderr, server.secrets());
    }
}

/// Writes a text in another way.
type Encoding = fn(&str) -> String;

/// How a server may write what it repeats; what it writes stands in a string of JSON.
fn encodings() -> Vec<(&'static str, Encoding)> {
    fn hex(text: &str) -> Vec<String> {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }
    /// As JavaScript's `encodeURIComponent`.
    fn percent(text: &str) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
        let one = |byte: u8| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(one).collect()
    }
    vec![
        ("percent", |text| {
            let parts = percent(text);
            let mut parts = parts.split('%');
            let first = parts.next().unwrap().to_owned();
            let lower = |part: &str| format!("%{}{}", part[..2].to_lowercase(), &part[2..]);
            first + &parts.map(lower).collect::<String>()
        }),
        ("percent-all", |text| hex(text).iter().map(|byte| format!("%{byte}")).collect()),
        ("percent-twice", |text| percent(&percent(text))),
        ("html", |text| {
            let one = |c: char| match c.is_ascii_alphanumeric() {
                true => c.to_string(),
                false => format!("&#x{:x};", u32::from(c)),
            };
            text.chars().map(one).collect()
        }),
        ("json", |text| text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()),
        ("base64", |text| STANDARD.encode(format!("x{text}y"))),
        ("base64url", |text| URL_SAFE_NO_PAD.encode(format!("xx{text}"))),
        ("hex", |text| hex(text).concat()),
        ("hex-upper", |text| hex(text).concat().to_uppercase()),
    ]
}

/// A refusal that repeats each secret of the request in an encoding.
fn encoded(encode: Encoding) -> Shape {
    let refusal = shape(move |answer, request| {
        let names = ["code", "code_verifier", "refresh_token", "client_secret"];
        let form: Vec<(&str, &str)> = request.parameters().collect();
        let find = |name: &str| form.iter().find(|(n, _)| *n == name).map(|(_, v)| encode(v));
        let mut words: Vec<String> = names.iter().filter_map(|name| find(name)).collect();
        if let Some(basic) = request.header("authorization").and_then(|h| h.strip_prefix("Basic "))
        {
            let pair = String::from_utf8(STANDARD.decode(basic).unwrap()).unwrap();
            let secret = pair.split_once(':').unwrap().1;
            let secret = url::form_urlencoded::parse(format!("s={secret}").as_bytes())
                .map(|(_, value)| value.into_owned())
                .next();
            words.push(encode(&secret.unwrap()));
        }
        let words: Vec<String> = words.iter().map(|word| format!("<{word}>")).collect();
        let words = words.join(" ");
        answer.body =
            format!(r#"{{"error":"invalid_request","error_description":"wrong: {words}"}}"#).into();
    });
    with_status(400, refusal)
}

/// The same where the server writes it in another way. What is shown of a code, a verifier and a secret
/// tells nothing but their number.
#[test]
fn secret_that_comes_back_encoded_is_not_shown() {
    for (name, encode) in encodings() {
        for auth in METHODS {
            let (_server, output) = refused(auth, &encoded(encode));
            let shown = "wrong: <[redacted]> <[redacted]> <[redacted]>";
            // In the trace, and in the error.
            let count = output.stderr.matches(shown).count();
            assert_eq!(count, 2, "{name}, {auth}: {}", output.stderr);
        }
    }
}
