//! The files themselves: their length, their names, and the list of tests that need tools.

use std::fs;

use super::LIBRARY;
use super::source::{all_sources, read_sources, report, root, sources, word};

/// The most lines of code in a file, without comments, blank lines and tests.
const LONGEST: usize = 400;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

#[test]
fn files_stay_small() {
    let mut faults = Vec::new();
    for source in read_sources(&["src", "crates", "tests", "examples", "benches"]) {
        let length = source.code().iter().filter(|(_, line)| !line.trim().is_empty()).count();
        if length > LONGEST && !LONGER.iter().any(|(path, _)| *path == source.path) {
            faults
                .push(format!("{} has {length} lines of code, {LONGEST} are enough", source.path));
        }
    }
    for (path, _) in LONGER {
        if !root().join(path).exists() {
            faults.push(format!("{path} is gone: take it from the list of exceptions"));
        }
    }
    report(&faults);
}

#[test]
fn no_file_is_named_util_or_helper() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| {
            let stem = source.path.rsplit('/').next().unwrap().trim_end_matches(".rs");
            ["util", "utils", "helper", "helpers", "misc", "common"].contains(&stem)
        })
        .map(|source| format!("{}: name it by what it does", source.path))
        .collect();
    report(&faults);
}

/// Files with more lines are on the page about the architecture.
const LONG: usize = 150;

#[test]
fn long_files_are_on_the_architecture_page() {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let mut faults = Vec::new();
    for source in read_sources(&["src", "crates"]) {
        let name = source.path.rsplit('/').next().unwrap();
        // The root of a module is found as its folder, and a command by its name.
        let is_root =
            ["mod.rs", "lib.rs"].contains(&name) || source.path.starts_with("src/commands/");
        let is_test = source.path.contains("/tests/") || source.path.contains("/benches/");
        if is_test || is_root || source.text.lines().count() <= LONG {
            continue;
        }
        let named = |path: &str| page.contains(&format!("`{path}`"));
        let mut ends = source.path.match_indices('/').map(|(at, _)| &source.path[at + 1..]);
        // Modules of a layer, and parts of the broker and the sandbox, are named without their ending.
        let folder = source.path.trim_end_matches(name);
        let has_parts =
            ["crates/broker/", "crates/sandbox/"].iter().any(|of| folder.starts_with(of));
        let is_part = (has_parts || folder == LIBRARY) && named(name.trim_end_matches(".rs"));
        if !ends.any(named) && !named(&source.path) && !is_part {
            faults.push(format!("{} is not in docs/architecture.md", source.path));
        }
    }
    report(&faults);
}

/// The most characters in the name of a test.
const LONGEST_NAME: usize = 50;

/// A test is named `subject_condition_result`, without a leading article.
#[test]
fn test_names_have_three_words_and_fifty_letters() {
    let mut faults = Vec::new();
    for source in all_sources(&["src", "crates", "tests", "examples", "benches"]) {
        // A name that a macro fills in is empty here.
        for name in test_names(&source.text).into_iter().filter(|name| !name.is_empty()) {
            let article = ["a_", "an_", "the_"].iter().find(|article| name.starts_with(*article));
            if name.len() > LONGEST_NAME {
                faults.push(format!("{}: {name} has {} characters", source.path, name.len()));
            } else if name.split('_').count() < 3 {
                faults.push(format!("{}: {name} is no subject_condition_result", source.path));
            } else if article.is_some() {
                faults.push(format!("{}: {name} begins with an article", source.path));
            }
        }
    }
    report(&faults);
}

/// The names of the functions that have an attribute such as `#[test]` or `#[tokio::test(…)]`.
fn test_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim_start) {
        let attribute = line.strip_prefix("#[").and_then(|line| line.split([']', '(']).next());
        if attribute.is_some_and(|path| path.rsplit("::").next() == Some("test")) {
            is_test = true;
        } else if let Some((_, after)) = line.split_once("fn ").filter(|_| is_test) {
            names.push(word(after));
            is_test = false;
        }
    }
    names
}

#[test]
fn test_names_are_found_in_source_text() {
    let text =
        "#[test]\n#[ignore]\nfn a() {}\nfn b() {}\n#[tokio::test(flavor = \"x\")]\nasync fn c() {";
    assert_eq!(test_names(text), ["a", "c"]);
}

/// `tests/support/needs-tools` names tests and modules that exist.
#[test]
fn tests_listed_as_needing_tools_exist() {
    let list = fs::read_to_string(root().join("tests/support/needs-tools")).unwrap();
    let mut faults = Vec::new();
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let (binary, test) = line.split_once(' ').unwrap();
        let of_the_program = root().join("tests").join(binary);
        let of_a_crate = root().join("crates").join(binary).join("tests").join(binary);
        let folder = if of_a_crate.is_dir() { of_a_crate } else { of_the_program };
        let exists = match test.rsplit_once("::") {
            None => test == "*" && folder.is_dir(),
            Some((module, name)) => {
                fs::read_to_string(folder.join(format!("{}.rs", module.replace("::", "/"))))
                    .is_ok_and(|text| name.is_empty() || text.contains(&format!("fn {name}()")))
            }
        };
        if !exists {
            faults.push(format!("tests/support/needs-tools: {line}"));
        }
    }
    report(&faults);
}
