//! `oauthctl complete`: completes an authorization that `start` began, here or elsewhere.

use std::io::Read;
use std::process::ExitCode;

use clap::Args;
use oauthctl::flow::{Completed, RequiredIdentity};
use oauthctl::login::{Parameters, attempt, parse_pasted, parse_query};
use oauthctl::{Error, ErrorKind, Result, Secret, Timestamp};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::context::Context;
use super::login::parse_parameter;
use super::{manager, pending, report, run as runner};

/// The most bytes of a callback URL.
const LONGEST: u64 = 64 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
echo \"$CALLBACK_URL\" | oauthctl complete - --expect-state \"$STATE\"\n\n\
`--expect-state` wants the state that you kept in the person's own session.\n\
Without it, whoever gets hold of a callback URL can have it completed.")]
pub struct CompleteArgs {
    /// The URL that the person came back to; `-` reads it from stdin, so that it is in no list of
    /// processes
    #[arg(value_name = "-|CALLBACK_URL", required_unless_present = "code")]
    callback: Option<String>,
    /// The code, in place of a URL
    #[arg(long, value_name = "CODE", conflicts_with = "callback", requires = "state")]
    code: Option<String>,
    /// The state that came with the code
    #[arg(long, value_name = "STATE", requires = "code")]
    state: Option<String>,
    /// The issuer that came with the code
    #[arg(long, value_name = "ISSUER", requires = "code")]
    iss: Option<String>,
    /// Refuse any other state than this one
    #[arg(long, value_name = "STATE")]
    expect_state: Option<String>,
    /// Refuse a state of another profile
    #[arg(short, long, value_name = "NAME")]
    profile: Option<String>,
    /// Who must have granted, exactly as the server names them: sub=… or email=…
    #[arg(long, value_name = "CLAIM=VALUE", value_parser = parse_parameter)]
    require_identity: Vec<(String, String)>,
    /// Print the access token too
    #[arg(long)]
    show_token: bool,
}

/// Completes, and prints what was granted by whom.
///
/// # Errors
///
/// As the contract's exit codes say.
pub fn run(args: &CompleteArgs, context: &Context) -> Result<ExitCode> {
    let required = required(&args.require_identity)?;
    let callback = callback(args)?;
    let two_phase = pending::to_complete(context)?;
    let state = callback.state()?;
    let recognizing = two_phase.recognize(state.expose(), args.expect_state.as_deref());
    let recognized = runner::block_on(None, recognizing)?;
    if args.profile.as_ref().is_some_and(|name| name != recognized.profile()) {
        return Err(Error::new(ErrorKind::InvalidState, "the state is another profile's"));
    }
    let profile = context.profile(recognized.profile())?;
    let parameters = callback.parameters(recognized.redirect_uri(), attempt::rules(profile))?;
    let manager = manager::build(context, profile)?.with_two_phase(two_phase);
    let response = parameters.to_pairs();
    let finishing = manager.finish(profile, &recognized, &response, required.as_ref());
    let completed = runner::block_on(Some(&manager), finishing).map_err(start_again)?;
    for warning in &completed.warnings {
        context.voice.warn(warning);
    }
    report::print_json(&to_json(&completed, args.show_token))?;
    Ok(ExitCode::SUCCESS)
}

fn to_json(completed: &Completed, show_token: bool) -> Value {
    let grant = &completed.grant;
    let mut object = json!({
        "grant_id": grant.id,
        "profile": grant.key.profile,
        "account": grant.key.account,
        "user": grant.user,
        "attributes": grant.attributes_at(Timestamp::now()),
        "identity": grant.identity,
        "scopes": grant.tokens.scopes,
        "expires_at": grant.tokens.expires_at.map(|t| t.to_string()),
    });
    if show_token {
        object["access_token"] = json!(grant.tokens.access_token.expose());
    }
    object
}

fn required(given: &[(String, String)]) -> Result<Option<RequiredIdentity>> {
    let mut required = RequiredIdentity::default();
    for (claim, value) in given {
        let place = match claim.as_str() {
            "sub" => &mut required.sub,
            "email" => &mut required.email,
            _ => return Err(Error::usage("`--require-identity` takes sub=… or email=…")),
        };
        if value.is_empty() || place.replace(value.clone()).is_some() {
            return Err(Error::usage(format!("`--require-identity {claim}=…` needs one value")));
        }
    }
    Ok((!given.is_empty()).then_some(required))
}

/// A response as it was given: a URL, or the parameters of one.
enum Callback {
    Url(Secret),
    Query(Secret),
}

fn callback(args: &CompleteArgs) -> Result<Callback> {
    if let (Some(code), Some(state)) = (&args.code, &args.state) {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", code).append_pair("state", state);
        if let Some(iss) = &args.iss {
            query.append_pair("iss", iss);
        }
        return Ok(Callback::Query(Secret::new(query.finish())));
    }
    match args.callback.as_deref() {
        Some("-") => read_stdin().map(Callback::Url),
        Some(url) => Ok(Callback::Url(Secret::new(url.trim()))),
        None => Err(Error::usage("give the callback URL, or `-` to read it from stdin")),
    }
}

fn read_stdin() -> Result<Secret> {
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    std::io::stdin()
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| Error::usage(format!("stdin could not be read: {e}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Error::validation("the callback URL is over 64 KiB"));
    }
    match std::str::from_utf8(&bytes) {
        // Some shells put a byte order mark before what they pipe.
        Ok(text) => Ok(Secret::new(text.trim_start_matches('\u{feff}').trim())),
        Err(_) => Err(Error::validation("the callback URL is not UTF-8")),
    }
}

impl Callback {
    /// The state, before it is known whose it is.
    fn state(&self) -> Result<Secret> {
        let query = match self {
            Self::Query(query) => query.expose(),
            Self::Url(url) => {
                let (place, query) = url.expose().split_once('?').ok_or_else(no_url)?;
                if !place.contains("://") {
                    return Err(no_url());
                }
                query.split('#').next().unwrap_or_default()
            }
        };
        // Line breaks in a description cannot matter yet: the provider's own rules come later.
        let lenient = oauthctl::login::Rules { fold_description: true };
        let parameters = parse_query(query, lenient).map_err(cannot_be_used)?;
        parameters.require_response().map_err(cannot_be_used)?;
        parameters.get("state").map(Secret::new).ok_or_else(no_url)
    }

    /// The parameters, once it is known where they must have come in.
    fn parameters(&self, redirect_uri: &str, rules: oauthctl::login::Rules) -> Result<Parameters> {
        match self {
            Self::Url(url) => {
                parse_pasted(url.expose(), redirect_uri, rules).map_err(|error| error.hint(WHOLE))
            }
            Self::Query(query) => parse_query(query.expose(), rules).map_err(cannot_be_used),
        }
    }
}

const WHOLE: &str = "give the whole URL that the person came back to, with its query";

fn no_url() -> Error {
    Error::validation("this is no callback URL with a state").hint(WHOLE)
}

fn cannot_be_used(error: Error) -> Error {
    error.context("the callback cannot be used").hint(WHOLE)
}

/// What has to be done again was begun by `start`, not by `login`.
fn start_again(error: Error) -> Error {
    match error.advice() {
        Some(advice) if advice.contains("log in again") => {
            error.hint("nothing was stored; start again with `oauthctl start`")
        }
        _ => error,
    }
}
