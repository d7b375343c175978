//! Which methods and paths are allowed.

use oauthctl_core::http::api::Method;
use oauthctl_core::profile::api_url::normal_path;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};

/// The rules of `--allow`. Without any, everything is allowed.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    /// None: every method.
    methods: Option<Vec<Method>>,
    segments: Vec<String>,
}

impl Rules {
    /// Parses rules such as `GET /api/v4/**`.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an invalid rule.
    pub fn read(texts: &[String]) -> Result<Self> {
        texts.iter().map(|text| Rule::read(text)).collect::<Result<_>>().map(Self)
    }

    /// Returns whether there are rules.
    pub fn restrict(&self) -> bool {
        !self.0.is_empty()
    }

    /// Returns whether a request with this normalized path is allowed.
    pub fn allow(&self, method: &Method, path: &str) -> bool {
        let segments: Vec<&str> = segments(path).collect();
        self.0.is_empty() || self.0.iter().any(|rule| rule.allows(method, &segments))
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').unwrap_or(path).split('/')
}

impl Rule {
    fn read(text: &str) -> Result<Self> {
        let invalid = |why: &str| {
            Error::usage(format!("the rule `{}` is invalid: {why}", one_line(text)))
                .hint("write a method and a path, such as `--allow 'GET /api/v4/**'`")
        };
        let (methods, path) =
            text.trim().split_once(' ').ok_or_else(|| invalid("it has no path"))?;
        let methods = match methods {
            "*" => None,
            names => {
                let read = |name: &str| Method::from_bytes(name.to_ascii_uppercase().as_bytes());
                let methods: std::result::Result<_, _> = names.split(',').map(read).collect();
                Some(methods.map_err(|_| invalid("its method is invalid"))?)
            }
        };
        // Such a rule would never match: paths contain these characters only percent-encoded.
        if path.contains(['?', '#']) {
            return Err(invalid("it contains a query or a fragment"));
        }
        let path = normal_path(path.trim_start()).map_err(invalid)?;
        Ok(Self { methods, segments: segments(&path).map(str::to_owned).collect() })
    }

    fn allows(&self, method: &Method, path: &[&str]) -> bool {
        let is_method = self.methods.as_ref().is_none_or(|methods| methods.contains(method));
        is_method && fits(&self.segments, path)
    }
}

/// Returns whether a path fits a pattern in which `**` stands for any number of segments.
fn fits(pattern: &[String], path: &[&str]) -> bool {
    // Where the last `**` was, and where its end is tried next.
    let (mut at, mut from, mut again) = (0, 0, None);
    loop {
        match pattern.get(at) {
            Some(segment) if segment == "**" => {
                again = Some((at + 1, from));
                at += 1;
                continue;
            }
            Some(segment) if path.get(from).is_some_and(|name| segment_fits(segment, name)) => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            None if from == path.len() => return true,
            _ => {}
        }
        match again {
            Some((after, start)) if start < path.len() => {
                again = Some((after, start + 1));
                (at, from) = (after, start + 1);
            }
            _ => return false,
        }
    }
}

/// Returns whether a segment fits a pattern in which `*` stands for any characters.
fn segment_fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut from, mut again) = (0, 0, None);
    loop {
        match (pattern.get(at), name.get(from)) {
            (Some(b'*'), _) => {
                again = Some((at + 1, from));
                at += 1;
                continue;
            }
            (Some(expected), Some(byte)) if expected == byte => {
                (at, from) = (at + 1, from + 1);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        match again {
            Some((after, start)) if start < name.len() => {
                again = Some((after, start + 1));
                (at, from) = (after, start + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(rule: &str, method: &str, path: &str) -> bool {
        let rules = Rules::read(&[rule.to_owned()]).unwrap();
        normal_path(path)
            .is_ok_and(|path| rules.allow(&Method::from_bytes(method.as_bytes()).unwrap(), &path))
    }

    #[test]
    fn rule_allows_its_method_and_path() {
        for (rule, method, path) in [
            ("GET /api/v4/**", "GET", "/api/v4/projects/7"),
            ("GET /api/v4/**", "GET", "/api/v4/"),
            ("GET /api/v4/**", "GET", "/api//v4/./a/../b"),
            ("GET /api/v4/**", "GET", "/%61pi/v4/x"),
            ("get,post /a", "POST", "/a"),
            ("* /**", "PROPFIND", "/"),
            ("GET /a/*/c", "GET", "/a/b%2Fx/c"),
            ("GET /a/b*.json", "GET", "/a/book.json"),
            ("GET /**/end", "GET", "/a/b/end"),
            ("GET /a/**/b/**/c", "GET", "/a/x/b/b/y/c"),
            ("GET /a b".trim_end_matches(" b"), "GET", "/a"),
        ] {
            assert!(allows(rule, method, path), "{rule}: {method} {path}");
        }
    }

    #[test]
    fn rule_allows_no_other_method_or_path() {
        for (rule, method, path) in [
            ("GET /api/v4/**", "POST", "/api/v4/x"),
            ("GET /api/v4/**", "HEAD", "/api/v4/x"),
            ("GET /api/v4/**", "get", "/api/v4/x"),
            ("GET /api/v4/**", "GET", "/api/v40/x"),
            ("GET /api/v4/**", "GET", "/api/v4/../admin"),
            ("GET /api/v4/**", "GET", "/api/v4/%2e%2e/admin"),
            ("GET /api/v4/**", "GET", "/api/v4/..%2f..%2fadmin"),
            ("GET /api/v4/**", "GET", "/api/v4/..;/admin"),
            ("GET /api/v4/**", "GET", "/api/v4/..\\admin"),
            ("GET /api/v4/**", "GET", "/API/v4/x"),
            ("GET /a/*", "GET", "/a/b/c"),
            ("GET /a/*", "GET", "/a"),
            ("GET /a", "GET", "/a/"),
            ("GET /a*", "GET", "/b/a"),
            ("GET /**/end", "GET", "/a/end/b"),
        ] {
            assert!(!allows(rule, method, path), "{rule}: {method} {path}");
        }
    }

    #[test]
    fn rule_without_method_or_path_is_refused() {
        for rule in
            ["", "GET", "/a", "GET a", "GET /../a", "G@T /a", "GET /%zz", "GET /a?b=c", "GET /a#b"]
        {
            assert!(Rules::read(&[rule.to_owned()]).is_err(), "{rule}");
        }
        assert!(Rules::default().allow(&Method::DELETE, "/anything"));
    }
}
