//! The issuer of an id_token (OpenID Connect Core, section 3.1.3.7).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::claims::{Claims, quoted, string, wrong};
use crate::error::{Error, Result};
use crate::profile::endpoint;
use crate::protocol::jws;
use crate::text::one_line;

/// The placeholder for the tenant in the issuer of a multi-tenant server.
const TENANT: &str = "{tenantid}";

/// The expected issuer of an id_token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Issuer<'a> {
    /// This issuer, compared byte for byte.
    Exactly(&'a str),
    /// The issuer that results from replacing `{tenantid}` with the token's `tid`.
    OfTenant(&'a str),
}

impl Issuer<'_> {
    /// Returns the issuer of the claims, if it is the expected one.
    pub(super) fn check<'c>(&self, claims: &'c Claims) -> Result<&'c str> {
        let iss = string(&claims.iss, "iss")?;
        let expected = match self {
            Self::Exactly(issuer) => Cow::Borrowed(*issuer),
            Self::OfTenant(template) => Cow::Owned(template.replace(TENANT, tenant(claims)?)),
        };
        if iss == expected { Ok(iss) } else { Err(other_issuer(&expected, iss)) }
    }

    /// Returns whether this is the issuer that a token names, with the tenant that it names.
    pub(crate) fn is(&self, iss: &str, tid: Option<&str>) -> bool {
        match (self, tid) {
            (Self::Exactly(issuer), _) => iss == *issuer,
            (Self::OfTenant(template), Some(tid)) => iss == template.replace(TENANT, tid),
            (Self::OfTenant(_), None) => false,
        }
    }

    /// Returns the accepted issuers of a key, if keys of several tenants are published together: the
    /// template for a key of all tenants, or the issuer of the token, which is not trusted yet.
    pub(crate) fn of_keys(&self, payload: &[u8]) -> Option<Vec<String>> {
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

/// Returns a tenant's id, which can only be one segment of a path.
fn tenant(claims: &Claims) -> Result<&str> {
    let tid = string(&claims.tid, "tid")?;
    if tid.len() <= 64 && tid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(tid);
    }
    Err(wrong("tid", "the id of a tenant", &quoted(tid)))
}

fn other_issuer(issuer: &str, iss: &str) -> Error {
    let error = wrong("iss", &quoted(issuer), &quoted(iss));
    // A value that is shortened, or that could not be configured, is not suggested.
    match one_line(iss) == iss && endpoint::check_issuer(iss).is_ok() {
        true => error.hint(format!(
            "if this is the right server, set exactly `issuer = \"{iss}\"` in the profile"
        )),
        false => error,
    }
}
