//! Reads the request from the command line.

use std::path::Path;

use clap::{Args, ValueHint};
use oauthctl_core::http;
use oauthctl_core::http::api::Method;
use oauthctl_core::http::api::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, PROXY_AUTHORIZATION, TE, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use oauthctl_core::profile::api_url::ApiUrls;
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result};
use serde_json::{Map, Value};
use url::Url;

use super::body::Data;

/// Headers that this program sets, or that belong to the connection.
const RESERVED: [HeaderName; 8] = [
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    PROXY_AUTHORIZATION,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The arguments that describe the request.
#[derive(Debug, Args)]
pub struct RequestArgs {
    /// Method of the request [default: GET, or POST with data]
    #[arg(value_name = "METHOD", value_hint = ValueHint::Other)]
    method: Option<String>,
    /// URL, or path below the first `api_url` of the profile
    #[arg(value_name = "URL|PATH", required = true, value_hint = ValueHint::Url)]
    target: String,
    /// Header to send, such as `Accept: text/plain`; can be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_hint = ValueHint::Other)]
    headers: Vec<String>,
    /// Body to send: the text itself, `@FILE`, or `-` for standard input; sent as `application/json`
    /// unless `-H` sets another content type
    #[arg(short, long, value_name = "DATA", allow_hyphen_values = true, value_hint = ValueHint::Other)]
    data: Option<String>,
    /// String member of a JSON object to send as the body, or query parameter with GET; can be repeated
    #[arg(short, long = "field", value_name = "KEY=VALUE", conflicts_with = "data", value_hint = ValueHint::Other)]
    fields: Vec<String>,
}

/// The request that the user wants.
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub data: Data,
}

impl Request {
    /// Reads it, and its data from standard input.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for invalid arguments, and for a URL that the token may not be sent to.
    pub fn read(args: &RequestArgs, urls: &ApiUrls) -> Result<Self> {
        let method = args.method.as_deref().map(read_method).transpose()?;
        let mut url = urls.resolve(&args.target)?;
        let has_data = args.data.is_some() || !args.fields.is_empty();
        let method = method.unwrap_or(if has_data { Method::POST } else { Method::GET });
        let mut headers = read_headers(&args.headers)?;
        let fields = read_fields(&args.fields)?;
        let is_query = matches!(method, Method::GET | Method::HEAD) && !fields.is_empty();
        let data = match &args.data {
            Some(data) => read_data(data)?,
            None if is_query => {
                url.query_pairs_mut().extend_pairs(&fields);
                Data::None
            }
            None if fields.is_empty() => Data::None,
            None => Data::bytes(json_object(fields)?.to_string()),
        };
        let user_agent = HeaderValue::from_static(http::USER_AGENT);
        headers.entry(USER_AGENT).or_insert(user_agent);
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        if !matches!(data, Data::None) {
            let json = HeaderValue::from_static("application/json");
            headers.entry(CONTENT_TYPE).or_insert(json);
        }
        Ok(Self { method, url, headers, data })
    }
}

/// Methods that may be written in lower case.
const COMMON: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

fn read_method(text: &str) -> Result<Method> {
    let invalid = || {
        Error::usage(format!("`{}` is not a method", one_line(text)))
            .hint("put the method before the URL: `oauthctl api POST URL`")
    };
    // HTTP distinguishes upper and lower case, but people do not.
    let upper = text.to_ascii_uppercase();
    if text.contains(['/', ':', '.']) || matches!(upper.as_str(), "CONNECT" | "TRACE") {
        return Err(invalid());
    }
    // Other commands accept a profile in this place: no server should get it as a method.
    if text != upper && !COMMON.contains(&upper.as_str()) {
        let word = shell_word(text);
        let methods = COMMON.join(", ");
        return Err(Error::usage(format!(
            "unknown method `{}` (expected {methods}, or another one in upper case)",
            one_line(text)
        ))
        .hint(format!("to select a profile, use `-p {word}`")));
    }
    Method::from_bytes(upper.as_bytes()).map_err(|_| invalid())
}

fn read_headers(lines: &[String]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for line in lines {
        // The value may be a secret.
        let invalid = || {
            Error::usage("`-H` requires a header such as `Accept: text/plain`")
                .hint("put a colon between the name and the value")
        };
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        let name = HeaderName::try_from(name).map_err(|_| invalid())?;
        let mut value = HeaderValue::try_from(value.trim()).map_err(|_| invalid())?;
        if RESERVED.contains(&name) || name == "dpop" {
            let what = format!("the header `{name}` cannot be set");
            return Err(Error::usage(what).hint("oauthctl sets it, or does not need it"));
        }
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn read_fields(fields: &[String]) -> Result<Vec<(String, String)>> {
    let read = |field: &String| match field.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Error::usage("`-f` requires KEY=VALUE").hint("for example `-f title=Broken`")),
    };
    fields.iter().map(read).collect()
}

/// Returns a JSON object with these members. A member has one value.
fn json_object(fields: Vec<(String, String)>) -> Result<Value> {
    let mut members = Map::new();
    for (key, value) in fields {
        let name = one_line(&key);
        if members.insert(key, Value::String(value)).is_some() {
            let what = format!("the field `{name}` has two values");
            return Err(Error::usage(what).hint("send an array as JSON: `-d JSON`"));
        }
    }
    Ok(Value::Object(members))
}

fn read_data(data: &str) -> Result<Data> {
    match data.strip_prefix('@') {
        _ if data == "-" => Data::stdin(),
        Some("-") => Data::stdin(),
        Some(path) => Data::file(Path::new(path)),
        None => Ok(Data::bytes(data.to_owned())),
    }
}
