//! A Unix socket of this process: private to the user, and gone with the process.

use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, Result};
use tokio::net::UnixListener;

/// A listening socket. Its file is removed when it is dropped.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// The file's device and inode: another process may have replaced it.
    file: Option<(u64, u64)>,
}

impl Socket {
    /// Binds a socket with mode 0600. What a process that was killed has left there is replaced. Requires a
    /// runtime.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if another process listens there, and `Usage` if the socket cannot be made.
    pub fn bind(path: &Path) -> Result<Self> {
        let shown = one_line(&path.display().to_string());
        let failed = |error: &io::Error| {
            Error::usage(format!("cannot listen on {shown}: {error}")).caused_by(error)
        };
        let listener = match bind_private(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                if UnixStream::connect(path).is_ok() {
                    let what = format!("another process listens on {shown}");
                    return Err(Error::new(ErrorKind::Unavailable, what)
                        .hint("end that process, or choose another path"));
                }
                let is_socket =
                    std::fs::symlink_metadata(path).is_ok_and(|f| f.file_type().is_socket());
                if !is_socket {
                    return Err(failed(&error));
                }
                std::fs::remove_file(path).map_err(|error| failed(&error))?;
                bind_private(path)
            }
            bound => bound,
        };
        let listener = listener.map_err(|error| failed(&error))?;
        Ok(Self { listener, path: path.to_owned(), file: identity(path) })
    }

    /// Returns the listener.
    pub fn listener(&self) -> &UnixListener {
        &self.listener
    }

    /// Lets other users connect: their credentials decide then.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if the mode cannot be changed.
    pub fn open_to_others(&self) -> Result<()> {
        let mode = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&self.path, mode)
            .map_err(|error| Error::usage(format!("cannot open the socket to others: {error}")))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.file.is_some() && identity(&self.path) == self.file {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The file has its mode from the first moment on. Nothing else makes files meanwhile: this process has not
/// started to serve.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    rustix::process::umask(before);
    bound
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}
