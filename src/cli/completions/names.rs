//! `oauthctl __names`: what completion scripts call for the names of profiles and accounts. It asks neither a
//! server nor a store, and where there is nothing to say it says nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use oauthctl_core::Result;
use oauthctl_core::text::is_harmless;

use super::super::Globals;
use super::super::context::Context;
use super::super::given::Given;
use super::super::report;

/// How many names a shell gets at most.
const MOST: usize = 1000;

#[derive(Debug, Args)]
pub struct NamesArgs {
    kind: NameKind,
    /// The command line before the word to complete.
    #[arg(last = true)]
    line: Vec<OsString>,
}

/// Which names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NameKind {
    Profiles,
    Accounts,
}

impl NameKind {
    /// The word of the call.
    pub fn word(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Accounts => "accounts",
        }
    }
}

/// Prints the names, each on a line. An error ends it in silence.
///
/// # Errors
///
/// Where stdout cannot be written.
pub fn run(args: &NamesArgs, context: &Context) -> Result<ExitCode> {
    let given = Given::so_far(args.line.iter().cloned());
    let config = given.config().map(|path| expanded(Path::new(path), context));
    let globals = Globals { config, ..context.globals.clone() };
    let Ok(names) = Context::new(globals, context.voice).and_then(|context| match args.kind {
        NameKind::Profiles if given.profile().is_some() => Ok(Vec::new()),
        NameKind::Profiles => context.profile_names(),
        NameKind::Accounts => accounts(given.profile(), &context),
    }) else {
        return Ok(ExitCode::FAILURE);
    };
    let printable = names.iter().filter(|name| !name.is_empty() && name.chars().all(is_harmless));
    let text: String = printable.take(MOST).map(|name| format!("{name}\n")).collect();
    report::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn accounts(profile: Option<&str>, context: &Context) -> Result<Vec<String>> {
    let profile = context.profile_name(profile)?;
    let entries = context.state()?.some_accounts(&profile, MOST)?;
    Ok(entries.into_iter().map(|entry| entry.key.account).collect())
}

/// A path as the shell will expand it once the line runs.
fn expanded(path: &Path, context: &Context) -> PathBuf {
    match (path.strip_prefix("~"), context.env("HOME")) {
        (Ok(below), Ok(Some(home))) => Path::new(&home).join(below),
        _ => path.to_owned(),
    }
}
