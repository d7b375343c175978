//! Determines which server issued a code when the URL that received it is unknown (mix-up: RFC 9700, section 4.4).

use super::turn::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{Profile, announces_iss, of_other_servers};
use crate::text::one_line;

/// Refuses a code of which is not known where it came in, and that came without `iss`, if one
/// of all profiles has another server whose codes come like that: it may be that one's, and this
/// profile's server the one that had it sent here.
///
/// # Errors
///
/// `InvalidState`.
pub(super) async fn refuse_mix_up(
    shared: &Shared,
    profile: &Profile,
    parameters: &[(String, String)],
) -> Result<()> {
    if parameters.iter().any(|(name, _)| name == "iss") {
        return Ok(());
    }
    let cache = shared.ports.discovery_cache.as_deref();
    let all = shared.profiles.list().await?;
    let mut others = of_other_servers(all.iter().map(|profile| &**profile), profile);
    let sends_none = |p: &&_| cache.and_then(|cache| announces_iss(p, cache)) != Some(true);
    let Some(other) = others.find(sends_none) else { return Ok(()) };
    let what = format!(
        "it is not known which server issued the code: it came without `iss`, and the profile `{}` \
         has another server",
        one_line(&other.name)
    );
    Err(Error::new(ErrorKind::InvalidState, what)
        .hint("nothing was redeemed; pass the whole callback URL, with its query"))
}
