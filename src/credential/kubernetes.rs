//! The protocol of Kubernetes' exec credential plugins.

use oauthctl_core::profile::Target;
use oauthctl_core::{Error, Result, text};
use serde_json::{Value, json};

use super::Issued;

/// The versions of the protocol, without the group.
const VERSIONS: [&str; 2] =
    ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// A request, from the variable `KUBERNETES_EXEC_INFO`.
pub struct Request {
    version: &'static str,
    /// The API server, if the kubeconfig provides it.
    pub server: Option<Target>,
}

/// Parses the variable. Without it, the version is v1.
///
/// # Errors
///
/// Returns `Usage` if it is not an `ExecCredential`, or has an unknown version.
pub fn parse(info: Option<&str>) -> Result<Request> {
    let Some(info) = info else {
        return Ok(Request { version: VERSIONS[0], server: None });
    };
    let invalid = |why: &str| Error::usage(format!("KUBERNETES_EXEC_INFO {why}"));
    let info: Value = serde_json::from_str(info).map_err(|_| invalid("is not valid JSON"))?;
    if info["kind"] != "ExecCredential" {
        return Err(invalid("is not an ExecCredential"));
    }
    let version = info["apiVersion"].as_str().unwrap_or_default();
    let Some(version) = VERSIONS.into_iter().find(|known| *known == version) else {
        let version = text::one_line(version);
        return Err(invalid(&format!("has an unknown version: `{version}`"))
            .hint(format!("set `apiVersion: {}` in the kubeconfig", VERSIONS[0])));
    };
    let server = match info["spec"]["cluster"]["server"].as_str() {
        Some(server) => {
            let target = Target::parse(server);
            Some(target.map_err(|why| invalid(&format!("is for an invalid server: it {why}")))?)
        }
        None => None,
    };
    if server.as_ref().is_some_and(|server| server.is_plain() && !server.is_loopback()) {
        return Err(invalid("is for a server without TLS, which does not get a token"));
    }
    Ok(Request { version, server })
}

/// Renders the response.
pub fn render(request: &Request, token: &Issued) -> Value {
    let mut status = json!({ "token": token.value.expose() });
    if let Some(at) = token.expires_at {
        status["expirationTimestamp"] = json!(at.to_string());
    }
    json!({ "kind": "ExecCredential", "apiVersion": request.version, "status": status })
}
