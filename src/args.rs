//! Arguments that several commands have: the global options, the profile and the account.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};

use crate::ui::ColorChoice;

/// The global options.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Configuration file [env: OAUTHCTL_CONFIG]
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Token store: keyring, file, file:DIR, command or agent [env: OAUTHCTL_STORE]
    #[arg(long, global = true, value_name = "STORE", value_hint = ValueHint::Other)]
    pub store: Option<String>,
    /// Print results and errors as JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only results and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more details
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Explain every protocol step on stderr, with secrets redacted
    #[arg(long, global = true)]
    pub trace: bool,
    /// Write all HTTP exchanges to a HAR file, with secrets redacted
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub trace_har: Option<PathBuf>,
    /// When to use colors; `auto` uses them on a terminal unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Never prompt and never open a browser; exit with code 4 instead
    #[arg(long, global = true)]
    pub no_input: bool,
}

/// The profile, as an argument or as an option.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfileArg {
    /// Profile to use [env: OAUTHCTL_PROFILE]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    pub argument: Option<String>,
    #[command(flatten)]
    pub option: ProfileOption,
}

impl ProfileArg {
    /// Returns the profile that is named, in either form.
    ///
    /// # Errors
    ///
    /// Returns `Usage` if the two forms name different profiles.
    pub fn name(&self) -> Result<Option<&str>> {
        one_of(self.argument.as_deref(), self.option.profile.as_deref())
    }
}

/// The profile, for commands whose arguments leave no room for it.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfileOption {
    /// Same as the PROFILE argument
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    pub profile: Option<String>,
}

/// The account of the profile.
#[derive(Debug, Clone, Default, Args)]
pub struct AccountOption {
    /// Account to use, if the profile has several [env: OAUTHCTL_ACCOUNT]
    #[arg(long, value_name = "ACCOUNT", value_hint = ValueHint::Other)]
    pub account: Option<String>,
}

/// Returns the profile that is named as an argument, as an option, or as both.
///
/// # Errors
///
/// Returns `Usage` if they name different profiles.
pub fn one_of<'a>(argument: Option<&'a str>, option: Option<&'a str>) -> Result<Option<&'a str>> {
    match (argument, option) {
        (Some(first), Some(second)) if first != second => Err(Error::usage(format!(
            "two different profiles are specified: `{}` and `{}`",
            one_line(first),
            one_line(second)
        ))
        .hint("specify the profile once, as PROFILE or with `-p PROFILE`")),
        _ => Ok(argument.or(option)),
    }
}
