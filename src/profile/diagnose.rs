//! What is wrong with a configuration file: everything at once, each with its place.

use std::path::Path;

use crate::error::{Error, Result};
use crate::text::one_line;

/// The most syntax errors that are shown: after the first few, one follows from another.
const SYNTAX_ERRORS_SHOWN: usize = 5;

/// The problems of one file.
pub(crate) struct Problems<'t> {
    path: String,
    text: &'t str,
    syntax: Vec<(usize, String)>,
    found: Vec<(usize, String)>,
    warnings: Vec<(usize, String)>,
}

impl<'t> Problems<'t> {
    pub(crate) fn new(path: &Path, text: &'t str) -> Self {
        Self {
            path: one_line(&path.display().to_string()),
            text,
            syntax: Vec::new(),
            found: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Adds an error at this offset.
    pub(crate) fn add(&mut self, at: usize, message: impl Into<String>) {
        self.found.push((at, message.into()));
    }

    /// Adds a warning at this offset.
    pub(crate) fn warn(&mut self, at: usize, message: impl Into<String>) {
        self.warnings.push((at, message.into()));
    }

    /// Adds what the parser found. Its messages quote nothing of the file, except that a key that
    /// stands there twice is named.
    pub(crate) fn add_syntax(&mut self, errors: &[toml::de::Error]) {
        for error in errors {
            let span = error.span().unwrap_or_default();
            let mut message = error.message().to_owned();
            if message == "duplicate key" {
                let key = self.text.get(span.clone()).unwrap_or_default();
                message = format!("duplicate key `{}`", one_line(key.trim_matches(['"', '\''])));
            }
            self.syntax.push((span.start, message));
        }
    }

    /// Whether the file is TOML at all. Where it is not, what is missing says nothing.
    pub(crate) fn has_syntax_errors(&self) -> bool {
        !self.syntax.is_empty()
    }

    /// Line and column of an offset, counted from one; columns are characters.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    fn placed(&self, (at, message): &(usize, String)) -> String {
        let (line, column) = self.position(*at);
        format!("{}:{line}:{column}: {message}", self.path)
    }

    /// The warnings, or one error that lists every problem, one a line, in the order of the file.
    pub(crate) fn finish(mut self) -> Result<Vec<String>> {
        let mut syntax = self.syntax_by_line();
        let broken: Vec<usize> = syntax.iter().map(|(at, _)| self.position(*at).0).collect();
        let mut count = 0;
        syntax.retain(|(_, message)| {
            count += 1;
            count <= SYNTAX_ERRORS_SHOWN || message.starts_with("unclosed")
        });
        let mut all = std::mem::take(&mut self.found);
        all.retain(|(at, _)| !broken.contains(&self.position(*at).0));
        all.extend(syntax);
        all.sort();
        all.dedup();
        self.warnings.sort();
        if all.is_empty() {
            return Ok(self.warnings.iter().map(|warning| self.placed(warning)).collect());
        }
        let lines: Vec<String> = all.iter().map(|problem| self.placed(problem)).collect();
        Err(Error::config(lines.join("\n")))
    }

    /// One syntax error a line: the others on it follow from the first.
    fn syntax_by_line(&mut self) -> Vec<(usize, String)> {
        let mut all = std::mem::take(&mut self.syntax);
        all.sort();
        let mut shown: Vec<(usize, String)> = Vec::new();
        for (at, message) in all {
            let line = self.position(at).0;
            if shown.last().is_none_or(|(last, _)| self.position(*last).0 != line) {
                shown.push((at, message));
            }
        }
        shown
    }
}

/// The candidate that is most like this word.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<(&'c str, f64)> {
    candidates
        .into_iter()
        .map(|candidate| (candidate, strsim::jaro_winkler(word, candidate)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The words that name the nearest candidate: a question where it is near, a fact where it is not.
pub(crate) fn suggestion<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    match nearest(word, candidates) {
        Some((best, likeness)) if likeness >= 0.8 => format!(", did you mean `{best}`?"),
        Some((best, _)) => format!("; the nearest is `{best}`"),
        None => String::new(),
    }
}

/// A key as it is written in a table header.
pub(crate) fn shown_key(key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if bare { key.to_owned() } else { format!("\"{}\"", one_line(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let problems = Problems::new(Path::new("c.toml"), "é = 1\nab = 2\n");
        assert_eq!(problems.position(0), (1, 1));
        assert_eq!(problems.position(3), (1, 3), "the accent takes two bytes, but one column");
        assert_eq!(problems.position(10), (2, 4));
        assert_eq!(problems.position(999), (3, 1), "past the end is the end");
    }

    #[test]
    fn problems_come_in_the_order_of_the_file_and_once() {
        let mut problems = Problems::new(Path::new("c.toml"), "a\nb\nc\n");
        problems.add(4, "third");
        problems.add(0, "first");
        problems.add(0, "first");
        problems.warn(2, "a warning is no error");
        let error = problems.finish().unwrap_err();
        assert_eq!(error.message(), "c.toml:1:1: first\nc.toml:3:1: third");
    }

    #[test]
    fn the_nearest_word_is_named() {
        assert_eq!(suggestion("scops", ["scopes", "store"]), ", did you mean `scopes`?");
        assert_eq!(suggestion("zzz", ["scopes"]), "; the nearest is `scopes`");
        assert_eq!(shown_key("a b"), "\"a b\"");
    }
}
