//! Places in a file where text is inserted.

use super::insertions::Place;

/// Inserts lines at the end of a file, whose last line may have no line break.
pub fn at_end(file: &str, lines: &str) -> Place {
    let newline = if file.is_empty() || file.ends_with('\n') { "" } else { "\n" };
    (file.len()..file.len(), format!("{newline}{lines}"))
}
