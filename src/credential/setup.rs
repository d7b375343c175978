//! What `credential setup` inserts into the configuration of a tool, and where.

mod aws;
mod cargo;
mod expansion;
pub mod files;
pub mod insertions;
mod kubeconfig;
mod kubernetes;
mod place;
mod yaml;

use std::path::Path;

use oauthctl_core::profile::{CredentialTool, Target};
use oauthctl_core::{Error, Result, text};
use serde_json::Value;

use aws::aws;
pub use aws::preferred_settings;
use cargo::cargo;
pub use expansion::expanded;
pub use kubeconfig::context_of;
use kubernetes::kubernetes;
pub use kubernetes::{Removal, kubernetes_user};
use place::at_end;

/// The configuration file of a tool: its path below the home directory, and the variables that change it.
pub struct Place {
    /// The variable that contains the path of the file.
    pub file_variable: &'static str,
    /// The variable that contains the directory, and the name of the file in it.
    pub directory_variable: (&'static str, &'static str),
    /// The path below the home directory.
    pub below_home: &'static str,
}

/// Where the AWS command line looks for settings before it runs a helper.
pub const AWS_CREDENTIALS: Place = Place {
    file_variable: "AWS_SHARED_CREDENTIALS_FILE",
    directory_variable: ("", ""),
    below_home: ".aws/credentials",
};

/// Returns the name under which a setup is recorded.
pub fn name_of(tool: CredentialTool, key: &str) -> String {
    format!("{} {key}", tool.name())
}

/// Returns the tool and the key of the setup that is recorded under this name.
pub fn named(name: &str) -> Option<(CredentialTool, &str)> {
    let (tool, key) = name.split_once(' ')?;
    let (_, tool) = CredentialTool::ALL.into_iter().find(|(known, _)| *known == tool)?;
    Some((tool, key))
}

/// Returns the file of a tool.
///
/// # Errors
///
/// Returns `Usage` for a tool whose configuration cannot be written.
pub fn place(tool: CredentialTool) -> Result<Place> {
    let place = |file_variable, directory_variable, below_home| {
        Ok(Place { file_variable, directory_variable, below_home })
    };
    match tool {
        CredentialTool::Git => place("GIT_CONFIG_GLOBAL", ("", ""), ".gitconfig"),
        CredentialTool::Docker => {
            place("", ("DOCKER_CONFIG", "config.json"), ".docker/config.json")
        }
        CredentialTool::Cargo => place("", ("CARGO_HOME", "config.toml"), ".cargo/config.toml"),
        CredentialTool::Aws => place("AWS_CONFIG_FILE", ("", ""), ".aws/config"),
        CredentialTool::Npm => place("NPM_CONFIG_USERCONFIG", ("", ""), ".npmrc"),
        CredentialTool::Kubernetes => place("KUBECONFIG", ("", ""), ".kube/config"),
        // A netrc file would keep the token, and its readers cannot run a helper.
        CredentialTool::Netrc => Err(Error::usage("netrc files do not support helpers")
            .hint("pass the program a pipe: `curl --netrc-file <(oauthctl credential netrc) URL`")),
        other => {
            let what =
                format!("`credential setup` does not write the configuration of {}", other.name());
            Err(Error::usage(what).hint("see the documentation of credential helpers"))
        }
    }
}

/// Returns whether a tool rewrites its configuration: what was inserted is then known by its meaning, not by its text.
pub fn is_rewritten(tool: CredentialTool) -> bool {
    tool == CredentialTool::Kubernetes
}

/// Returns whether a file that its tool rewrites has what would be inserted into it.
pub fn is_in(tool: CredentialTool, key: &str, file: &str, program: &str) -> bool {
    is_rewritten(tool) && kubernetes::has_user(key, file, program)
}

/// Returns how to remove what was inserted into a file, if its tool has rewritten the file and kept it.
pub fn removal(tool: CredentialTool, added: &str, path: &Path, file: &str) -> Option<Removal> {
    if is_rewritten(tool) { kubernetes::removal(added, path, file) } else { None }
}

/// Returns the text to insert, and the range of the file after which to insert it. The content of that range
/// distinguishes it from an identical text.
/// `program` is the path of this program, quoted if a shell parses it.
///
/// # Errors
///
/// Returns `Config` if the file already contains another setting for this key, or cannot be parsed.
pub fn insertion(
    tool: CredentialTool,
    key: &str,
    file: &str,
    program: &str,
) -> Result<insertions::Place> {
    let append = |block: String| Ok(at_end(file, &block));
    let taken = |what: &str| {
        Err(Error::config(format!("the file already has {what}"))
            .hint("change it manually, or remove it first"))
    };
    let url = || Target::parse(key).map_err(|why| Error::config(format!("the key {why}")));
    let shell = text::shell_word(program);
    match tool {
        CredentialTool::Git => {
            let target = url()?;
            // Without this, git does not tell the helper the path.
            let with_path = if target.path().is_empty() { "" } else { "\tuseHttpPath = true\n" };
            let url = if target.is_url() { key.to_owned() } else { format!("https://{key}") };
            append(format!(
                "[credential \"{url}\"]\n{with_path}\thelper =\n\thelper = \"!{} credential git\"\n",
                shell.replace('\\', "\\\\").replace('"', "\\\"")
            ))
        }
        CredentialTool::Aws => aws(key, file, &shell),
        CredentialTool::Cargo => cargo(key, file, program),
        CredentialTool::Docker => docker(&url()?, key, file),
        CredentialTool::Kubernetes => kubernetes(key, file, program),
        _ => {
            let url = url()?;
            let path = url.path();
            let slash = if path.is_empty() { "" } else { "/" };
            let name = format!("//{}/{path}{slash}:_authToken", url.authority());
            if file.lines().any(|line| line.trim_start().starts_with(&name)) {
                return taken(&name);
            }
            append(format!("{name}=${{OAUTH_ACCESS_TOKEN}}\n"))
        }
    }
}

/// Returns whether a text that was inserted calls this program for this key.
///
/// # Errors
///
/// See [`insertion`].
pub fn names_program(tool: CredentialTool, key: &str, text: &str, program: &str) -> Result<bool> {
    if tool == CredentialTool::Kubernetes {
        return Ok(kubernetes::adds_user(key, text, program));
    }
    let (_, ours) = insertion(tool, key, "", program)?;
    let (_, of_another) = insertion(tool, key, "", "another")?;
    let lines = ours.lines().zip(of_another.lines()).filter(|(line, other)| line != other);
    Ok(lines.map(|(line, _)| line.trim()).all(|line| text.contains(line)))
}

/// Maximum number of insertion points that are tried in a file.
const MOST_PLACES: usize = 100;

/// Inserts a member of `credHelpers`, as text: the rest of the file stays as it is.
fn docker(target: &Target, key: &str, file: &str) -> Result<insertions::Place> {
    // docker asks by host, except for its own registry.
    let server = if target.path().is_empty() { target.authority() } else { key.to_owned() };
    let member = format!("{}: \"oauthctl\"", Value::from(server.as_str()));
    if file.trim().is_empty() {
        let object = format!("{{\n\t\"credHelpers\": {{\n\t\t{member}\n\t}}\n}}\n");
        return Ok((file.len()..file.len(), object));
    }
    let invalid = || Error::config("the file is not a JSON object");
    let parsed: Value = serde_json::from_str(file).map_err(|_| invalid())?;
    let object = parsed.as_object().ok_or_else(invalid)?;
    if parsed["credHelpers"].get(&server).is_some() {
        return Err(Error::config(format!("the file already has a helper for `{server}`"))
            .hint("change it manually, or remove it first"));
    }
    let comma = |is_empty: bool| if is_empty { "" } else { "," };
    // Objects inside others may have a member of this name, too.
    let (after, text) = match object.get("credHelpers") {
        Some(Value::Object(helpers)) => {
            ("\"credHelpers\"", format!("\n\t\t{member}{}", comma(helpers.is_empty())))
        }
        Some(_) => {
            return Err(Error::config("`credHelpers` in the file is not an object")
                .hint("change it manually, or remove it first"));
        }
        None => {
            let comma = comma(object.is_empty());
            ("", format!("\n\t\"credHelpers\": {{\n\t\t{member}\n\t}}{comma}"))
        }
    };
    let braces =
        file.match_indices(after).filter_map(|(at, _)| Some(at + file[at..].find('{')? + 1));
    let is_set = |at: &usize| {
        let mut content = file.to_owned();
        content.insert_str(*at, &text);
        serde_json::from_str::<Value>(&content)
            .is_ok_and(|content| content["credHelpers"][&server] == "oauthctl")
    };
    let at = braces.take(MOST_PLACES).find(is_set).ok_or_else(invalid)?;
    Ok((at..at, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(tool: CredentialTool, key: &str, file: &str) -> String {
        let (at, text) = insertion(tool, key, file, "/opt/o'b/oauthctl").unwrap();
        let mut after = file.to_owned();
        after.insert_str(at.end, &text);
        after
    }

    #[test]
    fn docker_keeps_the_rest_of_its_file() {
        for file in [
            "",
            "{}",
            "{ \"auths\": {} }\n",
            "{\n\t\"credHelpers\": {}\n}",
            "{\"credHelpers\":{\"a.example\":\"x\"},\"b\":1}",
            "{\"a\":{\"credHelpers\":{}},\"b\":\"credHelpers\",\"credHelpers\":{}}",
            "{\"a\":[{\"credHelpers\":{\"x\":\"y\"}}],\"credHelpers\":{\"x\":\"y\"}}",
        ] {
            let text = after(CredentialTool::Docker, "https://registry.example", file);
            let after: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(after["credHelpers"]["registry.example"], "oauthctl", "{file}");
        }
        for file in
            ["[]", "{", "{\"credHelpers\":[]}", "{\"credHelpers\":{\"registry.example\":\"x\"}}"]
        {
            let refused = insertion(CredentialTool::Docker, "registry.example", file, "x");
            assert!(refused.is_err(), "{file}");
        }
    }
}
