//! A proxy that runs, and a client that says exactly what it is told.

use serde_json::Value;

use crate::support::{Home, Reply, Running, http};

/// A proxy as a process. It ends when this is dropped.
pub struct Proxy {
    pub process: Running,
    /// What it printed.
    pub at: Value,
    pub address: String,
    /// The path of the capability, without a slash at its end.
    pub key: String,
}

impl Proxy {
    /// Starts one for the profile `p` with these arguments.
    #[track_caller]
    pub fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut process = home.spawn(["proxy", "-p", "p"].iter().chain(arguments));
        let at: Value = process
            .await_stdout(|text| text.ends_with('\n').then(|| serde_json::from_str(text).unwrap()));
        let url = at["url"].as_str().unwrap();
        let (address, key) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let (address, key) = (address.to_owned(), format!("/{}", key.trim_end_matches('/')));
        Self { process, at, address, key }
    }

    /// A request with the capability and these header lines.
    #[track_caller]
    pub fn ask(&self, method: &str, path: &str, lines: &[&str]) -> Reply {
        let host = format!("Host: {}", self.address);
        let mut all = vec![host.as_str(), "Connection: close"];
        all.extend(lines);
        self.raw(&format!("{method} {}{path} HTTP/1.1\r\n{}\r\n\r\n", self.key, all.join("\r\n")))
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[])
    }

    /// Whatever is to be said; what is answered until the connection ends.
    #[track_caller]
    pub fn raw(&self, bytes: &str) -> Reply {
        http::exchange(&self.address, bytes).unwrap_or_else(|| panic!("no response: {bytes:?}"))
    }
}
