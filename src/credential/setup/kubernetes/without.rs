//! Takes a user out of a kubeconfig that kubectl has rewritten: the rest of the file stays as it is.

use std::ops::Range;

use crate::credential::setup::yaml::{Node, Value, parse};

/// Removes the program that returns the credentials of a user from a kubeconfig, and the whole user if there is nothing
/// else in it. Returns the rest of the file and what was removed, or `None` if the place is not certain.
pub fn without_user(name: &str, file: &str) -> Option<(String, String)> {
    let root = parse(file).ok()??;
    let (key, users) = root.entry("users")?;
    let list = users.list()?;
    // A name that is not plain text could be this name.
    let is_named = |entry: &Node| {
        entry.entry("name").and_then(|(_, name)| name.text()).is_none_or(|own| own == name)
    };
    let mut named = list.iter().enumerate().filter(|(_, entry)| is_named(entry));
    let (Some((at, entry)), None) = (named.next(), named.next()) else { return None };
    let (_, user) = entry.entry("user")?;
    let settings = user.map()?;
    let exec = settings.iter().position(|(key, _)| key.text() == Some("exec"))?;
    let mut rest = root.clone();
    let Value::Map(left) = &mut rest.value else { return None };
    let (_, left) = left.iter_mut().find(|(key, _)| key.text() == Some("users"))?;
    let Value::List(left_entries) = &mut left.value else { return None };
    let (nodes, at, is_flow, mark): (Vec<_>, _, _, _) = if settings.len() == 1 {
        if entry.map()?.len() != 2 {
            return None;
        }
        left_entries.remove(at);
        (list.iter().map(|entry| entry.start..entry.end).collect(), at, users.is_flow, "-")
    } else {
        let left = left_entries[at].map_mut()?;
        let (_, left) = left.iter_mut().find(|(key, _)| key.text() == Some("user"))?;
        left.map_mut()?.remove(exec);
        let pairs = settings.iter().map(|(key, value)| key.start..value.end);
        (pairs.collect(), exec, user.is_flow, "")
    };
    let range = match is_flow {
        true => in_brackets(&nodes, at),
        false => lines(file, nodes[at].clone(), mark)?,
    };
    let (mut head, tail) = (file[..range.start].to_owned(), &file[range.end..]);
    if left.list().is_some_and(<[Node]>::is_empty) && !users.is_flow {
        // As kubectl writes a list without users.
        *left = parse("null").ok()??;
        head.insert_str(key.end + head.get(key.end..)?.find(':')? + 1, " null");
    }
    let text = head + tail;
    let is_rest = parse(&text).ok()?? == rest;
    is_rest.then(|| (text, file[range].to_owned()))
}

/// Returns the lines of a node, which may begin with a mark, if nothing else is in them.
fn lines(file: &str, node: Range<usize>, mark: &str) -> Option<Range<usize>> {
    let before = file[..node.start].trim_end_matches(' ');
    let before = if mark.is_empty() { before } else { before.trim_end().strip_suffix(mark)? };
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let is_complete = file[..node.end].ends_with('\n');
    let after = file[node.end..].split_inclusive('\n').next().filter(|_| !is_complete);
    let after = after.unwrap_or_default();
    let is_alone = before[start..].trim().is_empty() && after.trim().is_empty();
    is_alone.then_some(start..node.end + after.len())
}

/// Returns a node in brackets with the comma that belongs to it.
fn in_brackets(nodes: &[Range<usize>], at: usize) -> Range<usize> {
    match (nodes.get(at + 1), at.checked_sub(1)) {
        (Some(next), _) => nodes[at].start..next.start,
        (None, Some(before)) => nodes[before].end..nodes[at].end,
        (None, None) => nodes[at].clone(),
    }
}
