//! How the authorization response reaches this program: the loopback listener and its pages, the browser,
//! and pasted callbacks.
//!
//! Nothing in this module validates a response. [`Listener`] and [`PastedLines`] pass on what has the form
//! of an authorization response (RFC 6749, section 4.1.2) and arrived at the right redirect URI; the flow
//! validates its `state` and `iss`.

pub mod attempt;
mod bind;
pub mod browser;
mod candidate;
mod connection;
mod countdown;
pub mod device;
mod head;
mod headless;
mod launch;
#[cfg(unix)]
mod line_editor;
pub mod listener;
pub mod page;
pub mod paste;
mod rejected;
pub mod slots;
#[cfg(unix)]
pub mod terminal;

pub use crate::protocol::callback::{Parameters, parse_query};
pub use browser::{Browser, Launched};
pub use candidate::Candidate;
pub use countdown::COUNTDOWN_COLUMNS;
pub use headless::{Headless, Lookup, is_headless};
pub use listener::{Event, ListenOptions, Listener};
pub use page::Page;
pub use paste::{Pasted, PastedLines, parse_pasted};
pub use rejected::{RejectedRequest, RejectionReason};
