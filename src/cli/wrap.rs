//! Messages in the width of the terminal.

use std::io::IsTerminal;

/// The columns of the terminal that stderr is; `None` where it is none.
#[cfg(unix)]
pub fn width() -> Option<usize> {
    let stderr = std::io::stderr();
    let size = stderr.is_terminal().then(|| rustix::termios::tcgetwinsize(&stderr).ok())?;
    Some(size.map_or(0, |size| size.ws_col).into()).map(|width| if width == 0 { 80 } else { width })
}

#[cfg(not(unix))]
pub fn width() -> Option<usize> {
    std::io::stderr().is_terminal().then_some(80)
}

/// Breaks every line of a message that is wider than this between words. What follows the word in front
/// is aligned. A line that begins with a blank is shown as it is, and so is what stands between
/// backquotes: a URL or a command that was broken could not be copied.
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

/// The parts of a line between which it may break: its words; what is between backquotes is one.
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
    use super::wrapped;

    #[test]
    fn a_message_breaks_between_words_and_in_no_command() {
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
