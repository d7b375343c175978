//! Which headers pass, in both directions, and how they change.

use hyper::header::{
    ALT_SVC, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_LOCATION, COOKIE, EXPECT,
    FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue, LINK, LOCATION, ORIGIN,
    PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, SET_COOKIE, STRICT_TRANSPORT_SECURITY, TE, TRAILER,
    TRANSFER_ENCODING, UPGRADE,
};
use oauthctl_core::profile::api_url::ApiUrls;
use url::Url;

use super::shared::Proxy;

/// Headers of one connection (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 10] = [
    CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Headers of a client that are for this proxy, replaced by it, or believed by servers.
const OF_CLIENT: [&str; 16] = [
    "dpop",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-method",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-forwarded-uri",
    "x-forwarded-user",
    "x-original-host",
    "x-original-uri",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "via",
];

/// Returns the name as the variable of a CGI program has it, in which underscores and hyphens are one.
pub fn as_variable(name: &HeaderName) -> String {
    name.as_str().replace('_', "-")
}

/// Removes what belongs to one connection, and what its `Connection` header names.
fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let values = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<HeaderName> = values
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Returns the protocol that a client wants to change to. Ignores other versions of HTTP, because later requests on
/// the connection would bypass the rules.
pub fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut options = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let is_wanted =
        options.any(|value| value.split(',').any(|o| o.trim().eq_ignore_ascii_case("upgrade")));
    headers.get(UPGRADE).filter(|value| is_wanted && !names_http(value)).cloned()
}

fn names_http(upgrade: &HeaderValue) -> bool {
    let names = String::from_utf8_lossy(upgrade.as_bytes()).to_ascii_lowercase();
    let mut names = names.split(',').map(str::trim);
    names.any(|name| ["h2", "h3", "http", "tls"].iter().any(|start| name.starts_with(start)))
}

/// Returns the headers of a client as they go to the server.
pub fn of_request(proxy: &Proxy, headers: &HeaderMap) -> HeaderMap {
    let upgrade = wanted_upgrade(headers);
    let mut headers = headers.clone();
    remove_hop_by_hop(&mut headers);
    // A browser's cookies for this host are those of every program on it.
    for name in [AUTHORIZATION, CONTENT_LENGTH, COOKIE, EXPECT, FORWARDED, HOST, ORIGIN] {
        headers.remove(name);
    }
    let of_client: Vec<HeaderName> = headers
        .keys()
        .filter(|name| OF_CLIENT.contains(&as_variable(name).as_str()))
        .cloned()
        .collect();
    for name in of_client {
        headers.remove(name);
    }
    // The capability is nobody else's business: a `Referer` has it, for instance.
    let key = proxy.key.expose().as_bytes();
    let has_key = |value: &HeaderValue| value.as_bytes().windows(key.len()).any(|part| part == key);
    let telling: Vec<HeaderName> =
        headers.iter().filter(|(_, value)| has_key(value)).map(|(name, _)| name.clone()).collect();
    for name in telling {
        headers.remove(name);
    }
    if let Some(upgrade) = upgrade {
        headers.insert(UPGRADE, upgrade);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    headers
}

/// Returns the headers of a response as they go to the client: what leads to the API leads through the
/// proxy.
pub fn of_response(proxy: &Proxy, url: &Url, headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    remove_hop_by_hop(&mut headers);
    for name in [ALT_SVC, SET_COOKIE, STRICT_TRANSPORT_SECURITY] {
        headers.remove(name);
    }
    for name in [LOCATION, CONTENT_LOCATION] {
        let place = headers.get(&name).and_then(|value| value.to_str().ok());
        let place = place.and_then(|text| url.join(text).ok());
        if let Some(place) = place
            && let Ok(value) = HeaderValue::try_from(through(proxy, &place))
        {
            headers.insert(name, value);
        }
    }
    let links: Vec<HeaderValue> = headers
        .get_all(LINK)
        .iter()
        .map(|value| rewritten_links(proxy, url, value).unwrap_or_else(|| value.clone()))
        .collect();
    headers.remove(LINK);
    for value in links {
        headers.append(LINK, value);
    }
    headers
}

/// Returns the URL of a place at the proxy, or the place itself if it is not below its base.
fn through(proxy: &Proxy, place: &Url) -> String {
    let base = proxy.urls.base();
    let folder = base.path().trim_end_matches('/');
    let is_at_base = proxy.urls.covers(place)
        && ApiUrls::is_below(base, place)
        && place.path().starts_with(folder);
    if !is_at_base {
        return place.to_string();
    }
    let below = place.path()[folder.len()..].trim_start_matches('/');
    let mut text = format!("{}{below}", proxy.url());
    for (mark, part) in [('?', place.query()), ('#', place.fragment())] {
        if let Some(part) = part {
            text.push(mark);
            text.push_str(part);
        }
    }
    text
}

/// Rewrites the targets of a `Link` header (RFC 8288), which APIs use for further pages.
fn rewritten_links(proxy: &Proxy, url: &Url, value: &HeaderValue) -> Option<HeaderValue> {
    let mut rest = value.to_str().ok()?;
    let mut out = String::new();
    while let Some((before, after)) = rest.split_once('<') {
        let (target, after) = after.split_once('>')?;
        let place = url.join(target).ok()?;
        out.push_str(&format!("{before}<{}>", through(proxy, &place)));
        rest = after;
    }
    out.push_str(rest);
    HeaderValue::try_from(out).ok()
}
