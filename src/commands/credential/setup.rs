//! `oauthctl credential setup`: configures a tool to use its helper, and reverts that.

mod rewritten;

pub use rewritten::{remove_settings, rewritten};

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum, ValueHint};
use oauthctl_core::profile::{Credential, CredentialTool, programs};
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result};
use serde_json::json;

use crate::context::Context;
use crate::credential::setup::files::{in_use, resolved};
use crate::credential::setup::insertions::{Insertion, Insertions, read_tool_file};
use crate::credential::setup::{self, Place, Removal, expanded, name_of, named};
use crate::{credential, environment, ui};
use rewritten::{removal, remove_rewritten};

/// The name under which docker runs the helper.
const DOCKER_HELPER: &str = "docker-credential-oauthctl";

/// A tool whose configuration can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    Git,
    Docker,
    Kubernetes,
    Cargo,
    Aws,
    Netrc,
    Npm,
}

#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Tool to set up: git, docker, kubernetes, cargo, aws or npm
    #[arg(value_name = "TOOL", hide_possible_values = true)]
    tool: Tool,
    /// Table `[credential.TOOL."KEY"]` to set up [default: the only one]
    #[arg(value_name = "KEY", value_hint = ValueHint::Other)]
    key: Option<String>,
    /// Remove what `setup` added
    #[arg(long)]
    undo: bool,
}

/// Writes the configuration of the tool, or removes what was written.
///
/// # Errors
///
/// Returns `Config` if the file cannot be changed, or says something else already.
pub fn run(args: &SetupArgs, context: &Context) -> Result<ExitCode> {
    let tool = args.tool.of_library();
    let insertions = Insertions::of(&context.state()?)?;
    if args.undo {
        return undo(args, tool, &insertions, context);
    }
    let (key, settings) = credential::settings_of(context, tool, args.key.as_deref())?;
    let name = name_of(tool, key);
    // An absolute path is recorded, because a later call may run in another directory.
    let path = std::path::absolute(file_of(tool)?)
        .map_err(|error| Error::config(format!("cannot determine the path: {error}")))?;
    if let Some(present) = insertions.present(&name) {
        return already(&present, (tool, key), &path, context);
    }
    let file = read_tool_file(&path)?;
    let before = file.as_deref().unwrap_or_default();
    if setup::is_in(tool, key, before, &program()?) {
        return tell_already(tool, key, &path, context);
    }
    if let Some(recorded) = insertions.recorded(&name)
        && let Some((_, removal)) = removal(tool, &recorded)?
    {
        let command = match removal {
            Removal::Text { .. } => undo_command(tool, key),
            Removal::Command(command) => command,
        };
        let error = differs(&recorded, (tool, key), &resolved(&path));
        return Err(error.hint(format!("run `{command}` first")));
    }
    let (at, text) = setup::insertion(tool, key, before, &program()?)?;
    insertions.insert(&name, (&path, file.as_deref()), at, &text)?;
    tell(context, ("Added", "to"), &path, &text)?;
    if !context.ui.json
        && let Some(next) = next_step(tool, key, settings)?
    {
        context.ui.say(next);
    }
    warn_of_preferred(tool, key, context)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes what was written.
fn undo(
    args: &SetupArgs,
    tool: CredentialTool,
    insertions: &Insertions,
    context: &Context,
) -> Result<ExitCode> {
    // The table may be gone by now.
    let key = match args.key.as_deref() {
        Some(key) => key,
        None => credential::settings_of(context, tool, None)?.0,
    };
    let name = name_of(tool, key);
    let recorded = match insertions.recorded(&name) {
        Some(recorded) if insertions.present(&name).is_none() => Some(recorded),
        _ => None,
    };
    if let Some(recorded) = &recorded
        && let Some(removed) = remove_rewritten(tool, recorded, insertions)?
    {
        return tell(context, ("Removed", "from"), &recorded.path, &removed);
    }
    let place = |name: &str, content: &str| {
        let (tool, key) = named(name).ok_or_else(|| Error::internal("unknown tool"))?;
        setup::insertion(tool, key, content, &program()?)
    };
    let removed = match recorded {
        // The rest of a file that the tool rewrites may be of others.
        Some(recorded) if setup::is_rewritten(tool) || is_gone(&recorded)? => None,
        _ => insertions.remove(&name, place)?,
    };
    let Some(removed) = removed else {
        return Err(Error::config(format!("{} is not set up for `{key}`", tool.name())));
    };
    tell(context, ("Removed", "from"), &removed.path, &removed.text)
}

/// Returns whether the user has removed every line of what was written.
fn is_gone(recorded: &Insertion) -> Result<bool> {
    let file = read_tool_file(&recorded.path)?.unwrap_or_default();
    let kept: HashSet<&str> = file.lines().map(str::trim).collect();
    let mut lines = recorded.text.lines().map(str::trim);
    // Brackets alone say nothing.
    Ok(!lines.any(|line| line.contains(char::is_alphanumeric) && kept.contains(line)))
}

/// Says what the user does next, where writing the file is not all.
fn next_step(tool: CredentialTool, key: &str, settings: &Credential) -> Result<Option<String>> {
    Ok(match tool {
        CredentialTool::Docker if is_linked(DOCKER_HELPER) => None,
        CredentialTool::Docker => Some(format!(
            "docker finds the helper by its name. Create a link in a directory of PATH, for example: \
             `ln -s {} /usr/local/bin/{DOCKER_HELPER}`",
            shell_word(&program()?)
        )),
        CredentialTool::Kubernetes => {
            let user = setup::kubernetes_user(key);
            Some(match selecting(&user)? {
                Some(context) => {
                    format!("The context `{}` already selects this user.", one_line(&context))
                }
                None => format!(
                    "To use it, run `kubectl config set-context CONTEXT --user={}`.",
                    shell_word(&user)
                ),
            })
        }
        CredentialTool::Aws => Some(format!("To use it, run `aws --profile {}`.", shell_word(key))),
        CredentialTool::Npm => {
            let profile = settings.profile.as_deref().map(shell_word);
            let option = profile.map(|name| format!(" -p {name}")).unwrap_or_default();
            let call = format!("oauthctl exec{option} -- npm install");
            Some(format!("npm reads the token from the environment. To use it, run `{call}`."))
        }
        _ => None,
    })
}

/// Warns if the tool has other settings for this key, and does not run the helper because of them.
fn warn_of_preferred(tool: CredentialTool, key: &str, context: &Context) -> Result<()> {
    if tool != CredentialTool::Aws {
        return Ok(());
    }
    let file = files_at(&setup::AWS_CREDENTIALS, tool)?.remove(0);
    let content = read_tool_file(&file).ok().flatten().unwrap_or_default();
    let names = setup::preferred_settings(key, &content);
    if names.is_empty() {
        return Ok(());
    }
    let what = format!(
        "`aws` does not run the helper, because `[{key}]` in {} takes precedence. It sets {}",
        one_line(&file.to_string_lossy()),
        names.join(", ")
    );
    context.ui.warn(&Error::config(what).hint("remove these settings from that file"));
    Ok(())
}

/// Returns the context that selects a user, in any of the files that kubectl reads.
fn selecting(user: &str) -> Result<Option<String>> {
    let mut files = files_of(CredentialTool::Kubernetes)?.into_iter();
    Ok(files.find_map(|file| setup::context_of(user, &read_tool_file(&file).ok()??)))
}

/// Returns whether the first program of this name in `PATH` is a link to this program.
fn is_linked(name: &str) -> bool {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = environment::variable_os("PATH").unwrap_or_default();
    // docker runs no program that it finds in a relative directory.
    let first = programs::find(&file, &path).ok().filter(|file| file.is_absolute());
    let target = first.and_then(|file| file.canonicalize().ok());
    target.is_some() && target == std::env::current_exe().and_then(|f| f.canonicalize()).ok()
}

/// Returns the path of this program, as it is written into configurations.
fn program() -> Result<String> {
    let program = std::env::current_exe()
        .map_err(|error| Error::internal(format!("cannot find this program: {error}")))?;
    Ok(program.to_string_lossy().into_owned())
}

/// Says what was changed.
fn tell(
    context: &Context,
    (word, preposition): (&str, &str),
    path: &Path,
    text: &str,
) -> Result<ExitCode> {
    match context.ui.json {
        true => ui::print_json(&json!({ "file": path, word.to_ascii_lowercase(): text }))?,
        false => {
            context.ui.say(format!("{word} {preposition} {}:\n{}", path.display(), text.trim_end()))
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Accepts a setup that is there already, if a new one would do the same.
fn already(
    present: &Insertion,
    (tool, key): (CredentialTool, &str),
    path: &Path,
    context: &Context,
) -> Result<ExitCode> {
    let path = resolved(path);
    let names_program = setup::names_program(tool, key, &present.text, &program()?)?;
    if present.path != path || !names_program {
        let undo = undo_command(tool, key);
        return Err(differs(present, (tool, key), &path).hint(format!("run `{undo}` first")));
    }
    tell_already(tool, key, &path, context)
}

fn undo_command(tool: CredentialTool, key: &str) -> String {
    format!("oauthctl credential setup {} {} --undo", tool.name(), shell_word(key))
}

/// Says that a tool is set up in another way than it would be now, in a file with this canonical path.
fn differs(present: &Insertion, (tool, key): (CredentialTool, &str), path: &Path) -> Error {
    let how = match present.path == path {
        true => "with another program",
        false => "in another file",
    };
    let tool = tool.name();
    Error::config(format!("{tool} is set up for `{key}` {how}: {}", present.path.display()))
}

fn tell_already(
    tool: CredentialTool,
    key: &str,
    path: &Path,
    context: &Context,
) -> Result<ExitCode> {
    match context.ui.json {
        true => ui::print_json(&json!({ "file": path, "added": null }))?,
        false => context.ui.say(format!(
            "{} is already set up for `{key}` in {}.",
            tool.name(),
            path.display()
        )),
    }
    warn_of_preferred(tool, key, context)?;
    Ok(ExitCode::SUCCESS)
}

impl Tool {
    fn of_library(self) -> CredentialTool {
        match self {
            Self::Git => CredentialTool::Git,
            Self::Docker => CredentialTool::Docker,
            Self::Kubernetes => CredentialTool::Kubernetes,
            Self::Cargo => CredentialTool::Cargo,
            Self::Aws => CredentialTool::Aws,
            Self::Netrc => CredentialTool::Netrc,
            Self::Npm => CredentialTool::Npm,
        }
    }
}

/// Returns the file that is written. If there are several files, kubectl writes to the first one.
fn file_of(tool: CredentialTool) -> Result<PathBuf> {
    let mut files = files_of(tool)?.into_iter();
    let file = files.next();
    let file = file.ok_or_else(|| Error::internal(format!("{} has no file", tool.name())))?;
    Ok(in_use(tool, file, environment::variable_os))
}

/// Returns the files that a tool reads.
fn files_of(tool: CredentialTool) -> Result<Vec<PathBuf>> {
    files_at(&setup::place(tool)?, tool)
}

/// Returns the files at a place, as the tool looks for it.
fn files_at(place: &Place, tool: CredentialTool) -> Result<Vec<PathBuf>> {
    // npm ignores the case of its variables.
    let in_lower_case = |name: &str| match tool {
        CredentialTool::Npm => environment::variable_os(&name.to_ascii_lowercase()),
        _ => None,
    };
    let variable = |name: &str| match name {
        "" => None,
        name => environment::variable_os(name).or_else(|| in_lower_case(name)).map(PathBuf::from),
    };
    let file = variable(place.file_variable);
    if let Some(file) = file.map(|file| expanded(tool, file, environment::variable_os)) {
        let is_named = |file: &PathBuf| !file.as_os_str().is_empty();
        let files = match tool {
            CredentialTool::Kubernetes => std::env::split_paths(&file).filter(is_named).collect(),
            _ => Vec::new(),
        };
        return Ok(if files.is_empty() { vec![file] } else { files });
    }
    let (directory, name) = place.directory_variable;
    if let Some(directory) = variable(directory) {
        return Ok(vec![directory.join(name)]);
    }
    let home = environment::variable_os("HOME")
        .ok_or_else(|| Error::config("cannot determine the home directory").hint("set HOME"))?;
    Ok(vec![Path::new(&home).join(place.below_home)])
}
