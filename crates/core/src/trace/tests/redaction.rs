//! The redactor alone.

use super::super::redact::Redactor;
use super::*;

fn shown_body(redactor: &mut Redactor, content_type: &str, body: &str) -> String {
    match redactor.body(Some(content_type), body.as_bytes()) {
        Body::Empty => String::new(),
        Body::Form(pairs) => format!("{pairs:?}"),
        Body::Json(json) => json.lines(super::WIDTH, &mut |_| None).join("\n"),
        Body::Other(what) => what,
    }
}

fn body(content_type: &str, body: &str) -> String {
    shown_body(&mut Redactor::default(), content_type, body)
}

fn header(name: &str, value: &str) -> String {
    Redactor::default().header(name, value)
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn name(&mut self) -> &'static str {
        const NAMES: &[&str] = &[
            "access_token",
            "refresh_token",
            "code",
            "state",
            "token",
            "tokens",
            "apiKey",
            "data",
            "password",
            "",
            "authed_user",
            "Client_Id",
            "SCOPE",
            "secret\u{0}",
            "a b",
            "nonce",
            "client_secret",
            "id_token",
            "x",
            "device_code",
            "value",
            "0",
        ];
        NAMES[self.below(NAMES.len())]
    }

    fn json(&mut self, depth: usize) -> serde_json::Value {
        use serde_json::{Value, json};
        match self.below(if depth > 5 { 4 } else { 7 }) {
            0 => json!(CANARY),
            1 => json!(format!("{CANARY}{}", "é".repeat(self.below(40)))),
            2 => json!([CANARY, null, true, 4_711_471_147_u64]),
            3 => json!(-47_114_711.47),
            4 => (0..self.below(4)).map(|_| self.json(depth + 1)).collect(),
            _ => {
                // Objects stand below public names too.
                let outer = if self.below(3) == 0 { "error" } else { self.name() };
                let inner: serde_json::Map<String, Value> = (0..self.below(5))
                    .map(|_| (self.name().to_owned(), self.json(depth + 1)))
                    .collect();
                json!({ outer: inner, "scope": "openid" })
            }
        }
    }
}

#[test]
fn no_secret_survives_in_any_json() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for round in 0..2_000 {
        let json = numbers.json(0).to_string();
        for content_type in ["application/json", "text/html", "application/x-www-form-urlencoded"] {
            let shown = body(content_type, &json);
            for secret in [CANARY, "c4n4ry", "4711"] {
                assert!(!shown.contains(secret), "round {round}: {json}\nshown as {shown}");
            }
        }
    }
}

#[test]
fn no_secret_survives_in_json_that_is_cut_or_damaged() {
    let whole = format!(
        r#"{{"access_token":"{CANARY}","scope":"openid","n":{{"refresh_token":["{CANARY}"]}}}}"#
    );
    for end in 0..whole.len() {
        let cut = &whole[..end];
        for content_type in ["application/json", "application/problem+json", "", "text/plain"] {
            let shown = body(content_type, cut);
            assert!(!shown.contains("c4n4ry"), "{cut} shown as {shown}");
        }
        let form = body("application/x-www-form-urlencoded", cut);
        assert!(!form.contains("c4n4ry"), "{cut} shown as {form}");
    }
}

#[test]
fn token_in_the_place_of_its_type_is_not_shown() {
    for value in ["c4n4ry-c4n4ry", "gho_c4n4ryc4n4ryc4n4ry", "c4n4ry c4n4ry"] {
        let json = format!(r#"{{"access_token":"bearer","token_type":"{value}"}}"#);
        let shown = body("application/json", &json);
        assert!(!shown.contains("c4n4ry"), "{shown}");
        let shown = body("application/x-www-form-urlencoded", &format!("token_type={value}"));
        assert!(!shown.contains("c4n4ry"), "{shown}");
    }
    assert!(body("application/json", r#"{"token_type":"N_A"}"#).contains("N_A"));
}

#[test]
fn redacted_json_keeps_its_structure() {
    let json = r#"{"access_token":"abc","expires_in":3600,"scope":"a b","scope":"c",
        "authed_user":{"access_token":"xy","token_type":"user"},"refresh_token":null,
        "code":{"deep":"x"},"active":true,"list":[],"scopes_supported":["a","b"],"weird":1}"#;
    let expected = r#"{
  "access_token": "[redacted, 3 characters]",
  "expires_in": 3600,
  "scope": "a b",
  "scope": "c",
  "authed_user": {
    "access_token": "[redacted, 2 characters]",
    "token_type": "user"
  },
  "refresh_token": null,
  "code": "[redacted, 1 member]",
  "active": true,
  "list": [],
  "scopes_supported": ["a", "b"],
  "weird": "[redacted]"
}"#;
    assert_eq!(body("application/json; charset=utf-8", json), expected);
}

#[test]
fn other_bodies_are_shown_by_size_and_type() {
    let deep = "[".repeat(100_000);
    for (content_type, content, expected) in [
        ("application/json", "{\"a\":", "[unreadable body, 5 bytes]"),
        ("application/json", "{} x", "[unreadable body, 4 bytes]"),
        ("application/json", "\"c4n4ry\"", "[unreadable body, 8 bytes]"),
        ("application/json", deep.as_str(), "[unreadable body, 100000 bytes]"),
        ("text/html; charset=utf-8", "<p>c4n4ry", "[text/html body, 9 bytes]"),
        ("", "c4n4ry", "[unreadable body, 6 bytes]"),
        ("c4n4ry\u{1b} 0123", "x", "[body of an unknown type, 1 byte]"),
        ("application/jwt", "ey.ey.c4n4ry", "[application/jwt body, 12 bytes]"),
    ] {
        assert_eq!(body(content_type, content), expected, "{content_type}");
    }
    let not_text = Redactor::default().body(Some("application/x-www-form-urlencoded"), b"a=\xff");
    assert!(matches!(not_text, Body::Other(what) if what == "[unreadable body, 3 bytes]"));
}

#[test]
fn forms_show_names_and_public_values() {
    let form = "grant_type=authorization_code&code=a%26b&client_id=me+too&x=&client_secret=s%C3%A9";
    let expected = r#"[("grant_type", "authorization_code"), ("code", "[redacted, 3 characters]"), ("client_id", "me too"), ("x", ""), ("client_secret", "[redacted, 2 characters]")]"#;
    assert_eq!(body("application/x-www-form-urlencoded", form), expected);
}

#[test]
fn value_in_the_place_of_a_name_is_hidden() {
    let long = "dGhpcyBpcyBhIHRva2Vu0a1b2c3d4e5f";
    for form in [long.to_owned(), format!("{long}=="), format!("a=b&{long}&{long}=x")] {
        let shown = body("application/x-www-form-urlencoded", &form);
        assert!(!shown.contains("dGhpcy"), "{shown}");
    }
    let shown = body("application/json", &format!(r#"{{"{long}":{{"{CANARY}":1}}}}"#));
    assert!(shown.contains("[name of 32 characters]") && !shown.contains("c4n4ry"), "{shown}");
}

#[test]
fn urls_lose_userinfo_and_secrets_wherever_they_stand() {
    for (url, expected) in [
        (
            "https://u:c4n4ry@as.example:8443/a?b=c4n4ry",
            "https://as.example:8443/a?b=[redacted, 6 characters]",
        ),
        (
            "https://as.example/cb#access_token=c4n4ry&token_type=b",
            "https://as.example/cb#access_token=[redacted, 6 characters]&token_type=b",
        ),
        ("https://as.example/?c4n4ry", "https://as.example/?[redacted, 6 characters]"),
        ("https://as.example/t;s=c4n4ry/x", "https://as.example/[redacted, 10 characters]/x"),
        (
            "https://as.example/v2.0/9188040d-6c67-4c5b-b112-36a304b66dad/token",
            "https://as.example/v2.0/9188040d-6c67-4c5b-b112-36a304b66dad/token",
        ),
        (
            "https://as.example/hook/T0K3N0123456789abcdefghij",
            "https://as.example/hook/[redacted, 25 characters]",
        ),
        ("com.example.app:/cb?code=c4n4ry", "com.example.app:/cb?code=[redacted, 6 characters]"),
        (
            "https://as.example/?redirect_uri=https%3A%2F%2Fu%3Ac4n4ry%40c.example%2Fcb%3Fx%3Dc4n4ry",
            "https://as.example/?redirect_uri=https://c.example/cb?x=[redacted, 6 characters]",
        ),
    ] {
        assert_eq!(Redactor::default().url(&Url::parse(url).unwrap()), expected, "{url}");
    }
}

#[test]
fn callbacks_are_shown_without_what_they_bring() {
    for (target, expected) in [
        (
            "/callback?code=c4n4ry&state=c4n4ry",
            "/callback?code=[redacted, 6 characters]&state=[redacted, 6 characters]",
        ),
        (
            "/?error=access_denied&error_description=No%20way",
            "/?error=access_denied&error_description=No way",
        ),
        (
            "code=c4n4ry&iss=https%3A%2F%2Fas.example",
            "code=[redacted, 6 characters]&iss=https://as.example",
        ),
        (
            "/cb?x?y=c4n4ry#id_token=c4n4ry",
            "/cb?[name of 3 characters]=[redacted, 6 characters]#id_token=[redacted, 6 characters]",
        ),
        ("http://127.0.0.1:1/cb?code=", "http://127.0.0.1:1/cb?code="),
        ("", ""),
    ] {
        assert_eq!(Redactor::default().target(target), expected, "{target}");
    }
}

#[test]
fn headers_not_known_as_public_are_redacted() {
    for (name, value, expected) in [
        ("AUTHORIZATION", "Bearer c4n4ry", "Bearer [redacted, 6 characters]"),
        ("authorization", "c4n4ry", "[redacted, 6 characters]"),
        ("Authorization", "c4n4ry0 x", "[redacted, 9 characters]"),
        ("Proxy-Authorization", "Basic YTpi", "Basic [redacted, 4 characters]"),
        ("DPoP", "a.b.c", "[redacted, 5 characters]"),
        ("dpop-NONCE", "abc", "[redacted, 3 characters]"),
        ("Cookie", "sid=c4n4ry", "[redacted, 10 characters]"),
        ("Set-Cookie", "sid=c4n4ry; Path=/", "[redacted, 18 characters]"),
        ("X-Api-Key", "c4n4ry", "[redacted, 6 characters]"),
        ("Content-Type", "application/json\u{1b}", "application/json"),
        ("Location", "/cb?code=c4n4ry", "/cb?code=[redacted, 6 characters]"),
        (
            "WWW-Authenticate",
            "DPoP error=\"use_dpop_nonce\", algs=\"ES256 PS256\"",
            "DPoP error=\"use_dpop_nonce\", algs=\"ES256 PS256\"",
        ),
        (
            "www-authenticate",
            "Bearer token=c4n4ry, error=invalid_token",
            "Bearer token=\"[redacted, 6 characters]\", error=\"invalid_token\"",
        ),
        ("www-authenticate", "Negotiate c4n4ry", "Negotiate [redacted, 6 characters]"),
        ("www-authenticate", "Negotiate", "Negotiate"),
        ("www-authenticate", "Bearer realm=\"unclosed", "Bearer realm=\"unclosed\""),
    ] {
        assert_eq!(header(name, value), expected, "{name}: {value}");
    }
}

#[test]
fn sent_secret_is_redacted_in_the_response() {
    let mut redactor = Redactor::default();
    redactor.header("Authorization", "Basic bWU6czNjcmV0JTIxJTIx");
    shown_body(&mut redactor, "application/x-www-form-urlencoded", &format!("code={CANARY}"));
    let answer = format!(
        r#"{{"error":"{CANARY}","error_description":"no {CANARY}, s3cret%21%21 or s3cret!!",
            "realm":"tok-in-same-answer","access_token":"tok-in-same-answer"}}"#
    );
    redactor.hears(true);
    let shown = shown_body(&mut redactor, "application/json", &answer);
    for secret in [CANARY, "s3cret", "tok-in-same"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains("no [redacted], [redacted] or [redacted]"), "{shown}");
    assert_eq!(redactor.text(&format!("failed: {CANARY}")), "failed: [redacted]");
}

#[test]
fn tokens_in_text_are_redacted_but_trace_ids_are_not() {
    let description = "AADSTS70008: eyJhbGciOiJub25lIn0.e30. and \
        '0123456789abcdef0123456789abcdef01234567' expired. \
        Trace ID: 9188040d-6c67-4c5b-b112-36a304b66dad. See https://as.example/errors/70008.";
    let shown = Redactor::default().parameter("error_description", description);
    assert_eq!(
        shown,
        "AADSTS70008: [redacted, 24 characters] and '[redacted, 40 characters]' expired. \
         Trace ID: 9188040d-6c67-4c5b-b112-36a304b66dad. See https://as.example/errors/70008."
    );
}

#[test]
fn public_values_are_shown_as_they_are_written() {
    for value in [
        "https://as.example",
        "https://as.example/",
        "HTTPS://AS.example:443/a",
        "urn:ietf:wg:oauth:2.0:oob",
        "a  b",
        "",
    ] {
        assert_eq!(Redactor::default().parameter("iss", value), value);
    }
}

#[test]
fn secret_after_many_other_values_is_redacted() {
    let mut redactor = Redactor::default();
    redactor.hide(&Secret::new("configured-S3CRET"));
    redactor.header("Authorization", "Bearer s3nt-T0KEN");
    redactor.hears(true);
    let members: Vec<String> = (0..2_000)
        .map(|n| format!(r#""m{n}":"unknown-value-{n:08}","code":"{n:08}-c0de""#))
        .collect();
    let json = format!(
        r#"{{{},"error_description":"%63onfigured-S3CRET, czNudC1UMEtFTg and s3nt-T0KEN"}}"#,
        members.join(",")
    );
    let shown = shown_body(&mut redactor, "application/json", &json);
    assert!(shown.contains("\"[redacted], [redacted] and [redacted]\""), "{shown}");
}

#[test]
fn secret_that_is_a_word_garbles_no_message() {
    let mut redactor = Redactor::default();
    let form = "grant_type=refresh_token&client_secret=invalid&password=refresh_token";
    let request = shown_body(&mut redactor, "application/x-www-form-urlencoded", form);
    assert!(request.contains("(\"grant_type\", \"refresh_token\")"), "{request}");
    redactor.hears(true);
    let json = r#"{"error":"invalid_grant","error_description":"the secret 'invalid' is wrong"}"#;
    let shown = shown_body(&mut redactor, "application/json", json);
    assert!(shown.contains("\"invalid_grant\""), "{shown}");
    assert!(shown.contains("the secret '[redacted]' is wrong"), "{shown}");
    let odd = shown_body(&mut redactor, "application/json", r#"{"error":"invalid"}"#);
    assert!(odd.contains("\"[redacted]\""), "{odd}");
    assert_eq!(redactor.own_words("an invalid answer"), "an invalid answer");
}
