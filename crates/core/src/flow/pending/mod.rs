//! Started authorizations that wait for a response in another process or later.
//!
//! The state names the flow. What belongs to it (verifier, nonce, user, attributes, the server as it
//! was known) waits sealed in a [`PendingStore`](crate::port::PendingStore). A response is first recognized, by its
//! state alone and without the network; only then is it known which profile it belongs to.

mod claim;
mod complete;
mod expected;
mod flows;
mod info;
mod record;
mod start;

pub(super) use claim::Claim;
pub(super) use complete::complete;
pub use expected::Expected;
pub use flows::{PendingFlows, Recognized};
pub use info::PendingInfo;
pub(super) use start::start;
pub use start::{MAX_TTL, MAX_USER_BYTES, StartRequest, Started};
