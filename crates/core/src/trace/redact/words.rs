//! Parts of texts, and what stands in place of a hidden one.

use url::form_urlencoded;
use zeroize::Zeroizing;

use crate::redact::names;

/// Returns the placeholder for a hidden value.
pub(in crate::trace) fn placeholder(value: &str) -> String {
    match value.chars().count() {
        0 => String::new(),
        count => format!("[redacted, {}]", counted(count, "character")),
    }
}

pub(in crate::trace) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Returns the decoded pairs of a query. A part without a name is a value, and nothing is known about it.
pub(in crate::trace) fn pairs(raw: &str) -> Vec<(Zeroizing<String>, Zeroizing<String>)> {
    let parts = raw.split('&').filter(|part| !part.is_empty());
    let named = parts.map(|part| match part.contains('=') {
        true => part.to_owned(),
        false => format!("={part}"),
    });
    named
        .filter_map(|part| {
            let (name, value) = form_urlencoded::parse(part.as_bytes()).next()?;
            Some((name.into_owned().into(), value.into_owned().into()))
        })
        .collect()
}

pub(in crate::trace) fn is_scheme(word: &str) -> bool {
    (1..=20).contains(&word.len()) && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
}

/// Hides what looks like a token in a run of token characters. In a URL or a path, each segment is examined
/// separately.
pub(in crate::trace) fn hide_tokens(run: &str) -> String {
    let hide = |word: &str| {
        let random = word.len() >= 32 && word.bytes().any(|b| b.is_ascii_digit());
        let jwt = word.len() >= names::LEAST_UNKNOWN && word.starts_with("eyJ");
        if (random || jwt) && !names::is_uuid(word.trim_end_matches('.')) {
            placeholder(word)
        } else {
            word.to_owned()
        }
    };
    match run.starts_with('/') {
        true => run.split('/').map(hide).collect::<Vec<_>>().join("/"),
        false => hide(run),
    }
}
