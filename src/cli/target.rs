//! The profile and the account of a command: the same arguments everywhere.

use clap::{Args, ValueHint};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};

/// The profile, as an argument or as an option.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfileArg {
    /// Profile to use [env: OAUTHCTL_PROFILE]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    pub(super) argument: Option<String>,
    #[command(flatten)]
    pub(super) option: ProfileOption,
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
    /// Same as the argument PROFILE
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    pub profile: Option<String>,
}

/// The account of the profile.
#[derive(Debug, Clone, Default, Args)]
pub struct AccountOption {
    /// Account to use, if the profile has several
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
        .hint("name the profile once, as PROFILE or with `-p PROFILE`")),
        _ => Ok(argument.or(option)),
    }
}
