//! `oauthctl man`: manual pages, generated from the clap definitions, [`text`], [`broker`] and the pages of the help
//! topics.

pub mod broker;
pub mod page;
pub mod text;
mod topic;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, ValueHint};
use oauthctl_core::profile::similar;
use oauthctl_core::text::one_line;
use oauthctl_core::{Advice, Error, Result};
use serde_json::json;

use crate::commands::help::topics;
use crate::context::Context;
use crate::ui;

#[derive(Debug, Args)]
#[command(
    after_help = "The output is reproducible: it depends only on the version of oauthctl.\n\n\
Examples:\n  \
oauthctl man login | man -l -\n  \
oauthctl man client-authentication | man -l -\n  \
oauthctl man --dir ~/.cargo/share/man/man1"
)]
pub struct ManArgs {
    /// Command, or help topic that has a manual page [default: oauthctl itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir", value_hint = ValueHint::Other)]
    command: Vec<String>,
    /// Write all manual pages to this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

/// Prints a page, or writes all of them.
///
/// # Errors
///
/// Returns `Usage` if there is no such command or the directory cannot be written, and an error if stdout
/// cannot be written.
pub fn run(args: &ManArgs, mut program: Command, context: &Context) -> Result<ExitCode> {
    program.build();
    match &args.dir {
        Some(dir) => write_all(dir, &program, context)?,
        None => ui::print(&one(&program, &args.command)?)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the page of a command or of a topic.
fn one(program: &Command, words: &[String]) -> Result<String> {
    if let [page] = words
        && let name = own_name(program, page)
        && let Some((topic, document)) = topics::manuals().find(|(topic, _)| topic.name == name)
    {
        return topic::render(program, topic, document);
    }
    let found = find_page(program, words);
    if let (Err(_), [page]) = (&found, words)
        && let name = own_name(program, page)
        && topics::names().contains(&name)
    {
        let what = format!("the help topic `{name}` has no manual page");
        return Err(Error::usage(what).hint(format!("run `oauthctl help {name}`")));
    }
    page::render(program, &found?)
}

/// Returns the name of a page without that of the program: `login` for `oauthctl-login.1`.
fn own_name<'a>(program: &Command, page: &'a str) -> &'a str {
    let page = page.strip_prefix(program.get_name()).unwrap_or(page);
    page.trim_start_matches('-').trim_end_matches(".1")
}

/// Returns the same as [`find`], also for the name of a page, such as `pending-list` or
/// `oauthctl-pending-list`.
fn find_page<'a>(program: &'a Command, words: &[String]) -> Result<Vec<&'a Command>> {
    let found = find(program, words);
    let [page] = words else { return found };
    let page = own_name(program, page);
    let is_page = |way: &Vec<&Command>| {
        way.iter().map(|command| command.get_name()).collect::<Vec<_>>().join("-") == page
    };
    found.or_else(|error| all(program).into_iter().find(is_page).ok_or(error))
}

/// Returns the commands on the path to this one, itself included; none for the program itself.
///
/// # Errors
///
/// Returns `Usage` if there is no such command.
pub fn find<'a>(program: &'a Command, words: &[String]) -> Result<Vec<&'a Command>> {
    let mut way = Vec::new();
    for word in words {
        let at = way.last().copied().unwrap_or(program);
        way.push(at.find_subcommand(word).ok_or_else(|| unknown(at, word, way.is_empty()))?);
    }
    Ok(way)
}

/// Returns the error for a word that is no command of this one. Beside the commands of the program itself, there are
/// help topics.
fn unknown(at: &Command, word: &str, has_topics: bool) -> Error {
    let known = at.get_bin_name().unwrap_or_else(|| at.get_name());
    let (what, list) = match has_topics {
        true => ("command or help topic", "commands and help topics"),
        false => ("command", "commands"),
    };
    let commands = at.get_subcommands().filter(|command| !command.is_hide_set());
    let topics = topics::names().into_iter().filter(|_| has_topics);
    let error = Error::usage(format!("`{known}` has no {what} `{}`", one_line(word)));
    match similar(word, commands.map(Command::get_name).chain(topics)) {
        Some(near) => error.hint(Advice::DidYouMean(near.to_owned())),
        None => error.hint(format!("run `{known} --help` for the list of {list}")),
    }
}

fn write_all(dir: &Path, program: &Command, context: &Context) -> Result<()> {
    let failed = |path: &Path, error: &std::io::Error| {
        let path = one_line(&path.display().to_string());
        Error::usage(format!("cannot write {path}: {error}"))
            .hint("choose a writable directory with `--dir`")
    };
    std::fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    let mut pages = Vec::new();
    for way in all(program) {
        pages.push((page::file_name(program, &way), page::render(program, &way)?));
    }
    for (topic, document) in topics::manuals() {
        pages.push((topic::file_name(topic), topic::render(program, topic, document)?));
    }
    for (name, text) in &pages {
        let path = dir.join(name);
        write_public(&path, text).map_err(|e| failed(&path, &e))?;
    }
    let names: Vec<String> = pages.into_iter().map(|(name, _)| name).collect();
    if context.globals.json {
        return ui::print_json(&json!({ "pages": names }));
    }
    let dir = one_line(&dir.display().to_string());
    context.ui.say(format!("Wrote {} pages to {dir}.", names.len()));
    Ok(())
}

/// Returns the path to every command, the program's own first.
pub fn all(program: &Command) -> Vec<Vec<&Command>> {
    let mut ways = vec![Vec::new()];
    let mut next = 0;
    while next < ways.len() {
        let way: Vec<&Command> = ways[next].clone();
        let at = way.last().copied().unwrap_or(program);
        let inner = at.get_subcommands().filter(|command| !command.is_hide_set());
        ways.extend(inner.map(|command| way.iter().copied().chain([command]).collect::<Vec<_>>()));
        next += 1;
    }
    ways
}

/// Replaces a file by a world-readable one, whatever the umask: pages hold no secret. An existing file is
/// not written into: a link would lead to another file, and a pipe would block.
fn write_public(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(std::io::Error::other("not a regular file"));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
    let written = file
        .write_all(text.as_bytes())
        .and_then(|()| make_public(&file))
        .and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(unix)]
fn make_public(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_public(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
