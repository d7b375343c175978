//! Prints results to stdout, without what could control a terminal.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use oauthctl_core::text::is_harmless;
use oauthctl_core::{Error, ErrorKind};
use serde_json::Value;
use zeroize::Zeroizing;

/// Writes a result to stdout: as it is to a file or a pipe, without control characters to a terminal.
///
/// # Errors
///
/// Returns an error if the result cannot be written, for example because the disk is full or the reader of a pipe has
/// exited.
pub fn print(text: &str) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    let cleaned = stdout.is_terminal().then(|| Zeroizing::new(for_terminal(text)));
    let text = cleaned.as_ref().map_or(text, |cleaned| cleaned.as_str());
    write(&mut stdout, text.as_bytes())
}

/// Writes bytes to stdout, which is not a terminal.
///
/// # Errors
///
/// See [`print()`].
pub fn print_bytes(bytes: &[u8]) -> Result<(), Error> {
    write(&mut std::io::stdout().lock(), bytes)
}

/// Writes a path and a newline to stdout, to a file or a pipe byte for byte.
///
/// # Errors
///
/// See [`print()`].
pub fn print_path(path: &Path) -> Result<(), Error> {
    let mut stdout = std::io::stdout().lock();
    if stdout.is_terminal() {
        drop(stdout);
        return print_line(&path.display().to_string());
    }
    write(&mut stdout, &[path.as_os_str().as_encoded_bytes(), b"\n"].concat())
}

fn write(stdout: &mut std::io::StdoutLock<'_>, bytes: &[u8]) -> Result<(), Error> {
    deliver(stdout, bytes).map_err(|e| unwritten("the result to stdout", &e))
}

/// Whether the reader of stdout has been sent anything.
static DELIVERED: AtomicBool = AtomicBool::new(false);

fn deliver(stdout: &mut std::io::StdoutLock<'_>, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stdout.write(bytes) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                // What does not end a line waits in the buffer.
                let is_sent = bytes[..written].contains(&b'\n');
                DELIVERED.fetch_or(is_sent, Ordering::Relaxed);
                bytes = &bytes[written..];
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    stdout.flush()?;
    DELIVERED.store(true, Ordering::Relaxed);
    Ok(())
}

/// The exit code of a program that SIGPIPE ended.
pub const BROKEN_PIPE: u8 = 141;

/// Returns the error of a result that could not be written. A reader that received some of it and needs no more ends
/// the program without a message.
pub fn unwritten(what: &str, error: &std::io::Error) -> Error {
    let unwritten = Error::new(ErrorKind::Internal, format!("cannot write {what}: {error}"));
    match error.kind() {
        std::io::ErrorKind::BrokenPipe if DELIVERED.load(Ordering::Relaxed) => {
            unwritten.with_exit_code(BROKEN_PIPE)
        }
        _ => unwritten,
    }
}

/// Returns the text without control characters, bidirectional overrides and invisible characters. Line
/// breaks and tabs stay.
fn for_terminal(text: &str) -> String {
    let is_fit = |c: char| matches!(c, '\n' | '\t') || is_harmless(c);
    text.chars().map(|c| if is_fit(c) { c } else { ' ' }).collect()
}

/// Returns a value for a line of a human-readable report: it starts no line of its own, and cannot control
/// a terminal that the report reaches through a pager. Scripts find the exact value with `--json`.
pub fn field(value: &str) -> String {
    oauthctl_core::text::line(value)
}

/// Writes a result and a newline to stdout.
///
/// # Errors
///
/// See [`print()`].
pub fn print_line(text: &str) -> Result<(), Error> {
    print(&format!("{text}\n"))
}

/// Writes a JSON result to stdout.
///
/// # Errors
///
/// See [`print()`].
pub fn print_json(value: &Value) -> Result<(), Error> {
    print_line(&json_text(value)?)
}

/// Renders JSON for humans and programs: the values are exact, and none can control a terminal.
///
/// # Errors
///
/// None known.
pub fn json_text(value: &Value) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::internal(e.to_string()))?;
    Ok(escaped(&text))
}

/// Escapes what JSON allows in a string but a terminal may obey or hide: C1, bidirectional overrides,
/// invisible characters (RFC 8259, section 7). They occur in strings only.
pub(super) fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_harmless(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    }
    out
}

/// Formats a value for humans: strings without quotes, unless a blank would be lost.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim() == text && !text.is_empty() => field(text),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(plain).collect::<Vec<_>>().join(" ")
        }
        Value::Object(members) => {
            members.iter().map(|(k, v)| format!("{k}={}", plain(v))).collect::<Vec<_>>().join(" ")
        }
        other => field(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::{field, for_terminal};

    #[test]
    fn terminal_receives_no_control_sequence() {
        let hostile = "a\tb\u{1b}]0;x\u{7}\u{9b}2J\u{202e}c\u{200b}\r\nd";
        assert_eq!(for_terminal(hostile), "a\tb ]0;x  2J c  \nd");
        assert_eq!(field(hostile), "a b ]0;x  2J c   d");
        assert_eq!(field(&"x".repeat(5_000)).len(), 5_000);
    }
}
