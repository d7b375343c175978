//! Lines of shell in the documentation, and the calls of the program in them. Tests outside of this program compile
//! this file too.

use super::page::Page;

/// The lines that a reader would type, those that are continued joined.
pub fn shell_lines(page: &Page) -> Vec<String> {
    let mut lines = Vec::new();
    for block in page.blocks() {
        let text = block.text.replace("\\\n", " ");
        let typed: Vec<&str> = match block.language.as_str() {
            "sh" | "" => text.lines().filter(|line| !line.starts_with('#')).collect(),
            "console" => text.lines().filter_map(|line| line.strip_prefix("$ ")).collect(),
            _ => Vec::new(),
        };
        lines.extend(typed.into_iter().map(str::to_owned));
    }
    lines
}

/// The calls of the program in a line, each as its words.
pub fn calls(line: &str) -> Vec<Vec<String>> {
    let name = "oauthctl ";
    let begins = line.match_indices(name).map(|(at, _)| at);
    let is_call = |at: &usize| {
        let before = &line[..*at];
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '-')
            && !before.ends_with("--package ")
    };
    begins
        .filter(is_call)
        .map(|at| {
            let mut words = vec!["oauthctl".to_owned()];
            words.extend(words_until_the_end(&line[at + name.len()..]));
            words
        })
        .collect()
}

/// The words of a simple command, up to what ends it in a shell.
fn words_until_the_end(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut before = ' ';
    for c in line.chars() {
        match (quote, c) {
            (Some(mark), c) if c == mark => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if before == ' ' => break,
            (None, '|' | ';' | '&' | ')' | '<') => break,
            (None, '>') => {
                // The number of a stream is no argument.
                word = word.filter(|word| word.parse::<u8>().is_err());
                break;
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
        before = c;
    }
    words.extend(word);
    words
}

#[test]
fn calls_end_where_the_shell_ends_them() {
    for (line, expected) in [
        ("oauthctl token -p 'a b' | curl", vec!["oauthctl token -p a b"]),
        ("eval \"$(oauthctl token -p a)\"", vec!["oauthctl token -p a"]),
        ("oauthctl store keygen > k 2> p", vec!["oauthctl store keygen"]),
        ("oauthctl store keygen 2>/dev/null", vec!["oauthctl store keygen"]),
        ("/bin/oauthctl status # oauthctl token", vec!["oauthctl status", "oauthctl token"]),
        ("man oauthctl-login; cat oauthctl.toml", vec![]),
        ("cargo bench --package oauthctl -- cached", vec![]),
    ] {
        let found: Vec<String> = calls(line).iter().map(|words| words.join(" ")).collect();
        assert_eq!(found, expected, "{line}");
    }
}
