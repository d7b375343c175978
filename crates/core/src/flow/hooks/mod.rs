//! Hooks: a user's own rules at the turning points of a grant. What runs them is behind [`Hooks`]; what they are told
//! is decided in `ask`, what their answers do in `answer`, and what is held back until one has agreed in
//! `post_token`.

mod answer;
mod ask;
mod port;
mod post_token;

pub(super) use answer::{add, keep, merge};
pub(super) use ask::{About, ask, login_required};
pub use port::{HOOK_TIMEOUT, Hooks, MAX_HOOK_ANSWER};
pub(super) use post_token::{has_post_token, post_token, withheld};
