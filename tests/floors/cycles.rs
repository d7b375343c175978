//! No file imports another that imports it, directly or through others.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, is_word, joined, read_sources, report, sources};

/// A name that a file imports, and whether others can import it from there.
struct Import {
    path: Vec<String>,
    alias: String,
    is_public: bool,
}

struct File {
    path: String,
    /// The root folder of the crate.
    package: String,
    /// The module within the crate.
    module: Vec<String>,
    imports: Vec<Import>,
    /// The code without its `use` statements.
    code: String,
}

impl File {
    fn new(source: &Source) -> Self {
        let ends = ["src/", "side_by_side/", "tests/support/"];
        let end = ends.iter().find_map(|end| Some(source.path.find(end)? + end.len())).unwrap();
        let (package, below) = source.path.split_at(end);
        let mut module: Vec<String> =
            below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
        if module.last().is_some_and(|last| last == "mod")
            || module.len() == 1 && (module[0] == "lib" || module[0] == "main")
        {
            module.pop();
        }
        let (imports, code) = imports(&joined(source));
        Self { path: source.path.clone(), package: package.to_owned(), module, imports, code }
    }

    fn defines(&self, name: &str) -> bool {
        const KINDS: &[&str] =
            &["fn", "struct", "enum", "trait", "type", "const", "static", "macro_rules!"];
        self.code.match_indices(name).any(|(at, _)| {
            let before = self.code[..at].trim_end();
            let is_whole = !self.code[at + name.len()..].starts_with(is_word);
            is_whole
                && before.len() < at
                && KINDS.iter().any(|kind| {
                    before.strip_suffix(kind).is_some_and(|rest| !rest.ends_with(is_word))
                })
        })
    }
}

/// Takes the `use` statements out of the code.
fn imports(code: &str) -> (Vec<Import>, String) {
    let (mut found, mut rest) = (Vec::new(), String::new());
    let mut statement: Option<String> = None;
    for line in code.lines() {
        let text = line.trim();
        let visible =
            text.strip_prefix("pub").map_or(text, |after| match after.strip_prefix('(') {
                Some(scope) => scope.split_once(')').map_or(text, |(_, item)| item),
                None => after,
            });
        if statement.is_none() && !visible.trim_start().starts_with("use ") {
            rest.push_str(line);
            rest.push('\n');
            continue;
        }
        let whole = statement.get_or_insert_default();
        whole.push_str(text);
        whole.push(' ');
        if text.ends_with(';') {
            let whole = statement.take().unwrap();
            let is_public = whole.starts_with("pub");
            let tree = whole[whole.find("use ").unwrap() + 4..].trim_end();
            flatten(&[], tree.trim_end_matches(';'), is_public, &mut found);
        }
    }
    (found, rest)
}

/// The paths of a tree like `a::{self, b as c, d::e}`.
fn flatten(before: &[String], tree: &str, is_public: bool, found: &mut Vec<Import>) {
    let tree = tree.trim();
    if let Some(open) = tree.find('{') {
        let mut path = before.to_vec();
        path.extend(segments(&tree[..open]));
        for member in members(&tree[open + 1..tree.rfind('}').unwrap_or(tree.len())]) {
            flatten(&path, member, is_public, found);
        }
        return;
    }
    let (name, alias) = tree.split_once(" as ").unwrap_or((tree, ""));
    let mut path = before.to_vec();
    path.extend(segments(name));
    if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
        path.pop();
    }
    let Some(last) = path.last() else { return };
    let alias = if alias.is_empty() { last.clone() } else { alias.trim().to_owned() };
    found.push(Import { path, alias, is_public });
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned).collect()
}

/// The members of a group, at its own level.
fn members(group: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&group[start..]);
    found.retain(|member| !member.trim().is_empty());
    found
}

struct Tree {
    files: Vec<File>,
    modules: BTreeMap<(String, Vec<String>), usize>,
}

impl Tree {
    fn new(files: Vec<File>) -> Self {
        let modules = files
            .iter()
            .enumerate()
            .map(|(at, file)| ((file.package.clone(), file.module.clone()), at))
            .collect();
        Self { files, modules }
    }

    /// Whether there is a file below this place.
    fn has(&self, place: &str) -> bool {
        self.files.iter().any(|file| file.path.starts_with(place))
    }

    fn module(&self, package: &str, module: &[String]) -> Option<usize> {
        self.modules.get(&(package.to_owned(), module.to_vec())).copied()
    }

    /// The file that defines what a path names in this file.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        let file = &self.files[from];
        let (first, mut rest) = path.split_first().filter(|_| depth < 8)?;
        let mut module = match first.as_str() {
            "crate" => Vec::new(),
            "self" => file.module.clone(),
            "super" => {
                let mut module = file.module.clone();
                module.pop()?;
                while let Some((_, after)) = rest.split_first().filter(|(s, _)| *s == "super") {
                    module.pop()?;
                    rest = after;
                }
                module
            }
            name => {
                let mut child = file.module.clone();
                child.push(name.to_owned());
                if self.module(&file.package, &child).is_some() {
                    child
                } else {
                    let import = file.imports.iter().find(|import| import.alias == name)?;
                    if import.path == path {
                        return None;
                    }
                    let whole: Vec<String> = import.path.iter().chain(rest).cloned().collect();
                    return self.resolve(from, &whole, depth + 1);
                }
            }
        };
        for (at, name) in rest.iter().enumerate() {
            module.push(name.clone());
            if self.module(&file.package, &module).is_some() {
                continue;
            }
            module.pop();
            let place = self.module(&file.package, &module)?;
            if self.files[place].defines(name) {
                return Some(place);
            }
            let import = self.files[place].imports.iter().find(|import| import.alias == *name)?;
            let whole: Vec<String> = import.path.iter().chain(&rest[at + 1..]).cloned().collect();
            return self.resolve(place, &whole, depth + 1);
        }
        None
    }

    /// The files that a file uses.
    fn uses(&self, from: usize) -> BTreeSet<usize> {
        let file = &self.files[from];
        let mut paths: Vec<Vec<String>> = Vec::new();
        for import in &file.imports {
            if !import.is_public || names(&file.code, &import.alias) {
                paths.push(import.path.clone());
            }
        }
        for (at, _) in file.code.match_indices("::") {
            let start = file.code[..at].rfind(|c| !is_word(c)).map_or(0, |before| before + 1);
            if file.code[..start].ends_with("::") || start == at {
                continue;
            }
            let end = file.code[start..].find(|c| !is_word(c) && c != ':');
            paths.push(segments(&file.code[start..end.map_or(file.code.len(), |e| start + e)]));
        }
        let mut used: BTreeSet<usize> =
            paths.iter().filter_map(|path| self.resolve(from, path, 0)).collect();
        used.remove(&from);
        used
    }

    /// Which files of a cycle each of them uses, a line a file.
    fn edges(&self, cycle: &[&str]) -> String {
        let mut text = String::new();
        for (at, file) in self.files.iter().enumerate().filter(|(_, f)| cycle.contains(&&*f.path)) {
            let used = self.uses(at).into_iter().map(|used| self.files[used].path.as_str());
            let used: Vec<&str> = used.filter(|path| cycle.contains(path)).collect();
            text.push_str(&format!("  {} uses {}\n", file.path, used.join(", ")));
        }
        text
    }

    /// Groups of files of which each reaches all others.
    fn cycles(&self) -> Vec<Vec<&str>> {
        let uses: Vec<BTreeSet<usize>> = (0..self.files.len()).map(|at| self.uses(at)).collect();
        let reached: Vec<BTreeSet<usize>> = (0..uses.len())
            .map(|start| {
                let mut seen = BTreeSet::new();
                let mut open: Vec<usize> = uses[start].iter().copied().collect();
                while let Some(next) = open.pop() {
                    if seen.insert(next) {
                        open.extend(&uses[next]);
                    }
                }
                seen
            })
            .collect();
        let mut cycles = BTreeSet::new();
        for (at, far) in reached.iter().enumerate().filter(|(at, far)| far.contains(at)) {
            let ring = far.iter().filter(|other| reached[**other].contains(&at));
            let mut ring: Vec<&str> = ring.map(|file| self.files[*file].path.as_str()).collect();
            ring.sort_unstable();
            cycles.insert(ring);
        }
        cycles.into_iter().collect()
    }
}

/// Whether code has a word.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        !code[..at].ends_with(is_word) && !code[at + name.len()..].starts_with(is_word)
    })
}

#[test]
fn no_files_import_each_other() {
    let mut all = sources();
    all.extend(read_sources(&["benches", "tests/support"]));
    let tree = Tree::new(all.iter().map(File::new).collect());
    assert!(["benches/", "tests/support/"].iter().all(|place| tree.has(place)));
    let faults: Vec<String> = tree
        .cycles()
        .iter()
        .map(|cycle| format!("these files import each other:\n{}", tree.edges(cycle)))
        .collect();
    report(&faults);
}

/// A crate of three files: `a` imports from `b` what `b` has from its own `c`.
#[test]
fn cycles_are_found_through_other_names() {
    let file = |path: &str, text: &str| {
        File::new(&Source { path: format!("crates/x/src/{path}"), text: text.to_owned() })
    };
    let root = || file("lib.rs", "mod a;\nmod b;\npub use a::A;\n");
    let b = || file("b.rs", "mod c;\npub use c::{C, D as E};\n");
    let c = |text: &str| file("b/c.rs", text);
    let found = |a: &str, of_c: &str| {
        let tree = Tree::new(vec![root(), file("a.rs", a), b(), c(of_c)]);
        tree.cycles().into_iter().map(|cycle| cycle.join(" ")).collect::<Vec<_>>()
    };
    let both = ["crates/x/src/a.rs crates/x/src/b/c.rs"];
    let a = "use crate::b::{self, E};\npub struct A;\n";
    assert_eq!(found(a, "use crate::A;\npub struct C;\npub struct D;\n"), both);
    assert_eq!(
        found("pub struct A(crate::b::C);", "use super::super::a;\npub struct C(a::A);"),
        both
    );
    assert!(found(a, "pub struct C;\npub struct D;\n").is_empty());
    assert!(found("use crate::b;\npub struct A;", "pub struct C(crate::A);").is_empty());
}
