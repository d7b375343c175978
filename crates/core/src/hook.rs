//! Runs hooks as commands: JSON on stdin, JSON on stdout, no shell.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
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

/// The variables with which a GitHub Actions runner issues id tokens.
const GITHUB_VARIABLES: [&str; 2] =
    ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"];

/// Name of the variable with the nesting depth of hooks, in the environment of every hook. A hook that
/// requests a token may trigger itself.
pub const DEPTH_VARIABLE: &str = "OAUTHCTL_HOOK_DEPTH";

/// Maximum nesting depth of hooks.
const DEEPEST: u32 = 4;

/// Runs the commands of profiles. They inherit the environment, except for variables that contain this
/// program's keys or the profile's secrets. Each command has its own process group. A command that takes
/// too long is killed with its group, and so is one whose caller has stopped waiting. Processes that have
/// left the group, for a session of their own (`setsid`) or another group, continue. Nested hooks are
/// counted in [`DEPTH_VARIABLE`]: the fifth is not started.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandHooks;

impl Hooks for CommandHooks {
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        hook: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>> {
        let depth = match one_deeper(std::env::var_os(DEPTH_VARIABLE).as_deref()) {
            Ok(depth) => depth,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let job = Job {
            argv: hook.command.clone(),
            hidden: hidden_variables(profile),
            depth,
            // A command that was told tokens may print them in its error.
            is_heard: !hook.give_token,
        };
        Box::pin(apart(move |process| run(process, &job, input, HOOK_LIMIT)))
    }
}

/// Passes this text to a command of the profile. It runs like a hook, with the same limit, but its output
/// is ignored. If the future is dropped, the command is ended with its process group.
///
/// # Errors
///
/// Returns `Config` if it cannot be started, fails, or takes too long.
pub async fn feed(profile: &Profile, argv: &[String], input: Secret) -> Result<()> {
    let (argv, hidden) = (argv.to_vec(), hidden_variables(profile));
    apart(move |process| give(process, &argv, &hidden, input, HOOK_LIMIT)).await
}

/// Runs a process in a separate thread, and ends it if its caller stops waiting.
async fn apart<T: Send + 'static>(
    run: impl FnOnce(&Process) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let waiting = Waiting(Arc::default());
    let process = Arc::clone(&waiting.0);
    std::thread::Builder::new()
        .name("hook".to_owned())
        .spawn(move || {
            // The receiver is gone if the caller has given up.
            let _ = sender.send(run(&process));
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
    receiver.await.map_err(|_| Error::internal("the thread of a command ended early"))?
}

/// Returns the depth of a hook that is started with this value of the variable. An empty value counts as
/// unset, as for every variable; one that is not a number counts as too deep.
fn one_deeper(depth: Option<&OsStr>) -> Result<u32> {
    let depth = match depth.filter(|text| !text.is_empty()) {
        None => Some(0),
        Some(text) => text.to_str().and_then(|text| text.parse::<u32>().ok()),
    };
    match depth {
        Some(depth) if depth < DEEPEST => Ok(depth + 1),
        // The message says what to do, because callers may show nothing else of a hook's failure.
        _ => Err(Error::config(format!(
            "{DEEPEST} hooks are already nested ({DEPTH_VARIABLE}), which is the maximum: a hook \
             must not request a token for which it is run again"
        ))
        .hint("remove the request for that token from the hook")),
    }
}

/// A command, and the variables that are hidden from it.
struct Job {
    argv: Vec<String>,
    hidden: Vec<String>,
    depth: u32,
    /// Whether its error output is read.
    is_heard: bool,
}

/// Returns the variables that are hidden from every command of a profile: those that contain this program's
/// keys, and those from which the profile's own secrets are read.
pub fn hidden_variables(profile: &Profile) -> Vec<String> {
    let client = &profile.client;
    let sources = [&client.secret, &client.private_key, &client.assertion];
    let mut hidden: Vec<String> = PRIVATE_VARIABLES.map(str::to_owned).into();
    for source in sources.into_iter().flatten() {
        match source {
            SecretSource::Env(name) => hidden.push(name.clone()),
            SecretSource::GithubActions { .. } => {
                hidden.extend(GITHUB_VARIABLES.map(str::to_owned));
            }
            _ => {}
        }
    }
    hidden
}

/// A hook's process, shared by the thread that runs it and the caller that waits.
#[derive(Default)]
struct Process(Mutex<State>);

#[derive(Default)]
struct State {
    child: Option<Child>,
    given_up: bool,
}

impl Process {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills it and its group if it has not ended; if it has not started, it never will.
    fn kill(&self) {
        let mut state = self.state();
        state.given_up = true;
        if let Some(mut child) = state.child.take() {
            kill_group(&child);
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    fn ended(&self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            let mut state = self.state();
            match state.child.as_mut()?.try_wait() {
                Ok(Some(status)) => {
                    state.child = None;
                    return Some(status);
                }
                Ok(None) if Instant::now() < deadline => {}
                _ => return None,
            }
            drop(state);
            std::thread::sleep(POLL);
        }
    }
}

#[cfg(unix)]
fn kill_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

/// The caller's end of a process: dropping it ends the process.
struct Waiting(Arc<Process>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn run(process: &Process, job: &Job, input: Secret, limit: Duration) -> Result<Secret> {
    let deadline = Instant::now() + limit;
    let [program, arguments @ ..] = job.argv.as_slice() else {
        return Err(Error::config("the command is empty"));
    };
    let shown = one_line(program);
    let mut command = prepared(program, arguments, &job.hidden);
    command.env(DEPTH_VARIABLE, job.depth.to_string());
    if !job.is_heard {
        command.stderr(Stdio::null());
    }
    let (output, complaint) = start(process, &mut command, input)
        .map_err(|e| Error::config(format!("cannot start `{shown}`: {e}")).caused_by(&e))?;
    let bytes = output.and_then(|output| received(&output, deadline));
    let too_large = bytes.as_ref().is_some_and(|bytes| bytes.len() > HOOK_ANSWER);
    let status = match &bytes {
        Some(_) if !too_large => process.ended(deadline),
        _ => None,
    };
    let (Some(bytes), Some(status)) = (bytes, status) else {
        process.kill();
        return Err(Error::config(match too_large {
            true => format!("`{shown}` returned more than {HOOK_ANSWER} bytes"),
            false => format!("`{shown}` took more than {} s", limit.as_secs()),
        }));
    };
    if !status.success() {
        let soon = deadline.min(Instant::now() + 50 * POLL);
        let said = complaint.and_then(|complaint| received(&complaint, soon));
        let said = said.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
        let said = said.filter(|said| !said.is_empty()).map(|said| format!(": {said}"));
        let said = said.unwrap_or_default();
        return Err(Error::config(format!("`{shown}` ended with {status}{said}")));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(Error::config(format!("`{shown}` returned invalid UTF-8"))),
    }
}

fn give(
    process: &Process,
    argv: &[String],
    hidden: &[String],
    input: Secret,
    limit: Duration,
) -> Result<()> {
    let deadline = Instant::now() + limit;
    let [program, arguments @ ..] = argv else {
        return Err(Error::config("the command is empty"));
    };
    let shown = one_line(program);
    let mut command = prepared(program, arguments, hidden);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    start(process, &mut command, input)
        .map_err(|e| Error::config(format!("cannot start `{shown}`: {e}")).caused_by(&e))?;
    match process.ended(deadline) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(Error::config(format!("`{shown}` ended with {status}"))),
        None => {
            process.kill();
            Err(Error::config(format!("`{shown}` did not end within {} s", limit.as_secs())))
        }
    }
}

fn prepared(program: &str, arguments: &[String], hidden: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in hidden {
        command.env_remove(name);
    }
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Starts it, passes the input, and begins to read its answer and its error output.
fn start(
    process: &Process,
    command: &mut Command,
    input: Secret,
) -> std::io::Result<(Option<Collected>, Option<Collected>)> {
    let mut state = process.state();
    if state.given_up {
        return Err(std::io::ErrorKind::Interrupted.into());
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input must not block us; its exit code tells why.
        std::thread::spawn(move || stdin.write_all(input.expose().as_bytes()));
    }
    let output = child.stdout.take().map(|pipe| collect(pipe, false));
    let complaint = child.stderr.take().map(|pipe| collect(pipe, true));
    state.child = Some(child);
    Ok((output, complaint))
}

type Collected = mpsc::Receiver<Zeroizing<Vec<u8>>>;

/// Reads a pipe in a separate thread, to its end or up to the limit. If exceeding the limit is not an
/// error, the rest is discarded so that the writer can end.
fn collect(mut pipe: impl Read + Send + 'static, drained: bool) -> Collected {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.by_ref().take(HOOK_ANSWER as u64 + 1).read_to_end(&mut bytes);
        if drained {
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
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
        run(&Process::default(), &job(&argv), Secret::new("{\"event\":\"x\"}"), limit)
    }

    fn job(argv: &[String]) -> Job {
        Job { argv: argv.to_vec(), hidden: vec!["HOME".to_owned()], depth: 1, is_heard: true }
    }

    #[test]
    fn the_depth_is_counted_and_nonsense_is_too_deep() {
        let next = |text: &str| one_deeper(Some(OsStr::new(text)));
        assert_eq!((one_deeper(None).unwrap(), next("").unwrap()), (1, 1));
        assert_eq!((next("0").unwrap(), next("3").unwrap()), (1, 4));
        for text in ["4", "5", "4294967295", "99999999999", "-1", "1 ", "x"] {
            let error = next(text).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{text}");
            assert!(error.advice_text().is_some());
        }
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
        for nothing in ["/nowhere/at/all", "/", "/etc/passwd"] {
            let argv = [nothing.to_owned()];
            let error = run(&Process::default(), &job(&argv), Secret::default(), short);
            assert!(error.unwrap_err().message().contains("cannot start"), "{nothing}");
        }
    }

    #[test]
    fn one_that_complains_at_length_may_go_on() {
        let script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; printf {}";
        assert_eq!(sh(script, HOOK_LIMIT).unwrap().expose(), "{}");
    }

    #[test]
    fn nothing_that_it_started_outlives_the_caller() {
        for then in ["sleep 1000", "exec sleep 1000", "echo {}"] {
            let script = format!("sleep 1000 & {then}");
            let mut command = prepared("sh", &["-c".to_owned(), script], &[]);
            // All of them hold it: its end is that of the last one.
            let (mut reader, writer) = std::io::pipe().unwrap();
            command.stderr(writer);
            let waiting = Waiting(Arc::default());
            start(&waiting.0, &mut command, Secret::default()).unwrap();
            drop(command);
            drop(waiting);
            assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
        }
        let given_up = Process::default();
        given_up.kill();
        let argv = ["true".to_owned()];
        assert!(run(&given_up, &job(&argv), Secret::default(), HOOK_LIMIT).is_err());
    }
}
