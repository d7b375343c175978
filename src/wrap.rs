//! Wraps messages at the width of the terminal.

use std::io::IsTerminal;

/// Maximum width of help texts, in columns.
pub const WIDEST: usize = 100;

/// The columns of a terminal that does not say how many it has.
const USUAL: usize = 80;

/// Returns the width of the terminal on stderr, in columns; `None` if stderr is not a terminal.
pub fn width() -> Option<usize> {
    width_of(std::io::stderr())
}

/// The columns of the terminal that stdout is; `None` where it is none.
pub fn stdout_width() -> Option<usize> {
    width_of(std::io::stdout())
}

#[cfg(unix)]
fn width_of(stream: impl IsTerminal + std::os::fd::AsFd) -> Option<usize> {
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(&stream).ok())?;
    Some(size.map(|size| size.ws_col.into()).filter(|width| *width > 0).unwrap_or(USUAL))
}

#[cfg(not(unix))]
fn width_of(stream: impl IsTerminal) -> Option<usize> {
    stream.is_terminal().then_some(USUAL)
}

/// Wraps every line that is wider than this between words. Continuation lines are aligned after the label.
/// A line that begins with a blank stays whole, and so does text between backquotes: a broken URL or
/// command could not be copied.
pub fn wrapped(word: &str, text: &str, width: usize) -> String {
    let indent = if word.is_empty() { 0 } else { word.chars().count() + 1 };
    let mut out = String::from(word);
    let mut column = word.chars().count();
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push('\n');
            column = 0;
        }
        if line.starts_with(' ') {
            out.push_str(line);
            continue;
        }
        for (number_of_piece, piece) in pieces(line).into_iter().enumerate() {
            let wide = piece.chars().count();
            if column > indent && column + 1 + wide > width {
                out.push('\n');
                out.push_str(&" ".repeat(indent));
                column = indent;
            } else if column > 0 && (number_of_piece > 0 || number == 0) {
                out.push(' ');
                column += 1;
            }
            out.push_str(piece);
            column += wide;
        }
    }
    out
}

/// A head and a text behind it, folded between the words of the text where they are wider than this. The
/// further lines begin in the first of two columns, or in the second where some word needs the room.
pub fn hanging(head: &str, text: &str, columns: [usize; 2], width: usize) -> String {
    let wide = |text: &str| text.chars().count();
    if wide(head) + wide(text) <= width {
        return format!("{head}{text}");
    }
    let words = pieces(text);
    let longest = words.iter().map(|word| wide(word)).max().unwrap_or(0);
    let column =
        if columns[0] + longest <= width { columns[0] } else { columns[0].min(columns[1]) };
    let (mut out, mut at, mut is_first) = (head.to_owned(), wide(head), true);
    for word in words {
        let blank = usize::from(!is_first);
        if at + blank + wide(word) > width && at > column {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(&" ".repeat(column));
            at = column;
        } else {
            out.push_str(&" ".repeat(blank));
            at += blank;
        }
        out.push_str(word);
        at += wide(word);
        is_first = false;
    }
    out
}

/// Returns the parts of a line between which it may be broken: its words; text between backquotes is one
/// part.
fn pieces(line: &str) -> Vec<&str> {
    let (mut pieces, mut from, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in line.char_indices() {
        match c {
            '`' => quoted = !quoted,
            ' ' if !quoted => {
                pieces.push(&line[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&line[from..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::{hanging, wrapped};

    #[test]
    fn row_is_folded_below_its_value() {
        for (text, width, folded) in [
            ("a b c", 10, "name a b c"),
            ("aa bb cc", 10, "name aa bb\n     cc"),
            ("aa bb", 7, "name aa\n     bb"),
            ("aa longer bb", 10, "name aa\n  longer\n  bb"),
            ("longest a", 8, "name\n  longest\n  a"),
            ("`aa bb` cc", 12, "name `aa bb`\n     cc"),
            ("unbreakable", 8, "name\n  unbreakable"),
        ] {
            assert_eq!(hanging("name ", text, [5, 2], width), folded);
        }
    }

    #[test]
    fn message_breaks_between_words_and_in_no_command() {
        assert_eq!(
            wrapped("hint:", "run `oauthctl login p --store file` and then read the page", 30),
            "hint: run\n      `oauthctl login p --store file`\n      and then read the page"
        );
        assert_eq!(
            wrapped("", "aaa bbb ccc\n\n  https://a.example/x y z\nddd", 7),
            "aaa bbb\nccc\n\n  https://a.example/x y z\nddd"
        );
        assert_eq!(
            wrapped("error:", "x.toml:1:1: a b\nx.toml:2:1: c", 20),
            "error: x.toml:1:1: a\n       b\nx.toml:2:1: c"
        );
        assert_eq!(wrapped("error:", "short", 80), "error: short");
        assert_eq!(
            wrapped("", "an unclosed `quote of many words", 12),
            "an unclosed\n`quote of many words"
        );
        let long = "word ".repeat(60);
        assert!(wrapped("error:", long.trim(), 80).lines().all(|line| line.len() <= 80));
    }
}
