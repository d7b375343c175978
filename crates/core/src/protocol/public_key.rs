//! Public keys: parsed from a JWK (RFC 7517, RFC 7518, RFC 8037), used to verify, written as a JWK.

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, RsaParameters, UnparsedPublicKey};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value, json};

use super::jws::{Alg, b64};
use super::weak_rsa::{self, Weakness};

/// Some servers pad the values of their keys.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Maximum size of an RSA modulus, in bytes; a larger one only costs time.
const MAX_RSA_BYTES: usize = 1024;

/// A public key of a supported type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// RSA, big-endian without leading zeros.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The exponent.
        e: Vec<u8>,
    },
    /// A point of P-256, uncompressed (65 bytes).
    P256([u8; 65]),
    /// A point of P-384, uncompressed (97 bytes).
    P384([u8; 97]),
    /// An Ed25519 key (32 bytes).
    Ed25519([u8; 32]),
}

impl PublicKey {
    /// Parses the members of a JWK. Returns `None` if the type is unknown, a member is missing or a value
    /// is invalid.
    pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|t| LENIENT.decode(t).ok());
        match (text("kty")?, text("crv")) {
            ("RSA", _) => {
                let (n, e) = (without_zeros(&bytes("n")?), without_zeros(&bytes("e")?));
                let fits = !n.is_empty() && n.len() <= MAX_RSA_BYTES && (1..=5).contains(&e.len());
                fits.then_some(Self::Rsa { n, e })
            }
            ("EC", Some("P-256")) => point(&bytes("x")?, &bytes("y")?).map(Self::P256),
            ("EC", Some("P-384")) => point(&bytes("x")?, &bytes("y")?).map(Self::P384),
            ("OKP", Some("Ed25519")) => bytes("x")?.try_into().ok().map(Self::Ed25519),
            _ => None,
        }
    }

    /// Returns what makes an RSA key weak; `None` for other types.
    pub(crate) fn weakness(&self) -> Option<Weakness> {
        match self {
            Self::Rsa { n, e } => weak_rsa::weakness(n, e),
            _ => None,
        }
    }

    /// Returns whether such a key can create signatures with this algorithm.
    pub(crate) fn fits(&self, alg: Alg) -> bool {
        match self {
            Self::Rsa { .. } => rsa_parameters(alg).is_some(),
            Self::P256(_) => alg == Alg::ES256,
            Self::P384(_) => alg == Alg::ES384,
            Self::Ed25519(_) => alg == Alg::EdDSA,
        }
    }

    /// Returns whether `signature` was created over `message` with this key's private half. Always `false`
    /// for an algorithm that does not match, and for a weak key.
    pub(crate) fn verify(&self, alg: Alg, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(alg) || self.weakness().is_some() {
            return false;
        }
        match self {
            Self::Rsa { n, e } => rsa_parameters(alg).is_some_and(|parameters| {
                signature::RsaPublicKeyComponents { n, e }
                    .verify(parameters, message, signature)
                    .is_ok()
            }),
            Self::P256(at) => ec(&signature::ECDSA_P256_SHA256_FIXED, at, message, signature),
            Self::P384(at) => ec(&signature::ECDSA_P384_SHA384_FIXED, at, message, signature),
            Self::Ed25519(x) => {
                UnparsedPublicKey::new(&signature::ED25519, x).verify(message, signature).is_ok()
            }
        }
    }

    /// Returns the key as a JWK with only its required members, in the order of RFC 7638.
    pub(crate) fn to_jwk(&self) -> Value {
        match self {
            Self::Rsa { n, e } => json!({"e": b64(e), "kty": "RSA", "n": b64(n)}),
            Self::P256(point) => ec_jwk("P-256", &point[1..33], &point[33..]),
            Self::P384(point) => ec_jwk("P-384", &point[1..49], &point[49..]),
            Self::Ed25519(x) => json!({"crv": "Ed25519", "kty": "OKP", "x": b64(x)}),
        }
    }

    /// Returns the JWK thumbprint with SHA-256 (RFC 7638), as in `dpop_jkt` and `jkt`.
    pub(crate) fn thumbprint(&self) -> String {
        let canonical = self.to_jwk().to_string();
        b64(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes()))
    }
}

fn rsa_parameters(alg: Alg) -> Option<&'static RsaParameters> {
    Some(match alg {
        Alg::RS256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Alg::RS384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Alg::RS512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Alg::PS256 => &signature::RSA_PSS_2048_8192_SHA256,
        Alg::PS384 => &signature::RSA_PSS_2048_8192_SHA384,
        Alg::PS512 => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn ec(
    algorithm: &'static EcdsaVerificationAlgorithm,
    point: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    UnparsedPublicKey::new(algorithm, point).verify(message, signature).is_ok()
}

fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().skip_while(|b| *b == 0).collect()
}

fn ec_jwk(crv: &str, x: &[u8], y: &[u8]) -> Value {
    json!({"crv": crv, "kty": "EC", "x": b64(x), "y": b64(y)})
}

/// Returns an uncompressed point of `N` bytes (SEC 1, section 2.3.3).
fn point<const N: usize>(x: &[u8], y: &[u8]) -> Option<[u8; N]> {
    if x.len() != y.len() {
        return None;
    }
    [&[4], x, y].concat().try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(jwk: Value) -> Option<PublicKey> {
        PublicKey::from_jwk(jwk.as_object().unwrap())
    }

    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        let rsa = key(json!({
            "kty": "RSA", "alg": "RS256", "kid": "2011-04-29", "e": "AQAB",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6\
                  tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-\
                  65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLy\
                  rdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK\
                  nqDKgw"
        }))
        .unwrap();
        assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        assert_eq!(rsa.weakness(), None);
        let ed = key(json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        }))
        .unwrap();
        assert_eq!(ed.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn malformed_jwk_is_not_a_key() {
        let x = b64([1; 32]);
        for jwk in [
            json!({}),
            json!({"kty": "oct", "k": x}),
            json!({"kty": "rsa", "n": x, "e": "AQAB"}),
            json!({"kty": "RSA", "n": x}),
            json!({"kty": "RSA", "n": "", "e": "AQAB"}),
            json!({"kty": "RSA", "n": 5, "e": "AQAB"}),
            json!({"kty": "RSA", "n": "a b", "e": "AQAB"}),
            json!({"kty": "RSA", "n": b64(vec![255; 1025]), "e": "AQAB"}),
            json!({"kty": "RSA", "n": x, "e": b64([1; 6])}),
            json!({"kty": "EC", "crv": "P-256", "x": x}),
            json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}),
            json!({"kty": "EC", "crv": "secp256k1", "x": x, "y": x}),
            json!({"kty": "OKP", "crv": "X25519", "x": x}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": b64([1; 31])}),
        ] {
            assert_eq!(key(jwk.clone()), None, "{jwk}");
        }
    }

    #[test]
    fn point_off_curve_and_exponent_one_verify_nothing() {
        let x = b64([1; 32]);
        let off = key(json!({"kty": "EC", "crv": "P-256", "x": x, "y": x})).unwrap();
        assert!(!off.verify(Alg::ES256, b"m", &[1; 64]));
        // With an exponent of one every signature would be its own padding.
        let one = key(json!({"kty": "RSA", "n": b64([255; 256]), "e": "AQ"})).unwrap();
        let mut forged = vec![0, 1];
        forged.resize(256 - 52, 255);
        forged.extend_from_slice(&[
            0x00, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
            0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
        ]);
        forged.extend_from_slice(
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"m").as_ref(),
        );
        assert_eq!(forged.len(), 256);
        assert!(!one.verify(Alg::RS256, b"m", &forged));
    }

    #[test]
    fn key_verifies_only_with_its_own_algorithms() {
        use crate::protocol::test_issuer::TestKey;
        let (p256, ed) = (TestKey::p256(), TestKey::ed25519());
        let rows = [
            (&p256, jsonwebtoken::Algorithm::ES256, Alg::ES256),
            (&ed, jsonwebtoken::Algorithm::EdDSA, Alg::EdDSA),
            (TestKey::rsa(), jsonwebtoken::Algorithm::RS256, Alg::RS256),
        ];
        for (pair, theirs, ours) in rows {
            let made = jsonwebtoken::crypto::sign(b"m", &pair.encoding, theirs).unwrap();
            let made = LENIENT.decode(made).unwrap();
            let key = key(pair.public.clone()).unwrap();
            for (name, alg) in Alg::ALL {
                assert_eq!(key.verify(alg, b"m", &made), alg == ours, "{name} for {ours:?}");
            }
            assert!(!key.verify(ours, b"n", &made));
        }
    }
}
