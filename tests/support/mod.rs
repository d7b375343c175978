//! What the tests of the built program share: a hermetic home, servers, a scripted browser, a Secret Service
//! of the test's own, and a scanner for secrets that lie around.

// Every test binary compiles this module, and none uses all of it. In a test, to panic is to fail.
#![allow(dead_code, unused_imports, missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

mod api;
mod browser;
mod chromium;
mod clock;
mod control;
#[cfg(target_os = "linux")]
mod counting_bus;
mod faketime;
mod files;
mod foreign;
mod home;
mod hostile;
pub mod http;
mod imported;
mod jwt;
mod nobody;
mod node;
mod process;
mod pty;
mod sandbox;
mod scan;
mod scene;
mod scripted;
mod secret_service;
mod servers;
pub mod shapes;
pub mod signed;
mod strace;
mod user;

pub use api::{Api, Asked, Replied, assert_canary_untouched, canary};
pub use browser::{Answer, Browser, Opened, Visit, consent};
pub use chromium::Chromium;
pub use clock::ManualClock;
pub use control::Control;
#[cfg(target_os = "linux")]
pub use counting_bus::CountingBus;
pub use faketime::{FAKETIME, shift_clock};
pub use files::{make_pipe, mode, set_mode};
pub use foreign::Foreign;
pub use home::{Home, program};
pub use hostile::Hostile;
pub use http::Reply;
pub use imported::{FAR, PROFILE, REFRESH, TOKEN, grant, plant, planted};
pub use jwt::{exported, jwt_part};
pub use nobody::{AS_NOBODY, can_start, give_away, without_root};
pub use process::{DEADLINE, Output, Running, free_port};
pub use pty::AtTerminal;
pub use sandbox::{Sandbox, with_sandbox};
pub use scan::{assert_no_secret, assert_not_shown};
pub use scene::{Scene, Served};
pub use scripted::{AUTHORIZE, CODE_GRANT, DEVICE_GRANT, REFRESH_GRANT, Scripted};
pub use secret_service::SecretService;
pub use servers::{Machines, OidcProvider, Providers, Resource, Secure, Servers};
pub use strace::{Call, calls, killed_at, refused, traced, traced_with};
pub use user::{Page, User};

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
