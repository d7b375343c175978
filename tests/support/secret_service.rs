//! A Secret Service of the test's own: a session bus with gnome-keyring or KeePassXC.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use super::tests_dir;

/// The service; it ends when this is dropped.
pub struct SecretService {
    /// For `DBUS_SESSION_BUS_ADDRESS`.
    pub address: String,
    child: Child,
    stdin: Option<ChildStdin>,
}

/// What runs behind the bus: see `with-secret-service`.
#[derive(Debug, Clone, Copy, Default)]
struct Kind {
    keepassxc: bool,
    locked: bool,
    confirms: bool,
    confirms_access: bool,
}

impl SecretService {
    /// Starts gnome-keyring.
    #[track_caller]
    pub fn start() -> Self {
        Self::of(Kind::default())
    }

    /// The same with its default collection locked, and nobody to unlock it.
    #[track_caller]
    pub fn start_locked() -> Self {
        Self::of(Kind { locked: true, ..Kind::default() })
    }

    /// Starts KeePassXC, without a display, on a database of its own.
    #[track_caller]
    pub fn keepassxc() -> Self {
        Self::of(Kind { keepassxc: true, ..Kind::default() })
    }

    /// The same with its database locked, and nobody to unlock it.
    #[track_caller]
    pub fn keepassxc_locked() -> Self {
        Self::of(Kind { keepassxc: true, locked: true, ..Kind::default() })
    }

    /// The same with a prompt before each deletion, and nobody to answer it.
    #[track_caller]
    pub fn keepassxc_confirming() -> Self {
        Self::of(Kind { keepassxc: true, confirms: true, ..Kind::default() })
    }

    /// The same with a prompt before each access, and nobody to answer it.
    #[track_caller]
    pub fn keepassxc_confirming_access() -> Self {
        Self::of(Kind { keepassxc: true, confirms_access: true, ..Kind::default() })
    }

    #[track_caller]
    fn of(kind: Kind) -> Self {
        let flag = |on: bool| if on { "1" } else { "0" };
        let mut child = Command::new(tests_dir("support/with-secret-service"))
            .args(["sh", "-c", "echo \"$DBUS_SESSION_BUS_ADDRESS\"; exec cat"])
            .env("SECRET_SERVICE", if kind.keepassxc { "keepassxc" } else { "gnome-keyring" })
            .env("SECRET_SERVICE_LOCKED", flag(kind.locked))
            .env("SECRET_SERVICE_CONFIRM", flag(kind.confirms))
            .env("SECRET_SERVICE_CONFIRM_ACCESS", flag(kind.confirms_access))
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
        Self { address, child, stdin }
    }
}

impl Drop for SecretService {
    fn drop(&mut self) {
        // `cat` ends with its stdin, and the script then takes daemon, bus and files away.
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}
