//! One line of JSON each way.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use zeroize::Zeroizing;

/// Maximum size of a request, in bytes.
pub const REQUEST: u64 = 64 * 1024;

/// Maximum size of a response, in bytes: two tokens as large as a server may send.
pub const RESPONSE: u64 = 4 * 1024 * 1024;

/// Reads a line.
///
/// # Errors
///
/// Returns an error if it is too long, incomplete or not JSON.
pub fn read(stream: &UnixStream, limit: u64) -> io::Result<Value> {
    let mut line = Zeroizing::new(Vec::new());
    BufReader::new(stream.take(limit)).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    serde_json::from_slice(&line).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Writes a line.
///
/// # Errors
///
/// Returns an error if the other side is gone.
pub fn write(mut stream: &UnixStream, message: &Value) -> io::Result<()> {
    let line = Zeroizing::new(format!("{message}\n"));
    stream.write_all(line.as_bytes())
}
