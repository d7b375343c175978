//! `oauthctl doctor`: tests everything that a login and a token depend on, and says what to do about each fault.

mod agent;
mod local;
mod network;
mod report;

use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::Result;
use oauthctl_core::profile::Profile;
use oauthctl_core::text::names;
use serde_json::json;

use crate::args::ProfileOption;
use crate::context::Context;
use crate::rows::Rows;
use crate::ui;
use report::{Report, Status};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl doctor\n  \
oauthctl doctor gitlab\n  \
oauthctl doctor --offline --json")]
pub struct DoctorArgs {
    /// Profile to test [default: all profiles]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    argument: Option<String>,
    #[command(flatten)]
    option: ProfileOption,
    /// Test only this machine, without the network
    #[arg(long)]
    offline: bool,
}

/// Maximum number of profiles whose servers are contacted, unless one is named.
const MOST_PROFILES: usize = 20;

/// Runs all tests, whatever fails, and prints one line for each.
///
/// # Errors
///
/// Returns `Config` if the named profile is unknown. A failed test is not an error: the exit code is 1.
pub fn run(args: &DoctorArgs, context: &Context) -> Result<ExitCode> {
    let wanted = context.named_profile(args.argument.as_deref(), &args.option)?;
    let mut report = Report::default();
    let has_agent = agent::agent(args.offline, &mut report);
    let usable = local::config(context, has_agent, &mut report);
    let profiles: Vec<&Profile> = match (wanted.as_deref(), usable) {
        (Some(name), true) => vec![context.profile(name)?],
        (None, true) => context.config()?.profiles.values().collect(),
        (_, false) => Vec::new(),
    };
    local::permissions(context, &mut report);
    local::state(context, &mut report);
    // With an agent, a machine needs neither profiles nor a store, and nobody logs in there.
    if has_agent && usable && profiles.is_empty() {
        report.ok("store", None, "not tested: tokens come from the agent");
    } else {
        local::stores(context, &profiles, usable, &mut report);
        local::browser(&mut report);
        local::loopback(&mut report);
    }
    network::proxy(&mut report);
    if args.offline {
        report.ok("network", None, "not tested: `--offline` is set");
    } else {
        let (tested, omitted) = profiles.split_at(profiles.len().min(MOST_PROFILES));
        network::servers(context, tested, &mut report);
        if !omitted.is_empty() {
            let omitted = names(omitted.iter().map(|profile| profile.name.as_str()));
            report.ok("network", None, &format!("too many to test; skipped: {omitted}"));
        }
    }
    print(&report, context)?;
    Ok(if report.failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(report: &Report, context: &Context) -> Result<()> {
    if context.ui.json {
        let checks = report.checks.iter().map(|check| {
            json!({
                "check": check.name,
                "subject": check.subject,
                "status": check.status.word(),
                "message": check.message,
                "hint": check.hint,
            })
        });
        return ui::print_json(&json!({
            "ok": !report.failed(),
            "checks": checks.collect::<Vec<_>>(),
        }));
    }
    let mut rows = Rows::new("", 17, " ");
    for check in &report.checks {
        let name = format!("{:<4}  {}", check.status.word(), check.name);
        let subject = check.subject.as_ref().map(|subject| format!("{}: ", ui::field(subject)));
        rows.row(&name, &(subject.unwrap_or_default() + &ui::field(&check.message)));
        if let Some(hint) = &check.hint {
            rows.row("", &format!("hint: {}", ui::field(hint)));
        }
    }
    rows.print()?;
    let count = |status| report.checks.iter().filter(|check| check.status == status).count();
    context.ui.say(match (count(Status::Fail), count(Status::Warn)) {
        (0, 0) => "Everything works.".to_owned(),
        (0, warnings) => format!("Everything works; warnings: {warnings}."),
        (failures, warnings) => format!("Failures: {failures}; warnings: {warnings}."),
    });
    Ok(())
}
