//! The walls of the house, read from the source as text: who may import whom, where foreign crates live, and what
//! may not be there at all. `docs/architecture.md` says why.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "floors/cycles.rs"]
mod cycles;

use std::fs;
use std::path::{Path, PathBuf};

/// The floor of every top module of the library. One imports from lower floors, and on its own floor from those that stand before
/// it here; so there are no circles. Floor 0 is one heap of nouns.
const FLOORS: &[(&str, u8)] = &[
    ("digest", 0),
    ("secret", 0),
    ("text", 0),
    ("time", 0),
    ("grant", 0),
    ("advice", 0),
    ("error", 0),
    ("port", 0),
    ("files", 0),
    ("process", 0),
    ("parameters", 0),
    ("redact", 0),
    ("profile", 1),
    ("protocol", 1),
    // Knows the Http port only, and is wrapped around it by `flow`.
    ("trace", 1),
    ("flow", 2),
    ("clock", 3),
    ("hook", 3),
    ("http", 3),
    ("store", 3),
    // The ports that are ready to use: clock, transport and memory put together.
    ("ready", 3),
    ("blocking", 3),
    ("login", 3),
];

const LIBRARY: &str = "crates/core/src/";

const THE_PROGRAM: &[&str] = &["src/"];
const COMMAND_LINES: &[&str] = &["src/", "crates/broker/src/cli/", "crates/broker/benches/"];
const POSTGRES: &[&str] = &["crates/broker/src/storage/postgres/"];
const KEYRING: &[&str] = &["crates/core/src/store/keyring/"];
const LOOPBACK_SERVERS: &[&str] = &[
    "crates/core/src/login/listener.rs",
    "crates/core/src/login/connection.rs",
    "crates/sandbox/src/",
    "src/proxy/",
    "crates/broker/src/server/",
];
const BODIES: &[&str] = &[
    "crates/core/src/login/listener.rs",
    "crates/core/src/login/connection.rs",
    "crates/sandbox/src/",
    "src/commands/api/body.rs",
    "src/proxy/",
    "crates/broker/src/server/",
];

/// What only these places (files, or folders with a slash) may name.
const PLACES: &[(&str, &[&str])] = &[
    ("reqwest", &["crates/core/src/http.rs", "crates/core/src/http/"]),
    ("open", &["crates/core/src/login/browser.rs"]),
    ("keyring", KEYRING),
    ("keyring_core", KEYRING),
    ("dbus", KEYRING),
    ("linux_keyutils", &["crates/core/src/store/kernel.rs"]),
    ("age", &["crates/core/src/store/"]),
    ("clap", COMMAND_LINES),
    ("clap_complete", THE_PROGRAM),
    ("clap_mangen", THE_PROGRAM),
    ("qrcode", &["src/qr.rs"]),
    ("hyper", BODIES),
    ("hyper_util", LOOPBACK_SERVERS),
    ("http_body_util", LOOPBACK_SERVERS),
    ("jsonwebtoken", &["crates/sandbox/src/"]),
    ("rusqlite", &["crates/broker/src/storage/sqlite/"]),
    ("argon2", &["crates/broker/src/passwords.rs"]),
    ("lettre", &["crates/broker/src/mail.rs", "crates/broker/src/signup.rs"]),
    ("tokio_postgres", POSTGRES),
    ("deadpool_postgres", POSTGRES),
    ("redis", &["crates/broker/src/storage/redis/"]),
    ("utoipa_axum", &["crates/broker/src/api/"]),
    ("tracing_subscriber", &["crates/broker/src/cli/"]),
];

/// Crates that may not be in Cargo.lock: discontinued, unmaintained, unsound, a second way to do TLS, or a listener
/// without limits. `deny.toml` has the reasons.
const FORBIDDEN: &[&str] = &[
    "native-tls",
    "openssl-sys",
    "openssl-src",
    "async-std",
    "atty",
    "serde_yml",
    "rustls-pemfile",
    "instant",
    "backoff",
    "bincode",
    "rsa",
    "yaml-rust",
    "tiny_http",
];

/// Crates that the library without default features must not bring along: a command line, a browser, keyrings,
/// files, a server.
const NOT_FOR_THE_FLOW: &[&str] = &[
    "age",
    "clap",
    "clap_complete",
    "dbus",
    "jsonwebtoken",
    "keyring",
    "keyring-core",
    "open",
    "zbus",
];

/// The most lines of code in a file, without comments, blank lines and tests.
const LONGEST: usize = 400;

/// Files that may be longer, each with its reason.
const LONGER: &[(&str, &str)] = &[];

/// Strings of the library that are no command of the program, although they look like one, each with its reason.
const NO_COMMANDS: &[(&str, &str)] = &[
    ("oauthctl pending flow 10{id}0{}", "the context of a signature"),
    ("oauthctl sandbox", "the name of a resource"),
];

/// How code asks what the text of an error says.
const MATCHES_ON_TEXT: &[&str] = &[
    ".message().contains(",
    ".message().starts_with(",
    ".message().ends_with(",
    ".message().find(",
    ".message().strip_prefix(",
    ".message()==",
    "error.to_string().contains(",
    "error.to_string().starts_with(",
    "error.to_string()==",
    "e.to_string().contains(",
    "e.to_string().starts_with(",
    ".advice_text()==",
    ".advice_text().is_some_and(",
    "message.contains(",
    "message.starts_with(",
    "message.strip_prefix(",
    "message==",
    "hint.contains(",
    "hint.starts_with(",
    "rendered.contains(",
];

/// Files that have nothing but the text of a foreign error to go by, each with its reason.
const FOREIGN_TEXT: &[(&str, &str)] =
    &[("crates/core/src/profile/diagnose.rs", "a syntax error of `toml` has no kind")];

struct Source {
    /// Relative to the root, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The top module of the library that the file belongs to; none for its root, which only re-exports, and for
    /// other crates.
    fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix(LIBRARY)?;
        let top = below.split('/').next().unwrap().trim_end_matches(".rs");
        (top != "lib").then_some(top)
    }

    /// Lines of code, numbered from 1: without comments, strings and tests.
    fn code(&self) -> Vec<(usize, String)> {
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
    fn strings(&self) -> Vec<(usize, String)> {
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
fn without_text(line: &str) -> String {
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
fn strings(code: &str) -> Vec<(usize, String)> {
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of all packages, without those of tests.
fn sources() -> Vec<Source> {
    let mut sources = read_sources(&["src", "crates"]);
    // The folder of a package's integration tests is not compiled into it.
    sources.retain(|source| source.path.split('/').nth(2) != Some("tests"));
    sources
}

/// The sources in these folders.
fn read_sources(folders: &[&str]) -> Vec<Source> {
    let mut sources = Vec::new();
    let mut dirs: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { path: relative.replace('\\', "/"), text });
            }
        }
    }
    assert!(sources.len() > 5, "the sources were not found");
    let tests: Vec<String> = sources.iter().flat_map(Source::test_modules).collect();
    sources.retain(|source| !tests.iter().any(|test| source.path.starts_with(test)));
    sources
}

/// The identifiers that follow `prefix` (`crate::`) in this code, groups in braces included.
fn followers<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
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

fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The floor of a module, and its place in the list.
fn floor(module: &str) -> Option<(u8, usize)> {
    let place = FLOORS.iter().position(|(name, _)| *name == module)?;
    Some((FLOORS[place].1, place))
}

fn may_name(module: &str, other: &str) -> bool {
    let (Some((own, place)), Some((theirs, before))) = (floor(module), floor(other)) else {
        // Names that lib.rs re-exports have no floor of their own here; the modules name them by their modules.
        return true;
    };
    module == other || theirs < own || (theirs == own && (own == 0 || before < place))
}

fn joined(source: &Source) -> String {
    source.code().into_iter().map(|(_, line)| line + "\n").collect()
}

fn report(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let unknown: Vec<String> = sources()
        .iter()
        .filter_map(Source::module)
        .filter(|module| floor(module).is_none())
        .map(|module| format!("`{module}` has no floor in tests/floors.rs"))
        .collect();
    report(&unknown);
}

#[test]
fn modules_import_from_lower_floors_only() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let code = joined(&source);
        for other in
            followers(&code, "crate::").into_iter().filter(|other| !may_name(module, other))
        {
            faults.push(format!("{}: `{module}` may not name `{other}`", source.path));
        }
    }
    report(&faults);
}

#[test]
fn each_foreign_crate_has_its_place() {
    let mut faults = Vec::new();
    for source in sources() {
        let code = joined(&source);
        for (name, places) in PLACES {
            let allowed = places.iter().any(|place| source.path.starts_with(place));
            if allowed || has_module(&code, name) {
                continue;
            }
            for (number, _) in source.code().iter().filter(|(_, line)| names_crate(line, name)) {
                faults.push(format!("{}:{number}: `{name}` is for {places:?}", source.path));
            }
        }
    }
    report(&faults);
}

/// Whether this code names the crate: `name::` or `use name`, but not `other::name::` nor a part of a word.
fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = &code[..at];
        let after = &code[at + name.len()..];
        let whole = !before.ends_with(|c: char| is_word(c) || c == ':' || c == '.');
        let path = after.starts_with("::") && !code[at..].starts_with(&format!("{name}::<"));
        let used = before.trim_end().ends_with("use") && after.trim_start().starts_with([';', ' ']);
        whole && (path || used)
    })
}

/// Whether the name stands for a module of ours in this code: declared in it, or imported from this crate.
fn has_module(code: &str, name: &str) -> bool {
    code.split(';').any(|statement| {
        // Before the item stand the attributes and what came before in the file.
        let item = statement.trim().lines().last().unwrap_or_default().trim_start();
        let declared = item.ends_with(&format!("mod {name}"));
        let whole = statement.trim_start();
        let whole = whole.strip_prefix("pub ").unwrap_or(whole);
        let ours = ["use crate::", "use super::", "use self::", "use oauthctl_core::"]
            .iter()
            .any(|start| whole.starts_with(start));
        declared || ours && whole.split(|c| !is_word(c)).any(|word| word == name)
    })
}

/// The commands of the program, as its reference lists them.
fn commands() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/reference/commands.md")).unwrap();
    let headings = page.lines().filter_map(|line| line.strip_prefix("## oauthctl "));
    let commands: Vec<String> = headings.map(|rest| word(rest).to_owned()).collect();
    assert!(commands.len() > 10, "found only {commands:?}");
    commands
}

/// A command or a flag of the program that this text names.
fn names_program(text: &str, commands: &[String]) -> Option<String> {
    let command = text.match_indices("oauthctl ").find_map(|(at, name)| {
        let next = word(&text[at + name.len()..]);
        commands.iter().any(|command| command == next).then(|| format!("oauthctl {next}"))
    });
    let flag = text.match_indices("--").find_map(|(at, dashes)| {
        let begins = at == 0 || text[..at].ends_with([' ', '`', '\'', '"']);
        let next = word(&text[at + dashes.len()..]);
        let is_flag = begins && next.starts_with(|c: char| c.is_ascii_lowercase());
        is_flag.then(|| format!("--{next}"))
    });
    command.or(flag)
}

/// The library does not know which program uses it, and how its user may go on: `Advice` says that as data, and the
/// program words it.
#[test]
fn library_names_no_command_and_no_flag() {
    let (commands, mut faults) = (commands(), Vec::new());
    for source in sources() {
        // A program names its own commands.
        if COMMAND_LINES.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for (number, text) in source.strings() {
            let Some(named) = names_program(&text, &commands) else { continue };
            if !NO_COMMANDS.iter().any(|(no_command, _)| *no_command == text) {
                faults.push(format!("{}:{number}: `{named}`: use `Advice`", source.path));
            }
        }
    }
    report(&faults);
}

/// What callers of the flow receive holds no refresh token: the whole record leaves through one method, which is for
/// copies elsewhere.
#[test]
fn refresh_token_leaves_through_export_alone() {
    let (mut faults, mut exports) = (Vec::new(), 0);
    for source in sources() {
        let is_face = source.path.starts_with("crates/core/src/flow/manager/")
            || source.path == "crates/core/src/blocking.rs";
        if !is_face {
            continue;
        }
        for signature in joined(&source).split(['{', ';']) {
            let Some((before, returned)) = signature.split_once("->") else { continue };
            let Some((_, name)) = before.rsplit_once("fn ") else { continue };
            let name = name.split(['(', '<']).next().unwrap_or_default();
            if !returned.split(|c| !is_word(c)).any(|word| ["Grant", "TokenSet"].contains(&word)) {
                continue;
            }
            match name {
                "export_grant" => exports += 1,
                name => faults.push(format!("{}: `{name}` returns a whole record", source.path)),
            }
        }
    }
    report(&faults);
    assert_eq!(exports, 2, "of the manager and of its blocking counterpart");
}

/// Whether code asks what the text of an error says.
fn matches_on_text(code: &str) -> Option<&'static str> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    MATCHES_ON_TEXT.iter().copied().find(|what| code.contains(what))
}

#[test]
fn nobody_matches_on_the_text_of_an_error() {
    let mut faults = Vec::new();
    for source in sources() {
        // Calls in a chain stand in lines of their own.
        for statement in joined(&source).split([';', '{', '}']) {
            let Some(what) = matches_on_text(statement) else { continue };
            let is_known = FOREIGN_TEXT.iter().any(|(path, _)| *path == source.path);
            if !is_known {
                let statement = statement.split_whitespace().collect::<Vec<_>>().join(" ");
                faults.push(format!("{}: `{what}` in `{statement}`", source.path));
            }
        }
    }
    report(&faults);
}

#[test]
fn there_is_no_unsafe_code() {
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            if line.split(|c| !is_word(c)).any(|word| word == "unsafe") {
                faults.push(format!("{}:{number}: unsafe", source.path));
            }
        }
    }
    report(&faults);
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(
        manifest.contains("unsafe_code = \"forbid\""),
        "Cargo.toml no longer forbids unsafe code"
    );
}

/// What a program may use of the library, its documentation shows.
#[test]
fn public_items_are_documented() {
    let mut faults = Vec::new();
    for source in sources() {
        for (number, line) in source.code() {
            if line.contains("doc(hidden)") {
                faults.push(format!("{}:{number}: hidden from the documentation", source.path));
            }
        }
    }
    report(&faults);
}

#[test]
fn forbidden_crates_are_absent() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let faults: Vec<String> = FORBIDDEN
        .iter()
        .filter(|name| lock.contains(&format!("\nname = \"{name}\"\n")))
        .map(|name| format!("Cargo.lock has `{name}`"))
        .collect();
    report(&faults);
}

/// What a package is built with when none of its features is on: name, version and features a line.
fn tree(package: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    let output = std::process::Command::new(cargo)
        .current_dir(root())
        .args(["tree", "--edges", "normal", "--offline", "--locked", "--prefix", "none"])
        .args(["--no-default-features", "--package", package, "--format", "{p} features={f}"])
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && tree.starts_with(&format!("{package} ")), "{said}{tree}");
    tree
}

#[test]
fn the_flow_alone_is_without_command_line_browser_keyring_and_server() {
    let tree = tree("oauthctl-core");
    let mut faults = Vec::new();
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap();
        let features = line.split_once("features=").map_or("", |(_, all)| all);
        // The client of HTTP is built on hyper too, but serves nobody.
        if NOT_FOR_THE_FLOW.contains(&name)
            || name == "hyper" && features.split([',', ' ']).any(|feature| feature == "server")
        {
            faults.push(format!("without default features there is `{line}`"));
        }
    }
    report(&faults);
    assert!(tree.contains("\nreqwest v"), "the tree is not that of the library:\n{tree}");
}

/// The sandbox tests the client, so it shares nothing with it, and is built without the program's command line.
#[test]
fn sandbox_is_built_without_client_and_program() {
    let tree = tree("oauthctl-sandbox");
    let mut faults: Vec<String> = tree
        .lines()
        .filter(|line| {
            let name = line.split(' ').next().unwrap();
            ["oauthctl", "oauthctl-core", "clap", "reqwest"].contains(&name)
        })
        .map(|line| format!("the sandbox is built with `{line}`"))
        .collect();
    faults.extend(
        sources()
            .iter()
            .filter(|source| source.path.starts_with("crates/sandbox/"))
            .filter(|source| source.text.contains("../") || source.text.contains("#[path"))
            .map(|source| format!("{} may include a file of another crate", source.path)),
    );
    report(&faults);
}

/// Every dependency in Cargo.toml has its reason in docs/dependencies.md, and nothing else has one.
#[test]
fn dependencies_are_documented() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let page = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let mut named = Vec::new();
    let mut is_list = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            is_list = section.trim_end_matches(']') == "workspace.dependencies";
        } else if is_list && let Some((name, _)) = line.split_once(" = ") {
            named.push(name);
        }
    }
    named.retain(|name| !name.starts_with("oauthctl-"));
    assert!(named.len() > 20, "found only {named:?}");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")).collect::<Vec<_>>();
    let documented: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.split_once(" |"))
        .flat_map(|(names, _)| names.split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    let missing = named.iter().filter(|name| !documented.contains(name));
    let gone = documented.iter().filter(|name| !named.contains(name));
    let faults: Vec<String> = missing
        .map(|name| format!("docs/dependencies.md gives no reason for `{name}`"))
        .chain(gone.map(|name| format!("docs/dependencies.md names `{name}`, Cargo.toml does not")))
        .collect();
    report(&faults);
}

/// Versions, lints and the edition stand once, in the Cargo.toml of the root.
#[test]
fn packages_inherit_from_the_workspace() {
    let mut manifests = vec![root().join("Cargo.toml")];
    for package in fs::read_dir(root().join("crates")).unwrap() {
        manifests.push(package.unwrap().path().join("Cargo.toml"));
    }
    assert!(manifests.len() > 2, "the packages were not found");
    let mut faults = Vec::new();
    for path in manifests {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display();
        for key in ["version", "edition", "rust-version", "license"] {
            if !text.contains(&format!("\n{key}.workspace = true\n")) {
                faults.push(format!("{name}: `{key}` is not the workspace's"));
            }
        }
        if !text.contains("\n[lints]\nworkspace = true\n") {
            faults.push(format!("{name}: the lints are not the workspace's"));
        }
        let mut is_list = false;
        for line in text.lines() {
            if let Some(section) = line.strip_prefix('[') {
                let section = section.trim_end_matches(']');
                is_list = section.ends_with("dependencies") && !section.starts_with("workspace");
            } else if is_list && line.contains(" = ") && !line.contains("workspace = true") {
                faults.push(format!("{name}: `{line}` is not the workspace's"));
            }
        }
    }
    report(&faults);
}

#[test]
fn files_stay_small() {
    let mut faults = Vec::new();
    for source in sources() {
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
fn no_file_is_a_drawer() {
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

#[test]
fn the_rules_see_what_they_look_for() {
    let code = "use crate::{error::Error, flow::{a, store}, http};\nlet x = crate::cli::run();";
    assert_eq!(followers(code, "crate::"), ["error", "flow", "http", "cli"]);
    assert!(names_crate("use reqwest::Client;", "reqwest"));
    assert!(names_crate("    reqwest::get()", "reqwest"));
    assert!(names_crate("use open;", "open"));
    assert!(!names_crate("std::fs::File::open(path)", "open"));
    assert!(!names_crate("fn open() {}", "open"));
    assert!(!names_crate("crate::store::keyring::Store", "keyring"));
    assert!(has_module("use std::fs;\nuse crate::{a, store::keyring};", "keyring"));
    assert!(has_module("use std::fs;\n#[cfg(unix)]\npub mod keyring;", "keyring"));
    assert!(!has_module("use crate::a;\nuse keyring::Entry;", "keyring"));
    assert_eq!(without_text(r#"a("unsafe \" //"); // unsafe"#), "a(); ");
    let code =
        "let a = \"x \\\"y\\\n  z\"; // \"no\"\n'\"', '\\'', b'a', &'a str, r#\"r\"w\"#, r\"v\"";
    let found = [(1, "x \"y z"), (3, "r\"w"), (3, "v")].map(|(line, text)| (line, text.to_owned()));
    assert_eq!(strings(code), found);
    let commands = ["login".to_owned()];
    let named = |text| names_program(text, &commands);
    assert_eq!(named("run `oauthctl login p`").as_deref(), Some("oauthctl login"));
    assert_eq!(named("omit `--cached`").as_deref(), Some("--cached"));
    assert_eq!(named("a newer oauthctl wrote it; xn--a; a{--line:b}"), None);
    assert!(matches_on_text("error\n    .message()\n    .contains(").is_some());
    assert!(matches_on_text("let message = error.message()").is_none());
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

/// `cargo run` at the root, as the README has it, needs to know which of the two programs is meant.
#[test]
fn cargo_run_at_the_root_runs_the_program() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\ndefault-run = \"oauthctl\"\n"));
}
