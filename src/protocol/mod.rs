//! The wire: requests are built and replies are judged here, by pure functions over given values.

pub mod authorization;
pub mod callback;
pub mod client_auth;
pub mod dpop;
pub mod id_token;
pub mod json;
pub mod jwks;
pub mod jws;
pub mod public_key;
pub mod random;
pub mod reply;
pub mod response;
pub mod signing_key;
pub mod state;

#[cfg(test)]
mod test_issuer;
