//! Functions have few parameters: what belongs together is one value.

use super::source::{is_word, joined, read_sources, report, word};

/// The most parameters of a function, besides `self`.
const MOST: usize = 5;

#[test]
fn functions_have_at_most_five_parameters() {
    let mut faults = Vec::new();
    for source in read_sources(&["src", "crates", "tests", "examples", "benches"]) {
        for (name, count) in functions(&joined(&source)) {
            // A trait of another crate decides about its methods.
            if count > MOST && name != "verify_server_cert" {
                faults.push(format!("{}: `{name}` has {count} parameters", source.path));
            }
        }
    }
    report(&faults);
}

/// The functions of this code, and how many parameters each has besides `self`.
fn functions(code: &str) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    for (at, keyword) in code.match_indices("fn ") {
        let after = &code[at + keyword.len()..];
        let name = word(after);
        if code[..at].ends_with(is_word) || name.is_empty() {
            continue;
        }
        let begin = beginning(&after[name.len()..]).map(|begin| name.len() + begin);
        if let Some(begin) = begin {
            found.push((name, parameters(&after[begin..])));
        }
    }
    found
}

/// Where the parameters begin, after the generics.
fn beginning(signature: &str) -> Option<usize> {
    let mut depth = 0;
    let mut before = ' ';
    for (at, c) in signature.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            '(' if depth == 0 => return Some(at + 1),
            '{' | ';' => return None,
            _ => {}
        }
        before = c;
    }
    None
}

/// The number of parameters up to the closing parenthesis.
fn parameters(text: &str) -> usize {
    let (mut depth, mut all, mut current, mut before) = (0, Vec::new(), String::new(), ' ');
    for c in text.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            '>' if before != '-' && before != '=' => depth -= 1,
            ',' if depth == 0 => {
                all.push(std::mem::take(&mut current));
                before = c;
                continue;
            }
            _ => {}
        }
        current.push(c);
        before = c;
    }
    all.push(current);
    let is_own = |text: &&String| {
        let name = text.split(':').next().unwrap_or_default();
        !text.trim().is_empty() && !name.split(|c| !is_word(c)).any(|word| word == "self")
    };
    all.iter().filter(is_own).count()
}

#[test]
fn parameters_are_counted() {
    let code = "fn none() {}\nfn one<F: Fn(u8, u8) -> u8>(f: F) {}\nfn two(&mut self, (a, b): (u8, u8), \
                c: BTreeMap<u8, &'a [u8; 2]>,\n) -> X<A, B> {}\nlet f: fn(u8);";
    assert_eq!(functions(code), [("none", 0), ("one", 1), ("two", 2)]);
}
