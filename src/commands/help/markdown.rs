//! Reads the pages of the documentation that are also help topics and manual pages: as much of Markdown as they use.

/// A part of a page.
#[derive(Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// A heading, and its level.
    Heading(usize, &'a str),
    Paragraph(String),
    /// An item of a list, and its mark.
    Item(&'a str, String),
    Code(Vec<&'a str>),
    /// The cells of a row of a table; rows of headings are left out.
    Row(Vec<String>),
    Blank,
}

/// Returns the parts of a page.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.starts_with("```") {
            let code = lines.by_ref().take_while(|line| !line.trim_start().starts_with("```"));
            blocks.push(Block::Code(code.map(|line| line.get(indent..).unwrap_or("")).collect()));
        } else if text.starts_with('#') {
            let heading = text.trim_start_matches('#');
            blocks.push(Block::Heading(text.len() - heading.len(), heading.trim()));
        } else if text.starts_with('|') {
            // The row above a rule is the head.
            if !is_rule(text) && !lines.peek().is_some_and(|next| is_rule(next)) {
                blocks.push(Block::Row(cells(text)));
            }
        } else if text.is_empty() {
            blocks.push(Block::Blank);
        } else if text.starts_with("<!--") {
        } else if let Some((mark, item)) = item(text) {
            blocks.push(Block::Item(mark, item.to_owned()));
        } else {
            match blocks.last_mut() {
                Some(Block::Paragraph(before) | Block::Item(_, before)) => {
                    before.push(' ');
                    before.push_str(text);
                }
                _ => blocks.push(Block::Paragraph(text.to_owned())),
            }
        }
    }
    blocks
}

fn is_rule(line: &str) -> bool {
    line.starts_with("| ---")
}

fn item(text: &str) -> Option<(&str, &str)> {
    let (mark, rest) = text.split_once(' ')?;
    let is_number = |mark: &str| {
        let number = mark.strip_suffix('.');
        number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
    };
    (mark == "-" || is_number(mark)).then_some((mark, rest.trim_start()))
}

/// Returns the cells of a row that are not empty. A bar in a cell is escaped.
fn cells(line: &str) -> Vec<String> {
    let cells = line.replace("\\|", "\u{0}");
    let cells = cells.trim_matches('|').split('|').map(|cell| cell.trim().replace('\u{0}', "|"));
    cells.filter(|cell| !cell.is_empty()).collect()
}

/// Returns text without the marks of emphasis, and with links as this function writes them, given a label and a
/// target. Code keeps its backquotes, and what looks like a mark in it.
pub fn linked(text: &str, link: impl Fn(&str, &str) -> String) -> String {
    let parts = text.split('`').enumerate().map(|(number, part)| match number % 2 {
        1 => format!("`{part}`"),
        _ => part.replace('*', ""),
    });
    let text = parts.collect::<String>();
    let (mut out, mut rest) = (String::new(), text.as_str());
    while let Some(at) = rest.find("](") {
        let (before, after) = rest.split_at(at);
        let (label, before) = match before.rfind('[') {
            Some(begin) => (&before[begin + 1..], &before[..begin]),
            None => ("", before),
        };
        let (target, after) = after[2..].split_once(')').unwrap_or((&after[2..], ""));
        out.push_str(before);
        out.push_str(&link(label, target));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_read_as_its_parts() {
        let page = "# One\n\n<!-- generated: x -->\n| a | b |\n| --- | --- |\n| `c` |  | d \\| e |\nText\n`code` *that*\n\
                    goes on.\n- item\n  that goes on\n2. second\n\n  ```sh\n  a\n    b\n  ```\n";
        let text = |text: &str| text.to_owned();
        assert_eq!(
            blocks(page),
            [
                Block::Heading(1, "One"),
                Block::Blank,
                Block::Row(vec![text("`c`"), text("d | e")]),
                Block::Paragraph(text("Text `code` *that* goes on.")),
                Block::Item("-", text("item that goes on")),
                Block::Item("2.", text("second")),
                Block::Blank,
                Block::Code(vec!["a", "  b"]),
            ]
        );
    }

    #[test]
    fn links_and_emphasis_are_resolved_outside_of_code() {
        let link = |label: &str, target: &str| format!("<{label}={target}>");
        assert_eq!(
            linked("*One* [a `b`](c.md#d) and `*.e`.", link),
            "One <a `b`=c.md#d> and `*.e`."
        );
    }
}
