//! Runs child processes: without a shell, within a time limit, with bounded output.
//!
//! A child inherits the environment, except for the variables that hold this program's keys and those that
//! its caller hides. A child is killed at its time limit, and when its caller stops waiting, with everything that it
//! started: the process group of its own, or its descendants.

#[cfg(unix)]
mod tree;

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::text::one_line;

/// Interval at which a child that has closed its output is checked for its end.
const POLL: Duration = Duration::from_millis(2);

/// How long to wait for the standard error of a child that failed: a process that it started may keep the
/// pipe open.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Variables of this program that hold keys, grants or tokens. No child inherits them.
pub(crate) const PRIVATE_VARIABLES: [&str; 9] = [
    "OAUTHCTL_AGENT_KEY",
    "OAUTHCTL_STORE_KEY",
    "OAUTHCTL_STORE_KEY_FILE",
    "OAUTHCTL_MASTER_KEY",
    "OAUTHCTL_NEW_MASTER_KEY",
    "OAUTHCTL_STATE_KEY",
    "OAUTHCTL_IMPORT",
    "OAUTHCTL_BROKER",
    "OAUTH_ACCESS_TOKEN",
];

/// A child process to run.
pub(crate) struct Job {
    /// The program and its arguments.
    pub(crate) argv: Vec<String>,
    /// Variables that it does not inherit, besides [`PRIVATE_VARIABLES`].
    pub(crate) hidden: Vec<String>,
    /// Variables that it gets.
    pub(crate) set: Vec<(&'static str, String)>,
    /// Its standard input; `None` is an empty one.
    pub(crate) input: Option<Secret>,
    /// Its standard output. More than `most` bytes are a failure.
    pub(crate) output: Stream,
    /// Its standard error. What exceeds `most` bytes is discarded.
    pub(crate) errors: Stream,
    /// The maximum size of a collected stream, in bytes.
    pub(crate) most: usize,
    /// The time that it may take.
    pub(crate) limit: Duration,
    /// Whether it gets a process group of its own. One without can use the terminal, and Ctrl-C ends it.
    pub(crate) has_own_group: bool,
}

/// How a stream of a child is handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// It is read.
    Collected,
    /// It goes nowhere.
    Discarded,
    /// It goes where that of this process goes.
    Inherited,
}

/// A child that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The program, fit to print.
    pub(crate) program: String,
    pub(crate) why: Why,
}

/// Why a child failed.
#[derive(Debug)]
pub(crate) enum Why {
    /// There is no program.
    Empty,
    /// There is no thread to wait in.
    Thread(io::Error),
    /// It did not start.
    NotStarted(io::Error),
    /// It exceeded its time limit.
    TooLong(Duration),
    /// It printed more than this number of bytes.
    TooMuch(usize),
    /// It exited with a failure. The bytes are its standard error, if that was collected.
    Status(ExitStatus, Zeroizing<Vec<u8>>),
}

/// Runs a child to its end and returns its standard output, without blocking the caller's thread. If the
/// future is dropped, the child is killed.
pub(crate) async fn run(job: Job) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let program = job.argv.first().map_or_else(String::new, |program| one_line(program));
    let failed = |why| Failure { program, why };
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let waiting = Waiting(Arc::new(Process::new(job.has_own_group)));
    let process = Arc::clone(&waiting.0);
    let thread = std::thread::Builder::new().name("child".to_owned());
    let started = thread.spawn(move || {
        // The receiver is gone if the caller has given up.
        let _ = sender.send(process.run(job));
    });
    let outcome = match started {
        Ok(_) => receiver.await.unwrap_or_else(|_| Err(Why::Thread(io::Error::other("it ended")))),
        Err(error) => Err(Why::Thread(error)),
    };
    outcome.map_err(failed)
}

/// A process, shared by the thread that runs it and the caller that waits.
struct Process {
    state: Mutex<State>,
    has_own_group: bool,
}

#[derive(Default)]
struct State {
    child: Option<Child>,
    given_up: bool,
}

/// The streams of a process that are collected.
struct Streams {
    output: Option<Collected>,
    errors: Option<Collected>,
}

impl Process {
    fn new(has_own_group: bool) -> Self {
        Self { state: Mutex::default(), has_own_group }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, job: Job) -> Result<Zeroizing<Vec<u8>>, Why> {
        let deadline = Instant::now() + job.limit;
        let mut command = prepared(&job).ok_or(Why::Empty)?;
        let (limit, most) = (job.limit, job.most);
        let streams = self.start(&mut command, job.input, most).map_err(|error| {
            self.kill();
            Why::NotStarted(error)
        })?;
        let output = match streams.output {
            None => Some(Zeroizing::default()),
            Some(output) => received(&output, deadline),
        };
        if output.as_ref().is_some_and(|bytes| bytes.len() > most) {
            self.kill();
            return Err(Why::TooMuch(most));
        }
        let status = output.as_ref().and_then(|_| self.ended(deadline));
        let (Some(output), Some(status)) = (output, status) else {
            self.kill();
            return Err(Why::TooLong(limit));
        };
        if status.success() {
            return Ok(output);
        }
        let soon = deadline.min(Instant::now() + LAST_WORDS);
        let said = streams.errors.and_then(|errors| received(&errors, soon));
        Err(Why::Status(status, said.unwrap_or_default()))
    }

    /// Starts it, gives it the input, and begins to read what it prints.
    fn start(
        &self,
        command: &mut Command,
        input: Option<Secret>,
        most: usize,
    ) -> io::Result<Streams> {
        let mut state = self.state();
        if state.given_up {
            return Err(io::ErrorKind::Interrupted.into());
        }
        // Known before anything that can fail, so that it can be killed.
        let child = state.child.insert(command.spawn()?);
        if let Some((mut stdin, input)) = child.stdin.take().zip(input) {
            // A command that does not read must not block us; its exit code says why it did not.
            let write = move || drop(stdin.write_all(input.expose().as_bytes()));
            std::thread::Builder::new().spawn(write)?;
        }
        let output = child.stdout.take().map(|pipe| collect(pipe, most, false)).transpose()?;
        let errors = child.stderr.take().map(|pipe| collect(pipe, most, true)).transpose()?;
        Ok(Streams { output, errors })
    }

    /// Kills it, and what it started, if it has not ended; if it has not started, it never will.
    fn kill(&self) {
        let mut state = self.state();
        state.given_up = true;
        if let Some(mut child) = state.child.take() {
            match self.has_own_group {
                true => kill_group(&child),
                false => kill_tree(&child),
            }
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

#[cfg(unix)]
fn kill_tree(child: &Child) {
    tree::kill(child.id());
}

#[cfg(not(unix))]
fn kill_tree(_: &Child) {}

/// The caller's end of a process: dropping it ends the process.
struct Waiting(Arc<Process>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kill();
    }
}

fn prepared(job: &Job) -> Option<Command> {
    let (program, arguments) = job.argv.split_first()?;
    let stream = |stream| match stream {
        Stream::Collected => Stdio::piped(),
        Stream::Discarded => Stdio::null(),
        Stream::Inherited => Stdio::inherit(),
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(if job.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(stream(job.output))
        .stderr(stream(job.errors));
    for name in PRIVATE_VARIABLES.into_iter().chain(job.hidden.iter().map(String::as_str)) {
        command.env_remove(name);
    }
    command.envs(job.set.iter().map(|(name, value)| (name, value)));
    #[cfg(unix)]
    if job.has_own_group {
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
    }
    Some(command)
}

type Collected = mpsc::Receiver<Zeroizing<Vec<u8>>>;

/// Reads a pipe to its end, or until there is too much, in a separate thread. What is too much is drained,
/// if it is no failure, so that the writer can end.
fn collect(
    mut pipe: impl Read + Send + 'static,
    most: usize,
    is_drained: bool,
) -> io::Result<Collected> {
    let (sender, receiver) = mpsc::channel();
    std::thread::Builder::new().spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.by_ref().take(most as u64 + 1).read_to_end(&mut bytes);
        if is_drained {
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        let _ = sender.send(bytes);
    })?;
    Ok(receiver)
}

fn received(collected: &Collected, deadline: Instant) -> Option<Zeroizing<Vec<u8>>> {
    collected.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn job(script: &str) -> Job {
        Job {
            argv: ["sh", "-c", script].map(str::to_owned).into(),
            hidden: vec!["HOME".to_owned()],
            set: vec![("OAUTHCTL_HOOK_DEPTH", "1".to_owned())],
            input: None,
            output: Stream::Collected,
            errors: Stream::Collected,
            most: 1_000,
            limit: Duration::from_secs(30),
            has_own_group: true,
        }
    }

    fn done(job: Job) -> Result<String, Why> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let outcome = runtime.block_on(run(job));
        outcome.map(|output| String::from_utf8(output.to_vec()).unwrap()).map_err(|f| f.why)
    }

    #[test]
    fn child_inherits_no_private_variable() {
        let command = prepared(&job("true")).unwrap();
        for name in PRIVATE_VARIABLES.into_iter().chain(["HOME"]) {
            let change = command.get_envs().find(|(changed, _)| *changed == name);
            assert_eq!(change, Some((name.as_ref(), None)), "{name}");
        }
        let shown = done(job("echo ${HOME-none} $OAUTHCTL_HOOK_DEPTH")).unwrap();
        assert_eq!(shown, "none 1\n");
    }

    #[test]
    fn child_without_input_reads_an_empty_one() {
        assert_eq!(done(job("cat; echo end")).unwrap(), "end\n");
        let with_input = Job { input: Some(Secret::new("text")), ..job("cat") };
        assert_eq!(done(with_input).unwrap(), "text");
    }

    #[test]
    fn discarded_streams_are_not_read() {
        let quiet =
            |script| Job { output: Stream::Discarded, errors: Stream::Discarded, ..job(script) };
        assert_eq!(done(quiet("head -c 5000 /dev/zero; echo why >&2")).unwrap(), "");
        let Err(Why::Status(_, said)) = done(quiet("echo why >&2; exit 3")) else { panic!() };
        assert!(said.is_empty());
        let Err(Why::Status(_, said)) = done(job("echo why >&2; exit 3")) else { panic!() };
        assert_eq!(*said, b"why\n");
    }

    #[test]
    fn flood_of_output_fails_and_of_errors_does_not() {
        assert!(matches!(done(job("exec cat /dev/zero")), Err(Why::TooMuch(1_000))));
        assert_eq!(done(job("head -c 3000000 /dev/zero >&2; echo end")).unwrap(), "end\n");
    }

    #[test]
    fn children_do_not_outlive_a_caller_that_stops() {
        for then in ["sleep 1000", "exec sleep 1000", "echo {}"] {
            let mut command = prepared(&job(&format!("sleep 1000 & {then}"))).unwrap();
            // All of them hold it: its end is that of the last one.
            let (mut reader, writer) = io::pipe().unwrap();
            command.stderr(writer);
            let waiting = Waiting(Arc::new(Process::new(true)));
            waiting.0.start(&mut command, None, 1_000).unwrap();
            drop(command);
            drop(waiting);
            assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), 0);
        }
        let given_up = Process::new(true);
        given_up.kill();
        assert!(matches!(given_up.run(job("true")), Err(Why::NotStarted(_))));
    }

    #[test]
    fn child_in_our_group_is_killed_at_its_limit() {
        let limit = Duration::from_millis(300);
        let late = Job { has_own_group: false, limit, ..job("exec sleep 1000") };
        assert!(matches!(done(late), Err(Why::TooLong(_))));
        let group = |has_own_group| {
            let script = "ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/self/stat";
            done(Job { has_own_group, ..job(script) }).unwrap().trim().to_owned()
        };
        let ours = rustix::process::getpgrp().as_raw_nonzero().to_string();
        assert_eq!(group(false), ours);
        assert_ne!(group(true), ours);
    }
}
