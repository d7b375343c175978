//! How an authorization response is returned.

/// How an authorization response is returned (OAuth 2.0 Multiple Response Type Encoding Practices; OAuth 2.0
/// Form Post Response Mode; JARM).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of the redirect URI.
    Query,
    /// As a form that the browser posts.
    FormPost,
    /// As a signed JWT in the query, the default of JARM for codes.
    Jwt,
    /// As a signed JWT in the query.
    QueryJwt,
    /// As a signed JWT in a form that the browser posts.
    FormPostJwt,
}

impl ResponseMode {
    /// All modes with their registered names.
    pub const ALL: [(&'static str, Self); 5] = [
        ("query", Self::Query),
        ("form_post", Self::FormPost),
        ("jwt", Self::Jwt),
        ("query.jwt", Self::QueryJwt),
        ("form_post.jwt", Self::FormPostJwt),
    ];

    /// Returns the registered name.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, mode)| *mode == self).map_or("", |(name, _)| name)
    }

    /// Returns whether the response is a signed JWT.
    pub(crate) fn is_signed(self) -> bool {
        matches!(self, Self::Jwt | Self::QueryJwt | Self::FormPostJwt)
    }
}
