//! What is handed out.

use crate::error::Error;
use crate::grant::{Grant, TokenSet};

/// A token that was handed out, and the grant that it belongs to.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Handout {
    /// The grant.
    pub grant: Grant,
    /// The tokens: the grant's own, or narrowed ones.
    pub tokens: TokenSet,
    /// What else happened: a refresh that failed although a stored token could be handed out, or
    /// something beside one that worked.
    pub warning: Option<Error>,
    /// Deviations of the server that changed nothing, for a verbose output.
    pub notes: Vec<String>,
    /// Whether the token came from a request that this call made.
    pub fresh: bool,
}

impl Handout {
    pub(super) fn of(grant: &Grant, tokens: TokenSet, fresh: bool) -> Self {
        Self { grant: grant.clone(), tokens, warning: None, notes: Vec::new(), fresh }
    }
}

/// How an attempt at a new token ended, where it did not fail.
pub(super) enum Renewed {
    /// With a token.
    Handout(Box<Handout>),
    /// The stored tokens were replaced meanwhile, on another machine: read them again.
    Overtaken,
    /// Nothing was sent, for this reason, and what is stored is as good as before.
    Withheld(Error),
}
