//! What users see, and what they must not see.

mod exchanges;
mod redaction;

use std::sync::mpsc;

use super::*;

/// Stands for a secret.
const CANARY: &str = "c4n4ry-S3CR3T-0123456789abcdefghij";

/// A trace, and the lines that it has written so far.
fn traced(har: bool) -> (Trace, impl Fn() -> String) {
    let (sender, lines) = mpsc::channel();
    let sink: LineSink = Box::new(move |line| drop(sender.send(line.to_owned())));
    let trace = Trace::new(Some(sink), har, Timestamp::from_unix(1_700_000_000));
    (trace, move || lines.try_iter().collect::<Vec<String>>().join("\n"))
}

#[test]
fn step_explains_each_parameter_once() {
    let (trace, shown) = traced(false);
    trace.step("Building the authorization request", "RFC 6749, section 4.1.1");
    trace.detail("code_challenge_method", "S256");
    trace.secret("code_verifier");
    trace.note("the browser opens now");
    let text = shown();
    assert!(text.contains("== Building the authorization request (RFC 6749, section 4.1.1)"));
    assert!(text.contains("code_challenge_method = S256"), "{text}");
    assert!(text.contains("-- how the challenge was computed"), "{text}");
    assert!(text.contains("(RFC 7636, section 4.3)"), "{text}");
    assert!(text.contains("code_verifier = [redacted]"), "{text}");
    assert!(text.contains("   the browser opens now"), "{text}");
    trace.detail("code_challenge_method", "S256");
    assert_eq!(shown(), "   code_challenge_method = S256");
}

#[test]
fn secret_in_a_trace_detail_is_hidden() {
    let (trace, shown) = traced(false);
    trace.detail("code_verifier", CANARY);
    trace.detail("something else", CANARY);
    trace.note(&format!("we sent {CANARY}"));
    let text = shown();
    assert!(!text.contains(CANARY), "{text}");
    assert!(text.contains("code_verifier = [redacted, 34 characters]"), "{text}");
}

#[test]
fn request_and_response_of_the_browser_are_shown() {
    let (trace, shown) = traced(false);
    let url = format!(
        "https://as.example/authorize?response_type=code&state={CANARY}&scope=a%20b\
         &redirect_uri=http%3A%2F%2F127.0.0.1%3A1234"
    );
    trace.authorization_request(&Url::parse(&url).unwrap());
    let text = shown();
    assert!(text.contains("browser -> https://as.example/authorize"), "{text}");
    assert!(text.contains("response_type = code"), "{text}");
    assert!(text.contains("state = [redacted, 34 characters]"), "{text}");
    assert!(text.contains("scope = a b"), "{text}");
    // Byte for byte: a slash more or less is what people look for here.
    assert!(text.contains("redirect_uri = http://127.0.0.1:1234\n"), "{text}");
    for target in [format!("/callback?code={CANARY}&state=x"), format!("code={CANARY}&state=x")] {
        trace.authorization_response(&target);
        let text = shown();
        assert!(text.contains("   browser <-"), "{text}");
        assert!(text.contains("code = [redacted, 34 characters]"), "{text}");
        assert!(text.contains("state = [redacted, 1 character]"), "{text}");
        assert!(!text.contains(CANARY), "{text}");
    }
}

#[test]
fn hostile_text_cannot_leave_its_line() {
    let (trace, shown) = traced(false);
    trace.detail("error", "a\r\nb\u{1b}[2Jc\u{202e}d");
    trace.step("one\ntwo", "");
    trace.authorization_response("/cb\u{1b}]0;x\u{7}?error=%0a%1b%5b31m&%0dname=x");
    for line in shown().lines() {
        assert!(line.chars().all(text::is_harmless), "{line:?}");
        assert!(
            ["", "==", "error", "-- why the server", "browser", "[name"]
                .iter()
                .any(|s| { line.is_empty() || line.trim_start().starts_with(s) && !s.is_empty() }),
            "{line:?}"
        );
    }
}

#[test]
fn trace_without_listeners_is_off() {
    assert!(!Trace::new(None, false, Timestamp::from_unix(0)).enabled());
    assert!(Trace::new(None, true, Timestamp::from_unix(0)).enabled());
    let path = tempfile::tempdir().unwrap().path().join("none.har");
    Trace::off().finish_har(&path).unwrap();
    assert!(!path.exists());
}
