//! JWTs and exported records as they are, without verification.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The JSON in this part of a JWT: 0 is the header, 1 the claims.
#[track_caller]
pub fn jwt_part(jwt: &str, index: usize) -> Value {
    let part = jwt.split('.').nth(index).unwrap_or_else(|| panic!("no part {index}: {jwt}"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// The record in a line of `oauthctl export --plain`.
#[track_caller]
pub fn exported(line: &str) -> Value {
    assert!(line.starts_with("oauthctl-1-plain."), "{line}");
    jwt_part(line.trim_end(), 1)
}
