//! What the user is told about a token.

use std::time::Duration;

use oauthctl_core::flow::AccessToken;
use oauthctl_core::grant::Pin;
use oauthctl_core::{Error, Timestamp, time};

use super::request::Selection;
use crate::context::Context;
use crate::hint;
use crate::progress::new_lifetime;

/// Says with `--verbose` that the token is new.
pub fn remark_renewal(context: &Context, token: &AccessToken) {
    if !token.fresh {
        return;
    }
    let life = token
        .expires_at
        .map_or_else(String::new, |at| format!(" that is valid for {}", new_lifetime(at)));
    context.ui.remark(format!("The server issued a new token for {}{life}.", token.account.key));
}

/// The server and the client that are configured now.
#[derive(Clone, Copy)]
pub struct Configured<'a> {
    pub issuer: Option<&'a str>,
    pub token_endpoint: Option<&'a str>,
    pub client_id: &'a str,
}

/// Warns about a token of the server or client that was configured before: it still works there, and
/// nowhere else. The clients of earlier logins at this issuer are `former`.
pub fn warn_of_move<'a>(
    context: &Context,
    token: &AccessToken,
    configured: Configured<'_>,
    mut former: impl Iterator<Item = &'a str>,
) {
    let Configured { issuer, token_endpoint, client_id } = configured;
    let account = &token.account;
    let mut differs = |pin: &Pin| {
        let what = pin.differs_from(issuer, token_endpoint, client_id)?;
        (what != "client" || !former.any(|id| id == pin.client_id)).then_some(what)
    };
    let Some(what) = account.pin.as_ref().and_then(&mut differs) else { return };
    let warning = format!(
        "the token of {} belongs to a different {what} than the one that is now configured",
        account.key
    );
    let hint = format!("run `{}` to get a new one", hint::login_command(&account.key));
    context.ui.warn(&Error::config(warning).hint(hint));
}

/// Warns that the server issues only tokens with a shorter lifetime than requested.
pub fn warn_of_short_life(context: &Context, selection: &Selection, token: &AccessToken) {
    let (Some(wanted), Some(at)) = (selection.min_ttl, token.expires_at) else {
        return;
    };
    // A new token has its whole lifetime, minus the duration of the request.
    let left = match token.lifetime.filter(|_| token.fresh) {
        Some(lifetime) => Duration::from_secs(lifetime),
        None => at.remaining(Timestamp::now()),
    };
    if left < wanted && token.warning.is_none() {
        let what = format!(
            "the token is valid for {}, less than the {} of `--min-ttl`: the server does not issue \
             longer-lived tokens",
            time::describe(left),
            time::describe(wanted)
        );
        context.ui.warn(&Error::unavailable(what));
    }
}
