//! A terminal for a test: the program runs in a separate session, as under a terminal emulator.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::DEADLINE;

/// A program at a terminal. Dropped, it is killed.
pub struct AtTerminal {
    child: Child,
    controller: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    end: Instant,
}

impl AtTerminal {
    /// Starts a command with all three streams at a new terminal.
    #[track_caller]
    pub fn start(command: &Command) -> Self {
        Self::start_wide(command, 80)
    }

    /// The same at a terminal of so many columns.
    #[track_caller]
    pub fn start_wide(command: &Command, columns: u16) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&controller, size).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
        let device = || File::options().read(true).write(true).open(&name).unwrap();
        let child = Command::new("setsid")
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .current_dir(command.get_current_dir().unwrap())
            .stdin(device())
            .stdout(device())
            .stderr(device())
            .spawn()
            .unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (into, mut from) = (Arc::clone(&screen), File::from(controller.try_clone().unwrap()));
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 8192];
            while let Ok(count @ 1..) = from.read(&mut chunk) {
                into.lock().unwrap().extend_from_slice(&chunk[..count]);
            }
        });
        let controller = File::from(controller);
        Self { child, controller, screen, reader, end: Instant::now() + DEADLINE }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types these bytes.
    #[track_caller]
    pub fn press(&mut self, bytes: impl AsRef<[u8]>) {
        self.controller.write_all(bytes.as_ref()).unwrap();
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until `found` finds something on the screen.
    #[track_caller]
    pub fn await_screen<T>(&mut self, found: impl Fn(&str) -> Option<T>) -> T {
        loop {
            if let Some(value) = found(&self.screen()) {
                return value;
            }
            self.pause();
        }
    }

    /// Waits until this is on the screen so many times, wherever its lines break.
    #[track_caller]
    pub fn await_text(&mut self, text: &str, times: usize) {
        self.await_screen(|screen| {
            (unwrapped(screen).matches(text).count() >= times).then_some(())
        });
    }

    /// Whether the terminal's driver edits lines and shows what is typed, as a shell leaves it.
    pub fn is_as_usual(&self) -> bool {
        let usual = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        tcgetattr(&self.controller).unwrap().local_modes.contains(usual)
    }

    /// Waits until it is, or is not.
    #[track_caller]
    pub fn await_usual(&mut self, usual: bool) {
        while self.is_as_usual() != usual {
            self.pause();
        }
    }

    /// Waits for the end: the exit code, or 128 and the signal, with the terminal as it was.
    #[track_caller]
    pub fn wait(mut self) -> (i32, String) {
        use std::os::unix::process::ExitStatusExt;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            self.pause();
        };
        // The reader is at the end once nobody has the terminal open; something left behind could.
        let end = Instant::now() + Duration::from_secs(2);
        while !self.reader.is_finished() && Instant::now() < end {
            self.pause();
        }
        assert!(self.is_as_usual(), "the terminal is not restored:\n{}", self.screen());
        (status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)), self.screen())
    }

    #[track_caller]
    fn pause(&self) {
        assert!(Instant::now() < self.end, "it did not come in time:\n{}", self.screen());
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The text of a screen without the line breaks and indents that fit it to the screen's width.
fn unwrapped(screen: &str) -> String {
    let mut lines = screen.split("\r\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + " " + line.trim_start_matches(' '))
}

impl Drop for AtTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
