//! The users and contexts of a kubeconfig.

use super::yaml::{Node, parse};

/// A user of a kubeconfig.
pub struct User {
    pub name: Option<String>,
    /// The program that returns its credentials.
    pub command: Option<String>,
    /// The arguments of the program.
    pub args: Option<Vec<String>>,
}

impl User {
    /// Returns whether this is the name of the user.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// Returns whether it runs this program with these arguments.
    pub fn runs(&self, program: &str, args: &[&str]) -> bool {
        self.command.as_deref() == Some(program)
            && self.args.as_ref().is_some_and(|own| own == args)
    }
}

/// Returns the users of a kubeconfig; none if it is not valid.
pub fn users(file: &str) -> Vec<User> {
    parse(file).ok().flatten().map(|root| users_of(&root)).unwrap_or_default()
}

/// Returns the users of a document.
pub fn users_of(root: &Node) -> Vec<User> {
    let list = root.at(root, &["users"]).and_then(Node::list).unwrap_or_default();
    let text = |node: &Node, path: &[&str]| Some(root.at(node, path)?.text()?.to_owned());
    let user = |node: &Node| {
        let args = root.at(node, &["user", "exec", "args"]).and_then(Node::list);
        let args = args.and_then(|args| args.iter().map(|arg| text(arg, &[])).collect());
        User {
            name: text(node, &["name"]),
            command: text(node, &["user", "exec", "command"]),
            args,
        }
    };
    list.iter().map(user).collect()
}

/// Returns the name of the first context in a kubeconfig that selects a user.
pub fn context_of(user: &str, file: &str) -> Option<String> {
    let root = parse(file).ok()??;
    let contexts = root.at(&root, &["contexts"])?.list()?;
    let selects =
        |context: &&Node| root.at(context, &["context", "user"]).and_then(Node::text) == Some(user);
    let name = |context: &Node| Some(root.at(context, &["name"])?.text()?.to_owned());
    contexts.iter().find(selects).and_then(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kubectl and people write them.
    #[test]
    fn kubeconfig_users_are_read() {
        let long = format!("{} z", "y".repeat(200));
        for (written, value) in [
            ("'it''s: x'", "it's: x"),
            ("\"it's: x\"", "it's: x"),
            ("it's", "it's"),
            ("\"0123\"", "0123"),
            ("https://h:6443", "https://h:6443"),
            ("a:b # comment", "a:b"),
            ("'x #y'", "x #y"),
            ("a\\b", "a\\b"),
            ("!!str a", "a"),
            ("\"a\\\\b \\U0001F600\"", "a\\b 😀"),
            ("&x a", "a"),
            (&long.replace(" z", "\n                z"), &long),
            (&format!("'{}'", long.replace(" z", "\n                z")), &long),
            (&format!("\"{}\"", long.replace(" z", "\\\n                \\ z")), &long),
        ] {
            for file in [
                format!(
                    "contexts:\n- context:\n    user: u\n  name: d\nusers:\n- name: {written}\n  user:\n    exec:\n      \
                     args:\n      - credential\n      - {written}\n      command: {written}\n- name: b\n  user: {{}}\n"
                ),
                format!(
                    "'users': # ours\r\n  -   user:\n        token: x\n        \"exec\":\n            command:\n\
                     \x20             {written}\n            args: [ credential,{written}\n               ]\n\n\
                     \x20     # c\n      name: {written}\n  - {{name: b}}\na: b\n"
                ),
            ] {
                let users = users(&file);
                assert_eq!(users.len(), 2, "{file}");
                assert_eq!(users[0].name.as_deref(), Some(value), "{file}");
                assert!(users[0].runs(value, &["credential", value]), "{file}");
                assert!(users[1].is_named("b") && !users[1].is_named("c"), "{file}");
                assert!(!users[1].runs(value, &["credential", value]));
            }
        }
    }

    #[test]
    fn kubeconfig_without_named_users_has_none() {
        let deep = format!("users: {}", "[".repeat(100_000));
        let laughs: String = (1..30).fold("a0: &a0 [x]\n".to_owned(), |file, at| {
            format!("{file}a{at}: &a{at} [*a{0}, *a{0}]\n", at - 1)
        });
        for file in [
            "",
            "users:",
            "users: []\n",
            "- name: \"a",
            "users:\n- name: \"\\",
            "users:\n- '",
            "users:\n-\n",
            "users:\n- - name: a\n",
            "users:\n  name: a\n",
            "users: &a\n- *a\n",
            &deep,
            &format!("{laughs}users: *a29\n"),
        ] {
            assert!(users(file).iter().all(|user| user.name.is_none()), "{file}");
        }
    }

    #[test]
    fn kubeconfig_aliases_stand_for_their_values() {
        let file =
            "a: &u {exec: {command: p, args: [b]}}\nn: &n c\nusers:\n- name: *n\n  user: *u\n";
        let users = users(file);
        assert!(users[0].is_named("c") && users[0].runs("p", &["b"]));
        let file = format!(
            "{file}contexts:\n- name: d\n  context: {{user: x}}\n- name: e\n  context: {{user: *n}}\n"
        );
        assert_eq!(context_of("c", &file).as_deref(), Some("e"));
        assert_eq!(context_of("b", &file), None);
    }
}
