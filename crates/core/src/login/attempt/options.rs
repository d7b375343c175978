//! What a login needs, and what it reports.

use std::time::Duration;

use crate::error::Error;
use crate::grant::GrantKey;
use crate::login::browser::Browser;
use crate::login::paste::PastedLines;
use crate::profile::AuthorizationServer;

/// The settings of a login, in addition to its profile.
pub struct Attempt {
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The scopes; if empty, those of the profile are used.
    pub scopes: Vec<String>,
    /// `login_hint`, `prompt`, and other parameters of the authorization request.
    pub extra: Vec<(String, String)>,
    /// The port of the listener, instead of the profile's.
    pub port: Option<u16>,
    /// How long to wait for the user.
    pub timeout: Duration,
    /// Whether a listener receives the callback.
    pub listen: bool,
    /// The browser to open; without one, the URL is only reported.
    pub browser: Option<Browser>,
    /// Whether the browser opens only after an empty line of [`pasted`](Self::pasted), which must then be
    /// [`PastedLines::with_blank_lines`].
    pub asks: bool,
    /// Lines in which the callback may be pasted.
    pub pasted: Option<PastedLines>,
    /// Whether to report the remaining time every second: [`Progress::Waiting`].
    pub countdown: bool,
    /// Whether the redirect URI is the built-in one, which may move to `[::1]` on a host without IPv4.
    pub may_change_family: bool,
    /// The authorization server, if its metadata was fetched for this login already.
    pub server: Option<AuthorizationServer>,
}

crate::redact::debug::redacted_debug!(Attempt {
    key,
    scopes,
    extra => pairs,
    port,
    timeout,
    listen,
    browser,
    asks,
    pasted,
    countdown,
    may_change_family,
    server,
});

/// Progress of a login, to be shown to the user.
pub enum Progress<'a> {
    /// The server is known; nothing has been opened yet.
    Server(&'a AuthorizationServer),
    /// The browser is about to be opened at this URL. Show the URL: it is impossible to know whether a
    /// browser opens.
    Opening(&'a str),
    /// The browser will be opened at this URL once the user presses Enter.
    Asking(&'a str),
    /// The user must open this URL.
    Open(&'a str),
    /// The listener waits for the response at this redirect URI, for this long. No browser is opened here.
    Listening(&'a str, Duration),
    /// The browser could not be opened; the user must open the URL.
    BrowserFailed(&'a str, String),
    /// The browser's launcher succeeded a while ago, but no request has arrived from a browser.
    Unconfirmed(&'a str),
    /// A request arrived that was not the expected callback.
    RejectedRequest(String),
    /// The pasted text is not the expected callback; the error says what to paste.
    NotPasted(Error),
    /// The remaining time of the user, to be shown on one line of at most
    /// [`COUNTDOWN_COLUMNS`](crate::login::COUNTDOWN_COLUMNS) columns.
    Waiting(Duration),
    /// The response is authentic; the code is being redeemed.
    Redeeming,
}

impl std::fmt::Debug for Progress<'_> {
    /// Formats the progress. A URL contains the state.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server(…)",
            Self::Opening(_) => "Opening(…)",
            Self::Asking(_) => "Asking(…)",
            Self::Open(_) => "Open(…)",
            Self::Listening(..) => "Listening(…)",
            Self::BrowserFailed(..) => "BrowserFailed(…)",
            Self::Unconfirmed(_) => "Unconfirmed(…)",
            Self::RejectedRequest(_) => "RejectedRequest(…)",
            Self::NotPasted(_) => "NotPasted(…)",
            Self::Waiting(_) => "Waiting(…)",
            Self::Redeeming => "Redeeming",
        })
    }
}
