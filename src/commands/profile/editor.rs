//! `oauthctl profile edit`: the user's editor, and a check before anything is saved.

use std::path::Path;
use std::process::{Command, ExitCode};

use oauthctl_core::hook;
use oauthctl_core::profile::draft::Draft;
use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, Result};

use crate::context::Context;
use crate::environment::variable_os;
use crate::prompt;

/// Opens the configuration in an editor until it is valid, then saves it.
///
/// # Errors
///
/// Returns `Config` if it cannot be read, edited or saved, and `LoginRequired` with `--no-input`. The configuration
/// is unchanged then, and an invalid draft is kept.
pub fn run(context: &Context) -> Result<ExitCode> {
    if context.globals.no_input {
        let what = "editing requires user interaction, but `--no-input` is set";
        return Err(
            Error::login_required(what).hint("edit the file that `oauthctl profile path` prints")
        );
    }
    let draft = Draft::open(&context.config_path()?)?;
    let path = draft.write()?;
    let outcome = edit(&draft, &path, context);
    let is_changed = Draft::read(&path).is_ok_and(|text| text != draft.text);
    outcome
        .map_err(|error| match is_changed {
            // The user's work is not thrown away.
            true => error.and_hint(format!("your changes are kept in {}", shown(&path))),
            false => error,
        })
        .inspect(|_| Draft::discard(&path))
        .inspect_err(|_| {
            if !is_changed {
                Draft::discard(&path)
            }
        })
}

fn shown(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

fn edit(draft: &Draft, path: &Path, context: &Context) -> Result<ExitCode> {
    loop {
        open(path, context)?;
        let text = Draft::read(path)?;
        if text == draft.text {
            context.ui.say("No changes.");
            return Ok(ExitCode::SUCCESS);
        }
        let Err(error) = draft.check(&text) else {
            let config = draft.save(&text)?;
            context.ui.say(format!("Saved {}.", config.path.display()));
            return Ok(ExitCode::SUCCESS);
        };
        if !prompt::is_possible(context) {
            return Err(error.context("the configuration is not saved"));
        }
        context.ui.warn_always(error.message());
        if !prompt::confirm("It is not saved. Edit again?", true)? {
            return Err(error.context("the configuration is not saved"));
        }
    }
}

/// Runs the editor and waits for it. It inherits none of this program's keys.
fn open(path: &Path, context: &Context) -> Result<()> {
    let (name, editor) = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| Some((name, variable_os(name)?)))
        .unwrap_or(("EDITOR", if cfg!(windows) { "notepad" } else { "vi" }.into()));
    let shown = oauthctl_core::text::one_line(&editor.to_string_lossy());
    let mut command = command(&editor, path);
    let profiles = context.config().map(|config| config.profiles.values()).into_iter().flatten();
    for variable in profiles.flat_map(hook::hidden_variables).chain(hook::private_variables()) {
        command.env_remove(variable);
    }
    let failed = |why: String| {
        Error::config(format!("the editor `{shown}` failed: {why}"))
            .hint(format!("set {name} to an editor that waits, such as `vi` or `code --wait`"))
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Returns the command: as in other programs, the variable is a command line for the shell.
#[cfg(unix)]
fn command(editor: &std::ffi::OsStr, path: &Path) -> Command {
    let mut line = editor.to_owned();
    line.push(" \"$@\"");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).arg(editor).arg(path);
    command
}

#[cfg(not(unix))]
fn command(editor: &std::ffi::OsStr, path: &Path) -> Command {
    let mut command = Command::new(editor);
    command.arg(path);
    command
}
