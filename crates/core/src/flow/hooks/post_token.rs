//! The `post_token` hook of a refresh: the new token is withheld until the hook has decided.

use super::answer::keep;
use super::ask::{About, ask};
use crate::error::Result;
use crate::flow::access_token::{NewTokens, Renewed};
use crate::flow::commit::{Commit, announce, replace, show};
use crate::flow::critical::CriticalPart;
use crate::flow::load::load;
use crate::flow::turn::{Context, Turn};
use crate::grant::Grant;
use crate::profile::Profile;

/// Ends a refresh: runs the hook, if there is one, and then publishes. Until the hook has agreed, the stored
/// tokens are [withheld]: a call that finds them so, because this one was denied, failed or died, refreshes and
/// asks again.
pub(in crate::flow) async fn post_token(turn: &mut Turn<'_>, renewed: Renewed) -> Result<Renewed> {
    let Renewed::Tokens(mut new) = renewed else { return Ok(renewed) };
    let context = turn.context();
    if has_post_token(context.profile) {
        if let Err(error) = ask_post_token(context, &mut new).await {
            show_withheld(context, &new.grant).await;
            return Err(error);
        }
        let _critical = turn.shared.critical.enter(CriticalPart::Save);
        match replace(turn.ports(), &new.grant).await? {
            Commit::Saved => {}
            Commit::Overtaken(_) => return Ok(Renewed::Overtaken),
        }
        new.grant.generation = new.grant.generation.saturating_add(1);
        let warning = announce(turn.ports(), turn.lock, &new.grant).await.into_iter().next();
        new.warning = new.warning.or(warning);
    }
    let failed = show(context, &new.grant).await;
    new.warning = new.warning.or(failed);
    Ok(Renewed::Tokens(new))
}

async fn ask_post_token(context: Context<'_>, new: &mut NewTokens) -> Result<()> {
    let NewTokens { grant, tokens, .. } = new;
    let about = About { tokens: Some(tokens), ..About::of(grant, "refresh_token", context.now()) };
    let answer = ask(context, POST_TOKEN, about).await?;
    keep(grant, answer, context.now())
}

/// Passes the new refresh token to observers that keep a copy, whatever the hook decided. The record
/// contains no access token then.
async fn show_withheld(context: Context<'_>, refused: &Grant) {
    if refused.rotates != Some(true) {
        return;
    }
    let stored = load(context.ports(), &refused.key).await.ok().flatten();
    if let Some(stored) = stored
        && (&stored.id, stored.generation) == (&refused.id, refused.generation)
    {
        // The caller gets the decision of the hook.
        let _ = show(context, &stored).await;
    }
}

/// The hook that decides whether a new token is handed out.
const POST_TOKEN: &str = "post_token";

/// Returns whether a hook of the profile decides whether a new token is handed out.
pub(in crate::flow) fn has_post_token(profile: &Profile) -> bool {
    profile.hooks.contains_key(POST_TOKEN)
}

/// The grant as it is stored while a hook is asked about its new tokens: none of them is in it, and
/// what was handed out before is withheld.
pub(in crate::flow) fn withheld(before: &Grant) -> Grant {
    let mut held = before.clone();
    held.tokens.withheld = true;
    held.narrowed.clear();
    held
}
