//! Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to anything that needs one.

pub mod error;
pub mod grant;
#[cfg(feature = "login")]
pub mod login;
pub mod port;
pub mod profile;
pub mod secret;
pub mod text;
pub mod time;

pub use error::{Error, ErrorKind, OAuthError, Result};
pub use grant::{AccountEntry, Grant, GrantKey, Identity, TokenSet};
pub use secret::Secret;
pub use time::Timestamp;
