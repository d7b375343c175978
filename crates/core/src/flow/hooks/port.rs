//! What runs hooks.

use std::time::Duration;

use crate::Secret;
use crate::error::Result;
use crate::port::BoxFuture;
use crate::profile::{Hook, Profile};

/// How long a hook may take: 30 seconds.
pub const HOOK_LIMIT: Duration = Duration::from_secs(30);

/// The most bytes of a hook's answer: 1 MiB.
pub const HOOK_ANSWER: usize = 1024 * 1024;

/// Runs hooks: a caller's own rules at the turning points of a grant. An implementation ends a hook
/// that takes longer than [`HOOK_LIMIT`], and refuses an answer over [`HOOK_ANSWER`]; it may as well
/// answer by itself and run nothing. `post_token` always, and `pre_token` except at a login, run in the
/// turn of their grant: a hook that asks for a token of the same grant there waits for itself. A hook
/// may be asked more than once about the same event: by several callers that complete one flow at
/// once, of whom one gets the tokens, and again after a failure.
pub trait Hooks: Send + Sync {
    /// Runs a hook of the profile with this JSON text, and gives its answer. A future that is dropped
    /// ends the hook, or leaves it to end by itself; its answer is not used.
    ///
    /// The text is an object with `event` (`authorization`, `pre_token`, `post_token` or
    /// `login_required`), `grant_type` (`refresh_token` at a refresh), `grant_id`, `profile`, `account`,
    /// `user`, `attributes` and `scopes`; and with `access_token` and `id_token`, where there are any and
    /// [`Hook::give_token`] says so. The answer is empty, or an object with any of `attributes` (an
    /// object: they are kept with the grant), `params` (an object: parameters of the token request, at
    /// `authorization` and `pre_token`) and `deny` (a text: the reason). The example `grant_rules` of the
    /// repository has a hook in Rust.
    ///
    /// # Errors
    ///
    /// Of any kind, where it could not be run; nothing goes on without it then.
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        hook: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>>;
}
