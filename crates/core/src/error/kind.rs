//! The kinds of failure.

/// The kinds of failure. Each has an exit code of the program and a word in its JSON. `InvalidState` shares
/// those of `Validation`; only callers of the library can distinguish the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An internal error of this crate.
    Internal,
    /// The caller made an invalid request.
    Usage,
    /// The configuration is invalid, or a profile, account or provider is unknown.
    Config,
    /// There is no usable token, and obtaining one requires the user.
    LoginRequired,
    /// The user, the server, or a hook denied access.
    AccessDenied,
    /// The user did not respond in time.
    Timeout,
    /// A response does not match the request (`iss`, nonce, id_token, callback).
    Validation,
    /// A state is forged, altered, expired, used, or belongs to another flow; or nothing identifies the
    /// server of a response ([`received_at`](crate::AuthorizationResponse::received_at)). Nothing was
    /// redeemed.
    InvalidState,
    /// The authorization server refused with an OAuth error (RFC 6749, section 5.2).
    ServerRefused,
    /// The network or the server failed; retrying later may help.
    Unavailable,
    /// A store is unavailable, locked, full or unreadable: that of the grants or of the pending flows, the
    /// locks, the index of accounts, or the keys of states.
    Store,
    /// A signal ended the operation.
    Interrupted,
}

/// The codes with which servers report that the user did not consent, besides `access_denied`: LinkedIn
/// (login, consent), Apple, and Microsoft on another device.
const DENIALS: [&str; 4] =
    ["access_denied", "user_cancelled_login", "user_cancelled_authorize", "authorization_declined"];

/// Returns whether an error code says that the user, or the server, denied the authorization.
pub(crate) fn is_denial(code: &str) -> bool {
    DENIALS.iter().any(|denial| denial.eq_ignore_ascii_case(code))
}

impl ErrorKind {
    /// All kinds, in the order of their exit codes.
    pub const ALL: [Self; 12] = [
        Self::Internal,
        Self::Usage,
        Self::Config,
        Self::LoginRequired,
        Self::AccessDenied,
        Self::Timeout,
        Self::Validation,
        Self::InvalidState,
        Self::ServerRefused,
        Self::Unavailable,
        Self::Store,
        Self::Interrupted,
    ];

    /// Returns the program's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::LoginRequired => 4,
            Self::AccessDenied => 5,
            Self::Timeout => 6,
            Self::Validation | Self::InvalidState => 7,
            Self::ServerRefused => 8,
            Self::Unavailable => 9,
            Self::Store => 10,
            Self::Interrupted => 130,
        }
    }

    /// Returns the word for this kind in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::LoginRequired => "login_required",
            Self::AccessDenied => "access_denied",
            Self::Timeout => "timeout",
            Self::Validation | Self::InvalidState => "validation",
            Self::ServerRefused => "server_refused",
            Self::Unavailable => "unavailable",
            Self::Store => "store",
            Self::Interrupted => "interrupted",
        }
    }

    /// Returns the kind in two or three words, for a list.
    pub fn title(self) -> &'static str {
        match self {
            Self::Internal => "internal error",
            Self::Usage => "usage error",
            Self::Config => "invalid configuration",
            Self::LoginRequired => "login required",
            Self::AccessDenied => "access denied",
            Self::Timeout => "timed out waiting for the user",
            Self::Validation | Self::InvalidState => "validation failed",
            Self::ServerRefused => "refused by the authorization server",
            Self::Unavailable => "network or server unavailable",
            Self::Store => "token store unavailable",
            Self::Interrupted => "interrupted (143 by SIGTERM)",
        }
    }

    /// Returns what this kind means to the user of the program.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Internal => "unexpected internal error",
            Self::Usage => "invalid flags or arguments",
            Self::Config => {
                "the configuration is invalid, a profile, account or provider is unknown, or a hook failed"
            }
            Self::LoginRequired => "there is no usable token, and only a new login can provide one",
            Self::AccessDenied => "the user, the server or a hook denied the authorization",
            Self::Timeout => "the user did not respond in time",
            Self::Validation | Self::InvalidState => {
                "the state, iss, nonce, id_token or callback is invalid"
            }
            Self::ServerRefused => "the authorization server returned another OAuth error",
            Self::Unavailable => "the network or the server is unavailable; try again later",
            Self::Store => "the token store is unavailable, locked or unreadable",
            Self::Interrupted => {
                "interrupted by SIGINT or SIGTERM; no file is left partially written"
            }
        }
    }

    /// Describes the failure as far as the kind alone allows.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Internal => "an internal error occurred",
            Self::Usage => "the request was invalid",
            Self::Config => "the configuration, or a command in it, failed",
            Self::LoginRequired => "a new login is required",
            Self::AccessDenied => "access was denied",
            Self::Timeout => "the user did not respond in time",
            Self::Validation | Self::InvalidState => "the server's response was invalid",
            Self::ServerRefused => "the server refused the request",
            Self::Unavailable => "the network or the server was unavailable",
            Self::Store => "the token store failed",
            Self::Interrupted => "the operation was interrupted",
        }
    }
}
