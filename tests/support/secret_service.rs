//! A Secret Service of the test's own: a session bus with an unlocked gnome-keyring.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::process::installed;
use super::tests_dir;

/// The service; it ends when this is dropped.
pub struct SecretService {
    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub address: String,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl SecretService {
    /// Starts one. `None`, and a line on stderr, where gnome-keyring is not installed and
    /// `OAUTHCTL_TEST_SECRET_SERVICE` is not `1`: with it, missing is failing.
    #[track_caller]
    pub fn start() -> Option<Self> {
        Self::start_with(false)
    }

    /// The same with its default collection locked, and nobody to unlock it.
    #[track_caller]
    pub fn start_locked() -> Option<Self> {
        Self::start_with(true)
    }

    #[track_caller]
    fn start_with(locked: bool) -> Option<Self> {
        let required = std::env::var_os("OAUTHCTL_TEST_SECRET_SERVICE").is_some_and(|v| v == "1");
        let possible = installed("gnome-keyring-daemon") && installed("dbus-run-session");
        if !(required || possible) {
            eprintln!("not run: no gnome-keyring here (tests/run installs it)");
            return None;
        }
        let mut child = Command::new(tests_dir("support/with-secret-service"))
            .args(["sh", "-c", "echo \"$DBUS_SESSION_BUS_ADDRESS\"; exec cat"])
            .env("SECRET_SERVICE_LOCKED", if locked { "1" } else { "0" })
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let address = address.trim_end().to_owned();
        assert!(address.starts_with("unix:"), "no Secret Service: {address:?}");
        Some(Self { address, child, stdin })
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        // `cat` ends with its stdin, and the script then takes daemon, bus and files away.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
