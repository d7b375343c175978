//! `oauthctl __names`: called by completion scripts for the names of profiles and accounts. It contacts
//! neither a server nor a store, and prints nothing if there are no names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use oauthctl_core::Result;
use oauthctl_core::text::is_harmless;

use crate::args::Globals;
use crate::context::Context;
use crate::given::Given;
use crate::ui;

/// Maximum number of names that a shell gets.
const MOST: usize = 1000;

#[derive(Debug, Args)]
pub struct NamesArgs {
    kind: NameKind,
    /// The command line before the word to complete.
    #[arg(last = true)]
    line: Vec<OsString>,
}

/// The kind of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NameKind {
    Profiles,
    Accounts,
}

impl NameKind {
    /// Returns the word of the call.
    pub fn word(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Accounts => "accounts",
        }
    }
}

/// Prints the names, one per line. An error ends it silently.
///
/// # Errors
///
/// Returns an error if stdout cannot be written.
pub fn run(args: &NamesArgs, context: &Context) -> Result<ExitCode> {
    let given = Given::so_far(args.line.iter().cloned());
    let config = given.config().map(|path| expanded(Path::new(path), context));
    // A pipe would keep the terminal waiting.
    if config.as_ref().is_some_and(|path| !path.is_file()) {
        return Ok(ExitCode::FAILURE);
    }
    let globals = Globals { config, ..context.globals.clone() };
    let Ok(names) = Context::new(globals, context.ui).and_then(|context| match args.kind {
        NameKind::Profiles if given.profile().is_some() => Ok(Vec::new()),
        NameKind::Profiles => context.profile_names(),
        NameKind::Accounts => accounts(given.profile(), &context),
    }) else {
        return Ok(ExitCode::FAILURE);
    };
    let printable = names.iter().filter(|name| !name.is_empty() && name.chars().all(is_harmless));
    let text: String = printable.take(MOST).map(|name| format!("{name}\n")).collect();
    ui::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn accounts(profile: Option<&str>, context: &Context) -> Result<Vec<String>> {
    let profile = context.profile_name(profile)?;
    let entries = context.state()?.some_accounts(&profile, MOST)?;
    Ok(entries.into_iter().map(|entry| entry.key.account).collect())
}

/// Returns a path as the shell will expand it when the line runs.
fn expanded(path: &Path, context: &Context) -> PathBuf {
    match (path.strip_prefix("~"), context.env("HOME")) {
        (Ok(below), Ok(Some(home))) => Path::new(&home).join(below),
        _ => path.to_owned(),
    }
}
