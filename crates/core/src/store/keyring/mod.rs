//! The operating system's keyring, through the interface of `keyring_core` on every platform.
//!
//! A record is one item, as text. A record over the platform's limit is stored in a file, encrypted with a
//! key of its own; the item then holds that key and names the file. Writing the item is the commit in both
//! cases, so that a record is either the old one or the new one as a whole.
//!
//! On Linux the keyring is the Secret Service of the session bus (`SecretService`); on macOS and
//! Windows it is the platform store of the `keyring` crate.

#[cfg(target_os = "linux")]
mod attended;
#[cfg(target_os = "linux")]
mod bus;
mod bus_error;
#[cfg(target_os = "linux")]
mod found;
mod grants;
mod item;
mod sealed;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(target_os = "linux")]
mod user;

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(target_os = "linux")]
pub use self::attended::AttendedKeyring;
pub use self::grants::KeyringStore;
#[cfg(target_os = "linux")]
pub(crate) use self::grants::PATIENCE;
#[cfg(target_os = "linux")]
pub use self::secret_service::SecretService;
#[cfg(target_os = "linux")]
pub use self::user::KeyringUser;

/// Returns the address of the session bus for the values of two environment variables: `DBUS_SESSION_BUS_ADDRESS`,
/// else `bus` below `XDG_RUNTIME_DIR`.
pub fn session_bus(address: Option<OsString>, runtime_dir: Option<OsString>) -> Option<String> {
    let address = address.and_then(|a| a.into_string().ok()).filter(|a| !a.is_empty());
    address.or_else(|| {
        let socket = PathBuf::from(runtime_dir.filter(|d| !d.is_empty())?).join("bus");
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_/.\\".contains(c);
        let socket = socket.to_str().filter(|s| s.chars().all(plain))?;
        std::path::Path::new(socket).exists().then(|| format!("unix:path={socket}"))
    })
}
