//! The formats in which a token is printed.

use base64::Engine as _;
use clap::ValueEnum;
use oauthctl_core::flow::AccessToken;
use oauthctl_core::{Advice, Error, Result, Secret, Timestamp};
use serde_json::{Value, json};

use crate::ui;

/// Default name of the environment variable that carries a token.
pub const TOKEN_VARIABLE: &str = "OAUTH_ACCESS_TOKEN";

/// The type of a token that was exchanged for something else than an access token (RFC 8693, section 2.2.1).
const NO_ACCESS_TOKEN: &str = "N_A";

const XOAUTH2: &str = "`--format xoauth2`";
const OAUTHBEARER: &str = "`--format oauthbearer`";

/// A format in which a token is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Token,
    Json,
    Header,
    Headers,
    Curl,
    Env,
    Fish,
    Powershell,
    Xoauth2,
    Oauthbearer,
}

impl Format {
    /// Fails if the format requires a user, and there is none.
    ///
    /// # Errors
    ///
    /// Returns `Usage`.
    pub fn check_without_user(self) -> Result<()> {
        match self {
            Self::Xoauth2 => mailbox(XOAUTH2, None).map(drop),
            Self::Oauthbearer => mailbox(OAUTHBEARER, None).map(drop),
            _ => Ok(()),
        }
    }

    /// Returns whether the format names a user.
    pub fn has_user(self) -> bool {
        matches!(self, Self::Xoauth2 | Self::Oauthbearer)
    }

    /// Returns whether the format has a place for a proof of possession.
    pub fn has_proof(self) -> bool {
        matches!(self, Self::Header | Self::Headers | Self::Curl | Self::Json)
    }
}

/// The formats, as listed in the help.
pub const FORMATS: &str = "Formats:\n  \
token        the access token and a newline\n  \
json         one JSON object\n  \
header       an HTTP header: Authorization: Bearer …\n  \
headers      a JSON object of HTTP headers, for MCP clients\n  \
curl         a line for `curl -K -`, which keeps it out of argument lists\n  \
env          an `export` line for POSIX shells; also `fish` and `powershell`\n  \
xoauth2      a SASL string for the mailbox in `--user` (Google, Microsoft)\n  \
oauthbearer  the standard SASL string for that mailbox (RFC 7628)";

/// Renders a token, with its final newline. `proof` is the value of a `DPoP` header, for the formats that have
/// a place for it ([`Format::has_proof`]).
///
/// # Errors
///
/// Returns `Store` for a token that would break out of its line, and `Usage` for xoauth2 without a user or
/// with a token of a type other than `Bearer`.
pub fn render(
    format: Format,
    access_token: &AccessToken,
    user: Option<&str>,
    proof: Option<&Secret>,
    now: Timestamp,
) -> Result<String> {
    let token = access_token.value.expose();
    let token_type = &access_token.token_type;
    // Tokens are validated on receipt, but another program may have written the record.
    if token.is_empty() || !token.bytes().chain(token_type.bytes()).all(|b| b.is_ascii_graphic()) {
        return Err(Error::store("the stored token contains invalid characters")
            .hint(Advice::LogIn(access_token.account.key.clone())));
    }
    if token_type == NO_ACCESS_TOKEN
        && !matches!(format, Format::Token | Format::Json | Format::Xoauth2 | Format::Oauthbearer)
    {
        let what = "the issued token is not an access token, so it cannot be sent to an API";
        return Err(Error::usage(what).hint("use `--format token` or `--format json`"));
    }
    Ok(match format {
        Format::Token => format!("{token}\n"),
        Format::Header => {
            let proof = proof.map(|proof| format!("DPoP: {}\n", proof.expose()));
            format!("Authorization: {token_type} {token}\n{}", proof.unwrap_or_default())
        }
        Format::Headers => {
            let mut headers = json!({ "Authorization": format!("{token_type} {token}") });
            if let Some(proof) = proof {
                headers["DPoP"] = json!(proof.expose());
            }
            format!("{}\n", ui::json_text(&headers)?)
        }
        Format::Curl => {
            let quoted = token.replace('\\', "\\\\").replace('"', "\\\"");
            let proof = proof.map(|proof| format!("header = \"DPoP: {}\"\n", proof.expose()));
            let proof = proof.unwrap_or_default();
            format!("header = \"Authorization: {token_type} {quoted}\"\n{proof}")
        }
        Format::Env => format!("export {TOKEN_VARIABLE}='{}'\n", token.replace('\'', "'\\''")),
        Format::Fish => {
            let quoted = token.replace('\\', "\\\\").replace('\'', "\\'");
            format!("set -gx {TOKEN_VARIABLE} '{quoted}'\n")
        }
        Format::Powershell => format!("$env:{TOKEN_VARIABLE} = '{}'\n", token.replace('\'', "''")),
        Format::Xoauth2 => {
            let user = mailbox(XOAUTH2, user)?;
            is_bearer(XOAUTH2, token_type)?;
            sasl(&format!("user={user}\u{1}auth=Bearer {token}\u{1}\u{1}"))
        }
        Format::Oauthbearer => {
            let user = mailbox(OAUTHBEARER, user)?.replace('=', "=3D").replace(',', "=2C");
            is_bearer(OAUTHBEARER, token_type)?;
            sasl(&format!("n,a={user},\u{1}auth=Bearer {token}\u{1}\u{1}"))
        }
        Format::Json => format!("{}\n", ui::json_text(&to_json(access_token, proof, now))?),
    })
}

/// Returns the user of a SASL string.
fn mailbox<'a>(option: &str, user: Option<&'a str>) -> Result<&'a str> {
    let user = user.ok_or_else(|| {
        Error::usage(format!("{option} requires `--user`"))
            .hint("add the mailbox: `--user me@example.com`")
    })?;
    if user.is_empty() || user.chars().any(char::is_control) {
        return Err(Error::usage("`--user` must be a mailbox without control characters"));
    }
    Ok(user)
}

/// Refuses a token that is bound to a key: SASL has no place for a proof.
fn is_bearer(option: &str, token_type: &str) -> Result<()> {
    if token_type.eq_ignore_ascii_case("Bearer") {
        return Ok(());
    }
    let what = format!("{option} requires a Bearer token, but this is a {token_type} token");
    Err(Error::usage(what).hint(
        "if the server also issues Bearer tokens, remove `dpop` from the profile and log in again",
    ))
}

fn sasl(text: &str) -> String {
    format!("{}\n", base64::engine::general_purpose::STANDARD.encode(text))
}

fn to_json(token: &AccessToken, proof: Option<&Secret>, now: Timestamp) -> Value {
    let account = &token.account;
    let mut object = json!({
        "access_token": token.value.expose(),
        "token_type": token.token_type,
        "expires_at": token.expires_at.map(|t| t.to_string()),
        "expires_in": token.expires_at.map(|t| t.remaining(now).as_secs()),
        "scope": token.scopes.join(" "),
    });
    if let Some(proof) = proof {
        object["dpop"] = json!(proof.expose());
    }
    if let Some(id_token) = &token.id_token {
        object["id_token"] = json!(id_token.expose());
    }
    object["profile"] = json!(account.key.profile);
    object["account"] = json!(account.key.account);
    object["grant_id"] = json!(account.grant_id);
    if let Some(user) = &account.user {
        object["user"] = json!(user);
    }
    if !account.attributes.is_empty() {
        object["attributes"] = json!(account.attributes);
    }
    if !account.kept.is_empty() {
        object["kept"] = json!(account.kept);
    }
    object
}
