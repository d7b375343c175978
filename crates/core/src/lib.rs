//! Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to anything that needs one.
//!
//! An application sends a person to an authorization server, takes the response, and from then on asks
//! for a token whenever it needs one; everything between is here: PKCE, `state`, validation, single
//! use, storage, locking, refresh, rotation. This is the library under the `oauthctl` program, which
//! is its first user.
//!
//! ```toml
//! [dependencies]
//! oauthctl-core = "0.1" # the flow alone: see "Features"
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
//! // "Connect my account": send the person to the URL, and keep the state in their session.
//! let started = manager.start("example", StartRequest::for_user("4711")).await?;
//! # let url = started.authorization_url.parse().unwrap();
//! # let (headers, body) = (Vec::new(), Default::default());
//! # let request = HttpRequest { purpose: "browser", method: Method::Get, url, headers, body };
//! # let answer = manager.ports().http.send(&request).await.unwrap();
//! # let callback = answer.header("location").unwrap();
//!
//! // The person comes back to the redirect URI, in this process or in another.
//! let response = AuthorizationResponse::from_url(callback)?;
//! let done = manager.complete(&response, &Expected::default().state(started.state)).await?;
//!
//! // From now on, wherever a token is needed: one that works, refreshed if it has to be.
//! let token = manager.token(&done.grant.key, &TokenRequest::default()).await?;
//! println!("Authorization: Bearer {}", token.value.expose());
//! # assert_eq!((done.grant.user.as_deref(), done.grant.key.account.as_str()), (Some("4711"), "4711"));
//! # Ok(()) }
//! ```
//!
//! [`AuthorizationResponse::from_parameters`] takes what a web framework has parsed; with profiles of
//! several servers, add [where it came in](AuthorizationResponse::received_at).
//! [`FlowManager`] runs in a [tokio](https://docs.rs/tokio) runtime with its timers and I/O enabled
//! (`enable_all`), of either flavour; [`blocking::FlowManager`] does the same in programs that have
//! none. `docs/reference/configuration.md` documents the keys of a profile: preset, endpoints, client
//! authentication, scopes and others.
//!
//! This needs Rust 1.89 or later. Nothing is released yet: names may still change. The `examples` of
//! the repository are whole programs with nothing to set up: `track_consent` (who of some known users
//! has consented), `signed_state` (start in one process, complete in another), `pkce_manager` (flows of
//! many users in stores of the caller's own) and `grant_rules` (rules before and after every token).
//!
//! # What can go wrong
//!
//! Every error has an [`ErrorKind`], which says whose fault it is and what to do. A response that
//! cannot be trusted is told apart from a person who said no, a server that refused, and a network
//! that failed:
//!
//! ```
//! use oauthctl_core::{Error, ErrorKind};
//!
//! /// What to tell the person whose account could not be connected.
//! fn tell(error: &Error) -> &'static str {
//!     match error.kind() {
//!         // Forged, altered, expired, used, or another session's; or it can be another server's,
//!         // because it was not said where it came in. Nothing was redeemed.
//!         ErrorKind::InvalidState => "This link is not yours, or not valid any more.",
//!         ErrorKind::AccessDenied => "You have not agreed.",
//!         // Not what was asked for: wrong `iss`, nonce, id_token or person. Look into it.
//!         ErrorKind::Validation => "The answer cannot be trusted.",
//!         // `oauth_error()` has the server's own code and description.
//!         ErrorKind::ServerRefused => "The server has refused.",
//!         // Nobody has consented yet, or the consent has ended: `start` again.
//!         ErrorKind::LoginRequired => "Please connect your account again.",
//!         _ if error.is_transient() => "Please try again later.",
//!         _ => "This is our fault.",
//!     }
//! }
//! # assert_eq!(tell(&Error::new(ErrorKind::Unavailable, "")), "Please try again later.");
//! ```
//!
//! [`Error::message`] says what happened. It is for your log: tell your users in your own words. [`Error::advice`]
//! says what to do about it, as data that names no command of any program. Neither contains a secret, nor
//! anything that a terminal would obey.
//!
//! ```
//! use oauthctl_core::{Advice, Error, GrantKey};
//!
//! /// What your page offers to the user, and what it leaves to whoever runs the service.
//! fn offer(error: &Error) -> String {
//!     let words = error.advice().iter().map(|advice| match advice {
//!         Advice::LogIn(key) => format!("[Connect {}](/connect/{})", key.profile, key.profile),
//!         Advice::StartAgain | Advice::AllowAccess => "[Connect again](/connect)".to_owned(),
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
//! [`port::GrantStore`] and [`port::PendingStore`] are small, object-safe traits: implement them over
//! the tables that your users are in, and give them to [`Ports`]. [`port`] has an example of each, and
//! says what an implementation must keep.
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
//! The secret of [`StateKeys`] is what every process that completes flows must know. HS256 is enough;
//! rotate with `StateKeys::new(new, vec![old])`, and drop the old one once the states that it made
//! have expired.
//!
//! # What is guaranteed
//!
//! - However many callers and processes ask at once, one refresh request is made per account.
//! - A refresh token that was replaced is durable before the new access token is handed out, and
//!   nothing is spent that cannot be saved: the store is proved writable first.
//! - A grant is pinned to the issuer, token endpoint and client that gave it. Its refresh token is
//!   sent nowhere else, whatever configuration or metadata say later.
//! - A code is sent once. A state works once, until it expires, for the profile, client and server
//!   that it was made for.
//! - No secret is in an [`Error`], a `Debug`, or a trace, and no token in a file that is not
//!   encrypted. The keys that protect them (`state.key`, `store.key`) are in files of mode 0600, or
//!   are yours to keep.
//! - Nothing here prints, exits, or reads an environment variable, but for the proxy's
//!   ([`http::Proxy::Environment`]), `HOME` for a `~/` in configuration, and what commands are given
//!   ([`hook::CommandHooks`]).
//!
//! The processes of the first point are those that share a store and a [`port::Coordinator`].
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `login` | the loopback listener, its page, the browser, pasted callbacks: `oauthctl_core::login` |
//! | `keyring` | the operating system's keyring: `oauthctl_core::store::KeyringStore` |
//! | `file` | age-encrypted files: `oauthctl_core::store::FileStore` |
//!
//! None is on by default: that is the flow with its HTTP client and stores in memory and in the state
//! directory, without a browser, keyring or server. The command line is the package `oauthctl`, and
//! an authorization server for tests, with misbehaviours by name, is `oauthctl-sandbox`.
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
//! | 1 | [`profile`] | configuration, presets, discovery, where secrets come from | a new key: the table in `profile/keys.rs`; a provider: `profile/presets.toml`; which redirect path: `profile/callbacks.rs`; a hook event: `EVENTS` in `profile/keys.rs`, asked through `flow/hooks` |
//! | 1 | [`protocol`] | builds requests, judges replies | what of an authorization response is believed: `protocol/authorization.rs`; a provider's deviation in token responses: `protocol/reply.rs`; what a refusal means: `protocol/refusal.rs`; a claim of the state: `protocol/state.rs`, filled in `flow/pending/start.rs`, validated in `flow/pending` |
//! | 1 | [`trace`] | the teaching trace and HAR files, with one redactor | what is said of a step: `trace/explain.rs`; what is shown of a parameter: `trace/names.rs` |
//! | 2 | [`flow`] | the life of a grant | a token from top to bottom: `flow/token.rs`; when a stored token is enough: `flow/tokens.rs`; the refresh itself: `flow/refresh.rs`, what becomes of its answer: `flow/refreshed.rs`; grants without a person: `flow/obtain.rs`; asking for an authorization: `flow/authorize.rs`; redeeming a code: `flow/redeem.rs`; what waits in between: `flow/pending`, its format `flow/pending/record.rs`; what hooks are told and may do: `flow/hooks`; headers and retries: `flow/exchange.rs`; who granted: `flow/identity.rs`; where tokens may be sent: `flow/pin.rs`; attributes: `flow/attributes.rs`; what is durable when: `flow/commit.rs` |
//! | 3 | [`store`] | keyring, encrypted files, memory, locks, the index of accounts, the keys of states | a store of the program's: a file there that implements [`port::GrantStore`], its name in [`store::StoreSpec`] and in `STORES` of `profile/reader.rs`; a store of yours needs no change here |
//! | 3 | `login` | loopback listener, page, browser, pasted callbacks, and one login as a whole (`login::attempt`) | what a browser sees: words in `login/page.rs`, colours in `login/page.css` |
//! | 3 | [`hook`] | runs hooks that are commands | what they inherit, their limits: [`hook`] |
//! | 3 | [`http`], [`clock`] | the transport and the clock of the real world | time limits, proxies, certificates: [`http`] |
//! | 3 | [`blocking`] | the flow without an asynchronous runtime; beside it, ports that are ready to use | a method of the manager: [`flow`] first, then here |
//!
//! A module imports from lower floors only; `tests/floors.rs` holds the walls. A foreign crate that
//! touches the world stands in one place: reqwest in [`http`], age in [`store`], hyper in `login`.

#![warn(unreachable_pub)]

mod advice;
pub mod blocking;
pub mod clock;
mod digest;
pub mod error;
#[cfg_attr(not(all(feature = "file", feature = "keyring")), allow(dead_code))]
mod files;
pub mod flow;
pub mod grant;
pub mod hook;
pub mod http;
#[cfg(feature = "login")]
pub mod login;
pub mod port;
pub mod profile;
pub mod protocol;
mod ready;
mod redact;
pub mod secret;
pub mod store;
pub mod text;
pub mod time;
pub mod trace;

pub use advice::Advice;
pub use error::{Error, ErrorKind, OAuthError, Result};
pub use flow::{AccessToken, Expected, FlowManager, Ports, StartRequest, Started, TokenRequest};
pub use grant::{AccountEntry, Grant, GrantKey, Identity, TokenSet};
pub use protocol::response::AuthorizationResponse;
pub use protocol::state::{StateAlg, StateKey, StateKeys};
pub use secret::Secret;
pub use time::Timestamp;
