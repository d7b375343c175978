//! One line of JSON each way, within a time limit.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use zeroize::Zeroizing;

/// Maximum size of a request, in bytes.
pub const REQUEST: u64 = 64 * 1024;

/// Maximum size of a response, in bytes: two tokens as large as a server may send.
pub const RESPONSE: u64 = 4 * 1024 * 1024;

/// Time limit for a line to arrive, or to be accepted, as a whole.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a line. `patience` is for the whole of it, however many pieces it comes in.
///
/// # Errors
///
/// Returns an error if it is too long, too late, incomplete or not JSON.
pub fn read(mut stream: &UnixStream, limit: u64, patience: Duration) -> io::Result<Value> {
    let deadline = Instant::now() + patience;
    let mut line = Zeroizing::new(Vec::new());
    let mut piece = Zeroizing::new([0; 8 * 1024]);
    while line.last() != Some(&b'\n') {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let size = match stream.read(&mut piece[..]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(size) => size,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(named(error)),
        };
        let read = &piece[..size];
        let end = read.iter().position(|&byte| byte == b'\n').map_or(size, |at| at + 1);
        if (line.len() + end) as u64 > limit {
            return Err(io::ErrorKind::InvalidData.into());
        }
        append(&mut line, &read[..end]);
    }
    serde_json::from_slice(&line).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Writes a line. `patience` is for the whole of it.
///
/// # Errors
///
/// Returns an error if the other side is gone, or too slow.
pub fn write(mut stream: &UnixStream, message: &Value, patience: Duration) -> io::Result<()> {
    let deadline = Instant::now() + patience;
    let line = Zeroizing::new(format!("{message}\n"));
    let mut rest = line.as_bytes();
    while !rest.is_empty() {
        stream.set_write_timeout(Some(left(deadline)?))?;
        match stream.write(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(size) => rest = &rest[size..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(named(error)),
        }
    }
    Ok(())
}

/// Appends without leaving an old copy of the line behind.
fn append(line: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    if line.capacity() < line.len() + piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (line.len() + piece.len())));
        larger.extend_from_slice(line);
        *line = larger;
    }
    line.extend_from_slice(piece);
}

/// Returns the time until the deadline.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// Returns the error by its usual name: the system reports a time limit as a call that would block.
pub fn named(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(200);

    #[test]
    fn slow_reader_does_not_extend_the_time_limit() {
        let (writer, mut reader) = UnixStream::pair().unwrap();
        let slow = std::thread::spawn(move || {
            let mut piece = [0; 64 * 1024];
            while reader.read(&mut piece).is_ok_and(|size| size > 0) {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let long = Value::from("x".repeat(32 * 1024 * 1024));
        let written = write(&writer, &long, SHORT);
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(writer);
        slow.join().unwrap();
    }

    #[test]
    fn slow_writer_does_not_extend_the_time_limit() {
        let (mut writer, reader) = UnixStream::pair().unwrap();
        let slow = std::thread::spawn(move || {
            while writer.write_all(b" ").is_ok() {
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        let got = read(&reader, REQUEST, SHORT);
        assert_eq!(got.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(reader);
        slow.join().unwrap();
    }
}
