//! Scopes as users write them: `--scope 'openid email'` and `scopes = ["openid email"]` are two scopes.

use std::collections::HashSet;

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::text::one_line;

/// Splits values into single scopes (RFC 6749, section 3.3): at white space, and at the separator of the
/// server. Duplicates are removed.
pub fn split(given: &[String], separator: &str) -> Vec<String> {
    let separator = separator.trim();
    let mut scopes: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for part in given.iter().flat_map(|text| text.split_whitespace()) {
        let parts: Vec<&str> =
            if separator.is_empty() { vec![part] } else { part.split(separator).collect() };
        for scope in parts {
            if !scope.is_empty() && seen.insert(scope) {
                scopes.push(scope.to_owned());
            }
        }
    }
    scopes
}

/// Refuses a value without any scope.
///
/// # Errors
///
/// Returns an error of kind `Usage`.
pub(crate) fn check(given: &[String]) -> Result<()> {
    match given.iter().any(|scope| scope.trim().is_empty()) {
        true => Err(Error::usage("a scope is empty").hint(Advice::OmitScopes)),
        false => Ok(()),
    }
}

/// Returns a warning about scopes that contain a comma, which separates scopes at few servers and is rarely
/// part of one.
pub fn comma_warning(given: &[String], separator: &str) -> Option<String> {
    if separator.contains(',') {
        return None;
    }
    let scope = given.iter().flat_map(|text| text.split_whitespace()).find(|s| s.contains(','))?;
    let between = match separator.trim() {
        "" => "spaces".to_owned(),
        other => format!("`{}`", one_line(other)),
    };
    Some(format!(
        "the scope `{}` contains a comma, but this provider separates scopes with {between}",
        one_line(scope)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn scopes_are_split_at_white_space_and_separator() {
        for (given, separator, expected) in [
            (&["openid email"][..], " ", &["openid", "email"][..]),
            (&[" openid\t email\n", "openid"], " ", &["openid", "email"]),
            (&["a,b"], " ", &["a,b"]),
            (&["a,b", "c d"], ",", &["a", "b", "c", "d"]),
            (&["a, b,"], ", ", &["a", "b"]),
            (&["a+b"], "+", &["a", "b"]),
            (&["", "  "], " ", &[]),
        ] {
            assert_eq!(split(&owned(given), separator), expected, "{given:?} {separator:?}");
        }
        assert!(check(&owned(&["a", " "])).is_err());
    }

    #[test]
    fn hundred_thousand_scopes_are_no_burden() {
        // Comparing each with each would take minutes.
        let given: Vec<String> = (0..100_000).map(|number| format!("s{number}")).collect();
        assert_eq!(split(&given, " "), given);
    }

    #[test]
    fn comma_is_suspicious_where_it_separates_nothing() {
        let given = owned(&["openid", "email,profile x"]);
        assert!(comma_warning(&given, " ").unwrap().contains("`email,profile`"));
        assert!(comma_warning(&given, "+").is_some());
        assert_eq!(comma_warning(&given, ","), None);
        assert_eq!(comma_warning(&owned(&["openid email"]), " "), None);
    }
}
