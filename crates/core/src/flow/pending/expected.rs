//! Requirements of a caller on a response.

use crate::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::required::RequiredIdentity;

/// Requirements on a response, in addition to its authenticity.
///
/// Set the [`state`](Self::state) that was stored in the user's session, or at least the
/// [`user`](Self::user) who is signed in there. Without either, anyone who obtains another user's callback
/// URL can have it completed (RFC 6749, section 10.12).
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
    /// The caller's reference for the user, as set when the flow was started.
    pub user: Option<String>,
    /// The identity that must have granted access, as the server reports it.
    pub identity: RequiredIdentity,
}

impl Expected {
    /// Sets the state that was stored in the user's session.
    #[must_use]
    pub fn state(mut self, state: impl Into<String>) -> Self {
        self.state = Some(Secret::new(state));
        self
    }

    /// Sets the profile.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self
    }

    /// Sets the user for whom the flow must have been started.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the subject that must have granted access.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it is named after the claim")]
    pub fn sub(mut self, sub: impl Into<String>) -> Self {
        self.identity.sub = Some(sub.into());
        self
    }

    /// Sets the email address of the user who must have granted access.
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
                Err(unexpected("the state is not the expected one"))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn unexpected(what: &str) -> Error {
    Error::new(ErrorKind::InvalidState, what)
        .hint("nothing was redeemed; the response may belong to another user")
}
