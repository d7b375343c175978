//! `oauthctl agent`: hands out tokens to other processes through a Unix socket.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
#[cfg(unix)]
use oauthctl_core::ErrorKind;
#[cfg(unix)]
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result, time};
use serde_json::json;

use crate::agent::{self, client::Agent};
use crate::context::Context;
use crate::ui;

#[derive(Debug, Args)]
#[command(
    after_help = "Clients find the agent through OAUTHCTL_AGENT. They need no configuration.\n\nExamples:\n  \
oauthctl agent\n  \
OAUTHCTL_AGENT=unix:/run/user/1000/oauthctl/agent.sock \\\n    \
oauthctl token -p gitlab\n  \
oauthctl agent --allow-uid 1001 --confirm ./ask.sh \\\n    \
--confirm-for 1h --audit agent.jsonl\n  \
oauthctl agent --lock\n  \
oauthctl agent --stop"
)]
pub struct AgentArgs {
    /// Socket to listen on [default: oauthctl/agent.sock in the runtime directory]
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// ID of another user who may connect; can be repeated
    #[arg(long, value_name = "UID", value_hint = ValueHint::Other)]
    pub allow_uid: Vec<u32>,
    /// Command to run before the first token is handed out; if it fails, requests are refused
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    pub confirm: Option<String>,
    /// How long a confirmation is valid [default: until the agent stops]
    #[arg(long, value_name = "DURATION", requires = "confirm", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    pub confirm_for: Option<Duration>,
    /// Append a line of JSON to this file for each request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub audit: Option<PathBuf>,
    /// Lock the agent when the machine wakes up from sleep
    #[arg(long)]
    pub lock_after_sleep: bool,
    /// Stay in the foreground, for systemd, launchd and containers
    #[arg(long)]
    pub foreground: bool,
    /// Set for the process in the background, whose output nobody reads once it serves
    #[arg(long, hide = true, requires = "foreground")]
    detached: bool,
    /// Show whether the agent is running and whether it is locked
    #[arg(long, group = "control")]
    status: bool,
    /// Stop the agent
    #[arg(long, group = "control")]
    stop: bool,
    /// Stop handing out tokens until `--unlock`
    #[arg(long, group = "control")]
    lock: bool,
    /// Resume handing out tokens
    #[arg(long, group = "control")]
    unlock: bool,
}

/// Starts the agent, or controls one that runs.
///
/// # Errors
///
/// Returns `Unavailable` if the socket is in use, or if no agent answers.
pub fn run(args: &AgentArgs, context: &Context) -> Result<ExitCode> {
    let path = match &args.socket {
        Some(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()),
        None => agent::usual_socket()?,
    };
    let op = [
        (args.status, "status"),
        (args.stop, "stop"),
        (args.lock, "lock"),
        (args.unlock, "unlock"),
    ];
    match op.into_iter().find(|(is_given, _)| *is_given) {
        Some((_, op)) => control(&Agent::at(path), op, context),
        None => start(args, &path, context),
    }
}

fn control(agent: &Agent, op: &str, context: &Context) -> Result<ExitCode> {
    let done = match op {
        "stop" => {
            agent.stop()?;
            "The agent has stopped."
        }
        "status" => {
            let answer = agent.ask(&json!({ "op": op }))?;
            if context.ui.json {
                ui::print_json(&answer)?;
            } else {
                let is_locked = answer["locked"].as_bool().unwrap_or(false);
                let state = if is_locked { "locked" } else { "unlocked" };
                ui::print_line(&format!("running as process {}, {state}", answer["pid"]))?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        op => {
            agent.ask(&json!({ "op": op }))?;
            if op == "lock" { "The agent is locked." } else { "The agent is unlocked." }
        }
    };
    if !context.ui.json {
        context.ui.say(done);
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(not(unix))]
fn start(_: &AgentArgs, _: &std::path::Path, _: &Context) -> Result<ExitCode> {
    Err(Error::usage("the agent is not available on this system"))
}

#[cfg(unix)]
fn start(args: &AgentArgs, path: &std::path::Path, context: &Context) -> Result<ExitCode> {
    if let Some(folder) = path.parent()
        && args.socket.is_none()
    {
        use std::os::unix::fs::DirBuilderExt as _;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| {
            Error::usage(format!("cannot create {}: {error}", folder.display())).caused_by(&error)
        })?;
    }
    match args.foreground {
        true => foreground(args, path, context),
        false => background(path, context),
    }
}

#[cfg(unix)]
fn announce(path: &std::path::Path, pid: u32, context: &Context) -> Result<()> {
    let place = format!("unix:{}", path.display());
    match context.ui.json {
        true => ui::print_line(&json!({ "agent": place, "pid": pid }).to_string()),
        false => ui::print_line(&format!("OAUTHCTL_AGENT={place}")),
    }
}

/// Starts the same command again in a process group of its own, and waits until it serves.
#[cfg(unix)]
fn background(path: &std::path::Path, context: &Context) -> Result<ExitCode> {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};
    let failed = |error: std::io::Error| {
        Error::internal(format!("cannot start the agent: {error}")).caused_by(&error)
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).args(["--foreground", "--detached"]);
    command.process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let mut line = String::new();
    if let Some(stdout) = child.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).map_err(failed)?;
    }
    if line.is_empty() {
        // It has said why.
        if let Some(mut said) = child.stderr.take() {
            let _ = std::io::copy(&mut said, &mut std::io::stderr());
        }
        let status = child.wait().map_err(failed)?;
        return Ok(ExitCode::from(status.code().and_then(|c| u8::try_from(c).ok()).unwrap_or(1)));
    }
    announce(path, child.id(), context)?;
    Ok(ExitCode::SUCCESS)
}

/// Redirects standard output and standard error to `/dev/null`. They are pipes to the command that started this
/// process, and break when that command exits. A user's command that then writes a warning would be killed.
#[cfg(unix)]
fn detach() -> Result<()> {
    use rustix::stdio::{dup2_stderr, dup2_stdout};
    let detached = std::fs::File::options().write(true).open("/dev/null").and_then(|null| {
        dup2_stdout(&null)?;
        dup2_stderr(&null)?;
        Ok(())
    });
    detached.map_err(|error| {
        Error::internal(format!("cannot redirect the output to /dev/null: {error}"))
            .caused_by(&error)
    })
}

/// Says what to do about a socket that another agent uses.
#[cfg(unix)]
fn occupied(error: Error, args: &AgentArgs, path: &std::path::Path) -> Error {
    let status = match error.kind() {
        ErrorKind::Unavailable => Agent::at(path.to_owned()).status(),
        _ => return error,
    };
    let Ok(Some(status)) = status else { return error };
    let path = path.display().to_string();
    let option = match args.socket {
        Some(_) => format!(" --socket {}", shell_word(&path)),
        None => String::new(),
    };
    let what =
        format!("an agent is already running: process {} at {}", status["pid"], one_line(&path));
    let stop = format!("oauthctl agent{option} --stop");
    Error::unavailable(what).hint(format!(
        "use it with OAUTHCTL_AGENT={}, stop it with `{stop}`, or start another one with \
         `--socket PATH`",
        shell_word(&format!("unix:{path}"))
    ))
}

#[cfg(unix)]
fn foreground(args: &AgentArgs, path: &std::path::Path, context: &Context) -> Result<ExitCode> {
    use oauthctl_core::hook;
    use std::sync::Arc;

    use crate::agent::server::{Server, serve};
    use crate::agent::sleep::Sleep;
    use crate::audit::Audit;
    use crate::confirm::Confirm;
    use crate::run as runner;
    use crate::socket::Socket;
    let audit = args.audit.as_deref().map(|path| Audit::open(path, context.ui)).transpose()?;
    let confirm = args.confirm.as_deref();
    let server = Arc::new(Server {
        globals: context.globals.clone(),
        ui: context.ui,
        users: args.allow_uid.clone(),
        confirm: confirm.map(|command| {
            let hidden = hook::private_variables().collect();
            Arc::new(Confirm::new(command, args.confirm_for, hidden))
        }),
        audit,
        is_locked: false.into(),
        locks_after_sleep: args.lock_after_sleep,
        sleep: Sleep::new(),
        slots: Arc::default(),
        stops: tokio::sync::Notify::new(),
    });
    let work = async {
        let socket = Socket::bind(path).map_err(|error| occupied(error, args, path))?;
        if !args.allow_uid.is_empty() {
            socket.open_to(&args.allow_uid)?;
        }
        announce(path, std::process::id(), context)?;
        if args.detached {
            detach()?;
        }
        serve(Arc::clone(&server), &socket).await;
        Ok(ExitCode::SUCCESS)
    };
    let outcome = runner::block_on(None, work);
    // What is being spent is saved first.
    server.slots.close();
    for _ in 0..3_500 {
        if !server.slots.is_busy() {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    match outcome {
        // A signal is the documented way to stop it.
        Err(error) if error.kind() == ErrorKind::Interrupted => Ok(ExitCode::SUCCESS),
        outcome => outcome,
    }
}
