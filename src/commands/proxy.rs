//! `oauthctl proxy`: lends the token of an account to programs that never get it.

mod child;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl_core::http::api::ApiClient;
use oauthctl_core::trace::Trace;
use oauthctl_core::{ErrorKind, Result, StateKey, TokenRequest, hook, time};
use serde_json::json;

use crate::args::AccountOption;
use crate::audit::Audit;
use crate::authorizer::Authorizer;
use crate::confirm::Confirm;
use crate::context::Context;
use crate::proxy::listen::{Listener, Place};
use crate::proxy::rules::Rules;
use crate::proxy::{Proxy, serve};
use crate::{run as runner, source, ui};

#[derive(Debug, Args)]
#[command(
    after_help = "Programs use the token of an account without ever holding it. They send requests \
                  to the URL of the proxy, which forwards them to the first `api_url` of the \
                  profile, with a valid token. The path of the URL begins with a random key: \
                  anyone who knows it can use the proxy. Requests with a foreign `Host`, or from a \
                  page of another site, are refused with status 403.\n\n\
                  Prints one line of JSON with `url`, `socket`, `profile` and `account`. With a \
                  command, it prints nothing: the command finds the URL in OAUTHCTL_PROXY_URL and \
                  the path of a Unix socket in OAUTHCTL_PROXY_SOCKET. `oauthctl proxy` exits with \
                  the exit code of the command.\n\n\
                  In a rule of `--allow`, `*` matches any characters within a segment of the path, \
                  and `**` any number of segments. Paths are normalized before they are \
                  compared.\n\nExamples:\n  \
oauthctl proxy -p gitlab\n  \
oauthctl proxy -p gitlab --allow 'GET /api/v4/**' -- ./report.sh\n  \
oauthctl proxy -p gitlab --listen unix:/run/user/1000/gitlab/proxy \\\n    \
--audit gitlab.jsonl"
)]
pub struct ProxyArgs {
    /// Profile to use [env: OAUTHCTL_PROFILE]
    #[arg(short, long, value_name = "PROFILE", value_hint = ValueHint::Other)]
    profile: Option<String>,
    #[command(flatten)]
    account: AccountOption,
    /// Loopback address or `unix:PATH` to listen on [default: a free port on 127.0.0.1]
    #[arg(long, value_name = "ADDR", value_hint = ValueHint::Other)]
    listen: Option<String>,
    /// Method and path to allow, such as `GET /api/v4/**`; can be repeated [default: all]
    #[arg(long, value_name = "METHOD GLOB", value_hint = ValueHint::Other)]
    allow: Vec<String>,
    /// Append a line of JSON to this file for each request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    audit: Option<PathBuf>,
    /// Command to run before the first request; if it fails, requests are refused
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    confirm: Option<String>,
    /// How long a confirmation is valid [default: until the proxy stops]
    #[arg(long, value_name = "DURATION", requires = "confirm", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    confirm_for: Option<Duration>,
    /// Command to run with the URL in OAUTHCTL_PROXY_URL; the proxy stops when it exits
    #[arg(last = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    command: Vec<OsString>,
}

/// Serves until a signal ends it, or the command ends.
///
/// # Errors
///
/// Returns an error if there is no usable token, or the address cannot be used.
pub fn run(args: &ProxyArgs, context: &Context) -> Result<ExitCode> {
    let place = args.listen.as_deref().map(Place::read).transpose()?.unwrap_or_default();
    let rules = Rules::read(&args.allow)?;
    let lender = source::lender(context, args.profile.as_deref(), args.account.account.as_deref())?;
    let (opened, manager) = (lender.opened.as_ref(), lender.manager());
    let hidden = opened.map(|opened| hook::hidden_variables(opened.target.profile));
    let hidden = hidden.unwrap_or_else(|| hook::private_variables().collect());
    let audit = args.audit.as_deref().map(|path| Audit::open(path, context.ui)).transpose()?;
    let confirm = args.confirm.as_deref();
    let confirm =
        confirm.map(|command| Arc::new(Confirm::new(command, args.confirm_for, hidden.clone())));
    let client = ApiClient::new(lender.transport.clone());
    let (source, urls) = (lender.source.clone(), lender.urls.clone());
    let key = StateKey::generate()?;
    let (profile, account) = (lender.key.profile.clone(), lender.key.account.clone());
    let work = async {
        // What keeps every request from success is said now.
        source.token(&TokenRequest::default()).await?;
        let listener = Listener::open(&place).await?;
        let authorizer = Authorizer::new(source, client, Trace::off(), context.ui);
        let (hosts, ui) = (listener.hosts(), context.ui);
        let proxy =
            Proxy { authorizer, urls, key, hosts, rules, confirm, audit, profile, account, ui };
        let url = proxy.url();
        let socket = match &place {
            Place::Socket(path) => Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            Place::Loopback(_) => None,
        };
        if args.command.is_empty() {
            announce(&proxy, &url, socket.as_deref())?;
            serve(proxy, listener).await;
            return Ok(ExitCode::SUCCESS);
        }
        let mut child = child::start(&args.command, &url, socket.as_deref(), &hidden)?;
        tokio::select! {
            code = child.ended() => code,
            () = serve(proxy, listener) => Ok(ExitCode::SUCCESS),
        }
    };
    if !args.command.is_empty() {
        // Signals are the command's.
        return runner::block_on_child(manager, work);
    }
    match runner::block_on(manager, work) {
        // A signal is the documented way to stop it.
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}

/// Prints where the proxy is, on one line.
fn announce(proxy: &Proxy, url: &str, socket: Option<&std::path::Path>) -> Result<()> {
    let line = json!({
        "url": url,
        "socket": socket.map(|path| path.display().to_string()),
        "profile": proxy.profile,
        "account": proxy.account,
    });
    ui::print_line(&line.to_string())?;
    proxy.ui.say("The proxy is running. Press Ctrl-C to stop it.");
    Ok(())
}
