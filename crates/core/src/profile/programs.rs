//! Checks the programs that a profile uses, before the user is involved.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Profile, SecretSource};
use crate::error::{Error, Result};
use crate::text::one_line;

/// Checks that every program of the profile can be started: those of its hooks, of `write_back`, and of
/// secrets that a command prints. `path` is the value of `PATH`.
///
/// # Errors
///
/// Returns `Config`, naming the first key whose program is missing.
pub fn check(profile: &Profile, path: Option<&OsStr>) -> Result<()> {
    for (key, argv) in commands(profile) {
        let Some(program) = argv.first() else { continue };
        if let Some(why) = obstacle(program, path) {
            let (shown, name) = (one_line(program), one_line(&profile.name));
            let what = format!("`{key}` of profile `{name}` cannot run `{shown}`: {why}");
            return Err(Error::config(what)
                .hint(format!("install the program, or correct `{key}` in the profile")));
        }
    }
    Ok(())
}

fn commands(profile: &Profile) -> Vec<(String, &[String])> {
    let secrets = profile.secret_sources().filter_map(|(key, source)| match source {
        SecretSource::Command(argv) => Some((key.to_owned(), argv.as_slice())),
        _ => None,
    });
    let hooks = profile.hooks.iter();
    let hooks = hooks.map(|(event, hook)| (format!("hooks.{event}"), hook.command.as_slice()));
    let write_back = ("write_back".to_owned(), profile.write_back.as_slice());
    secrets.chain(hooks).chain([write_back]).collect()
}

/// Returns why a program cannot be started, as far as that is visible without starting it.
fn obstacle(program: &str, path: Option<&OsStr>) -> Option<String> {
    if cfg!(windows) {
        // On Windows, the system decides what a name without an extension means.
        return None;
    }
    if program.contains('/') {
        return validate(Path::new(program)).err();
    }
    // Without PATH, the system uses its own default.
    find(program, path?).err()
}

/// Returns the file that starts if a program runs this name in the directories of `PATH`.
///
/// # Errors
///
/// Returns why there is none.
pub fn find(program: &str, path: &OsStr) -> Result<PathBuf, String> {
    let mut found = "it is not in PATH".to_owned();
    for folder in std::env::split_paths(path) {
        let file = folder.join(program);
        if !file.exists() {
            continue;
        }
        match validate(&file) {
            Ok(()) => return Ok(file),
            Err(why) => found = format!("{}: {why}", one_line(&file.display().to_string())),
        }
    }
    Err(found)
}

fn validate(file: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a file".to_owned());
    }
    #[cfg(unix)]
    if rustix::fs::access(file, rustix::fs::Access::EXEC_OK).is_err() {
        return Err("it is not executable".to_owned());
    }
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::profile::ConfigFile;

    fn profile(more: &str) -> Profile {
        let text = format!(
            "[profiles.p]\nclient_id = \"c\"\nissuer = \"https://as.example\"\n\
             client_auth = \"client_secret_basic\"\n{more}\n"
        );
        let config = ConfigFile::of_text("/c.toml".as_ref(), &text).parse().unwrap();
        config.profile("p").unwrap().clone()
    }

    #[test]
    fn program_that_cannot_be_run_is_named_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, mode: u32| {
            let path = dir.path().join(name);
            std::fs::write(&path, "#!/bin/sh\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        let (good, plain) = (file("good", 0o700), file("plain", 0o600));
        let secret = "client_secret = \"s\"\n";
        let validated = |more: &str| check(&profile(more), Some(dir.path().as_os_str()));
        for program in ["good", good.to_str().unwrap()] {
            for more in [
                format!("{secret}write_back = [{program:?}]"),
                format!("client_secret = {{ command = [{program:?}, \"x\"] }}"),
                format!("{secret}[profiles.p.hooks]\npre_token = [{program:?}]"),
            ] {
                assert!(validated(&more).is_ok(), "{more}");
            }
        }
        for program in ["nowhere", "plain", "/nowhere/at/all", "/", plain.to_str().unwrap()] {
            for (key, more) in [
                ("write_back", format!("{secret}write_back = [{program:?}]")),
                ("client_secret", format!("client_secret = {{ command = [{program:?}] }}")),
                (
                    "hooks.post_token",
                    format!("{secret}[profiles.p.hooks]\npost_token = [{program:?}]"),
                ),
            ] {
                let error = validated(&more).unwrap_err();
                assert_eq!(error.kind(), crate::ErrorKind::Config, "{more}");
                let named = format!("`{key}` of profile `p` cannot run `{program}`");
                assert!(error.message().contains(&named), "{error}");
            }
        }
    }
}
