//! `oauthctl credential setup`: configures a tool to use its helper, and reverts that.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum, ValueHint};
use oauthctl_core::profile::CredentialTool;
use oauthctl_core::store::read_tool_file;
use oauthctl_core::{Error, Result};
use serde_json::json;

use crate::context::Context;
use crate::credential::{self, setup};
use crate::{environment, ui};

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
    /// Remove what was written
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
    let (key, _) = credential::settings_of(context, tool, args.key.as_deref())?;
    let name = format!("{} {key}", tool.name());
    let state = context.state()?;
    let (path, text) = match args.undo {
        true => match state.remove_text(&name)? {
            Some(removed) => (removed.path, removed.text),
            None => {
                let what = format!("{} is not set up for `{key}`", tool.name());
                return Err(Error::config(what));
            }
        },
        false => {
            // An absolute path is recorded, because a later call may run in another directory.
            let path = std::path::absolute(file_of(tool)?)
                .map_err(|error| Error::config(format!("cannot determine the path: {error}")))?;
            let file = read_tool_file(&path)?;
            let program = std::env::current_exe()
                .map_err(|error| Error::internal(format!("cannot find this program: {error}")))?;
            let before = file.as_deref().unwrap_or_default();
            let (at, text) = setup::insertion(tool, key, before, &program.to_string_lossy())?;
            state.insert_text(&name, (&path, file.as_deref()), at, &text)?;
            (path, text)
        }
    };
    let (word, preposition) = if args.undo { ("Removed", "from") } else { ("Added", "to") };
    if context.ui.json {
        let change = if args.undo { "removed" } else { "added" };
        ui::print_json(&json!({ "file": path, change: text }))?;
        return Ok(ExitCode::SUCCESS);
    }
    context.ui.say(format!("{word} {preposition} {}:\n{}", path.display(), text.trim_end()));
    if tool == CredentialTool::Docker && !args.undo {
        context.ui.say(
            "docker finds the helper by its name: create a link `docker-credential-oauthctl` to \
             this program in a directory of PATH.",
        );
    }
    if tool == CredentialTool::Kubernetes && !args.undo {
        let user = oauthctl_core::text::shell_word(&setup::kubernetes_user(key));
        context
            .ui
            .say(format!("To use it, run `kubectl config set-context CONTEXT --user={user}`."));
    }
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

fn file_of(tool: CredentialTool) -> Result<PathBuf> {
    let place = setup::place(tool)?;
    let variable = |name: &str| match name {
        "" => None,
        name => environment::variable_os(name).map(PathBuf::from),
    };
    if let Some(file) = variable(place.file_variable) {
        // If there are several files, kubectl writes to the first one.
        let first = |files: &Path| std::env::split_paths(files).find(|f| !f.as_os_str().is_empty());
        return Ok(match tool {
            CredentialTool::Kubernetes => first(&file).unwrap_or(file),
            _ => file,
        });
    }
    let (directory, name) = place.directory_variable;
    if let Some(directory) = variable(directory) {
        return Ok(directory.join(name));
    }
    let home = environment::variable_os("HOME")
        .ok_or_else(|| Error::config("cannot determine the home directory").hint("set HOME"))?;
    Ok(Path::new(&home).join(place.below_home))
}
