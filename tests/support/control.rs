//! A client for the control interface of the test servers: HTTP/1.1, JSON, one connection per request.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use super::DEADLINE;

/// Where a test server is controlled.
#[derive(Debug, Clone)]
pub struct Control {
    authority: String,
}

impl Control {
    pub fn new(url: &str) -> Self {
        Self { authority: url.strip_prefix("http://").unwrap().to_owned() }
    }

    #[track_caller]
    pub fn get(&self, target: &str) -> Value {
        self.ask("GET", target, "")
    }

    #[track_caller]
    pub fn post(&self, target: &str, body: &Value) -> Value {
        self.ask("POST", target, &body.to_string())
    }

    #[track_caller]
    pub fn delete(&self, target: &str) -> Value {
        self.ask("DELETE", target, "")
    }

    #[track_caller]
    fn ask(&self, method: &str, target: &str, body: &str) -> Value {
        let (authority, length) = (&self.authority, body.len());
        let mut stream = TcpStream::connect(authority).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            stream,
            "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap_or_else(|e| panic!("{method} {target}: {e}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {target}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}
