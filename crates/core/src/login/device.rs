//! A login on another device (RFC 8628): shows the code, opens the page where there is a browser, and polls.

use std::time::Duration;

use super::browser::Browser;
use super::countdown::Countdown;
use super::launch::{Launch, launch};
use crate::error::Result;
use crate::flow::{Completed, DeviceAuthorization, DevicePoll, FlowManager};
use crate::port::BoxFuture;

/// Progress of a device login, to be shown to the user.
pub enum DeviceProgress<'a> {
    /// The user must enter the code on this page. Always show both, even if a browser is about to be opened.
    Code {
        /// The code, the page, and when they expire.
        authorization: &'a DeviceAuthorization,
        /// Whether a browser is about to be opened at the page.
        opens: bool,
    },
    /// The server contacts the user on a device that it knows. There is no code to show.
    Asked(&'a DeviceAuthorization),
    /// The browser could not be opened.
    BrowserFailed(String),
    /// A poll got no response; the next one is sent after this time.
    Unanswered(String, Duration),
    /// The remaining time of the user, to be shown on one line of at most
    /// [`COUNTDOWN_COLUMNS`](super::COUNTDOWN_COLUMNS) columns.
    Waiting(Duration),
}

impl std::fmt::Debug for DeviceProgress<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Code { .. } => "Code(…)",
            Self::Asked(_) => "Asked(…)",
            Self::BrowserFailed(_) => "BrowserFailed(…)",
            Self::Unanswered(..) => "Unanswered(…)",
            Self::Waiting(_) => "Waiting(…)",
        })
    }
}

/// Completes a device authorization: shows the code, opens the browser if there is one, and polls until the
/// user has decided or the codes expire. With `countdown`, the remaining time is shown every second.
///
/// # Errors
///
/// See [`FlowManager::poll_device`].
pub async fn log_in(
    manager: &FlowManager,
    mut authorization: DeviceAuthorization,
    browser: Option<Browser>,
    countdown: bool,
    tell: &mut (dyn FnMut(DeviceProgress<'_>) + Send),
) -> Result<Completed> {
    let is_backchannel = authorization.is_backchannel();
    let browser = browser.filter(|_| !is_backchannel);
    tell(match is_backchannel {
        true => DeviceProgress::Asked(&authorization),
        false => DeviceProgress::Code { authorization: &authorization, opens: browser.is_some() },
    });
    let complete = authorization.verification_uri_complete.as_ref();
    let url = complete.unwrap_or(&authorization.verification_uri).clone();
    let mut launching: BoxFuture<'_, Launch> = Box::pin(launch(browser, &url));
    let (expires_at, mut countdown) = (authorization.expires_at, Countdown::new(countdown));
    loop {
        // A poll must not be dropped: its answer may contain the tokens.
        let mut polling = Box::pin(manager.poll_device(&mut authorization));
        let outcome = loop {
            tokio::select! {
                outcome = &mut polling => break outcome?,
                () = countdown.next() => {
                    let now = manager.ports().clock.now();
                    tell(DeviceProgress::Waiting(expires_at.remaining(now)));
                }
                launched = &mut launching => {
                    if let Launch::Failed(why) = launched {
                        tell(DeviceProgress::BrowserFailed(why));
                    }
                    launching = Box::pin(std::future::pending());
                }
            }
        };
        drop(polling);
        match outcome {
            DevicePoll::Completed(completed) => return Ok(*completed),
            DevicePoll::Pending => {}
            DevicePoll::Unanswered(why) => {
                tell(DeviceProgress::Unanswered(why, authorization.wait()));
            }
        }
    }
}
