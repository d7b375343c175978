//! A request as the handlers see it.

use hyper::{HeaderMap, Method};
use serde_json::Value;

use super::endpoint::Endpoint;
use super::reply::Object;

/// A request that has been read completely.
pub(super) struct Call {
    pub(super) endpoint: Endpoint,
    pub(super) method: Method,
    pub(super) headers: HeaderMap,
    pub(super) query: Params,
    pub(super) form: Params,
    /// The body, if it is JSON.
    pub(super) json: Option<Value>,
}

impl Call {
    /// Returns the grant type of a token request.
    pub(super) fn grant_type(&self) -> Option<&str> {
        (self.endpoint == Endpoint::Token).then(|| self.form.get("grant_type")).flatten()
    }

    /// Returns a header, if it occurs once and is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// Returns the parameters: from the query of a GET, or the form of a POST.
    pub(super) fn params(&self) -> &Params {
        if self.method == Method::POST { &self.form } else { &self.query }
    }
}

/// Parameters of a query or a form, in their order.
#[derive(Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Parses `application/x-www-form-urlencoded`.
    pub(super) fn parse(text: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(text).into_owned().collect())
    }

    /// Reads the strings, numbers and lists of strings of a JSON object, for clients that send one instead
    /// of a form.
    pub(super) fn from_json(object: &Object) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let pairs = object.iter().flat_map(|(name, value)| {
            let values = match value {
                Value::Array(values) => values.iter().filter_map(text).collect(),
                value => Vec::from_iter(text(value)),
            };
            values.into_iter().map(|value| (name.clone(), value))
        });
        Self(pairs.collect())
    }

    /// Returns the value of a parameter; an empty one counts as absent (RFC 6749, section 3.1).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()).filter(|v| !v.is_empty())
    }

    /// Returns all parameters.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the values of a parameter that may be repeated.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v.clone()).collect()
    }

    /// Returns a parameter that is repeated although it must not be. Only `resource` and `audience` may be
    /// (RFC 8707, section 2; RFC 8693, section 2.1).
    pub(super) fn repeated(&self) -> Option<&str> {
        self.0.iter().enumerate().find_map(|(i, (name, _))| {
            let again = self.0[..i].iter().any(|(n, _)| n == name);
            (again && name != "resource" && name != "audience").then_some(name.as_str())
        })
    }
}
