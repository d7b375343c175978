//! A program as a process, all of which ends at its deadline. The tests of the broker compile this file too.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The longest that anything under test may take before it is killed and the test fails.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What a finished process left.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code, or 128 + the signal that ended it.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The same output, if the program ended with this code; else the test fails and shows everything.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        let Self { status, stdout, stderr } = &self;
        assert_eq!(*status, expected, "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}");
        assert!(!stderr.contains("panicked at"), "{stderr}");
        self
    }

    /// The same output, if the program succeeded.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code(0)
    }

    /// The same output, if the program failed with this code and wrote nothing on stdout.
    #[track_caller]
    pub fn fails(self, expected: i32) -> Self {
        let output = self.code(expected);
        assert_eq!(output.stdout, "", "a failure leaves stdout empty");
        output
    }

    /// stdout as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }

    /// The error object that `--json` leaves as the last line of stderr.
    #[track_caller]
    pub fn error_json(&self) -> Value {
        let last = self.stderr.trim_end().lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|e| panic!("{e}: {}", self.stderr))
    }

    /// The only line of stdout.
    #[track_caller]
    pub fn line(&self) -> &str {
        let line = self.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("{:?}", self.stdout));
        assert!(!line.contains('\n'), "one line only: {line:?}");
        line
    }
}

/// A stream that is read to its end by a thread.
struct Stream {
    text: Arc<Mutex<Vec<u8>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Stream {
    fn read(mut from: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&text);
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                into.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        Self { text, reader }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }
}

/// A process that runs. Dropped, it is killed.
pub struct Running {
    what: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
    end: Instant,
}

impl Running {
    /// Starts a command with all three streams piped, to end within `deadline`.
    #[track_caller]
    pub fn start(command: &mut Command, deadline: Duration) -> Self {
        let what = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let stdout = Stream::read(child.stdout.take().unwrap());
        let stderr = Stream::read(child.stderr.take().unwrap());
        let stdin = child.stdin.take();
        Self { what, child, stdin, stdout, stderr, end: Instant::now() + deadline }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its stdin, which stays open.
    #[track_caller]
    pub fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// The same with bytes that need not be UTF-8.
    #[track_caller]
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("stdin is closed");
        stdin.write_all(bytes).unwrap();
        stdin.flush().unwrap();
    }

    /// Writes as much as the process reads: one that has ended, because it refuses its arguments, reads
    /// nothing.
    #[track_caller]
    pub fn feed(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is closed");
        match stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            outcome => outcome.unwrap(),
        }
    }

    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    pub fn stdout_so_far(&self) -> String {
        self.stdout.so_far()
    }

    pub fn stderr_so_far(&self) -> String {
        self.stderr.so_far()
    }

    /// Waits until `found` finds something in stderr.
    #[track_caller]
    pub fn await_stderr<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        self.await_text(|running| found(&running.stderr.so_far()))
    }

    /// Waits until `found` finds something in stdout.
    #[track_caller]
    pub fn await_stdout<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        self.await_text(|running| found(&running.stdout.so_far()))
    }

    #[track_caller]
    fn await_text<T>(&mut self, found: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            // Ended, and its output read, before looked at: so what is looked at is all there will be.
            let ended = self.ended().is_some() && self.is_read();
            if let Some(value) = found(self) {
                return value;
            }
            assert!(!ended, "{} ended without it:\n{}", self.what, self.stderr.so_far());
            self.pause();
        }
    }

    /// Whether all that it wrote has been read.
    fn is_read(&self) -> bool {
        self.stdout.reader.is_finished() && self.stderr.reader.is_finished()
    }

    /// Sends a signal. After `STOP`, no thread of the process runs any more.
    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let until = Instant::now() + DEADLINE;
        while signal == Signal::STOP && !self.is_stopped() {
            assert!(Instant::now() < until, "still running");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whether each thread has stopped. On a busy machine, they do so some time after the signal. Always, where there is no
    /// `/proc`.
    fn is_stopped(&self) -> bool {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", self.child.id())) else {
            return true;
        };
        threads.flatten().all(|thread| {
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit(')').next().is_none_or(|state| state.is_empty() || state.starts_with(" T"))
        })
    }

    /// Whether it has ended, with its status.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().unwrap()?;
        Some(status)
    }

    /// Closes stdin and waits for the end, the process's and that of its output.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        self.await_end()
    }

    /// The same for a process that is needed afterwards.
    #[track_caller]
    pub fn await_end(&mut self) -> Output {
        self.close_stdin();
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            self.pause();
        };
        while !(self.stdout.reader.is_finished() && self.stderr.reader.is_finished()) {
            self.pause();
        }
        Output {
            status: exit_code(status),
            stdout: self.stdout.so_far(),
            stderr: self.stderr.so_far(),
        }
    }

    #[track_caller]
    fn pause(&mut self) {
        if Instant::now() >= self.end {
            let _ = self.child.kill();
            panic!(
                "{} did not end in time\n--- stdout\n{}\n--- stderr\n{}",
                self.what,
                self.stdout.so_far(),
                self.stderr.so_far()
            );
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// A port that the kernel has just assigned and released, for a program that cannot choose one itself.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
