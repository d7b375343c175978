//! Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to anything that needs one.

pub mod clock;
pub mod error;
pub mod flow;
pub mod grant;
pub mod http;
#[cfg(feature = "login")]
pub mod login;
pub mod port;
pub mod profile;
pub mod protocol;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod secret;
pub mod store;
pub mod text;
pub mod time;
pub mod trace;

pub use error::{Error, ErrorKind, OAuthError, Result};
pub use grant::{AccountEntry, Grant, GrantKey, Identity, TokenSet};
pub use secret::Secret;
pub use time::Timestamp;
