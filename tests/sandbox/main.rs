//! Drives the sandbox over real HTTP, as a client that is not this crate would.
#![cfg(feature = "sandbox")]
#![allow(missing_docs)]

mod clients;
mod identity;
mod login;
mod server;
mod support;
mod tokens;
