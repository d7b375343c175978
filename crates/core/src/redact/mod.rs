//! Removes known secrets from text that is shown, in whatever encoding they come back.
//!
//! Redaction is only for display. Decisions are based on what the server sent.

pub(crate) mod debug;
pub(crate) mod names;
mod patterns;
#[cfg(test)]
mod tests;
mod unescape;

pub(crate) use self::patterns::Origin;
use self::patterns::{Patterns, Scope};
use self::unescape::View;
use crate::secret::Secret;

/// Placeholder for a secret.
const HIDDEN: &str = "[redacted]";

/// Maximum number of values that are remembered for each origin.
const REMEMBERED: [usize; 3] = [1_024, 512, 512];

/// The known secrets.
#[derive(Default)]
pub(crate) struct Known {
    patterns: Patterns,
    /// The patterns of each value by its origin, the most recent one last.
    values: [Vec<Remembered>; 3],
    next: u64,
}

impl Known {
    /// Returns a set of this program's own secrets.
    pub(crate) fn of<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut known = Self::default();
        for secret in secrets {
            known.remember(secret.expose(), Origin::Own);
        }
        known
    }

    /// Remembers a value. If there are too many, the least recently seen one of this origin is forgotten.
    pub(crate) fn remember(&mut self, value: &str, origin: Origin) {
        if value.is_empty() {
            return;
        }
        let values = &mut self.values[origin as usize];
        if let Some(at) = values.iter().rposition(|known| known.value.expose() == value) {
            let value = values.remove(at);
            values.push(value);
            return;
        }
        if values.len() == REMEMBERED[origin as usize] {
            let oldest = values.remove(0);
            self.patterns.remove(oldest.number, &oldest.patterns);
        }
        let patterns = self.patterns.add(value, self.next, origin);
        values.push(Remembered { value: Secret::new(value), number: self.next, patterns });
        self.next += 1;
    }

    /// Returns the text without known secrets. A word, a short number and what is very short are hidden only as
    /// a whole word: as a part of other words they reveal nothing. So is a short value that may be no secret.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.hide_in(text, Scope::All)
    }

    /// Does the same for text of this program that may quote other text: what is hidden only as a whole word
    /// stays.
    pub(crate) fn hide_quoted(&self, text: &str) -> String {
        self.hide_in(text, Scope::Unmistakable)
    }

    fn hide_in(&self, text: &str, scope: Scope) -> String {
        let views = [Some(View::plain(text)), View::unescaped(text)];
        let mut hidden: Vec<(usize, usize)> = Vec::new();
        for view in views.iter().flatten() {
            let found = self.patterns.find(&view.bytes, scope);
            hidden.extend(found.into_iter().map(|(start, end)| view.place(start, end)));
        }
        hidden.sort_unstable();
        let mut out = String::with_capacity(text.len());
        let mut shown = None;
        for (start, end) in hidden {
            let (start, end) = (floor(text, start), ceil(text, end));
            if shown.is_none_or(|shown| start > shown) {
                out.push_str(&text[shown.unwrap_or(0)..start]);
                out.push_str(HIDDEN);
            }
            shown = Some(shown.unwrap_or(0).max(end));
        }
        out + &text[shown.unwrap_or(0)..]
    }
}

/// A remembered value, and where its patterns are.
struct Remembered {
    value: Secret,
    number: u64,
    patterns: Vec<u32>,
}

/// Returns the text without these secrets.
pub(crate) fn without(text: &str, secrets: &[Secret]) -> String {
    match secrets.is_empty() {
        true => text.to_owned(),
        false => Known::of(secrets).hide(text),
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}
