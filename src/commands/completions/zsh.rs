//! The script for zsh: clap's, with names from the program.

use clap::Command;
use clap_complete::Shell;
use oauthctl_core::{Error, Result};

use crate::commands::completions::names::NameKind;
use crate::commands::completions::values::{generated, placeholder, with_placeholders};

/// The beginning of the function in clap's script. The words are saved, because nested functions see only
/// those of one command.
const BEGIN: &str = "\n_oauthctl() {\n";
const KEPT: &str = "    local -a oauthctl_line; oauthctl_line=(\"${(@Q)words[1,CURRENT-1]}\")\n";

/// What follows the functions of clap's script.
const END: &str = "\nif [ \"$funcstack[1]\" = \"_oauthctl\" ]; then\n";
const NAMES: &str = "
(( $+functions[_oauthctl_names] )) ||
_oauthctl_names() {
    local -a names expl
    names=(${(f)\"$(command oauthctl __names $1 -- \"${oauthctl_line[@]}\" 2>/dev/null)\"})
    _wanted $1 expl ${1%s} compadd -a names
}
";

/// Returns the script.
///
/// # Errors
///
/// Returns `Internal` if clap's script does not have the expected form.
pub fn script(program: &Command) -> Result<String> {
    let script = generated(Shell::Zsh, with_placeholders(program))?;
    let (before, after) = script.split_once(BEGIN).ok_or_else(unknown)?;
    let (functions, end) = after.split_once(END).ok_or_else(unknown)?;
    let mut script = format!("{before}{BEGIN}{KEPT}{functions}{NAMES}{END}{end}");
    for kind in [NameKind::Profiles, NameKind::Accounts] {
        // Behind a blank, the call is left as it is.
        let call = format!(" _oauthctl_names {}", kind.word());
        script = script.replace(&format!("({})", placeholder(kind)), &call);
    }
    Ok(script)
}

fn unknown() -> Error {
    Error::internal("the completion script for zsh has another form than expected")
}
