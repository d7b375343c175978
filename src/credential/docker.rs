//! The protocol of docker's credential helpers.

use std::collections::BTreeMap;

use oauthctl_core::profile::{Credential, Target};
use oauthctl_core::{Error, Result};
use serde_json::{Map, Value, json};

use super::{Issued, username};

/// The text that tells docker that there is no credential, which it does not report as a failure.
pub const NOT_FOUND: &str = "credentials not found in native keychain";

/// Parses the input of `get` and `erase`: a server, in one line.
///
/// # Errors
///
/// Returns `Usage` if it is no host or URL.
pub fn parse(input: &str) -> Result<(&str, Target)> {
    let line = input.strip_suffix('\n').unwrap_or(input);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let target = Target::parse(line);
    target.map(|target| (line, target)).map_err(|why| Error::usage(format!("the server {why}")))
}

/// Renders the response to `get`.
pub fn render(server: &str, settings: &Credential, token: &Issued) -> Value {
    json!({
        "ServerURL": server,
        "Username": username(settings),
        "Secret": token.value.expose(),
    })
}

/// Renders the response to `list`: the user name of each server.
pub fn list(all: Option<&BTreeMap<String, Credential>>) -> Value {
    let all = all.into_iter().flatten();
    let names: Map<String, Value> =
        all.map(|(key, settings)| (key.clone(), json!(username(settings)))).collect();
    Value::Object(names)
}
