//! Users of a kubeconfig that run this program.

mod without;

use std::path::Path;

use oauthctl_core::profile::Target;
use oauthctl_core::{Error, Result, text};
use serde_json::{Value, json};

use super::insertions::Place;
use super::kubeconfig::{User, users, users_of};
use super::place::at_end;
use super::yaml::{self, Document, Node, Value as YamlValue};

/// The arguments before the key.
const CALL: [&str; 2] = ["credential", "kubernetes"];

/// What a new kubeconfig begins with.
const HEAD: &str = "apiVersion: v1\nkind: Config\n";

/// How to remove what was inserted into a file that its tool has rewritten.
pub enum Removal {
    /// Its place is certain.
    Text {
        /// The file without it.
        rest: String,
        removed: String,
        /// Whether nothing is left that a new file would not have.
        is_empty: bool,
    },
    /// This command removes it.
    Command(String),
}

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
pub(super) fn has_user(key: &str, file: &str, program: &str) -> bool {
    let is_ours = |user: &User| {
        user.name.as_deref().is_some_and(|name| name.starts_with("oauthctl-"))
            && user.runs(program, &[CALL[0], CALL[1], key])
    };
    users(file).iter().any(is_ours)
}

/// Returns whether a text that was added to a kubeconfig has a user that runs this program for a table.
pub(super) fn adds_user(key: &str, added: &str, program: &str) -> bool {
    added_users(added).iter().any(|user| user.runs(program, &[CALL[0], CALL[1], key]))
}

/// Returns how to remove the user in a text that was added to a kubeconfig, if the file at this path still has this user.
pub(super) fn removal(added: &str, path: &Path, file: &str) -> Option<Removal> {
    let added = added_users(added).into_iter().next()?;
    let (name, command, args) = (added.name?, added.command?, added.args?);
    let args: Vec<&str> = args.iter().map(|arg| &**arg).collect();
    let is_kept = |user: &User| user.is_named(&name) && user.runs(&command, &args);
    if !users(file).iter().any(is_kept) {
        return None;
    }
    let removed = without::without_user(&name, file).filter(|(rest, _)| is_same_file(rest));
    Some(match removed {
        Some((rest, removed)) => Removal::Text { is_empty: is_empty(&rest), rest, removed },
        None => Removal::Command(format!(
            "kubectl config --kubeconfig {} delete-user {}",
            text::shell_word(&path.to_string_lossy()),
            text::shell_word(&name)
        )),
    })
}

/// Returns whether kubectl finds the same users in a kubeconfig.
fn is_same_file(file: &str) -> bool {
    yaml::parse(file).ok().flatten().is_some_and(|root| is_same_to_kubectl(file, &root))
}

/// Returns whether a kubeconfig says nothing: kubectl writes such values into each file.
fn is_empty(file: &str) -> bool {
    let root = yaml::parse(file).ok().flatten();
    let Some(Node { value: YamlValue::Map(map), .. }) = root else { return false };
    !file.contains('#')
        && map.iter().all(|(key, value)| {
            matches!(key.text(), Some("apiVersion" | "kind"))
                || match &value.value {
                    YamlValue::List(list) => list.is_empty(),
                    YamlValue::Map(map) => map.is_empty(),
                    YamlValue::Scalar { text, .. } => text.is_empty() || value.is_null(),
                    YamlValue::Alias(_) => false,
                }
        })
}

/// Returns the users in a text that was added, which may be entries of the list or of the file.
fn added_users(added: &str) -> Vec<User> {
    let entries = added.trim_end().trim_end_matches(',');
    let list = format!("users:\n{entries}");
    let in_brackets = [format!("{{{entries}}}"), format!("{{users: [{entries}]}}")];
    let files = [added.to_owned(), list].into_iter().chain(in_brackets);
    files.map(|file| users(&file)).find(|users| !users.is_empty()).unwrap_or_default()
}

/// Inserts a user into a kubeconfig, as text: the rest of the file stays as it is.
pub(super) fn kubernetes(key: &str, file: &str, program: &str) -> Result<Place> {
    let invalid = |line| Error::config(format!("invalid YAML in line {line} of the file"));
    let before = yaml::parse(file).map_err(invalid)?.filter(|root| !root.is_null());
    let name = kubernetes_user(key);
    if let Some(root) = &before
        && let Some(user) = users_of(root).iter().find(|user| user.is_named(&name))
    {
        return Err(taken(&name, user, key));
    }
    let entry = Entry { name, program, key };
    let (at, text) = place_of(&entry, before.as_ref(), file)?;
    let mut after = file.to_owned();
    after.insert_str(at, &text);
    let is_added = |after: &Node| with_user(before, &entry).is_some_and(|before| before == *after);
    match yaml::parse(&after) {
        Ok(Some(parsed)) if is_added(&parsed) && is_same_to_kubectl(&after, &parsed) => {
            Ok((at..at, text))
        }
        _ => Err(another_notation("cannot edit `users` in the file: unsupported YAML style")),
    }
}

/// A user that runs this program.
struct Entry<'a> {
    name: String,
    program: &'a str,
    key: &'a str,
}

impl Entry<'_> {
    /// Returns it as an entry of a block list.
    fn block(&self, indent: &str) -> String {
        // A JSON string is a valid YAML string.
        let quoted = |text: &str| Value::from(text).to_string();
        [
            format!("- name: {}", quoted(&self.name)),
            "  user:".to_owned(),
            "    exec:".to_owned(),
            "      apiVersion: client.authentication.k8s.io/v1".to_owned(),
            format!("      command: {}", quoted(self.program)),
            format!("      args: [{}, {}, {}]", CALL[0], CALL[1], quoted(self.key)),
            "      interactiveMode: Never".to_owned(),
            "      provideClusterInfo: true".to_owned(),
        ]
        .map(|line| format!("{indent}{line}\n"))
        .concat()
    }

    /// Returns it as an entry of a list in brackets.
    fn flow(&self) -> String {
        let exec = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": self.program,
            "args": [CALL[0], CALL[1], self.key],
            "interactiveMode": "Never",
            "provideClusterInfo": true,
        });
        json!({ "name": self.name, "user": { "exec": exec } }).to_string()
    }
}

/// Returns where the user belongs, and its text there.
fn place_of(entry: &Entry<'_>, root: Option<&Node>, file: &str) -> Result<(usize, String)> {
    let append = |lines: &str| {
        let (at, text) = at_end(file, lines);
        (at.end, text)
    };
    let Some(root) = root else {
        return Ok(append(&format!("{HEAD}users:\n{}", entry.block(""))));
    };
    let comma = |is_first| if is_first { "" } else { "," };
    let indent = |at: usize| {
        let start = file[..at].rfind('\n').map_or(0, |at| at + 1);
        let line = &file[start..];
        &line[..line.len() - line.trim_start_matches(' ').len()]
    };
    let YamlValue::Map(map) = &root.value else {
        return Err(another_notation("the file is not a kubeconfig"));
    };
    let Some((name, users)) = root.entry("users") else {
        let indent = indent(root.start);
        return Ok(match root.is_flow {
            true => {
                let users = format!("\"users\":[{}]{}", entry.flow(), comma(map.is_empty()));
                (root.start + 1, users)
            }
            false => append(&format!("{indent}users:\n{}", entry.block(indent))),
        });
    };
    let line = &file[name.start..];
    let end = line.find('\n').map(|at| at + 1);
    let rest = &line[..end.unwrap_or(line.len())];
    match (users.list(), end) {
        (Some(list), _) if users.is_flow => {
            let text = format!("{}{}", entry.flow(), comma(list.is_empty()));
            Ok((users.start + 1, text))
        }
        (Some(_), Some(end)) => {
            let at = name.start + end;
            Ok((at, entry.block(indent_of_list(&file[at..]))))
        }
        (None, Some(end)) if users.is_null() && file[users.start..].starts_with(':') => {
            Ok((name.start + end, entry.block(indent(name.start))))
        }
        // kubectl writes `null` if there are no users. The line becomes a comment, unless a character would end it.
        (None, _) if users.is_null() && rest.trim_end().chars().all(text::is_harmless) => {
            let indent = indent(name.start);
            Ok((name.start, format!("users:\n{}{indent}# ", entry.block(indent))))
        }
        _ => Err(another_notation("`users` in the file is not a list")),
    }
}

/// Returns whether kubectl finds the same users in a kubeconfig. It reads YAML 1.1, in which more characters end a line
/// and a mapping can include others, and takes the last of several values of a key.
fn is_same_to_kubectl(file: &str, root: &Node) -> bool {
    let YamlValue::Map(map) = &root.value else { return false };
    let document = Document::of(root);
    let count =
        |name| map.iter().filter(|(key, _)| document.resolved(key).text() == Some(name)).count();
    !file.contains(['\u{85}', '\u{2028}', '\u{2029}']) && count("<<") == 0 && count("users") == 1
}

/// Returns what a kubeconfig contains with the user.
fn with_user(root: Option<Node>, entry: &Entry<'_>) -> Option<Node> {
    let Some(mut root) = root else {
        return yaml::parse(&format!("{HEAD}users: [{}]\n", entry.flow())).ok()?;
    };
    let mut users = yaml::parse(&format!("[{}]", entry.flow())).ok()??;
    let is_flow = root.is_flow;
    let YamlValue::Map(map) = &mut root.value else { return None };
    match map.iter_mut().find(|(key, _)| key.text() == Some("users")) {
        Some((_, Node { value: YamlValue::List(list), .. })) => {
            let YamlValue::List(users) = &mut users.value else { return None };
            list.insert(0, users.pop()?);
        }
        Some((_, null)) => *null = users,
        None => {
            let at = if is_flow { 0 } else { map.len() };
            map.insert(at, (yaml::parse("users").ok()??, users));
        }
    }
    Some(root)
}

/// Says which user has the name that a table needs.
fn taken(name: &str, user: &User, key: &str) -> Error {
    let name = text::one_line(name);
    match user.args.as_deref() {
        Some([first, second, other]) if [&**first, &**second] == CALL && **other != *key => {
            let table = format!("[credential.kubernetes.{}]", Value::from(text::one_line(other)));
            Error::config(format!("the file already has the user `{name}`, of the table {table}"))
                .hint("rename that user in the file, and in the contexts that select it")
        }
        _ => Error::config(format!("the file already has another user `{name}`"))
            .hint("rename or remove that user in the file"),
    }
}

/// Returns the indent of the block list that these lines begin with, which may be empty.
fn indent_of_list(lines: &str) -> &str {
    let is_content = |line: &&str| !line.is_empty() && !line.trim_start().starts_with('#');
    let first = lines.lines().map(str::trim_end).find(is_content).unwrap_or_default();
    &first[..first.len() - first.trim_start().len()]
}

fn another_notation(what: &str) -> Error {
    Error::config(what).hint("add the user with `kubectl config set-credentials`")
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
        for (file, text) in [
            ("users: {}\n", "is not a list"),
            ("users: a\n", "is not a list"),
            ("users:\n- name: a\n  b\n", "invalid YAML in line 3"),
            ("[]\n", "is not a kubeconfig"),
            // These need more than another text.
            ("{\"users\": null}", "unsupported YAML style"),
            ("a: &a x\nusers: &b null\nc: &c y\nd: *c\n", "unsupported YAML style"),
            ("a: b\n---\nc: d\n", "unsupported YAML style"),
            // kubectl reads YAML 1.1, in which such a character ends the comment.
            ("users: null # a\u{85}b: c\n", "is not a list"),
            ("# a\u{85}users: []\na: b\n", "unsupported YAML style"),
            ("# a\u{2028}users: []\na: b\n", "unsupported YAML style"),
            ("# a\u{2029}users: []\na: b\n", "unsupported YAML style"),
            // It would take the users from another mapping, or from the last of several lists.
            ("a: &a {users: [{name: b}]}\n<<: *a\n", "unsupported YAML style"),
            ("{a: &a {users: []}, <<: [*a]}", "unsupported YAML style"),
            ("users: []\na: b\n'users': []\n", "unsupported YAML style"),
            ("users:\n- name: a\nusers:\n- name: b\n", "unsupported YAML style"),
            ("a: &a users\n*a : [{name: b}]\n", "unsupported YAML style"),
        ] {
            let refused = kubernetes(key, file, "x").unwrap_err();
            assert!(refused.message().contains(text), "{file}: {refused:?}");
        }
    }
}
