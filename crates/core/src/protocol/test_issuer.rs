//! An issuer for tests: keys made at test time, tokens signed by another JOSE implementation than
//! the one under test, and a server that serves what it is given, in order, and counts.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::{Value, json};

use super::jws::b64;
use super::signing_key::SigningKey;
use crate::port::{BoxFuture, Http, HttpError, HttpRequest, HttpResponse};
use crate::secret::Secret;

/// A key pair in the forms that both sides need.
pub(crate) struct TestKey {
    pub(crate) pkcs8: Vec<u8>,
    pub(crate) encoding: EncodingKey,
    pub(crate) public: Value,
}

impl TestKey {
    fn new(pkcs8: &[u8], encoding: EncodingKey) -> Self {
        let key = SigningKey::from_stored(&Secret::new(STANDARD.encode(pkcs8))).unwrap();
        Self { pkcs8: pkcs8.to_vec(), encoding, public: key.public().unwrap().to_jwk() }
    }

    fn new_rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
        let pem = pem("PRIVATE KEY", der.as_ref());
        Self::new(der.as_ref(), EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap())
    }

    pub(crate) fn rsa() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(Self::new_rsa)
    }

    pub(crate) fn other_rsa() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(Self::new_rsa)
    }

    pub(crate) fn p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(der.as_ref(), EncodingKey::from_ec_der(der.as_ref()))
    }

    pub(crate) fn p384() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(der.as_ref(), EncodingKey::from_ec_der(der.as_ref()))
    }

    pub(crate) fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8v1().unwrap();
        Self::new(der.as_ref(), EncodingKey::from_ed_der(der.as_ref()))
    }

    /// The public JWK with these further members.
    pub(crate) fn jwk(&self, more: Value) -> Value {
        let mut jwk = self.public.clone();
        jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        jwk
    }

    /// A JWT with exactly this header and these claims.
    pub(crate) fn sign(&self, alg: Algorithm, header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &self.encoding, alg).unwrap();
        format!("{message}.{signature}")
    }

    /// The other implementation's view of the public key.
    pub(crate) fn decoding(&self) -> DecodingKey {
        DecodingKey::from_jwk(&serde_json::from_value(self.public.clone()).unwrap()).unwrap()
    }
}

/// A PEM text.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<&str> =
        body.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// A JWK Set.
pub(crate) fn set(keys: &[Value]) -> Value {
    json!({ "keys": keys })
}

/// A status and a body, or none.
type Answer = Result<(u16, Vec<u8>), HttpError>;

/// Serves answers in order; asking once more than there are is a failure of the test.
pub(crate) struct Served {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<HttpRequest>>,
}

impl Served {
    pub(crate) fn new(answers: Vec<Answer>) -> Self {
        Self { answers: Mutex::new(answers.into()), asked: Mutex::default() }
    }

    pub(crate) fn sets(sets: &[Value]) -> Self {
        Self::new(sets.iter().map(|set| Ok((200, set.to_string().into_bytes()))).collect())
    }

    pub(crate) fn requests(&self) -> Vec<HttpRequest> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

impl Http for Served {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        self.asked.lock().unwrap().push(request.clone());
        let answer = self.answers.lock().unwrap().pop_front().expect("one request too many");
        Box::pin(async move {
            // Gives others a turn, so that callers that come together do meet.
            tokio::task::yield_now().await;
            answer.map(|(status, body)| HttpResponse {
                status,
                headers: Vec::new(),
                body: body.into(),
            })
        })
    }
}
