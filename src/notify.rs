//! Tells the user on the desktop that a login is required, where no terminal shows the error.

use std::io::IsTerminal as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use oauthctl_core::files::{Cache, entry_name};
use oauthctl_core::store::StateDir;
use oauthctl_core::text::one_line;
use oauthctl_core::{Advice, Error, ErrorKind, GrantKey, Result, Timestamp, hook};

use crate::context::Context;
use crate::hint;

/// The minimum time between notifications about an account. Programs such as kubectl request tokens again
/// and again.
const EVERY: Duration = Duration::from_secs(3_600);

/// Notifies the user if this error requires a login and the configuration enables notifications. Does not
/// wait for the command and ignores its failure.
pub fn login_required(context: &Context, error: &Error) {
    notify(context, error, |_, key| Ok(key.clone()));
}

/// The same for a request of another process to the agent. Such a process may invent names: all accounts of a profile
/// that do not exist count as one, so that they cause one notification.
#[cfg(unix)]
pub fn login_required_by_client(context: &Context, error: &Error) {
    notify(context, error, |state, key| match state.account(key)? {
        Some(_) => Ok(key.clone()),
        None => Ok(GrantKey::new(&key.profile, "")),
    });
}

/// Notifies the user unless that was done recently for the same subject.
fn notify(
    context: &Context,
    error: &Error,
    subject: impl FnOnce(&StateDir, &GrantKey) -> Result<GrantKey>,
) {
    if error.kind() != ErrorKind::LoginRequired || std::io::stderr().is_terminal() {
        return;
    }
    let Ok(config) = context.config() else { return };
    let Some(command) = &config.defaults.notify else { return };
    let Some((key, login)) = account(error) else { return };
    let is_time = context
        .state()
        .and_then(|state| is_time_to_notify(&state, &subject(&state, key)?, Timestamp::now()));
    if is_time.unwrap_or(false) {
        start(command, &format!("A login is required. Run: {}", one_line(&login)));
    }
}

/// Returns whether a notification about this account is due, and records it.
fn is_time_to_notify(state: &StateDir, key: &GrantKey, now: Timestamp) -> Result<bool> {
    let all: Cache<Timestamp> = Cache::new(&state.place("notified")?);
    let entry = entry_name("", &key.slug());
    // A time in the future was recorded by a wrong clock.
    let is_recent = |at: Timestamp| at <= now && now < at.plus(EVERY);
    if all.find(&entry).is_some_and(is_recent) {
        return Ok(false);
    }
    all.forget_older(EVERY);
    all.keep(&entry, &now);
    Ok(true)
}

/// Returns the account to log in to, and the command for it.
fn account(error: &Error) -> Option<(&GrantKey, String)> {
    let account = |advice| Some((Advice::login(advice)?, hint::login_of(advice)?));
    error.advice().iter().find_map(account)
}

fn start(command: &[String], text: &str) {
    let mut notifier = match command {
        [program, arguments @ ..] => {
            let mut notifier = Command::new(program);
            notifier.args(arguments).arg(text);
            notifier
        }
        [] => desktop(text),
    };
    for name in hook::private_variables() {
        notifier.env_remove(name);
    }
    notifier.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Ok(mut child) = notifier.spawn() {
        // An agent lives on, and must not keep its end.
        std::thread::spawn(move || child.wait());
    }
}

/// Returns the desktop's usual command.
fn desktop(text: &str) -> Command {
    if cfg!(target_os = "macos") {
        let mut command = Command::new("osascript");
        let script =
            "on run texts\ndisplay notification (item 1 of texts) with title \"oauthctl\"\nend run";
        command.args(["-e", script, text]);
        return command;
    }
    let mut command = Command::new("notify-send");
    // Most servers read markup in the text.
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    command.args(["--app-name=oauthctl", "--icon=dialog-password", "oauthctl", &plain]);
    command
}
