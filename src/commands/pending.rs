//! `oauthctl pending`: the authorizations that are waiting for their response.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand, ValueHint};
use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::{PendingFlows, PendingInfo, Ports};
use oauthctl_core::protocol::state::{StateAlg, StateKey, StateKeys};
use oauthctl_core::store::{FilePending, StateKeyFile};
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result, Secret, Timestamp, time};
use serde_json::{Value, json};

use crate::args::ProfileOption;
use crate::context::Context;
use crate::rows::Rows;
use crate::{run as runner, ui};

#[derive(Debug, Subcommand)]
pub enum PendingCommand {
    /// List the pending authorizations
    #[command(
        after_help = "Example:\n  oauthctl pending list gitlab --json | jq -r '.[].grant_id'"
    )]
    List(ListArgs),
    /// Show a pending authorization
    #[command(after_help = "Example:\n  oauthctl pending show \"$grant_id\"")]
    Show(Which),
    /// Cancel a pending authorization, so that its response is rejected
    #[command(after_help = "Example:\n  oauthctl pending cancel \"$grant_id\"")]
    Cancel(Which),
    /// Generate a new key for states; the previous key remains valid until its states expire
    RotateKey(RotateArgs),
}

#[derive(Debug, Args)]
pub struct ListArgs {
    /// Profile whose flows to list [default: all profiles]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    argument: Option<String>,
    #[command(flatten)]
    option: ProfileOption,
}

#[derive(Debug, Args)]
pub struct Which {
    /// `grant_id` that `oauthctl start` printed
    #[arg(value_name = "GRANT_ID", value_hint = ValueHint::Other)]
    grant_id: String,
}

#[derive(Debug, Args)]
#[command(
    after_help = "States signed with the previous key are accepted until they expire. States \
                  signed with an older key are not, so do not rotate twice in a row.\n\n\
                  Examples:\n  oauthctl pending rotate-key\n  oauthctl pending rotate-key --alg EdDSA"
)]
pub struct RotateArgs {
    /// Algorithm that signs new states
    #[arg(long, value_name = "ALG", default_value = "HS256", value_parser = ["HS256", "EdDSA"])]
    alg: String,
}

/// Runs one of the commands.
///
/// # Errors
///
/// Returns `Config` for a flow that does not exist, and `Store` if the pending store fails.
pub fn run(command: &PendingCommand, context: &Context) -> Result<ExitCode> {
    match command {
        PendingCommand::List(args) => list(args, context)?,
        PendingCommand::Show(which) => {
            let flow = find(&all(&to_complete(context)?.flows())?, &which.grant_id)?;
            if context.ui.json {
                ui::print_json(&to_json(&flow))?;
            } else {
                print(&[flow])?;
            }
        }
        PendingCommand::Cancel(which) => {
            let flows = to_complete(context)?.flows();
            let flow = find(&all(&flows)?, &which.grant_id)?;
            if !runner::block_on(None, flows.cancel(&flow))? {
                return Err(unknown(&which.grant_id));
            }
            if context.ui.json {
                ui::print_json(&to_json(&flow))?;
            }
            context.ui.say(format!("Cancelled {}.", flow.grant_id));
        }
        PendingCommand::RotateKey(args) => rotate(args, context)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &ListArgs, context: &Context) -> Result<()> {
    let profile = context.named_profile(args.argument.as_deref(), &args.option)?;
    let mut flows = all(&to_complete(context)?.flows())?;
    flows.retain(|flow| profile.as_ref().is_none_or(|name| flow.profile == *name));
    if context.ui.json {
        return ui::print_json(&Value::Array(flows.iter().map(to_json).collect()));
    }
    if flows.is_empty() {
        context.ui.say("There are no pending authorizations.");
    }
    print(&flows)
}

fn rotate(args: &RotateArgs, context: &Context) -> Result<()> {
    if context.env(VARIABLE)?.is_some() {
        return Err(Error::usage(format!(
            "cannot rotate the key for states: it is set in \
                                         {VARIABLE}"
        ))
        .hint("set the variable to the new key, a comma, and the previous key"));
    }
    let alg =
        StateAlg::parse(&args.alg).ok_or_else(|| Error::usage("`--alg` must be HS256 or EdDSA"))?;
    let path = key_path(context)?;
    let file = key_file(context)?;
    let keys = runner::block_on(None, file.rotate(alg))?;
    let kid = keys.current()?.kid();
    if context.ui.json {
        ui::print_json(&json!({"kid": kid, "alg": alg.as_str()}))?;
    }
    context.ui.say(format!(
        "New states are signed with the key {kid} ({}) in {}.",
        alg.as_str(),
        path.display()
    ));
    Ok(())
}

fn all(flows: &PendingFlows) -> Result<Vec<PendingInfo>> {
    runner::block_on(None, flows.list())
}

fn find(flows: &[PendingInfo], grant_id: &str) -> Result<PendingInfo> {
    flows.iter().find(|flow| flow.grant_id == grant_id).cloned().ok_or_else(|| unknown(grant_id))
}

fn unknown(grant_id: &str) -> Error {
    Error::config(format!("no pending authorization `{}`", one_line(grant_id))).hint(
        "run `oauthctl pending list` to see all; a completed or expired authorization is not \
         listed",
    )
}

fn to_json(flow: &PendingInfo) -> Value {
    json!({
        "grant_id": flow.grant_id,
        "profile": flow.profile,
        "user": flow.user,
        "attributes": flow.attributes,
        "redirect_uri": flow.redirect_uri,
        "scopes": flow.scopes,
        "started_at": flow.started_at.to_string(),
        "expires_at": flow.expires_at.to_string(),
    })
}

fn print(flows: &[PendingInfo]) -> Result<()> {
    let mut rows = Rows::new("  ", 10, " ");
    for flow in flows {
        rows.blank();
        rows.heading(&flow.grant_id);
        rows.row("profile", &one_line(&flow.profile));
        if let Some(user) = &flow.user {
            rows.row("user", &one_line(user));
        }
        for (name, value) in &flow.attributes {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            rows.row("attribute", &format!("{}={}", one_line(name), one_line(&value)));
        }
        rows.row("redirect", &one_line(&flow.redirect_uri));
        let left = flow.expires_at.remaining(Timestamp::now());
        rows.row("expires", &format!("in {}", time::describe(left)));
    }
    rows.print()
}

/// Name of the variable that replaces the key file for states.
pub const VARIABLE: &str = "OAUTHCTL_STATE_KEY";

const MAKE_ONE: &str = "generate a key with `openssl rand -base64 32 | tr '+/' '-_'`; to rotate \
                        keys, set the new key, a comma, and the previous key";

/// The pending store and the keys of its states.
pub struct Waiting {
    store: Arc<FilePending>,
    keys: Arc<StateKeys>,
}

impl Waiting {
    /// Returns what can be done with the flows without a profile.
    pub fn flows(&self) -> PendingFlows {
        PendingFlows::new(self.store.clone(), self.keys.clone(), Arc::new(SystemClock))
    }

    /// Returns the same ports, able to start and to complete flows.
    pub fn add_to(&self, ports: Ports) -> Ports {
        ports.with_pending(self.store.clone(), self.keys.clone())
    }
}

/// Opens them to start a flow; a key is generated if there is none.
///
/// # Errors
///
/// Returns `Config` for a variable that holds no key, and `Store` if the file cannot be used.
pub fn to_start(context: &Context, ttl: Duration) -> Result<Waiting> {
    let keys = match from_environment(context)? {
        Some(keys) => keys,
        None => {
            let file = key_file(context)?;
            // Usually the keys exist, and need no runtime.
            match file.keys_at_hand(ttl)? {
                Some(keys) => keys,
                None => runner::block_on(None, file.keys_for(ttl))?,
            }
        }
    };
    over(context, keys)
}

/// Opens them to complete flows.
///
/// # Errors
///
/// See [`to_start`].
pub fn to_complete(context: &Context) -> Result<Waiting> {
    let keys = match from_environment(context)? {
        Some(keys) => keys,
        None => key_file(context)?.keys()?,
    };
    over(context, keys)
}

fn over(context: &Context, keys: StateKeys) -> Result<Waiting> {
    let path = context.state()?.place("pending")?;
    let store = FilePending::open(path, Arc::new(SystemClock));
    context.note_warnings(store.warnings());
    Ok(Waiting { store: Arc::new(store), keys: Arc::new(keys) })
}

/// Reads one key, or after a comma also the previous one.
fn from_environment(context: &Context) -> Result<Option<StateKeys>> {
    let Some(text) = context.env(VARIABLE)?.map(Secret::new) else { return Ok(None) };
    let read = |part: &str| {
        StateKey::read(&Secret::new(part), StateAlg::Hs256)
            .map_err(|error| error.context(VARIABLE).hint(MAKE_ONE))
    };
    let mut parts = text.expose().split(',');
    let current = read(parts.next().unwrap_or_default())?;
    Ok(Some(StateKeys::new(current, parts.map(read).collect::<Result<_>>()?)))
}

fn key_path(context: &Context) -> Result<PathBuf> {
    Ok(context.key_dir()?.join("state.key"))
}

fn key_file(context: &Context) -> Result<StateKeyFile> {
    let file = StateKeyFile::open(key_path(context)?, Arc::new(SystemClock));
    context.note_warnings(file.warnings());
    Ok(file)
}
