//! What to do about an error, as data.

use std::borrow::Cow;

use crate::grant::GrantKey;
use crate::text;

/// What to do about an [`Error`](crate::Error), or what to know before doing it.
///
/// A program words the variants for its own users, with its own commands, buttons or links. The
/// [`Display`](std::fmt::Display) form is plain English for logs and for variants that a program does not know:
/// it names no command and no flag of any program.
///
/// ```
/// use oauthctl_core::{Advice, Error};
///
/// fn next_step(error: &Error) -> String {
///     let word = |advice: &Advice| match advice {
///         Advice::LogIn(key) => format!("<a href=\"/login/{}\">Log in</a>", key.profile),
///         Advice::Retry | Advice::RetryLater => "Try again.".to_owned(),
///         other => other.to_string(),
///     };
///     error.advice().iter().map(word).collect::<Vec<_>>().join(" ")
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Advice {
    /// Log in to this account.
    LogIn(GrantKey),
    /// Log in to this account, if the change that the error names is intended.
    LogInIfIntended(GrantKey),
    /// Start a new flow: what is left of this one is of no use.
    StartAgain,
    /// As [`StartAgain`](Self::StartAgain), and look at the exchange with the server.
    StartAgainTraced,
    /// Start a new flow, in which the user allows the access, or request fewer scopes.
    AllowAccess,
    /// Start a new flow without `prompt=none`, so that the server may prompt the user.
    AllowPrompt,
    /// Start a new flow, and give the user more time.
    WaitLonger,
    /// Try the same again now.
    Retry,
    /// Try the same again later.
    RetryLater,
    /// Check the network, and try the same again later.
    CheckNetwork,
    /// Do the same again, and look at the exchange with the server.
    Trace,
    /// Refresh this grant once more ([`TokenRequest::force`](crate::TokenRequest::force)), although earlier
    /// attempts got no answer.
    Refresh(GrantKey),
    /// Let the token be refreshed, or require less remaining lifetime.
    AllowRefresh,
    /// Use the store of this name, which has the account.
    UseStore {
        /// The account.
        key: GrantKey,
        /// The store.
        store: String,
    },
    /// Use a store that this version supports.
    ChooseStore,
    /// Keep the tokens in encrypted files instead of the keyring.
    UseFileStore,
    /// Set or correct these keys of the profile.
    Configure {
        /// The keys; any one of them is enough where the sentence says "or".
        keys: Vec<&'static str>,
        /// The same as a sentence that names the keys and their values.
        how: Cow<'static, str>,
    },
    /// Use another configuration file, or correct the owner or mode of this one.
    UseAnotherConfiguration,
    /// Choose one of the profiles that exist.
    ListProfiles,
    /// Choose one of the profiles that exist, or add the one of this name.
    AddProfile(String),
    /// Remove the profile of this name first, so that it can be replaced.
    RemoveProfile(String),
    /// Set the keys that the profile to be added lacks.
    CompleteProfile,
    /// Choose one of the provider presets that exist.
    ListProviders,
    /// Pass the client secret on standard input, or name the place that has it.
    ReferToSecret,
    /// Store the client secret of the profile of this name in the keyring.
    StoreClientSecret(String),
    /// What was meant is probably this.
    DidYouMean(String),
    /// Name at least one scope, or none at all.
    OmitScopes,
    /// Set scopes as scopes, not as a parameter.
    UseScopes,
    /// Use another user reference, or log out of this account first.
    UseAnotherUser(GrantKey),
    /// Remove an attribute of the grant.
    UnsetAttribute,
    /// Set the other attributes once the grant is stored.
    SetAttributesLater,
    /// Keep fewer attributes in the sealed state, or keep the flow in the pending store.
    UsePendingStore,
    /// Complete or cancel some of the pending flows.
    ListPending,
    /// Put the newest record of this account back, log in again, or accept the copy.
    RestoreGrant(GrantKey),
    /// Put a copy of the damaged record back, or log in again.
    RestoreRecord,
    /// Log in again, or remove the damaged file.
    LogInOrRemoveFile,
    /// Accept the record if its origin is known, else do not use it.
    AcceptRecord {
        /// The store that has it.
        store: String,
        /// The profile of the record, where it is known.
        profile: Option<String>,
    },
    /// Provide the key that seals the records, or make a new one for a new store.
    NewStoreKey,
    /// Encrypt to an age public key.
    UseRecipient,
    /// Provide the key that the record was sealed with, or discard the record.
    GiveStoreKey,
    /// Unlock the keyring, then try again.
    UnlockKeyring,
    /// Create the default collection of the keyring.
    CreateCollection,
    /// Make the place writable, or use another one.
    MakeWritable,
    /// Check the file system, or use another place.
    CheckFileSystem,
    /// Raise the limit of open files.
    RaiseFileLimit,
    /// Open the URL by hand, or name a browser that can be started.
    ChooseBrowser,
    /// Paste the callback, or set a redirect URI on the loopback interface.
    PasteCallback,
    /// Use a flow that needs no listener.
    UseAnotherFlow,
    /// End the program that uses these ports, or choose another port.
    FreePorts(Vec<String>),
    /// Choose a port that needs no privileges.
    UseUnprivilegedPort,
    /// A sentence that fits no other variant: what to do, or what to know before it.
    Text(Cow<'static, str>),
}

impl Advice {
    /// Advice to set or correct these keys of the profile; `how` says it in a sentence.
    pub fn configure(keys: &[&'static str], how: impl Into<Cow<'static, str>>) -> Self {
        Self::Configure { keys: keys.to_vec(), how: harmless(how.into()) }
    }

    /// Whether it asks for the same once more, as it is.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry | Self::RetryLater | Self::CheckNetwork)
    }

    /// Whether it asks for a new flow.
    pub fn is_start(&self) -> bool {
        matches!(
            self,
            Self::StartAgain | Self::StartAgainTraced | Self::AllowAccess | Self::WaitLonger
        )
    }
}

impl From<&'static str> for Advice {
    fn from(text: &'static str) -> Self {
        Self::Text(harmless(text.into()))
    }
}

impl From<String> for Advice {
    fn from(text: String) -> Self {
        Self::Text(harmless(text.into()))
    }
}

/// One line, with nothing in it that a terminal obeys.
fn harmless(text: Cow<'static, str>) -> Cow<'static, str> {
    match text.chars().all(text::is_harmless) {
        true => text,
        false => text::line(&text).into(),
    }
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::LogIn(key) => write!(f, "log in to {key}"),
            Self::LogInIfIntended(key) => {
                write!(f, "if the change is intended, log in to {key} again")
            }
            Self::Refresh(key) => write!(f, "refresh {key} once more"),
            Self::UseStore { key, store } => {
                write!(f, "{key} is in the store `{}`: use that one", text::one_line(store))
            }
            Self::RemoveProfile(name) => {
                write!(f, "to replace `{}`, remove it first", text::one_line(name))
            }
            Self::AddProfile(name) => {
                write!(f, "choose another profile, or add `{}`", text::one_line(name))
            }
            Self::StoreClientSecret(name) => {
                write!(f, "store the client secret of `{}`", text::one_line(name))
            }
            Self::DidYouMean(name) => write!(f, "did you mean `{}`?", text::one_line(name)),
            Self::UseAnotherUser(key) => {
                write!(f, "use another user reference, or log out of {key}")
            }
            Self::RestoreGrant(key) => {
                write!(f, "put the newest record of {key} back, or log in again")
            }
            Self::FreePorts(ports) => {
                let ports = ports.join(", ");
                write!(f, "end the program that listens on {ports}, or choose another port")
            }
            Self::Configure { how, .. } | Self::Text(how) => f.write_str(how),
            fixed => f.write_str(fixed.fixed()),
        }
    }
}

impl Advice {
    /// The words of the variants whose data is not in them.
    fn fixed(&self) -> &'static str {
        match self {
            Self::StartAgain => "start a new flow",
            Self::StartAgainTraced => "start a new flow, and trace the exchange",
            Self::AllowAccess => "start a new flow and allow the access, or request fewer scopes",
            Self::AllowPrompt => "start a new flow without `prompt=none`",
            Self::WaitLonger => "start a new flow, and wait longer for the user",
            Self::Retry => "try again",
            Self::RetryLater => "try again later",
            Self::CheckNetwork => "check the network and try again later",
            Self::Trace => "trace the exchange",
            Self::AllowRefresh => "let the token be refreshed, or require less remaining lifetime",
            Self::ChooseStore => "use the keyring or the file store",
            Self::UseFileStore => "keep the tokens in encrypted files instead",
            Self::UseAnotherConfiguration => "correct its owner or mode, or use another file",
            Self::ListProfiles => "choose one of the profiles that exist",
            Self::CompleteProfile => "set the missing keys",
            Self::ListProviders => "choose one of the provider presets",
            Self::ReferToSecret => "name the place that has the secret",
            Self::OmitScopes => "omit the scopes, or name one",
            Self::UseScopes => "it belongs to the protocol; set scopes as scopes",
            Self::UnsetAttribute => "remove one",
            Self::SetAttributesLater => "set the others once the grant is stored",
            Self::UsePendingStore => "keep fewer attributes, or use the pending store",
            Self::ListPending => "complete or cancel some; each expires by itself",
            Self::RestoreRecord => {
                "put back a copy of it, or log in again, which keeps the damaged one aside"
            }
            Self::LogInOrRemoveFile => "log in again, or remove that file",
            Self::AcceptRecord { .. } => "accept it only if you know who wrote it",
            Self::NewStoreKey => "records need the key that they were sealed with",
            Self::UseRecipient => "it begins with `age1`",
            Self::GiveStoreKey => "provide the key that it was sealed with",
            Self::UnlockKeyring => "unlock it, then try again",
            Self::CreateCollection => "create one named `login`",
            Self::MakeWritable => "make it writable for you, or choose another place",
            Self::CheckFileSystem => "check that file system, or choose another place",
            Self::RaiseFileLimit => "raise the limit of open files",
            Self::ChooseBrowser => "open the URL by hand, or choose another browser",
            Self::PasteCallback => "paste the callback, or set a loopback redirect URI",
            Self::UseAnotherFlow => "use a flow that needs no listener",
            Self::UseUnprivilegedPort => "choose a port above 1023",
            Self::LogIn(_)
            | Self::LogInIfIntended(_)
            | Self::Refresh(_)
            | Self::UseStore { .. }
            | Self::RemoveProfile(_)
            | Self::AddProfile(_)
            | Self::StoreClientSecret(_)
            | Self::DidYouMean(_)
            | Self::UseAnotherUser(_)
            | Self::RestoreGrant(_)
            | Self::FreePorts(_)
            | Self::Configure { .. }
            | Self::Text(_) => "",
        }
    }
}
