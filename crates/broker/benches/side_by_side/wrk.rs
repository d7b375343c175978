//! Load by wrk: one thread, 32 connections that are kept.

use std::process::Command;

/// What wrk reports.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
pub struct Load {
    pub rate: f64,
    /// In milliseconds.
    pub p99: f64,
}

/// Sends requests for so long.
pub fn load(url: &str, key: &str, seconds: u64) -> Load {
    let output = Command::new("wrk")
        .args(["-t1", "-c32", "--latency", "-d", &format!("{seconds}s")])
        .args(["-H", &format!("Authorization: Bearer {key}"), url])
        .output()
        .expect("wrk is not installed");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "{text}");
    let after = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name}: {text}")).trim().to_owned()
    };
    Load { rate: after("Requests/sec:").parse().unwrap(), p99: milliseconds(&after("99%")) }
}

fn milliseconds(text: &str) -> f64 {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap());
    let number: f64 = number.parse().unwrap();
    match unit {
        "us" => number / 1000.0,
        "ms" => number,
        _ => number * 1000.0,
    }
}
