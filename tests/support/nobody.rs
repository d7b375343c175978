//! The user `nobody`, for tests that root runs: root may read and write everything.

use std::process::Command;

use super::home::{Home, program};

/// How to run a program as that user.
pub const AS_NOBODY: [&str; 5] =
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

/// A wrapper for programs that must not run as root: none where the tests do not.
pub fn without_root() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() { &AS_NOBODY } else { &["env"] }
}

/// Whether the program under test can be started so: the directory that it was built in may be closed to others.
pub fn can_start(wrapper: &[&str]) -> bool {
    let mut command = Command::new(wrapper[0]);
    command.args(&wrapper[1..]).arg(program()).arg("--version");
    command.output().is_ok_and(|output| output.status.success())
}

/// Gives all of a home to that user, if root runs the tests.
#[track_caller]
pub fn give_away(home: &Home) {
    if rustix::process::geteuid().is_root() {
        let owned = Command::new("chown").args(["-R", "65534:65534"]).arg(home.root()).status();
        assert!(owned.unwrap().success());
    }
}
