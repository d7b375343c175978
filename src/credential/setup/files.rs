//! Selects the file of a tool that `setup` changes.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use oauthctl_core::profile::CredentialTool;

/// The number of links that Linux follows.
const MOST_LINKS: usize = 40;

/// Returns the file that a tool uses. This is its usual file `path`, unless another file exists that the tool uses
/// instead.
pub fn in_use(
    tool: CredentialTool,
    path: PathBuf,
    variable: impl Fn(&str) -> Option<OsString>,
) -> PathBuf {
    let other = match tool {
        // Like `git config --global`: with a new `.gitconfig`, later changes would go to another file than before.
        CredentialTool::Git if path.exists() || variable("GIT_CONFIG_GLOBAL").is_some() => None,
        CredentialTool::Git => {
            let named = variable("XDG_CONFIG_HOME").filter(|directory| !directory.is_empty());
            let directory = named.map(PathBuf::from);
            let usual = || Some(PathBuf::from(variable("HOME")?).join(".config"));
            directory.or_else(usual).map(|directory| directory.join("git/config"))
        }
        // cargo ignores `config.toml` beside a file with the name of earlier versions.
        CredentialTool::Cargo => Some(path.with_extension("")),
        _ => None,
    };
    other.filter(|other| other.is_file()).unwrap_or(path)
}

/// Returns the file behind a path and its links, even if it does not exist yet: a link must not be replaced by a file.
pub fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        if let Ok(found) = fs::canonicalize(&path) {
            return found;
        }
        let Ok(target) = fs::read_link(&path) else { break };
        path = path.parent().map(|directory| directory.join(&target)).unwrap_or(target);
    }
    path
}
