//! The wire format: pure functions that build requests and validate responses.

pub(crate) mod answer;
pub(crate) mod authorization;
pub mod callback;
pub(crate) mod certificate;
pub mod challenge;
pub(crate) mod client_auth;
pub(crate) mod device;
pub(crate) mod dpop;
pub(crate) mod id_token;
pub(crate) mod jarm;
pub(crate) mod json;
pub(crate) mod jwks;
pub(crate) mod jws;
pub mod jwt;
pub(crate) mod members;
pub(crate) mod protected_resource;
pub(crate) mod public_key;
pub(crate) mod random;
pub(crate) mod refusal;
pub(crate) mod registration;
pub(crate) mod reply;
pub(crate) mod request_object;
pub mod response;
pub(crate) mod service_account;
pub(crate) mod signing_key;
pub mod state;
pub(crate) mod weak_rsa;

#[cfg(test)]
mod test_issuer;
