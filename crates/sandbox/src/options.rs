//! The options of a sandbox.

use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, SystemClock};
use super::script::Script;

/// The options of a sandbox.
#[derive(Clone)]
pub struct SandboxOptions {
    /// The port on 127.0.0.1; with `None`, the operating system chooses one.
    pub port: Option<u16>,
    /// The scenarios of the issuer at the root, each a name or `name:ARGUMENT`.
    pub scenarios: Vec<String>,
    /// Lifetime of access tokens.
    pub access_ttl: Duration,
    /// Whether consent is granted at once, without a page: by the user that `login_hint` names, else by the first
    /// one. Device authorizations are then approved at once.
    pub auto_consent: bool,
    /// Minimum time between two polls of a device.
    pub device_interval: Duration,
    /// The clock that determines the expiry of codes and tokens.
    pub clock: Arc<dyn Clock>,
    /// Changes responses that no scenario changes as needed.
    pub script: Option<Arc<dyn Script>>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            port: None,
            scenarios: Vec::new(),
            access_ttl: Duration::from_secs(3_600),
            auto_consent: false,
            device_interval: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
            script: None,
        }
    }
}
