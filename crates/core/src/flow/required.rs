//! Grants that somebody else gave than the one who must have: they are not kept.

use super::identity::complete_identity;
use super::turn::Context;
use crate::error::{Error, Result};
use crate::grant::Grant;
use crate::text::one_line;

/// Who must have granted, as the server reports it; what is `None` may be anything. Compared byte for
/// byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequiredIdentity {
    /// The subject.
    pub sub: Option<String>,
    /// The e-mail address. One that the server says is not verified is nobody's.
    pub email: Option<String>,
}

/// Refuses a grant that another person gave than the required one. Warns where it is for the caller
/// to know whether the server has made sure of the address.
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
        complete_identity(context, grant).await?;
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
                "another person has granted than the required one: `{name}` is {}",
                one_line(given)
            ),
            None => format!(
                "the server does not say who has granted: it reports no `{name}`, which was required"
            ),
        })
        .hint("nothing was stored; let the right person log in"));
    }
    match (&required.email, known.email_verified) {
        (Some(email), Some(false)) => Err(Error::validation(format!(
            "the server has not verified that {} is the person's e-mail address",
            one_line(email)
        ))
        .hint("nothing was stored; anybody could have given this address: require `sub=…`")),
        (Some(_), None) if required.sub.is_none() => Ok(Some(
            Error::validation("the server does not say whether it has verified the e-mail address")
                .hint("if people choose their address there, require `sub=…` instead"),
        )),
        _ => Ok(None),
    }
}
