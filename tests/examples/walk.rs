//! The built examples, and the user who goes from the printed URL to the callback.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{DEADLINE, Home, Running, await_some};

/// The longest that an example may take.
pub const LIMIT: Duration = DEADLINE;

/// Where cargo has put an example.
#[track_caller]
pub fn built(name: &str) -> String {
    let beside = Path::new(env!("CARGO_BIN_EXE_oauthctl")).parent().unwrap();
    let path = beside.join("examples").join(name);
    assert!(path.is_file(), "{} is not there: `cargo build --examples`", path.display());
    path.to_str().unwrap().to_owned()
}

/// Starts an example in this home.
#[track_caller]
pub fn spawn(home: &Home, name: &str, args: &[&str]) -> Running {
    start(home, Command::new(built(name)).args(args))
}

/// The same under this umask.
#[track_caller]
pub fn spawn_under_umask(home: &Home, umask: &str, name: &str, args: &[&str]) -> Running {
    let script = format!("umask {umask} && exec \"$0\" \"$@\"");
    start(home, Command::new("sh").args(["-c", &script, &built(name)]).args(args))
}

#[track_caller]
fn start(home: &Home, command: &mut Command) -> Running {
    let model = home.command([] as [&str; 0]);
    command.env_clear().current_dir(home.path("home"));
    for (name, value) in model.get_envs() {
        command.env(name, value.unwrap());
    }
    Running::start(command, LIMIT)
}

/// A directory in this home that all users may read.
#[track_caller]
pub fn shared_directory(home: &Home, name: &str) -> PathBuf {
    let dir = home.path(name);
    std::fs::create_dir(&dir).unwrap();
    std::fs::set_permissions(&dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    dir
}

/// Waits until anything with a lifetime of at most a second has expired by the wall clock, which has whole
/// seconds.
pub fn let_a_second_pass() {
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let begun = now();
    await_some("the next second but one", || (now() >= begun + 2).then_some(()));
}
