//! The script for fish: clap's, with arguments added, and with names from the program.

use clap::Command;
use clap_complete::Shell;
use oauthctl_core::Result;

use crate::commands::completions::names::NameKind;
use crate::commands::completions::values::{
    Values, generated, placeholder, positionals, with_placeholders,
};

const NAMES: &str = "
function __oauthctl_names
    command oauthctl __names $argv[1] -- (commandline -opc) 2>/dev/null
end
";

/// Returns the script.
///
/// # Errors
///
/// Returns `Internal` if clap's script is not text.
pub fn script(program: &Command) -> Result<String> {
    let mut script = generated(Shell::Fish, with_placeholders(program))?;
    for kind in [NameKind::Profiles, NameKind::Accounts] {
        script = script.replace(&format!("{}\\t''", placeholder(kind)), &call(kind));
    }
    script.push_str(NAMES);
    for command in program.get_subcommands() {
        let name = command.get_name();
        arguments(
            &mut script,
            command,
            &format!("__fish_oauthctl_using_subcommand {name}"),
            program,
        );
        for inner in command.get_subcommands() {
            let condition = format!(
                "__fish_oauthctl_using_subcommand {name}; and __fish_seen_subcommand_from {}",
                inner.get_name()
            );
            arguments(&mut script, inner, &condition, program);
        }
    }
    Ok(script)
}

fn call(kind: NameKind) -> String {
    format!("(__oauthctl_names {})", kind.word())
}

/// Adds what clap omits: the arguments of a command, which would otherwise complete as files.
fn arguments(script: &mut String, command: &Command, condition: &str, program: &Command) {
    for arg in positionals(command) {
        let values = match Values::of(arg, program) {
            Values::Names(kind) => format!(" -f -a \"{}\"", call(kind)),
            Values::Words(words) => format!(" -f -a \"{}\"", words.join(" ")),
            Values::Unknown => " -f".to_owned(),
            Values::Files | Values::Directories | Values::Programs => " -F".to_owned(),
        };
        script.push_str(&format!("complete -c oauthctl -n \"{condition}\"{values}\n"));
    }
}
