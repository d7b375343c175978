//! The journal of received requests.

use std::time::SystemTime;

/// A request that the sandbox received. Contains no secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// When the request was received.
    pub at: SystemTime,
    /// The issuer's path: empty for the one at the root, else `/s/NAME`.
    pub issuer_path: String,
    /// The endpoint: `token`, `authorize`, `jwks` and so on; `unknown` for any other path, and `canary` for
    /// the target of a scenario's redirect.
    pub endpoint: &'static str,
    /// The request's method.
    pub method: String,
    /// The grant type of a token request, if the sandbox knows it.
    pub grant_type: Option<&'static str>,
}
