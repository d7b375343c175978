//! Errors in a configuration file: all at once, each with its position.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use super::node::{Table, Value};
use super::work;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::text::one_line;

/// Maximum number of syntax errors that are shown: after the first few, one follows from another.
const SYNTAX_ERRORS_SHOWN: usize = 5;

/// Maximum number of problems that are shown.
const SHOWN: usize = 100;

/// The problems of one file.
pub(crate) struct Problems<'t> {
    path: String,
    text: &'t str,
    /// The offset of each line.
    lines: Vec<usize>,
    syntax: Vec<(usize, String)>,
    found: Vec<(usize, Problem)>,
    warnings: Vec<(usize, String)>,
    advice: Vec<Advice>,
    /// Whether an error names the line of each problem.
    has_places: bool,
    /// Whether a key is missing.
    lacks_keys: bool,
}

/// A problem, formatted only if it is shown.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Problem {
    Told(String),
    UnknownKey { key: String, place: String, known: &'static [&'static str] },
}

impl Problem {
    fn told(&self) -> String {
        match self {
            Self::Told(message) => message.clone(),
            Self::UnknownKey { key, place, known } => {
                let near = suggestion(key, known.iter().copied());
                format!("unknown key `{}` in {place}{near}", one_line(key))
            }
        }
    }
}

impl<'t> Problems<'t> {
    pub(crate) fn new(path: &Path, text: &'t str) -> Self {
        let begins = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            path: one_line(&path.display().to_string()),
            text,
            lines: std::iter::once(0).chain(begins.map(|(at, _)| at + 1)).collect(),
            syntax: Vec::new(),
            found: Vec::new(),
            warnings: Vec::new(),
            advice: Vec::new(),
            has_places: true,
            lacks_keys: false,
        }
    }

    /// The same, of a text that is in no file: its lines would lead nowhere.
    pub(crate) fn without_places(mut self) -> Self {
        self.has_places = false;
        self
    }

    /// Returns whether as many errors were found as are shown. Further errors are only counted, without
    /// suggestions.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() >= SHOWN
    }

    /// Returns a suggestion of the nearest known key ([`suggestion`]).
    pub(crate) fn suggestion<'c>(
        &self,
        word: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> String {
        if self.is_full() { String::new() } else { suggestion(word, candidates) }
    }

    /// Returns a suggestion only if a candidate is similar: the names of profiles and stores are free, so the nearest
    /// one can be unrelated.
    pub(crate) fn meant<'c>(
        &self,
        word: &str,
        candidates: impl IntoIterator<Item = &'c str>,
    ) -> String {
        let near = if self.is_full() { None } else { similar(word, candidates) };
        near.map_or_else(String::new, |near| format!(", did you mean `{near}`?"))
    }

    /// Adds an error at this offset.
    pub(crate) fn add(&mut self, at: usize, message: impl Into<String>) {
        self.found.push((at, Problem::Told(message.into())));
    }

    /// Adds the error at this offset that a key is missing.
    pub(crate) fn add_missing(&mut self, at: usize, message: impl Into<String>) {
        self.lacks_keys = true;
        self.add(at, message);
    }

    /// Adds an unknown key.
    pub(crate) fn unknown_key(
        &mut self,
        key: &str,
        at: usize,
        place: &str,
        known: &'static [&'static str],
    ) {
        let (key, place) = (key.to_owned(), place.to_owned());
        self.found.push((at, Problem::UnknownKey { key, place, known }));
    }

    /// Says what to do about the problems: once, however many of them it helps with.
    pub(crate) fn advise(&mut self, advice: Advice) {
        if !self.advice.contains(&advice) {
            self.advice.push(advice);
        }
    }

    /// Does the same, if the profile is in a file already.
    pub(crate) fn advise_in_file(&mut self, advice: Advice) {
        if self.has_places {
            self.advise(advice);
        }
    }

    /// Adds a warning at this offset.
    pub(crate) fn warn(&mut self, at: usize, message: impl Into<String>) {
        self.warnings.push((at, message.into()));
    }

    /// Adds the parser's errors. Its messages do not quote the file; a key that is repeated is named.
    pub(crate) fn add_syntax(&mut self, document: &Table, errors: &[toml::de::Error]) {
        if errors.is_empty() {
            return;
        }
        let mut keys = HashSet::new();
        names_of(document, &mut keys);
        for error in errors {
            let span = error.span().unwrap_or_default();
            let message = match self.repeated_key(span.clone(), &keys) {
                Some(key) => format!("{} `{}`", error.message(), one_line(key)),
                None => error.message().to_owned(),
            };
            self.syntax.push((span.start, message));
        }
    }

    /// Returns the key at this place, if the document has another one of this name.
    fn repeated_key(&self, span: Range<usize>, keys: &HashSet<&str>) -> Option<&str> {
        let after = self.text.get(span.end..)?.trim_start_matches([' ', '\t']);
        let key = self.text.get(span)?.trim_matches(['"', '\'']);
        (after.starts_with(['=', '.', ']']) && keys.contains(key)).then_some(key)
    }

    /// Returns whether the file is invalid TOML. If so, missing keys mean nothing.
    pub(crate) fn has_syntax_errors(&self) -> bool {
        !self.syntax.is_empty()
    }

    /// Returns the line of an offset, counted from zero.
    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|begin| *begin <= at) - 1
    }

    /// Returns line and column of an offset, counted from one; columns are characters. The previous offset
    /// and its column avoid counting a long line from its beginning every time.
    fn position(&self, at: usize, before: &mut (usize, usize)) -> (usize, usize) {
        let at = at.min(self.text.len());
        let line = self.line(at);
        let (from, column) = match *before {
            (from, column) if (self.lines[line]..=at).contains(&from) => (from, column),
            _ => (self.lines[line], 1),
        };
        work::count(at - from);
        let column = column + self.text.get(from..at).unwrap_or_default().chars().count();
        *before = (at, column);
        (line + 1, column)
    }

    /// Returns the first of these, each with its position, and the number of the rest.
    fn placed(&self, all: impl ExactSizeIterator<Item = (usize, Problem)>) -> Vec<String> {
        let more = all.len().saturating_sub(SHOWN);
        let mut before = (0, 1);
        let shown = all.take(SHOWN).map(|(at, problem)| {
            let (line, column) = self.position(at, &mut before);
            format!("{}:{line}:{column}: {}", self.path, problem.told())
        });
        let mut lines: Vec<String> = shown.collect();
        if more > 0 {
            lines.push(format!("{}: and {more} more", self.path));
        }
        lines
    }

    /// Returns the warnings, or one error that lists the problems, one per line, in the order of the file.
    pub(crate) fn finish(mut self) -> Result<Vec<String>> {
        let last = self.syntax.iter().max().cloned();
        let mut syntax = self.syntax_by_line();
        let broken: HashSet<usize> = syntax.iter().map(|(at, _)| self.line(*at)).collect();
        if syntax.len() > SYNTAX_ERRORS_SHOWN {
            syntax.truncate(SYNTAX_ERRORS_SHOWN);
            // An unclosed bracket is reported last, at the end of the file, and the other errors follow from it.
            syntax.extend(last);
        }
        let mut all = std::mem::take(&mut self.found);
        all.retain(|(at, _)| !broken.contains(&self.line(*at)));
        all.extend(syntax.into_iter().map(|(at, message)| (at, Problem::Told(message))));
        all.sort();
        all.dedup();
        if all.is_empty() {
            let mut warnings = std::mem::take(&mut self.warnings);
            warnings.sort();
            let warnings = warnings.into_iter();
            return Ok(self.placed(warnings.map(|(at, message)| (at, Problem::Told(message)))));
        }
        if !self.has_places {
            let more = all.len().saturating_sub(SHOWN);
            let shown = all.iter().take(SHOWN).map(|(_, problem)| problem.told());
            let more = (more > 0).then(|| format!("and {more} more"));
            let problems: Vec<String> = shown.chain(more).collect();
            let missing = self.lacks_keys.then_some(Advice::CompleteProfile);
            let advice = self.advice.into_iter().chain(missing);
            return Err(Error::config(problems.join("; ")).hints(advice));
        }
        let mut lines = self.placed(all.into_iter()).into_iter();
        let error = Error::config(lines.next().unwrap_or_default()).and_lines(lines);
        Err(error.hints(self.advice))
    }

    /// Keeps one syntax error per line: the others on it follow from the first.
    fn syntax_by_line(&mut self) -> Vec<(usize, String)> {
        let mut all = std::mem::take(&mut self.syntax);
        all.sort();
        let mut shown: Vec<(usize, String)> = Vec::new();
        for (at, message) in all {
            let line = self.line(at);
            if shown.last().is_none_or(|(last, _)| self.line(*last) != line) {
                shown.push((at, message));
            }
        }
        shown
    }
}

/// Collects the names of all keys of a table, and of the tables in it.
fn names_of<'t>(table: &'t Table, names: &mut HashSet<&'t str>) {
    for entry in table {
        names.insert(&entry.key);
        names_in(&entry.node.value, names);
    }
}

fn names_in<'t>(value: &'t Value, names: &mut HashSet<&'t str>) {
    match value {
        Value::Table(inner) => names_of(inner, names),
        Value::List(list) => list.iter().for_each(|item| names_in(&item.value, names)),
        _ => {}
    }
}

/// Maximum number of characters of a word that are compared: a longer word is not a typing error, and
/// comparing two long words takes as long as the product of their lengths.
const COMPARED: usize = 64;

/// Returns the part of a word that is compared.
pub(crate) fn beginning(word: &str) -> &str {
    word.char_indices().nth(COMPARED).map_or(word, |(end, _)| &word[..end])
}

/// Returns the candidate that is most similar to this word.
fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<(&'c str, f64)> {
    let likeness = |candidate| {
        let (word, candidate) = (beginning(word), beginning(candidate));
        work::count(word.len() * candidate.len());
        strsim::jaro_winkler(word, candidate)
    };
    candidates
        .into_iter()
        .map(|candidate| (candidate, likeness(candidate)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// The minimum similarity of a word that was probably meant.
const LIKE: f64 = 0.8;

/// Returns the candidate that the user probably meant, or `None` if none is similar.
///
/// ```
/// use oauthctl_core::profile::similar;
/// assert_eq!(similar("scops", ["scopes", "store"]), Some("scopes"));
/// assert_eq!(similar("work", ["gitlab"]), None);
/// ```
pub fn similar<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let (best, likeness) = nearest(word, candidates)?;
    (likeness >= LIKE).then_some(best)
}

/// Returns a suggestion of the nearest key: a question if it is similar, a statement if it is not.
pub(crate) fn suggestion<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    match nearest(word, candidates) {
        Some((best, likeness)) if likeness >= LIKE => format!(", did you mean `{best}`?"),
        Some((best, _)) => format!("; the nearest is `{best}`"),
        None => String::new(),
    }
}

/// Returns a key as it is written in a table header.
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
        let before = &mut (0, 1);
        assert_eq!(problems.position(0, before), (1, 1));
        assert_eq!(problems.position(3, before), (1, 3), "the accent takes two bytes, one column");
        assert_eq!(problems.position(4, before), (1, 4));
        assert_eq!(problems.position(10, before), (2, 4));
        assert_eq!(problems.position(999, before), (3, 1), "past the end is the end");
        assert_eq!(problems.position(3, before), (1, 3), "back again");
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
    fn many_problems_are_shown_in_part_and_counted() {
        let text = "x\n".repeat(100_000);
        let mut problems = Problems::new(Path::new("c.toml"), &text);
        for line in (0..100_000).rev() {
            problems.unknown_key("scops", line * 2, "[p]", &["scopes"]);
        }
        let error = problems.finish().unwrap_err();
        let lines: Vec<&str> = error.message().lines().collect();
        assert_eq!(lines.len(), SHOWN + 1);
        assert!(lines[0].starts_with("c.toml:1:1: unknown key `scops` in [p], did you mean"));
        assert_eq!(lines[SHOWN], "c.toml: and 99900 more");
    }

    #[test]
    fn nearest_word_is_named() {
        assert_eq!(suggestion("scops", ["scopes", "store"]), ", did you mean `scopes`?");
        assert_eq!(suggestion("zzz", ["scopes"]), "; the nearest is `scopes`");
        assert_eq!(shown_key("a b"), "\"a b\"");
    }
}
