//! An OAuth 2.0 and OpenID Connect authorization server for tests: on loopback only, in memory only.
//!
//! It implements the protocol correctly and, if a [`Scenario`] is active, misbehaves in a named way, so
//! that a client's tests need neither an account nor the network. The scenarios of
//! [`SandboxOptions::scenarios`] apply to the issuer at the root. In addition, every path `/s/NAME[,NAME2]`
//! is a separate issuer with those scenarios and its own codes and tokens; all issuers share the signing
//! keys.
//!
//! Any `client_id` is taken for a public client. [`CONFIDENTIAL_CLIENT`] has the secret
//! [`CONFIDENTIAL_SECRET`]; registered clients have their own. The users are `ada`,
//! `brook` and `chen`; the password of each is the name.
//!
//! ```
//! use oauthctl_sandbox::{Sandbox, SandboxOptions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! runtime.block_on(async {
//!     let options = SandboxOptions { auto_consent: true, ..SandboxOptions::default() };
//!     let sandbox = Sandbox::start(options).await?;
//!     // Point a client at one of these …
//!     assert!(sandbox.issuer().starts_with("http://127.0.0.1:"));
//!     let flaky = sandbox.issuer_with("token-503-once,expire-fast");
//!     assert!(flaky.ends_with("/s/token-503-once,expire-fast"));
//!     // … and afterwards the journal lists its requests.
//!     assert!(sandbox.journal().is_empty());
//!     sandbox.stop().await;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! `server` runs the sockets, `endpoint` maps a path to an issuer and an endpoint, and `dispatch` calls
//! the handler: `authorize`, `token`, `device`, `register`, `resource`. `issuer` is what all handlers
//! know, `store` what one issuer remembers. `keys` signs, `scenario` is the table of misbehaviors, `script`
//! lets a test write responses itself, and `transport` writes to a socket what no HTTP library would.

mod authorize;
mod client;
mod clock;
mod device;
mod dispatch;
mod dpop;
mod endpoint;
mod error;
mod exchange;
mod id_token;
mod issuer;
mod journal;
mod keys;
mod metadata;
mod options;
mod page;
mod register;
mod reply;
mod request;
mod resource;
mod scenario;
mod script;
mod server;
mod store;
mod text;
mod token;
mod transport;
mod users;

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use client::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};
pub use clock::{Clock, SystemClock};
pub use error::{Error, Result};
pub use journal::JournalEntry;
pub use options::SandboxOptions;
pub use reply::{Answer, Transport};
pub use scenario::{Scenario, scenarios};
pub use script::{Moment, Script, ScriptedRequest};
pub use transport::gzip_bomb;

/// A running sandbox, which ends when it is stopped or dropped.
pub struct Sandbox {
    server: Arc<server::Server>,
    task: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox on the caller's tokio runtime, which must have time and I/O enabled.
    ///
    /// # Errors
    /// Returns an error for a scenario that does not exist, and for a port that is in use.
    pub async fn start(options: SandboxOptions) -> Result<Self> {
        let effects = scenario::Effects::choose(options.scenarios.iter().map(String::as_str))?;
        let port = options.port.unwrap_or(0);
        let failed = |source| Error::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let server = Arc::new(server::Server::new(format!("http://{address}"), options, effects)?);
        let task = tokio::spawn(server::run(listener, Arc::clone(&server)));
        Ok(Self { server, task: Some(task) })
    }

    /// Returns the issuer at the root: `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> &str {
        self.server.origin()
    }

    /// Returns the issuer with these scenarios, separated by commas: `http://127.0.0.1:PORT/s/NAMES`.
    pub fn issuer_with(&self, scenarios: &str) -> String {
        format!("{}/s/{scenarios}", self.server.origin())
    }

    /// Returns the requests received so far, oldest first; the latest 10,000 are kept. They are also served
    /// as JSON at `/journal`, which is not itself recorded.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.server.journal()
    }

    /// Closes the port and all connections.
    pub async fn stop(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            let _ = task.await;
        }
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sandbox({})", self.issuer())
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
