//! Help on topics: pages of the documentation as plain text. `oauthctl man` has most of them as manual pages.

use super::markdown::{Block, blocks, linked};
use crate::wrap::{hanging, wrapped};

/// A topic.
pub struct Topic {
    /// The name, as in `oauthctl help NAME`.
    pub name: &'static str,
    /// What it is about, for the list.
    pub about: &'static str,
    /// Its page.
    pub page: Page,
}

/// What a topic shows.
pub enum Page {
    /// The options of all commands.
    Options,
    /// A page of the documentation.
    Of(Document),
}

/// A page of the documentation.
pub struct Document {
    /// Its path below `docs/`.
    pub path: &'static str,
    text: &'static str,
    /// Whether it is also a manual page. The manual page of the program includes the others.
    pub has_manual: bool,
    /// The heading at which the help topic ends.
    until: Option<&'static str>,
}

macro_rules! document {
    ($path:literal) => {
        Document {
            path: $path,
            text: include_str!(concat!("../../../docs/", $path)),
            has_manual: true,
            until: None,
        }
    };
}

/// All topics, in the order of the list.
pub const TOPICS: &[Topic] = &[
    Topic {
        name: "configuration",
        about: "keys of the configuration file",
        page: Page::Of(document!("reference/configuration.md")),
    },
    Topic {
        name: "logging-in",
        about: "profiles, clients, accounts and scopes",
        page: Page::Of(document!("login.md")),
    },
    Topic {
        name: "headless",
        about: "the device flow, and logins without a browser",
        page: Page::Of(document!("headless.md")),
    },
    Topic {
        name: "login-by-url",
        about: "logins to MCP servers and issuers",
        // The configuration of other programs follows, whose lines are too long for a terminal.
        page: Page::Of(Document { until: Some("Claude Code"), ..document!("mcp.md") }),
    },
    Topic {
        name: "machines",
        about: "service accounts, client keys, token exchange",
        page: Page::Of(document!("machines.md")),
    },
    Topic {
        name: "client-authentication",
        about: "keys, certificates and platform identities",
        page: Page::Of(document!("client-authentication.md")),
    },
    Topic {
        name: "fapi",
        about: "signed requests and responses, and DPoP",
        page: Page::Of(document!("fapi.md")),
    },
    Topic {
        name: "credential-helpers",
        about: "tokens for git, docker, kubectl and others",
        page: Page::Of(document!("credential-helpers.md")),
    },
    Topic {
        name: "api-requests",
        about: "requests with a token, and where they may go",
        page: Page::Of(document!("api.md")),
    },
    Topic {
        name: "token-proxy",
        about: "tokens for programs that must not hold them",
        page: Page::Of(document!("proxy.md")),
    },
    Topic {
        name: "token-agent",
        about: "tokens for containers and other machines",
        page: Page::Of(document!("agent.md")),
    },
    Topic {
        name: "ci",
        about: "jobs of GitHub Actions and GitLab CI",
        page: Page::Of(document!("ci.md")),
    },
    Topic {
        name: "stores",
        about: "keyrings, encrypted files, pass and the kernel",
        page: Page::Of(document!("stores.md")),
    },
    Topic {
        name: "environment",
        about: "environment variables and files",
        page: Page::Of(Document { has_manual: false, ..document!("reference/environment.md") }),
    },
    Topic {
        name: "exit-codes",
        about: "exit codes and kinds of errors",
        page: Page::Of(Document { has_manual: false, ..document!("reference/exit-codes.md") }),
    },
    Topic { name: "options", about: "options of every command", page: Page::Options },
];

/// The name of the list itself, which is a topic too.
const LIST: &str = "topics";

/// The width of the text, and the column of the second cells of tables.
const WIDTH: usize = 80;
const COLUMN: usize = 26;

/// What a name stands for.
pub enum Found {
    /// A text.
    Text(String),
    /// The options of all commands.
    Options,
}

/// Returns the names of all topics.
pub fn names() -> Vec<&'static str> {
    TOPICS.iter().map(|topic| topic.name).chain([LIST]).collect()
}

/// Returns the list of topics, as it ends the help of the program and that of `help`.
pub fn list() -> String {
    let longest = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or(0);
    let lines =
        TOPICS.iter().map(|Topic { name, about, .. }| format!("\n  {name:longest$}  {about}"));
    format!("Help topics, for `oauthctl help TOPIC`:{}", lines.collect::<String>())
}

/// Returns the text about a topic.
pub fn find(name: &str) -> Option<Found> {
    if name == LIST {
        return Some(Found::Text(list() + "\n"));
    }
    let topic = TOPICS.iter().find(|topic| topic.name == name)?;
    Some(match &topic.page {
        Page::Options => Found::Options,
        Page::Of(document) => Found::Text(plain(document)),
    })
}

/// Returns the topics that have manual pages, with their documents.
pub fn manuals() -> impl Iterator<Item = (&'static Topic, &'static Document)> {
    TOPICS.iter().filter_map(|topic| match &topic.page {
        Page::Of(document) if document.has_manual => Some((topic, document)),
        _ => None,
    })
}

impl Document {
    /// Returns the parts of the page up to its end here.
    pub fn blocks(&self) -> Vec<Block<'static>> {
        let is_end = |block: &Block<'_>| matches!((block, self.until), (Block::Heading(_, heading), Some(end)) if *heading == end);
        blocks(self.text).into_iter().take_while(|block| !is_end(block)).collect()
    }

    /// Removes all markup except that of code. Each link to another page becomes its label, followed by where to read
    /// that page: the result of `topic` if it is a topic, and otherwise its path or its URL.
    pub fn text(&self, text: &str, topic: impl Fn(&Topic) -> String) -> String {
        linked(text, |label, target| {
            if target.contains("://") {
                return format!("{label} ({target})");
            }
            let file = target.split('#').next().unwrap_or_default();
            let path = self.path_of(file);
            let of_path = |one: &&Topic| matches!(&one.page, Page::Of(page) if page.path == path);
            match TOPICS.iter().find(of_path) {
                _ if file.is_empty() => label.to_owned(),
                Some(found) => format!("{label} ({})", topic(found)),
                None => format!("{label} (docs/{path})"),
            }
        })
    }

    /// Returns the path below `docs/` of a file that this page links to.
    fn path_of(&self, file: &str) -> String {
        let mut folders: Vec<&str> = self.path.split('/').collect();
        folders.pop();
        for part in file.split('/') {
            match part {
                ".." => drop(folders.pop()),
                part => folders.push(part),
            }
        }
        folders.join("/")
    }
}

/// Returns a page without its markup.
fn plain(page: &Document) -> String {
    let unmarked = |text: &str| {
        let text = page.text(text, |topic| format!("oauthctl help {}", topic.name));
        text.replace('`', "")
    };
    let mut text = String::new();
    for block in page.blocks() {
        match block {
            Block::Heading(_, heading) => {
                text += &format!("{}\n", unmarked(heading).to_uppercase())
            }
            Block::Paragraph(paragraph) => {
                text += &format!("{}\n", wrapped("", &unmarked(&paragraph), WIDTH));
            }
            Block::Item(mark, item) => {
                let column = mark.len() + 1;
                let columns = [column, column];
                text += &hanging(&format!("{mark} "), &unmarked(&item), columns, WIDTH);
                text.push('\n');
            }
            Block::Code(lines) => lines.iter().for_each(|line| text += &format!("  {line}\n")),
            Block::Row(cells) => text += &row(cells.iter().map(|cell| unmarked(cell)).collect()),
            Block::Blank => text.push('\n'),
        }
    }
    blank_lines_once(&text)
}

/// Returns a row of a table: its first cell, and the others beside or below it.
fn row(cells: Vec<String>) -> String {
    let Some((name, rest)) = cells.split_first() else { return String::new() };
    let rest = rest.join(": ");
    if name.chars().count() + 2 < COLUMN {
        let head = format!("  {name:<width$}", width = COLUMN - 2);
        return hanging(&head, &rest, [COLUMN, 4], WIDTH) + "\n";
    }
    let names = hanging("  ", name, [2, 2], WIDTH);
    format!("{names}\n{}\n", hanging(&" ".repeat(COLUMN), &rest, [COLUMN, 4], WIDTH))
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
        let page = Document {
            path: "reference/x.md",
            text: "# Exit [codes](#x)\n\n<!-- generated: x -->\n| code | `error` | meaning |\n\
                   | --- | --- | --- |\n| 0 |  | Done. |\n| 4 | `login_required` | a \\| b |\n\n\
                   One\n*two* `three`, `*.four` or `*`.\n\n```toml\na = 1\n```\n- item\n1. See [FAPI](../fapi.md#x),\n   \
                   [A](https://a.example) and [X](../x.md).\n\n## End\n\nNo more.\n",
            has_manual: true,
            until: Some("End"),
        };
        let text = "EXIT CODES\n\n  0                       Done.\n  \
                    4                       login_required: a | b\n\nOne two three, *.four or *.\n\n  a = 1\n- item\n\
                    1. See FAPI (oauthctl help fapi), A (https://a.example) and X (docs/x.md).\n";
        assert_eq!(plain(&page), text);
    }

    #[test]
    fn every_topic_fits_the_width() {
        for name in names() {
            let Some(Found::Text(text)) = find(name) else { continue };
            assert!(text.lines().count() > 8 && !text.contains("](") && !text.contains("<!--"));
            let wide = text.lines().find(|line| line.chars().count() > WIDTH);
            assert_eq!(wide, None, "{name}");
        }
        assert!(find("login").is_none());
    }

    #[test]
    fn end_of_a_topic_is_a_section_of_its_page() {
        for topic in TOPICS {
            let Page::Of(Document { text, until: Some(end), .. }) = &topic.page else { continue };
            assert!(text.contains(&format!("\n## {end}\n")), "{}: {end}", topic.name);
        }
    }
}
