//! The callback listener, from outside: raw bytes over real sockets, and a real browser.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod attacks;
mod attempt;
mod browser;
mod form_post;
mod pages;
mod ports;
mod proxy;
mod scene;
mod smuggling;
#[path = "../support/mod.rs"]
mod support;
