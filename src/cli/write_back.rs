//! Gives an account's export line to a command: the secret API of a CI system, for instance.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oauthctl::profile::secret_source::PRIVATE_VARIABLES;
use oauthctl::{Error, Result, Secret};

use super::report::Voice;

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a command that is to end may take for that.
#[cfg(unix)]
const GRACE: Duration = Duration::from_millis(500);

/// A command that does not outlive whoever awaits it.
struct Fed {
    child: Child,
    voice: Voice,
    is_done: bool,
}

impl Drop for Fed {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        end(&mut self.child);
        let what = "`write_back` was interrupted, and may not have taken the new tokens: they are \
                    stored here";
        self.voice.warn(&Error::config(what).hint("the next refresh writes them back"));
    }
}

/// Asks it to end, and ends it.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It is a child that nobody has waited for: its number is still its own.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && matches!(child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Runs the command with the line on its standard input; it says nothing on our standard output.
/// Dropped before its end, the command is ended, and that is told.
///
/// # Errors
///
/// `Config` where it cannot be started, fails, or takes too long.
pub async fn feed(argv: &[String], line: &Secret, voice: Voice) -> Result<()> {
    let [program, arguments @ ..] = argv else {
        return Err(Error::config("`write_back` is empty"));
    };
    let failed = |what: String| {
        Error::config(format!("`{}` {what}", oauthctl::text::one_line(program)))
            .hint("correct `write_back` in the profile")
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in PRIVATE_VARIABLES {
        command.env_remove(name);
    }
    let child = command.spawn().map_err(|e| failed(format!("could not be started: {e}")))?;
    let mut fed = Fed { child, voice, is_done: false };
    if let Some(mut stdin) = fed.child.stdin.take() {
        let line = line.clone();
        // A command that does not read must not keep us; why it did not, its exit code says.
        std::thread::spawn(move || writeln!(stdin, "{}", line.expose()));
    }
    let deadline = Instant::now() + LIMIT;
    loop {
        let status = fed.child.try_wait();
        fed.is_done = !matches!(status, Ok(None));
        match status {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("ended with {status}"))),
            // Not asleep: a signal is seen meanwhile.
            Ok(None) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(10)).await
            }
            Ok(None) | Err(_) => {
                fed.is_done = true;
                end(&mut fed.child);
                return Err(failed("did not end within 30 s".to_owned()));
            }
        }
    }
}
