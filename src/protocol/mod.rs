//! The wire: builds requests and judges replies. It does no I/O of its own.

pub mod authorization;
pub mod json;
pub mod reply;
