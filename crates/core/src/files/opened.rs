//! A file that was opened to read, and its bytes.

use std::fs::File;
use std::io::{self, Read};

use zeroize::Zeroizing;

use super::trusted::Writer;

/// A regular file, opened for reading.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) size: u64,
    /// Its mode, if it is too loose.
    pub(super) loose: Option<String>,
    /// Who else can write to it.
    pub(super) writer: Option<Writer>,
}

/// Maximum size of a file of this program, in bytes.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Reads a whole file of this size.
pub(super) fn read_all(file: &mut impl Read, size: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let too_large = || io::Error::other("it is larger than 16 MiB");
    if size > LARGEST {
        return Err(too_large());
    }
    // One spare byte lets the end be found without growing the buffer, which would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(size as usize + 1));
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST { Err(too_large()) } else { Ok(bytes) }
}
