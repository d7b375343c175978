//! Users of a kubeconfig that run this program.

use oauthctl_core::profile::Target;
use oauthctl_core::store::Place;
use oauthctl_core::{Error, Result, text};
use serde_json::Value;

use super::kubeconfig::{User, users};
use super::place::at_end;

/// The arguments before the key.
const CALL: [&str; 2] = ["credential", "kubernetes"];

/// Returns the name of the kubeconfig user for a table.
pub fn kubernetes_user(key: &str) -> String {
    let name = match Target::parse(key) {
        // Several clusters may share a host.
        Ok(url) if url.is_url() && !url.path().is_empty() => {
            format!("{}/{}", url.authority(), url.path())
        }
        Ok(url) if url.is_url() => url.authority(),
        _ => key.to_owned(),
    };
    format!("oauthctl-{name}")
}

/// Returns whether a kubeconfig has a user that runs this program for a table, also if kubectl has rewritten the file:
/// each change with `kubectl config` does.
pub fn has_kubernetes_user(key: &str, file: &str, program: &str) -> bool {
    let is_ours = |user: &User| {
        user.name().is_some_and(|name| name.starts_with("oauthctl-"))
            && user.runs(program, &[CALL[0], CALL[1], key])
    };
    users(file).iter().any(is_ours)
}

/// Returns the name of the user in a text that was added to a kubeconfig, if the file still has this user.
pub fn kept_kubernetes_user(added: &str, file: &str) -> Option<String> {
    let added = users(added).into_iter().next()?;
    let (name, command, args) = (added.name()?, added.command.as_deref()?, added.args.as_deref()?);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let is_kept = |user: &User| user.name() == Some(name) && user.runs(command, &args);
    users(file).iter().any(is_kept).then(|| name.to_owned())
}

/// Inserts a user into a kubeconfig, as text: the rest of the file stays as it is.
pub(super) fn kubernetes(key: &str, file: &str, program: &str) -> Result<Place> {
    // A JSON string is a valid YAML string.
    let quoted = |text: &str| Value::from(text).to_string();
    let name = kubernetes_user(key);
    if let Some(user) = users(file).iter().find(|user| user.is_named(&name)) {
        return Err(taken(&name, user, key));
    }
    let entry = |indent: &str| {
        [
            format!("- name: {}", quoted(&name)),
            "  user:".to_owned(),
            "    exec:".to_owned(),
            "      apiVersion: client.authentication.k8s.io/v1".to_owned(),
            format!("      command: {}", quoted(program)),
            format!("      args: [{}, {}, {}]", CALL[0], CALL[1], quoted(key)),
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
    let head = if file.trim().is_empty() { "apiVersion: v1\nkind: Config\n" } else { "" };
    Ok(at_end(file, &format!("{head}users:\n{}", entry(""))))
}

/// Says which user has the name that a table needs.
fn taken(name: &str, user: &User, key: &str) -> Error {
    let name = text::one_line(name);
    match user.args.as_deref() {
        Some([first, second, other]) if [first, second] == CALL && other != key => {
            let table = format!("[credential.kubernetes.{}]", Value::from(text::one_line(other)));
            Error::config(format!("the file already has the user `{name}`, of the table {table}"))
                .hint("rename that user in the file, and in the contexts that select it")
        }
        _ => Error::config(format!("the file already has another user `{name}`"))
            .hint("rename or remove that user in the file"),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn after(key: &str, file: &str) -> String {
        let (at, text) = kubernetes(key, file, "/opt/o'b/oauthctl").unwrap();
        let mut after = file.to_owned();
        after.insert_str(at.end, &text);
        after
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
            let text = after(key, file);
            let (head, rest) = text.split_once(&format!("{indent}- name: \"oauthctl-")).unwrap();
            assert!(head.ends_with(before), "{text}");
            assert!(rest.starts_with("k8s.example:6443\"\n"), "{text}");
            assert!(rest.contains(&format!("\n{indent}      command: \"/opt/o'b/oauthctl\"\n")));
            assert!(rest.contains(&format!("provideClusterInfo: true\n{next}")), "{text}");
            assert!(kubernetes(key, &text, "x").is_err());
        }
        for file in ["users: [{}]\n", "users: {}\n", "{\"users\": []}"] {
            assert!(kubernetes(key, file, "x").is_err(), "{file}");
        }
    }
}
