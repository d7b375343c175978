//! The rules of the architecture, checked in the source as text: who may import whom, which files may use a
//! third-party crate, and what must not occur at all. `docs/architecture.md` describes them.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "floors/cycles.rs"]
mod cycles;
#[path = "floors/faults.rs"]
mod faults;
#[path = "floors/files.rs"]
mod files;
#[path = "floors/logs.rs"]
mod logs;
#[path = "floors/packages.rs"]
mod packages;
#[path = "floors/parameters.rs"]
mod parameters;
#[path = "floors/source.rs"]
mod source;
#[path = "floors/wording.rs"]
mod wording;

use std::fs;

use source::{Source, followers, is_word, joined, report, root, sources, strings, without_text};
use wording::{matches_on_text, names_program};

/// The layer of every top module of the library. A module imports from lower layers, and within its own layer from those listed
/// before it, so that there are no cycles. Modules of layer 0 may import each other.
const FLOORS: &[(&str, u8)] = &[
    ("digest", 0),
    ("secret", 0),
    ("text", 0),
    ("time", 0),
    ("tone", 0),
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
    // Ports that are ready to use: clock, transport and memory store.
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
    "crates/broker/src/flow/announced.rs",
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
    ("age_core", &["crates/core/src/store/age_file.rs", "crates/core/src/store/file/"]),
    ("clap", COMMAND_LINES),
    ("clap_complete", THE_PROGRAM),
    ("clap_mangen", THE_PROGRAM),
    ("qrcode", &["src/qr.rs"]),
    ("hyper", BODIES),
    ("hyper_util", LOOPBACK_SERVERS),
    ("http_body_util", LOOPBACK_SERVERS),
    ("jsonwebtoken", &["crates/sandbox/src/"]),
    ("rusqlite", &["crates/broker/src/storage/sqlite/"]),
    ("askama", &["crates/broker/src/pages/", "crates/broker/src/api/page.rs"]),
    ("argon2", &["crates/broker/src/passwords.rs"]),
    ("lettre", &["crates/broker/src/mail.rs", "crates/broker/src/signup.rs"]),
    ("tokio_postgres", POSTGRES),
    ("deadpool_postgres", POSTGRES),
    ("redis", &["crates/broker/src/storage/redis/"]),
    ("rhai", &["crates/broker/src/rules/expression.rs"]),
    ("utoipa_axum", &["crates/broker/src/api/"]),
    ("tracing_subscriber", &["crates/broker/src/cli/"]),
];

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
fn rules_see_what_they_look_for() {
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
