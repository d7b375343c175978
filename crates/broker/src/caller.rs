//! The sender of a request.

use crate::clock::now_seconds;
use crate::flow::Place;
use crate::model::Tenant;
use crate::problem::Problem;

/// The sender of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The tenant.
    pub tenant: Tenant,
    /// The id of the API key.
    pub key_id: String,
    /// When the API key ends, in Unix seconds.
    pub expires_at: Option<u64>,
}

impl Caller {
    /// Returns the place of a connection that the request names.
    ///
    /// # Errors
    ///
    /// Returns 404 for a user that no connection can have.
    pub fn place(
        &self,
        provider: impl Into<String>,
        user: impl Into<String>,
    ) -> Result<Place, Problem> {
        let place = Place::of_caller(&self.tenant.name, provider, user);
        place.ok_or_else(Problem::not_found)
    }

    /// Returns whether the API key has not ended.
    pub fn has_valid_key(&self) -> bool {
        self.expires_at.is_none_or(|at| now_seconds() < at)
    }
}
