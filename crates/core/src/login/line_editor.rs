//! Edits a typed line like a terminal's driver, without its limit of 4,095 bytes.

use zeroize::Zeroizing;

use crate::text::is_harmless;

/// The special keys, as configured in the terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keys {
    pub(super) erase: u8,
    pub(super) erase_word: u8,
    pub(super) erase_line: u8,
    pub(super) end_of_input: u8,
    pub(super) interrupt: u8,
    pub(super) quit: u8,
    pub(super) suspend: u8,
}

/// The effect of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A line, without its end.
    Line(Zeroizing<Vec<u8>>),
    /// A line over the limit, which is discarded.
    TooLong,
    /// The end of the input.
    End,
    /// A key that sends a signal.
    Signal(Signal),
}

/// The signals that keys send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Quit,
    Suspend,
}

/// Edits one line after the other.
#[derive(Debug)]
pub(super) struct LineEditor {
    keys: Keys,
    limit: usize,
    line: Zeroizing<Vec<u8>>,
    is_too_long: bool,
    escape: Escape,
}

/// The part of an escape sequence that has arrived (ECMA-48, section 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escape {
    None,
    /// ESC.
    Begun,
    /// ESC [: parameters, then a letter or `~`.
    Control,
    /// ESC O: one more character.
    Shift,
}

impl LineEditor {
    /// Creates an editor of lines of at most `limit` bytes.
    pub(super) fn new(keys: Keys, limit: usize) -> Self {
        Self { keys, limit, line: Zeroizing::default(), is_too_long: false, escape: Escape::None }
    }

    /// Returns the line so far, sanitized for a terminal.
    pub(super) fn shown(&self) -> String {
        String::from_utf8_lossy(&self.line).chars().filter(|c| is_harmless(*c)).collect()
    }

    /// Processes one byte. Its echo is appended to `echo`.
    pub(super) fn feed(&mut self, byte: u8, echo: &mut String) -> Option<Event> {
        if self.is_of_escape(byte) {
            return None;
        }
        let keys = self.keys;
        // A key that is disabled is NUL.
        let is = |key: u8| byte == key && key != 0;
        if is(keys.interrupt) || is(keys.quit) || is(keys.suspend) {
            let (signal, shown) = match byte {
                _ if is(keys.interrupt) => (Signal::Interrupt, "^C"),
                _ if is(keys.quit) => (Signal::Quit, "^\\"),
                _ => (Signal::Suspend, "^Z"),
            };
            if signal != Signal::Suspend {
                self.line = Zeroizing::default();
            }
            echo.push_str(shown);
            return Some(Event::Signal(signal));
        }
        match byte {
            b'\r' | b'\n' => {
                echo.push('\n');
                return Some(self.end_line());
            }
            _ if is(keys.end_of_input) => {
                return Some(match self.line.is_empty() && !self.is_too_long {
                    true => Event::End,
                    false => self.end_line(),
                });
            }
            // Some terminals send the other of the two.
            _ if is(keys.erase) || byte == 0x7f || byte == 0x08 => self.erase(echo),
            _ if is(keys.erase_word) => {
                while self.line.last().is_some_and(u8::is_ascii_whitespace) {
                    self.erase(echo);
                }
                while self.line.last().is_some_and(|byte| !byte.is_ascii_whitespace()) {
                    self.erase(echo);
                }
            }
            _ if is(keys.erase_line) => {
                while !self.line.is_empty() {
                    self.erase(echo);
                }
            }
            _ => self.push(byte, echo),
        }
        None
    }

    /// Returns whether a byte belongs to an escape sequence: an arrow key, or the brackets that a terminal
    /// puts around pasted text (ESC[200~ and ESC[201~).
    fn is_of_escape(&mut self, byte: u8) -> bool {
        let (is_of_it, next) = match (self.escape, byte) {
            (_, 0x1b) => (true, Escape::Begun),
            (Escape::Begun, b'[') => (true, Escape::Control),
            (Escape::Begun, b'O') => (true, Escape::Shift),
            (Escape::Control, 0x20..=0x3f) => (true, Escape::Control),
            (Escape::Control, 0x40..=0x7e) | (Escape::Shift, 0x20..=0x7e) => (true, Escape::None),
            _ => (false, Escape::None),
        };
        self.escape = next;
        is_of_it
    }

    fn push(&mut self, byte: u8, echo: &mut String) {
        if self.line.len() >= self.limit {
            self.is_too_long = true;
        }
        if self.is_too_long {
            return;
        }
        self.line.push(byte);
        let last = self.line.len().saturating_sub(4);
        let start = (last..self.line.len()).rev().find(|at| is_start(self.line[*at]));
        if let Some(Ok(text)) = start.map(|at| std::str::from_utf8(&self.line[at..])) {
            echo.extend(text.chars().filter(|c| is_harmless(*c)));
        }
    }

    /// Erases the last character.
    fn erase(&mut self, echo: &mut String) {
        while let Some(byte) = self.line.pop() {
            if is_start(byte) {
                if byte >= 0x20 {
                    echo.push_str("\u{8} \u{8}");
                }
                break;
            }
        }
    }

    fn end_line(&mut self) -> Event {
        let line = std::mem::take(&mut self.line);
        match std::mem::take(&mut self.is_too_long) {
            true => Event::TooLong,
            false => Event::Line(line),
        }
    }
}

/// Returns whether a byte begins a character in UTF-8.
fn is_start(byte: u8) -> bool {
    byte & 0xc0 != 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keys = Keys {
        erase: 0x7f,
        erase_word: 0x17,
        erase_line: 0x15,
        end_of_input: 0x04,
        interrupt: 0x03,
        quit: 0x1c,
        suspend: 0x1a,
    };

    /// The events, lines as text, and what was shown.
    fn typed(bytes: &[u8]) -> (Vec<String>, String) {
        let mut editor = LineEditor::new(KEYS, 16);
        let mut echo = String::new();
        let mut events = Vec::new();
        for byte in bytes {
            match editor.feed(*byte, &mut echo) {
                Some(Event::Line(line)) => events.push(line.escape_ascii().to_string()),
                Some(other) => events.push(format!("{other:?}")),
                None => {}
            }
        }
        (events, echo)
    }

    #[test]
    fn line_is_edited_as_the_driver_would() {
        for (bytes, line) in [
            (&b"abc\r"[..], "abc"),
            (b"abd\x7fc\n", "abc"),
            (b"abd\x08c\n", "abc"),
            (b"\x7f\x7fabc\n", "abc"),
            ("aü\u{7f}bc\n".as_bytes(), "abc"),
            (b"x y z\x17\x17abc\n", "x abc"),
            (b"xyz\x15abc\n", "abc"),
            (b"abc\x04", "abc"),
            (b"a\tb\n", "a\\tb"),
            (b"f\xfcr\n", "f\\xfcr"),
        ] {
            assert_eq!(typed(bytes).0, [line], "{}", bytes.escape_ascii());
        }
        assert_eq!(typed(b"\x04").0, ["End"]);
        assert_eq!(typed(b"a\x7f\x04").0, ["End"]);
    }

    #[test]
    fn escape_sequences_and_paste_markers_are_left_out() {
        for bytes in [
            &b"\x1b[200~abc\x1b[201~\n"[..],
            b"\x1b[200~abc\n",
            b"a\x1b[Db\x1bOCc\n",
            b"a\x1b[1;5Cbc\n",
            b"\x1babc\n",
            b"\x1b\x1b[200~abc\n",
        ] {
            let (lines, echo) = typed(bytes);
            assert_eq!((lines, echo.as_str()), (vec!["abc".to_owned()], "abc\n"));
        }
    }

    #[test]
    fn keys_that_send_signals_are_told() {
        assert_eq!(typed(b"ab\x03cd\n").0, ["Signal(Interrupt)", "cd"]);
        assert_eq!(typed(b"ab\x1ccd\n").0, ["Signal(Quit)", "cd"]);
        assert_eq!(typed(b"ab\x1acd\n").0, ["Signal(Suspend)", "abcd"], "it goes on later");
        let off = Keys { interrupt: 0, suspend: 0, ..KEYS };
        let mut editor = LineEditor::new(off, 16);
        assert_eq!(editor.feed(0, &mut String::new()), None);
        assert_eq!(editor.feed(3, &mut String::new()), None);
    }

    #[test]
    fn line_over_the_limit_is_reported_as_too_long() {
        assert_eq!(typed(&[&[b'x'; 16][..], b"\n"].concat()).0, ["x".repeat(16)]);
        assert_eq!(typed(&[&[b'x'; 17][..], b"\nabc\n"].concat()).0, ["TooLong", "abc"]);
    }

    #[test]
    fn echoed_input_cannot_control_the_terminal() {
        let (_, echo) = typed("a\u{1}\u{9b}b\u{202e}ü\u{7f}\n".as_bytes());
        assert_eq!(echo, "abü\u{8} \u{8}\n");
    }
}
