//! Who makes a request.

use crate::model::Tenant;

/// Who makes a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant.
    pub tenant: Tenant,
    /// Names the API key.
    pub key_id: String,
}
