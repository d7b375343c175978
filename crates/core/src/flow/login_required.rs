//! The errors for an account without a usable grant: the user must log in, or the grant is in another
//! store.

use super::access_token::AccessToken;
use super::granted::login_again;
use super::load::{Unloaded, load};
use super::ports::Ports;
use super::request::TokenRequest;
use super::turn::Call;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::grant::{Dead, Grant, GrantKey};
use crate::profile::Profile;
use crate::text::one_line;
use crate::time::{Timestamp, describe};

/// Fails, without a lock or a request, if a login by the user is required.
pub(super) async fn require_renewable(call: Call<'_>, grant: Option<&Grant>) -> Result<()> {
    let Call { key, request, .. } = call;
    if request.id_token && grant.is_some_and(without_id_token) {
        return Err(no_id_token(key));
    }
    if !call.needs_user() {
        return Ok(());
    }
    let Some(grant) = grant else {
        return Err(never_logged_in(call.ports(), key).await);
    };
    if let Some(dead) = ended(grant, request, call.now()) {
        let what = format!("the login of {key} is no longer valid: {}", dead.reason);
        return Err(required_again(call.context.profile, grant, &what));
    }
    if grant.tokens.refresh_token.is_none() {
        let now = call.now();
        let what = match grant.tokens.expires_at {
            Some(at) if at <= now => {
                format!("the token of {key} has expired, and there is no refresh token")
            }
            Some(at) if !request.force => format!(
                "the token of {key} expires in {}, and there is no refresh token",
                describe(at.remaining(now))
            ),
            _ => format!("cannot refresh the token of {key}: there is no refresh token"),
        };
        return Err(required_again(call.context.profile, grant, &what));
    }
    Ok(())
}

/// Returns why the refresh token is not sent: the server has ended the grant, and it is too early to
/// ask again.
pub(super) fn ended<'a>(
    grant: &'a Grant,
    request: &TokenRequest,
    now: Timestamp,
) -> Option<&'a Dead> {
    let is_over = |at: &Timestamp| request.force || *at <= now;
    grant.dead.as_ref().filter(|dead| !dead.ask_again_at.as_ref().is_some_and(is_over))
}

/// Reads a grant. If the store cannot be read, the error names the one that has the grant, as far as the index
/// knows.
pub(super) async fn load_or_locate(ports: &Ports, key: &GrantKey) -> Result<Option<Grant>> {
    let error = match load(ports, key).await {
        Ok(found) => return Ok(found),
        Err(Unloaded::Failed(error)) => error,
        Err(unloaded) => return Err(unloaded.into()),
    };
    Err(match ports.coordinator.account(key).await {
        Ok(Some(entry)) if entry.store != ports.store.name() => {
            error.hint(Advice::UseStore { key: key.clone(), store: entry.store })
        }
        _ => error,
    })
}

/// Returns the error for a grant that is not stored; the index may know of another store.
pub(super) async fn never_logged_in(ports: &Ports, key: &GrantKey) -> Error {
    let error = Error::not_logged_in(key);
    match ports.coordinator.account(key).await {
        Ok(Some(entry)) if entry.store != ports.store.name() => Error::login_required(format!(
            "{key} is not in the store `{}`",
            one_line(&ports.store.name())
        ))
        .hint(Advice::UseStore { key: key.clone(), store: entry.store }),
        _ => error,
    }
}

pub(super) fn no_cached_token(key: &GrantKey, grant: Option<&Grant>) -> Error {
    match grant {
        None => Error::not_logged_in(key),
        Some(_) => Error::login_required(format!("the stored token of {key} expires too soon"))
            .hint(Advice::AllowRefresh),
    }
}

/// Returns whether no id_token ever came with this grant.
fn without_id_token(grant: &Grant) -> bool {
    grant.tokens.id_token.is_none() && grant.id_token_claims.is_none()
}

fn no_id_token(key: &GrantKey) -> Error {
    let how = "add `openid` to `scopes`, then log in again";
    Error::login_required(format!("the server issued no id_token for {key}"))
        .hint(Advice::configure(&["scopes"], how))
}

/// Returns the token, unless an id_token is requested and none that has not expired came with it: a server
/// need not return one at a refresh.
pub(super) fn require_id_token(call: Call<'_>, token: AccessToken) -> Result<AccessToken> {
    let is_valid = token.id_token_expires_at.is_some_and(|at| at > call.now());
    if is_valid || !call.request.id_token {
        return Ok(token);
    }
    let key = &token.account.key;
    let what = format!("the id_token of {key} has expired, and the refresh returned no new one");
    let error = login_required(key, &what);
    Err(match token.warning {
        Some(warning) => error.with_warning(warning),
        None => error,
    })
}

/// Returns the error for a grant whose refresh token the server or the client of today must not get.
pub(super) fn made_elsewhere(key: &GrantKey, difference: &str) -> Error {
    let what = format!("{key} was logged in at a different server or client: {difference}");
    Error::login_required(what)
        .hint("its refresh token was not sent there")
        .and_hint(Advice::LogInIfIntended(key.clone()))
}

/// Returns the error for an account that needs a new login instead of its stored one.
pub(super) fn required_again(profile: &Profile, grant: &Grant, what: &str) -> Error {
    Error::login_required(what).hint(login_again(profile, &grant.key, &grant.tokens.scopes))
}

pub(super) fn login_required(key: &GrantKey, what: &str) -> Error {
    Error::login_required(what).hint(Advice::LogIn(key.clone()))
}
