//! How the requests of a profile are made.

/// Proof key for code exchange (RFC 7636).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pkce {
    /// With the S256 method.
    S256,
    /// Disabled, for servers that reject it.
    Off,
}

/// Pushed authorization requests (RFC 9126).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Par {
    /// If the server requires it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Signed authorization requests (RFC 9101).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jar {
    /// If the server requires them.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The encoding of token requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRequestFormat {
    /// `application/x-www-form-urlencoded`, the standard format.
    Form,
    /// `application/json`.
    Json,
}
