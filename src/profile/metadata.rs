//! Judges an authorization server's metadata document (RFC 8414, OpenID Connect Discovery).

use serde_json::{Map, Value};
use url::Url;

use super::{AuthorizationServer, Endpoints, endpoint};
use crate::error::{Error, Result};
use crate::text::one_line;

/// Reads one string member.
type Field = fn(&mut Endpoints) -> &mut Option<String>;

/// The members that name endpoints.
const ENDPOINTS: [(&str, Field); 10] = [
    ("authorization_endpoint", |e| &mut e.authorization),
    ("token_endpoint", |e| &mut e.token),
    ("device_authorization_endpoint", |e| &mut e.device_authorization),
    ("pushed_authorization_request_endpoint", |e| &mut e.pushed_authorization_request),
    ("revocation_endpoint", |e| &mut e.revocation),
    ("introspection_endpoint", |e| &mut e.introspection),
    ("userinfo_endpoint", |e| &mut e.userinfo),
    ("registration_endpoint", |e| &mut e.registration),
    ("end_session_endpoint", |e| &mut e.end_session),
    ("jwks_uri", |e| &mut e.jwks_uri),
];

/// The other members that are used.
const OTHERS: [&str; 6] = [
    "issuer",
    "code_challenge_methods_supported",
    "authorization_response_iss_parameter_supported",
    "require_pushed_authorization_requests",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
];

/// A JSON object in which no name stands twice.
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
                        let message = format!("`{}` stands there twice", one_line(&name));
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

/// Keeps of a document what is used here.
pub(crate) fn relevant(mut document: Map<String, Value>) -> Map<String, Value> {
    document.retain(|name, value| {
        let used = OTHERS.contains(&name.as_str()) || ENDPOINTS.iter().any(|(n, _)| n == name);
        used && !value.is_null()
    });
    document
}

/// Judges a document that was asked of `issuer`.
///
/// # Errors
/// Of kind `Validation`: the document is another server's, or names an endpoint that no secret may
/// be sent to, or has a member of the wrong type.
pub(crate) fn judge(issuer: &str, document: &Map<String, Value>) -> Result<AuthorizationServer> {
    same_issuer(issuer, document)?;
    let issuer_url =
        endpoint::check_issuer(issuer).map_err(|why| Error::config(format!("the issuer {why}")))?;
    let mut endpoints = Endpoints::default();
    for (name, field) in ENDPOINTS {
        let Some(value) = document.get(name).filter(|value| !value.is_null()) else { continue };
        let text = value.as_str().ok_or_else(|| bad(issuer, name, "is not a string"))?;
        judge_endpoint(text, &issuer_url).map_err(|why| bad(issuer, name, &why))?;
        *field(&mut endpoints) = Some(text.to_owned());
    }
    let list = |name| list(document, name).map_err(|why| bad(issuer, name, why));
    let flag = |name| flag(document, name).map_err(|why| bad(issuer, name, why));
    Ok(AuthorizationServer {
        issuer: Some(issuer.to_owned()),
        endpoints,
        code_challenge_methods: list("code_challenge_methods_supported")?,
        iss_parameter_supported: flag("authorization_response_iss_parameter_supported")?,
        require_par: flag("require_pushed_authorization_requests")?,
        id_token_algs: list("id_token_signing_alg_values_supported")?.unwrap_or_default(),
        token_auth_methods: list("token_endpoint_auth_methods_supported")?.unwrap_or_default(),
    })
}

/// Issuers are compared byte for byte (RFC 8414, section 3.3).
fn same_issuer(issuer: &str, document: &Map<String, Value>) -> Result<()> {
    let named = match document.get("issuer") {
        Some(Value::String(named)) if named == issuer => return Ok(()),
        Some(Value::String(named)) => named,
        _ => {
            let message = format!("the metadata of {} names no issuer", one_line(issuer));
            return Err(Error::validation(message)
                .hint("name the endpoints in the profile, without an `issuer`"));
        }
    };
    let shown = one_line(named);
    let error = Error::validation(format!(
        "the metadata of {} is that of another issuer: {shown}",
        one_line(issuer)
    ));
    // Nothing that is shortened, or that could not be configured, is recommended.
    if shown == *named && endpoint::check_issuer(named).is_ok() {
        return Err(error.hint(format!(
            "if that is the server you mean, set `issuer = \"{shown}\"`, exactly so"
        )));
    }
    Err(error)
}

/// Plain http is for a server on this machine only, so it is no server on another that may lead
/// there.
fn judge_endpoint(text: &str, issuer: &Url) -> Result<(), String> {
    let url = endpoint::check(text)?;
    if url.scheme() == "http" && issuer.scheme() != "http" {
        return Err("must be https".to_owned());
    }
    Ok(())
}

fn bad(issuer: &str, name: &str, why: &str) -> Error {
    Error::validation(format!("in the metadata of {}, `{name}` {why}", one_line(issuer))).hint(
        "tell its operator; if you trust it, name its endpoints in the profile, without `issuer`",
    )
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
