//! Renders one page in the language of `man` (groff_man(7)). clap_mangen renders the flags; this module
//! arranges the order, the sections and the characters.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, roman};
use oauthctl_core::{Error, Result};

use crate::commands::help::topics;
use crate::commands::man::{broker, text};
use crate::exit_codes;

/// Renders the page of the last command of the path, or of the program if the path is empty.
///
/// # Errors
///
/// Returns `Internal` if a page could not be rendered.
pub fn render(program: &Command, way: &[&Command]) -> Result<String> {
    let command = way.last().copied().unwrap_or(program);
    let help = Help::of(command);
    let man = man_of(program, command, way.is_empty());
    let mut page = head(&man)?;
    page += &rendered(|out| man.render_synopsis_section(out))?;
    page += &description(command, &help);
    page += &rendered(|out| man.render_options_section(out))?;
    if !way.is_empty() {
        page += &global_options(program);
    }
    if command.has_subcommands() {
        page += &rendered(|out| man.render_subcommands_section(out))?;
    }
    page += &table("FORMATS", &help.formats);
    page += &broker::sections(&text::path(way));
    if text::path(way) == "serve" {
        page += &table("ENVIRONMENT", broker::ENVIRONMENT);
        page += &table("FILES", broker::FILES);
    }
    if way.is_empty() {
        page += &table("ENVIRONMENT", text::ENVIRONMENT);
        page += &table("FILES", text::FILES);
    }
    page += &exit_status(command.get_name(), way.is_empty());
    page += &examples(&help.examples);
    page += &see_also(program, way);
    Ok(polished(&page))
}

/// Returns the file name of a command's page.
pub fn file_name(program: &Command, way: &[&Command]) -> String {
    format!("{}.1", name(program, way))
}

fn name(program: &Command, way: &[&Command]) -> String {
    let words = way.iter().map(|command| command.get_name());
    [program.get_name()].into_iter().chain(words).collect::<Vec<_>>().join("-")
}

/// Returns the beginning of a page: its title and its name.
///
/// # Errors
///
/// Returns `Internal` if it could not be rendered.
pub fn head(man: &Man) -> Result<String> {
    let mut page = rendered(|out| man.render_title(out))?;
    // Names and flags are neither hyphenated nor stretched.
    // Newer formatters turn hyphenation back on at each section, unless `HY` is 0.
    page += Roff::new()
        .control("nr", ["HY", "0"])
        .control("nh", [])
        .control("ad", ["l"])
        .render()
        .as_str();
    page += &rendered(|out| man.render_name_section(out))?;
    Ok(page)
}

/// Returns a `Man` with the title, date and source of a manual page.
pub fn manual(program: &Command, described: Command, title: &str) -> Man {
    let version = program.get_version().unwrap_or_default();
    Man::new(described)
        .title(title.to_uppercase())
        .date(text::DATE)
        .source(format!("{} {version}", program.get_name()))
        .manual("oauthctl manual")
}

fn man_of(program: &Command, command: &Command, is_program: bool) -> Man {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
    // The global options are explained once, on the page of the program.
    let own = command.clone().override_usage(usage).subcommand_help_heading("COMMANDS");
    let own = own.mut_args(|arg| {
        let is_shared = arg.is_global_set() && !is_program;
        if is_shared { arg.hide(true) } else { arg }
    });
    let title = command.get_display_name().unwrap_or_else(|| command.get_name());
    manual(program, own, title)
}

fn rendered(section: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> Result<String> {
    let mut out = Vec::new();
    section(&mut out).map_err(|error| Error::internal(error.to_string()))?;
    String::from_utf8(out).map_err(|error| Error::internal(error.to_string()))
}

/// The text below a command's flags in `--help`, in parts.
#[derive(Default)]
pub struct Help {
    pub examples: Vec<String>,
    pub formats: Vec<(String, String)>,
    /// Everything else; indented lines are shown as they are.
    pub notes: Vec<Vec<String>>,
}

impl Help {
    pub fn of(command: &Command) -> Self {
        let mut help = Self::default();
        let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
            let lines = || block.lines().skip(1);
            match block.lines().next().unwrap_or_default() {
                "Example:" | "Examples:" => help.examples.extend(lines().map(unindented)),
                "Formats:" => help.formats.extend(lines().filter_map(|line| {
                    let (name, what) = line.trim().split_once(' ')?;
                    Some((name.to_owned(), what.trim().to_owned()))
                })),
                // The page has a section for them.
                "Exit codes:" => {}
                _ => help.notes.push(block.lines().map(str::to_owned).collect()),
            }
        }
        help
    }
}

fn unindented(line: &str) -> String {
    line.strip_prefix("  ").unwrap_or(line).to_owned()
}

fn description(command: &Command, help: &Help) -> String {
    let mut roff = section("DESCRIPTION");
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let stop = if about.ends_with('.') { "" } else { "." };
    roff.text([roman(format!("{about}{stop}"))]);
    for note in &help.notes {
        roff.control("PP", []);
        for line in note {
            match line.strip_prefix("  ") {
                Some(shown) => literal(&mut roff, [shown]),
                None => drop(roff.text([roman(line)])),
            }
        }
    }
    roff.render()
}

fn global_options(program: &Command) -> String {
    let mut roff = section("GLOBAL OPTIONS");
    let mut line = Vec::new();
    for arg in program.get_arguments().filter(|arg| arg.is_global_set()) {
        let Some(long) = arg.get_long() else { continue };
        let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        let before = if line.is_empty() { "" } else { ", " };
        line.extend([roman(format!("{before}{short}")), bold(format!("--{long}"))]);
    }
    line.push(roman(": see "));
    line.extend(reference("oauthctl"));
    line.push(roman("."));
    roff.text(line);
    roff.render()
}

fn table<A: AsRef<str>, B: AsRef<str>>(heading: &str, rows: &[(A, B)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut roff = section(heading);
    for (name, what) in rows {
        roff.control("TP", []).text([bold(name.as_ref())]).text([roman(what.as_ref())]);
    }
    roff.render()
}

fn exit_status(command: &str, is_program: bool) -> String {
    if is_program {
        return table("EXIT STATUS", &exit_codes::table());
    }
    let mut roff = section("EXIT STATUS");
    let what = match command {
        "exec" => "The exit status of the command, once it has started; otherwise as described ",
        _ => "0 on success; otherwise as described ",
    };
    let see = [roman(what), roman("in "), bold("oauthctl"), roman("(1).")];
    roff.text(see);
    roff.render()
}

fn examples(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut roff = section("EXAMPLES");
    literal(&mut roff, lines.iter().map(String::as_str));
    roff.render()
}

/// Adds lines as they are, indented.
pub fn literal<'a>(roff: &mut Roff, lines: impl IntoIterator<Item = &'a str>) {
    roff.control("RS", ["4"]).control("EX", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("EE", []).control("RE", []);
}

/// Returns the related pages: the parent command, the subcommands and, for the program, the standards.
fn see_also(program: &Command, way: &[&Command]) -> String {
    let mut names: Vec<String> = (0..way.len()).map(|end| name(program, &way[..end])).collect();
    let at = way.last().copied().unwrap_or(program);
    let own = name(program, way);
    names.extend(at.get_subcommands().map(|inner| format!("{own}-{}", inner.get_name())));
    names.extend(text::related(&text::path(way)).iter().map(|other| format!("oauthctl-{other}")));
    if way.is_empty() {
        names.extend(topics::manuals().map(|(topic, _)| format!("oauthctl-{}", topic.name)));
    }
    let mut roff = section("SEE ALSO");
    roff.text(references(&names));
    if way.is_empty() {
        for paragraph in text::STANDARDS {
            roff.control("PP", []).text([roman(*paragraph)]);
        }
    }
    roff.render()
}

/// Returns these names of pages as a list.
pub fn references(names: &[String]) -> Vec<Inline> {
    let mut line: Vec<Inline> = Vec::new();
    for name in names {
        if !line.is_empty() {
            line.push(roman(", "));
        }
        line.extend(reference(name));
    }
    line
}

fn reference(name: &str) -> [Inline; 2] {
    [bold(name), roman("(1)")]
}

/// Returns the beginning of a section.
pub fn section(heading: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    roff
}

/// Returns the page with characters that every formatter can show, and with code in bold.
pub fn polished(page: &str) -> String {
    let preamble = Roff::new().render();
    let mut polished = preamble.clone();
    let mut before = "";
    let page = page.replace(&preamble, "");
    for line in page.lines().filter(|line| !line.is_empty()) {
        // Drops a repeated line break, and a paragraph break after a heading.
        if line == ".br" && before == ".br" || line == ".PP" && before.starts_with(".SH") {
            continue;
        }
        before = line;
        let is_request = line.starts_with('.');
        let mut in_code = false;
        let mut escaped = false;
        for character in line.chars() {
            match character {
                '`' if !is_request => {
                    in_code = !in_code;
                    polished += if in_code { r"\fB" } else { r"\fR" };
                }
                '\\' if escaped => polished.push('e'),
                '~' if !is_request => polished += r"\(ti",
                '^' if !is_request => polished += r"\(ha",
                '\0'..='\x7f' => polished.push(character),
                other => polished += &format!(r"\[u{:04X}]", u32::from(other)),
            }
            escaped = character == '\\' && !escaped;
        }
        polished.push('\n');
    }
    polished
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_that_every_formatter_shows() {
        let roff = |text: &str| {
            let mut roff = Roff::new();
            roff.text([roman(text)]);
            polished(&roff.render())
        };
        let body = |text: &str| roff(text).replace(&Roff::new().render(), "");
        assert_eq!(
            body("run `a -b` in ~ or x^2…"),
            "run \\fBa \\-b\\fR in \\(ti or x\\(ha2\\[u2026]\n"
        );
        assert_eq!(body(r"a \ b \- c"), "a \\e b \\e\\- c\n");
        assert_eq!(body(".TH is 'text'"), "\\&.TH is \\*(Aqtext\\*(Aq\n");
    }

    #[test]
    fn apostrophe_in_roff_is_written_unchanged() {
        assert_eq!(Roff::new().text([roman("it's")]).to_roff(), "it's\n");
    }
}
