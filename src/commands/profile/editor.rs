//! `oauthctl profile edit`: the user's editor, and a check before anything is saved.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use oauthctl_core::hook;
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result};

use super::draft::Draft;
use crate::child::{self, NotStarted};
use crate::context::Context;
use crate::environment::variable_os;
use crate::{prompt, run as runner};

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
    for earlier in draft.earlier() {
        context.ui.say(format!(
            "Changes of an earlier `profile edit` are still in {}. Copy what you need, and remove the file.",
            shown(&earlier)
        ));
    }
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
    let editor = Editor::chosen();
    loop {
        let has_waited = editor.open(path, context)?;
        let text = Draft::read(path)?;
        if text == draft.text {
            context.ui.say("No changes.");
            if !has_waited {
                context.ui.say(format!(
                    "If the editor is still open, it does not wait: set {} to a command that does, such as \
                     `code --wait`.",
                    editor.variable.unwrap_or("EDITOR")
                ));
            }
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

/// The editor that the user chose.
struct Editor {
    /// The variable that names it, if one does.
    variable: Option<&'static str>,
    line: OsString,
}

/// The exit code of a shell that does not find a command.
const NOT_FOUND: i32 = 127;

/// How long an editor runs at least if it waits for the user.
const AT_LEAST: Duration = Duration::from_secs(1);

impl Editor {
    fn chosen() -> Self {
        let named =
            ["VISUAL", "EDITOR"].into_iter().find_map(|name| Some((name, variable_os(name)?)));
        match named {
            Some((name, line)) => Self { variable: Some(name), line },
            None => {
                Self { variable: None, line: if cfg!(windows) { "notepad" } else { "vi" }.into() }
            }
        }
    }

    /// Runs the editor and waits for it. It inherits none of this program's keys. Returns whether it seems to have
    /// waited for the user.
    fn open(&self, path: &Path, context: &Context) -> Result<bool> {
        let mut command = command(&self.line, path);
        let profiles =
            context.config().map(|config| config.profiles.values()).into_iter().flatten();
        for variable in profiles.flat_map(hook::hidden_variables).chain(hook::private_variables()) {
            command.env_remove(variable);
        }
        let begun = Instant::now();
        // A signal ends the editor, and this program after it: the draft does not stay behind.
        let (status, signal) = runner::block_on_child(None, async {
            let mut running = child::start(&mut command).map_err(|why| match why {
                NotStarted::Signals(error) => error,
                NotStarted::System(error) => self.not_found(&error.to_string()),
            })?;
            let status = running.ended().await?;
            Ok((status, running.signal))
        })?;
        match (status.success(), signal) {
            (true, _) => Ok(begun.elapsed() >= AT_LEAST),
            (false, Some(signal)) => Err(runner::interrupted(signal, None)),
            (false, None) if status.code() == Some(NOT_FOUND) => {
                Err(self.not_found("the command was not found"))
            }
            (false, None) => {
                let what = format!("the editor `{}` failed: {status}", self.shown());
                Err(Error::config(what).hint(format!(
                    "to use another editor, set {}, for instance to `nano` or `code --wait`",
                    self.variable.unwrap_or("EDITOR")
                )))
            }
        }
    }

    fn not_found(&self, why: &str) -> Error {
        let how = match self.variable {
            Some(name) => format!("set {name} to an installed editor"),
            None => {
                "neither VISUAL nor EDITOR is set: set EDITOR to an installed editor".to_owned()
            }
        };
        Error::config(format!("cannot start the editor `{}`: {why}", self.shown())).hint(format!(
            "{how}, for instance `nano` or `code --wait`; or edit the file that `oauthctl profile path` prints"
        ))
    }

    fn shown(&self) -> String {
        one_line(&self.line.to_string_lossy())
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
