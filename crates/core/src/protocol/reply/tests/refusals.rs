//! Responses that refuse a request.

use super::*;

#[test]
fn error_that_cannot_be_represented_is_an_error() {
    for error in ["1e999", r#"{"a":1e999}"#] {
        let body = format!(r#"{{"access_token":"CANARY","token_type":"Bearer","error":{error}}}"#);
        let refused = refuse(&json(body));
        assert_eq!(refused.kind(), ErrorKind::ServerRefused, "{error}");
        assert!(!format!("{refused:?}").contains("CANARY"), "{refused:?}");
    }
}

#[test]
fn refused_refresh_says_whether_a_login_helps() {
    use LoginAgain::{Dead, ForNow};
    let described =
        |code: &str, words: &str| format!(r#"{{"error":"{code}","error_description":"{words}"}}"#);
    let rows = [
        (400, r#"{"error":"invalid_grant"}"#.to_owned(), Some(Dead)),
        (200, r#"{"error":"bad_refresh_token"}"#.to_owned(), Some(Dead)),
        (200, r#"{"ok":false,"error":"token_expired"}"#.to_owned(), Some(Dead)),
        (200, r#"{"ok":false,"error":"token_revoked"}"#.to_owned(), Some(Dead)),
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#.to_owned(), Some(Dead)),
        (400, r#"{"error":"interaction_required"}"#.to_owned(), Some(ForNow)),
        (400, r#"{"error":"consent_required"}"#.to_owned(), Some(ForNow)),
        (400, r#"{"error":"login_required"}"#.to_owned(), Some(ForNow)),
        (403, described("unauthorized_client", "refresh_token is invalid"), Some(ForNow)),
        (400, described("invalid_request", "The refresh_token is invalid."), Some(ForNow)),
        (400, String::new(), Some(ForNow)),
        (401, String::new(), Some(ForNow)),
        (401, "<html>".to_owned(), Some(ForNow)),
        (400, r#"{"message":"Invalid refresh token"}"#.to_owned(), Some(ForNow)),
        (400, r#"{"error":7}"#.to_owned(), Some(ForNow)),
        (403, String::new(), None),
        (404, String::new(), None),
        (302, String::new(), None),
        (401, r#"{"error":"invalid_client"}"#.to_owned(), None),
        (400, r#"{"error":"unauthorized_client"}"#.to_owned(), None),
        (403, described("unauthorized_client", "grant type refresh_token is not allowed"), None),
        (400, described("invalid_scope", "refresh_token is invalid"), None),
        (400, r#"{"error":"access_denied"}"#.to_owned(), None),
        (500, r#"{"error":"invalid_grant"}"#.to_owned(), None),
        (503, String::new(), None),
    ];
    for (status, body, login_again) in rows {
        let refused = refreshed(answer(status, "text/html", &body), &[]).unwrap_err();
        assert_eq!(refused.refusal.login_again, login_again, "{status} {body}");
        let is_required = refused.refusal.error.kind() == ErrorKind::LoginRequired;
        assert_eq!(is_required, login_again.is_some(), "{status} {body}");
    }
    let mut challenge = answer(401, "text/plain", "");
    challenge.headers.push(("www-authenticate".to_owned(), "Basic realm=\"x\"".to_owned()));
    assert_eq!(refreshed(challenge, &[]).unwrap_err().refusal.login_again, None);
}

#[test]
fn secret_that_is_a_word_changes_no_decision() {
    let dead = answer(400, "application/json", r#"{"error":"invalid_grant"}"#);
    let refused = refreshed(dead, &["invalid", "grant", "error"]).unwrap_err();
    assert_eq!(refused.refusal.login_again, Some(LoginAgain::Dead));
    assert_eq!(refused.refusal.error.oauth_error().unwrap().code, "invalid_grant");
}

#[test]
fn refusals_are_told_apart_by_their_code_and_status() {
    let row = |status: u16, body: &str| refuse(&answer(status, "application/json", body));
    for (status, body, kind, code) in [
        (400, r#"{"error":"invalid_grant"}"#, ErrorKind::LoginRequired, Some("invalid_grant")),
        (401, r#"{"error":"invalid_client"}"#, ErrorKind::ServerRefused, Some("invalid_client")),
        (
            200,
            r#"{"error":"bad_verification_code"}"#,
            ErrorKind::ServerRefused,
            Some("bad_verification_code"),
        ),
        (
            200,
            r#"{"ok":false,"error":"invalid_auth"}"#,
            ErrorKind::ServerRefused,
            Some("invalid_auth"),
        ),
        (400, r#"{"error":"access_denied"}"#, ErrorKind::AccessDenied, Some("access_denied")),
        (
            400,
            r#"{"error":{"type":"OAuthException","message":"m","code":1}}"#,
            ErrorKind::ServerRefused,
            Some("OAuthException"),
        ),
        (403, r#"{"code":"invalid_code"}"#, ErrorKind::ServerRefused, Some("invalid_code")),
        (400, "", ErrorKind::ServerRefused, None),
        (302, "", ErrorKind::ServerRefused, None),
        (429, "", ErrorKind::Unavailable, None),
        (500, "<h1>oops</h1>", ErrorKind::Unavailable, None),
        (
            503,
            r#"{"error":"temporarily_unavailable"}"#,
            ErrorKind::Unavailable,
            Some("temporarily_unavailable"),
        ),
        (400, r#"{"access_token":"CANARY","token_type":"Bearer"}"#, ErrorKind::ServerRefused, None),
    ] {
        let error = row(status, body);
        let got = error.oauth_error().map(|o| o.code.as_str());
        assert_eq!((error.kind(), got), (kind, code), "{status} {body}");
        assert!(!error.message().contains("CANARY"));
    }
}

#[test]
fn server_text_contains_no_control_characters() {
    let body =
        r#"{"error":"invalid_grant","error_description":"\u001b[2J\u202egone\r\nerror: fake"}"#;
    let error = refuse(&answer(400, "application/json", body));
    let shown =
        error.message().to_owned() + error.oauth_error().unwrap().description.as_ref().unwrap();
    assert!(shown.chars().all(crate::text::is_harmless), "{shown:?}");
}

#[test]
fn refused_code_hints_at_something_new() {
    for code in ["invalid_grant", "bad_verification_code"] {
        let body = format!(r#"{{"error":"{code}"}}"#);
        let error = refuse(&answer(400, "application/json", body));
        assert!(matches!(error.advice(), [Advice::Text(_), Advice::StartAgainTraced]), "{error:?}");
    }
}
