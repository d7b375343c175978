//! Decides from the head of a request whether it may pass, before anything else happens.
//!
//! A page in a browser must not pass: not by rebinding a name to this machine (`Host`), and not across
//! sites (`Origin`, `Sec-Fetch-Site`), even if it should know the capability.

use hyper::header::{HOST, HeaderMap, HeaderName, ORIGIN, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Uri};
use oauthctl_core::profile::api_url::normal_path;
use url::Url;

use super::headers;
use super::shared::Proxy;

/// Headers with which a client asks for another method or path than those that were checked.
const OVERRIDES: [&str; 9] = [
    "x-forwarded-method",
    "x-forwarded-uri",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// A request that may pass.
pub struct Passed {
    /// Where it goes.
    pub url: Url,
}

/// A request that may not pass.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why, for the client.
    pub why: &'static str,
    /// Its path at the server, if the client knows the capability.
    pub path: Option<String>,
}

/// Checks a request.
///
/// # Errors
///
/// Returns why it is refused.
pub fn check(proxy: &Proxy, head: &Parts) -> Result<Passed, Refused> {
    let path = path_of(proxy, &head.uri);
    let at =
        path.as_ref().ok().and_then(|path| path.as_ref().ok()).map(|url| url.path().to_owned());
    let refuse = |why| Err(Refused { why, path: at.clone() });
    if head.uri.authority().is_some() || head.uri.scheme().is_some() {
        return refuse("the request is for another server");
    }
    let url = match path {
        Err(NoCapability) => return refuse("the path does not begin with the key of this proxy"),
        Ok(Err(why)) => return refuse(why),
        Ok(Ok(url)) => url,
    };
    if let Some(why) = foreign(proxy, &head.headers).or_else(|| ambiguous(&head.headers)) {
        return refuse(why);
    }
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        return refuse("the method is not supported");
    }
    if !proxy.rules.allow(&head.method, url.path()) {
        return refuse("no rule allows this method and path");
    }
    if proxy.rules.restrict() {
        if head.headers.keys().any(|name| OVERRIDES.contains(&headers::as_variable(name).as_str()))
        {
            return refuse("a header overrides the method or the path");
        }
        if url.query_pairs().any(|(name, _)| name == "_method") {
            return refuse("a parameter overrides the method");
        }
    }
    Ok(Passed { url })
}

struct NoCapability;

/// Returns the URL that a target stands for: its path without the capability, below the base.
fn path_of(proxy: &Proxy, target: &Uri) -> Result<Result<Url, &'static str>, NoCapability> {
    let rest = target.path().strip_prefix('/').ok_or(NoCapability)?;
    let (key, rest) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    if !is_same(key.as_bytes(), proxy.key.expose().as_bytes()) {
        return Err(NoCapability);
    }
    let below = match normal_path(rest) {
        Ok(below) => below,
        Err(why) => return Ok(Err(why)),
    };
    let mut url = proxy.urls.base().clone();
    let path = format!("{}{below}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url.set_query(target.query());
    match url.path() == path && proxy.urls.covers(&url) {
        true => Ok(Ok(url)),
        false => Ok(Err("the path has characters that must be encoded")),
    }
}

/// Compares without saying by its duration how much is the same.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && differences == 0
}

/// Returns why a request is from another site, if it is.
fn foreign(proxy: &Proxy, headers: &HeaderMap) -> Option<&'static str> {
    let is_own = |host: &str| proxy.hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
    if !only(headers, &HOST).is_some_and(is_own) {
        return Some("the Host header names another server");
    }
    let is_own_origin = |origin: &str| origin.strip_prefix("http://").is_some_and(is_own);
    if headers.contains_key(ORIGIN) && !only(headers, &ORIGIN).is_some_and(is_own_origin) {
        return Some("the request comes from a page of another site");
    }
    let site = HeaderName::from_static("sec-fetch-site");
    let is_own_site = |site: &str| matches!(site, "same-origin" | "none");
    if headers.contains_key(&site) && !only(headers, &site).is_some_and(is_own_site) {
        return Some("the request comes from a page of another site");
    }
    None
}

/// Returns why a request could be read in two ways, if it can: then it may hide another one.
/// One with both Content-Length and Transfer-Encoding cannot: hyper removes the length, and ends the connection after it
/// (RFC 9112, section 6.3).
fn ambiguous(headers: &HeaderMap) -> Option<&'static str> {
    let is_chunked = |coding: &str| coding.trim().eq_ignore_ascii_case("chunked");
    if headers.contains_key(TRANSFER_ENCODING)
        && !only(headers, &TRANSFER_ENCODING).is_some_and(is_chunked)
    {
        return Some("the transfer coding is not supported");
    }
    None
}

/// Returns the value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}
