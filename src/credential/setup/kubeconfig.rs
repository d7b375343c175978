//! Reads the users of a kubeconfig: a block list, as kubectl and most people write it. Other notations of YAML are
//! recognized, but not read.

/// A user of a kubeconfig.
pub struct User {
    /// `None` if it is in a notation that is not read.
    name: Option<String>,
    /// The values of the entry itself, which contain such a name.
    unread: String,
    /// The program that returns its credentials.
    pub command: Option<String>,
    /// The arguments of the program.
    pub args: Option<Vec<String>>,
}

impl User {
    /// Returns whether this is the name of the user, or may be.
    pub fn is_named(&self, name: &str) -> bool {
        self.name.as_ref().map_or_else(|| self.unread.contains(name), |own| own == name)
    }

    /// Returns the name, if it can be read.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Returns whether it runs this program with these arguments.
    pub fn runs(&self, program: &str, args: &[&str]) -> bool {
        self.command.as_deref() == Some(program)
            && self.args.as_ref().is_some_and(|own| own == args)
    }
}

/// Returns the users of a kubeconfig, or of a list of users alone.
pub fn users(file: &str) -> Vec<User> {
    let nodes = nodes(file);
    let list = match child(&nodes, "users") {
        Some((_, list)) => list,
        None if nodes.first().is_some_and(|node| node.key.is_none()) => &nodes,
        None => &[],
    };
    let Some(column) = list.first().map(|node| node.column) else { return Vec::new() };
    let is_entry = |node: &Node| node.key.is_none() && node.column == column;
    let starts = list.iter().enumerate().filter(|(_, node)| is_entry(node)).map(|(at, _)| at);
    let starts: Vec<usize> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([list.len()]);
    starts.iter().zip(ends).map(|(start, end)| user(&list[*start..end])).collect()
}

fn user(entry: &[Node]) -> User {
    let fields = entry.get(1..).unwrap_or_default();
    let exec = child(fields, "user").and_then(|(_, user)| child(user, "exec"));
    let exec = exec.map(|(_, exec)| exec).unwrap_or_default();
    let value = |nodes, key| child(nodes, key).and_then(|(node, _)| scalar(&node.value));
    let own = entry.iter().filter(|node| node.key.as_deref().is_none_or(|key| key == "name"));
    User {
        name: value(fields, "name"),
        unread: own.map(|node| node.value.as_str()).collect::<Vec<_>>().join("\n"),
        command: value(exec, "command"),
        args: child(exec, "args").and_then(|(node, list)| match node.value.is_empty() {
            true => list.iter().map(|node| scalar(&node.value)).collect(),
            false => flow_list(&node.value),
        }),
    }
}

/// A key of a mapping, or an entry of a list (without a key), and the text behind it.
struct Node {
    column: usize,
    key: Option<String>,
    value: String,
}

/// Returns a key of the mapping that these nodes begin with, and the nodes inside it.
fn child<'a>(nodes: &'a [Node], key: &str) -> Option<(&'a Node, &'a [Node])> {
    let column = nodes.first()?.column;
    let is_it = |node: &Node| node.column == column && node.key.as_deref() == Some(key);
    let at = nodes.iter().position(is_it)?;
    let inside = &nodes[at + 1..];
    // The entries of a list may be in the column of its key.
    let is_inside =
        |node: &Node| node.column > column || (node.column == column && node.key.is_none());
    let end = inside.iter().position(|node| !is_inside(node)).unwrap_or(inside.len());
    Some((&nodes[at], &inside[..end]))
}

/// Splits the lines of a file. A value that continues on the next lines keeps the line breaks.
fn nodes(file: &str) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let mut open_quote = None;
    for line in file.lines() {
        let content = line.trim();
        let mut column = line.len() - line.trim_start().len();
        let is_comment = content.is_empty() || content.starts_with('#');
        if let Some(last) = nodes.last_mut()
            && (open_quote.is_some()
                || (!is_comment && !last.value.is_empty() && column > last.column))
        {
            last.value.push('\n');
            last.value.push_str(content);
            open_quote = open_quote.filter(|quote| closing(content, *quote).is_none());
            continue;
        }
        if is_comment {
            continue;
        }
        let mut rest = content;
        let is_entry = |rest: &&str| rest.is_empty() || rest.starts_with(' ');
        while let Some(entry) = rest.strip_prefix('-').filter(is_entry) {
            nodes.push(Node { column, key: None, value: String::new() });
            rest = entry.trim_start();
            column += 1 + entry.len() - rest.len();
        }
        let value = match pair(rest) {
            Some((key, value)) => {
                nodes.push(Node { column, key: Some(key), value: value.to_owned() });
                value
            }
            None => {
                if let Some(last) = nodes.last_mut() {
                    last.value.push_str(rest);
                }
                rest
            }
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        open_quote = quote.filter(|quote| closing(&value[1..], *quote).is_none());
    }
    nodes
}

/// Returns the key that a text begins with, and its value.
fn pair(text: &str) -> Option<(String, &str)> {
    let (key, value) = match text.chars().next()? {
        quote @ ('"' | '\'') => {
            let end = closing(&text[1..], quote)? + 2;
            (scalar(&text[..end])?, text[end..].trim_start().strip_prefix(':')?)
        }
        '[' | '{' => return None,
        _ => {
            let at = text.find(": ").or_else(|| text.ends_with(':').then(|| text.len() - 1))?;
            (text[..at].to_owned(), &text[at + 1..])
        }
    };
    let value = value.trim();
    let is_comment = value.starts_with('#');
    (!key.contains(" #")).then_some((key, if is_comment { "" } else { value }))
}

/// Returns where a quote closes in the text behind the opening one.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => _ = chars.next(),
            '\'' if quote == c && chars.peek().is_some_and(|(_, next)| *next == c) => {
                chars.next();
            }
            _ if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// Returns the value of a scalar; `None` for notations that are not read.
fn scalar(text: &str) -> Option<String> {
    match text.chars().next()? {
        quote @ ('"' | '\'') => {
            let end = closing(&text[1..], quote)? + 1;
            let rest = text[end + 1..].trim();
            let inner = &text[1..end];
            match rest.is_empty() || rest.starts_with('#') {
                true if quote == '"' => unescaped(inner),
                true => Some(inner.replace('\n', " ").replace("''", "'")),
                false => None,
            }
        }
        '|' | '>' | '&' | '*' | '!' | '[' | '{' | '%' | '@' | '`' => None,
        _ => {
            let end = text.find(" #").unwrap_or(text.len());
            Some(text[..end].trim_end().replace('\n', " "))
        }
    }
}

/// Returns the value of a text in double quotes; `None` if it has an escape for a control character.
fn unescaped(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(if c == '\n' { ' ' } else { c });
            continue;
        }
        let digits = match chars.next()? {
            // The lines are joined without a space.
            '\n' => continue,
            c @ ('"' | '\\' | '/' | ' ') => {
                value.push(c);
                continue;
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        let code: String = chars.by_ref().take(digits).collect();
        value.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
    }
    Some(value)
}

/// Returns the scalars of a list such as `[a, "b"]`.
fn flow_list(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('[')?.trim_start();
    let mut all = Vec::new();
    while !rest.starts_with(']') {
        let end = match rest.chars().next()? {
            quote @ ('"' | '\'') => closing(&rest[1..], quote)? + 2,
            _ => rest.find([',', ']'])?,
        };
        all.push(scalar(rest[..end].trim_end())?);
        rest = rest[end..].trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None if rest.starts_with(']') => {}
            None => return None,
        }
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kubectl writes them.
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
            ("\"a\\\\b \\U0001F600\"", "a\\b 😀"),
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
                if file.contains(" # comment\n   ") {
                    continue;
                }
                let users = users(&file);
                assert_eq!(users.len(), 2, "{file}");
                assert_eq!(users[0].name(), Some(value), "{file}");
                assert!(users[0].runs(value, &["credential", value]), "{file}");
                assert!(users[1].is_named("b") && !users[1].is_named("c"), "{file}");
                assert!(!users[1].runs(value, &["credential", value]));
            }
        }
    }

    #[test]
    fn kubeconfig_of_another_notation_is_not_read() {
        for file in [
            "",
            "users:",
            "users: []\n",
            "{\"users\": [{\"name\": \"a\"}]}",
            "- name: \"a",
            "users:\n- name: &a a\n",
            "users:\n- name: |\n    a\n",
            "users:\n- name: \"\\",
            "users:\n- '",
            "users:\n-\n",
            "users:\n- - name: a\n",
            "users:\n  name: a\n",
        ] {
            assert!(users(file).iter().all(|user| user.name().is_none()), "{file}");
        }
        let anchored = users("users:\n- name: &x ours\n  user:\n    exec: {command: p}\n");
        assert!(anchored[0].is_named("ours") && !anchored[0].runs("p", &[]));
    }
}
