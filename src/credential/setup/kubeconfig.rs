//! The users and contexts of a kubeconfig.

use std::rc::Rc;

use super::yaml::{Document, Node, parse};

/// More arguments than this program is called with.
const MOST_ARGS: usize = 16;

/// A user of a kubeconfig.
pub struct User {
    pub name: Option<Rc<str>>,
    /// The program that returns its credentials.
    pub command: Option<Rc<str>>,
    /// The arguments of the program, unless they are more than this program is ever called with: many users may share a
    /// long list.
    pub args: Option<Vec<Rc<str>>>,
}

impl User {
    /// Returns whether this is the name of the user.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// Returns whether it runs this program with these arguments.
    pub fn runs(&self, program: &str, args: &[&str]) -> bool {
        self.command.as_deref() == Some(program)
            && self
                .args
                .as_ref()
                .is_some_and(|own| own.iter().map(|arg| &**arg).eq(args.iter().copied()))
    }
}

/// Returns the users of a kubeconfig; none if it is not valid.
pub fn users(file: &str) -> Vec<User> {
    parse(file).ok().flatten().map(|root| users_of(&root)).unwrap_or_default()
}

/// Returns the users of a document.
pub fn users_of(root: &Node) -> Vec<User> {
    let root = Document::of(root);
    let list = root.get(&["users"]).and_then(Node::list).unwrap_or_default();
    let user = |node| {
        let text = |node, path: &[&str]| root.at(node, path)?.shared_text().cloned();
        let args = root.at(node, &["user", "exec", "args"]).and_then(Node::list);
        let args = args.filter(|args| args.len() <= MOST_ARGS);
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
    let root = Document::of(&root);
    let contexts = root.get(&["contexts"])?.list()?;
    let selects =
        |context: &&Node| root.at(context, &["context", "user"]).and_then(Node::text) == Some(user);
    let context = contexts.iter().find(selects)?;
    Some(root.at(context, &["name"])?.text()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::yaml::VISITED;
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

    #[test]
    fn kubeconfig_alias_means_the_last_anchor_before_it() {
        let file = "a: &n b\nusers:\n- name: *n\n- name: &n c\n- name: *n\nd: &n e\n";
        let names: Vec<_> = users(file).into_iter().map(|user| user.name).collect();
        assert_eq!(
            names.iter().map(Option::as_deref).collect::<Vec<_>>(),
            [Some("b"), Some("c"), Some("c")]
        );
    }

    /// A search of the document for each alias would take too long.
    #[test]
    fn kubeconfig_with_many_aliases_is_searched_once() {
        let many = 1_000;
        let anchors: String = (0..many).map(|at| format!("- &a{at} x\n")).collect();
        let names: String = (0..many).map(|at| format!("- name: *a{at}\n")).collect();
        let before = VISITED.get();
        let users = users(&format!("a:\n{anchors}users:\n{names}"));
        // The root, two keys and two lists; a scalar for each anchor; a mapping, a key and an alias for each user.
        assert_eq!(VISITED.get() - before, 5 + many + 3 * many);
        assert_eq!(users.len(), many);
        assert!(users.iter().all(|user| user.is_named("x")));
    }

    /// Each of many users may refer to the same list.
    #[test]
    fn kubeconfig_with_many_arguments_has_none() {
        let file = format!("users: [{{user: {{exec: {{args: [{}b]}}}}}}]", "b, ".repeat(1000));
        assert!(users(&file)[0].args.is_none());
    }
}
