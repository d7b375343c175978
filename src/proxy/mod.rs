//! A reverse proxy on this machine that lends a token without handing it out.
//!
//! A request passes the gate (its capability, host, site and path), the rules and the user's consent. Only
//! then is it sent on, with the token, by the authorizer.

mod forward;
mod gate;
mod headers;
mod kept;
pub mod listen;
mod metered;
mod reply;
pub mod rules;
mod serve;
mod shared;
mod upgrade;
mod watched;

pub use serve::serve;
pub use shared::Proxy;
