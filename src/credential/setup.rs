//! What `credential setup` inserts into the configuration of a tool, and where.

use std::ops::Range;

use oauthctl_core::profile::{CredentialTool, Target};
use oauthctl_core::{Error, Result, text};
use serde_json::Value;

/// The configuration file of a tool: its path below the home directory, and the variables that change it.
pub struct Place {
    /// The variable that contains the path of the file.
    pub file_variable: &'static str,
    /// The variable that contains the directory, and the name of the file in it.
    pub directory_variable: (&'static str, &'static str),
    /// The path below the home directory.
    pub below_home: &'static str,
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

/// Returns the text to insert, and the range of the file behind which it belongs and that tells it from an equal text.
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
) -> Result<(Range<usize>, String)> {
    let append = |block: String| {
        let line = if file.is_empty() || file.ends_with('\n') { "" } else { "\n" };
        Ok(end(file, format!("{line}{block}")))
    };
    let taken = |what: &str| {
        Err(Error::config(format!("the file already has {what}"))
            .hint("change it manually, or remove it first"))
    };
    let url = || Target::parse(key).map_err(|why| Error::config(format!("the key {why}")));
    let shell = text::shell_word(program);
    match tool {
        CredentialTool::Git => {
            let url = if url()?.is_url() { key.to_owned() } else { format!("https://{key}") };
            append(format!(
                "[credential \"{url}\"]\n\thelper =\n\thelper = \"!{} credential git\"\n",
                shell.replace('\\', "\\\\").replace('"', "\\\"")
            ))
        }
        CredentialTool::Aws => {
            if key.starts_with('-')
                || key.contains(['[', ']'])
                || !key.chars().all(text::is_harmless)
            {
                return Err(Error::config("the key cannot be the name of an AWS profile"));
            }
            let section = format!("[profile {key}]");
            if file.lines().any(|line| line.trim() == section) {
                return taken(&section);
            }
            append(format!(
                "{section}\ncredential_process = {shell} credential aws {}\n",
                text::shell_word(key)
            ))
        }
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

/// Returns the lines of the text to insert that name this program.
///
/// # Errors
///
/// See [`insertion`].
pub fn calls_of(tool: CredentialTool, key: &str, program: &str) -> Result<Vec<String>> {
    let (_, text) = insertion(tool, key, "", program)?;
    let (_, of_another) = insertion(tool, key, "", "another")?;
    let lines = text.lines().zip(of_another.lines()).filter(|(line, other)| line != other);
    Ok(lines.map(|(line, _)| line.trim().to_owned()).collect())
}

/// Inserts a text at the end of a file.
fn end(file: &str, text: String) -> (Range<usize>, String) {
    (file.len()..file.len(), text)
}

/// Inserts the provider into the registry with this index, or adds the registry.
fn cargo(key: &str, file: &str, program: &str) -> Result<(Range<usize>, String)> {
    let argument = |text: &str| Value::from(text).to_string();
    let provider =
        format!("credential-provider = [{}, \"credential\", \"cargo\"]\n", argument(program));
    let index = format!("index = {}", argument(key));
    let mut at = 0;
    for line in file.split_inclusive('\n') {
        at += line.len();
        if line.trim() == index {
            let newline = if line.ends_with('\n') { "" } else { "\n" };
            // The providers of all registries are equal.
            return Ok((at - line.len()..at, format!("{newline}{provider}")));
        }
    }
    let target = Target::parse(key).map_err(|why| Error::config(format!("the key {why}")))?;
    if !target.is_url() {
        // cargo rejects its whole configuration if an index is no URL.
        return Err(Error::config(format!("the key `{}` is not the URL of an index", text::one_line(key)))
            .hint("use the index of the registry as the key, for example `[credential.cargo.\"sparse+https://cargo.example.com/index/\"]`"));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let name: String = target.host().chars().map(|c| if is_word(c) { c } else { '-' }).collect();
    // A registry name of cargo must not begin with a digit.
    let name = if name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name
    } else {
        format!("registry-{}", name.trim_matches('-'))
    };
    let line = if file.is_empty() || file.ends_with('\n') { "" } else { "\n" };
    Ok(end(file, format!("{line}[registries.{name}]\n{index}\n{provider}")))
}

/// Returns the name of the kubeconfig user for a table.
pub fn kubernetes_user(key: &str) -> String {
    let url = Target::parse(key).ok().filter(Target::is_url);
    format!("oauthctl-{}", url.map_or_else(|| key.to_owned(), |url| url.authority()))
}

/// Returns whether a kubeconfig has the user of a table, also if kubectl has rewritten the file: each change with
/// `kubectl config` does.
pub fn has_kubernetes_user(key: &str, file: &str) -> bool {
    let user = kubernetes_user(key);
    let names = [Value::from(user.as_str()).to_string(), format!("'{user}'"), user];
    let is_name = |line: &str| {
        let name = line.trim_start().strip_prefix("- name: ");
        name.is_some_and(|name| names.iter().any(|one| name.trim_end() == one))
    };
    let mut pairs = file.lines().zip(file.lines().skip(1));
    pairs.any(|(line, next)| is_name(line) && next.trim_start().starts_with("user:"))
}

/// Inserts a user into a kubeconfig, as text: the rest of the file stays as it is.
fn kubernetes(key: &str, file: &str, program: &str) -> Result<(Range<usize>, String)> {
    // A JSON string is a valid YAML string.
    let quoted = |text: &str| Value::from(text).to_string();
    let user = kubernetes_user(key);
    let name = format!("name: {}", quoted(&user));
    let is_name = |line: &str| line.trim_start_matches([' ', '-']) == name;
    if has_kubernetes_user(key, file) || file.lines().any(is_name) {
        let remove = format!("kubectl config delete-user {}", text::shell_word(&user));
        return Err(Error::config(format!("the file already has a user with `{name}`"))
            .hint(format!("run `{remove}` first")));
    }
    let entry = |indent: &str| {
        [
            format!("- {name}"),
            "  user:".to_owned(),
            "    exec:".to_owned(),
            "      apiVersion: client.authentication.k8s.io/v1".to_owned(),
            format!("      command: {}", quoted(program)),
            format!("      args: [credential, kubernetes, {}]", quoted(key)),
            "      interactiveMode: Never".to_owned(),
            "      provideClusterInfo: true".to_owned(),
        ]
        .map(|line| format!("{indent}{line}\n"))
        .concat()
    };
    let mut start = 0;
    for line in file.split_inclusive('\n') {
        let end = start + line.len();
        match value_of_users(line) {
            Some("") if line.ends_with('\n') => {
                let indent = indent_of_list(&file[end..]).ok_or_else(another_notation)?;
                return Ok((end..end, entry(indent)));
            }
            // kubectl writes `null` if there are no users. The line becomes a comment.
            Some("" | "null" | "Null" | "NULL" | "~" | "[]" | "[ ]") => {
                return Ok((start..start, format!("users:\n{}# ", entry(""))));
            }
            None if !line.starts_with(['{', '\t']) => start = end,
            _ => return Err(another_notation()),
        }
    }
    let (head, line) = match (file.trim().is_empty(), file.ends_with('\n')) {
        (true, _) => ("apiVersion: v1\nkind: Config\n", ""),
        (false, true) => ("", ""),
        (false, false) => ("", "\n"),
    };
    Ok(end(file, format!("{line}{head}users:\n{}", entry(""))))
}

/// Returns the value behind the key `users` of a kubeconfig, without a comment, if the line begins with this key.
fn value_of_users(line: &str) -> Option<&str> {
    let keys = ["users:", "\"users\":", "'users':"];
    let value = keys.into_iter().find_map(|key| line.strip_prefix(key))?.trim_end();
    // Some characters that are not harmless would end the comment.
    let comment = value.find(" #").filter(|at| value[*at..].chars().all(text::is_harmless));
    Some(value[..comment.unwrap_or(value.len())].trim())
}

/// Returns the indent of the block list that these lines begin with, which may be empty; `None` if they begin with
/// another value.
fn indent_of_list(lines: &str) -> Option<&str> {
    let is_content = |line: &&str| !line.is_empty() && !line.trim_start().starts_with('#');
    let first = lines.lines().map(str::trim_end).find(is_content).unwrap_or_default();
    let content = first.trim_start();
    let indent = &first[..first.len() - content.len()];
    let is_entry = content == "-" || content.starts_with("- ");
    (is_entry || indent.is_empty()).then_some(indent)
}

fn another_notation() -> Error {
    Error::config("the `users` of the file are not written as a block list")
        .hint("add the user with `kubectl config set-credentials`")
}

/// Inserts a member of `credHelpers`, as text: the rest of the file stays as it is.
fn docker(target: &Target, key: &str, file: &str) -> Result<(Range<usize>, String)> {
    // docker asks by host, except for its own registry.
    let server = if target.path().is_empty() { target.authority() } else { key.to_owned() };
    let member = format!("{}: \"oauthctl\"", Value::from(server.as_str()));
    if file.trim().is_empty() {
        return Ok(end(file, format!("{{\n\t\"credHelpers\": {{\n\t\t{member}\n\t}}\n}}\n")));
    }
    let invalid = || Error::config("the file is not a JSON object");
    let parsed: Value = serde_json::from_str(file).map_err(|_| invalid())?;
    let object = parsed.as_object().ok_or_else(invalid)?;
    if parsed["credHelpers"].get(&server).is_some() {
        return Err(Error::config(format!("the file already has a helper for `{server}`"))
            .hint("change it manually, or remove it first"));
    }
    let (at, text) = match object.get("credHelpers") {
        Some(helpers) => {
            let is_empty = helpers.as_object().ok_or_else(invalid)?.is_empty();
            let name = file.find("\"credHelpers\"").ok_or_else(invalid)?;
            let brace = file[name..].find('{').ok_or_else(invalid)? + name + 1;
            (brace, format!("\n\t\t{member}{}", if is_empty { "" } else { "," }))
        }
        None => {
            let brace = file.find('{').ok_or_else(invalid)? + 1;
            let comma = if object.is_empty() { "" } else { "," };
            (brace, format!("\n\t\"credHelpers\": {{\n\t\t{member}\n\t}}{comma}"))
        }
    };
    let mut after = file.to_owned();
    after.insert_str(at, &text);
    let is_set = serde_json::from_str::<Value>(&after)
        .is_ok_and(|after| after["credHelpers"][&server] == "oauthctl");
    if is_set { Ok((at..at, text)) } else { Err(invalid()) }
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

    #[test]
    fn kubernetes_keeps_the_rest_of_its_file() {
        let key = "https://k8s.example:6443";
        for (file, before, indent, next) in [
            ("", "kind: Config\nusers:\n", "", ""),
            ("kind: Config", "kind: Config\nusers:\n", "", ""),
            ("users:\n- name: a\n  user: {}\n", "users:\n", "", "- name: a\n"),
            ("users:\n  - name: a\nx: y\n", "users:\n", "  ", "  - name: a\n"),
            ("a: b\nusers:", "a: b\nusers:\n", "", ""),
            ("users:\n\n# a\n  -\n    name: a\n", "users:\n", "  ", "\n# a\n  -\n"),
            ("a: b\nusers: null\n", "a: b\nusers:\n", "", "# users: null\n"),
        ] {
            let text = after(CredentialTool::Kubernetes, key, file);
            let (head, rest) = text.split_once(&format!("{indent}- name: \"oauthctl-")).unwrap();
            assert!(head.ends_with(before), "{text}");
            assert!(rest.starts_with("k8s.example:6443\"\n"), "{text}");
            assert!(rest.contains(&format!("\n{indent}      command: \"/opt/o'b/oauthctl\"\n")));
            assert!(rest.contains(&format!("provideClusterInfo: true\n{next}")), "{text}");
            assert!(insertion(CredentialTool::Kubernetes, key, &text, "x").is_err());
        }
        for file in ["users: [{}]\n", "users: {}\n", "{\"users\": []}"] {
            assert!(insertion(CredentialTool::Kubernetes, key, file, "x").is_err(), "{file}");
        }
    }

    #[test]
    fn cargo_finds_the_registry_or_adds_it() {
        let key = "sparse+https://cargo.example/index/";
        let found = format!("[registries.ours]\nindex = \"{key}\"\n[net]\n");
        let text = after(CredentialTool::Cargo, key, &found);
        assert!(
            text.contains("/index/\"\ncredential-provider = [\"/opt/o'b/oauthctl\", "),
            "{text}"
        );
        let text = after(CredentialTool::Cargo, key, "[net]");
        assert!(text.starts_with("[net]\n[registries.cargo-example]\nindex = "), "{text}");
        let text = after(CredentialTool::Cargo, "http://127.0.0.1:1/", "");
        assert!(text.starts_with("[registries.registry-127-0-0-1]\n"), "{text}");
        for key in ["local", "cargo.example.com", "cargo.example.com/index/"] {
            assert!(insertion(CredentialTool::Cargo, key, "", "x").is_err(), "{key}");
        }
    }
}
