//! Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to anything that needs one.
//!
//! This is the library under the `oauthctl` program. The program is its first user: whatever the
//! program does, it does through what is public here.
//!
//! # The map
//!
//! One deep module, [`flow`], holds everything hard about a grant: PKCE, state, validation, single
//! use, locking, rotation, crash safety. It sends what [`protocol`] builds, and believes only what
//! [`protocol`] has judged; [`protocol`] itself does no I/O, but for fetching a server's keys through
//! [`port::Http`]. The world is reached through the traits of [`port`], which the modules further
//! down implement.
//!
//! | floor | module | what it is for | where a change goes |
//! |---|---|---|---|
//! | 0 | [`secret`], [`grant`], [`error`], [`port`], [`text`], [`time`] | the nouns, the failures, the traits | a field of the stored record: [`grant`]; an exit code: [`error`] |
//! | 1 | [`profile`] | configuration, presets, discovery, where secrets come from | a new key: the table in `profile/keys.rs`; a provider: `profile/presets.toml` |
//! | 1 | [`protocol`] | builds requests, judges replies, does no I/O | a provider's deviation in token responses: [`protocol::reply`] |
//! | 1 | [`trace`] | the teaching trace and HAR files, with one redactor | what is shown of a parameter: `trace/names.rs` |
//! | 2 | [`flow`] | the life of a grant | asking and redeeming: `flow/start.rs`, `flow/complete.rs`; who refreshes when: `flow/renew.rs`; the refresh itself: `flow/refresh.rs`; grants without a person: `flow/obtain.rs`; headers and retries: `flow/exchange.rs`; what is durable when: `flow/commit.rs` |
//! | 3 | [`store`] | keyring, encrypted files, memory, locks and the index of accounts | a store of the program's: a file there that implements [`port::GrantStore`]; a store of yours needs no change here |
//! | 3 | `login` | loopback listener, page, browser, pasted callbacks, and one login as a whole (`login::attempt`) | what a browser sees: `login/page.rs` |
//! | 3 | `sandbox` | the embedded authorization server | a scenario: a row of `sandbox/scenario` |
//! | 3 | [`hook`] | runs hooks that are commands | what they inherit, their limits: [`hook`] |
//! | 3 | [`http`], [`clock`] | the transport and the clock of the real world | time limits, proxies, certificates: [`http`] |
//! | 5 | the program: `main.rs`, `cli/` | one file a command; `cli/report.rs` alone prints | a flag: the `Args` of its command; a format of tokens: `cli/format.rs` |
//!
//! A module imports from lower floors only; `tests/floors.rs` holds the walls. A foreign crate that
//! touches the world stands in one place: reqwest in [`http`], age in [`store`], hyper in `login`
//! and `sandbox`, clap in the program.
//!
//! # A token in a few lines
//!
//! ```no_run
//! use std::{sync::Arc, time::Duration};
//! use oauthctl::flow::{FlowManager, NoSecrets, Ports, TokenRequest};
//! use oauthctl::store::{MemoryCoordinator, MemoryStore};
//! use oauthctl::{GrantKey, clock::SystemClock, http::HttpClient, profile::Config, trace::Trace};
//!
//! # async fn show() -> oauthctl::Result<()> {
//! let manager = FlowManager::new(Ports {
//!     http: Arc::new(HttpClient::new(Default::default())),
//!     clock: Arc::new(SystemClock),
//!     store: Arc::new(MemoryStore::new()), // or a store of yours: see `port::GrantStore`
//!     coordinator: Arc::new(MemoryCoordinator::new(Arc::new(SystemClock))),
//!     secrets: Arc::new(NoSecrets),
//!     committed: None,
//!     trace: Trace::off(),
//!     discovery_cache: None,
//! });
//! let config = Config::load("config.toml".as_ref())?;
//! let profile = config.profile("gitlab")?;
//! let want = TokenRequest { min_ttl: Duration::from_secs(60), ..TokenRequest::default() };
//! let handout = manager.token(profile, &GrantKey::new("gitlab", "default"), &want).await?;
//! println!("{} works until {:?}", handout.tokens.token_type, handout.tokens.expires_at);
//! # Ok(()) }
//! ```
//!
//! # What is guaranteed
//!
//! - However many callers and processes ask at once, one refresh request is made per account.
//! - A refresh token that was replaced is durable before the new access token is handed out, and
//!   nothing is spent that cannot be saved: the store is proved writable first.
//! - A grant is pinned to the issuer, token endpoint and client that gave it. Its refresh token is
//!   sent nowhere else, whatever configuration or metadata say later.
//! - A code is sent once. A callback counts only with the state of its own flow.
//! - No secret is in an [`Error`], a `Debug`, a trace, or a file that is not encrypted.
//! - Nothing here prints, exits, or reads an environment variable.
//!
//! # Features
//!
//! `cli` (on by default) builds the program and turns on the others. Without default features the
//! crate is the flow with its transport and an in-memory store: `login` adds the listener and the browser,
//! `keyring` and `file` the stores, `sandbox` the server for tests.

pub mod clock;
pub mod error;
pub mod flow;
pub mod grant;
pub mod hook;
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
