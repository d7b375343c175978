//! Whose code it is that comes without the URL at which it came in (mix-up: RFC 9700, section 4.4).

use super::{Authorization, FlowManager};
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{announces_iss, of_other_servers};
use crate::text::one_line;

impl FlowManager {
    /// Refuses a code of which is not known where it came in, and that came without `iss`, if a
    /// profile has another server whose codes come like that: it may be that one's, and this
    /// authorization's server the one that had it sent here.
    ///
    /// # Errors
    ///
    /// `InvalidState`.
    pub(crate) fn refuse_mix_up(
        &self,
        authorization: &Authorization,
        parameters: &[(String, String)],
    ) -> Result<()> {
        if parameters.iter().any(|(name, _)| name == "iss") {
            return Ok(());
        }
        let profile = self.profile(&authorization.key.profile)?;
        let cache = self.ports.discovery_cache.as_deref();
        let mut others = of_other_servers(self.profiles(), profile);
        let sends_none = |p: &&_| cache.and_then(|cache| announces_iss(p, cache)) != Some(true);
        let Some(other) = others.find(sends_none) else { return Ok(()) };
        let what = format!(
            "the code has no `iss`, and can be the one of another server: that of the profile `{}`",
            one_line(&other.name)
        );
        Err(Error::new(ErrorKind::InvalidState, what).hint(
            "nothing was redeemed; give the whole URL that the person came back to, with its query",
        ))
    }
}
