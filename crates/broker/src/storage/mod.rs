//! Stores records that must survive a restart and be shared by all instances.
//!
//! [`Storage`] is a small contract over records: opaque bytes with a revision, found by space, tenant and id.
//! Values are encrypted before they get here ([`crate::vault`]), and ids contain no user reference
//! ([`crate::names`]), so that a backend, its dumps and its logs reveal nothing. A backend implements this
//! trait and nothing else; `tests/broker/storage.rs` runs one suite over all of them.

mod contract;
mod failure;
pub mod open;
pub mod postgres;
pub mod record;
pub mod redis;
mod remote;
pub mod sqlite;

pub use contract::Storage;
pub use open::{Location, open};
pub use record::{
    Addition, Change, Changes, Condition, Key, Record, Removal, Space, Usage, Write, Written,
};
pub(crate) use remote::is_loopback;
