//! The callback listener, from outside: raw bytes over real sockets, and a real browser.
#![cfg(feature = "login")]

mod attacks;
mod attempt;
mod browser;
mod form_post;
mod pages;
mod ports;
mod support;
