//! How an authorization response is returned.

use super::{Profile, ResponseMode};

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
    pub fn is_signed(self) -> bool {
        matches!(self, Self::Jwt | Self::QueryJwt | Self::FormPostJwt)
    }
}

impl Profile {
    /// Returns whether the browser posts the response as a form.
    pub fn is_form_post(&self) -> bool {
        match self.response_mode {
            Some(mode) => matches!(mode, ResponseMode::FormPost | ResponseMode::FormPostJwt),
            None => self.quirks.form_post,
        }
    }
}
