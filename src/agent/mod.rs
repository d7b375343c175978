//! The agent: a process that holds tokens and hands them out on a Unix socket. `docs/agent.md` describes its
//! protocol.

mod broker;
pub mod client;
#[cfg(unix)]
pub mod message;
#[cfg(unix)]
pub mod server;
#[cfg(unix)]
pub mod sleep;
#[cfg(unix)]
pub mod slots;
pub mod tables;
