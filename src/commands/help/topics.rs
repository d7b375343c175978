//! Help on topics: pages of the reference as plain text.

use crate::wrap::{hanging, wrapped};

/// The topics with a page.
const PAGES: [(&str, &str); 3] = [
    ("configuration", include_str!("../../../docs/reference/configuration.md")),
    ("environment", include_str!("../../../docs/reference/environment.md")),
    ("exit-codes", include_str!("../../../docs/reference/exit-codes.md")),
];

/// The width of the text, and the column of the second cells of tables.
const WIDTH: usize = 80;
const COLUMN: usize = 26;

/// The topic without a page: the options of all commands.
pub const OPTIONS: &str = "options";

/// The topic that lists the others.
pub const TOPICS: &str = "topics";

/// Returns the names of all topics.
pub fn names() -> Vec<&'static str> {
    PAGES.iter().map(|(topic, _)| *topic).chain([OPTIONS, TOPICS]).collect()
}

/// The list of topics, as it ends the help of the program and that of `help`.
pub const LIST: &str = "Help topics, for `oauthctl help TOPIC`:
  configuration  keys of the configuration file
  environment    environment variables and files
  exit-codes     exit codes and kinds of errors
  options        options of every command";

/// Returns the text about a topic.
pub fn find(name: &str) -> Option<String> {
    PAGES.iter().find(|(topic, _)| *topic == name).map(|(_, page)| plain(page))
}

/// Returns a page without its markup.
fn plain(page: &str) -> String {
    let (mut text, mut paragraph, mut is_code) = (String::new(), String::new(), false);
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let is_table = line.starts_with('|');
        let is_rule = |line: &str| line.starts_with("| ---");
        let is_own =
            is_code || is_table || line.starts_with(['#', '-', '<', '`']) || line.is_empty();
        if is_own && !paragraph.is_empty() {
            text.push_str(&folded(&std::mem::take(&mut paragraph)));
        }
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            text.push_str(&format!("  {line}\n"));
        } else if let Some(heading) = line.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            text.push_str(&format!("{}\n", unmarked(heading).to_uppercase()));
        } else if is_table {
            // The row above a rule is the head.
            if !is_rule(line) && !lines.peek().is_some_and(|next| is_rule(next)) {
                text.push_str(&row(line));
            }
        } else if line.is_empty() {
            text.push('\n');
        } else if !line.starts_with("<!--") {
            let blank = if paragraph.is_empty() { "" } else { " " };
            paragraph.push_str(&format!("{blank}{}", line.trim()));
        }
    }
    text.push_str(&folded(&paragraph));
    blank_lines_once(&text)
}

fn folded(paragraph: &str) -> String {
    let text = unmarked(paragraph);
    match text.strip_prefix("- ") {
        Some(item) => hanging("- ", item, [2, 2], WIDTH) + "\n",
        None => wrapped("", &text, WIDTH) + "\n",
    }
}

/// Returns a row of a table: its first cell, and the others beside or below it.
fn row(line: &str) -> String {
    let cells = line.replace("\\|", "\u{0}");
    let cells: Vec<String> = cells
        .trim_matches('|')
        .split('|')
        .map(|cell| unmarked(cell.trim()).replace('\u{0}', "|"))
        .filter(|cell| !cell.is_empty())
        .collect();
    let Some((name, rest)) = cells.split_first() else { return String::new() };
    let rest = rest.join(": ");
    if name.chars().count() + 2 < COLUMN {
        let head = format!("  {name:<width$}", width = COLUMN - 2);
        return hanging(&head, &rest, [COLUMN, 4], WIDTH) + "\n";
    }
    let names = hanging("  ", name, [2, 2], WIDTH);
    format!("{names}\n{}\n", hanging(&" ".repeat(COLUMN), &rest, [COLUMN, 4], WIDTH))
}

/// Returns text without the marks of links, code and emphasis. In code, asterisks are no marks.
fn unmarked(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(number, part)| match number % 2 {
        1 => part.to_owned(),
        _ => part.replace('*', ""),
    });
    let text = parts.collect::<String>();
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let (label, before) = match before.rfind('[') {
            Some(begin) => (&before[begin + 1..], &before[..begin]),
            None => ("", before),
        };
        out.extend([before, label]);
        rest = after.find(')').map_or("", |end| &after[end + 1..]);
    }
    out + rest
}

fn blank_lines_once(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if !line.is_empty() || !out.ends_with("\n\n") && !out.is_empty() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out.trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_becomes_plain_text() {
        let page = "# Exit [codes](x.md)\n\n<!-- generated: x -->\n| code | `error` | meaning |\n\
                    | --- | --- | --- |\n| 0 |  | Done. |\n| 4 | `login_required` | a \\| b |\n\n\
                    One\n*two* `three`, `*.four` or `*`.\n\n```toml\na = 1\n```\n- item\n";
        let text = "EXIT CODES\n\n  0                       Done.\n  \
                    4                       login_required: a | b\n\nOne two three, *.four or *.\n\n  a = 1\n- item\n";
        assert_eq!(plain(page), text);
    }

    #[test]
    fn every_topic_fits_the_width() {
        for (name, _) in PAGES {
            let text = find(name).unwrap();
            assert!(text.lines().count() > 10 && !text.contains("](") && !text.contains("<!--"));
            let wide = text.lines().filter(|line| line.chars().count() > WIDTH);
            let wide: Vec<&str> = wide.filter(|line| line.contains("  ")).collect();
            assert!(wide.len() < 5, "{name}: {wide:#?}");
        }
        assert_eq!(find("login"), None);
    }
}
