//! Gives an account's export line to a command: the secret API of a CI system, for instance.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use oauthctl::profile::secret_source::PRIVATE_VARIABLES;
use oauthctl::{Error, Result, Secret};

/// How long the command may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs the command with the line on its standard input; it says nothing on our standard output.
///
/// # Errors
///
/// `Config` where it cannot be started, fails, or takes too long.
pub async fn feed(argv: &[String], line: &Secret) -> Result<()> {
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
    let mut child = command.spawn().map_err(|e| failed(format!("could not be started: {e}")))?;
    if let Some(mut stdin) = child.stdin.take() {
        let line = line.clone();
        // A command that does not read must not keep us; why it did not, its exit code says.
        std::thread::spawn(move || writeln!(stdin, "{}", line.expose()));
    }
    let deadline = Instant::now() + LIMIT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(format!("ended with {status}"))),
            // Not asleep: a signal is seen meanwhile.
            Ok(None) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(10)).await
            }
            Ok(None) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("did not end within 30 s".to_owned()));
            }
        }
    }
}
