//! Opens the browser concurrently with a wait that does not depend on it.

use std::time::Duration;

use super::browser::Browser;

/// How long after its launcher has ended a browser is expected to return without the user: a user who is
/// already signed in at the server sees only the last page.
const UNCONFIRMED_AFTER: Duration = Duration::from_secs(2);

/// The outcome of launching a browser.
pub(super) enum Launch {
    Failed(String),
    Unconfirmed,
}

/// Opens the browser, and ends when that has failed or cannot be confirmed. The user can respond before
/// the launcher has shown that it works, so the login does not wait for this. Without a browser, never ends.
pub(super) async fn launch(browser: Option<Browser>, url: &str) -> Launch {
    let Some(browser) = browser else {
        return std::future::pending().await;
    };
    let ended = match browser.open(url).await {
        Ok(mut launched) => launched.ended().await,
        Err(error) => Err(error.message().to_owned()),
    };
    match ended {
        Err(why) => Launch::Failed(why),
        Ok(()) => {
            tokio::time::sleep(UNCONFIRMED_AFTER).await;
            Launch::Unconfirmed
        }
    }
}
