//! What the misbehaving server of the tests is for: what HTTP can say, the tests say themselves over the sandbox.

use std::fs;

use crate::source::{report, root};

/// The tables of the server, with the file of each.
const TABLES: [(&str, &str); 4] =
    [("raw.mjs", "RAW"), ("raw.mjs", "RAW_GOOD"), ("tls.mjs", "TLS"), ("world.mjs", "CLIENTS")];

/// Words of the HTTP library, and of responses that differ in their status alone.
const OF_HTTP: [&str; 8] =
    ["reply(", "json(", "refuse(", "writeHead", "res.", "HTTP/1.1 3", "HTTP/1.1 4", "HTTP/1.1 5"];

#[test]
fn misbehaving_server_has_faults_of_sockets_and_tls() {
    let mut faults = Vec::new();
    for entry in fs::read_dir(root().join("tests/servers/hostile")).unwrap() {
        let path = entry.unwrap().path();
        let (name, text) =
            (path.file_name().unwrap().to_str().unwrap(), fs::read_to_string(&path).unwrap());
        let tables = text.lines().filter_map(|line| {
            let (table, begin) = line.strip_prefix("export const ")?.split_once(" = ")?;
            begin.starts_with('{').then_some(table)
        });
        for table in tables.filter(|table| !TABLES.contains(&(name, table))) {
            faults.push(format!("{name} has the table {table}"));
        }
        let is_of_http = |line: &str| OF_HTTP.iter().any(|word| line.contains(word));
        if name == "raw.mjs" {
            let lines = text.lines().filter(|line| is_of_http(line));
            faults.extend(lines.map(|line| format!("{name} needs no socket: {}", line.trim())));
        }
    }
    report(&faults);
}
