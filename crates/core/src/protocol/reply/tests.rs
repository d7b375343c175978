use super::*;
use crate::ErrorKind;
use crate::advice::Advice;
use crate::port::HttpResponse;
use crate::profile::ConfigFile;
use crate::protocol::refusal::LoginAgain;

mod refusals;

fn profile(more: &str) -> Profile {
    let text = format!(
        "[profiles.p]\nclient_id = \"c\"\nauthorization_endpoint = \"https://s.example/a\"\ntoken_endpoint = \"https://s.example/t\"\n{more}"
    );
    let config = ConfigFile::of_text("config.toml".as_ref(), &text).parse().unwrap();
    config.profile("p").unwrap().clone()
}

fn answer(status: u16, media_type: &str, body: impl AsRef<[u8]>) -> HttpResponse {
    let length = body.as_ref().len().to_string();
    let headers = [("content-type", media_type.to_owned()), ("content-length", length)];
    HttpResponse {
        status,
        headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        body: zeroize::Zeroizing::new(body.as_ref().to_vec()),
    }
}

fn json(body: impl AsRef<[u8]>) -> HttpResponse {
    answer(200, "application/json", body)
}

fn validated(response: &HttpResponse, profile: &Profile) -> Result<TokenReply, Box<Refused>> {
    let answer = Answer::new(response.clone(), Vec::new(), Timestamp::from_unix(0));
    validate(&answer, profile, RequestKind::Token)
}

fn refreshed(response: HttpResponse, secrets: &[&str]) -> Result<TokenReply, Box<Refused>> {
    let secrets = secrets.iter().map(|secret| Secret::new(*secret)).collect();
    let answer = Answer::new(response, secrets, Timestamp::from_unix(0));
    validate(&answer, &profile(""), RequestKind::Refresh)
}

fn accept(body: &str) -> TokenReply {
    validated(&json(body), &profile("")).unwrap()
}

fn refuse(response: &HttpResponse) -> Error {
    Error::from(*validated(response, &profile("")).unwrap_err())
}

const GOOD: &str = r#"{"access_token":"at","token_type":"bEARER","expires_in":60}"#;

#[test]
fn minimal_token_response_is_accepted() {
    let reply = accept(GOOD);
    assert_eq!((reply.access_token.expose(), reply.token_type), ("at", "Bearer"));
    assert_eq!(reply.expires_in, Some(Duration::from_secs(60)));
    assert!(reply.refresh_token.is_none() && reply.scopes.is_none());
}

const NO_RESPONSES: [&str; 43] = [
    r#"{"access_token":"bearer","token_type":"CANARY\u001b[1"}"#,
    r#"{"access_token":"bearer","token_type":"CANARY-CANARY"}"#,
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
    r#"{"access_token":"CANARY","token_type":"Bearer","refresh_token":"r","refresh_token":"s"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":"a\nb"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":"a\r"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":["a","\u001b[1m"]}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":"\u0000"}"#,
    r#"{"access_token":"CANARY","token_type":"Bearer","scope":"a","scope":"é"}"#,
    r#"{"access_token":"sEcr3tCANARY","token_type":"sEcr3tCANARY"}"#,
];

#[test]
fn unreadable_scope_counts_as_absent() {
    for (scope, why) in [
        (r#"7"#, "a `scope` that is not a string"),
        (r#"{"a":1}"#, "a `scope` that is not a string"),
        (r#"["a",7]"#, "a `scope` that is not a string"),
        (r#""a","scope":"b""#, "a duplicate `scope`"),
        (r#""a\u0007b""#, "a `scope` with invalid characters"),
        (r#""a\tb""#, "a `scope` with invalid characters"),
        (r#""api CANARY-access""#, "a token in place of a `scope`"),
        (r#"["CANARY-refresh.x"]"#, "a token in place of a `scope`"),
        (r#""openid CANARY-id""#, "a token in place of a `scope`"),
    ] {
        let body = format!(
            r#"{{"access_token":"CANARY-access","refresh_token":"CANARY-refresh","id_token":"CANARY-id","token_type":"Bearer","scope":{scope}}}"#
        );
        let reply = accept(&body);
        assert_eq!((reply.scopes, reply.access_token.expose()), (None, "CANARY-access"), "{scope}");
        let warning = reply.warning.unwrap();
        assert!(warning.message().contains(why), "{scope}: {warning}");
        assert!(!format!("{warning:?}").contains("CANARY"), "{warning:?}");
    }
    for said in [r#""""#, "null", r#""a b""#, r#"["a"]"#] {
        let body =
            format!(r#"{{"access_token":"CANARY-access","token_type":"Bearer","scope":{said}}}"#);
        assert!(accept(&body).warning.is_none(), "{said}");
    }
}

#[test]
fn invalid_token_response_is_refused_unquoted() {
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
    for body in [
        b"{\"access_token\":\"\xff\"}".as_slice(),
        br#"{"access_token":"CANARY\ud800"}"#,
        b"{\"access_token\":\"CANARY\n\"}",
        b"{\0\"\0a\0c\0",
    ] {
        assert_eq!(refuse(&json(body)).kind(), ErrorKind::Validation);
    }
    assert!(
        refuse(&answer(200, "text/html", "<html>")).advice_text().unwrap().contains("web page")
    );
}

#[test]
fn defects_that_decide_nothing_do_not_matter() {
    let latin_1 = [b"{\"n\xe9\":\"\xff\",", &GOOD.as_bytes()[1..]].concat();
    let with = |member: &str| format!("{{{member},{}", &GOOD[1..]);
    let good = |response: HttpResponse| {
        let reply = validated(&response, &profile("")).unwrap_or_else(|e| panic!("{e:?}"));
        assert_eq!((reply.access_token.expose(), reply.token_type), ("at", "Bearer"));
        reply
    };
    for media_type in ["text/plain", "text/html; charset=utf-8", "image/png", "", "text/javascript"]
    {
        good(answer(200, media_type, GOOD));
    }
    for status in [200, 201, 203, 299] {
        good(answer(status, "application/json", GOOD));
    }
    good(json(format!("\u{feff}{GOOD}")));
    good(json(latin_1));
    for member in [
        r#""a":1,"a":2"#,
        r#""\ud800":"\udc00\ud800x""#,
        r#""error":"""#,
        r#""error":null"#,
        r#""error":false"#,
        r#""id_token":false"#,
        r#""id_token":"a\nb""#,
        r#""id_token":"a","id_token":"b""#,
        r#""expires_in":1"#,
        "\"a\":\"line\nbreak\"",
    ] {
        good(json(with(member)));
    }
    assert!(matches!(good(json(with(r#""id_token":0"#))).id_token, IdToken::Unreadable(..)));
    good(answer(200, "text/plain", "access_token=at&token_type=bearer&expires=60"));
    assert!(good(json(GOOD)).notes.is_empty());
    assert_eq!(good(json(r#"{"access_token":"at"}"#)).notes.len(), 1);
    assert_eq!(good(json(r#"{"access_token":"at","token_type":null}"#)).notes.len(), 1);
    good(json(r#"{"access_token":"at","token_type":"BearerToken"}"#));
}

#[test]
fn refresh_token_is_read_from_a_refused_reply() {
    let bodies = [
        r#"{"refresh_token":"RT"}"#,
        r#"{"refresh_token":"RT","access_token":7}"#,
        r#"{"refresh_token":"RT","access_token":"a\nb","scope":7}"#,
        r#"{"refresh_token":"RT","access_token":"a","scope":"a\nb"}"#,
        r#"{"refresh_token":"RT","access_token":"a","access_token":"b"}"#,
        r#"{"refresh_token":"RT","access_token":"a","token_type":"mac"}"#,
        r#"{"refresh_token":"RT","access_token":"a","token_type":""}"#,
        r#"{"refresh_token":"RT","access_token":"a","error":"invalid_request"}"#,
        r#"{"refresh_token":"RT","access_token":"a"} x"#,
        r#"{"refresh_token":"RT","access_token":"a","expires_in":NaN"#,
        r#"{"refresh_token":"RT","access_t"#,
    ];
    for body in bodies {
        for status in [200, 201, 302, 400, 401, 500, 503] {
            let refused = refreshed(answer(status, "text/plain", body), &[]).unwrap_err();
            let token = refused.refresh_token.as_ref().map(Secret::expose);
            assert_eq!(token, Some("RT"), "{status} {body}");
            let shown = refused.refusal.error.message().replace("refresh request", "");
            assert!(!shown.contains("RT"), "{shown}");
        }
    }
    for body in [
        r#"{"refresh_token":"R T","access_token":7}"#,
        r#"{"refresh_token":"RT\ud800","access_token":7}"#,
        r#"{"refresh_token":"RT","refresh_token":"RU","access_token":7}"#,
        r#"[{"refresh_token":"RT"}]"#,
        r#"{"x":{"refresh_token":"RT"}}"#,
        r#"{"refresh_token":"R"#,
    ] {
        let refused = refreshed(json(body), &[]).unwrap_err();
        assert!(refused.refresh_token.is_none(), "{body}");
    }
}

#[test]
fn huge_lifetimes_are_limited() {
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
    let zoho =
        r#"{"access_token":"at","token_type":"Bearer","expires_in":3600000,"expires_in_sec":3600}"#;
    assert_eq!(accept(zoho).expires_in, Some(Duration::from_secs(3600)));
}

#[test]
fn scopes_are_read_in_every_form_that_providers_use() {
    let with = |more: &str, scope: &str| {
        let body = format!(r#"{{"access_token":"at","token_type":"Bearer","scope":{scope}}}"#);
        validated(&json(body), &profile(more)).unwrap().scopes.unwrap()
    };
    assert_eq!(with("", "\"a b\""), ["a", "b"]);
    assert_eq!(with("", "\"\""), Vec::<String>::new());
    assert_eq!(with("", "[\"a\",\"b\"]"), ["a", "b"]);
    assert_eq!(with("scope_separator = \",\"\n", "\"a,b c\""), ["a", "b", "c"]);
    assert_eq!(with("", "\"a,b\""), ["a,b"]);
}

#[test]
fn provider_specific_token_type_needs_preset() {
    let mut slack = profile("");
    slack.quirks.bearer_types = vec!["bot".to_owned()];
    let bot = json(r#"{"access_token":"at","token_type":"bot"}"#);
    assert!(validated(&bot, &profile("")).is_err());
    assert_eq!(validated(&bot, &slack).unwrap().token_type, "Bearer");
}

#[test]
fn nested_token_set_is_read_at_its_path() {
    let nested = profile("token_path = \"authed_user\"\nkeep = [\"team\", \"authed_user\"]\n");
    let slack = r#"{"ok":true,"team":{"id":"T"},"access_token":"bot","token_type":"bot","authed_user":{"access_token":"user","token_type":"Bearer"}}"#;
    let reply = validated(&json(slack), &nested).unwrap();
    assert_eq!(reply.access_token.expose(), "user");
    assert_eq!(reply.kept["team"]["id"], "T");
    assert!(validated(&json(GOOD), &nested).is_err(), "the token beside the path is another one's");
    let answer = Answer::new(json(GOOD), Vec::new(), Timestamp::from_unix(0));
    assert!(
        validate(&answer, &nested, RequestKind::Refresh).is_ok(),
        "a refresh is answered without it"
    );
    let refused = json(r#"{"refresh_token":"bot","authed_user":{"refresh_token":"user"}}"#);
    let refused = validated(&refused, &nested).unwrap_err();
    assert_eq!(refused.refresh_token.as_ref().map(Secret::expose), Some("user"));
}

#[test]
fn optional_path_of_the_token_may_be_missing() {
    let mut slack = profile("token_path = \"authed_user\"\n");
    slack.quirks.token_path_is_optional = true;
    for authed_user in ["", r#","authed_user":null"#, r#","authed_user":{"id":"U"}"#] {
        let flat = format!(r#"{{"access_token":"user","token_type":"Bearer"{authed_user}}}"#);
        let reply = validated(&json(&flat), &slack).unwrap();
        assert_eq!(reply.access_token.expose(), "user", "{flat}");
    }
    let nested =
        r#"{"access_token":"bot","authed_user":{"access_token":"user","token_type":"Bearer"}}"#;
    assert_eq!(validated(&json(nested), &slack).unwrap().access_token.expose(), "user");
}

#[test]
fn profile_with_dpop_takes_no_bearer_token() {
    let dpop = profile("dpop = true\n");
    assert!(validated(&json(GOOD), &dpop).is_err());
    let bound = r#"{"access_token":"at","token_type":"dpop"}"#;
    assert_eq!(validated(&json(bound), &dpop).unwrap().token_type, "DPoP");
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    let now = crate::Timestamp::from_unix(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT
    let wait = |value: &str| {
        let mut response = answer(503, "text/plain", "");
        response.headers.push(("retry-after".to_owned(), value.to_owned()));
        response.retry_after(now)
    };
    assert_eq!(wait("2"), Some(Duration::from_secs(2)));
    assert_eq!(wait("1000000000"), Some(Duration::from_secs(1_000_000_000)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:40 GMT"), Some(Duration::from_secs(3)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO));
    assert_eq!(wait("-1"), None);
    assert_eq!(wait("soon"), None);
}
