//! The misbehaving server: `tests/servers/hostile.mjs`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::control::Control;
use super::node::{Node, text};

/// The hostile server.
pub struct Hostile {
    /// Listeners by name: `http`, `https`, `canary`, `refused`, and the wrong certificates.
    pub bases: BTreeMap<String, Option<String>>,
    /// Client secrets by client.
    pub secrets: BTreeMap<String, Option<String>>,
    /// The certificate of the authority that signed for `https`, in PEM.
    pub ca: String,
    pub control: Control,
    _node: Node,
}

impl Hostile {
    #[track_caller]
    pub(super) fn start() -> Self {
        let (node, at) = Node::start("hostile.mjs", &[]);
        let bases = serde_json::from_value(at["bases"].clone()).unwrap();
        let secrets = serde_json::from_value(at["secrets"].clone()).unwrap();
        let control = Control::new(&text(&at["control"]));
        Self { bases, secrets, ca: text(&at["ca"]), control, _node: node }
    }

    /// The issuer of a scenario: see `hostile/scenario.mjs`.
    #[track_caller]
    pub fn issuer(&self, scenario: &str) -> String {
        self.issuer_at("http", scenario)
    }

    /// The same on another listener.
    #[track_caller]
    pub fn issuer_at(&self, listener: &str, scenario: &str) -> String {
        let base = self.bases[listener].as_deref().expect("no such listener on this machine");
        format!("{base}/s/{scenario}")
    }

    /// The faults of a table: `raw`, `raw-good` or `tls`; `-N` at an end stands for a number.
    #[track_caller]
    pub fn behaviours(&self, table: &str) -> Vec<String> {
        let all = self.control.get("/scenarios");
        serde_json::from_value(all[table].clone()).unwrap()
    }

    /// The requests that a scenario's endpoint has had.
    #[track_caller]
    pub fn requests(&self, scenario: &str, endpoint: &str) -> Vec<Value> {
        let all = self.control.get(&format!("/journal?scenario={scenario}&endpoint={endpoint}"));
        all.as_array().unwrap().clone()
    }

    /// Holds the next `count` requests at `discovery`, `token`, `token-answer` or `revoke`.
    #[track_caller]
    pub fn hold(&self, at: &str, count: u64) {
        self.control.post("/hold", &json!({ "at": at, "count": count }));
    }

    /// Waits until `count` are held.
    #[track_caller]
    pub fn await_held(&self, at: &str, count: u64) {
        self.control.get(&format!("/held?at={at}&count={count}"));
    }

    /// Lets go what is held.
    #[track_caller]
    pub fn release(&self, at: &str) {
        self.control.post("/release", &json!({ "at": at }));
    }

    /// Sets parameters: `expires_in`, `grace`, `sub`, `stall_ms`.
    #[track_caller]
    pub fn set(&self, params: &Value) {
        self.control.post("/params", params);
    }

    /// Revokes everything a scenario has granted.
    #[track_caller]
    pub fn revoke_all(&self, scenario: &str) {
        self.control.post("/revoke", &json!({ "scenario": scenario }));
    }

    /// Every secret that it has minted or seen: codes, tokens, verifiers, client secrets.
    #[track_caller]
    pub fn secrets_minted(&self) -> Vec<String> {
        self.canaries(|_| true)
    }

    /// The newest secret of this kind.
    #[track_caller]
    pub fn newest(&self, kind: &str) -> String {
        self.canaries(|canary| canary["kind"] == kind).pop().unwrap()
    }

    #[track_caller]
    fn canaries(&self, which: impl Fn(&Value) -> bool) -> Vec<String> {
        let all = self.control.get("/canaries");
        let all = all.as_array().unwrap().iter().filter(|canary| which(canary));
        all.map(|canary| text(&canary["value"])).collect()
    }

    /// Fails if anything has reached the host that nothing has a reason to reach.
    #[track_caller]
    pub fn assert_canary_untouched(&self) {
        assert_eq!(self.control.get("/canary-hits"), json!([]));
    }
}
