//! What a caller expects of a response.

use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::required::RequiredIdentity;

/// What must hold of a response, beside being authentic.
///
/// Name the [`state`](Self::state) that the person's session was given, or at least the
/// [`user`](Self::user) who is signed in there: without either, whoever gets hold of another
/// person's callback URL can have it completed (RFC 6749, section 10.12).
///
/// ```
/// use oauthctl_core::Expected;
///
/// let expected = Expected::default().user("4711").email("ada@example.org");
/// assert_eq!(expected.identity.email.as_deref(), Some("ada@example.org"));
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Expected {
    /// The state of the flow.
    pub state: Option<Secret>,
    /// The profile of the flow.
    pub profile: Option<String>,
    /// The caller's own name for the person, as the flow was started with.
    pub user: Option<String>,
    /// Who must have granted, as the server reports it.
    pub identity: RequiredIdentity,
}

impl Expected {
    /// The same with the state that the person's session was given.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(Secret::new(state));
        self
    }

    /// The same with the profile.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// The same with the user that the flow must have been started for.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The same with the subject who must have granted.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it is named after the claim")]
    pub fn sub(mut self, sub: impl Into<String>) -> Self {
        self.identity.sub = Some(sub.into());
        self
    }

    /// The same with the e-mail address of the person who must have granted.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.identity.email = Some(email.into());
        self
    }
}

impl Expected {
    pub(super) fn require_state(&self, state: &Secret) -> Result<()> {
        match &self.state {
            Some(expected) if expected != state => {
                Err(unexpected("the state is not the one that was expected here"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn unexpected(what: &str) -> Error {
    Error::new(ErrorKind::InvalidState, what)
        .hint("nothing was redeemed; the response may be another person's")
}
