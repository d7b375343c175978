//! Drives the sandbox over real HTTP, as a client that is not this crate would.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod clients;
mod identity;
mod login;
mod server;
mod support;
mod tokens;
