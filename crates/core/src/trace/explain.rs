//! Short explanations of each well-known parameter.

/// Maximum width of a trace for humans, in columns; a longer value is not broken.
pub(super) const WIDTH: usize = 80;

/// The purpose of a parameter, and the specification that defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Explanation {
    pub(super) what: &'static str,
    pub(super) reference: &'static str,
}

/// Where a parameter was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// In a request to the server.
    Request,
    /// In its response.
    Response,
}

type Row = (&'static str, &'static str, &'static str);

/// Parameters that mean the same everywhere.
#[rustfmt::skip]
const EVERYWHERE: &[Row] = &[
    ("acr_values", "how strongly the user should be authenticated", "OpenID Connect Core, section 3.1.2.1"),
    ("active", "whether the token is valid now", "RFC 7662, section 2.2"),
    ("actor_token", "the token of the party that acts for the subject", "RFC 8693, section 2.1"),
    ("assertion", "a signed statement that represents the authorization", "RFC 7521, section 4.1"),
    ("audience", "the service for which the token is intended", "RFC 8693, section 2.1"),
    ("authorization_details", "the requested rights, finer-grained than scopes", "RFC 9396, section 2"),
    ("authorization_endpoint", "where the user signs in and consents", "RFC 8414, section 2"),
    ("claims", "the requested claims about the user", "OpenID Connect Core, section 5.5"),
    ("client_assertion", "a signed JWT that proves who the client is", "RFC 7523, section 2.2"),
    ("client_assertion_type", "the kind of the client assertion", "RFC 7521, section 4.2"),
    ("client_id", "the name of this client at the server; not a secret", "RFC 6749, section 2.2"),
    ("client_name", "the client's name as shown to users", "RFC 7591, section 2"),
    ("client_secret", "the password of this client", "RFC 6749, section 2.3.1"),
    ("code_challenge", "the hash of the code verifier, which is needed to redeem the code", "RFC 7636, section 4.2"),
    ("code_challenge_method", "how the challenge was computed; S256 is SHA-256", "RFC 7636, section 4.3"),
    ("code_challenge_methods_supported", "the supported methods of PKCE challenges", "RFC 8414, section 2"),
    ("code_verifier", "proves that the same client redeems the code", "RFC 7636, section 4.1"),
    ("device_authorization_endpoint", "where a device without a browser starts", "RFC 8628, section 4"),
    ("device_code", "with which this device polls for the user's decision", "RFC 8628, section 3.2"),
    ("dpop_jkt", "the hash of the key that the token will be bound to", "RFC 9449, section 10"),
    ("error", "why the server refused, as a fixed word", "RFC 6749, section 5.2"),
    ("error_description", "why the server refused, in its own words", "RFC 6749, section 5.2"),
    ("error_uri", "a page about the error", "RFC 6749, section 5.2"),
    ("grant_type", "what the client presents in exchange for a token", "RFC 6749, section 4"),
    ("id_token_hint", "an earlier id_token, to identify the user", "OpenID Connect Core, section 3.1.2.1"),
    ("issuer", "the identity of the authorization server", "RFC 8414, section 2"),
    ("jwks_uri", "where the server's public keys are", "RFC 8414, section 2"),
    ("login_hint", "the account that the user will probably use", "OpenID Connect Core, section 3.1.2.1"),
    ("max_age", "the maximum time since the user signed in, in seconds", "OpenID Connect Core, section 3.1.2.1"),
    ("nonce", "binds the id_token to this attempt", "OpenID Connect Core, section 3.1.2.1"),
    ("password", "the user's password; this grant is obsolete", "RFC 6749, section 4.3.2"),
    ("prompt", "whether the server should prompt again for sign-in or consent", "OpenID Connect Core, section 3.1.2.1"),
    ("redirect_uri", "where the browser returns to; must be identical in both requests", "RFC 6749, section 3.1.2"),
    ("redirect_uris", "where the browser may return to", "RFC 7591, section 2"),
    ("request", "the authorization request as a signed JWT", "RFC 9101, section 5"),
    ("requested_token_type", "the requested kind of token", "RFC 8693, section 2.1"),
    ("resource", "the URL of the service for which the token is intended", "RFC 8707, section 2"),
    ("response_mode", "how the response is returned through the browser", "OAuth 2.0 Multiple Response Types, section 2.1"),
    ("response_type", "what the response contains; `code` is an authorization code", "RFC 6749, section 3.1.1"),
    ("revocation_endpoint", "where tokens are revoked", "RFC 7009, section 2"),
    ("state", "binds the response to this attempt, against forged callbacks", "RFC 6749, section 10.12"),
    ("sub", "the user's identifier at this server", "OpenID Connect Core, section 2"),
    ("subject_token", "the token to exchange", "RFC 8693, section 2.1"),
    ("subject_token_type", "the kind of the token to exchange", "RFC 8693, section 2.1"),
    ("token", "the token in question", "RFC 7009, section 2.1"),
    ("token_endpoint", "where codes and refresh tokens are exchanged for access tokens", "RFC 8414, section 2"),
    ("token_endpoint_auth_method", "how the client authenticates", "RFC 7591, section 2"),
    ("token_type_hint", "the kind of token, which speeds up the lookup", "RFC 7009, section 2.1"),
    ("username", "the user's name; this grant is obsolete", "RFC 6749, section 4.3.2"),
];

#[rustfmt::skip]
const REQUESTS: &[Row] = &[
    ("code", "the authorization code from the callback; it works once", "RFC 6749, section 4.1.3"),
    ("refresh_token", "the long-lived token for getting new access tokens", "RFC 6749, section 6"),
    ("request_uri", "refers to the request that was pushed before", "RFC 9126, section 4"),
    ("scope", "the requested rights", "RFC 6749, section 3.3"),
    ("user_code", "the code that the user enters on another device", "RFC 8628, section 3.3"),
];

#[rustfmt::skip]
const RESPONSES: &[Row] = &[
    ("access_token", "the token for calling the service", "RFC 6749, section 1.4"),
    ("code", "the authorization code, to be exchanged for tokens; it works once", "RFC 6749, section 4.1.2"),
    ("expires_in", "its lifetime in seconds", "RFC 6749, section 5.1"),
    ("id_token", "a signed statement about the user who signed in", "OpenID Connect Core, section 3.1.3.3"),
    ("interval", "how many seconds to wait between two polls", "RFC 8628, section 3.2"),
    ("iss", "the server that sent this, to prevent mix-ups", "RFC 9207, section 2"),
    ("issued_token_type", "the kind of token that was issued", "RFC 8693, section 2.2.1"),
    ("refresh_token", "gets new access tokens without the user; replaces the previous one", "RFC 6749, section 1.5"),
    ("registration_access_token", "the token for changing this registration", "RFC 7592, section 3"),
    ("request_uri", "refers to the pushed request in the authorization URL", "RFC 9126, section 2.2"),
    ("scope", "the granted rights, if they differ from the requested ones", "RFC 6749, section 5.1"),
    ("token_type", "how to present the token; Bearer: any holder may use it", "RFC 6749, section 7.1"),
    ("user_code", "the code that the user enters on the verification page", "RFC 8628, section 3.2"),
    ("verification_uri", "the page where the user enters the code", "RFC 8628, section 3.2"),
    ("verification_uri_complete", "the same page with the code filled in", "RFC 8628, section 3.3.1"),
];

#[rustfmt::skip]
const HEADERS: &[Row] = &[
    ("authorization", "credentials: the client's at the token endpoint, a token elsewhere", "RFC 6749, section 2.3.1"),
    ("dpop", "a signed proof that the client holds the key", "RFC 9449, section 4"),
    ("dpop-nonce", "the server's nonce for the next proof", "RFC 9449, section 8"),
    ("retry-after", "when to retry", "RFC 9110, section 10.2.3"),
    ("www-authenticate", "how to authenticate, or why it failed", "RFC 6750, section 3"),
];

/// Explains a parameter of a message.
pub(super) fn parameter(side: Side, name: &str) -> Option<Explanation> {
    let own = match side {
        Side::Request => REQUESTS,
        Side::Response => RESPONSES,
    };
    find(own, name).or_else(|| find(EVERYWHERE, name))
}

/// Explains a header; the name is in lower case.
pub(super) fn header(name: &str) -> Option<Explanation> {
    find(HEADERS, name)
}

/// Returns a line with its explanation: beside it if both fit into `width`, else below it.
pub(super) fn beside(line: String, explanation: &str, width: usize) -> Vec<String> {
    let columns = line.chars().count().max(40);
    if columns + 4 + explanation.chars().count() <= width {
        return vec![format!("{line:<40} -- {explanation}")];
    }
    let indent = line.len() - line.trim_start().len() + 4;
    let mut lines = vec![line];
    let mut row = format!("{:indent$}--", "");
    // A reference is looked up by its number, so it must not be split.
    let (what, reference) =
        explanation.split_at(explanation.rfind(" (").unwrap_or(explanation.len()));
    let reference = reference.strip_prefix(' ').filter(|r| r.chars().count() + indent + 3 <= width);
    let whole = if reference.is_some() { what } else { explanation };
    for word in whole.split(' ').chain(reference) {
        if row.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::replace(&mut row, format!("{:indent$}  ", "")));
        }
        row.push(' ');
        row.push_str(word);
    }
    lines.push(row);
    lines
}

fn find(rows: &[Row], name: &str) -> Option<Explanation> {
    let (_, what, reference) = rows.iter().find(|(row, ..)| *row == name)?;
    Some(Explanation { what, reference })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_with_unique_names() {
        for table in [EVERYWHERE, REQUESTS, RESPONSES, HEADERS] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
        }
        for (name, ..) in REQUESTS.iter().chain(RESPONSES) {
            assert!(find(EVERYWHERE, name).is_none(), "{name}");
        }
    }

    #[test]
    fn explanation_beside_or_below_fits_the_width() {
        let short = beside("  a = b".to_owned(), "a word (RFC 1)", 80);
        assert_eq!(short, [format!("{:<40} -- a word (RFC 1)", "  a = b")]);
        let long = beside("  a = b".to_owned(), &"word ".repeat(40), 50);
        assert!(long.len() > 3 && long[1].starts_with("      -- word"), "{long:?}");
        assert!(long.iter().all(|line| line.chars().count() <= 50), "{long:?}");
    }

    #[test]
    fn parameter_is_explained_by_request_or_response() {
        let sent = parameter(Side::Request, "scope").map(|row| row.what);
        let granted = parameter(Side::Response, "scope").map(|row| row.what);
        assert_ne!(sent, granted);
    }
}
