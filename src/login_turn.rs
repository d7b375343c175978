//! Logins to one account do not pile up: one process logs in, and those that wait for it share its outcome.

pub mod lock;

use std::time::Duration;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::{Completed, FlowManager};
use oauthctl_core::grant::GrantInfo;
use oauthctl_core::store::StateDir;
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, Timestamp};

use crate::context::Context;
use crate::run as runner;
use lock::{LoginLock, LoginOutcome};

/// Whose turn it is to log in to an account.
pub enum Turn {
    /// That of this process, as long as it holds the lock.
    Ours(LoginLock),
    /// Another process has just logged in.
    Joined(Box<GrantInfo>),
}

/// Waits until no other process logs in to this account.
///
/// # Errors
///
/// Returns the error of the login that another process tried meanwhile, and `Unavailable` if it does not end.
pub fn wait(
    context: &Context,
    state: &StateDir,
    key: &GrantKey,
    manager: &FlowManager,
    timeout: Duration,
) -> Result<Turn> {
    let work = async {
        let locking = LoginLock::acquire(state, &SystemClock, key, timeout);
        tokio::pin!(locking);
        let lock = tokio::select! {
            biased;
            lock = &mut locking => lock?,
            () = std::future::ready(()) => {
                context.ui.say(format!("Another login to {key} is in progress; waiting for it \
                                           …"));
                locking.await?
            }
        };
        match lock.joined().cloned() {
            Some(outcome) => {
                let grant = joined(context, manager, key, &outcome).await?;
                Ok(Turn::Joined(Box::new(grant)))
            }
            None => Ok(Turn::Ours(lock)),
        }
    };
    runner::block_on(Some(manager), work)
}

/// Returns the outcome of the login to this account that another process completed meanwhile.
async fn joined(
    context: &Context,
    manager: &FlowManager,
    key: &GrantKey,
    outcome: &LoginOutcome,
) -> Result<GrantInfo> {
    if let (Some(id), Some(grant)) = (&outcome.grant_id, manager.grant(key).await?)
        && *id == grant.id
    {
        context.ui.say("Another login to this account was in progress; using its result.");
        return Ok(grant);
    }
    let kind = match outcome.error.as_deref() {
        Some("config") => ErrorKind::Config,
        Some("access_denied") => ErrorKind::AccessDenied,
        Some("timeout") => ErrorKind::Timeout,
        Some("validation") => ErrorKind::Validation,
        Some("server_refused") => ErrorKind::ServerRefused,
        Some("unavailable") => ErrorKind::Unavailable,
        Some("store") => ErrorKind::Store,
        _ => ErrorKind::LoginRequired,
    };
    let message = outcome.message.clone().unwrap_or_else(|| "it did not finish".to_owned());
    Err(Error::new(kind, message).context("the login in progress failed"))
}

/// Returns the message for processes that wait for this login.
pub fn outcome_of(outcome: &Result<Completed>) -> LoginOutcome {
    let at = Timestamp::now();
    match outcome {
        Ok(completed) => LoginOutcome {
            at,
            grant_id: Some(completed.grant.id.clone()),
            error: None,
            message: None,
        },
        Err(error) => LoginOutcome {
            at,
            grant_id: None,
            error: Some(error.kind().word().to_owned()),
            message: Some(error.message_to_keep()),
        },
    }
}
