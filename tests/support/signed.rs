//! id_tokens and key sets that the test signs and publishes itself, in place of those of the sandbox.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256,
};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::shapes::*;

/// The keys `k1` to `k4`, and one of an elliptic curve.
static RSA: [LazyLock<RsaKey>; 4] =
    [const { LazyLock::new(|| RsaKey::generate(KeySize::Rsa2048).unwrap()) }; 4];
static EC: LazyLock<EcdsaKeyPair> =
    LazyLock::new(|| EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap());

/// The secret of the client for which tokens are signed with HS256.
pub const SECRET: &str = oauthctl_sandbox::CONFIDENTIAL_SECRET;

/// An id_token before it is signed.
#[derive(Clone)]
pub struct Unsigned {
    pub header: Value,
    pub claims: Value,
    pub access_token: String,
}

fn rsa(name: &str) -> &'static RsaKey {
    let index = ["k1", "k2", "k3", "k4"].iter().position(|known| *known == name);
    &RSA[index.unwrap_or_else(|| panic!("no key {name}"))]
}

pub fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Replaces the id_token of a token response.
pub fn id_token(make: impl Fn(Unsigned) -> Value + Send + Sync + 'static) -> Shape {
    members(move |object| {
        let Some(Value::String(honest)) = object.get("id_token") else { return };
        let claims = URL_SAFE_NO_PAD.decode(honest.split('.').nth(1).unwrap()).unwrap();
        let unsigned = Unsigned {
            header: json!({ "alg": "RS256", "kid": "k1" }),
            claims: serde_json::from_slice(&claims).unwrap(),
            access_token: object["access_token"].as_str().unwrap().to_owned(),
        };
        object.insert("id_token".to_owned(), make(unsigned));
    })
}

impl Unsigned {
    fn input(&self) -> String {
        let claims = match &self.claims {
            Value::String(text) => text.clone(),
            claims => claims.to_string(),
        };
        format!("{}.{}", b64(self.header.to_string()), b64(claims))
    }

    fn by(&self, key: &RsaKey) -> String {
        let input = self.input();
        let mut signature = vec![0; key.public_modulus_len()];
        let random = SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, input.as_bytes(), &mut signature).unwrap();
        format!("{input}.{}", b64(signature))
    }

    /// Signs with `k1`, which is usually published.
    pub fn signed(&self) -> String {
        self.by(rsa("k1"))
    }

    /// Signs with `k2`, which is usually not.
    pub fn by_other_key(&self) -> String {
        self.by(rsa("k2"))
    }

    /// Signs with the weak key as if it were `k1`.
    pub fn by_weak_key(&self) -> String {
        let input = self.input();
        let signature = openssl(&["dgst", "-sha256", "-sign"], input.as_bytes());
        format!("{input}.{}", b64(signature))
    }

    /// Signs with the key of this name, and names it.
    pub fn by_key(self, name: &str) -> String {
        self.header("kid", json!(name)).by(rsa(name))
    }

    pub fn by_curve(mut self) -> String {
        self.header = json!({ "alg": "ES256", "kid": "ec" });
        let input = self.input();
        let signature = EC.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", b64(signature))
    }

    pub fn by_secret(mut self, secret: &[u8]) -> String {
        self.header["alg"] = json!("HS256");
        let input = self.input();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
        format!("{input}.{}", b64(tag))
    }

    pub fn unsigned(mut self, header: Value, signature: &str) -> String {
        self.header = header;
        format!("{}.{signature}", self.input())
    }

    pub fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().unwrap().remove(name);
        self
    }

    pub fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    /// Moves a time of it by so many seconds from its `iat`.
    pub fn at(self, name: &str, seconds: i64) -> Self {
        let iat = self.claims["iat"].as_i64().unwrap();
        self.claim(name, json!(iat + seconds))
    }

    /// Moves all its times.
    pub fn moved(self, seconds: i64) -> Self {
        self.at("exp", seconds + 3_600).at("auth_time", seconds).at("iat", seconds)
    }

    pub fn text(&self, name: &str) -> String {
        self.claims[name].as_str().unwrap().to_owned()
    }

    /// The left half of the hash of the access token.
    pub fn at_hash(&self) -> String {
        b64(&digest::digest(&digest::SHA256, self.access_token.as_bytes()).as_ref()[..16])
    }
}

/// A row that changes the token and signs it.
pub fn changed(change: impl Fn(Unsigned) -> Unsigned + Send + Sync + 'static) -> Shape {
    id_token(move |token| json!(change(token).signed()))
}

/// A row that writes the token itself.
pub fn written(write: impl Fn(Unsigned) -> String + Send + Sync + 'static) -> Shape {
    id_token(move |token| json!(write(token)))
}

/// The modulus in the DER of an RSA public key of 2048 bits (RFC 8017, appendix A.1.1).
fn rsa_jwk(key: &RsaKey, kid: &str) -> Value {
    let der = key.public_key().as_ref();
    json!({ "kty": "RSA", "n": b64(&der[9..265]), "e": "AQAB", "kid": kid, "use": "sig", "alg": "RS256" })
}

/// The public key of this name: `k1` to `k4`, or `ec`.
pub fn jwk(name: &str) -> Value {
    let point = EC.public_key().as_ref();
    match name {
        "ec" => json!({
            "kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..]),
            "kid": "ec", "use": "sig", "alg": "ES256",
        }),
        name => rsa_jwk(rsa(name), name),
    }
}

/// A key of 1024 bits in PEM. The cryptographic library makes none and signs with none.
static WEAK: LazyLock<Vec<u8>> =
    LazyLock::new(|| Command::new("openssl").args(["genrsa", "1024"]).output().unwrap().stdout);

/// The output of this command of openssl with the weak key.
fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut key = tempfile::NamedTempFile::new().unwrap();
    key.write_all(&WEAK).unwrap();
    let mut command = Command::new("openssl");
    command.args(args).arg(key.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().unwrap();
    running.stdin.take().unwrap().write_all(input).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// The weak key, published as `k1`.
pub fn weak_jwk() -> Value {
    let told = openssl(&["rsa", "-modulus", "-noout", "-in"], &[]);
    let digits = str::from_utf8(&told).unwrap().trim_end().strip_prefix("Modulus=").unwrap();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let modulus: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    json!({ "kty": "RSA", "n": b64(modulus), "e": "AQAB", "kid": "k1", "use": "sig", "alg": "RS256" })
}

/// Publishes these keys.
pub fn keys(all: Vec<Value>) -> Shape {
    body(json!({ "keys": all }).to_string())
}

/// The published key as text (PEM) and in DER, as a secret that everybody has.
pub fn public_key(pem: bool) -> Vec<u8> {
    // A SubjectPublicKeyInfo for RSA (RFC 3279, section 2.3.1): the algorithm, and the key as a bit string.
    let key = rsa("k1").public_key().as_ref();
    let mut der = vec![0x30, 0x82];
    der.extend(u16::try_from(19 + key.len()).unwrap().to_be_bytes());
    der.extend([0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0, 3, 0x82]);
    der.extend(u16::try_from(key.len() + 1).unwrap().to_be_bytes());
    der.push(0);
    der.extend(key);
    if !pem {
        return der;
    }
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|l| str::from_utf8(l).unwrap()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n")).into()
}

/// What the members of a JWK are without its name.
pub fn nameless(mut jwk: Value) -> Value {
    jwk.as_object_mut().map(|jwk: &mut Map<String, Value>| jwk.remove("kid"));
    jwk
}
