//! An id_token: as it stands, or with these claims, correctly signed. What is accepted is for this client, from this
//! issuer, and for this login.

#![no_main]

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use libfuzzer_sys::fuzz_target;
use oauthctl_fuzz::{CLIENT, CLIENT_SECRET, Client, ISSUER, authentic, json, parameter};
use serde_json::{Value, json};

fuzz_target!(|input: (bool, &str)| {
    let (signed, text) = input;
    let client = Client::new();
    let started = client.start("openid");
    let nonce = parameter(&started, "nonce");
    let claims = text.replace("NONCE", &nonce);
    let id_token = if signed { sign(&claims) } else { text.to_owned() };
    let body = json!({ "access_token": "a", "token_type": "Bearer", "id_token": id_token });
    let response = json(200, body.to_string().as_bytes());
    let done = client.complete(&authentic(&started), Some(response));
    if done.is_ok() {
        assert!(signed, "accepted without a signature: {text}");
        let claims: Value = serde_json::from_str(&claims).unwrap();
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["nonce"], nonce.as_str());
        let audience = &claims["aud"];
        let is_ours = |audience: &Value| audience == CLIENT;
        assert!(
            is_ours(audience) || audience.as_array().is_some_and(|all| all.iter().any(is_ours))
        );
    }
});

fn sign(claims: &str) -> String {
    let header = BASE64.encode(r#"{"alg":"HS256"}"#);
    let signed = format!("{header}.{}", BASE64.encode(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
    let signature = BASE64.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}
