//! Sanitizes text from clients for display.

/// Maximum number of characters of a client's text that a message repeats.
const SHOWN: usize = 200;

/// Returns whether a character can neither control a terminal, nor reorder text, nor hide in it.
pub(super) fn is_visible(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}'))
}

/// Returns one line of a client's text, limited in length, with spaces for what [is not
/// visible](is_visible).
pub(super) fn printable(text: &str) -> String {
    let shown: String =
        text.chars().take(SHOWN).map(|c| if is_visible(c) { c } else { ' ' }).collect();
    shown.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spaces_in_limited_text() {
        assert_eq!(printable("a\u{1b}[31mb\r\n\u{202e}c\u{9b}"), "a [31mb   c");
        assert_eq!(printable(&"é".repeat(1_000)).chars().count(), SHOWN);
    }
}
