//! Hooks: a user's own rules at fixed points in the lifetime of a grant. [`Hooks`] runs them, `ask` builds their input,
//! `answer` applies their output, and `post_token` withholds a token until a hook has accepted it.

mod answer;
mod ask;
mod port;
mod post_token;
mod pre_token;

pub(super) use answer::{add, keep, merge};
pub(super) use ask::{About, ask, login_required};
pub use port::{HOOK_TIMEOUT, Hooks, MAX_HOOK_ANSWER};
pub(super) use post_token::{has_post_token, post_token, withheld};
pub(super) use pre_token::pre_token;
