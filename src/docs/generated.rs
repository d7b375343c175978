//! The parts between `<!-- generated: NAME -->` and `<!-- end generated -->` come from the program's own tables.

use std::fmt::Write as _;

use oauthctl_core::profile::presets::{self, Preset};

use crate::commands::man::{broker, text};
use crate::docs::{cell, commands, pages, root};
use crate::exit_codes;

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end generated -->";

/// Presets that are described on the page of another one.
const SHARED_PAGES: &[(&str, &str)] = &[
    ("codeberg", "gitea"),
    ("forgejo", "gitea"),
    ("github_app", "github"),
    ("slack_user", "slack"),
];

#[test]
fn generated_parts_are_current() {
    let is_update = std::env::var_os("OAUTHCTL_UPDATE_SNAPSHOTS").is_some_and(|v| v == "1");
    let mut names = Vec::new();
    for page in pages() {
        let current = with_generated_parts(&page.text, &mut names);
        if is_update {
            std::fs::write(root().join(&page.path), current).unwrap();
        } else {
            assert!(page.text == current, "{}: a generated part is not current", page.path);
        }
    }
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "broker-environment",
            "broker-files",
            "commands",
            "environment",
            "exit-codes",
            "files",
            "providers"
        ]
    );
}

/// The page with its generated parts made anew.
fn with_generated_parts(page: &str, names: &mut Vec<String>) -> String {
    let mut parts = page.split(BEGIN);
    let mut current = parts.next().unwrap().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (_, after) = rest.split_once(END).unwrap_or_else(|| panic!("{name} does not end"));
        let made = generated(name);
        write!(current, "{BEGIN}{name} -->\n\n{made}\n{END}{after}").unwrap();
        names.push(name.to_owned());
    }
    current
}

fn generated(name: &str) -> String {
    match name {
        "commands" => commands::render(),
        "providers" => providers(),
        "environment" => named("variable", text::ENVIRONMENT),
        "files" => named("file", text::FILES),
        "broker-environment" => named("variable", broker::ENVIRONMENT),
        "broker-files" => named("file", broker::FILES),
        "exit-codes" => exit_codes(),
        _ => panic!("nothing generates `{name}`"),
    }
}

/// A table of names in code with what they mean.
fn named(heading: &str, rows: &[(&str, &str)]) -> String {
    let mut table = format!("| {heading} | meaning |\n| --- | --- |\n");
    for (names, what) in rows {
        let names: Vec<String> = names.split(", ").map(|name| format!("`{name}`")).collect();
        writeln!(table, "| {} | {} |", names.join(", "), cell(what)).unwrap();
    }
    table
}

/// The table of exit codes; the name of the error stands before the colon.
fn exit_codes() -> String {
    let mut table = "| code | `error` | meaning |\n| --- | --- | --- |\n".to_owned();
    for (code, what) in exit_codes::table() {
        let (error, what) = what.split_once(": ").unwrap_or(("", &what));
        writeln!(table, "| {code} | {error} | {} |", cell(what)).unwrap();
    }
    table
}

fn providers() -> String {
    let mut index = "| preset | service | redirect URI to register | secret | you must set |\n\
                     | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for preset in presets::all() {
        let uri = preset.redirect_uri.as_ref().map(|uri| format!("`{uri}`"));
        let needs: Vec<String> = preset.needs.iter().map(|key| format!("`{key}`")).collect();
        writeln!(
            index,
            "| [`{name}`](#{name}) | {} | {} | {} | {} |",
            cell(&preset.title),
            uri.as_deref().unwrap_or("`https`, on your own domain"),
            preset.secret.as_str(),
            needs.join(", "),
            name = preset.name,
        )
        .unwrap();
    }
    for preset in presets::all() {
        index.push('\n');
        index.push_str(&provider(preset));
    }
    index
}

fn provider(preset: &Preset) -> String {
    let Preset { name, title, .. } = preset;
    let mut text = format!("## `{name}`\n\n{title}.");
    let shared = SHARED_PAGES.iter().find(|(own, _)| own == name).map(|(_, page)| *page);
    let file = format!("{}.md", shared.unwrap_or(name));
    if root().join("docs/providers").join(&file).exists() {
        write!(text, " [Steps]({file}).").unwrap();
    }
    if let Some(url) = &preset.register_url {
        write!(text, " Register a client at <{url}>.").unwrap();
    }
    if !preset.aliases.is_empty() {
        let aliases: Vec<String> = preset.aliases.iter().map(|name| format!("`{name}`")).collect();
        write!(text, " Other names: {}.", aliases.join(", ")).unwrap();
    }
    text.push_str("\n\n");
    for note in preset.redirect_note.iter().chain(&preset.notes) {
        writeln!(text, "- {note}").unwrap();
    }
    text
}

#[test]
fn generated_part_is_replaced_and_the_rest_kept() {
    let mut names = Vec::new();
    let page = "a\n<!-- generated: files -->\nold\n<!-- end generated -->\nb\n";
    let current = with_generated_parts(page, &mut names);
    assert!(current.starts_with("a\n<!-- generated: files -->\n\n| file | meaning |\n"));
    assert!(current.ends_with(" |\n\n<!-- end generated -->\nb\n") && !current.contains("old"));
    assert_eq!(names, ["files"]);
}
