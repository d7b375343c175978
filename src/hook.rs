//! Runs hooks that are commands: JSON on stdin, JSON on stdout, no shell.

use std::io::{Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::flow::{HOOK_ANSWER, HOOK_LIMIT, Hooks};
use crate::port::BoxFuture;
use crate::profile::secret_source::PRIVATE_VARIABLES;
use crate::profile::{Hook, Profile, SecretSource};
use crate::secret::Secret;
use crate::text::one_line;

const POLL: Duration = Duration::from_millis(2);

/// Runs the commands that profiles name. They inherit the environment, but none of the variables that
/// hold this program's keys or the profile's secrets.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandHooks;

impl Hooks for CommandHooks {
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        hook: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>> {
        let client = &profile.client;
        let sources = [&client.secret, &client.private_key, &client.assertion];
        let hidden = sources.into_iter().flatten().filter_map(|source| match source {
            SecretSource::Env(name) => Some(name.clone()),
            _ => None,
        });
        let hidden: Vec<String> =
            hidden.chain(PRIVATE_VARIABLES.iter().map(|name| (*name).to_owned())).collect();
        let argv = hook.command.clone();
        Box::pin(async move {
            let (sender, receiver) = tokio::sync::oneshot::channel();
            let running = Running::default();
            // Dropped with this future: a hook does not outlive whoever awaits it.
            let _ending = Ending(running.clone());
            std::thread::Builder::new()
                .name("hook".to_owned())
                .spawn(move || {
                    // The receiver is gone where the caller has given up.
                    let _ = sender.send(run(&argv, &hidden, input, HOOK_LIMIT, &running));
                })
                .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
            receiver.await.map_err(|_| Error::internal("the thread of a hook ended early"))?
        })
    }
}

/// What runs, and whether it may.
#[derive(Debug, Clone, Default)]
struct Running(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    child: Option<Child>,
    is_over: bool,
}

impl Running {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a child that was just started, with its pipes.
    fn begin(
        &self,
        mut child: Child,
    ) -> (Option<ChildStdin>, Option<ChildStdout>, Option<ChildStderr>) {
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let mut state = self.state();
        let is_over = state.is_over;
        state.child = Some(child);
        drop(state);
        if is_over {
            self.end();
        }
        pipes
    }

    /// Ends it, where it has not ended.
    fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        if let Some(mut child) = state.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// How it ended, if it did so in time.
    fn ended(&self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            match self.state().child.as_mut()?.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => {}
                _ => return None,
            }
            std::thread::sleep(POLL);
        }
    }
}

struct Ending(Running);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

fn run(
    argv: &[String],
    hidden: &[String],
    input: Secret,
    limit: Duration,
    running: &Running,
) -> Result<Secret> {
    let deadline = Instant::now() + limit;
    let [program, arguments @ ..] = argv else {
        return Err(Error::config("the command is empty"));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in hidden {
        command.env_remove(name);
    }
    let shown = one_line(program);
    let child =
        command.spawn().map_err(|e| Error::config(format!("`{shown}` did not start: {e}")))?;
    let (stdin, stdout, stderr) = running.begin(child);
    if let Some(mut stdin) = stdin {
        // A command that does not read must not keep us; why it did not, its exit code says.
        std::thread::spawn(move || stdin.write_all(input.expose().as_bytes()));
    }
    let output = stdout.map(collect);
    let complaint = stderr.map(collect);
    let bytes = output.and_then(|output| received(&output, deadline));
    let too_large = bytes.as_ref().is_some_and(|bytes| bytes.len() > HOOK_ANSWER);
    let status = match &bytes {
        Some(_) if !too_large => running.ended(deadline),
        _ => None,
    };
    let (Some(bytes), Some(status)) = (bytes, status) else {
        running.end();
        return Err(Error::config(match too_large {
            true => format!("`{shown}` answered with more than {HOOK_ANSWER} bytes"),
            false => format!("`{shown}` took more than {} s", limit.as_secs()),
        }));
    };
    if !status.success() {
        let soon = deadline.min(Instant::now() + 50 * POLL);
        let said = complaint.and_then(|complaint| received(&complaint, soon));
        let said = said.map(|bytes| one_line(&String::from_utf8_lossy(&bytes)));
        let said = said.filter(|said| !said.is_empty()).map(|said| format!(": {said}"));
        let said = said.unwrap_or_default();
        return Err(Error::config(format!("`{shown}` ended with {status}{said}")));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(Error::config(format!("`{shown}` answered with what is not UTF-8"))),
    }
}

type Collected = mpsc::Receiver<Zeroizing<Vec<u8>>>;

/// Reads a pipe to its end, or until there is too much, in a thread of its own.
fn collect(pipe: impl Read + Send + 'static) -> Collected {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.take(HOOK_ANSWER as u64 + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

fn received(collected: &Collected, deadline: Instant) -> Option<Zeroizing<Vec<u8>>> {
    collected.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> Result<Secret> {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let input = Secret::new("{\"event\":\"x\"}");
        run(&argv, &["HOME".to_owned()], input, limit, &Running::default())
    }

    #[test]
    fn it_gets_the_text_and_its_answer_comes_back() {
        let answer = sh("cat; printf %s \"${HOME-none}\"", HOOK_LIMIT).unwrap();
        assert_eq!(answer.expose(), "{\"event\":\"x\"}none");
        assert_eq!(sh("exec <&-; exit 0", HOOK_LIMIT).unwrap().expose(), "", "it need not read");
    }

    #[test]
    fn one_that_fails_hangs_or_floods_is_a_clear_failure() {
        let short = Duration::from_millis(300);
        for (script, limit, says) in [
            ("echo why >&2; exit 3", HOOK_LIMIT, "why"),
            ("exec sleep 1000", short, "took more"),
            ("exec >&-; exec sleep 1000", short, "took more"),
            ("exec cat /dev/zero", HOOK_LIMIT, "more than 1048576 bytes"),
            ("printf '\\377'", HOOK_LIMIT, "UTF-8"),
        ] {
            let error = sh(script, limit).unwrap_err();
            assert!(error.message().contains(says), "{script}: {error}");
        }
        let nowhere = ["/nowhere/at/all".to_owned()];
        let error = run(&nowhere, &[], Secret::default(), short, &Running::default());
        assert!(error.unwrap_err().message().contains("did not start"));
    }
}
