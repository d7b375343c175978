//! Renders the manual page of a help topic: a page of the documentation.

use clap::Command;
use clap_mangen::roff::{bold, roman};
use oauthctl_core::Result;

use crate::commands::help::markdown::Block;
use crate::commands::help::topics::{self, Document, Topic};
use crate::commands::man::page;

/// Returns the file name of the page of a topic.
pub fn file_name(topic: &Topic) -> String {
    format!("{}.1", name(topic))
}

/// Returns the name of the page of a topic.
pub fn name(topic: &Topic) -> String {
    format!("oauthctl-{}", topic.name)
}

/// Renders the page of a topic.
///
/// # Errors
///
/// Returns `Internal` if the page could not be rendered.
pub fn render(program: &Command, topic: &Topic, document: &Document) -> Result<String> {
    let man = page::manual(program, Command::new(name(topic)).about(topic.about), &name(topic));
    let mut roff = page::section("DESCRIPTION");
    let mut is_first = true;
    for block in document.blocks() {
        match block {
            // The title is that of the page.
            Block::Heading(1, _) | Block::Blank => continue,
            Block::Heading(level, heading) => {
                let heading = plain(document, heading);
                match level {
                    2 => roff.control("SH", [heading.to_uppercase().as_str()]),
                    _ => roff.control("SS", [heading.as_str()]),
                };
            }
            Block::Paragraph(text) => {
                roff.control("PP", []).text([roman(marked(document, &text))]);
            }
            Block::Item(mark, text) => {
                let mark = if mark == "-" { "\u{2022}" } else { mark };
                roff.control("IP", [mark, "3"]).text([roman(marked(document, &text))]);
            }
            Block::Code(lines) => {
                if !is_first {
                    roff.control("PP", []);
                }
                page::literal(&mut roff, lines);
            }
            Block::Row(cells) => {
                let Some((name, rest)) = cells.split_first() else { continue };
                let rest = rest.join(": ");
                roff.control("TP", []).text([bold(plain(document, name))]);
                roff.text([roman(marked(document, &rest))]);
            }
        }
        is_first = false;
    }
    let mut text = page::head(&man)?;
    text += &roff.render();
    let mut see_also = page::section("SEE ALSO");
    see_also.text(page::references(&["oauthctl", "oauthctl-help"].map(str::to_owned)));
    text += &see_also.render();
    Ok(page::polished(&text))
}

/// Returns text whose code is still marked. A link to another topic names the manual page that has it.
fn marked(document: &Document, text: &str) -> String {
    document.text(text, |topic| {
        let has_page = topics::manuals().any(|(one, _)| one.name == topic.name);
        let page = if has_page { name(topic) } else { "oauthctl".to_owned() };
        format!("`{page}`(1)")
    })
}

fn plain(document: &Document, text: &str) -> String {
    document.text(text, name).replace('`', "")
}
