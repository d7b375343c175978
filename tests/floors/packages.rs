//! The packages: what they may depend on, and what their manifests share.

use std::fs;

use super::source::{report, root, sources};

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
fn flow_alone_needs_no_browser_keyring_or_server() {
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

/// `cargo run` at the root, as the README has it, needs to know which of the two programs is meant.
#[test]
fn cargo_run_at_the_root_runs_the_program() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\ndefault-run = \"oauthctl\"\n"));
}
