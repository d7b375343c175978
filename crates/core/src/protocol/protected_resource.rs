//! The metadata of a protected resource (RFC 9728).

use serde_json::{Map, Value};
use url::Url;

use crate::error::{Error, Result};
use crate::text::one_line;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceMetadata {
    /// The identifier of the resource, as written.
    pub(crate) resource: String,
    /// The issuers of its authorization servers; never empty.
    pub(crate) authorization_servers: Vec<String>,
    /// The scopes that it needs, if it lists any.
    pub(crate) scopes_supported: Vec<String>,
}

/// Returns the well-known locations of a resource's metadata: that of its path, then that of its host
/// (section 3.1).
pub(crate) fn locations(resource: &Url) -> Vec<Url> {
    let path = resource.path().trim_end_matches('/');
    let mut root = resource.clone();
    root.set_path(WELL_KNOWN);
    root.set_query(None);
    if path.is_empty() && resource.query().is_none() {
        return vec![root];
    }
    let mut own = resource.clone();
    own.set_path(&format!("{WELL_KNOWN}{path}"));
    vec![own, root]
}

/// Returns whether a resource is the one at this URL, or one that contains it: the same origin, and a path
/// that the URL's path begins with, segment by segment.
pub(crate) fn fits(resource: &str, url: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else { return false };
    let (own, asked) = (resource.path().trim_end_matches('/'), url.path());
    let is_above =
        asked.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let has_query = resource.query().is_none_or(|query| url.query() == Some(query));
    resource.origin() == url.origin()
        && resource.username().is_empty()
        && resource.password().is_none()
        && resource.fragment().is_none()
        && is_above
        && has_query
}

/// Returns whether a resource is the one at this URL and not one that contains it.
fn is_same(resource: &str, url: &Url) -> bool {
    fits(resource, url)
        && Url::parse(resource).is_ok_and(|resource| {
            resource.path().trim_end_matches('/') == url.path().trim_end_matches('/')
                && resource.query() == url.query()
        })
}

/// Reads a document that is about the resource at this URL (section 3.3). One that another origin serves cannot
/// speak for a resource that contains it.
///
/// # Errors
///
/// Returns `Validation` if it is about another resource, or names no authorization server.
pub(crate) fn validate(
    url: &Url,
    location: &Url,
    document: &Map<String, Value>,
) -> Result<ResourceMetadata> {
    let shown = one_line(url.as_str());
    let invalid =
        |why: String| Error::validation(format!("invalid metadata of the resource {shown}: {why}"));
    let resource = match document.get("resource") {
        Some(Value::String(resource)) => resource,
        _ => return Err(invalid("it has no `resource`".to_owned())),
    };
    let is_own = location.origin() == url.origin();
    if !(is_same(resource, url) || is_own && fits(resource, url)) {
        let other = one_line(resource);
        let what = match is_own && location.path() == WELL_KNOWN && url.path() != "/" {
            true => format!(
                "{shown} is neither an issuer nor a resource with metadata: that of its host belongs \
                 to a different resource, {other}"
            ),
            false => format!("the metadata of {shown} belongs to a different resource: {other}"),
        };
        let hint = "check the URL; if the other resource is the right one, use its URL";
        return Err(Error::validation(what).hint(hint));
    }
    let authorization_servers = texts(document, "authorization_servers").map_err(invalid)?;
    if authorization_servers.is_empty() {
        return Err(invalid("it does not name an authorization server".to_owned()));
    }
    let scopes_supported = texts(document, "scopes_supported").map_err(invalid)?;
    let is_scope = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
    if !scopes_supported.iter().all(|scope| !scope.is_empty() && scope.bytes().all(is_scope)) {
        return Err(invalid(
            "`scopes_supported` contains something that is not a scope".to_owned(),
        ));
    }
    Ok(ResourceMetadata { resource: resource.clone(), authorization_servers, scopes_supported })
}

fn texts(document: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let items = match document.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(format!("`{name}` is not a list of strings")),
    };
    let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(|| format!("`{name}` is not a list of strings"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn locations_are_those_of_the_path_and_the_host() {
        for (resource, expected) in [
            ("https://r.example", &["https://r.example/.well-known/oauth-protected-resource"][..]),
            (
                "https://r.example:8443/a/mcp/",
                &[
                    "https://r.example:8443/.well-known/oauth-protected-resource/a/mcp",
                    "https://r.example:8443/.well-known/oauth-protected-resource",
                ],
            ),
            (
                "https://r.example/mcp?k=v",
                &[
                    "https://r.example/.well-known/oauth-protected-resource/mcp?k=v",
                    "https://r.example/.well-known/oauth-protected-resource",
                ],
            ),
        ] {
            let found: Vec<String> =
                locations(&url(resource)).into_iter().map(String::from).collect();
            assert_eq!(found, expected, "{resource}");
        }
    }

    #[test]
    fn resource_fits_its_url_and_those_below_it() {
        let asked = url("https://r.example/a/mcp?k=v");
        for good in [
            "https://r.example/a/mcp",
            "https://r.example/a/mcp?k=v",
            "https://r.example/a/",
            "https://r.example",
            "HTTPS://R.example:443/a/mcp",
        ] {
            assert!(fits(good, &asked), "{good}");
        }
        for bad in [
            "https://r.example/a/mc",
            "https://r.example/a/mcp/x",
            "https://r.example/a/mcp?k=w",
            "https://r.example/b",
            "https://r.example:8443/a/mcp",
            "https://r.example.evil/a/mcp",
            "https://r.example./a/mcp",
            "https://r.example/a%2fmcp",
            "https://r.example/A/mcp",
            "https://u@r.example/a/mcp",
            "https://r.example/a/mcp#f",
            "http://r.example/a/mcp",
            "r.example",
            "",
        ] {
            assert!(!fits(bad, &asked), "{bad}");
        }
    }

    #[test]
    fn document_needs_a_resource_and_a_server() {
        let asked = url("https://r.example/mcp");
        let read = |document: Value| validate(&asked, &asked, document.as_object().unwrap());
        let good = read(json!({
            "resource": "https://r.example/mcp", "authorization_servers": ["https://as.example"],
            "scopes_supported": ["a", "b"], "jwks_uri": 1,
        }));
        assert_eq!(good.unwrap().scopes_supported, ["a", "b"]);
        for bad in [
            json!({}),
            json!({ "resource": "https://r.example/mcp" }),
            json!({ "resource": "https://r.example/mcp", "authorization_servers": [] }),
            json!({ "resource": "https://r.example/mcp", "authorization_servers": "https://as.example" }),
            json!({ "resource": ["https://r.example/mcp"], "authorization_servers": ["a"] }),
            json!({ "resource": "https://evil.example/mcp", "authorization_servers": ["a"] }),
            json!({
                "resource": "https://r.example/mcp", "authorization_servers": ["a"],
                "scopes_supported": ["a b"],
            }),
        ] {
            assert_eq!(
                read(bad.clone()).unwrap_err().kind(),
                crate::ErrorKind::Validation,
                "{bad}"
            );
        }
    }

    #[test]
    fn another_origin_speaks_only_for_the_same_resource() {
        let asked = url("https://r.example/a/mcp");
        for (location, resource, is_valid) in [
            ("https://r.example/x", "https://r.example/a/mcp", true),
            ("https://r.example/x", "https://r.example/a", true),
            ("https://docs.example/x", "https://r.example/a/mcp", true),
            ("https://docs.example/x", "https://r.example/a/mcp/", true),
            ("https://docs.example/x", "https://r.example/a", false),
            ("https://docs.example/x", "https://r.example", false),
            ("https://r.example:8443/x", "https://r.example/a", false),
            ("http://r.example/x", "https://r.example/a", false),
        ] {
            let document = json!({ "resource": resource, "authorization_servers": ["a"] });
            let read = validate(&asked, &url(location), document.as_object().unwrap());
            assert_eq!(read.is_ok(), is_valid, "{location} {resource}");
        }
    }
}
