//! Drives the sandbox over real HTTP, as a client that is not this crate would.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod clients;
#[path = "../support/clock.rs"]
mod clock;
mod identity;
#[path = "../support/jwt.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod jwt;
mod login;
mod scene;
mod server;
mod tokens;
