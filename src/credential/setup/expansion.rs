//! Variables and `~` in the path of a configuration file, for the tools that expand them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use oauthctl_core::profile::CredentialTool;

/// Returns the file that a tool opens for this value of its variable.
///
/// `aws` expands `$NAME`, `${NAME}`, `~` and `~/`; npm expands `${NAME}` and `~/`. Both leave an unset variable
/// unexpanded. The other tools use the path unchanged.
pub fn expanded(
    tool: CredentialTool,
    path: PathBuf,
    variable: impl Fn(&str) -> Option<OsString>,
) -> PathBuf {
    let is_aws = match tool {
        CredentialTool::Aws => true,
        CredentialTool::Npm => false,
        _ => return path,
    };
    let Some(text) = path.to_str() else { return path };
    let text = with_variables(text, is_aws, &variable);
    match (text.strip_prefix('~'), variable("HOME")) {
        (Some(""), Some(home)) if is_aws => home.into(),
        (Some(rest), Some(home)) if rest.starts_with('/') => {
            Path::new(&home).join(rest.trim_start_matches('/'))
        }
        _ => text.into(),
    }
}

fn with_variables(
    text: &str,
    without_braces: bool,
    variable: &impl Fn(&str) -> Option<OsString>,
) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at..];
        let (name, length) = match rest.strip_prefix("${") {
            Some(after) => match after.find('}') {
                Some(end) => (&after[..end], end + "${}".len()),
                None => ("", 1),
            },
            None if without_braces => {
                let is_other = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                let end = rest[1..].find(is_other).map_or(rest.len(), |end| end + 1);
                (&rest[1..end], end)
            }
            None => ("", 1),
        };
        let value = Some(name).filter(|name| !name.is_empty()).and_then(variable);
        match value.and_then(|value| value.into_string().ok()) {
            Some(value) => result.push_str(&value),
            None => result.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(tool: CredentialTool, value: &str) -> String {
        let variable = |name: &str| match name {
            "HOME" => Some("/home/ada".into()),
            "A_1" => Some("a/$HOME".into()),
            _ => None,
        };
        expanded(tool, value.into(), variable).display().to_string()
    }

    #[test]
    fn path_of_the_variable_is_expanded_as_by_its_tool() {
        for (value, of_aws, of_npm) in [
            ("/x/y", "/x/y", "/x/y"),
            ("~", "/home/ada", "~"),
            ("~/c", "/home/ada/c", "/home/ada/c"),
            ("~//c", "/home/ada/c", "/home/ada/c"),
            ("~bob/c", "~bob/c", "~bob/c"),
            ("x/~/c", "x/~/c", "x/~/c"),
            ("$HOME/c", "/home/ada/c", "$HOME/c"),
            ("${HOME}/c", "/home/ada/c", "/home/ada/c"),
            ("/r/${A_1}.c/$A_1", "/r/a/$HOME.c/a/$HOME", "/r/a/$HOME.c/$A_1"),
            ("$NO/${NO}/$/${/$$", "$NO/${NO}/$/${/$$", "$NO/${NO}/$/${/$$"),
        ] {
            assert_eq!(path(CredentialTool::Aws, value), of_aws, "{value}");
            assert_eq!(path(CredentialTool::Npm, value), of_npm, "{value}");
            assert_eq!(path(CredentialTool::Git, value), value);
        }
    }
}
