//! DPoP proofs (RFC 9449).

use jsonwebtoken::jwk::ThumbprintHash;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use super::issuer::Issuer;
use super::keys::{random, sha256};
use super::reply::{Object, Refusal};
use super::request::Call;
use super::scenario::Rule;
use super::store::Store;

/// How far the time of a proof may be off, in seconds.
const SKEW: u64 = 300;

/// Validates the proof of a request, if it has one, and returns the thumbprint of its key. With
/// `access_token`, the proof is required and must match that token.
pub(super) fn check(
    issuer: &Issuer,
    store: &mut Store,
    call: &Call,
    access_token: Option<&str>,
) -> Result<Option<String>, Refusal> {
    if !call.headers.contains_key("dpop") {
        return match access_token {
            Some(_) => Err(refuse(access_token, "the request has no DPoP proof")),
            None => Ok(None),
        };
    }
    let read = call.header("dpop").and_then(verify);
    let (claims, jkt) = read.ok_or_else(|| refuse(access_token, "invalid DPoP proof"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let problem = if text("htm") != Some(call.method.as_str()) {
        "htm is not the method"
    } else if text("htu") != Some(&issuer.url(call.endpoint.path())) {
        "htu is not the URL"
    } else if !is_recent(&claims, issuer.now()) {
        "iat is not the current time"
    } else if access_token.is_some_and(|token| text("ath") != Some(&sha256(token))) {
        "ath is not the hash of the access token"
    } else {
        ""
    };
    if !problem.is_empty() {
        return Err(refuse(access_token, &format!("of the DPoP proof, {problem}")));
    }
    check_nonce(issuer, store, text("nonce"), access_token)?;
    let Some(jti) = text("jti") else { return Err(refuse(access_token, "jti is missing")) };
    let jti = format!("proof {jti}");
    if store.proofs.get(&jti).is_some() {
        return Err(refuse(access_token, "the DPoP proof has already been used"));
    }
    store.proofs.insert(jti, ());
    Ok(Some(jkt))
}

fn is_recent(claims: &Object, now: u64) -> bool {
    claims.get("iat").and_then(Value::as_u64).is_some_and(|iat| iat.abs_diff(now) <= SKEW)
}

fn refuse(access_token: Option<&str>, problem: &str) -> Refusal {
    let refusal = Refusal::new("invalid_dpop_proof", problem);
    match access_token {
        Some(_) => {
            refusal.status(401).header("www-authenticate", "DPoP error=\"invalid_dpop_proof\"")
        }
        None => refusal,
    }
}

fn check_nonce(
    issuer: &Issuer,
    store: &mut Store,
    presented: Option<&str>,
    access_token: Option<&str>,
) -> Result<(), Refusal> {
    if !issuer.effects.rule(Rule::ProofNonce) {
        return Ok(());
    }
    let nonce = match &store.proof_nonce {
        Some(nonce) => nonce.clone(),
        None => store.proof_nonce.insert(random("sandbox-nonce")?).clone(),
    };
    if presented == Some(&nonce) {
        return Ok(());
    }
    let refusal =
        Refusal::new("use_dpop_nonce", "the DPoP proof requires the nonce of this server")
            .header("dpop-nonce", nonce);
    Err(match access_token {
        Some(_) => refusal.status(401).header("www-authenticate", "DPoP error=\"use_dpop_nonce\""),
        None => refusal,
    })
}

/// Verifies a proof with the key in its own header.
fn verify(proof: &str) -> Option<(Object, String)> {
    let header = jsonwebtoken::decode_header(proof).ok()?;
    let jwk = header.jwk?;
    let asymmetric = matches!(header.alg, Algorithm::ES256 | Algorithm::RS256 | Algorithm::EdDSA);
    if header.typ.as_deref() != Some("dpop+jwt") || !asymmetric {
        return None;
    }
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let claims = jsonwebtoken::decode::<Object>(proof, &key, &validation).ok()?.claims;
    Some((claims, jwk.thumbprint(ThumbprintHash::SHA256).ok()?))
}
