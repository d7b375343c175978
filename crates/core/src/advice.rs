//! What to do about an error, as data.

use std::borrow::Cow;

use crate::grant::GrantKey;
use crate::text;

/// What to do about an [`Error`](crate::Error), or what to know before doing it.
///
/// A program phrases the variants for its own users, with its own commands, buttons or links. The
/// [`Display`](std::fmt::Display) form is plain English, for logs and for variants that a program does not
/// know: it mentions no command and no flag of any program.
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
    /// Log in to this account again, with these scopes in addition to those of the profile: the stored grant has them,
    /// and a new one would not.
    LogInAgain {
        /// The account.
        key: GrantKey,
        /// The scopes.
        scopes: Vec<String>,
    },
    /// Log in to this account, if the change that the error names is intended.
    LogInIfIntended(GrantKey),
    /// Log in to this account with these scopes in addition to those that were granted. If `scopes` is
    /// empty, the resource server did not specify which ones it requires.
    AddScopes {
        /// The account.
        key: GrantKey,
        /// The scopes.
        scopes: Vec<String>,
    },
    /// Start a new flow: this one cannot be continued.
    StartAgain,
    /// Start a new flow: the state of this one has been used, although the failure is transient.
    StateUsed,
    /// Same as [`StartAgain`](Self::StartAgain), and trace the exchange with the server.
    StartAgainTraced,
    /// Start a new flow in which the user allows access, or request fewer scopes.
    AllowAccess,
    /// Start a new flow without `prompt=none`, so that the server may prompt the user.
    AllowPrompt,
    /// Start a new flow, and give the user more time.
    WaitLonger,
    /// Retry now.
    Retry,
    /// Retry later.
    RetryLater,
    /// Check the network, and retry later.
    CheckNetwork,
    /// Check the proxy as this text describes, because the request did not get through it.
    CheckProxy(&'static str),
    /// Repeat the operation with a trace of the exchange with the server.
    Trace,
    /// Refresh this grant once more ([`TokenRequest::force`](crate::TokenRequest::force)), although earlier
    /// attempts got no response.
    Refresh(GrantKey),
    /// Allow a refresh of the token, or require less remaining lifetime.
    AllowRefresh,
    /// Use the store of this name, which holds the account.
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
        /// The keys; any one of them is enough if the sentence says "or".
        keys: Vec<&'static str>,
        /// The same as a sentence with the keys and their values.
        how: Cow<'static, str>,
    },
    /// Use another configuration file, or correct the owner or mode of this one.
    UseAnotherConfiguration,
    /// Choose an existing profile.
    ListProfiles,
    /// Choose an existing profile, or add the one of this name.
    AddProfile(String),
    /// Use this URL: the user probably meant it, and wrote it without its scheme.
    WriteScheme(String),
    /// Remove the profile of this name first, in order to replace it.
    RemoveProfile(String),
    /// Set the missing keys of the profile to be added.
    CompleteProfile,
    /// Choose an existing provider preset.
    ListProviders,
    /// Pass the client secret on standard input, or refer to its source.
    ReferToSecret,
    /// Register a client with the server manually, and set its id.
    RegisterClient,
    /// Store the client secret of the profile of this name in the keyring.
    StoreClientSecret(String),
    /// Use this name, which the user probably meant.
    DidYouMean(String),
    /// Set at least one scope, or omit the scopes.
    OmitScopes,
    /// Set scopes with their own option, not as a parameter.
    UseScopes,
    /// Use another user reference, or log out of this account first.
    UseAnotherUser(GrantKey),
    /// Remove an attribute of the grant.
    UnsetAttribute,
    /// Set the other attributes once the grant is stored.
    SetAttributesLater,
    /// Use fewer attributes in the sealed state, or store the flow in the pending store.
    UsePendingStore,
    /// Complete or cancel some of the pending flows.
    ListPending,
    /// Restore the newest record of this account, or log in again.
    RestoreGrant(GrantKey),
    /// Restore the damaged record from a copy. If it is the record of an account, logging in to that
    /// account again also helps.
    RestoreRecord(Option<StoredAccount>),
    /// Log in to this account again, or remove the damaged file.
    LogInOrRemoveFile(GrantKey),
    /// Accept the record if its origin is known; otherwise do not use it.
    AcceptRecord {
        /// The store of the record.
        store: String,
        /// The account of the record; `None` for a named secret.
        key: Option<GrantKey>,
    },
    /// Set the key that encrypted the records, or generate one for a new store.
    NewStoreKey,
    /// Encrypt to an age public key.
    UseRecipient,
    /// Set the key that encrypted the record. If it is the record of an account, it can be removed
    /// instead.
    GiveStoreKey(Option<StoredAccount>),
    /// Restore the file of the key that encrypted the records, or set that key. If it is lost, move the records away.
    RestoreStoreKey,
    /// Set the key for which the exported account was encrypted.
    GiveRecipientKey,
    /// Unlock the keyring, then try again.
    UnlockKeyring,
    /// Create the default collection of the keyring.
    CreateCollection,
    /// Make the location writable, or use another one.
    MakeWritable,
    /// Check the file system, or use another location.
    CheckFileSystem,
    /// Keep the state on a local file system, which has locks.
    UseLocalState,
    /// Raise the limit on open files.
    RaiseFileLimit,
    /// Open the URL manually, or set a browser that can be started.
    ChooseBrowser,
    /// Paste the callback URL, or set a redirect URI on the loopback interface.
    PasteCallback,
    /// Use a flow that does not require a listener.
    UseAnotherFlow,
    /// Stop the program that uses these ports, or choose another port.
    FreePorts(Vec<String>),
    /// Choose a port that requires no privileges.
    UseUnprivilegedPort,
    /// A sentence for cases without a variant: what to do, or what to know first.
    Text(Cow<'static, str>),
}

/// An account, and the store that has its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAccount {
    /// The account.
    pub key: GrantKey,
    /// The name of the store.
    pub store: String,
}

impl Advice {
    /// Names the account of the record that the advice is about, if it does not yet.
    #[cfg(any(feature = "file", feature = "keyring"))]
    pub(crate) fn name_account(&mut self, key: &GrantKey, store: &str) {
        if let Self::RestoreRecord(account @ None) | Self::GiveStoreKey(account @ None) = self {
            *account = Some(StoredAccount { key: key.clone(), store: store.to_owned() });
        }
    }

    /// Returns the account to log in to, if that is the advice.
    pub fn login(&self) -> Option<&GrantKey> {
        match self {
            Self::LogIn(key) | Self::LogInAgain { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Creates advice to set or correct these keys of the profile; `how` is the sentence for it.
    pub fn configure(keys: &[&'static str], how: impl Into<Cow<'static, str>>) -> Self {
        Self::Configure { keys: keys.to_vec(), how: harmless(how.into()) }
    }

    /// Returns whether the advice is to retry.
    pub fn is_retry(&self) -> bool {
        matches!(self, Self::Retry | Self::RetryLater | Self::CheckNetwork)
    }

    /// Returns whether the advice is to start a new flow.
    pub fn is_start(&self) -> bool {
        matches!(
            self,
            Self::StartAgain
                | Self::StateUsed
                | Self::StartAgainTraced
                | Self::AllowAccess
                | Self::WaitLonger
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

/// Returns one line without terminal control characters.
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
            Self::LogInAgain { key, scopes } => {
                let scopes = text::one_line(&scopes.join(" "));
                write!(f, "log in to {key} again, with the scopes {scopes} in addition")
            }
            Self::Refresh(key) => write!(f, "refresh {key} once more"),
            Self::AddScopes { key, scopes } if scopes.is_empty() => {
                write!(f, "log in to {key} with more scopes")
            }
            Self::AddScopes { key, scopes } => {
                write!(f, "log in to {key} with the scopes {}", text::one_line(&scopes.join(" ")))
            }
            Self::UseStore { key, store } => {
                write!(f, "{key} is in the store `{}`; use that store", text::one_line(store))
            }
            Self::RemoveProfile(name) => {
                write!(f, "to replace `{}`, remove it first", text::one_line(name))
            }
            Self::WriteScheme(url) => {
                write!(f, "to use a URL, write its scheme: {}", text::one_line(url))
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
                write!(f, "restore the newest record of {key}, or log in again")
            }
            Self::FreePorts(ports) => {
                let ports = ports.join(", ");
                write!(f, "stop the program that listens on {ports}, or choose another port")
            }
            Self::RestoreRecord(account) => f.write_str(match account {
                Some(_) => {
                    "restore it from a copy, or log in again, which moves the damaged one aside"
                }
                None => "restore it from a copy",
            }),
            Self::GiveRecipientKey => f.write_str("set the key of the recipient"),
            Self::CheckProxy(how) => f.write_str(how),
            Self::Configure { how, .. } | Self::Text(how) => f.write_str(how),
            fixed => f.write_str(fixed.fixed()),
        }
    }
}

impl Advice {
    /// Returns the text of variants that mention none of their data.
    #[expect(clippy::too_many_lines, reason = "one line for each variant")]
    fn fixed(&self) -> &'static str {
        match self {
            Self::StartAgain => "start a new flow",
            Self::StateUsed => "the state has been used: start a new flow",
            Self::StartAgainTraced => "start a new flow, and trace the exchange",
            Self::AllowAccess => "start a new flow and allow access, or request fewer scopes",
            Self::AllowPrompt => "start a new flow without `prompt=none`",
            Self::WaitLonger => "start a new flow, and wait longer for the user",
            Self::Retry => "try again",
            Self::RetryLater => "try again later",
            Self::CheckNetwork => "check the network and try again later",
            Self::Trace => "trace the exchange",
            Self::AllowRefresh => "allow a refresh, or require less remaining lifetime",
            Self::ChooseStore => "use the keyring or the file store",
            Self::UseFileStore => "keep the tokens in encrypted files instead",
            Self::UseAnotherConfiguration => "correct its owner or mode, or use another file",
            Self::ListProfiles => "choose an existing profile",
            Self::CompleteProfile => "set the missing keys",
            Self::ListProviders => "choose one of the provider presets",
            Self::RegisterClient => "register a native client at the server, and use its id",
            Self::ReferToSecret => "refer to the source of the secret",
            Self::OmitScopes => "omit the scopes, or name one",
            Self::UseScopes => "it is reserved for the protocol; set scopes with their own option",
            Self::UnsetAttribute => "remove one",
            Self::SetAttributesLater => "set the others once the grant is stored",
            Self::UsePendingStore => "use fewer attributes, or use the pending store",
            Self::ListPending => "complete or cancel some of them, or wait for them to expire",
            Self::LogInOrRemoveFile(_) => "log in again, or remove that file",
            Self::AcceptRecord { .. } => "accept it only if you know who wrote it",
            Self::NewStoreKey => "existing records require the key that encrypted them",
            Self::RestoreStoreKey => "restore the key file, or set the key of the records",
            Self::UseRecipient => "a public key begins with `age1`",
            Self::GiveStoreKey(_) => "set the store key to the key that encrypted the record",
            Self::UnlockKeyring => "unlock it, then try again",
            Self::CreateCollection => "create one named `login`",
            Self::MakeWritable => "make it writable for you, or use another location",
            Self::CheckFileSystem => "check that file system, or use another location",
            Self::UseLocalState => "use a state directory on a local file system",
            Self::RaiseFileLimit => "raise the limit on open files",
            Self::ChooseBrowser => "open the URL yourself, or choose another browser",
            Self::PasteCallback => "paste the callback URL, or set a loopback redirect URI",
            Self::UseAnotherFlow => "use a flow that does not require a listener",
            Self::UseUnprivilegedPort => "choose a port above 1023",
            Self::LogIn(_)
            | Self::GiveRecipientKey
            | Self::LogInAgain { .. }
            | Self::LogInIfIntended(_)
            | Self::Refresh(_)
            | Self::AddScopes { .. }
            | Self::UseStore { .. }
            | Self::RemoveProfile(_)
            | Self::AddProfile(_)
            | Self::WriteScheme(_)
            | Self::StoreClientSecret(_)
            | Self::DidYouMean(_)
            | Self::UseAnotherUser(_)
            | Self::RestoreGrant(_)
            | Self::RestoreRecord(_)
            | Self::FreePorts(_)
            | Self::Configure { .. }
            | Self::CheckProxy(_)
            | Self::Text(_) => "",
        }
    }
}
