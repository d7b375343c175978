//! The source as text: its files, their code without comments and strings, and what it names.

use std::fs;
use std::path::{Path, PathBuf};

use super::LIBRARY;

pub struct Source {
    /// Relative to the root, with slashes.
    pub path: String,
    pub text: String,
}

impl Source {
    /// The top module of the library that the file belongs to; none for its root, which only re-exports, and for
    /// other crates.
    pub fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix(LIBRARY)?;
        let top = below.split('/').next().unwrap().trim_end_matches(".rs");
        (top != "lib").then_some(top)
    }

    /// Lines of code, numbered from 1: without comments, strings and tests.
    pub fn code(&self) -> Vec<(usize, String)> {
        let mut lines = Vec::new();
        let mut all = self.text.lines().enumerate().peekable();
        while let Some((number, line)) = all.next() {
            let attribute = line.trim_start();
            if ["#[cfg(test)]", "#[cfg(all(test,"].iter().any(|test| attribute.starts_with(test)) {
                // An inline module of tests is the last item of a file (clippy sees to that).
                match all.next() {
                    Some((_, item)) if item.trim_end().ends_with('{') => break,
                    _ => continue,
                }
            }
            lines.push((number + 1, without_text(line)));
        }
        lines
    }

    /// What stands between quotes, each with its line: without comments and tests.
    pub fn strings(&self) -> Vec<(usize, String)> {
        let lines = self.code().last().map_or(0, |(number, _)| *number);
        let text: String = self.text.split_inclusive('\n').take(lines).collect();
        strings(&text)
    }

    /// The files or folders of its modules that are compiled for tests only.
    fn test_modules(&self) -> Vec<String> {
        let (folder, file) = self.path.rsplit_once('/').unwrap();
        let inside = match file {
            "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
            _ => self.path.trim_end_matches(".rs").to_owned(),
        };
        let mut found = Vec::new();
        for (_, item) in self
            .text
            .match_indices("#[cfg(test)]\n")
            .map(|(at, mark)| (at, self.text[at + mark.len()..].trim_start()))
        {
            if let Some(path) = item.strip_prefix("#[path = \"") {
                found.push(format!("{folder}/{}", &path[..path.find('"').unwrap()]));
            } else if let Some(name) = item.strip_prefix("mod ") {
                found.extend([
                    format!("{inside}/{}.rs", word(name)),
                    format!("{inside}/{}/", word(name)),
                ]);
            }
        }
        found
    }
}

/// A line without its comment and without what stands between quotes.
pub fn without_text(line: &str) -> String {
    let mut code = String::new();
    let mut quoted = false;
    let line = line.replace("'\"'", "' '").replace("'\\\"'", "' '");
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => drop(characters.next()),
            '"' => quoted = !quoted,
            '/' if !quoted && characters.peek() == Some(&'/') => break,
            _ if !quoted => code.push(c),
            _ => {}
        }
    }
    code
}

/// The literal strings of this code, each with the line that it begins in.
pub fn strings(code: &str) -> Vec<(usize, String)> {
    let (mut found, mut rest, mut line) = (Vec::new(), code, 1);
    while let Some(c) = rest.chars().next() {
        let raw = rest.strip_prefix('r').map(|after| after.trim_start_matches('#'));
        let hashes = raw.map_or(0, |raw| rest.len() - 1 - raw.len());
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if raw.is_some_and(|raw| raw.starts_with('"')) {
            let (begin, end) = (hashes + 2, format!("\"{}", "#".repeat(hashes)));
            let length = rest[begin..].find(&end).unwrap();
            found.push((line, rest[begin..begin + length].to_owned()));
            begin + length + end.len()
        } else if c == '"' {
            let (mut length, mut text) = (1, String::new());
            while !rest[length..].starts_with('"') {
                let c = rest[length..].chars().next().unwrap();
                length += c.len_utf8();
                if c == '\\' {
                    let escaped = rest[length..].chars().next().unwrap();
                    length += escaped.len_utf8();
                    text.push(if escaped == '\n' { ' ' } else { escaped });
                } else {
                    text.push(c);
                }
            }
            // A string that goes on in the next line begins there with its first word.
            found.push((line, text.split_whitespace().collect::<Vec<_>>().join(" ")));
            length + 1
        } else if rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'') {
            let skipped = if rest.starts_with("'\\") { 3 } else { 2 };
            let begin = rest.char_indices().nth(if c == '\'' { skipped } else { 1 }).unwrap().0;
            if c == '\'' { begin + rest[begin..].find('\'').unwrap() + 1 } else { begin }
        } else if is_word(c) {
            word(rest).len()
        } else {
            c.len_utf8()
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of all packages, without those of tests.
pub fn sources() -> Vec<Source> {
    let mut sources = read_sources(&["src", "crates"]);
    // The folder of a package's integration tests is not compiled into it.
    sources.retain(|source| source.path.split('/').nth(2) != Some("tests"));
    sources
}

/// The sources in these folders, without modules that are compiled for tests only.
pub fn read_sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = all_sources(folders);
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    sources.retain(|source| !tests.iter().any(|test| source.path.starts_with(test)));
    sources
}

/// All sources in these folders.
pub fn all_sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut dirs: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                // `tests/servers` has packages from elsewhere.
                if !path.ends_with("tests/servers") {
                    dirs.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { path: relative.replace('\\', "/"), text });
            }
        }
    }
    assert!(sources.len() > 5, "the sources were not found");
    sources
}

/// The identifiers that follow `prefix` (`crate::`) in this code, groups in braces included.
pub fn followers<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| is_word(c) || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(heads(group)),
            None => found.push(word(rest)),
        }
    }
    found
}

/// The first word of every member of a `{a, b::{c, d}, e}` group.
fn heads(group: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut member) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(word(group[member..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(word(group[member..at].trim_start()));
                member = at + 1;
            }
            _ => {}
        }
    }
    found.retain(|head| !head.is_empty());
    found
}

pub fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub fn joined(source: &Source) -> String {
    source.code().into_iter().map(|(_, line)| line + "\n").collect()
}

pub fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
