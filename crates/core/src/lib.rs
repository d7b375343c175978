//! Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to the programs that need them.
//!
//! An application sends its user to an authorization server, receives the response, and from then on
//! requests a token whenever it needs one. This crate does everything in between: PKCE, `state`,
//! validation, single use, storage, locking, refresh, rotation. It is the library of the `oauthctl`
//! program.
//!
//! ```toml
//! [dependencies]
//! oauthctl-core = "0.1" # only the flow: see "Features"
//! ```
//!
//! # A token in fifteen lines
//!
//! ```
//! # fn main() -> oauthctl_core::Result<()> {
//! #     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
//! #     runtime.block_on(show())
//! # }
//! # async fn show() -> oauthctl_core::Result<()> {
//! # use oauthctl_core::port::{Http, HttpRequest, Method};
//! # use oauthctl_sandbox::{Sandbox, SandboxOptions};
//! # let mut options = SandboxOptions::default();
//! # options.auto_consent = true;
//! # let sandbox = Sandbox::start(options).await.unwrap();
//! # let issuer = sandbox.issuer();
//! use oauthctl_core::profile::Config;
//! use oauthctl_core::{AuthorizationResponse, Expected, FlowManager};
//! use oauthctl_core::{Ports, StartRequest, TokenRequest};
//!
//! let config: Config = format!("[profiles.example]
//!     issuer = '{issuer}'
//!     client_id = 'my-application'
//!     redirect_uri = 'http://127.0.0.1:8080/callback'").parse()?;
//! let manager = FlowManager::new(config.profiles.into_values(), Ports::in_memory());
//!
//! // "Connect my account": send the user to the URL, and keep the state in the user's session.
//! let started = manager.start("example", StartRequest::for_user("4711")).await?;
//! # let url = started.authorization_url.parse().unwrap();
//! # let (headers, body) = (Vec::new(), Default::default());
//! # let request = HttpRequest { purpose: "browser", method: Method::Get, url, headers, body };
//! # let answer = manager.ports().http.send(&request).await.unwrap();
//! # let callback = answer.header("location").unwrap();
//!
//! // The user returns to the redirect URI, in this process or in another.
//! let response = AuthorizationResponse::from_url(callback)?;
//! let done = manager.complete(&response, &Expected::default().state(started.state)).await?;
//!
//! // From now on, wherever a token is needed: a valid one, refreshed if necessary.
//! let token = manager.token(&done.grant.key, &TokenRequest::default()).await?;
//! println!("Authorization: Bearer {}", token.value.expose());
//! # assert_eq!((done.grant.user.as_deref(), done.grant.key.account.as_str()), (Some("4711"), "4711"));
//! # Ok(()) }
//! ```
//!
//! [`AuthorizationResponse::from_parameters`] accepts the parameters that a web framework has parsed. With
//! profiles of several servers, add [the URL that received them](AuthorizationResponse::received_at).
//! [`FlowManager`] runs in a [tokio](https://docs.rs/tokio) runtime of either flavor with timers and I/O
//! enabled (`enable_all`); [`blocking::FlowManager`] is for programs without one.
//! `docs/reference/configuration.md` documents the keys of a profile: preset, endpoints, client
//! authentication, scopes and others.
//!
//! Requires Rust 1.89 or later. The crate has not been released yet, so names may still change. The
//! `examples` in the repository are complete programs that need no setup: `track_consent` (which of
//! several known users have consented), `signed_state` (start in one process, complete in another),
//! `pkce_manager` (flows of many users in the caller's own stores) and `grant_rules` (rules before and
//! after every token).
//!
//! # Without a redirect URI
//!
//! With the device authorization grant (RFC 8628), the user enters a code on any device:
//!
//! ```no_run
//! # use oauthctl_core::flow::DeviceRequest;
//! # use oauthctl_core::{FlowManager, GrantKey, TokenRequest};
//! # async fn show(manager: FlowManager) -> oauthctl_core::Result<()> {
//! let key = GrantKey::new("example", "default");
//! let device = manager.authorize_device(DeviceRequest::new(key.clone())).await?;
//! println!("Enter {} at {}", device.user_code, device.verification_uri);
//! manager.complete_device(device).await?;
//! let token = manager.token(&key, &TokenRequest::default()).await?;
//! # Ok(()) }
//! ```
//!
//! # Errors
//!
//! Every error has an [`ErrorKind`], which says what failed and what to do. A response that cannot be
//! trusted is distinct from a user who denied access, a server that refused, and a network that failed:
//!
//! ```
//! use oauthctl_core::{Error, ErrorKind};
//!
//! /// Returns what to tell a user whose account could not be connected.
//! fn tell(error: &Error) -> &'static str {
//!     match error.kind() {
//!         // Forged, altered, expired, used, or of another session; or possibly of another server,
//!         // because the URL that received it is unknown. Nothing was redeemed.
//!         ErrorKind::InvalidState => "This link is invalid or has expired.",
//!         ErrorKind::AccessDenied => "You denied access.",
//!         // Does not match the request: wrong `iss`, nonce, id_token or user. Investigate it.
//!         ErrorKind::Validation => "The response cannot be trusted.",
//!         // `oauth_error()` has the server's code and description.
//!         ErrorKind::ServerRefused => "The server refused the request.",
//!         // The user has not consented yet, or the consent has ended: `start` again.
//!         ErrorKind::LoginRequired => "Please connect your account again.",
//!         _ if error.is_transient() => "Please try again later.",
//!         _ => "An internal error occurred.",
//!     }
//! }
//! # assert_eq!(tell(&Error::new(ErrorKind::Unavailable, "")), "Please try again later.");
//! ```
//!
//! [`Error::message`] says what happened. It is for your log: tell your users in your own words. [`Error::advice`]
//! says what to do about it, as data that names no command of any program. Neither contains secrets or terminal
//! control characters.
//!
//! ```
//! use oauthctl_core::{Advice, Error, GrantKey};
//!
//! /// What your page offers to the user, and what it leaves to the operator of the service.
//! fn offer(error: &Error) -> String {
//!     let words = error.advice().iter().map(|advice| match advice {
//!         Advice::LogIn(key) => format!("[Connect {}](/connect/{})", key.profile, key.profile),
//!         advice if advice.is_start() => "[Connect again](/connect)".to_owned(),
//!         Advice::Retry | Advice::RetryLater => "Please try again later.".to_owned(),
//!         Advice::Configure { keys, .. } => format!("Our configuration is wrong: {keys:?}."),
//!         other => other.to_string(),
//!     });
//!     words.collect::<Vec<_>>().join(" ")
//! }
//! # let error = Error::login_required("not logged in").hint(Advice::LogIn(GrantKey::new("p", "4711")));
//! # assert_eq!(offer(&error), "[Connect p](/connect/p)");
//! # let error = Error::unavailable("no answer").hint(Advice::RetryLater).and_hint("it may be down");
//! # assert_eq!(offer(&error), "Please try again later. it may be down");
//! ```
//!
//! # Your own database
//!
//! [`port::GrantStore`] and [`port::PendingStore`] are small, object-safe traits: implement them over your
//! existing user tables, and pass them to [`Ports`]. [`port`] has an example of each, and documents what an
//! implementation must guarantee.
//!
//! ```
//! # use std::sync::Arc;
//! # use oauthctl_core::{Ports, Secret, store::{MemoryPending, MemoryStore}, clock::SystemClock};
//! # use oauthctl_core::{StateKey, StateKeys};
//! # fn show(my_grants: Arc<MemoryStore>, my_flows: Arc<MemoryPending>, secret: Secret) -> oauthctl_core::Result<()> {
//! let ports = Ports::in_memory()
//!     .with_store(my_grants)
//!     .with_pending(my_flows, StateKeys::of_secret(&secret)?);
//! # Ok(()) }
//! # let clock = Arc::new(SystemClock);
//! # show(Arc::default(), Arc::new(MemoryPending::new(clock, 1)), StateKey::generate()?)?;
//! # Ok::<(), oauthctl_core::Error>(())
//! ```
//!
//! Every process that completes flows must know the secret of [`StateKeys`]. HS256 is sufficient. Rotate
//! with `StateKeys::new(new, vec![old])`, and remove the old key once the states that it signed have
//! expired.
//!
//! # Guarantees
//!
//! - However many callers and processes request a token at the same time, one refresh request is made per
//!   account.
//! - A replaced refresh token is durable before the new access token is handed out, and nothing is spent
//!   that cannot be saved: the store is checked first.
//! - A grant is pinned to the issuer, token endpoint and client that issued it. Its refresh token is sent
//!   nowhere else, whatever configuration or metadata say later.
//! - A code is sent once. A state works once, until it expires, for the profile, client and server for
//!   which it was created.
//! - No secret appears in an [`Error`], a `Debug` output, or a trace, and no token in an unencrypted file.
//!   The keys that protect them (`state.key`, `store.key`) are in files of mode 0600, or are provided by you.
//! - The library never prints or exits, and reads no environment variable except those of the proxy
//!   ([`http::Proxy::Environment`]), `HOME` for a `~/` in the configuration, and those that commands inherit
//!   ([`hook::CommandHooks`]).
//!
//! The processes of the first guarantee are those that share a store and a [`port::Coordinator`].
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `login` | the loopback listener, its page, the browser, pasted callbacks: `oauthctl_core::login` |
//! | `keyring` | the operating system's keyring: `oauthctl_core::store::KeyringStore` |
//! | `file` | age-encrypted files: `oauthctl_core::store::FileStore` |
//!
//! No feature is enabled by default. The crate then contains the flow with its HTTP client, and stores in
//! memory and in the state directory, but no browser, keyring or server. The command line is the package
//! `oauthctl`, and `oauthctl-sandbox` is an authorization server for tests, with named misbehaviors.
//!
//! # Architecture
//!
//! The module [`flow`] implements the life cycle of a grant: PKCE, state, validation, single use,
//! locking, rotation, crash safety. It sends what [`protocol`] builds, and trusts only what [`protocol`]
//! has validated. [`protocol`] itself does no I/O, except for fetching a server's keys through
//! [`port::Http`]. Everything external is reached through the traits of [`port`], which the modules further
//! down implement.
//!
//! | layer | module | what it is for |
//! |---|---|---|
//! | 0 | [`secret`], [`grant`], [`error`], [`port`], [`files`], [`text`], [`time`], [`tone`] | the data types, the errors, the traits, private files |
//! | 1 | [`profile`] | configuration, presets, discovery, sources of secrets |
//! | 1 | [`protocol`] | builds requests, validates responses |
//! | 1 | [`trace`] | the protocol trace and HAR files, with one redactor |
//! | 2 | [`flow`] | the lifecycle of a grant |
//! | 3 | [`store`] | keyring, encrypted files, memory, locks, the index of accounts, the keys of states |
//! | 3 | `login` | loopback listener, page, browser, pasted callbacks, and one login as a whole (`login::attempt`) |
//! | 3 | [`hook`] | runs hooks as commands |
//! | 3 | [`http`], [`clock`] | the real transport and clock |
//! | 3 | [`blocking`] | the flow without an asynchronous runtime; ready-made ports |
//!
//! A module imports only from lower layers; `tests/floors.rs` enforces that. A foreign crate that performs
//! I/O is used in only one place: reqwest in [`http`], age in [`store`], hyper in `login`. The page
//! `docs/architecture.md` of the repository says where a change belongs.

#![warn(unreachable_pub)]

mod advice;
pub mod blocking;
pub mod clock;
mod digest;
pub mod error;
#[cfg_attr(not(all(feature = "file", feature = "keyring")), allow(dead_code))]
pub mod files;
pub mod flow;
pub mod grant;
pub mod hook;
pub mod http;
#[cfg(feature = "login")]
pub mod login;
mod parameters;
pub mod port;
mod process;
pub mod profile;
pub mod protocol;
mod ready;
mod redact;
pub mod secret;
pub mod store;
pub mod text;
pub mod time;
pub mod tone;
pub mod trace;

pub use advice::{Advice, StoredAccount};
pub use error::{Error, ErrorKind, OAuthError, Result};
pub use flow::{AccessToken, Expected, FlowManager, Ports, StartRequest, Started, TokenRequest};
pub use grant::{AccountEntry, Grant, GrantInfo, GrantKey, Identity, TokenSet};
pub use protocol::response::AuthorizationResponse;
pub use protocol::state::{StateAlg, StateKey, StateKeys};
pub use secret::Secret;
pub use time::Timestamp;
