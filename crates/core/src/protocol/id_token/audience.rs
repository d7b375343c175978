//! The audience of an id_token (OpenID Connect Core, section 3.1.3.7).

use serde_json::Value;

use super::claims::{Claims, kind, missing, quoted, shown, wrong};
use super::expectations::Expectations;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::profile::TrustedAudiences;
use crate::text::one_line;

/// Returns the audiences: the client is one of them, and the profile accepts all others.
pub(super) fn audience(claims: &Claims, expected: &Expectations<'_>) -> Result<Vec<String>> {
    let us = expected.client_id;
    let aud = listed(claims)?;
    if !aud.iter().any(|one| one == us) {
        let got = aud.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", ");
        let got = if got.is_empty() { "empty" } else { &got };
        return Err(wrong("aud", &quoted(us), got)
            .hint(Advice::configure(&["client_id"], "check `client_id` in the profile")));
    }
    let is_for_us = match &claims.azp {
        None => false,
        Some(Value::String(azp)) if azp == us => true,
        Some(other) => return Err(wrong("azp", &quoted(us), &shown(other))),
    };
    let others: Vec<&str> = aud.iter().map(String::as_str).filter(|one| *one != us).collect();
    let untrusted = match expected.trusted_audiences {
        TrustedAudiences::Any if others.is_empty() || is_for_us => None,
        TrustedAudiences::Any => return Err(missing("azp").hint(list(&others))),
        TrustedAudiences::Listed(trusted) => {
            others.iter().find(|one| !trusted.iter().any(|trusted| trusted == *one))
        }
    };
    match untrusted {
        None => Ok(aud),
        Some(other) => Err(not_trusted(us, other, &others, is_for_us)),
    }
}

fn listed(claims: &Claims) -> Result<Vec<String>> {
    match &claims.aud {
        None => Err(missing("aud")),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(several)) => several
            .iter()
            .map(|one| one.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("aud", "strings", "an array of something else")),
        Some(other) => Err(wrong("aud", "a string or an array of them", kind(other))),
    }
}

fn not_trusted(us: &str, other: &str, others: &[&str], is_for_us: bool) -> Error {
    let any = if is_for_us { ", or to \"any\", since `azp` is this client" } else { "" };
    let hint = format!("{}{any}", list(others));
    wrong("aud", &format!("{} alone", quoted(us)), &quoted(other)).hint(hint)
}

/// Returns the setting that accepts these. Values that could not be copied from a message are not spelled
/// out.
fn list(others: &[&str]) -> String {
    let plain = |one: &&str| one_line(one) == **one && !one.contains(['"', '\\', '`']);
    let start = "if you trust these audiences, set `trusted_audiences";
    if others.len() > 8 || !others.iter().all(plain) {
        return format!("{start}` in the profile to a list of them");
    }
    let quoted: Vec<String> = others.iter().map(|one| format!("\"{one}\"")).collect();
    format!("{start} = [{}]` in the profile", quoted.join(", "))
}
