//! States that are ours, and everything that is not.

use aws_lc_rs::aead::NONCE_LEN;
use aws_lc_rs::{hkdf, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::key::{TAG, TYP, derive};
use super::*;
use crate::ErrorKind;
use crate::protocol::jws::b64;
use crate::time::Timestamp;

fn key(fill: u8, alg: StateAlg) -> StateKey {
    StateKey::read(&Secret::new(b64([fill; 32])), alg).unwrap()
}

fn claims() -> StateClaims {
    StateClaims {
        rfp: "r".repeat(22),
        iat: 1_000,
        exp: 1_600,
        server: "https://as.example".to_owned(),
        aud: "client".to_owned(),
        jti: "j".repeat(32),
    }
}

fn keys(fill: u8, alg: StateAlg) -> StateKeys {
    StateKeys::new(key(fill, alg), Vec::new())
}

fn signed(keys: &StateKeys, state: &str) -> Option<StateClaims> {
    match keys.open(state) {
        Ok(Opened::Signed(claims, _)) => Some(claims),
        Ok(Opened::Sealed(..)) => None,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidState);
            assert_eq!(error.message(), refused().message(), "all refusals read the same");
            None
        }
    }
}

/// A signature by other means than ours.
fn hs256(signed: &str, key: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    format!("{signed}.{}", b64(hmac::sign(&key, signed.as_bytes())))
}

#[test]
fn state_is_opened_by_its_own_key_alone() {
    for (_, alg) in StateAlg::ALL {
        let state = key(1, alg).sign(&claims()).unwrap();
        assert_eq!(signed(&keys(1, alg), &state), Some(claims()));
        assert_eq!(signed(&keys(2, alg), &state), None, "another key");
        assert_eq!(signed(&StateKeys::none(), &state), None);
        let rotated = StateKeys::new(key(2, alg), vec![key(1, alg)]);
        assert_eq!(signed(&rotated, &state), Some(claims()), "the earlier key");
        assert_eq!(rotated.current().unwrap().kid(), key(2, alg).kid());
    }
    let state = key(1, StateAlg::Hs256).sign(&claims()).unwrap();
    assert_eq!(signed(&keys(1, StateAlg::EdDsa), &state), None, "the other algorithm");
}

#[test]
fn state_is_a_jwt_without_the_user() {
    let state = key(1, StateAlg::Hs256).sign(&claims()).unwrap();
    let part = |n: usize| -> serde_json::Value {
        let text = state.split('.').nth(n).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(part(0)["alg"], "HS256");
    let mut names: Vec<String> = part(1).as_object().unwrap().keys().cloned().collect();
    names.sort();
    assert_eq!(names, ["as", "aud", "exp", "iat", "jti", "rfp"]);
    assert!(state.len() < 512, "servers limit it: {}", state.len());
}

#[test]
fn state_that_differs_in_one_byte_is_refused() {
    for (_, alg) in StateAlg::ALL {
        let keys = keys(1, alg);
        let sealed = keys.current().unwrap().encrypt(b"{}").unwrap();
        for state in [keys.current().unwrap().sign(&claims()).unwrap(), sealed] {
            for at in 0..state.len() {
                for other in [b'A', b'B', b'_', b'.', b'=', b' ', state.as_bytes()[at] ^ 0x20] {
                    let mut bytes = state.clone().into_bytes();
                    if other == bytes[at] || other > 127 {
                        continue;
                    }
                    bytes[at] = other;
                    let altered = String::from_utf8(bytes).unwrap();
                    assert!(keys.open(&altered).is_err(), "{alg:?} at {at}: {altered}");
                }
                assert!(keys.open(&state[..at]).is_err(), "{alg:?} cut at {at}");
            }
            for more in [".", "A", "=", ".A", " ", "\n", "\0"] {
                assert!(keys.open(&format!("{state}{more}")).is_err());
                assert!(keys.open(&format!("{more}{state}")).is_err());
            }
        }
    }
}

#[test]
fn foreign_header_is_refused_despite_signature() {
    let ours = key(1, StateAlg::Hs256);
    let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"oauthctl state 1").extract(&[1; 32]);
    let raw = derive::<32>(&root, "sign HS256").unwrap();
    let keys = keys(1, StateAlg::Hs256);
    let payload = b64(serde_json::to_vec(&claims()).unwrap());
    let own = format!(r#"{{"alg":"HS256","typ":"{TYP}","kid":"{}"}}"#, ours.kid());
    let made = hs256(&format!("{}.{payload}", b64(&own)), &raw[..]);
    assert_eq!(signed(&keys, &made), Some(claims()), "the forgery itself works");
    for header in [
        r#"{"alg":"none"}"#.to_owned(),
        r#"{"alg":"HS256"}"#.to_owned(),
        own.replace("HS256", "none"),
        own.replace("HS256", "HS512"),
        own.replace("HS256", "hs256"),
        own.replace("HS256", "EdDSA"),
        own.replace('}', r#","crit":["x"]}"#),
        own.replace('}', r#","jwk":{}}"#),
        own.replace(TYP, "JWT"),
        format!(" {own}"),
    ] {
        let forged = hs256(&format!("{}.{payload}", b64(&header)), &raw[..]);
        assert_eq!(signed(&keys, &forged), None, "{header}");
        let unsigned = format!("{}.{payload}.", b64(&header));
        assert_eq!(signed(&keys, &unsigned), None, "{header}");
    }
}

#[test]
fn unknown_or_missing_claims_are_refused() {
    let keys = keys(1, StateAlg::Hs256);
    let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"oauthctl state 1").extract(&[1; 32]);
    let raw = derive::<32>(&root, "sign HS256").unwrap();
    let header = key(1, StateAlg::Hs256).signed_header;
    let good = serde_json::to_string(&claims()).unwrap();
    for payload in [
        "[]".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        String::new(),
        good.replace("\"jti\"", "\"jto\""),
        good.replace('}', ",\"user\":\"x\"}"),
        good.replace("1600", "\"1600\""),
        good.replace("1600", "-1"),
        format!("{good}{good}"),
    ] {
        let made = hs256(&format!("{header}{}", b64(&payload)), &raw[..]);
        assert_eq!(signed(&keys, &made), None, "{payload}");
    }
}

#[test]
fn huge_or_foreign_text_is_refused() {
    let keys = keys(1, StateAlg::Hs256);
    let state = key(1, StateAlg::Hs256).sign(&claims()).unwrap();
    for text in [
        String::new(),
        ".".repeat(100),
        "A".repeat(10_000_000),
        format!("{state}{}", "A".repeat(LONGEST)),
        "ä.ö.ü".to_owned(),
    ] {
        assert!(keys.open(&text).is_err());
    }
    let huge = key(1, StateAlg::Hs256).encrypt(&vec![b'x'; LONGEST]).unwrap();
    assert!(keys.open(&huge).is_err());
}

#[test]
fn state_times_are_checked_to_the_second() {
    let at = |now| claims().check_time(Timestamp::from_unix(now)).is_ok();
    assert!(at(1_000) && at(1_599));
    assert!(!at(1_600) && !at(1_601), "expired");
    assert!(at(700) && !at(699), "from the future");
    // Neither expired nor from too far ahead, and yet over before it began.
    let backwards = StateClaims { iat: 1_601, ..claims() };
    assert!(backwards.check_time(Timestamp::from_unix(1_599)).is_err());
}

#[test]
fn record_opens_under_its_own_name_only() {
    let key = key(1, StateAlg::Hs256);
    let at = Timestamp::from_unix(5);
    let sealed = key.seal("a", at, b"verifier").unwrap();
    assert_eq!(key.open("a", at, &sealed).unwrap().as_slice(), b"verifier");
    assert!(key.open("b", at, &sealed).is_none());
    assert!(key.open("a", Timestamp::from_unix(6), &sealed).is_none());
    assert!(super::tests::key(2, StateAlg::Hs256).open("a", at, &sealed).is_none());
    for cut in 0..sealed.len() {
        assert!(key.open("a", at, &sealed[..cut]).is_none());
        let mut altered = sealed.clone();
        altered[cut] ^= 1;
        assert!(key.open("a", at, &altered).is_none());
    }
    assert!(!sealed.windows(8).any(|w| w == b"verifier"));
}

#[test]
fn encrypted_state_opens_with_its_key_alone() {
    let made = key(1, StateAlg::Hs256).encrypt(b"{\"user\":\"alice\"}").unwrap();
    let keys = keys(1, StateAlg::Hs256);
    let Ok(Opened::Sealed(plain, by)) = keys.open(&made) else { panic!("not opened") };
    assert_eq!((plain.as_slice(), by.kid()), (&b"{\"user\":\"alice\"}"[..], keys.0[0].kid()));
    assert!(super::tests::keys(2, StateAlg::Hs256).open(&made).is_err());
    let parts: Vec<&str> = made.split('.').collect();
    assert_eq!((parts.len(), parts[1]), (5, ""));
    let header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    assert_eq!((&header["alg"], &header["enc"]), (&"dir".into(), &"A256GCM".into()));
    // The same bytes, parted elsewhere.
    let [nonce, text, tag] = [2, 3, 4].map(|n| URL_SAFE_NO_PAD.decode(parts[n]).unwrap());
    let bytes = [nonce, text, tag].concat();
    let written = |ends: [usize; 2]| {
        let [nonce, text, tag] =
            [0..ends[0], ends[0]..ends[1], ends[1]..bytes.len()].map(|part| b64(&bytes[part]));
        format!("{}..{nonce}.{text}.{tag}", parts[0])
    };
    let end = bytes.len();
    assert_eq!(written([NONCE_LEN, end - TAG]), made);
    for ends in [[NONCE_LEN, end - TAG - 1], [NONCE_LEN, end - TAG + 1], [NONCE_LEN, end]] {
        assert!(keys.open(&written(ends)).is_err(), "{ends:?}");
    }
    assert!(keys.open(&written([NONCE_LEN + 1, end - TAG])).is_err());
}

#[test]
fn invalid_key_is_refused_unquoted() {
    for text in
        ["", "short", &b64([1; 31]), &b64([1; 33]), "not base64url at all, but fairly long text"]
    {
        let error = StateKey::read(&Secret::new(text), StateAlg::Hs256).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(text.is_empty() || !error.message().contains(text));
    }
    let secret = StateKey::generate().unwrap();
    let key = StateKey::read(&secret, StateAlg::EdDsa).unwrap();
    assert!(!format!("{key:?}").contains(secret.expose()));
    assert_ne!(key.kid(), StateKey::read(&secret, StateAlg::Hs256).unwrap().kid());
}
