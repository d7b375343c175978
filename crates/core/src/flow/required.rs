//! Grants of another user than the required one are not stored.

use super::identity::complete_identity;
use super::turn::Context;
use crate::error::{Error, Result};
use crate::grant::Grant;
use crate::text::one_line;

/// The identity that must have granted access, as the server reports it. `None` accepts any value. Values are
/// compared byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredIdentity {
    /// The subject.
    pub sub: Option<String>,
    /// The email address. An address that the server marks as unverified never matches.
    pub email: Option<String>,
}

const LOG_IN_AS_REQUIRED: &str = "nothing was stored; log in as the required user";

/// Returns what to do about a value that the server does not return: without its scope, no server does.
fn remedy(grant: &Grant, name: &str) -> &'static str {
    let has = |scope: &str| grant.tokens.scopes.iter().any(|granted| granted == scope);
    match name {
        "email" if !has("email") || !has("openid") => {
            "nothing was stored; request the scopes `openid` and `email`"
        }
        "sub" if !has("openid") => "nothing was stored; request the scope `openid`",
        _ => LOG_IN_AS_REQUIRED,
    }
}

/// Refuses a grant of another user than the required one. Warns if the caller has to decide whether the
/// server verifies addresses.
pub(super) async fn require_identity(
    context: Context<'_>,
    grant: &mut Grant,
    required: &RequiredIdentity,
) -> Result<Option<Error>> {
    if *required == RequiredIdentity::default() {
        return Ok(None);
    }
    let known = &grant.identity;
    if known.sub.is_none() || (required.email.is_some() && known.email.is_none()) {
        let missing = if required.email.is_some() { "email" } else { "sub" };
        let remedy = remedy(grant, missing);
        complete_identity(context, grant).await.map_err(|error| match remedy {
            LOG_IN_AS_REQUIRED => error,
            scopes => error.hint(scopes),
        })?;
    }
    let known = &grant.identity;
    for (name, wanted, given) in
        [("sub", &required.sub, &known.sub), ("email", &required.email, &known.email)]
    {
        if wanted.is_none() || wanted == given {
            continue;
        }
        return Err(Error::validation(match given {
            Some(given) => format!(
                "a different user than required granted access: `{name}` is {}",
                one_line(given)
            ),
            None => format!(
                "the server does not identify the user: it returns no `{name}`, which is \
                     required"
            ),
        })
        .hint(match given {
            None => remedy(grant, name),
            Some(_) => LOG_IN_AS_REQUIRED,
        }));
    }
    match (&required.email, known.email_verified) {
        (Some(email), Some(false)) => Err(Error::validation(format!(
            "the server has not verified that {} is the email address of the user",
            one_line(email)
        ))
        .hint(
            "nothing was stored; require `sub=…`, because any user could have entered this address",
        )),
        (Some(_), None) if required.sub.is_none() => Ok(Some(
            Error::validation("the server does not say whether it has verified the email address")
                .hint("if users can choose their address there, require `sub=…` instead"),
        )),
        _ => Ok(None),
    }
}
