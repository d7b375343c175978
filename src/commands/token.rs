//! `oauthctl token`: prints a valid access token.

use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::flow::AccessToken;
use oauthctl_core::{Error, Result, Secret, Timestamp};

use crate::agent::client::Agent;
use crate::args::ProfileArg;
use crate::context::Context;
use crate::format::{FORMATS, Format, render};
use crate::get_token::remarks::remark_renewal;
use crate::get_token::request::{Request, Selection};
use crate::get_token::{self, as_bearer};
use crate::ui;

#[derive(Debug, Default, Args)]
#[command(after_help = format!("The stored token is printed without network access if it is valid for at \
least `--min-ttl`. Otherwise, it is refreshed, and the new token is stored before it is printed. \
Processes that request a token at the same time share one refresh. For a grant that needs no user, such \
as client_credentials, a new token is requested. If only a new login can provide a token, the exit code \
is 4.\n\n\
If a refresh fails for a transient reason and the stored token has not expired, that token is printed \
with a warning.\n\n{FORMATS}\n\nExamples:\n  \
oauthctl token -p gitlab\n  \
oauthctl token -p api --format curl |\n    \
curl -K - https://api.example.com/me\n  \
eval \"$(oauthctl token -p gitlab --format env)\"\n  \
oauthctl token -p bank --format header \\\n    \
--dpop 'GET https://api.example.com/me'"))]
pub struct TokenArgs {
    #[command(flatten)]
    pub(crate) profile: ProfileArg,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Refresh the token even if it is still valid
    #[arg(long, conflicts_with = "cached")]
    force_refresh: bool,
    /// Print the stored token or fail, without network access
    #[arg(long)]
    pub(crate) cached: bool,
    /// Print the id_token instead of the access token
    #[arg(long)]
    id_token: bool,
    /// Log in if necessary
    #[arg(long, conflicts_with = "cached")]
    login: bool,
    /// Login by URL: log in again for the scopes in this `WWW-Authenticate` value
    #[arg(long, value_name = "VALUE", conflicts_with = "cached", value_hint = ValueHint::Other)]
    challenge: Option<String>,
    /// Output format, see below [default: token]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    format: Option<Format>,
    /// Mailbox for `--format xoauth2` and `--format oauthbearer`
    #[arg(long, value_name = "MAILBOX", value_hint = ValueHint::EmailAddress)]
    user: Option<String>,
    /// Add a DPoP proof for this request; for the formats header, headers, curl and json (RFC 9449)
    #[arg(long, value_name = "METHOD URL", value_parser = parse_request, value_hint = ValueHint::Other, conflicts_with = "id_token")]
    dpop: Option<(String, String)>,
    /// `DPoP-Nonce` that the API returned, for the proof
    #[arg(long, value_name = "NONCE", value_hint = ValueHint::Other, requires = "dpop")]
    dpop_nonce: Option<String>,
}

/// Parses `METHOD URL`.
fn parse_request(text: &str) -> std::result::Result<(String, String), String> {
    let mut words = text.split_ascii_whitespace().map(str::to_owned);
    match (words.next(), words.next(), words.next()) {
        (Some(method), Some(url), None) => Ok((method, url)),
        _ => Err("expected a method and a URL, like `GET https://api.example.com/me`".to_owned()),
    }
}

/// Prints a token.
///
/// # Errors
///
/// Returns an error whose kind determines the exit code.
pub fn run(args: &TokenArgs, context: &Context) -> Result<ExitCode> {
    let format = match args.format {
        Some(format) => format,
        None if context.globals.json => Format::Json,
        None => Format::Token,
    };
    if args.user.is_none() {
        format.check_without_user()?;
    } else if !format.has_user() {
        return Err(Error::usage("`--user` requires another format").hint(
            "add `--format xoauth2` or `--format oauthbearer`; to select an account, use `--account`",
        ));
    }
    if args.dpop.is_some() && !format.has_proof() {
        return Err(Error::usage("`--dpop` requires another format")
            .hint("add `--format header`, `headers`, `curl` or `json`"));
    }
    let request = Request {
        force: args.force_refresh,
        cached: args.cached,
        login: args.login,
        id_token: args.id_token,
        whole: format == Format::Json || args.dpop.is_some(),
    };
    let profile = args.profile.name()?;
    let token = match args.challenge.as_deref() {
        Some(value) => get_token::step_up(context, profile, &args.selection, &request, value)?,
        None => get_token::get(context, profile, &args.selection, &request)?,
    };
    remark_renewal(context, &token);
    let token = if args.id_token && format != Format::Json { as_bearer(token)? } else { token };
    let now = Timestamp::now();
    let proof = proof(args, &token, now)?;
    ui::print(&render(format, &token, args.user.as_deref(), proof.as_ref(), now)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the proof that is requested.
fn proof(args: &TokenArgs, token: &AccessToken, now: Timestamp) -> Result<Option<Secret>> {
    let Some((method, url)) = &args.dpop else { return Ok(None) };
    let nonce = args.dpop_nonce.as_deref();
    let mut proof = token.dpop_proof(method, url, nonce, now)?;
    let is_bound = token.token_type.eq_ignore_ascii_case("DPoP");
    if let Some(agent) = Agent::named()?.filter(|_| is_bound) {
        let of_agent = agent.proof(&token.account.key, (method, url), nonce, &token.value)?;
        proof = Some(of_agent);
    }
    if proof.is_none() {
        let what = format!(
            "`--dpop` requires a token that is bound to a key, but this is a {} token",
            token.token_type
        );
        return Err(Error::usage(what).hint("set `dpop = true` in the profile, and log in again"));
    }
    Ok(proof)
}
