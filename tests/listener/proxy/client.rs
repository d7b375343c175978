//! A proxy that runs, and a client that says exactly what it is told.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::program::{DEADLINE, Home, Running};

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
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        // A refusal may come, and the connection end, before all is written.
        let _ = stream.write_all(bytes.as_bytes());
        let mut raw = Vec::new();
        let _ = stream.read_to_end(&mut raw);
        Reply::parse(&raw)
    }
}

/// An answer of the proxy.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    #[track_caller]
    pub fn parse(raw: &[u8]) -> Self {
        let text = String::from_utf8_lossy(raw);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(':').unwrap();
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self { status, headers: lines.map(header).collect(), body: body.to_owned() }
    }

    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice: {self:?}");
        first
    }
}
