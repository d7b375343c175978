//! The parameters of a token request.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::grant::TokenSet;
use crate::profile::{Profile, endpoint, scopes};
use crate::text::one_line;

/// A request to [`FlowManager::token`](crate::FlowManager::token). The default requests a token with the
/// scopes of the grant and the minimum remaining lifetime that the profile sets (`min_ttl`).
///
/// ```
/// use std::time::Duration;
/// use oauthctl_core::TokenRequest;
///
/// let for_a_long_job = TokenRequest::default().min_ttl(Duration::from_secs(600));
/// let for_another_service = TokenRequest::default().resource("https://mail.example/api");
/// assert_ne!(for_a_long_job.min_ttl, for_another_service.min_ttl);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TokenRequest {
    /// The minimum remaining lifetime of the token. A value that is set here is applied as it is: a stored
    /// token with less is refreshed, even if the server issues none with such a lifetime. `None` uses the
    /// profile's value, or a tenth of the lifetime for tokens that are valid for less than twice that
    /// value.
    pub min_ttl: Option<Duration>,
    /// The minimum remaining lifetime if [`min_ttl`](Self::min_ttl) is not set, usually the
    /// profile's. Tokens whose whole lifetime is shorter are not refreshed at each request.
    pub default_min_ttl: Option<Duration>,
    /// Refresh even if the stored token has the required lifetime.
    pub force: bool,
    /// Never use the network.
    pub cached: bool,
    /// Require the id_token to have this remaining lifetime, regardless of the access token.
    pub id_token: bool,
    /// Request these scopes instead of the granted ones (RFC 6749, section 6: no more than those).
    pub scopes: Vec<String>,
    /// Request a token for this resource: an absolute URI without a fragment (RFC 8707, section 2).
    pub resource: Option<String>,
    /// Request a token for this audience.
    pub audience: Option<String>,
}

impl TokenRequest {
    /// Sets the minimum remaining lifetime of the token.
    #[must_use]
    pub fn min_ttl(mut self, min_ttl: Duration) -> Self {
        self.min_ttl = Some(min_ttl);
        self
    }

    /// Sets the minimum remaining lifetime that applies if [`min_ttl`](Self::min_ttl) is not set.
    #[must_use]
    pub fn default_min_ttl(mut self, usual: Duration) -> Self {
        self.default_min_ttl = Some(usual);
        self
    }

    /// Forces a refresh, even if the stored token is valid.
    #[must_use]
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    /// Disables the network: returns what is stored, or an error.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// Requires an id_token with the remaining lifetime, instead of an access token.
    #[must_use]
    pub fn id_token(mut self) -> Self {
        self.id_token = true;
        self
    }

    /// Requests fewer scopes than were granted.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the resource.
    #[must_use]
    pub fn resource(mut self, resource: impl Into<String>) -> Self {
        self.resource = Some(resource.into());
        self
    }

    /// Sets the audience.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Adds the values of the profile for everything that is not requested.
    pub(super) fn of_profile(&self, profile: &Profile) -> Self {
        let mut request = self.clone().default_min_ttl(profile.min_ttl);
        request.scopes = scopes::split(&request.scopes, &profile.scope_separator);
        request
    }

    /// Returns the same request for a token of any remaining lifetime.
    pub(super) fn any_life(&self) -> Self {
        self.clone().min_ttl(Duration::ZERO)
    }

    /// Returns the minimum remaining lifetime with which these tokens are handed out.
    pub(super) fn least_life(&self, tokens: &TokenSet) -> Duration {
        match self.min_ttl {
            Some(explicit) => explicit,
            None => tokens.min_ttl(self.default_min_ttl.unwrap_or_default()),
        }
    }

    /// Returns the name under which a narrowed token is stored; `None` for the grant's own.
    pub(super) fn narrowing(&self) -> Option<String> {
        if self.scopes.is_empty() && self.resource.is_none() && self.audience.is_none() {
            return None;
        }
        let mut scopes = scopes::split(&self.scopes, "");
        scopes.sort();
        // Encoded as JSON, so that the parts cannot be confused with one another.
        Some(serde_json::json!([scopes, self.resource, self.audience]).to_string())
    }

    /// Adds the parameters that narrow a request, and the profile's own resource if none is requested (RFC
    /// 8707, section 2.2). The profile's audience is sent when a grant begins, not at a refresh.
    pub(super) fn narrow(&self, form: &mut Vec<(String, String)>, profile: &Profile) {
        self.narrow_resource(form, profile);
        if let Some(audience) = &self.audience {
            form.push(("audience".to_owned(), audience.clone()));
        }
    }

    /// Adds the requested resource, else those of the profile.
    pub(super) fn narrow_resource(&self, form: &mut Vec<(String, String)>, profile: &Profile) {
        let own = std::slice::from_ref;
        let resources = self.resource.as_ref().map_or(&*profile.resource, own);
        form.extend(resources.iter().map(|uri| ("resource".to_owned(), uri.clone())));
    }

    /// Refuses a request that is invalid.
    pub(super) fn check(&self) -> Result<()> {
        scopes::check(&self.scopes)?;
        match &self.resource {
            Some(uri) if !endpoint::is_resource(uri) => Err(Error::usage(format!(
                "a resource must be an absolute URI without a fragment, not `{}`",
                one_line(uri)
            ))
            .hint("use the URI of the resource server; for any other name, use an audience")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_deduplicated_and_never_empty() {
        let twice = TokenRequest::default().scopes(["b", "a", "b"]);
        assert_eq!(twice.narrowing(), TokenRequest::default().scopes(["a", "b"]).narrowing());
        let together = TokenRequest::default().scopes(["b  a"]);
        assert_eq!(together.narrowing(), twice.narrowing());
        assert!(twice.check().is_ok());
        assert!(TokenRequest::default().scopes(["a", ""]).check().is_err());
    }

    #[test]
    fn different_requests_have_different_names() {
        let all = TokenRequest::default;
        let requests = [
            all().resource("r audience=a").audience("x"),
            all().resource("r").audience("a audience=x"),
            all().scopes(["s resource=r"]),
            all().scopes(["s"]).resource("r"),
            all().scopes(["s"]),
            all().scopes(["s"]).audience(""),
            all().resource("s"),
            all().audience("s"),
        ];
        let names: std::collections::BTreeSet<_> =
            requests.iter().map(|request| request.narrowing().unwrap()).collect();
        assert_eq!(names.len(), requests.len(), "{names:?}");
        assert_eq!(all().force().narrowing(), None);
        let order = all().scopes(["b", "a"]);
        assert_eq!(order.narrowing(), all().scopes(["a", "b"]).narrowing());
    }
}
