//! Who must have issued an id_token (OpenID Connect Core, section 3.1.3.7).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::{Claims, quoted, string, wrong};
use crate::error::{Error, Result};
use crate::profile::endpoint;
use crate::protocol::jws;
use crate::text::one_line;

/// What stands for the tenant in the issuer of a server that has many.
const TENANT: &str = "{tenantid}";

/// Who must have issued an id_token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Issuer<'a> {
    /// This issuer, compared byte for byte.
    Exactly(&'a str),
    /// The issuer that this becomes with the token's `tid` in the place of `{tenantid}`.
    OfTenant(&'a str),
}

impl Issuer<'_> {
    /// Returns the issuer that the claims name, if it is the expected one.
    pub(super) fn check<'c>(&self, claims: &'c Claims) -> Result<&'c str> {
        let iss = string(&claims.iss, "iss")?;
        let expected = match self {
            Self::Exactly(issuer) => Cow::Borrowed(*issuer),
            Self::OfTenant(template) => Cow::Owned(template.replace(TENANT, tenant(claims)?)),
        };
        if iss == expected { Ok(iss) } else { Err(other_issuer(&expected, iss)) }
    }

    /// Returns what a key may name as its issuer, where keys of several tenants are published together: the
    /// template for a key of all tenants, or the issuer that the token names, which is not yet believed.
    pub(super) fn of_keys(&self, payload: &[u8]) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Named {
            iss: Option<Value>,
        }
        let Self::OfTenant(template) = self else { return None };
        let named = jws::object::<Named>(payload).and_then(|claims| claims.iss);
        let named = named.and_then(|iss| iss.as_str().map(str::to_owned));
        Some(std::iter::once((*template).to_owned()).chain(named).collect())
    }
}

/// A tenant's id, which can be nothing but one segment of a path.
fn tenant(claims: &Claims) -> Result<&str> {
    let tid = string(&claims.tid, "tid")?;
    if tid.len() <= 64 && tid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(tid);
    }
    Err(wrong("tid", "the id of a tenant", &quoted(tid)))
}

fn other_issuer(issuer: &str, iss: &str) -> Error {
    let error = wrong("iss", &quoted(issuer), &quoted(iss));
    // Nothing that is shortened, or that could not be configured, is recommended.
    match one_line(iss) == iss && endpoint::check_issuer(iss).is_ok() {
        true => error.hint(format!(
            "if that is the server you mean, set `issuer = \"{iss}\"` in the profile, exactly so"
        )),
        false => error,
    }
}
