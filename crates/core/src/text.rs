//! Sanitizes untrusted text for a terminal, a log or a page.

/// Maximum number of characters of a server's text that are shown.
const SHOWN: usize = 500;

/// Sanitizes a server's text for one line of a terminal or a log: control characters (C0, C1),
/// bidirectional overrides and invisible characters are replaced, and the length is limited.
///
/// ```
/// assert_eq!(oauthctl_core::text::one_line("a\u{1b}[31mb\nc"), "a [31mb c");
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

/// Returns whether a text can be the name of a token type (RFC 6749, section 11.1), and is too short to be
/// a token in its place.
pub(crate) fn is_token_type(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=12).contains(&text.len()) && text.bytes().all(is_part)
}

/// Quotes a name for a shell command in a hint: unquoted if it is one word, in single quotes if a shell would
/// interpret it (quotes and backslashes are outside, because fish interprets a backslash in single quotes),
/// and in `$'…'` if it contains characters that must not reach a terminal.
///
/// ```
/// assert_eq!(oauthctl_core::text::shell_word("ada@example.org"), "ada@example.org");
/// assert_eq!(oauthctl_core::text::shell_word("it's; rm"), r"'it'\''s; rm'");
/// assert_eq!(oauthctl_core::text::shell_word("a\nb"), r"$'a\nb'");
/// assert_eq!(oauthctl_core::text::shell_word(r"\'; rm"), r"''\\''\''; rm'");
/// ```
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._@%+=:,/-".contains(c);
    // zsh takes a first `=` for the name of a program to look up.
    if !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if text.chars().all(is_harmless) {
        return text.chars().fold(String::from("'"), |word, c| match c {
            '\'' | '\\' => word + r"'\" + &c.to_string() + "'",
            c => word + &c.to_string(),
        }) + "'";
    }
    let mut word = String::from("$'");
    for c in text.chars() {
        match c {
            '\n' => word.push_str(r"\n"),
            '\'' | '\\' => word.extend(['\\', c]),
            c if is_harmless(c) => word.push(c),
            c => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    word.push_str(&format!(r"\{byte:03o}"));
                }
            }
        }
    }
    word + "'"
}

/// Maximum number of names that a message lists.
const NAMES_SHOWN: usize = 10;

/// Lists names for a message: the first ten, each as in [`shell_word`], and the number of the rest.
///
/// ```
/// assert_eq!(oauthctl_core::text::names(["ada", "it's me"]), r"ada, 'it'\''s me'");
/// ```
pub fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter();
    let shown: Vec<String> = names.by_ref().take(NAMES_SHOWN).map(shell_word).collect();
    match (shown.join(", "), names.count()) {
        (shown, 0) => shown,
        (shown, more) => format!("{shown}, and {more} more"),
    }
}

/// Same as [`one_line`], without a length limit, for text of this program that may quote untrusted text.
pub fn line(text: &str) -> String {
    text.chars().map(|c| if is_harmless(c) { c } else { ' ' }).collect()
}

/// Same as [`line()`], but keeps line breaks.
pub fn lines(text: &str) -> String {
    text.chars().map(|c| if c == '\n' || is_harmless(c) { c } else { ' ' }).collect()
}

/// Returns whether a character can neither move the cursor, nor reorder the line, nor hide in it.
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
    fn shell_reads_one_word() {
        assert_eq!(shell_word(""), "''");
        assert_eq!(shell_word("a; touch /tmp/x"), "'a; touch /tmp/x'");
        for text in ["$(id)", "`id`", "a b", "it's", "Zo\u{eb}", "~", "*", "!!", "\\", "'", "#x"] {
            let script = format!("printf %s {}", shell_word(text));
            let read = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), text);
        }
    }

    #[test]
    #[cfg(unix)]
    fn bash_reads_a_name_with_control_characters_back() {
        for text in ["a\nerror: forged", "\u{1b}[31m'\\x", "\u{202e}\u{e000f}\u{9b}1", "\r\t1"] {
            let word = shell_word(text);
            assert!(word.chars().all(is_harmless), "{word}");
            let script = format!("printf %s {word}");
            let read = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), text);
        }
    }

    #[test]
    fn ten_of_many_names_are_shown_and_the_rest_counted() {
        let all: Vec<String> = (0..1_000).map(|n| format!("user{n:03}\n")).collect();
        let shown = names(all.iter().map(String::as_str));
        assert!(shown.ends_with(r"$'user009\n', and 990 more"), "{shown}");
        assert_eq!(names(["a", "b"]), "a, b");
        assert_eq!(names([]), "");
    }

    #[test]
    fn long_text_is_capped() {
        assert_eq!(one_line(&"x".repeat(10_000)).chars().count(), SHOWN + 1);
    }
}
