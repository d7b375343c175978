//! Login and token exchange from end to end: the built program against a strict third-party server and
//! against a hostile one, with a scripted browser or a user who pastes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod before_browser;
mod by_url;
mod callback;
mod ciba;
mod client_auth;
mod conformance;
mod device;
mod device_servers;
mod discovery;
mod dpop;
mod fapi;
mod identity;
mod limits;
mod login;
mod machines;
mod mix_up;
mod once;
mod providers;
mod proxy;
mod real_servers;
mod refreshes;
mod replies;
mod scopes;
mod shown_url;
mod terminal;
mod trust;
mod user;
