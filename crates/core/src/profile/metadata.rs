//! Validates an authorization server's metadata document (RFC 8414, OpenID Connect Discovery).

use serde_json::{Map, Value};
use url::Url;

use super::id_token::needs_secret;
use super::{
    AuthorizationServer, ClientAuth, Endpoint, Endpoints, GrantType, Par, Profile, ResponseMode,
    endpoint,
};
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::text::one_line;

const ISS: &str = "authorization_response_iss_parameter_supported";
const REQUIRE_PAR: &str = "require_pushed_authorization_requests";
const SCOPES: &str = "scopes_supported";
const METADATA_DOCUMENTS: &str = "client_id_metadata_document_supported";
const REQUIRE_JAR: &str = "require_signed_request_object";
const REQUEST_ALGS: &str = "request_object_signing_alg_values_supported";

/// The endpoints for clients with a certificate (RFC 8705, section 5).
const ALIASES: &str = "mtls_endpoint_aliases";

const AUTH_ALGS: &str = "token_endpoint_auth_signing_alg_values_supported";

/// The other members that are used.
const OTHERS: &[&str] = &[
    "issuer",
    REQUIRE_JAR,
    REQUEST_ALGS,
    ALIASES,
    AUTH_ALGS,
    "code_challenge_methods_supported",
    ISS,
    REQUIRE_PAR,
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
    SCOPES,
    METADATA_DOCUMENTS,
];

/// A JSON object without duplicate names.
pub(crate) struct Unique(pub Map<String, Value>);

impl<'de> serde::Deserialize<'de> for Unique {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Unique;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut access: A,
            ) -> Result<Unique, A::Error> {
                let mut map = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if map.contains_key(&name) {
                        let message = format!("duplicate member `{}`", one_line(&name));
                        return Err(serde::de::Error::custom(message));
                    }
                    map.insert(name, value);
                }
                Ok(Unique(map))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// Returns the used members of a document.
pub(crate) fn relevant(mut document: Map<String, Value>) -> Map<String, Value> {
    document.retain(|name, value| {
        let used = OTHERS.contains(&name.as_str())
            || Endpoint::announced().any(|endpoint| endpoint.key() == name);
        used && !value.is_null()
    });
    document
}

/// A validated document.
pub(crate) struct Metadata {
    pub server: AuthorizationServer,
    /// The members that are not usable endpoints.
    defects: Vec<Defect>,
}

/// What is wrong with an endpoint.
struct Defect {
    endpoint: Endpoint,
    why: String,
    /// Whether it is a plain http URL, over which an attacker on the network could read requests.
    is_plain_http: bool,
    /// Whether it is an alias for clients with a certificate.
    is_alias: bool,
}

impl From<AuthorizationServer> for Metadata {
    fn from(server: AuthorizationServer) -> Self {
        Self { server, defects: Vec::new() }
    }
}

impl Metadata {
    /// Refuses metadata that this profile cannot use: an endpoint that it needs is not a usable URL, or one
    /// that it may use later is plain http. An endpoint that the configuration sets itself does not count.
    ///
    /// # Errors
    /// Returns an error of kind `Validation`.
    pub(crate) fn refuse_unsafe(&self, profile: &Profile, issuer: &str) -> Result<()> {
        let needed = needed(profile, &self.server);
        let is_mutual_tls = profile.client.auth.is_some_and(ClientAuth::is_mutual_tls);
        for Defect { endpoint, why, is_plain_http, is_alias } in &self.defects {
            let is_configured = profile.endpoints.get(*endpoint).is_some();
            let is_used = needed.contains(endpoint) || *is_plain_http && endpoint.is_used();
            if is_used && !is_configured && (!is_alias || is_mutual_tls) {
                let prefix = if *is_alias { "mtls_endpoint_aliases." } else { "" };
                return Err(bad(issuer, &format!("{prefix}{}", endpoint.key()), why));
            }
        }
        Ok(())
    }
}

/// Returns the endpoints that a login with this profile needs, wherever they are set.
fn needed(profile: &Profile, server: &AuthorizationServer) -> Vec<Endpoint> {
    let code = profile.grant == GrantType::AuthorizationCode;
    let pushes = code && (profile.par == Par::Always || server.require_par);
    let device = profile.grant == GrantType::DeviceCode;
    let backchannel = profile.grant == GrantType::Ciba;
    let keys = needs_keys(profile);
    [
        (code, Endpoint::Authorization),
        (true, Endpoint::Token),
        (device, Endpoint::DeviceAuthorization),
        (backchannel, Endpoint::BackchannelAuthentication),
        (pushes && profile.par != Par::Never, Endpoint::PushedAuthorizationRequest),
        (keys, Endpoint::Jwks),
    ]
    .into_iter()
    .filter(|(is_needed, _)| *is_needed)
    .map(|(_, endpoint)| endpoint)
    .collect()
}

/// Returns whether id_tokens are verified with the server's public keys.
pub(super) fn needs_keys(profile: &Profile) -> bool {
    if profile.response_mode.is_some_and(ResponseMode::is_signed) {
        return true;
    }
    let openid = profile.scopes.iter().any(|scope| scope == "openid");
    let by_secret = profile.id_token_signed_response_alg.as_deref().is_some_and(needs_secret);
    openid && profile.grant.needs_user() && !by_secret
}

/// Validates a document that was requested for `issuer`.
///
/// # Errors
/// Returns `Validation` if the document belongs to another server, or if a relevant member has the wrong
/// type.
pub(crate) fn validate(issuer: &str, document: &Map<String, Value>) -> Result<Metadata> {
    same_issuer(issuer, document)?;
    let issuer_url =
        endpoint::check_issuer(issuer).map_err(|why| Error::config(format!("the issuer {why}")))?;
    let mut defects = Vec::new();
    let endpoints = endpoints_of(document, &issuer_url, false, &mut defects);
    let mtls_endpoints = match document.get(ALIASES) {
        Some(Value::Object(aliases)) => endpoints_of(aliases, &issuer_url, true, &mut defects),
        _ => Endpoints::default(),
    };
    let is_ignored = |defect: &&Defect| !defect.is_alias;
    let list = |name| list(document, name).map_err(|why| bad(issuer, name, why));
    let flag = |name| flag(document, name).map_err(|why| bad(issuer, name, why));
    let server = AuthorizationServer {
        issuer: Some(issuer.to_owned()),
        endpoints,
        code_challenge_methods: list("code_challenge_methods_supported")?,
        iss_parameter_supported: flag(ISS)?,
        require_par: flag(REQUIRE_PAR)?,
        require_signed_request: flag(REQUIRE_JAR)?,
        request_algs: list(REQUEST_ALGS).ok().flatten().unwrap_or_default(),
        id_token_algs: list("id_token_signing_alg_values_supported")?.unwrap_or_default(),
        token_auth_methods: list("token_endpoint_auth_methods_supported")?.unwrap_or_default(),
        // A list that cannot be read excludes no algorithm.
        token_auth_algs: list(AUTH_ALGS).ok().flatten().unwrap_or_default(),
        mtls_endpoints,
        // Only offered scopes and ways to register depend on these: a defect in them is no reason to refuse.
        scopes_supported: list(SCOPES).ok().flatten().unwrap_or_default(),
        client_id_metadata_documents: flag(METADATA_DOCUMENTS).unwrap_or_default(),
        ignored_endpoints: defects
            .iter()
            .filter(is_ignored)
            .map(|defect| defect.endpoint.key().to_owned())
            .collect(),
    };
    Ok(Metadata { server, defects })
}

/// Returns the usable endpoints of a document, or of the aliases in it.
fn endpoints_of(
    document: &Map<String, Value>,
    issuer: &Url,
    is_alias: bool,
    defects: &mut Vec<Defect>,
) -> Endpoints {
    let mut endpoints = Endpoints::default();
    for endpoint in Endpoint::announced() {
        // Some servers write an empty string if they have no endpoint.
        let text = match document.get(endpoint.key()) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) if text.is_empty() => continue,
            Some(Value::String(text)) => text,
            Some(_) => {
                let why = "is not a string".to_owned();
                defects.push(Defect { endpoint, why, is_plain_http: false, is_alias });
                continue;
            }
        };
        match validate_endpoint(text, issuer) {
            Ok(()) => *endpoints.get_mut(endpoint) = Some(text.to_owned()),
            Err(why) => {
                let is_plain_http = Url::parse(text).is_ok_and(|url| url.scheme() == "http");
                defects.push(Defect { endpoint, why, is_plain_http, is_alias });
            }
        }
    }
    endpoints
}

/// Completes a document with another one of the same issuer: with the endpoints that it lacks, and with the
/// client requirements of those. Nothing in the first is replaced, and an invalid second document adds
/// nothing.
pub(crate) fn complete(issuer: &str, first: &mut Map<String, Value>, second: Map<String, Value>) {
    let Ok(validated) = validate(issuer, &second) else { return };
    let is_bad = |name: &str| validated.defects.iter().any(|defect| defect.endpoint.key() == name);
    let is_endpoint = |name: &str| Endpoint::announced().any(|known| known.key() == name);
    for (name, value) in second {
        let is_wanted = is_endpoint(&name) && !is_bad(&name)
            || [ISS, REQUIRE_PAR, REQUIRE_JAR].contains(&&*name);
        if is_wanted && !first.contains_key(&name) {
            first.insert(name, value);
        }
    }
}

/// Compares issuers byte for byte (RFC 8414, section 3.3).
fn same_issuer(issuer: &str, document: &Map<String, Value>) -> Result<()> {
    let named = match document.get("issuer") {
        Some(Value::String(named)) if named == issuer => return Ok(()),
        Some(Value::String(named)) => named,
        _ => {
            let message = format!("the metadata of {} has no issuer", one_line(issuer));
            return Err(Error::validation(message).hint(Advice::configure(
                &["issuer"],
                "set the endpoints in the profile, without `issuer`",
            )));
        }
    };
    let shown = one_line(named);
    let error = Error::validation(format!(
        "the metadata of {} belongs to a different issuer: {shown}",
        one_line(issuer)
    ));
    if shown.contains("{tenantid}") {
        let how = format!(
            "set `issuer = \"{}\"` with the id of your tenant; for accounts of any tenant, set \
             `provider = \"microsoft\"` without `issuer`",
            shown.replace("{tenantid}", "TENANT_ID")
        );
        return Err(error.hint(Advice::configure(&["issuer", "provider"], how)));
    }
    // A value that is shortened, or that could not be configured, is not suggested.
    if shown == *named && endpoint::check_issuer(named).is_ok() {
        let how = format!("if this is the right server, set exactly `issuer = \"{shown}\"`");
        return Err(error.hint(Advice::configure(&["issuer"], how)));
    }
    Err(error)
}

/// Refuses plain http unless the issuer itself uses it: plain http is for servers on this machine only, and
/// no other server may redirect there.
fn validate_endpoint(text: &str, issuer: &Url) -> Result<(), String> {
    let url = endpoint::check(text)?;
    if url.scheme() == "http" && issuer.scheme() != "http" {
        return Err("must be https".to_owned());
    }
    Ok(())
}

fn bad(issuer: &str, name: &str, why: &str) -> Error {
    Error::validation(format!("invalid metadata of {}: `{name}` {why}", one_line(issuer))).hint(Advice::configure(
        &["issuer"],
        "report this to its operator; if you trust the server, set its endpoints in the profile, \
         without `issuer`",
    ))
}

fn list(document: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, &'static str> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
            .map(Some)
            .ok_or("is not a list of strings"),
        Some(_) => Err("is not a list of strings"),
    }
}

fn flag(document: &Map<String, Value>, name: &str) -> Result<bool, &'static str> {
    match document.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err("is not true or false"),
    }
}
