//! The authorization request and the validation of its response (RFC 6749, sections 4.1.1 and 4.1.2; RFC
//! 7636; RFC 9207; RFC 9126).

use url::form_urlencoded;

use crate::advice::Advice;
use crate::error::{Error, OAuthError, Result, is_denial};
use crate::profile::{AuthorizationServer, Profile};

/// The values that are new in every authorization request.
pub(crate) struct AuthorizationRequest<'a> {
    /// The redirect URI, exactly as it will be repeated in the token request.
    pub redirect_uri: &'a str,
    /// The state.
    pub state: &'a str,
    /// The nonce, if `openid` is requested.
    pub nonce: Option<&'a str>,
    /// The S256 code challenge, if PKCE is used.
    pub code_challenge: Option<&'a str>,
    /// The thumbprint of the DPoP key (RFC 9449, section 10).
    pub dpop_jkt: Option<&'a str>,
    /// The scopes.
    pub scopes: &'a [String],
    /// Parameters of this attempt: `login_hint`, `prompt`, and what the caller adds.
    pub extra: &'a [(String, String)],
}

crate::redact::debug::redacted_debug!(AuthorizationRequest<'_> {
    redirect_uri,
    state => hidden,
    nonce => hidden,
    code_challenge,
    dpop_jkt,
    scopes,
    extra => pairs,
});

impl AuthorizationRequest<'_> {
    /// Returns the parameters in the order in which they are sent.
    pub(crate) fn parameters(&self, profile: &Profile) -> Vec<(String, String)> {
        let mut parameters: Vec<(String, String)> = vec![
            ("response_type".to_owned(), "code".to_owned()),
            ("client_id".to_owned(), profile.client.id.clone()),
            ("redirect_uri".to_owned(), self.redirect_uri.to_owned()),
        ];
        let mut push =
            |name: &str, value: &str| parameters.push((name.to_owned(), value.to_owned()));
        if !self.scopes.is_empty() {
            push(&profile.scope_param, &self.scopes.join(&profile.scope_separator));
        }
        push("state", self.state);
        if let Some(nonce) = self.nonce {
            push("nonce", nonce);
        }
        if let Some(challenge) = self.code_challenge {
            push("code_challenge", challenge);
            push("code_challenge_method", "S256");
        }
        if let Some(thumbprint) = self.dpop_jkt {
            push("dpop_jkt", thumbprint);
        }
        if let Some(audience) = &profile.audience {
            push("audience", audience);
        }
        for resource in &profile.resource {
            push("resource", resource);
        }
        if !profile.authorization_details.is_empty() {
            let details = serde_json::Value::Array(profile.authorization_details.clone());
            push("authorization_details", &details.to_string());
        }
        if let Some(mode) = profile.response_mode {
            push("response_mode", mode.as_str());
        } else if profile.quirks.form_post {
            push("response_mode", "form_post");
        }
        for (name, value) in &profile.authorization_params {
            if !self.extra.iter().any(|(n, _)| n == name) {
                push(name, value);
            }
        }
        for (name, value) in self.extra {
            push(name, value);
        }
        parameters
    }
}

/// Appends parameters to an endpoint, each encoded once. The endpoint's own query stays as it is written
/// (RFC 6749, section 3.1).
pub(crate) fn url(endpoint: &str, parameters: &[(String, String)]) -> String {
    let mut url = endpoint.to_owned();
    let mut separator = match endpoint.find('?') {
        None => "?",
        Some(at) if at + 1 == endpoint.len() => "",
        Some(_) if endpoint.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in parameters {
        url.push_str(separator);
        push_encoded(&mut url, name);
        url.push('=');
        push_encoded(&mut url, value);
        separator = "&";
    }
    url
}

/// Encodes a space as `%20`: only servers that parse a form accept `+`.
fn push_encoded(url: &mut String, text: &str) {
    for piece in form_urlencoded::byte_serialize(text.as_bytes()) {
        url.push_str(if piece == "+" { "%20" } else { piece });
    }
}

/// The meaning of an authorization response.
#[derive(Debug)]
pub enum Validation {
    /// It is not the response to this request: the wait continues, whoever sent it.
    NotOurs(&'static str),
    /// It is authentic and ends the attempt without a code.
    Failed(Error),
    /// It contains a code to redeem.
    Code(crate::Secret),
}

/// Validates an authorization response, in this order: state, `iss`, `error`, code. The receiver has
/// already checked the redirect URI.
pub(crate) fn validate(
    parameters: &[(String, String)],
    state: &str,
    server: &AuthorizationServer,
) -> Validation {
    match single(parameters, "state") {
        Err(()) => return Validation::NotOurs("it repeats `state`"),
        Ok(None) => return Validation::NotOurs("it has no `state`"),
        Ok(Some(given)) => {
            if crate::Secret::new(given) != crate::Secret::new(state) {
                return Validation::NotOurs("its `state` is not that of this login");
            }
        }
    }
    if let Err(error) = check_issuer(parameters, server) {
        return Validation::Failed(error);
    }
    let lacks_issuer =
        server.iss_parameter_supported && !parameters.iter().any(|(name, _)| name == "iss");
    match (single(parameters, "error"), single(parameters, "code")) {
        (Err(()), _) | (_, Err(())) => Validation::NotOurs("it repeats a parameter"),
        (Ok(Some(_)), Ok(Some(_))) => Validation::NotOurs("it has both `code` and `error`"),
        (Ok(Some(code)), Ok(None)) => {
            // Some servers omit `iss` in errors. Whatever the source of this one, there is nothing to redeem; the
            // text of an unknown sender is just not shown.
            let description = parameters.iter().find(|(name, _)| name == "error_description");
            let description = description.filter(|_| !lacks_issuer).map(|(_, text)| text.as_str());
            Validation::Failed(refusal(code, description))
        }
        (Ok(None), Ok(Some(_))) if lacks_issuer => Validation::Failed(
            Error::validation(
                "the authorization response has no `iss`, although the server's metadata announces it",
            )
            .hint(NOTHING_USED),
        ),
        (Ok(None), Ok(Some(code))) if !code.is_empty() => Validation::Code(crate::Secret::new(code)),
        (Ok(None), Ok(_)) => Validation::Failed(Error::validation(
            "the authorization response has neither `code` nor `error`",
        )),
    }
}

/// The hint for a response that may come from another server.
const NOTHING_USED: &str = "this may be a mix-up attack; the response was not used";

fn refusal(code: &str, description: Option<&str>) -> Error {
    let what = match is_denial(code) {
        true => "the authorization server denied the request",
        false => "the authorization server rejected the request",
    };
    let error = Error::refused(what, OAuthError::new(code, description));
    match code {
        code if is_denial(code) => error.hint(Advice::AllowAccess),
        "invalid_scope" => {
            error.hint(Advice::configure(&["scopes"], "correct `scopes` in the profile"))
        }
        "unauthorized_client" => {
            error.hint("enable the authorization code grant in the client's registration")
        }
        "login_required" | "interaction_required" | "consent_required" => {
            error.hint(Advice::AllowPrompt)
        }
        // RFC 9101, section 7: the reference to the pushed request is invalid or has expired.
        "invalid_request_uri" => error
            .hint("a pushed request can be used only once, and only for a short time")
            .and_hint(Advice::StartAgain),
        _ => error,
    }
}

/// RFC 9207, section 2.4: an `iss` that is present is compared as a plain string. If the profile sets no
/// issuer, `iss` must at least match the origin that the profile sets.
fn check_issuer(parameters: &[(String, String)], server: &AuthorizationServer) -> Result<()> {
    let given = single(parameters, "iss")
        .map_err(|()| Error::validation("the authorization response repeats `iss`"))?;
    match (given, server.issuer.as_deref()) {
        (Some(given), Some(expected)) if given != expected => Err(Error::validation(format!(
            "the authorization response names the issuer {}, not {expected}",
            crate::text::one_line(given)
        ))
        .hint(NOTHING_USED)),
        (Some(given), None) if !is_of_server(given, server) => Err(Error::validation(format!(
            "the authorization response names the issuer {}, but the profile sets none",
            crate::text::one_line(given)
        ))
        .hint("the response was not used, because it may come from another server")
        .and_hint(Advice::configure(
            &["issuer"],
            "if that is this server's issuer, set it in the profile: `issuer = \"…\"`",
        ))),
        _ => Ok(()),
    }
}

/// Returns whether an unannounced issuer has the origin of an endpoint to which the user or the code is
/// sent anyway.
fn is_of_server(issuer: &str, server: &AuthorizationServer) -> bool {
    let origin = |text: &str| {
        let url = url::Url::parse(text).ok()?;
        let is_loopback = match url.host()? {
            url::Host::Domain(name) => name == "localhost",
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        };
        let is_plain = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
        is_plain.then(|| url.origin().ascii_serialization())
    };
    // An issuer identifier has neither query nor fragment (RFC 8414, section 2) and is compared as written;
    // a value that the parser would have to normalize is not one.
    let Some(own) = origin(issuer).filter(|own| {
        let path = issuer.strip_prefix(own.as_str());
        path.is_some_and(|path| path.is_empty() || path.starts_with('/'))
            && issuer.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\".contains(&b))
    }) else {
        return false;
    };
    [&server.endpoints.authorization, &server.endpoints.token]
        .into_iter()
        .flatten()
        .any(|endpoint| origin(endpoint).as_ref() == Some(&own))
}

/// Returns the value of a parameter that may occur only once.
fn single<'a>(parameters: &'a [(String, String)], name: &str) -> Result<Option<&'a str>, ()> {
    let mut values = parameters.iter().filter(|(n, _)| n == name);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(()),
        (value, None) => Ok(value.map(|(_, v)| v.as_str())),
    }
}

#[cfg(test)]
mod tests;
