//! Prints a response as it arrives.

use std::cell::{Cell, RefCell};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use oauthctl_core::http::api::{ApiResponse, Version};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};

use crate::ui;

/// Where a response goes.
pub struct Output {
    file: Option<(PathBuf, RefCell<File>)>,
    has_head: bool,
    /// Whether the file is new and nothing was written to it.
    is_unused: Cell<bool>,
}

impl Output {
    /// Creates the output. `-` is standard output. A file is opened before the request is sent, so that an unwritable
    /// file fails early. It is truncated when the response arrives. A new file is removed if no response is written
    /// to it.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if the file cannot be written.
    pub fn new(path: Option<&Path>, has_head: bool) -> Result<Self> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self { file: None, has_head, is_unused: Cell::new(false) });
        };
        let (file, is_new) = open(path).map_err(|error| {
            Error::usage(format!("cannot write {}: {error}", shown(path))).caused_by(&error)
        })?;
        let file = Some((path.to_owned(), RefCell::new(file)));
        Ok(Self { file, has_head, is_unused: Cell::new(is_new) })
    }

    /// Prints a response: a failure always to standard output.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if the response is interrupted, and `Internal` or `Usage` if it cannot be
    /// written.
    pub async fn print(&self, mut response: ApiResponse) -> Result<()> {
        let file = self
            .file
            .as_ref()
            .filter(|_| !response.status().is_client_error())
            .filter(|_| !response.status().is_server_error());
        let mut sink = match file {
            Some((path, file)) => {
                self.is_unused.set(false);
                // Devices and pipes have no length.
                let _ = file.borrow().set_len(0);
                Sink::File(path, file)
            }
            None => Sink::Stdout(Terminal::of_stdout()),
        };
        if self.has_head {
            sink.write(&head(&response))?;
        }
        let interrupted = |error: oauthctl_core::port::HttpError| Error::unavailable(error.message);
        while let Some(chunk) = response.chunk().await.map_err(interrupted)? {
            sink.write(chunk.as_ref())?;
        }
        sink.finish()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.is_unused.get()
            && let Some((path, file)) = &self.file
            && is_still_empty(path, &file.borrow())
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// Returns whether this file is still at its path, and empty: another program may use the path too.
fn is_still_empty(path: &Path, file: &File) -> bool {
    let (Ok(there), Ok(own)) = (fs::symlink_metadata(path), file.metadata()) else { return false };
    #[cfg(unix)]
    let is_own = {
        use std::os::unix::fs::MetadataExt;
        (there.dev(), there.ino()) == (own.dev(), own.ino())
    };
    #[cfg(not(unix))]
    let is_own = own.is_file();
    is_own && there.is_file() && there.len() == 0
}

/// Opens a file, and returns whether it is new.
fn open(path: &Path) -> io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(file) => Ok((file, true)),
        // This includes a dangling symbolic link.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok((options.create_new(false).create(true).open(path)?, false))
        }
        Err(error) => Err(error),
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.display().to_string())
}

fn head(response: &ApiResponse) -> Vec<u8> {
    let version = match response.version() {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2",
        _ => "1.1",
    };
    let status = response.status();
    let reason = status.canonical_reason().unwrap_or_default();
    let mut head = format!("HTTP/{version} {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

enum Sink<'a> {
    Stdout(Option<Terminal>),
    File(&'a Path, &'a RefCell<File>),
}

impl Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stdout(None) => ui::print_bytes(bytes),
            Self::Stdout(Some(terminal)) => ui::print(&terminal.text(bytes)),
            Self::File(path, file) => {
                let written = file.borrow_mut().write_all(bytes);
                written.map_err(|error| ui::unwritten(&shown(path), &error))
            }
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(Some(terminal)) => ui::print(&String::from_utf8_lossy(&terminal.rest)),
            _ => Ok(()),
        }
    }
}

/// The bytes of a character that has not arrived as a whole.
struct Terminal {
    rest: Vec<u8>,
}

impl Terminal {
    fn of_stdout() -> Option<Self> {
        io::stdout().is_terminal().then(|| Self { rest: Vec::new() })
    }

    /// Returns the text that these bytes complete. `ui` removes what a terminal would obey.
    fn text(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let mut text = String::new();
        let mut rest = Vec::new();
        for part in self.rest.utf8_chunks() {
            text.push_str(part.valid());
            let invalid = part.invalid();
            let is_cut = std::str::from_utf8(invalid).is_err_and(|e| e.error_len().is_none());
            match (invalid.is_empty(), is_cut) {
                (true, _) => {}
                // Only the end of the text can be cut.
                (false, true) => rest = invalid.to_vec(),
                (false, false) => text.push(char::REPLACEMENT_CHARACTER),
            }
        }
        self.rest = rest;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Terminal;

    #[test]
    fn character_in_two_parts_is_printed_once() {
        let mut terminal = Terminal { rest: Vec::new() };
        assert_eq!(terminal.text(b"a\xc3"), "a");
        assert_eq!(terminal.text(b"\xa9b\xff\xe2\x82"), "\u{e9}b\u{fffd}");
        assert_eq!(terminal.text(b"\xac"), "\u{20ac}");
        assert!(terminal.rest.is_empty());
    }
}
