//! Standard input as a terminal, for URLs that the user pastes and for secrets. It is read without the limit of the
//! terminal driver, which would silently truncate a line over 4,095 bytes.
//!
//! ```no_run
//! use oauthctl_core::login::terminal::{Echo, Input, Terminal};
//!
//! if let Some(terminal) = Terminal::on_stdin(Echo::Hidden) {
//!     eprint!("Client secret: ");
//!     if let Input::Line(secret) = terminal.lines(4096).read_filled() {
//!         assert!(!secret.is_empty());
//!     }
//! }
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::kill_current_process_group;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

use super::countdown::{COUNTDOWN_COLUMNS, is_in_background};
use super::line_editor::{Event, Keys, LineEditor, Signal};

/// How long a signal that stops this process may take to do so, and how often a background process checks
/// whether it is in the foreground.
const PAUSE: Duration = Duration::from_millis(100);

/// The result of reading from a terminal.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A line, without its end.
    Line(Zeroizing<Vec<u8>>),
    /// A line over the limit, which is discarded.
    TooLong,
    /// The end of the input.
    End,
}

/// The terminal on standard input, in a special mode. The previous mode is restored when this is dropped,
/// and before a key of the user stops or ends the process.
#[derive(Debug)]
pub struct Terminal(Arc<Mode>);

/// Whether typed text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Echo {
    /// As it is typed.
    Shown,
    /// Not at all: for secrets.
    Hidden,
}

impl Terminal {
    /// Returns the terminal on standard input, or `None` if standard input is not a terminal.
    pub fn on_stdin(echo: Echo) -> Option<Self> {
        let saved = rustix::termios::tcgetattr(io::stdin()).ok()?;
        let is_shown = echo == Echo::Shown && saved.local_modes.contains(LocalModes::ECHO);
        let device = rustix::termios::ttyname(io::stdin(), Vec::new()).ok();
        let device = device.and_then(|name| name.into_string().ok()).filter(|_| is_shown);
        let screen = device.and_then(|name| File::options().write(true).open(name).ok());
        let mode = Arc::new(Mode { saved, screen, state: Mutex::default() });
        if !is_in_background(io::stdin()) {
            mode.enter();
        }
        Some(Self(mode))
    }

    /// Returns whether the time that is left may be shown: the user is not in the middle of a line. What is
    /// typed after that replaces it.
    pub(super) fn may_show_status(&self) -> bool {
        let mut state = self.0.state();
        state.has_status = !state.is_mid_line;
        state.has_status
    }

    /// Returns its lines, of at most `limit` bytes each.
    pub fn lines(&self, limit: usize) -> Lines {
        Lines {
            editor: LineEditor::new(keys(&self.0.saved), limit),
            mode: Arc::clone(&self.0),
            waiting: Zeroizing::default(),
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Further output starts on a new line.
        if self.0.state().is_mid_line {
            self.0.show("\n");
        }
        self.0.state().is_over = true;
        self.0.leave();
    }
}

fn keys(termios: &Termios) -> Keys {
    let key = |index| termios.special_codes[index];
    let sends_signals = termios.local_modes.contains(LocalModes::ISIG);
    let signal = |index| if sends_signals { key(index) } else { 0 };
    Keys {
        erase: key(SpecialCodeIndex::VERASE),
        erase_word: key(SpecialCodeIndex::VWERASE),
        erase_line: key(SpecialCodeIndex::VKILL),
        end_of_input: key(SpecialCodeIndex::VEOF),
        interrupt: signal(SpecialCodeIndex::VINTR),
        quit: signal(SpecialCodeIndex::VQUIT),
        suspend: signal(SpecialCodeIndex::VSUSP),
    }
}

/// The terminal's mode, before and during the reading.
#[derive(Debug)]
struct Mode {
    saved: Termios,
    /// Where typed text is shown, if it is.
    screen: Option<File>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_entered: bool,
    is_over: bool,
    is_mid_line: bool,
    /// Whether the line that shows the time that is left is on the screen.
    has_status: bool,
}

impl Mode {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the mode: every byte arrives as it is typed, and the driver shows or handles none.
    fn enter(&self) {
        let mut state = self.state();
        if state.is_over || state.is_entered {
            return;
        }
        let mut editing = self.saved.clone();
        editing.local_modes &=
            !(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
        editing.special_codes[SpecialCodeIndex::VMIN] = 1;
        editing.special_codes[SpecialCodeIndex::VTIME] = 0;
        let set = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, &editing);
        state.is_entered = set.is_ok();
    }

    fn leave(&self) {
        let mut state = self.state();
        // In the background the terminal belongs to another process, and touching it would stop this one.
        if std::mem::take(&mut state.is_entered) && !is_in_background(io::stdin()) {
            let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.saved);
        }
    }

    fn show(&self, text: &str) {
        if text.is_empty() || self.state().is_over {
            return;
        }
        if let Some(mut screen) = self.screen.as_ref() {
            let has_status = {
                let mut state = self.state();
                state.is_mid_line = !text.ends_with('\n');
                std::mem::take(&mut state.has_status)
            };
            // Text that cannot be shown is still read. A stopped terminal must not hold the lock.
            if has_status {
                let _ = write!(screen, "{:COUNTDOWN_COLUMNS$}\r{text}", "");
            } else {
                let _ = screen.write_all(text.as_bytes());
            }
        }
    }

    /// Does what the driver does when this key is pressed, with the terminal in its previous mode.
    fn signal(&self, signal: Signal) {
        let signal = match signal {
            Signal::Interrupt => rustix::process::Signal::INT,
            Signal::Quit => rustix::process::Signal::QUIT,
            Signal::Suspend => rustix::process::Signal::TSTP,
        };
        self.leave();
        let _ = kill_current_process_group(signal);
        // The stopped thread may be another one.
        std::thread::sleep(PAUSE);
    }
}

/// The lines of a terminal.
#[derive(Debug)]
pub struct Lines {
    editor: LineEditor,
    mode: Arc<Mode>,
    /// Bytes that were read, in reverse.
    waiting: Zeroizing<Vec<u8>>,
}

impl Lines {
    /// Returns the next line that is not blank.
    pub fn read_filled(&mut self) -> Input {
        loop {
            match self.read() {
                Input::Line(line) if line.trim_ascii().is_empty() => {}
                input => return input,
            }
        }
    }

    /// Returns the next line. Waits for it, and for the foreground.
    pub fn read(&mut self) -> Input {
        loop {
            while let Some(byte) = self.waiting.pop() {
                let mut echo = String::new();
                let event = self.editor.feed(byte, &mut echo);
                self.mode.show(&echo);
                match event {
                    None => {}
                    Some(Event::Line(line)) => return Input::Line(line),
                    Some(Event::TooLong) => return Input::TooLong,
                    Some(Event::End) => return Input::End,
                    Some(Event::Signal(signal)) => {
                        self.mode.show("\n");
                        self.mode.signal(signal);
                        self.mode.show(&self.editor.shown());
                    }
                }
            }
            while is_in_background(io::stdin()) {
                std::thread::sleep(PAUSE);
            }
            self.mode.enter();
            let mut bytes = Zeroizing::new([0; 4096]);
            match rustix::io::read(io::stdin(), &mut bytes[..]) {
                Ok(count @ 1..) => self.waiting.extend(bytes[..count].iter().rev()),
                Err(Errno::INTR) => {}
                _ => return Input::End,
            }
        }
    }
}
