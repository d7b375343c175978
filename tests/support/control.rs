//! A client for the control interface of the test servers, which speaks JSON.

use serde_json::Value;

use super::http::request;

/// Where a test server is controlled.
#[derive(Debug, Clone)]
pub struct Control {
    url: String,
}

impl Control {
    pub fn new(url: &str) -> Self {
        Self { url: url.to_owned() }
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
        let reply = request(method, &format!("{}{target}", self.url), "", body);
        let reply = reply.unwrap_or_else(|| panic!("no response: {method} {target}"));
        serde_json::from_str(&reply.with(200).body).unwrap()
    }
}
