//! Authorization servers that others wrote and that are no part of `node_modules`: Glewlwyd (C, from Debian) and
//! django-oauth-toolkit (Python, from PyPI). `tests/run` installs them.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::control::Control;
use super::node::{Node, text};

/// One of them, with its database in a directory of its own. Its client is `cli`, its user `alice`.
pub struct Foreign {
    pub issuer: String,
    /// What the browser does at its pages, besides `mode`.
    pub user: Value,
    /// What its client needs in a profile: a secret, and redirect URIs where their ports must match.
    pub client: String,
    control: Control,
    _node: Node,
    _dir: TempDir,
}

impl Foreign {
    /// Glewlwyd.
    #[track_caller]
    pub fn glewlwyd(ttl: u64) -> Self {
        Self::start("glewlwyd.mjs", "glewlwyd", ttl)
    }

    /// django-oauth-toolkit, likewise.
    #[track_caller]
    pub fn django_toolkit(ttl: u64) -> Self {
        Self::start("django-toolkit.mjs", "forms", ttl)
    }

    #[track_caller]
    fn start(script: &str, pages: &str, ttl: u64) -> Self {
        let dir = TempDir::with_prefix("oauthctl-server-").unwrap();
        let path = dir.path().to_str().unwrap();
        let (node, at) = Node::start(script, &["--dir", path, "--ttl", &ttl.to_string()]);
        let line = |name: &str, key: &str| match &at[key] {
            Value::Null => String::new(),
            value => format!("{name} = {value}\n"),
        };
        Self {
            client: line("client_secret", "secret") + &line("redirect_uri", "redirects"),
            issuer: text(&at["issuer"]),
            user: json!({ "pages": pages, "username": "alice", "password": at["password"] }),
            control: Control::new(&text(&at["control"])),
            _node: node,
            _dir: dir,
        }
    }

    /// The lifetime of access tokens from now on, in seconds.
    #[track_caller]
    pub fn ttl(&self, seconds: u64) {
        self.control.post("/ttl", &json!({ "seconds": seconds }));
    }

    /// Lets all device codes of django-oauth-toolkit expire, which its page notices when one is entered.
    #[track_caller]
    pub fn expire(&self) {
        self.control.post("/expire", &json!({}));
    }

    /// What its token and revocation endpoints were asked.
    #[track_caller]
    pub fn requests(&self) -> Vec<Value> {
        self.control.get("/journal")["requests"].as_array().unwrap().clone()
    }

    /// The requests of this grant type.
    #[track_caller]
    pub fn grants(&self, grant_type: &str) -> Vec<Value> {
        let mut all = self.requests();
        all.retain(|entry| entry["grant_type"] == grant_type);
        all
    }

    /// Every token and verifier that it has seen.
    #[track_caller]
    pub fn secrets(&self) -> Vec<String> {
        let all = self.requests();
        let all = all.iter().filter_map(|entry| entry["secrets"].as_array()).flatten();
        all.map(text).collect()
    }

    /// Sends the last refresh token a second time: the server ends the grant. Returns the status.
    #[track_caller]
    pub fn replay(&self) -> u64 {
        self.control.post("/replay", &json!({}))["status"].as_u64().unwrap()
    }
}
