//! `oauthctl sandbox`: the embedded authorization server on its own.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl_core::{Error, ErrorKind, Result, time};
use oauthctl_sandbox::{Sandbox, SandboxOptions, scenarios};
use serde_json::json;

use crate::context::Context;
use crate::rows::Rows;
use crate::{run as runner, ui};

#[derive(Debug, Args)]
#[command(
    after_help = "Use it to test your own programs. It accepts any client ID as a public client, keeps \
everything in memory, prints its issuer, and runs until you stop it.\n\n\
Every scenario is also a separate issuer on the same server:\n  \
http://127.0.0.1:PORT/s/NAME\nRun `oauthctl sandbox --scenario help` to list the scenarios.\n\n\
Example:\n  \
oauthctl sandbox --port 8901 --auto-consent \\\n    \
--scenario rotate --scenario expire-fast"
)]
pub struct SandboxArgs {
    /// Port to listen on [default: chosen by the system]
    #[arg(long, value_name = "PORT", value_hint = ValueHint::Other)]
    port: Option<u16>,
    /// Scenario in which the server misbehaves; can be repeated; `help` lists the scenarios
    #[arg(long = "scenario", value_name = "NAME", value_hint = ValueHint::Other, value_delimiter = ',')]
    scenarios: Vec<String>,
    /// Lifetime of access tokens
    #[arg(long, value_name = "DURATION", value_hint = ValueHint::Other, default_value = "1h", value_parser = time::parse_duration)]
    access_ttl: Duration,
    /// Grant consent without showing a page, for unattended tests
    #[arg(long)]
    auto_consent: bool,
}

/// Runs the server until a signal ends it.
///
/// # Errors
///
/// Returns `Usage` for an unknown scenario, and `Unavailable` if the port is in use.
pub fn run(args: &SandboxArgs, context: &Context) -> Result<ExitCode> {
    if args.scenarios.iter().any(|s| s == "help") {
        return list(context);
    }
    let options = SandboxOptions {
        port: args.port,
        scenarios: args.scenarios.clone(),
        access_ttl: args.access_ttl,
        auto_consent: args.auto_consent,
        ..SandboxOptions::default()
    };
    let serves = Cell::new(false);
    let work = async {
        let sandbox = start(options).await?;
        let issuer = sandbox.issuer().to_owned();
        if context.ui.json {
            // A single line, so that a reader need not wait for the end of the stream.
            ui::print_line(&json!({ "issuer": issuer }).to_string())?;
        } else {
            ui::print_line(&issuer)?;
        }
        context.ui.say(format!(
            "The sandbox is running at {issuer}. Press Ctrl-C to stop it. Try:\n  \
             oauthctl profile add sandbox --issuer {issuer} \\\n    \
             --client-id demo --scope openid --store file\n  \
             oauthctl login sandbox"
        ));
        serves.set(true);
        std::future::pending::<()>().await;
        Ok(())
    };
    match runner::block_on(None, work) {
        // A signal is the documented way to stop it.
        Err(error) if error.kind() == ErrorKind::Interrupted && serves.get() => {}
        other => other?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts a sandbox.
///
/// # Errors
///
/// See [`run`].
pub async fn start(options: SandboxOptions) -> Result<Sandbox> {
    Sandbox::start(options).await.map_err(|error| {
        use oauthctl_sandbox::Error as Cause;
        let kind = match error {
            Cause::UnknownScenario { .. }
            | Cause::SurplusArgument { .. }
            | Cause::InvalidArgument { .. } => ErrorKind::Usage,
            Cause::Listen { .. } | Cause::TooManyIssuers => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        let told = Error::new(kind, error.to_string());
        let told = match error.hint() {
            Some(hint) => told.hint(hint),
            None if kind == ErrorKind::Usage => {
                told.hint("run `oauthctl sandbox --scenario help` to list the scenarios")
            }
            None => told,
        };
        match &error {
            Cause::Listen { source, .. } => told.caused_by(source),
            _ => told,
        }
    })
}

fn list(context: &Context) -> Result<ExitCode> {
    if context.ui.json {
        let all: Vec<_> =
            scenarios().iter().map(|s| json!({"name": s.name, "about": s.about})).collect();
        ui::print_json(&all.into())?;
    } else {
        let mut rows = Rows::new("", 28, " ");
        for s in scenarios() {
            let name = match s.argument {
                Some(argument) => format!("{}:{argument}", s.name),
                None => s.name.to_owned(),
            };
            rows.row(&name, s.about);
        }
        rows.print()?;
    }
    Ok(ExitCode::SUCCESS)
}
