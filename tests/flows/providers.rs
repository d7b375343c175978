//! Every preset against a mock of its provider: `tests/servers/providers.mjs`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::Value;

use crate::support::{Home, Output, Providers, Servers, program};
use crate::user::{callback, url_to_open};

/// One preset with a home directory.
struct Scene<'a> {
    servers: &'a Providers,
    home: Home,
    name: &'a str,
    /// The row of the mock's table.
    row: &'a Value,
}

impl<'a> Scene<'a> {
    /// The profile is the preset's, with every URL of the preset replaced by the mock's.
    fn new(servers: &'a Providers, name: &'a str, row: &'a Value, preset: &Value) -> Self {
        let root = row["root"].as_str().unwrap();
        let mut lines = vec![format!("provider = {name:?}"), "client_id = \"cli\"".to_owned()];
        lines.push(format!("scopes = {}", row["scopes"]));
        if row["client"] != "none" {
            lines.push("client_secret = \"secret\"".to_owned());
        }
        match row["place"].as_str() {
            Some("root") => lines.push(format!("root_url = \"{root}/\"")),
            Some("issuer") => lines.push(format!("issuer = {}", row["issuer"])),
            _ => {
                for key in preset["profile"].as_object().unwrap().keys() {
                    let at = match key.as_str() {
                        "issuer" => root.to_owned(),
                        "jwks_uri" => format!("{root}/jwks"),
                        key if key.ends_with("_endpoint") => {
                            format!("{root}/{}", key.trim_end_matches("_endpoint"))
                        }
                        _ => continue,
                    };
                    lines.push(format!("{key} = {at:?}"));
                }
            }
        }
        if let Some(uri) = row["redirect"].as_str() {
            lines.push(format!("redirect_uri = {uri:?}"));
        }
        let home = Home::new();
        home.config(&format!("[profiles.p]\n{}\n", lines.join("\n")));
        Self { servers, home, name, row }
    }

    /// Logs in by paste: no listener, so that no port is needed.
    fn login(&self, cancel: bool) -> Output {
        let mut running = self.home.spawn(["login", "p", "--flow", "paste", "--no-browser"]);
        let mut url = url_to_open(&mut running);
        if cancel {
            let base = self.servers.base.as_str();
            url = url.replacen(base, &format!("{base}/deny"), 1);
        }
        running.write(&format!("{}\n", callback(&url)));
        running.wait()
    }

    /// Fails with all complaints of the mock.
    #[track_caller]
    fn exits(&self, output: Output, expected: i32) -> Output {
        let name = self.name;
        let faults: Vec<Value> = self
            .servers
            .requests(name)
            .into_iter()
            .filter(|one| one["fault"].is_string())
            .collect();
        let Output { status, stdout, stderr } = &output;
        assert_eq!(
            *status, expected,
            "{name}\n{faults:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        assert!(faults.is_empty(), "{name}: {faults:?}");
        output
    }

    /// Logs in on another device, where the user approves at once.
    fn login_on_device(&self) -> Output {
        self.home.run(["login", "p", "--flow", "device", "--no-browser"])
    }

    fn token(&self, more: &[&str]) -> Output {
        self.home.run([&["token", "--json"], more].concat())
    }

    /// What the program makes of the first answer.
    fn expected(&self, login: &Output) {
        let (name, expected) = (self.name, &self.row["expected"]);
        let may: Vec<&str> =
            expected["warns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let unexpected = |line: &&str| {
            line.starts_with("warning") && !may.iter().any(|part| line.contains(part))
        };
        assert_eq!(login.stderr.lines().find(unexpected), None, "{name}");
        let token = self.exits(self.token(&[]), 0).json();
        let lifetime = match &expected["expires_in"] {
            Value::Null if expected.get("expires_in").is_some() => None,
            value => Some(value.as_i64().unwrap_or(3600)),
        };
        match lifetime {
            None => assert!(token["expires_at"].is_null(), "{name}: {token}"),
            Some(seconds) => {
                let left = token["expires_in"].as_i64().unwrap();
                assert!((seconds - 60..=seconds).contains(&left), "{name}: {token}");
            }
        }
    }

    /// Logs in, refreshes twice, logs out and cancels a second login.
    fn whole_life(&self, preset: &Value) {
        let has_device = preset["profile"].get("device_authorization_endpoint").is_some();
        assert_eq!(self.row.get("device").is_some(), has_device, "{}", self.name);
        let login = self.exits(self.login(false), 0);
        self.expected(&login);
        let first = self.token(&[]).json()["access_token"].clone();
        if self.row.get("refresh") == Some(&Value::Null) {
            self.token(&["--force-refresh"]).fails(4);
        } else {
            let second =
                self.exits(self.token(&["--force-refresh"]), 0).json()["access_token"].clone();
            let third =
                self.exits(self.token(&["--force-refresh"]), 0).json()["access_token"].clone();
            assert!(first != second && second != third, "{}", self.name);
            self.servers.forget(self.name);
            self.exits(self.token(&["--force-refresh"]), 4);
            self.exits(self.login(false), 0);
        }
        if self.row.get("device").is_some() {
            self.exits(self.login_on_device(), 0);
            let can_refresh = self.row.get("refresh") != Some(&Value::Null);
            self.exits(self.token(&["--force-refresh"]), if can_refresh { 0 } else { 4 });
        }
        self.exits(self.home.run(["logout", "p"]), 0);
        let all = self.servers.requests(self.name);
        let revoked = all.iter().any(|one| one["path"].as_str().unwrap().contains("revo"));
        assert_eq!(revoked, self.row.get("revoke").is_some(), "{}: {all:?}", self.name);
        self.exits(self.token(&[]), 4);
        self.exits(self.login(true), 5);
    }
}

#[test]
fn every_preset_lives_with_its_provider() {
    let servers = Servers::providers();
    let output =
        std::process::Command::new(program()).args(["providers", "--json"]).output().unwrap();
    let presets: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let table = servers.table();
    let names: Vec<&str> = presets.iter().map(|preset| preset["name"].as_str().unwrap()).collect();
    assert!(names.iter().all(|name| table.contains_key(*name)) && names.len() == table.len());
    // Two at a time: each waits for the other side most of the time. All are seen before the test fails.
    let failed = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for half in presets.chunks(presets.len().div_ceil(2)) {
            let (servers, table, failed) = (&servers, &table, &failed);
            scope.spawn(move || {
                for preset in half {
                    let name = preset["name"].as_str().unwrap();
                    let scene = Scene::new(servers, name, &table[name], preset);
                    let lived = catch_unwind(AssertUnwindSafe(|| scene.whole_life(preset)));
                    failed.lock().unwrap().extend(lived.is_err().then_some(name));
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:?}: see above");
}
