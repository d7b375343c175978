//! `oauthctl start`: starts an authorization to be completed later or by another process.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl_core::flow::DEFAULT_TTL;
use oauthctl_core::{Error, FlowManager, Result, StartRequest, time};
use serde_json::{Value, json};

use crate::args::ProfileArg;
use crate::commands::login::parse_parameter;
use crate::commands::pending;
use crate::context::Context;
use crate::target::Target;
use crate::{callbacks, manager, run as runner, scopes, ui};

/// Maximum length of a request line that common servers accept, in bytes.
const LONGEST_URL: usize = 8 * 1024;

#[derive(Debug, Args)]
#[command(
    after_help = "Use it in web applications, bots and jobs in which another process receives the \
response, perhaps much later. Any number of flows can be open at the same time, for any number of \
users. A state is signed, works only once, and expires.\n\n\
Example:\n  \
oauthctl start gitlab --user 4711 \\\n    \
--redirect-uri https://app.example/callback\n\n\
Send the user to `authorization_url`, and keep `state` in their session. When \
they come back, pass the callback URL to `oauthctl complete -`, in any process, \
before the flow expires."
)]
pub struct StartArgs {
    #[command(flatten)]
    profile: ProfileArg,
    /// Your identifier for the user, used as the account name and returned by `complete`; the state does not
    /// reveal it
    #[arg(long, value_name = "REF", value_hint = ValueHint::Other)]
    user: Option<String>,
    /// Attribute to keep with the grant; can be repeated
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = parse_parameter, value_hint = ValueHint::Other)]
    attributes: Vec<(String, String)>,
    /// Time within which the authorization must be completed
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, default_value = "10m", value_hint = ValueHint::Other)]
    ttl: Duration,
    /// Redirect URI of the flow [default: the first one of the profile]
    #[arg(long, value_name = "URI", value_hint = ValueHint::Url)]
    redirect_uri: Option<String>,
    /// Encrypt the whole flow into the state, so that any machine with the same OAUTHCTL_STATE_KEY can
    /// complete it
    #[arg(long)]
    sealed: bool,
    /// Scope to request instead of the profile's; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_hint = ValueHint::Other)]
    scopes: Vec<String>,
    /// Value of the `login_hint` parameter: the user who will log in
    #[arg(long, value_name = "HINT", value_hint = ValueHint::EmailAddress)]
    login_hint: Option<String>,
    /// Extra parameter of the authorization request; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_parameter, value_hint = ValueHint::Other)]
    params: Vec<(String, String)>,
}

/// Starts an authorization and prints its URL.
///
/// # Errors
///
/// Returns an error whose kind determines the exit code.
pub fn run(args: &StartArgs, context: &Context) -> Result<ExitCode> {
    let target = Target::named(context, args.profile.name()?, args.user.as_deref())?;
    let profile = target.profile;
    context.tell_config_warnings()?;
    scopes::warn(context, &args.scopes, profile);
    let mut request = StartRequest::default().scopes(args.scopes.clone()).ttl(args.ttl);
    request.user.clone_from(&args.user);
    request.attributes = attributes(&args.attributes)?;
    request.redirect_uri.clone_from(&args.redirect_uri);
    request.extra.clone_from(&args.params);
    request
        .extra
        .extend(args.login_hint.iter().map(|hint| ("login_hint".to_owned(), hint.clone())));
    request.sealed = args.sealed;
    let waiting = pending::to_start(context, args.ttl.max(DEFAULT_TTL))?;
    if args.sealed && context.env(pending::VARIABLE)?.is_none() {
        context.ui.say(format!(
            "Sealed with the key of this machine. To complete the flow on another machine, use {}.",
            pending::VARIABLE
        ));
    }
    let ports = waiting.add_to(manager::ports(context, &target)?);
    let manager = FlowManager::new([profile.clone()], ports);
    let started = runner::block_on(Some(&manager), manager.start(&profile.name, request))?;
    callbacks::tell_started(context, profile, args.redirect_uri.as_deref());
    if started.authorization_url.len() > LONGEST_URL {
        let what = format!(
            "the authorization URL is {} bytes long, but many servers accept at most {LONGEST_URL}",
            started.authorization_url.len()
        );
        let hint = "use fewer attributes and parameters, or omit `--sealed`";
        context.ui.warn(&Error::validation(what).hint(hint));
    }
    ui::print_json(&json!({
        "authorization_url": started.authorization_url,
        "state": started.state,
        "grant_id": started.grant_id,
        "profile": started.profile,
        "user": started.user,
        "expires_at": started.expires_at.to_string(),
    }))?;
    Ok(ExitCode::SUCCESS)
}

fn attributes(given: &[(String, String)]) -> Result<BTreeMap<String, Value>> {
    let mut attributes = BTreeMap::new();
    for (name, value) in given {
        if attributes.insert(name.clone(), Value::String(value.clone())).is_some() {
            let name = oauthctl_core::text::one_line(name);
            return Err(Error::usage(format!("the attribute `{name}` is set twice")));
        }
    }
    Ok(attributes)
}
