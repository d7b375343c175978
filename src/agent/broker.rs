//! A broker in place of an agent: the tokens of its connections. A profile is one of its providers, and an account one
//! of its users.

use oauthctl_core::http::{HttpClient, Options, Proxy};
use oauthctl_core::port::{Http, HttpRequest, HttpResponse, Method};
use oauthctl_core::profile::api_url::ApiUrls;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, Result, Secret, Timestamp};
use serde_json::{Value, json};
use url::Url;

use crate::environment;

/// The variable with the API key.
const KEY: &str = "OAUTHCTL_AGENT_KEY";

/// A broker, and the API key of a tenant.
#[derive(Debug, Clone)]
pub struct Broker {
    base: Url,
    key: Secret,
}

impl Broker {
    /// Returns the broker at this URL, with the key that the environment has.
    ///
    /// # Errors
    ///
    /// Returns `Config` for a URL that cannot be one of a broker, and without a key.
    pub fn at(url: &str) -> Result<Self> {
        let urls = ApiUrls::named([url]).map_err(|_| {
            Error::config("OAUTHCTL_AGENT is not a valid URL of a broker")
                .hint("use `https`, and neither a user name nor a query")
        })?;
        let key = environment::variable(KEY)?.ok_or_else(|| {
            Error::config(format!("a broker requires {KEY}"))
                .hint("set it to an API key of a tenant: `oauthctl tenant key NAME` prints one")
        })?;
        Ok(Self { base: urls.base().clone(), key: Secret::new(key) })
    }

    /// Answers a request for a token as an agent does.
    ///
    /// # Errors
    ///
    /// Returns `LoginRequired` if there is no such connection or its user must log in again, and `Usage` for what a
    /// broker cannot do.
    pub fn token(&self, request: &Value) -> Result<Value> {
        let text = |name: &str| request[name].as_str();
        let provider = named(text("profile"), "a provider", "-p PROVIDER")?;
        let user = named(text("account"), "a user", "--account USER")?;
        let is_set = |name: &&&str| match &request[**name] {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        let narrowing = ["force", "cached", "id_token", "scopes", "resource", "audience"];
        if let Some(name) = narrowing.iter().find(is_set) {
            return Err(Error::usage(format!("a broker does not support `{name}` for its tokens")));
        }
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v1", "connections", provider, user, "token"]);
        }
        if let Some(seconds) = request["min_ttl"].as_u64() {
            url.query_pairs_mut().append_pair("min_ttl", &seconds.to_string());
        }
        let response = self.get(url)?;
        read(&response, provider, user)
    }

    /// Checks that the broker responds and accepts the API key.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if it does not answer, and `AccessDenied` if it refuses the key.
    pub fn check(&self) -> Result<()> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v1", "connections"]);
        }
        url.query_pairs_mut().append_pair("limit", "1");
        let response = self.get(url)?;
        match response.status {
            200 => Ok(()),
            _ => Err(refusal(&response)),
        }
    }

    /// Returns its URL.
    pub fn url(&self) -> &Url {
        &self.base
    }

    fn get(&self, url: Url) -> Result<HttpResponse> {
        let request = HttpRequest {
            purpose: "request to the broker",
            method: Method::Get,
            url,
            headers: vec![
                ("accept".to_owned(), "application/json".to_owned()),
                ("authorization".to_owned(), format!("Bearer {}", self.key.expose())),
            ],
            body: Vec::new().into(),
        };
        let client =
            HttpClient::new(Options { proxy: Proxy::from_environment(), ..Options::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime =
            runtime.map_err(|e| Error::internal(format!("cannot start the runtime: {e}")))?;
        let sent = runtime.block_on(client.send(&request));
        runtime.shutdown_background();
        sent.map_err(|error| {
            let failed =
                Error::unavailable(format!("the broker does not respond: {}", error.message));
            error.hint.map_or(failed.clone(), |hint| failed.hint(hint))
        })
    }
}

/// Returns a name that is one segment of a path.
fn named<'a>(name: Option<&'a str>, what: &str, option: &str) -> Result<&'a str> {
    match name {
        Some("" | "." | "..") => Err(Error::usage(format!("this is not the name of {what}"))),
        Some(name) => Ok(name),
        None => {
            Err(Error::usage(format!("a broker requires {what}")).hint(format!("add `{option}`")))
        }
    }
}

/// Returns the error of a response that refuses the request, whatever was requested.
fn refusal(response: &HttpResponse) -> Error {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let detail = ["detail", "title"].into_iter().find_map(|name| body[name].as_str());
    let refused = |kind: ErrorKind, what: &str| {
        let why = detail.map_or_else(String::new, |detail| format!(": {}", one_line(detail)));
        Error::new(kind, format!("{what}{why}"))
    };
    match response.status {
        401 => Error::new(ErrorKind::AccessDenied, "the broker refused the API key")
            .hint(format!("set {KEY} to a valid API key")),
        403 => refused(ErrorKind::AccessDenied, "the broker denied access"),
        429 | 500.. => refused(ErrorKind::Unavailable, "the broker is unavailable"),
        _ => refused(ErrorKind::ServerRefused, "the broker refused the request"),
    }
}

/// Reads the response of a broker.
fn read(response: &HttpResponse, provider: &str, user: &str) -> Result<Value> {
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str();
    let said = |name: &str| text(name).map(one_line);
    let (provider, user) = (one_line(provider), one_line(user));
    match response.status {
        200 => {}
        404 => {
            let what = format!("the broker has no connection of `{user}` to `{provider}`");
            return Err(Error::new(ErrorKind::LoginRequired, what)
                .hint("let the user connect the account first: `POST /v1/connections`"));
        }
        409 => {
            let what = format!("`{user}` must connect `{provider}` again");
            let error = Error::new(ErrorKind::LoginRequired, what);
            return Err(match said("authorize_url") {
                Some(url) => error.hint(format!("send the user to {url}")),
                None => error,
            });
        }
        _ => return Err(refusal(response)),
    }
    let invalid = || Error::new(ErrorKind::Validation, "the response of the broker is invalid");
    // The broker has compared the lifetime already: a token without a readable one is still a token.
    let expires_at = text("expires_at").and_then(|at| at.parse::<Timestamp>().ok());
    let token = text("access_token").filter(|token| !token.is_empty()).ok_or_else(invalid)?;
    let token_type = text("token_type").unwrap_or("Bearer");
    if !token_type.eq_ignore_ascii_case("Bearer") {
        let what = "the token is bound to a key, which the broker keeps";
        return Err(Error::usage(what).hint("let the broker's application make the request"));
    }
    Ok(json!({
        "access_token": token,
        "token_type": token_type,
        "expires_at": expires_at.map(Timestamp::unix),
        "scopes": text("scope").unwrap_or_default().split_whitespace().collect::<Vec<_>>(),
        "profile": provider,
        "account": user,
    }))
}
