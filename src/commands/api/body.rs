//! The body of the request, which can be sent more than once.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use oauthctl_core::http::api::Body;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};

/// Number of bytes that are read from a file at a time.
const PART: usize = 64 * 1024;

/// The data that the user gives.
pub enum Data {
    /// None.
    None,
    /// In memory.
    Bytes(Bytes),
    /// In a regular file, which is read as it is sent.
    File(PathBuf),
}

impl Data {
    /// Returns data from the command line.
    pub fn bytes(text: String) -> Self {
        Self::Bytes(text.into())
    }

    /// Reads standard input to its end: its length must be known, and it may be sent again.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if it cannot be read.
    pub fn stdin() -> Result<Self> {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| Error::usage(format!("cannot read standard input: {error}")))?;
        Ok(Self::Bytes(bytes.into()))
    }

    /// Returns the content of a file. A pipe is read now.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if it cannot be read.
    pub fn file(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(|error| cannot_read(path, &error))?;
        if file.metadata().is_ok_and(|is| is.is_file()) {
            return Ok(Self::File(path.to_owned()));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| cannot_read(path, &error))?;
        Ok(Self::Bytes(bytes.into()))
    }

    /// Returns the body for one request.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if the file can no longer be read.
    pub fn body(&self) -> Result<Option<Body>> {
        match self {
            Self::None => Ok(None),
            Self::Bytes(bytes) => Ok(Some(bytes.clone().into())),
            Self::File(path) => {
                let opened = File::open(path).and_then(|f| Ok((f.metadata()?.len(), f)));
                let (left, file) = opened.map_err(|error| cannot_read(path, &error))?;
                Ok(Some(Body::wrap(FileBody { file, left })))
            }
        }
    }
}

fn cannot_read(path: &Path, error: &io::Error) -> Error {
    let path = one_line(&path.display().to_string());
    Error::usage(format!("cannot read {path}: {error}")).caused_by(error)
}

/// A file, as long as it was when it was opened.
struct FileBody {
    file: File,
    left: u64,
}

impl HttpBody for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let most = usize::try_from(self.left).unwrap_or(PART).min(PART);
        if most == 0 {
            return Poll::Ready(None);
        }
        let mut part = vec![0; most];
        // Nothing else waits meanwhile: this program makes one request.
        match self.file.read(&mut part) {
            Ok(0) => Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into()))),
            Ok(read) => {
                part.truncate(read);
                self.left -= read as u64;
                Poll::Ready(Some(Ok(Frame::data(part.into()))))
            }
            Err(error) => Poll::Ready(Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
