//! Text that others wrote, made safe for a terminal, a log or a page.

/// The most characters of a server's text that are shown.
const SHOWN: usize = 500;

/// Makes a server's text fit for one line of a terminal or a log: control characters (C0, C1),
/// bidirectional overrides and invisible characters are replaced, and the length is capped.
///
/// ```
/// assert_eq!(oauthctl::text::one_line("a\u{1b}[31mb\nc"), "a [31mb c");
/// ```
pub fn one_line(text: &str) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            out.push('…');
            break;
        }
        out.push(if is_harmless(c) { c } else { ' ' });
    }
    out.trim().to_owned()
}

/// Whether a text can be the name of a token type (RFC 6749, section 11.1), and is too short for a
/// token that got into its place.
pub(crate) fn is_token_type(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=12).contains(&text.len()) && text.bytes().all(is_part)
}

/// Makes a name fit to stand in a command that people are told to run: [`one_line`], in single quotes
/// where a shell would read it as anything but one word.
///
/// ```
/// assert_eq!(oauthctl::text::shell_word("ada@example.org"), "ada@example.org");
/// assert_eq!(oauthctl::text::shell_word("it's; rm"), r"'it'\''s; rm'");
/// ```
pub fn shell_word(text: &str) -> String {
    let shown = one_line(text);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._@%+=:,/-".contains(c);
    match !shown.is_empty() && shown.chars().all(is_plain) {
        true => shown,
        false => format!("'{}'", shown.replace('\'', r"'\''")),
    }
}

/// The same as [`one_line`] for text of our own that may quote others': line breaks stay, and
/// there is no cap.
pub fn lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || is_harmless(c) { c } else { ' ' }).collect()
}

/// Whether a character can neither move the cursor, nor reorder the line, nor hide in it.
pub fn is_harmless(c: char) -> bool {
    !(c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{1D173}'..='\u{1D17A}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_overrides_do_not_survive() {
        let hostile = "ok\u{1b}]8;;http://x\u{7}\u{9b}31m\u{202e}\u{200b}\r\nend";
        let shown = one_line(hostile);
        assert!(shown.chars().all(is_harmless), "{shown:?}");
        assert!(shown.starts_with("ok") && shown.ends_with("end"));
    }

    #[test]
    #[cfg(unix)]
    fn a_shell_reads_one_word() {
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("a; touch /tmp/x"), "'a; touch /tmp/x'");
        for text in ["$(id)", "`id`", "a b", "it's", "Zo\u{eb}", "~", "*", "!!", "\\", "'", "#x"] {
            let script = format!("printf %s {}", shell_word(text));
            let read = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), text);
        }
    }

    #[test]
    fn long_text_is_capped() {
        assert_eq!(one_line(&"x".repeat(10_000)).chars().count(), SHOWN + 1);
    }
}
