//! Reads a file that the user names, which may be a pipe or a device, within limits of time and size.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long to wait for data from a pipe or a device.
const WAIT: Duration = Duration::from_secs(5);
/// How often to check for data.
const POLL: Duration = Duration::from_millis(5);

/// Opens a file that the user names, without blocking: it may be a pipe that has no writer yet.
///
/// # Errors
///
/// Returns the error of the system.
pub fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    options.open(path)
}

/// Reads a file opened with [`open()`] to its end, but at most `limit + 1` bytes, so that the caller can detect a larger
/// file.
///
/// # Errors
///
/// Returns the system's error, or `TimedOut` if nothing is written to a pipe for a while.
pub fn read(file: &File, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let is = file.metadata()?;
    let most = limit.saturating_add(1);
    let room = usize::try_from(is.len()).map_or(most, |length| length.saturating_add(1).min(most));
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    let mut rest = file.take(most as u64);
    if is.is_file() {
        rest.read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    let mut deadline = Instant::now() + WAIT;
    loop {
        let before = bytes.len();
        let read = rest.read_to_end(&mut bytes);
        match read {
            // A pipe without a writer ends at once, so wait until there has been one.
            Ok(_) if bytes.len() > limit || !bytes.is_empty() || !is_pipe(&is) => return Ok(bytes),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > before {
            deadline = Instant::now() + WAIT;
        }
        if Instant::now() >= deadline {
            let what = format!(
                "not a regular file, and not closed by its writer within {} s",
                WAIT.as_secs()
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(unix)]
fn is_pipe(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type())
}

#[cfg(not(unix))]
fn is_pipe(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;

    fn read_path(path: &Path) -> io::Result<Vec<u8>> {
        Ok(read(&open(path)?, 1_000)?.to_vec())
    }

    #[test]
    fn named_file_is_read_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plain");
        std::fs::write(&path, b"text").unwrap();
        assert_eq!(read_path(&path).unwrap(), b"text");
        std::fs::write(&path, [b'x'; 5_000]).unwrap();
        assert_eq!(read_path(&path).unwrap().len(), 1_001);
        assert_eq!(read_path(Path::new("/dev/null")).unwrap(), b"");
        assert_eq!(read_path(Path::new("/dev/zero")).unwrap().len(), 1_001);
        assert!(read_path(dir.path()).is_err());
        assert_eq!(
            read_path(&dir.path().join("none")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[test]
    fn pipe_is_read_to_its_end_in_bounded_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let name = path.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = OpenOptions::new().write(true).open(name).unwrap();
            for piece in ["one ", "two ", "three"] {
                pipe.write_all(piece.as_bytes()).unwrap();
            }
        });
        assert_eq!(read_path(&path).unwrap(), b"one two three");
        writer.join().unwrap();
        let begun = Instant::now();
        let error = read_path(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(begun.elapsed() < WAIT * 4);
    }
}
