//! Authorization responses that a server can send (RFC 6749, section 4.1.2; RFC 9207).

use crate::support::canary;
use crate::support::shapes::*;

/// Responses that are ignored: they do not end the attempt, and nothing is redeemed.
pub fn ignored() -> Vec<Named> {
    let twice = |name: &'static str| {
        redirected(move |all| all.push(all.iter().find(|(n, _)| n == name).unwrap().clone()))
    };
    vec![
        ("state-wrong", parameter("state", |_| "not-the-state-that-was-sent-at-all".to_owned())),
        ("state-missing", without_parameter("state")),
        ("state-empty", parameter("state", |_| String::new())),
        ("state-truncated", parameter("state", |state| state[..state.len() - 1].to_owned())),
        ("state-extended", parameter("state", |state| format!("{state}A"))),
        ("state-twice", twice("state")),
        ("code-twice", twice("code")),
        ("iss-twice", twice("iss")),
        ("code-and-error", with_parameters(&[("error", "access_denied")])),
        (
            "token-in-query",
            redirected(|all| all[0] = ("access_token".to_owned(), "CANARY".to_owned())),
        ),
        ("code-control", parameter("code", |_| encoded("a\r\n\u{1b}[31mb\0"))),
        ("code-not-utf8", parameter("code", |_| "a%ff%fe".to_owned())),
        ("code-over-8k", parameter("code", |_| "a".repeat(10_000))),
        (
            "wrong-path",
            shape(|answer, _| {
                for (_, value) in answer.headers.iter_mut().filter(|(name, _)| name == "location") {
                    *value = value.replacen("/callback?", "/elsewhere?", 1);
                }
            }),
        ),
    ]
}

/// The ignored response with this name.
#[track_caller]
pub fn ignored_response(name: &str) -> Shape {
    ignored().into_iter().find(|(n, _)| *n == name).unwrap().1
}

/// Replaces the code by an error with this description, which is percent-encoded already.
fn failed(error: &'static str, description: impl Into<String>) -> Shape {
    let description = description.into();
    redirected(move |all| {
        all.retain(|(name, _)| name != "code");
        all.insert(0, ("error".to_owned(), error.to_owned()));
        if !description.is_empty() {
            all.insert(1, ("error_description".to_owned(), description.clone()));
        }
    })
}

/// A response that ends the attempt: its name, the exit code, words of the error, words of the page, and its shape.
pub type Ended = (&'static str, i32, &'static str, &'static str, Shape);

/// Responses with the true state that end the attempt, with nothing redeemed.
#[rustfmt::skip]
pub fn ended() -> Vec<Ended> {
    let page = "You are not signed in";
    let iss = |to: fn(&str) -> String| parameter("iss", to);
    let away = shape(|answer, request| {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(request.parameters()).finish();
        answer.set("location", format!("{}/s/rotate/authorize?{query}", request.issuer()));
    });
    let escapes = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}txt.exe";
    let markup = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    vec![
        ("iss-wrong", 7, "names the issuer http", page, iss(|it| format!("{it}%2Fs%2Fsomebody-else"))),
        ("iss-missing", 7, "has no `iss`", page, without_parameter("iss")),
        ("iss-empty", 7, "names the issuer", page, iss(|_| String::new())),
        ("iss-slash", 7, "names the issuer http", page, iss(|it| format!("{it}/"))),
        ("iss-case", 7, "names the issuer HTTP", page, iss(str::to_uppercase)),
        ("iss-port", 7, "names the issuer http", page, iss(|_| "http://127.0.0.1:443".to_owned())),
        ("iss-other-with-error", 7, "names the issuer http", page,
            both(failed("access_denied", ""), iss(|_| encoded(&canary().origin)))),
        ("bounce", 7, "names the issuer http", page, away),
        ("deny", 5, "access_denied (the user denied access)", "the user denied access", failed("access_denied", "the%20user%20denied%20access")),
        ("server-error", 9, "server_error", "server_error", failed("server_error", "")),
        ("temporarily-unavailable", 9, "temporarily_unavailable", "temporarily_unavailable", failed("temporarily_unavailable", "")),
        ("invalid-scope", 8, "invalid_scope (unknown scope)", "invalid_scope", failed("invalid_scope", "unknown%20scope")),
        ("login-required", 8, "login_required", "login_required", failed("login_required", "")),
        ("error-with-markup", 5, "access_denied", "&lt;script&gt;", failed("access_denied", encoded(markup))),
        ("error-with-escapes", 5, "owned", "owned", failed("access_denied", encoded(escapes))),
        ("error-with-lines", 5, "(one  Set-Cookie: a=b    two)", "Set-Cookie: a=b",
            failed("access_denied", encoded("one\r\nSet-Cookie: a=b\r\n\r\ntwo"))),
        ("error-latin-1", 5, "f\u{fffd}r dich%", "f\u{fffd}r dich%", failed("access_denied", "f%FCr dich%")),
        ("error-doubled-description", 5, "(once)", "once",
            both(failed("access_denied", "once"), with_parameters(&[("error_description", "twice")]))),
        ("error-long-description", 5, "long long", "long long", failed("access_denied", "long%20".repeat(4_000))),
        ("error-odd-uri", 5, "access_denied", "was denied",
            both(failed("access_denied", ""), with_parameters(&[("error_uri", "not%20a%01%20uri%09")]))),
        ("deny-with-words", 5, "access_denied (CANARY-WORDS)", "CANARY-WORDS", failed("access_denied", "CANARY-WORDS")),
        // django-oauth-toolkit promises `iss`, and sends none with errors.
        ("deny-without-iss", 5, "access_denied", "was denied",
            both(failed("access_denied", "CANARY-WORDS"), without_parameter("iss"))),
        ("failed-without-iss", 8, "invalid_scope", page,
            both(failed("invalid_scope", "CANARY-WORDS"), without_parameter("iss"))),
    ]
}

/// Responses that are right in an unusual way.
pub fn unusual_responses() -> Vec<Named> {
    let odd = redirected(|all| {
        for (name, value) in [
            ("scope", encoded("a\tb\r\n")),
            ("session_state", "%FC%".to_owned()),
            ("session_state", encoded("\u{1b}[2J")),
            ("x%00", encoded("\u{85}")),
            ("long", "x".repeat(20_000)),
        ] {
            all.push((name.to_owned(), value));
        }
    });
    vec![
        ("unknown-parameters", with_parameters(&[("session_state", "abc"), ("x", "%3C%3E%26%22")])),
        ("odd-parameters", odd),
        (
            "empty-fragment",
            shape(|answer, _| {
                for (_, value) in answer.headers.iter_mut().filter(|(name, _)| name == "location") {
                    value.push_str("#_=_");
                }
            }),
        ),
    ]
}
