use super::*;
use crate::ErrorKind;
use crate::profile::ConfigFile;

fn profile(more: &str) -> Profile {
    let text = format!(
        "[profiles.p]\nclient_id = \"c\"\nauthorization_endpoint = \"https://s.example/a\"\ntoken_endpoint = \"https://s.example/t\"\n{more}"
    );
    let config = ConfigFile::of_text("config.toml".as_ref(), &text).parse().unwrap();
    config.profile("p").unwrap().clone()
}

fn answer(status: u16, media_type: &str, body: impl AsRef<[u8]>) -> HttpResponse {
    HttpResponse {
        status,
        headers: vec![("content-type".to_owned(), media_type.to_owned())],
        body: zeroize::Zeroizing::new(body.as_ref().to_vec()),
    }
}

fn json(body: impl AsRef<[u8]>) -> HttpResponse {
    answer(200, "application/json", body)
}

fn accept(body: &str) -> TokenReply {
    judge(&json(body), &profile(""), "token request").unwrap()
}

fn refuse(response: &HttpResponse) -> Error {
    judge(response, &profile(""), "token request").unwrap_err()
}

const GOOD: &str = r#"{"access_token":"at","token_type":"bEARER","expires_in":60}"#;

#[test]
fn a_plain_response_is_accepted_whatever_the_case_of_its_type() {
    let reply = accept(GOOD);
    assert_eq!((reply.access_token.expose(), reply.token_type), ("at", "Bearer"));
    assert_eq!(reply.expires_in, Some(Duration::from_secs(60)));
    assert!(reply.refresh_token.is_none() && reply.scopes.is_none());
}

const NO_RESPONSES: [&str; 44] = [
    r#"{"access_token":"bearer","token_type":"CANARY\u001b[1"}"#,
    r#"{"access_token":"a","id_token":"CANARY","token_type":"Bearer","scope":"openid CANARY"}"#,
    r#"{"access_token":"bearer","token_type":"CANARY-CANARY"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":"api CANARY"}"#,
    r#"{"access_token":"a","refresh_token":"CANARY","token_type":"Bearer","scope":["CANARY"]}"#,
    "",
    " ",
    "null",
    "true",
    "7",
    "\"CANARY\"",
    "[]",
    "{}",
    "{",
    "CANARY",
    "<html>CANARY</html>",
    r#"[{"access_token":"CANARY","token_type":"Bearer"}]"#,
    r#"{"access_token":"CANARY","token_type":"Bearer"} x"#,
    r#"{"access_token":"CANARY","token_type":"Bearer"}{}"#,
    r#"{"access_token":"CANARY","access_token":"CANARY","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","expires_in":NaN}"#,
    r#"{"access_token":"CANARY"}"#,
    r#"{"access_token":"CANARY","token_type":null}"#,
    r#"{"access_token":"CANARY","token_type":""}"#,
    r#"{"access_token":"CANARY","token_type":"mac"}"#,
    r#"{"access_token":"CANARY","token_type":"N_A"}"#,
    r#"{"access_token":"CANARY","token_type":["Bearer"]}"#,
    r#"{"access_token":"CANARY","token_type":"DPoP"}"#,
    r#"{"token_type":"Bearer"}"#,
    r#"{"access_token":"","token_type":"Bearer"}"#,
    r#"{"access_token":null,"token_type":"Bearer"}"#,
    r#"{"access_token":1,"token_type":"Bearer"}"#,
    r#"{"access_token":{"CANARY":1},"token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY\nhost=evil","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY\r","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY\u0000","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY\u001b]8;;","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY x","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARYé","token_type":"Bearer"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","refresh_token":"a b"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","refresh_token":7}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","id_token":"a\nb"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":7}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":"a\u0007b"}"#,
];

#[test]
fn what_is_no_token_response_is_refused_without_quoting_it() {
    let nested = format!(
        r#"{{"access_token":"CANARY","token_type":"Bearer","x":{}1{}}}"#,
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    for body in NO_RESPONSES.into_iter().chain([nested.as_str()]) {
        let error = refuse(&json(body));
        assert_eq!(error.kind(), ErrorKind::Validation, "{}", &body[..body.len().min(60)]);
        assert!(!format!("{error:?} {error}").contains("CANARY"), "{error:?}");
    }
    let cut = GOOD.len();
    for at in 0..cut {
        assert_eq!(refuse(&json(&GOOD[..at])).kind(), ErrorKind::Validation, "cut at {at}");
    }
    assert_eq!(refuse(&json(format!("\u{feff}{GOOD}"))).kind(), ErrorKind::Validation);
    assert_eq!(
        refuse(&json(b"{\"access_token\":\"\xff\",\"token_type\":\"Bearer\"}")).kind(),
        ErrorKind::Validation
    );
    for media_type in ["text/html", "text/plain", "image/png", ""] {
        assert_eq!(
            refuse(&answer(200, media_type, GOOD)).kind(),
            ErrorKind::Validation,
            "{media_type}"
        );
    }
}

#[test]
fn lifetimes_neither_overflow_nor_last_for_ever() {
    for (text, seconds) in [
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("3599.9", Some(3599)),
        ("0", None),
        ("-1", None),
        ("null", None),
        ("true", None),
        ("[]", None),
        ("\"soon\"", None),
        ("\"NaN\"", None),
        ("1e308", Some(LONGEST)),
        ("9223372036854775808", Some(LONGEST)),
        ("99999999999999999999999999", Some(LONGEST)),
    ] {
        let body = format!(r#"{{"access_token":"at","token_type":"Bearer","expires_in":{text}}}"#);
        assert_eq!(accept(&body).expires_in, seconds.map(Duration::from_secs), "{text}");
    }
    assert_eq!(accept(r#"{"access_token":"at","token_type":"Bearer"}"#).expires_in, None);
}

#[test]
fn scopes_are_read_in_every_form_that_providers_use() {
    let with = |more: &str, scope: &str| {
        let body = format!(r#"{{"access_token":"at","token_type":"Bearer","scope":{scope}}}"#);
        judge(&json(body), &profile(more), "token request").unwrap().scopes.unwrap()
    };
    assert_eq!(with("", "\"a b\""), ["a", "b"]);
    assert_eq!(with("", "\"\""), Vec::<String>::new());
    assert_eq!(with("", "[\"a\",\"b\"]"), ["a", "b"]);
    assert_eq!(with("scope_separator = \",\"\n", "\"a,b c\""), ["a", "b", "c"]);
    assert_eq!(with("", "\"a,b\""), ["a,b"]);
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
fn a_server_s_words_cannot_move_the_cursor() {
    let body =
        r#"{"error":"invalid_grant","error_description":"\u001b[2J\u202egone\r\nerror: fake"}"#;
    let error = refuse(&answer(400, "application/json", body));
    let shown =
        error.message().to_owned() + error.oauth_error().unwrap().description.as_ref().unwrap();
    assert!(shown.chars().all(crate::text::is_harmless), "{shown:?}");
}

#[test]
fn deviations_are_taken_only_where_a_preset_names_them() {
    let mut lenient = profile("");
    lenient.quirks.lenient_reply = true;
    let bare = r#"{"access_token":"at","scope":"a"}"#;
    let response = answer(201, "application/json", bare);
    assert!(judge(&response, &profile(""), "token request").is_err());
    assert_eq!(judge(&response, &lenient, "token request").unwrap().token_type, "Bearer");

    let form = answer(
        200,
        "application/x-www-form-urlencoded; charset=utf-8",
        "access_token=at&token_type=bearer&scope=a",
    );
    assert_eq!(judge(&form, &profile(""), "token request").unwrap().access_token.expose(), "at");

    let nested = profile("token_path = \"authed_user\"\nkeep = [\"team\", \"authed_user\"]\n");
    let slack = r#"{"ok":true,"team":{"id":"T"},"access_token":"bot","token_type":"bot","authed_user":{"access_token":"user","token_type":"Bearer"}}"#;
    let reply = judge(&json(slack), &nested, "token request").unwrap();
    assert_eq!(reply.access_token.expose(), "user");
    assert_eq!(reply.kept["team"]["id"], "T");
    assert!(judge(&json(GOOD), &nested, "token request").is_err());
}

#[test]
fn a_profile_with_dpop_takes_no_bearer_token() {
    let dpop = profile("dpop = true\n");
    assert!(judge(&json(GOOD), &dpop, "token request").is_err());
    let bound = r#"{"access_token":"at","token_type":"dpop"}"#;
    assert_eq!(judge(&json(bound), &dpop, "token request").unwrap().token_type, "DPoP");
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    let now = crate::Timestamp::from_unix(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    let wait = |value: &str| {
        let mut response = answer(503, "text/plain", "");
        response.headers.push(("retry-after".to_owned(), value.to_owned()));
        retry_after(&response, now)
    };
    assert_eq!(wait("2"), Some(Duration::from_secs(2)));
    assert_eq!(wait("1000000000"), Some(Duration::from_secs(1_000_000_000)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:40 GMT"), Some(Duration::from_secs(3)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("-1"), None);
    assert_eq!(wait("soon"), None);
}
