//! `oauthctl inspect`: decodes a JWT, verifies its signature, and explains its claims.

mod meanings;

use std::io::Read;
use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::protocol::jwt::{Jwt, Signature};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result, Secret, Timestamp, time};
use serde_json::{Map, Value, json};

use self::meanings::{of_claim, of_header};
use crate::agent::client::Agent;
use crate::args::AccountOption;
use crate::context::Context;
use crate::get_token;
use crate::get_token::request::{Request, Selection};
use crate::rows::Rows;
use crate::target::Target;
use crate::{manager, run as runner, source, ui};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl inspect -p gitlab --id-token\n  \
pbpaste | oauthctl inspect -\n  \
oauthctl token | oauthctl inspect - --json")]
pub struct InspectArgs {
    /// Token to inspect, or `-` for standard input [default: the stored access token]
    #[arg(value_name = "TOKEN", value_hint = ValueHint::Other)]
    token: Option<String>,
    /// Profile whose token to inspect [env: OAUTHCTL_PROFILE]
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    profile: Option<String>,
    #[command(flatten)]
    account: AccountOption,
    /// Inspect the stored id_token
    #[arg(long, conflicts_with = "token")]
    id_token: bool,
    /// Do not access the network and do not verify the signature
    #[arg(long)]
    offline: bool,
}

/// Maximum size of a token on standard input, in bytes.
const LONGEST: u64 = 256 * 1024;

/// Decodes and explains a token. Its signature is verified with the keys of the profile whose issuer the token names;
/// a server that no profile names is never asked, because the token itself cannot be trusted to name one.
///
/// # Errors
///
/// Returns `Validation` if the token is not a JWT or its signature is invalid; in the latter case after it was printed.
pub fn run(args: &InspectArgs, context: &Context) -> Result<ExitCode> {
    let raw = match args.token.as_deref() {
        Some("-") => piped()?,
        Some(token) => Secret::new(token.trim()),
        None => stored(args, context)?,
    };
    let jwt = Jwt::decode(&raw).map_err(|error| match args.token {
        Some(_) => error,
        None => error.hint(
            "run `oauthctl introspect` to ask the server about it, or inspect the id_token with \
             `--id-token`",
        ),
    })?;
    let (signature, profile) = verified(&jwt, args, context)?;
    let now = Timestamp::now();
    match context.ui.json {
        true => ui::print_json(&to_json(&jwt, &signature, profile.as_deref(), now))?,
        false => describe(&jwt, &signature, profile.as_deref(), now)?,
    }
    match signature {
        Signature::Invalid(why) => {
            Err(Error::validation(why).hint("do not use the token: it is unknown who created it"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Reads a token from standard input.
///
/// # Errors
///
/// Returns `Usage` if there is none.
pub fn piped() -> Result<Secret> {
    let mut text = zeroize::Zeroizing::new(String::new());
    std::io::stdin()
        .lock()
        .take(LONGEST + 2)
        .read_to_string(&mut text)
        .map_err(|e| Error::usage(format!("cannot read the token from standard input: {e}")))?;
    match text.trim() {
        "" => Err(Error::usage("the token on standard input is empty")),
        token => Ok(Secret::new(token)),
    }
}

fn stored(args: &InspectArgs, context: &Context) -> Result<Secret> {
    let account = args.account.account.as_deref();
    if let Some(agent) = Agent::named()? {
        let selection = Selection { account: args.account.clone(), ..Selection::default() };
        // A broker has no token that is not fresh.
        let cached = matches!(agent, Agent::Socket(_));
        let request = Request { cached, id_token: args.id_token, ..Request::default() };
        let token = get_token::get(context, args.profile.as_deref(), &selection, &request)?;
        return match args.id_token {
            true => token.id_token.ok_or_else(|| {
                Error::login_required(format!("{} has no id_token", token.account.key))
            }),
            false => Ok(token.value),
        };
    }
    let Target { key, store, .. } = source::select(context, args.profile.as_deref(), account)?;
    let grant = runner::block_on(None, store.grants.load(&key))?;
    let grant = grant.ok_or_else(|| Error::not_logged_in(&key))?;
    match (args.id_token, grant.tokens.id_token) {
        (false, _) => Ok(grant.tokens.access_token),
        (true, Some(token)) => Ok(token),
        (true, None) => Err(Error::login_required(format!("{key} has no id_token"))
            .hint("add `openid` to the scopes of the profile, then log in again")),
    }
}

/// Returns whether the signature is valid, and the profile whose server's keys say so.
fn verified(
    jwt: &Jwt,
    args: &InspectArgs,
    context: &Context,
) -> Result<(Signature, Option<String>)> {
    let not = |why: &str| Ok((Signature::NotVerified(why.to_owned()), None));
    if let Some(outcome) = jwt.unverifiable() {
        return Ok((outcome, None));
    }
    let Some(name) = profile_of(jwt, args, context)? else {
        return not(match jwt.issuer() {
            Some(_) => "no profile has the token's issuer",
            None => "the token has no issuer",
        });
    };
    if args.offline {
        return not("`--offline` is set");
    }
    let manager = manager::build(context, &Target::named(context, Some(&name), None)?)?;
    let signature = runner::block_on(None, manager.verify(&name, jwt))?;
    Ok((signature, Some(name)))
}

/// Returns the profile that is named or that has the token's issuer.
fn profile_of(jwt: &Jwt, args: &InspectArgs, context: &Context) -> Result<Option<String>> {
    if let Some(name) = &args.profile {
        return Ok(Some(context.profile(&context.as_kept(name.clone())?)?.name.clone()));
    }
    let config = match context.config() {
        Ok(config) => config,
        Err(error) => {
            context.ui.warn(&error);
            return Ok(None);
        }
    };
    let mut profiles = config.profiles.values();
    Ok(profiles.find(|profile| jwt.names_issuer_of(profile)).map(|profile| profile.name.clone()))
}

fn words(signature: &Signature) -> (&'static str, Option<&str>) {
    match signature {
        Signature::Valid => ("valid", None),
        Signature::Invalid(why) => ("invalid", Some(why)),
        Signature::NotVerified(why) => ("not_verified", Some(why)),
        _ => ("not_verified", None),
    }
}

fn to_json(jwt: &Jwt, signature: &Signature, profile: Option<&str>, now: Timestamp) -> Value {
    let (word, reason) = words(signature);
    let expires_at = jwt.time("exp");
    let meanings = |members: Option<&Map<String, Value>>, of: fn(&str) -> Option<&'static str>| {
        let names = members.into_iter().flat_map(Map::keys);
        let known = names.filter_map(|name| Some((name.clone(), json!(of(name)?))));
        Value::Object(known.collect())
    };
    json!({
        "header": jwt.header,
        "claims": jwt.claims,
        "verified": *signature == Signature::Valid,
        "signature": word,
        "reason": reason,
        "profile": profile,
        "issuer": jwt.issuer(),
        "expires_at": expires_at.map(|at| at.to_string()),
        "expires_in": expires_at.map(|at| at.remaining(now).as_secs()),
        "expired": expires_at.map(|at| at <= now),
        "meanings": {
            "header": meanings(Some(&jwt.header), of_header),
            "claims": meanings(jwt.claims.as_ref(), of_claim),
        },
    })
}

fn describe(jwt: &Jwt, signature: &Signature, profile: Option<&str>, now: Timestamp) -> Result<()> {
    let mut summary = Rows::new("", 9, "  ");
    summary.row("signature", &signature_words(signature, profile));
    summary.row("validity", &validity(jwt, now));
    summary.blank();
    summary.print()?;
    let members = jwt.claims.iter().flat_map(Map::keys).chain(jwt.header.keys());
    let width = members.map(|name| ui::field(name).chars().count()).max().unwrap_or(0).min(24);
    let mut rows = Rows::new("  ", width, "  ");
    rows.heading("Header:");
    for (name, value) in &jwt.header {
        rows.row(&ui::field(name), &explained(value, of_header(name), None));
    }
    rows.blank();
    rows.heading(match &jwt.claims {
        Some(_) => "Claims:",
        None => "The claims are encrypted.",
    });
    for (name, value) in jwt.claims.iter().flatten() {
        let at = TIMES.contains(&name.as_str()).then(|| jwt.time(name)).flatten();
        let at = at.map(|at| format!("{at}, {}", relative(at, now)));
        rows.row(&ui::field(name), &explained(value, of_claim(name), at.as_deref()));
    }
    rows.print()
}

/// The claims that are times.
const TIMES: [&str; 5] = ["exp", "nbf", "iat", "auth_time", "updated_at"];

fn explained(value: &Value, meaning: Option<&str>, shown: Option<&str>) -> String {
    let value = shown.map_or_else(|| ui::plain(value), str::to_owned);
    match meaning {
        Some(meaning) => format!("{value} ({meaning})"),
        None => value,
    }
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    match at > now {
        true => format!("in {}", time::describe(at.remaining(now))),
        false => format!("{} ago", time::describe(now.remaining(at))),
    }
}

fn signature_words(signature: &Signature, profile: Option<&str>) -> String {
    match (words(signature), profile) {
        (("valid", _), Some(profile)) => {
            format!("valid: signed with a key of the server of profile `{}`", one_line(profile))
        }
        (("invalid", Some(why)), _) => format!("INVALID: {why}"),
        ((_, Some(why)), _) => format!("not verified: {why}"),
        ((word, None), _) => word.to_owned(),
    }
}

fn validity(jwt: &Jwt, now: Timestamp) -> String {
    match (jwt.time("nbf").filter(|nbf| *nbf > now), jwt.time("exp")) {
        (Some(nbf), _) => format!("not valid yet: it becomes valid {}", relative(nbf, now)),
        (None, Some(exp)) if exp <= now => format!("expired {}", relative(exp, now)),
        (None, Some(exp)) => format!("expires {}", relative(exp, now)),
        (None, None) => "the token does not say when it expires".to_owned(),
    }
}
