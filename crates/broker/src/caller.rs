//! Who makes a request.

use crate::clock::now_seconds;
use crate::model::Tenant;

/// Who makes a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant.
    pub tenant: Tenant,
    /// Names the API key.
    pub key_id: String,
    /// When the API key ends, in Unix seconds.
    pub expires_at: Option<u64>,
}

impl Caller {
    /// Returns whether the API key has not ended.
    pub fn has_valid_key(&self) -> bool {
        self.expires_at.is_none_or(|at| now_seconds() < at)
    }
}
