//! The directories within the state directory.

pub(super) const LOCKS: &str = "locks";
pub(super) const ACCOUNTS: &str = "accounts";
