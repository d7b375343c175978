//! Links to the program that act as one of its commands: `docker-credential-oauthctl`, `git-credential-oauthctl`,
//! `cargo-credential-oauthctl` and `oauthctl-token-PROFILE`. Also the way in which cargo calls a provider.

use std::ffi::OsString;
use std::path::Path;

/// Prefix of the name of a link that prints the token of a profile.
const TOKEN: &str = "oauthctl-token-";

const HELPERS: [(&str, &str); 3] = [
    ("docker-credential-oauthctl", "docker"),
    ("git-credential-oauthctl", "git"),
    ("cargo-credential-oauthctl", "cargo"),
];

/// Returns the command line of this process.
pub fn arguments() -> Vec<OsString> {
    resolve(std::env::args_os().collect())
}

/// The argument that cargo passes to a provider instead of the arguments from its configuration, which are in
/// each request.
const CARGO: &str = "--cargo-plugin";

/// Returns the command line for a call through one of these names, or by cargo. Any other command line is
/// returned unchanged.
fn resolve(arguments: Vec<OsString>) -> Vec<OsString> {
    if let [program, only] = arguments.as_slice()
        && only == CARGO
        && command_of(program.as_ref()).is_none()
    {
        return [program.as_os_str(), "credential".as_ref(), "cargo".as_ref(), only]
            .map(OsString::from)
            .to_vec();
    }
    let Some(command) = arguments.first().and_then(|program| command_of(program.as_ref())) else {
        return arguments;
    };
    let program = OsString::from("oauthctl");
    [program].into_iter().chain(command).chain(arguments.into_iter().skip(1)).collect()
}

fn command_of(program: &Path) -> Option<Vec<OsString>> {
    let name = program.file_name()?.to_str()?;
    let name = name.strip_suffix(std::env::consts::EXE_SUFFIX).unwrap_or(name);
    if let Some(profile) = name.strip_prefix(TOKEN).filter(|profile| !profile.is_empty()) {
        return Some(vec!["token".into(), format!("--profile={profile}").into()]);
    }
    let (_, tool) = HELPERS.into_iter().find(|(helper, _)| *helper == name)?;
    Some(vec!["credential".into(), tool.into()])
}

/// Returns whether this is the name of such a link.
pub fn is_helper(name: &Path) -> bool {
    command_of(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_names_a_command() {
        for (line, expected) in [
            ("/usr/bin/docker-credential-oauthctl get", "oauthctl credential docker get"),
            ("git-credential-oauthctl erase", "oauthctl credential git erase"),
            (
                "cargo-credential-oauthctl --cargo-plugin",
                "oauthctl credential cargo --cargo-plugin",
            ),
            ("/x/oauthctl-token-my.npm", "oauthctl token --profile=my.npm"),
            ("oauthctl-token-a --json", "oauthctl token --profile=a --json"),
            ("oauthctl-token-", "oauthctl-token-"),
            ("oauthctl token", "oauthctl token"),
            ("/x/oauthctl --cargo-plugin", "/x/oauthctl credential cargo --cargo-plugin"),
            ("oauthctl --cargo-plugin x", "oauthctl --cargo-plugin x"),
            ("docker-credential-oauthctl-x get", "docker-credential-oauthctl-x get"),
        ] {
            let line = line.split(' ').map(OsString::from).collect();
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(resolve(line), expected);
        }
        assert!(resolve(Vec::new()).is_empty());
    }
}
