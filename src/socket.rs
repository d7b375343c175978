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
                        .hint("stop that process, or choose another path"));
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

    /// Lets these users connect too. Where the file system has no access control lists, it lets everybody
    /// connect: the caller checks the credentials of the peer in any case.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if the mode cannot be changed.
    pub fn open_to(&self, users: &[u32]) -> Result<()> {
        #[cfg(target_os = "linux")]
        {
            let flags = rustix::fs::XattrFlags::empty();
            let list = access_list(users);
            if rustix::fs::lsetxattr(&self.path, ACCESS_LIST, &list, flags).is_ok() {
                return Ok(());
            }
        }
        let _ = users;
        let mode = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(&self.path, mode).map_err(|error| {
            Error::usage(format!("cannot make the socket accessible to other users: {error}"))
        })
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

/// The extended attribute with the access control list of a file.
#[cfg(target_os = "linux")]
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Returns the list that lets the owner and these users read and write, in the form of the kernel: the version, and
/// for each entry its kind, its permissions and whom it is for.
#[cfg(target_os = "linux")]
fn access_list(users: &[u32]) -> Vec<u8> {
    const VERSION: u32 = 2;
    const OWNER: u16 = 0x01;
    const USER: u16 = 0x02;
    const GROUP: u16 = 0x04;
    const MASK: u16 = 0x10;
    const OTHERS: u16 = 0x20;
    const NONE: u16 = 0;
    const READ_AND_WRITE: u16 = 6;
    /// The user of entries that apply to no particular user.
    const NOBODY: u32 = u32::MAX;
    // The kernel wants them in order.
    let users: std::collections::BTreeSet<u32> = users.iter().copied().collect();
    let users = users.into_iter().map(|user| (USER, READ_AND_WRITE, user));
    let entries = [(OWNER, READ_AND_WRITE, NOBODY)].into_iter().chain(users).chain([
        (GROUP, NONE, NOBODY),
        (MASK, READ_AND_WRITE, NOBODY),
        (OTHERS, NONE, NOBODY),
    ]);
    let mut list = VERSION.to_le_bytes().to_vec();
    for (kind, permissions, who) in entries {
        list.extend(kind.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(who.to_le_bytes());
    }
    list
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = std::fs::symlink_metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}
