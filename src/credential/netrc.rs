//! A netrc file, as curl, wget and many libraries read it.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use oauthctl_core::profile::Target;
use oauthctl_core::{Error, Result, text};
use zeroize::Zeroizing;

use super::Issued;

/// Renders the line of one host.
///
/// # Errors
///
/// Returns `Config` for a user name that would break the format, and for a host with a port or path: a netrc
/// file has neither.
pub fn render(key: &str, username: &str, token: &Issued) -> Result<Zeroizing<String>> {
    let target = Target::parse(key).map_err(|why| Error::config(format!("the key {why}")))?;
    if target.authority() != target.host() && !target.is_loopback() {
        let what =
            format!("`{}` has a port, which netrc files do not support", text::one_line(key));
        return Err(Error::config(what));
    }
    if !target.path().is_empty() && !target.is_loopback() {
        let what =
            format!("`{}` has a path, which netrc files do not support", text::one_line(key));
        return Err(Error::config(what));
    }
    let is_word = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '#');
    if username.is_empty() || !username.chars().all(is_word) {
        return Err(Error::config("`username` must not contain spaces, quotes or backslashes"));
    }
    let value = token.value.expose();
    // Readers of netrc files disagree on how to escape these characters.
    if value.contains(['"', '\\', '#']) {
        return Err(Error::store("the token contains characters that netrc files do not support"));
    }
    let host = target.host();
    Ok(Zeroizing::new(format!("machine {host} login {username} password {value}\n")))
}

/// Returns why what is written to this open file is not private: it is a file or pipe that other users can read.
#[cfg(unix)]
pub fn exposure(file: impl std::os::fd::AsFd) -> Option<&'static str> {
    use rustix::fs::{FileType, Mode, fstat};
    let stat = fstat(file).ok()?;
    let is_readable = Mode::from_raw_mode(stat.st_mode).intersects(Mode::RGRP | Mode::ROTH);
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile if is_readable => {
            Some("the token is written to a file that other users can read")
        }
        FileType::Fifo if is_readable => {
            Some("the token is written to a pipe that other users can read")
        }
        _ => None,
    }
}

/// Returns `None`: there are no modes.
#[cfg(not(unix))]
pub fn exposure(_: impl Sized) -> Option<&'static str> {
    None
}

/// Writes the file to a named pipe, once a reader opens it. `check` gets the open pipe first.
///
/// # Errors
///
/// Returns `Usage` if the path is not a pipe: a regular file would keep the token.
pub fn write_to_pipe(path: &Path, file: &str, check: impl FnOnce(&File)) -> Result<()> {
    let shown = path.display();
    let failed = |error: std::io::Error| {
        Error::usage(format!("cannot write to `{shown}`: {error}")).caused_by(&error)
    };
    let is_pipe = |metadata: &std::fs::Metadata| {
        #[cfg(unix)]
        return std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type());
        #[cfg(not(unix))]
        return !metadata.is_file();
    };
    let not_a_pipe = || {
        Error::usage(format!("`{shown}` is not a named pipe"))
            .hint("create one with `mkfifo -m 600 PATH`: a regular file would keep the token")
    };
    if !std::fs::metadata(path).is_ok_and(|metadata| is_pipe(&metadata)) {
        return Err(not_a_pipe());
    }
    let mut pipe = std::fs::OpenOptions::new().write(true).open(path).map_err(failed)?;
    // It may have been replaced meanwhile.
    let opened = pipe.metadata().map_err(failed)?;
    if !is_pipe(&opened) {
        return Err(not_a_pipe());
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(&opened) != rustix::process::geteuid().as_raw() {
        return Err(Error::usage(format!("the named pipe `{shown}` belongs to another user"))
            .hint("create your own with `mkfifo -m 600 PATH`"));
    }
    check(&pipe);
    pipe.write_all(file.as_bytes()).map_err(failed)
}
