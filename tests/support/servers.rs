//! The authorization servers: `tests/servers`, run by Node, on ports from the kernel.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::control::Control;
use super::tests_dir;

use super::hostile::Hostile;
use super::node::{Node, text};

/// Starts servers. Each is the test's own and ends with it.
pub struct Servers;

impl Servers {
    /// The strict server that others wrote: rotation, and reuse revokes the grant.
    #[track_caller]
    pub fn oidc_provider() -> OidcProvider {
        Self::oidc_provider_with(&[])
    }

    /// The same with options: see `oidc-provider.mjs`.
    #[track_caller]
    pub fn oidc_provider_with(options: &[&str]) -> OidcProvider {
        assert!(
            tests_dir("servers/node_modules/oidc-provider").is_dir(),
            "the test servers are not installed: `npm ci` in tests/servers, or tests/run"
        );
        let (node, at) = Node::start("oidc-provider.mjs", options);
        OidcProvider {
            issuer: text(&at["issuer"]),
            secret: text(&at["secret"]),
            ca: text(&at["ca"]),
            document: text(&at["document"]),
            control: Control::new(&text(&at["control"])),
            _node: node,
        }
    }

    /// The strict server for clients without a user: see `machines.mjs`.
    #[track_caller]
    pub fn machines() -> Machines {
        let (node, at) = Node::start("machines.mjs", &[]);
        Machines {
            issuer: text(&at["issuer"]),
            secret: text(&at["secret"]),
            service_account: text(&at["serviceAccount"]),
            client_keys: serde_json::from_value(at["clientKeys"].clone()).unwrap(),
            platform_jwt: text(&at["platformJwt"]),
            svid: text(&at["svid"]),
            control: Control::new(&text(&at["control"])),
            _node: node,
        }
    }

    /// The mocks of the presets' providers.
    #[track_caller]
    pub fn providers() -> Providers {
        let (node, at) = Node::start("providers.mjs", &[]);
        Providers {
            base: text(&at["base"]),
            control: Control::new(&text(&at["control"])),
            _node: node,
        }
    }

    /// A protected resource with its authorization servers, which do what a test wants.
    #[track_caller]
    pub fn resource() -> Resource {
        let (node, at) = Node::start("resource.mjs", &[]);
        let control = Control::new(&text(&at["control"]));
        Resource { base: text(&at["base"]), control, _node: node }
    }

    /// An MCP server that others wrote, by its script: the example of the TypeScript SDK, or FastMCP.
    #[track_caller]
    pub fn mcp(script: &str) -> McpServer {
        let (node, at) = Node::start(script, &[]);
        McpServer { url: text(&at["url"]), _node: node }
    }

    /// An API over TLS for requests with this token: see `secure.mjs`.
    #[track_caller]
    pub fn secure(token: &str) -> Secure {
        let (node, at) = Node::start("secure.mjs", &["--token", token]);
        Secure { base: text(&at["base"]), ca: text(&at["ca"]), _node: node }
    }

    /// The server that lies, stalls and cheats.
    #[track_caller]
    pub fn hostile() -> Hostile {
        Hostile::start()
    }
}

/// oidc-provider. Public clients: `cli`, `cli-localhost`, `cli-ipv6`, `cli-no-refresh`, `cli-par`, `cli-dpop`,
/// `cli-es256`; with `secret`: `cli-secret` (basic), `cli-post`, `service` (client_credentials).
pub struct OidcProvider {
    pub issuer: String,
    pub secret: String,
    /// The authority of its https endpoints, in PEM, if there are any.
    pub ca: String,
    /// The URL of a client's metadata document, if there is one.
    pub document: String,
    pub control: Control,
    _node: Node,
}

impl OidcProvider {
    /// How many requests of this grant type the token endpoint has had.
    #[track_caller]
    pub fn count(&self, grant_type: &str) -> u64 {
        self.control.get("/journal")["counts"][grant_type].as_u64().unwrap_or(0)
    }

    /// Where it says whose a token is that is bound to a key, and what it made of each request there.
    #[track_caller]
    pub fn who(&self) -> (String, Vec<Value>) {
        let all = self.control.get("/journal")["requests"].clone();
        let all = all.as_array().unwrap().iter().filter(|entry| entry["path"] == "/who");
        let said = |entry: &Value| json!([entry["status"], entry["error"]]);
        (format!("{}/who", self.issuer), all.map(said).collect())
    }

    /// Enters a user code at its pages, and approves the login or denies it.
    #[track_caller]
    pub fn answer_device(&self, user_code: &str, deny: bool) {
        self.control.post("/device", &json!({ "user_code": user_code, "deny": deny }));
    }

    /// The lifetime of access tokens from now on, in seconds.
    #[track_caller]
    pub fn ttl(&self, seconds: u64) {
        self.control.post("/ttl", &json!({ "seconds": seconds }));
    }

    /// Holds the answers of the next `count` refreshes, which are acted on nevertheless.
    #[track_caller]
    pub fn hold(&self, count: u64) {
        self.control.post("/hold", &json!({ "count": count }));
    }

    /// Waits until `count` answers are held.
    #[track_caller]
    pub fn await_held(&self, count: u64) {
        self.control.get(&format!("/held?count={count}"));
    }

    /// Sends what is held.
    #[track_caller]
    pub fn release(&self) {
        self.control.post("/release", &json!({}));
    }
}

/// The server for clients without a user: `svc` has the secret, `signer` the keys, and `public` none.
pub struct Machines {
    pub issuer: String,
    pub secret: String,
    /// A service-account file.
    pub service_account: String,
    /// The keys of `signer`, by their algorithm, as PEM, and with `-jwk` as JWK.
    pub client_keys: BTreeMap<String, String>,
    /// An assertion that a platform makes for `signer`.
    pub platform_jwt: String,
    /// A JWT-SVID of `spiffe://example.org/ci/deployer`.
    pub svid: String,
    control: Control,
    _node: Node,
}

impl Machines {
    /// The token requests so far: `form`, `client`, `header` of the client's assertion.
    #[track_caller]
    pub fn requests(&self) -> Vec<Value> {
        self.control.get("/journal").as_array().unwrap().clone()
    }

    /// Changes its settings: `ttl`, `reply` (once), `idp`, `audience`, `delayMs`, `metadata`, `refresh`.
    #[track_caller]
    pub fn set(&self, settings: &Value) {
        self.control.post("/set", settings);
    }
}

/// An MCP server that others wrote.
pub struct McpServer {
    pub url: String,
    _node: Node,
}

/// An API over TLS.
pub struct Secure {
    pub base: String,
    /// The authority to trust, in PEM.
    pub ca: String,
    _node: Node,
}

/// A protected resource, `/mcp`, and its authorization servers, `/a`, `/b` and so on.
pub struct Resource {
    pub base: String,
    control: Control,
    _node: Node,
}

impl Resource {
    /// Changes what the servers do: see `world` in `resource.mjs`.
    #[track_caller]
    pub fn set(&self, change: &Value) {
        self.control.post("/set", change);
    }

    /// The requests at this path.
    #[track_caller]
    pub fn requests(&self, path: &str) -> Vec<Value> {
        let mut all = self.control.get("/journal").as_array().unwrap().clone();
        all.retain(|entry| entry["path"] == path);
        all
    }

    /// The paths of all requests, in their order.
    #[track_caller]
    pub fn paths(&self) -> Vec<String> {
        let all = self.control.get("/journal");
        all.as_array().unwrap().iter().map(|entry| text(&entry["path"])).collect()
    }
}

/// The mocks.
pub struct Providers {
    pub base: String,
    control: Control,
    _node: Node,
}

impl Providers {
    /// The table of what each does, by the names of the presets: see `providers/table.mjs`.
    #[track_caller]
    pub fn table(&self) -> serde_json::Map<String, Value> {
        self.control.get("/providers").as_object().unwrap().clone()
    }

    /// The requests that one has had.
    #[track_caller]
    pub fn requests(&self, name: &str) -> Vec<Value> {
        self.control.get(&format!("/journal?provider={name}")).as_array().unwrap().clone()
    }

    /// Makes every refresh token of one invalid.
    #[track_caller]
    pub fn forget(&self, name: &str) {
        self.control.post("/forget", &json!({ "provider": name }));
    }
}
