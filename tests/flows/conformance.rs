//! The official conformance suite of the Model Context Protocol, as far as it is about authorization. Its client leaves
//! all of OAuth to the program.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{program, tests_dir};

/// The scenarios in which the client is right to fail.
const REFUSED: [&str; 7] = [
    "scope-retry-limit",
    "resource-mismatch",
    "iss-supported-missing",
    "iss-wrong-issuer",
    "iss-unexpected",
    "iss-normalized",
    "metadata-issuer-mismatch",
];

/// Node 22, which the suite needs: the one that `tests/run` installed beside an older one, else the system's.
fn node() -> PathBuf {
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let own = tests_dir(&format!("servers/.node/node_modules/node-linux-{arch}/bin/node"));
    if own.is_file() { own } else { "node".into() }
}

/// What a scenario left: its checks, and how its client ended.
struct Scenario {
    checks: Vec<Value>,
    stdout: String,
    stderr: String,
}

/// Runs a suite, and returns its scenarios about authorization.
fn run(suite: &str, version: &str) -> BTreeMap<String, Scenario> {
    let script = tests_dir("servers/node_modules/@modelcontextprotocol/conformance/dist/index.js");
    assert!(script.is_file(), "the suite is not installed: tests/run");
    let results = TempDir::with_prefix("oauthctl-conformance-").unwrap();
    let client = tests_dir("servers/mcp-client.mjs");
    let client = format!("{} {} {}", node().display(), client.display(), program().display());
    let output = Command::new(node())
        .arg(script)
        .args(["client", "--suite", suite, "--spec-version", version, "--command", &client, "-o"])
        .arg(results.path())
        .current_dir(results.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut scenarios = BTreeMap::new();
    let said = String::from_utf8_lossy(&output.stdout);
    let dir = std::fs::read_dir(results.path().join("auth")).unwrap_or_else(|_| panic!("{said}"));
    for entry in dir.map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        // The name ends with the time of the run.
        let name = name.rsplitn(7, '-').last().unwrap().to_owned();
        let read = |file: &str| std::fs::read_to_string(entry.path().join(file)).unwrap();
        let checks = serde_json::from_str(&read("checks.json")).unwrap();
        let (stdout, stderr) = (read("stdout.txt"), read("stderr.txt"));
        scenarios.insert(name, Scenario { checks, stdout, stderr });
    }
    scenarios
}

/// Runs a suite, and fails if a check of it is not passed.
fn passes(suite: &str, version: &str, count: usize) {
    let scenarios = run(suite, version);
    assert_eq!(scenarios.len(), count, "{:?}", scenarios.keys());
    for (name, Scenario { checks, stdout, stderr }) in scenarios {
        let is_bad = |check: &&Value| check["status"] == "FAILURE" || check["status"] == "WARNING";
        let bad: Vec<&Value> = checks.iter().filter(is_bad).collect();
        assert!(bad.is_empty(), "{name}: {bad:#?}\n{stderr}");
        let has_succeeded = stdout.contains("called");
        assert_ne!(has_succeeded, REFUSED.contains(&name.as_str()), "{name}: {stderr}");
    }
}

#[test]
fn client_passes_the_suite_of_2026_07_28() {
    passes("auth", "2026-07-28", 14);
}

#[test]
fn client_passes_the_additions_of_2026_07_28() {
    passes("draft", "2026-07-28", 11);
}

#[test]
fn client_passes_the_suite_of_2025_11_25() {
    passes("auth", "2025-11-25", 14);
}
