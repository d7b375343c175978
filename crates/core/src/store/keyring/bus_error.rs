//! What can be wrong with a keyring, and what to do about it.

use keyring_core::Error as KeyringError;

use crate::advice::Advice;
use crate::error::Error;
use crate::store::record;
use crate::text;

#[cfg(target_os = "linux")]
/// A failure of the Secret Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum BusError {
    /// There is no session bus.
    NoBus(String),
    /// No program on the bus provides a Secret Service.
    NoService,
    /// The service has no default collection.
    NoCollection,
    /// The collection is locked.
    Locked,
    /// The item is locked in an unlocked collection: the service confirms each access with the user.
    Confirms,
    /// The service prompts the user, who has not responded.
    Asks,
    /// The service's prompt was dismissed.
    Dismissed,
    /// There was no response.
    Mute,
    /// An error of the service itself.
    Failed(String),
}

#[cfg(target_os = "linux")]
impl std::fmt::Display for BusError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.explain().message())
    }
}

#[cfg(target_os = "linux")]
impl std::error::Error for BusError {}

#[cfg(target_os = "linux")]
impl BusError {
    /// Returns the error, with a hint.
    fn explain(&self) -> Error {
        match self {
            Self::NoBus(why) => {
                Error::store(format!("cannot reach the keyring: there is no session bus ({why})"))
                    .hint("run this in a desktop session or under `dbus-run-session`")
                    .and_hint(Advice::UseFileStore)
            }
            Self::NoService => Error::store(
                "there is no keyring: no program on the session bus provides the Secret Service",
            )
            .hint("install and start GNOME Keyring, KWallet or KeePassXC")
            .and_hint(Advice::UseFileStore),
            Self::NoCollection => Error::store("the keyring has no default collection")
                .hint(Advice::CreateCollection)
                .and_hint(Advice::UseFileStore),
            Self::Locked => locked(),
            Self::Confirms => Error::store("the keyring requires confirmation for each access")
                .hint(
                    "turn that off in its settings (in KeePassXC: Secret Service Integration), or \
                         run this in a terminal on the desktop",
                )
                .and_hint(Advice::UseFileStore),
            Self::Asks => Error::store("the keyring's prompt was not answered")
                .hint("answer its prompt, or turn it off in the keyring's settings")
                .and_hint(Advice::UseFileStore),
            Self::Dismissed => Error::store("the keyring's prompt was dismissed")
                .hint("try again and allow it")
                .and_hint(Advice::UseFileStore),
            Self::Mute => mute(),
            Self::Failed(why) => {
                Error::store(format!("keyring error: {why}")).hint(Advice::UseFileStore)
            }
        }
    }
}

#[cfg(target_os = "linux")]
impl From<BusError> for KeyringError {
    fn from(bus_error: BusError) -> Self {
        match bus_error {
            BusError::Failed(_) => Self::PlatformFailure(Box::new(bus_error)),
            _ => Self::NoStorageAccess(Box::new(bus_error)),
        }
    }
}

/// Returns the error for a keyring that does not respond.
pub(super) fn mute() -> Error {
    Error::store("the keyring does not respond: it may be locked, hanging or prompting")
        .hint("unlock it, answer any open prompt, then try again")
        .and_hint(Advice::UseFileStore)
}

fn locked() -> Error {
    Error::store("the keyring is locked").hint(Advice::UnlockKeyring).and_hint(Advice::UseFileStore)
}

/// Converts an error of the keyring, with a hint.
pub(super) fn explain(error: KeyringError) -> Error {
    #[cfg(target_os = "linux")]
    if let KeyringError::NoStorageAccess(inner) | KeyringError::PlatformFailure(inner) = &error
        && let Some(bus_error) = inner.downcast_ref::<BusError>()
    {
        return bus_error.explain();
    }
    match error {
        KeyringError::NoStorageAccess(_) => locked(),
        KeyringError::NoDefaultStore => {
            Error::store("cannot use the keyring of this system").hint(Advice::UseFileStore)
        }
        KeyringError::TooLong(_, limit) => {
            Error::store(format!("the keyring accepts at most {limit} bytes per item"))
                .hint(Advice::UseFileStore)
        }
        KeyringError::Ambiguous(_) => Error::store(
            "the keyring holds several items for this account, and it is unclear which one is \
             valid",
        )
        .hint("look for items of the service `oauthctl` in the keyring, and delete the older ones"),
        // Their messages can contain what was read.
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) => {
            record::damaged("the keyring", "the keyring itself cannot read it")
        }
        KeyringError::PlatformFailure(inner) => {
            Error::store(format!("keyring error: {}", text::one_line(&inner.to_string())))
                .hint(Advice::UseFileStore)
        }
        other => Error::store(format!("keyring error: {}", text::one_line(&other.to_string())))
            .hint(Advice::UseFileStore),
    }
}
