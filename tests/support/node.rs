//! Servers that Node runs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use super::tests_dir;

#[track_caller]
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A Node process that lives as long as its stdin is open.
pub(super) struct Node {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Node {
    #[track_caller]
    pub(super) fn start(script: &str, options: &[&str]) -> (Self, Value) {
        let mut log = tempfile::tempfile().unwrap();
        let mut child = Command::new("node")
            .arg(tests_dir("servers").join(script))
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.try_clone().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("node: {error}"));
        let stdin = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let at = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("{script} did not start:\n{}", said(&mut log)));
        (Self { child, stdin }, at)
    }
}

fn said(log: &mut File) -> String {
    let mut text = String::new();
    log.rewind().unwrap();
    log.read_to_string(&mut text).unwrap();
    text
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
