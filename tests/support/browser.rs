//! The scripted browser: `browser.mjs`, started by the program as its `BROWSER`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::{Value, json};

use super::process::{DEADLINE, Running};
use super::{await_some, tests_dir};

/// A browser with its mode, and what it writes down.
pub struct Browser {
    dir: PathBuf,
}

/// An answer of the listener, as received. `status` is 0 where none came; `ended` says how it ended.
#[derive(Debug, Clone, Deserialize)]
pub struct Answer {
    pub status: u16,
    pub ended: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What a browser did from the authorization URL to the last page.
#[derive(Debug, Clone, Deserialize)]
pub struct Visit {
    /// The callback's URL as the server wrote it.
    pub callback: Option<String>,
    /// What the listener answered, in order.
    pub answers: Vec<Answer>,
    /// What it answered to each attack.
    #[serde(default)]
    pub attacks: BTreeMap<String, Answer>,
    /// The page that the walk ended at, where there was no callback.
    pub page: Option<String>,
}

/// How the program started the browser.
#[derive(Debug, Clone, Deserialize)]
pub struct Opened {
    pub argv: Vec<String>,
    pub url: String,
    pub environ: BTreeMap<String, String>,
    /// Open descriptors, and what they lead to.
    pub descriptors: BTreeMap<String, String>,
}

impl Browser {
    /// A browser that keeps its notes in `dir`, a new folder.
    pub fn new(dir: &Path, mode: &Value) -> Self {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("mode.json"), mode.to_string()).unwrap();
        Self { dir: dir.to_path_buf() }
    }

    /// The value for `BROWSER`.
    pub fn command(&self) -> String {
        let script = tests_dir("support/browser.mjs");
        format!("node {} {} %s", script.display(), self.dir.display())
    }

    /// How it was started, each time.
    #[track_caller]
    pub fn openings(&self) -> Vec<Opened> {
        self.notes("opened")
    }

    /// Waits until it has been started.
    #[track_caller]
    pub fn await_opening(&self) -> Opened {
        await_some("the browser's start", || self.openings().pop())
    }

    /// Waits until it has reached the callback's URL, and gives that: with `after`, before it goes there.
    #[track_caller]
    pub fn await_callback(&self) -> String {
        let visit: Value = await_some("the callback's URL", || self.notes("walked").pop());
        visit["callback"].as_str().unwrap_or_else(|| panic!("no callback: {visit}")).to_owned()
    }

    /// Waits until it is done.
    #[track_caller]
    pub fn await_visit(&self) -> Visit {
        await_some("the end of the browser's visit", || self.notes("visit").pop())
    }

    #[track_caller]
    fn notes<T: serde::de::DeserializeOwned>(&self, kind: &str) -> Vec<T> {
        let mut notes = Vec::new();
        for entry in fs::read_dir(&self.dir).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with(kind) && name.ends_with(".json") {
                let text = fs::read_to_string(entry.path()).unwrap();
                notes.push(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}")));
            }
        }
        notes
    }
}

/// Goes through the pages of a server in a browser that no program starts, up to the callback, which it does not
/// visit. Returns the URL of the callback.
#[track_caller]
pub fn consent(authorization_url: &str) -> String {
    let notes = tempfile::tempdir().unwrap();
    // The browser waits before the callback for what never comes.
    let mode = json!({ "mode": "honest", "after": notes.path().join("never") });
    let browser = Browser::new(&notes.path().join("browser"), &mode);
    let command = browser.command();
    let mut words = command.split(' ').filter(|word| *word != "%s");
    let mut node = Command::new(words.next().unwrap());
    let mut running = Running::start(node.args(words).arg(authorization_url), DEADLINE);
    running.close_stdin();
    browser.await_callback()
}
