//! Headers and shapes that are refused before any key is looked at.

use serde_json::json;

use super::*;

const LIMIT: usize = 4_096;

fn token(header: &str) -> String {
    format!("{}.{}.{}", b64(header), b64("{}"), b64("signature"))
}

#[track_caller]
fn assert_refused(raw: &str, part: &str) {
    let error = Compact::parse(raw, "token", LIMIT).expect_err(raw);
    assert_eq!(error.kind(), crate::ErrorKind::Validation, "{error}");
    assert!(error.message().contains(part), "`{error}` does not say `{part}`");
}

#[test]
fn parts_of_a_token_are_decoded_unchanged() {
    let raw = token(r#" {"alg":"ES256","kid":"k","typ":"JWT","x5t":"a","new":[1]}"#);
    let compact = Compact::parse(&raw, "token", LIMIT).unwrap();
    assert_eq!((compact.alg, compact.kid.as_deref()), (Alg::ES256, Some("k")));
    assert_eq!((&compact.payload[..], &compact.signature[..]), (&b"{}"[..], &b"signature"[..]));
    assert_eq!(compact.signed, raw.rsplit_once('.').unwrap().0.as_bytes());
}

#[test]
fn unsupported_header_members_are_refused() {
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("zip", json!("DEF")),
        ("b64", json!(false)),
    ] {
        let header = json!({"alg": "ES256", name: value});
        assert_refused(&token(&header.to_string()), &format!("`{name}`"));
    }
    assert_refused(&token(r#"{"alg":"ES256","cty":"JWT"}"#), "nested");
}

#[test]
fn other_token_types_are_refused() {
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "logout+jwt", "dpop+jwt"] {
        assert_refused(&token(&json!({"alg": "ES256", "typ": typ}).to_string()), "wrong type");
    }
    for typ in ["JWT", "jwt", "id_token+jwt"] {
        let raw = token(&json!({"alg": "ES256", "typ": typ}).to_string());
        assert!(Compact::parse(&raw, "token", LIMIT).is_ok(), "{typ}");
    }
}

#[test]
fn headers_that_are_no_object_with_an_alg_are_refused() {
    for header in [
        "",
        "null",
        "[]",
        r#"["ES256"]"#,
        "{}",
        r#"{"alg":null}"#,
        r#"{"alg":["ES256"]}"#,
        r#"{"alg":"none","alg":"ES256"}"#,
        r#"{"alg":"ES256","kid":7}"#,
        r#"{"alg":"ES256"}}"#,
        r#"{"alg":"ES256","crit":1,"crit":2}"#,
    ] {
        assert_refused(&token(header), "header is not a JSON object");
    }
}

#[test]
fn malformed_compact_tokens_are_refused() {
    let part = b64(r#"{"alg":"ES256"}"#);
    assert_refused("", "three parts");
    assert_refused(&part, "three parts");
    assert_refused(&format!("{part}."), "three parts");
    assert_refused(&format!("{part}.e30.AA.AA"), "three parts");
    assert_refused(&format!("{part}.a.b.c.d"), "encrypted");
    assert_refused(&format!("{part}.a.b.c.d.e"), "three parts");
    assert_refused(&format!("{part}.e30."), "empty signature");
    assert_refused(&format!("{part}.e30.A"), "signature is not base64url");
    assert_refused(&format!("{part}.e30.AA=="), "signature is not base64url");
    assert_refused(&format!("{part}.e3+.AA"), "payload is not base64url");
    assert_refused(&format!("{part}=.e30.AA"), "header is not base64url");
    assert_refused(&"x".repeat(LIMIT + 1), "4097 bytes");
}

#[test]
fn names_of_algorithms_are_exact() {
    for (name, alg) in Alg::ALL {
        assert_eq!(Alg::parse(name), Some(alg));
        assert_eq!(alg.as_str(), name);
        assert_eq!(Alg::parse(&name.to_ascii_lowercase()), None);
    }
    assert_eq!(Alg::parse("Ed25519"), Some(Alg::EdDSA), "RFC 9864");
    for (name, alg) in Alg::SYMMETRIC {
        assert_eq!((Alg::parse(name), Alg::parse_any(name)), (None, Some(alg)));
        assert_eq!(alg.as_str(), name);
    }
    for name in ["none", "HS256", "HS512", "ES512", "ES256K", "RSA1_5", "", "RS256 "] {
        assert_eq!(Alg::parse(name), None, "{name}");
    }
}
