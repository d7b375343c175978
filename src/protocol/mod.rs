//! The wire: requests are built and replies are judged here, by pure functions over given values.

pub mod client_auth;
pub mod dpop;
pub mod id_token;
pub mod jwks;
pub mod jws;
pub mod public_key;
pub mod random;
pub mod signing_key;

#[cfg(test)]
mod test_issuer;
