//! What the tests of the built program share: a hermetic home, servers, a scripted browser, a Secret Service
//! of the test's own, and a scanner for secrets that lie around.

// Every test binary compiles this module, and none uses all of it. In a test, to panic is to fail.
#![allow(dead_code, unused_imports, missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod api;
mod browser;
mod control;
mod counting_bus;
mod foreign;
mod home;
mod process;
mod pty;
mod scan;
mod secret_service;
mod servers;
mod strace;

pub use api::{Api, Asked, Replied};
pub use browser::{Answer, Browser, Opened, Visit};
pub use control::Control;
pub use counting_bus::CountingBus;
pub use foreign::Foreign;
pub use home::Home;
pub use process::{Output, Running, program};
pub use pty::AtTerminal;
pub use scan::{assert_no_secret, assert_not_shown};
pub use secret_service::SecretService;
pub use servers::{Hostile, Machines, OidcProvider, Providers, Resource, Secure, Servers};
pub use strace::{Call, calls, killed_at, refused, traced, traced_with};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The longest that anything under test may take before it is killed and the test fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A path below `tests/`.
pub fn tests_dir(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Asks `probe` until it answers, and panics with `what` when the deadline has passed.
pub fn await_some<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
