//! What runs hooks.

use std::time::Duration;

use crate::Secret;
use crate::error::Result;
use crate::port::BoxFuture;
use crate::profile::{Hook, Profile};

/// Maximum duration of a hook: 30 seconds.
pub const HOOK_TIMEOUT: Duration = Duration::from_secs(30);

/// Maximum size of a hook's answer in bytes: 1 MiB.
pub const MAX_HOOK_ANSWER: usize = 1024 * 1024;

/// Runs hooks: rules of the caller at certain events of a grant.
///
/// An implementation ends a hook that takes longer than [`HOOK_TIMEOUT`], and refuses an answer over
/// [`MAX_HOOK_ANSWER`]. It may also answer by itself, without running anything. `post_token` always runs while
/// the lock of its grant is held, and so does `pre_token` except at a login; a hook that requests a token
/// of the same grant there deadlocks. A hook may be called more than once for the same event: by several
/// callers that complete one flow at once, of which one gets the tokens, and again after a failure.
pub trait Hooks: Send + Sync {
    /// Runs a hook of the profile with this JSON text and returns its answer. If the future is dropped, the
    /// hook is ended or left to end by itself; its answer is not used.
    ///
    /// The text is an object with `event` (`authorization`, `pre_token`, `post_token` or `login_required`),
    /// `grant_type` (`refresh_token` at a refresh), `grant_id`, `profile`, `account`, `user`, `attributes`
    /// and `scopes`. It also has `access_token` and `id_token`, if they exist and [`Hook::give_token`] is
    /// set. The answer is empty, or an object with any of `attributes` (an object that is stored with the
    /// grant), `ttl` (how long they are kept: a number of seconds or a text such as `1h`, for all or by name), `params` (an object with parameters of the token request, at `authorization` and
    /// `pre_token`) and `deny` (a string: the reason). The example `grant_rules` in the repository has a
    /// hook in Rust.
    ///
    /// # Errors
    ///
    /// Returns an error of any kind if the hook could not be run; the operation is then aborted.
    fn run<'a>(
        &'a self,
        profile: &'a Profile,
        hook: &'a Hook,
        input: Secret,
    ) -> BoxFuture<'a, Result<Secret>>;
}
