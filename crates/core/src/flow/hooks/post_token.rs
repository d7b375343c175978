//! The hook behind a refresh: until it has spoken, nobody gets the new token.

use super::{About, keep};
use crate::error::Result;
use crate::flow::access_token::Renewed;
use crate::flow::commit::Commit;
use crate::flow::{CriticalPart, FlowManager, Handout};
use crate::grant::{Grant, TokenSet};
use crate::port::Lock;
use crate::profile::Profile;
use crate::time::Timestamp;

impl FlowManager {
    /// The end of a refresh: the hook's word, where there is a hook, and then everybody may know. Until
    /// the hook has agreed, what is stored is [held back](held_back): a call that finds it so, because
    /// this one denied, failed or died, refreshes and asks again.
    pub(in crate::flow) async fn after_refresh(
        &self,
        profile: &Profile,
        renewed: Renewed,
        lock: &mut dyn Lock,
    ) -> Result<Renewed> {
        let Renewed::Handout(mut handout) = renewed else { return Ok(renewed) };
        if has_post_token(profile) {
            if let Err(error) = self.ask_post_token(profile, &mut handout).await {
                self.show_held_back(profile, &handout.grant).await;
                return Err(error);
            }
            let _critical = self.enter_critical(CriticalPart::Save);
            match self.replace(&handout.grant).await? {
                Commit::Saved => {}
                Commit::Overtaken(_) => return Ok(Renewed::Overtaken),
            }
            handout.grant.generation = handout.grant.generation.saturating_add(1);
            let warning = self.announce(lock, &handout.grant).into_iter().next();
            handout.warning = handout.warning.or(warning);
        }
        let failed = self.show(profile, &handout.grant).await;
        handout.warning = handout.warning.or(failed);
        Ok(Renewed::Handout(handout))
    }

    async fn ask_post_token(&self, profile: &Profile, handout: &mut Handout) -> Result<()> {
        let Handout { grant, tokens, .. } = handout;
        let about = About { tokens: Some(tokens), ..About::of(grant, "refresh_token", self.now()) };
        let answer = self.hook(profile, POST_TOKEN, about).await?;
        keep(grant, answer, self.now())
    }

    /// Whoever keeps a copy of the refresh token needs the one that replaced it, whatever the hook
    /// said; the access token is not in what is stored then.
    async fn show_held_back(&self, profile: &Profile, refused: &Grant) {
        if refused.rotates != Some(true) {
            return;
        }
        let stored = self.load(&refused.key).await.ok().flatten();
        if let Some(stored) = stored
            && (&stored.id, stored.generation) == (&refused.id, refused.generation)
        {
            // The hook's own word is what the caller gets to see.
            let _ = self.show(profile, &stored).await;
        }
    }
}

/// The hook that decides whether a new token is handed out.
const POST_TOKEN: &str = "post_token";

/// Whether a hook of the profile decides whether a new token is handed out.
pub(in crate::flow) fn has_post_token(profile: &Profile) -> bool {
    profile.hooks.contains_key(POST_TOKEN)
}

/// The grant as it is stored while a hook is asked about its new tokens: none of them is in it, and
/// what was handed out before counts as expired.
pub(in crate::flow) fn held_back(before: &Grant) -> Grant {
    let mut held = before.clone();
    held.tokens.expires_at = Some(held_back_until());
    held.narrowed.clear();
    held
}

/// Whether a stored token is one that nobody gets until a hook was asked.
pub(in crate::flow) fn is_held_back(tokens: &TokenSet) -> bool {
    tokens.expires_at == Some(held_back_until())
}

/// The expiry of a token that is held back: before any that a server gave, and in the past for a
/// program that knows nothing of holding back as well.
fn held_back_until() -> Timestamp {
    Timestamp::from_unix(0)
}
