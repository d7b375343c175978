//! id_tokens, right and wrong (OpenID Connect Core, sections 2 and 3.1.3.7).

use serde_json::{Value, json};

use crate::replies::invalid::{Row, row};
use crate::support::canary;
use crate::support::shapes::*;
use crate::support::signed::*;

const NO_KEY: &str =
    "invalid signature of the id_token: no published key created it (`kid` `k1`, RS256)";
const HS256: &str =
    "the id_token is signed with HS256, which is accepted only if the profile sets it";
const PAYLOAD: &str = "the id_token's payload is not a JSON object with each claim once";
const PARTS: &str = "the id_token is not a signed JWT: it does not have three parts";
const NOT_ANNOUNCED: &str =
    "the id_token's `alg` is `ES256`, but the server's metadata allows RS256";

/// id_tokens that must be refused.
pub fn invalid_tokens() -> Vec<Row> {
    let mut all = claims();
    all.extend(times());
    all.extend(algorithms());
    all.extend(signatures());
    all.extend(forms());
    all
}

/// The refused id_token with this name.
#[track_caller]
pub fn invalid_token(name: &str) -> Shape {
    invalid_tokens().into_iter().find(|row| row.name == name).unwrap().shape
}

#[rustfmt::skip]
fn claims() -> Vec<Row> {
    let untrusted = |token: Unsigned| {
        let client = token.text("aud");
        token.claim("aud", json!([client, "untrusted"]))
    };
    vec![
        row("iss-wrong", 7, "the id_token's `iss` is `http", changed(|t| { let iss = t.text("iss"); t.claim("iss", json!(iss + "/s/somebody-else")) })),
        row("iss-slash", 7, "the id_token's `iss` is `http", changed(|t| { let iss = t.text("iss"); t.claim("iss", json!(iss + "/")) })),
        row("iss-missing", 7, "the id_token has no `iss`", changed(|t| t.without("iss"))),
        row("iss-array", 7, "the id_token's `iss` is an array", changed(|t| { let iss = t.text("iss"); t.claim("iss", json!([iss])) })),
        row("aud-wrong", 7, "the id_token's `aud` is `another-client`", changed(|t| t.claim("aud", json!("another-client")))),
        row("aud-missing", 7, "the id_token has no `aud`", changed(|t| t.without("aud"))),
        row("aud-empty", 7, "the id_token's `aud` is empty", changed(|t| t.claim("aud", json!([])))),
        row("aud-extra", 7, "the id_token's `aud` is `untrusted`", changed(untrusted)),
        row("aud-extra-azp", 7, "the id_token's `aud` is `untrusted`",
            changed(move |t| { let client = t.text("aud"); untrusted(t).claim("azp", json!(client)) })),
        row("aud-extra-azp-wrong", 7, "the id_token's `azp` is `untrusted`, expected `cli`",
            changed(move |t| untrusted(t).claim("azp", json!("untrusted")))),
        row("azp-wrong", 7, "the id_token's `azp` is `another-client`", changed(|t| t.claim("azp", json!("another-client")))),
        row("sub-missing", 7, "the id_token has no `sub`", changed(|t| t.without("sub"))),
        row("sub-empty", 7, "the id_token's `sub` is empty", changed(|t| t.claim("sub", json!("")))),
        row("sub-number", 7, "the id_token's `sub` is a number", changed(|t| t.claim("sub", json!(7)))),
        row("sub-null", 7, "the id_token has no `sub`", changed(|t| t.claim("sub", Value::Null))),
        row("nonce-missing", 7, "the id_token has no `nonce`", changed(|t| t.without("nonce"))),
        row("nonce-wrong", 7, "the id_token's `nonce` is different: it belongs to another login", changed(|t| t.claim("nonce", json!(b64([3; 16]))))),
        row("nonce-empty", 7, "the id_token's `nonce` is empty", changed(|t| t.claim("nonce", json!("")))),
        row("at-hash-wrong", 7, "the id_token's `at_hash` is another", changed(|t| t.claim("at_hash", json!(b64([3; 16]))))),
    ]
}

#[rustfmt::skip]
fn times() -> Vec<Row> {
    const DAY: i64 = 86_400;
    vec![
        row("exp-past", 7, "the id_token expired 1 h ago", changed(|t| t.at("exp", -3_600))),
        row("exp-past-10-min", 7, "the id_token expired 10 min ago", changed(|t| t.at("exp", -600))),
        row("exp-missing", 7, "the id_token has no `exp`", changed(|t| t.without("exp"))),
        row("exp-string", 7, "expected seconds since 1970", changed(|t| { let exp = t.claims["exp"].to_string(); t.claim("exp", json!(exp)) })),
        row("exp-null", 7, "the id_token has no `exp`", changed(|t| t.claim("exp", Value::Null))),
        row("iat-missing", 7, "the id_token has no `iat`", changed(|t| t.without("iat"))),
        row("iat-future", 7, "the id_token is issued 1 d in the future", changed(|t| t.moved(DAY))),
        row("iat-ahead-10-min", 7, "the id_token is issued 10 min in the future", changed(|t| t.moved(600))),
        row("iat-far-past", 7, "the id_token was issued 30 d ago", changed(|t| t.at("iat", -30 * DAY))),
        row("nbf-future", 7, "the id_token becomes valid 1 d in the future", changed(|t| t.at("nbf", DAY))),
    ]
}

#[rustfmt::skip]
fn algorithms() -> Vec<Row> {
    let unsigned = |alg: &'static str| written(move |t| t.unsigned(json!({ "alg": alg }), ""));
    vec![
        row("alg-none", 7, "cannot accept the id_token: `alg` is `none`, it is unsigned", unsigned("none")),
        row("alg-none-capital", 7, "cannot accept the id_token: `alg` is `None`, it is unsigned", unsigned("None")),
        row("alg-none-mixed", 7, "cannot accept the id_token: `alg` is `nOnE`, it is unsigned", unsigned("nOnE")),
        row("alg-none-with-signature", 7, "cannot accept the id_token: `alg` is `none`, it is unsigned", written(|t| {
            let signed = t.signed();
            t.unsigned(json!({ "alg": "none" }), signed.rsplit_once('.').unwrap().1)
        })),
        row("alg-empty", 7, "cannot accept the id_token: `alg` is ``, the algorithm is not supported", unsigned("")),
        row("alg-missing", 7, "the id_token's header is not a JSON object with an `alg`", written(|t| t.unsigned(json!({}), ""))),
        row("alg-unknown", 7, "cannot accept the id_token: `alg` is `RS999`, the algorithm is not supported", changed(|t| t.header("alg", json!("RS999")))),
        row("alg-case", 7, "cannot accept the id_token: `alg` is `rs256`, the algorithm is not supported", changed(|t| t.header("alg", json!("rs256")))),
        row("hs256-public-key", 7, HS256, written(|t| t.by_secret(&public_key(true)))),
        row("hs256-public-key-der", 7, HS256, written(|t| t.by_secret(&public_key(false)))),
        row("hs256-client-secret", 7, HS256, written(|t| t.by_secret(SECRET.as_bytes()))),
        row("hs256-empty-key", 7, HS256, written(|t| t.by_secret(b""))),
        row("es256-not-announced", 7, NOT_ANNOUNCED, written(Unsigned::by_curve)),
        row("es256-zero-signature", 7, NOT_ANNOUNCED, written(|t| t.unsigned(json!({ "alg": "ES256", "kid": "ec" }), &b64([0; 64])))),
    ]
}

#[rustfmt::skip]
fn signatures() -> Vec<Row> {
    let split = |t: &Unsigned| {
        let signed = t.signed();
        let (input, signature) = signed.rsplit_once('.').unwrap();
        (input.to_owned(), signature.to_owned())
    };
    let no_kid = "invalid signature of the id_token: no published key created it (no `kid`, RS256)";
    let k2 = "the id_token refers to a key that the server does not publish (`kid` `k2`, RS256)";
    vec![
        row("signature-bad", 7, NO_KEY, written(move |t| {
            let (input, signature) = split(&t);
            let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
            format!("{input}.{flipped}{}", &signature[1..])
        })),
        row("signature-empty", 7, "the id_token has an empty signature", written(move |t| format!("{}.", split(&t).0))),
        row("signature-missing", 7, PARTS, written(move |t| split(&t).0)),
        row("signature-of-other-claims", 7, NO_KEY, written(move |t| {
            let (_, signature) = split(&t);
            let header = t.header.clone();
            t.claim("sub", json!("mallory")).unsigned(header, &signature)
        })),
        row("key-unknown", 7, NO_KEY, written(|t| t.by_other_key())),
        row("kid-unknown", 7, "the id_token refers to a key that the server does not publish (`kid` `no-such-key`, RS256)",
            written(|t| t.header("kid", json!("no-such-key")).by_other_key())),
        row("kid-path", 7, "the id_token refers to a key that the server does not publish (`kid` `../../etc/passwd`, RS256)",
            written(|t| t.header("kid", json!("../../etc/passwd")).by_other_key())),
        row("jwk-in-header", 7, no_kid, written(|mut t| {
            t.header = json!({ "alg": "RS256", "jwk": jwk("k2") });
            t.by_other_key()
        })),
        row("jku-in-header", 7, k2, written(|t| t.header("jku", json!(format!("{}/jwks", canary().origin))).header("kid", json!("k2")).by_other_key())),
        row("x5u-in-header", 7, k2, written(|t| t.header("x5u", json!(format!("{}/x5u", canary().origin))).header("kid", json!("k2")).by_other_key())),
        row("crit", 7, "the id_token's header has `crit`, which is not supported", changed(|t| t.header("crit", json!(["x"])).header("x", json!(true)))),
    ]
}

#[rustfmt::skip]
fn forms() -> Vec<Row> {
    vec![
        row("nested", 7, "the id_token has a content type (`cty`): nested JWTs are not supported", changed(|t| {
            let inner = t.signed();
            let mut outer = t.header("cty", json!("JWT"));
            outer.claims = json!(inner);
            outer
        })),
        row("encrypted", 7, "the id_token is encrypted (five parts), which is not supported", written(|t| {
            format!("{}.a.b.{}.c", b64(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#), b64(t.claims.to_string()))
        })),
        row("claims-not-json", 7, PAYLOAD, changed(|mut t| { t.claims = json!("not json"); t })),
        row("claims-array", 7, PAYLOAD, changed(|mut t| { t.claims = json!([]); t })),
        row("not-a-jwt", 7, PARTS, written(|_| "not-a-jwt".to_owned())),
        row("empty", 7, "the token response has no id_token although `openid` was requested", written(|_| String::new())),
        row("number", 7, "`id_token` that is not a string", id_token(|_| json!(7))),
    ]
}

/// id_tokens that are right in an unusual way.
pub fn unusual_tokens() -> Vec<Named> {
    vec![
        (
            "aud-array",
            changed(|t| {
                let client = t.text("aud");
                t.claim("aud", json!([client]))
            }),
        ),
        (
            "azp-right",
            changed(|t| {
                let client = t.text("aud");
                t.claim("azp", json!(client))
            }),
        ),
        (
            "at-hash-right",
            changed(|t| {
                let hash = t.at_hash();
                t.claim("at_hash", json!(hash))
            }),
        ),
        ("exp-past-4-min", changed(|t| t.at("exp", -240))),
        ("iat-ahead-4-min", changed(|t| t.moved(240))),
        ("kid-absent", changed(kidless)),
        ("typ-jwt", changed(|t| t.header("typ", json!("JWT")))),
        // Cloud Foundry's UAA names its keys in every token; nobody has to fetch them there.
        ("jku-beside", changed(|t| t.header("jku", json!(format!("{}/jwks", canary().origin))))),
        (
            "unknown-claims",
            changed(|t| t.claim("x", json!({ "y": [1] })).claim("amr", json!(["pwd"]))),
        ),
    ]
}

/// The id_token without a name of its key.
pub fn kidless(mut token: Unsigned) -> Unsigned {
    token.header = json!({ "alg": "RS256" });
    token
}

/// Key sets with which no id_token may be believed.
#[rustfmt::skip]
pub fn invalid_keys() -> Vec<Row> {
    let unpublished = "the id_token refers to a key that the server does not publish (`kid` `k1`, RS256)";
    let none = "the JWK Set has no array `keys`";
    let large = "the body of the response from 127.0.0.1 exceeds 1024 KiB";
    let with = |name: &str, value: Value| {
        let mut key = jwk("k1");
        key[name] = value;
        keys(vec![key])
    };
    let other = { let mut key = jwk("k2"); key["kid"] = json!("k1"); key };
    let many = (0..10_000).map(|n| { let mut key = jwk("k1"); key["kid"] = json!(format!("k{n}")); key });
    let oct = json!({ "kty": "oct", "kid": "k1", "alg": "HS256", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0" });
    vec![
        row("empty", 7, unpublished, keys(vec![])),
        row("wrong-key", 7, NO_KEY, keys(vec![other])),
        row("other-kid", 7, unpublished, keys(vec![jwk("k2")])),
        row("oct", 7, unpublished, keys(vec![oct])),
        row("encryption-use", 7, unpublished, with("use", json!("enc"))),
        row("other-alg", 7, unpublished, with("alg", json!("PS512"))),
        row("not-keys", 7, none, body(r#"{"keys":"k1"}"#)),
        row("array", 7, none, body("[]")),
        row("over-100", 9, large, keys(many.collect())),
        row("over-1-mib", 9, large, body(json!({ "keys": [jwk("k1")], "pad": "a".repeat(1 << 20) }).to_string())),
    ]
}

/// Key sets with which a right id_token can be believed.
pub fn unusual_keys() -> Vec<Named> {
    vec![
        ("no-kid-one", keys(vec![nameless(jwk("k1"))])),
        ("several", keys(vec![jwk("k2"), jwk("k1"), jwk("ec")])),
        ("unknown-beside", keys(vec![json!({ "kty": "XYZ", "kid": "x" }), jwk("k1")])),
    ]
}
