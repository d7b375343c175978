//! The official conformance suite of the Model Context Protocol, as far as it is about authorization, and servers of it
//! that the project did not write. The client leaves all of OAuth to the program.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Home, Sandbox, Servers, free_port, program, tests_dir};

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

/// The suite's own program.
fn suite() -> Command {
    let script = tests_dir("servers/node_modules/@modelcontextprotocol/conformance/dist/index.js");
    assert!(script.is_file(), "the suite is not installed: tests/run");
    let mut command = Command::new(node());
    command.arg(script).stdin(Stdio::null());
    command
}

/// Runs a suite, and returns its scenarios about authorization.
fn run(name: &str, version: &str) -> BTreeMap<String, Scenario> {
    let results = TempDir::with_prefix("oauthctl-conformance-").unwrap();
    let client = tests_dir("servers/mcp-client.mjs");
    let client = format!("{} {} {}", node().display(), client.display(), program().display());
    let output = suite()
        .args(["client", "--suite", name, "--spec-version", version, "--command", &client, "-o"])
        .arg(results.path())
        .current_dir(results.path())
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

/// The suite's client is a browser's user: it prints the URL that the user opens.
#[test]
fn sandbox_passes_the_suite_for_authorization_servers() {
    let home = Home::new();
    let sandbox = Sandbox::start(&home);
    let port = free_port();
    let (issuer, resource) = (&sandbox.issuer, format!("{}/resource", sandbox.issuer));
    let mut running = suite()
        .args(["authorization", "--url", issuer, "--client-id", "demo", "--resource", &resource])
        .args(["--spec-version", "2026-07-28", "-p", &port.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(running.stdout.take().unwrap());
    let mut all = String::new();
    // The suite prints the URL before it listens for the callback.
    while !all.contains("Callback server started") && said.read_line(&mut all).unwrap() > 0 {}
    let url = all.lines().find(|line| line.starts_with("http"));
    let url = url.unwrap_or_else(|| panic!("{all}"));
    Command::new("curl").args(["-sSL", "-o", "/dev/null", url]).status().unwrap();
    said.read_to_string(&mut all).unwrap();
    assert!(running.wait().unwrap().success(), "{all}");
    assert!(all.contains("2 passed, 0 failed") && !all.contains("warning"), "{all}");
}

/// Logs in to a server, calls a tool of it, and returns what the tool said.
fn greeting(url: &str) -> String {
    let output = Command::new(node())
        .arg(tests_dir("servers/mcp-client.mjs"))
        .arg(program())
        .arg(url)
        .env("MCP_CONFORMANCE_PROTOCOL_VERSION", "2025-11-25")
        .env("MCP_TOOL", json!({ "name": "greet", "arguments": { "name": "Ada" } }).to_string())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn server_of_the_typescript_sdk_is_called() {
    let server = Servers::mcp("mcp-sdk.mjs");
    let said = greeting(&server.url);
    assert!(said.contains("Hello, Ada!"), "{said}");
}

#[test]
fn fastmcp_is_called_refreshed_and_logged_out_of() {
    let server = Servers::mcp("fastmcp.mjs");
    let said = greeting(&server.url);
    assert!(said.contains("Hello, Ada!"), "{said}");
    let mut home = Home::new();
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", &server.url]).ok();
    let first = home.run(["token", "-p", &server.url]).ok().line().to_owned();
    let second = home.run(["token", "-p", &server.url, "--force-refresh"]).ok().line().to_owned();
    assert_ne!(first, second);
    home.run(["logout", &server.url]).ok();
    home.run(["token", "-p", &server.url]).fails(4);
}
