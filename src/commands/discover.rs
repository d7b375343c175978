//! `oauthctl discover`: what an authorization server publishes about itself, and what it means.

mod meanings;

use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::profile::discovery::{self, Published};
use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, Result};
use serde_json::json;

use crate::context::Context;
use crate::rows::Rows;
use crate::{manager, run as runner, ui};
use meanings::{GROUPS, remarks};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl discover https://accounts.google.com\n  \
oauthctl discover https://sso.example.com/realms/main --json")]
pub struct DiscoverArgs {
    /// URL of an issuer
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    url: String,
}

/// Fetches and prints the metadata of an issuer. Nothing is cached or configured.
///
/// # Errors
///
/// See [`discovery::published`].
pub fn run(args: &DiscoverArgs, context: &Context) -> Result<ExitCode> {
    let url = completed(&args.url)?;
    let http = manager::transport(context);
    let found = runner::block_on(None, discovery::published(&url, &*http))?;
    if context.ui.json {
        ui::print_json(&json!({
            "kind": "authorization_server",
            "issuer": url,
            "metadata_url": found.url,
            "metadata": found.metadata,
            "unusable": found.unusable,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    describe(&url, &found)?;
    for name in &found.unusable {
        context.ui.warn(&Error::validation(format!("`{name}` is not a usable URL")));
    }
    context.ui.say(format!(
        "To use it, register a client there and run `oauthctl profile add NAME --issuer {} --client-id ID`.",
        shell_word(&url)
    ));
    Ok(ExitCode::SUCCESS)
}

/// Returns the URL with a scheme; people type host names.
fn completed(url: &str) -> Result<String> {
    let url = url.trim();
    if url.is_empty() {
        return Err(Error::usage("no URL specified"));
    }
    Ok(if url.contains("://") { url.to_owned() } else { format!("https://{url}") })
}

fn describe(url: &str, found: &Published) -> Result<()> {
    let mut rows = Rows::new("  ", 26, "  ");
    rows.heading(&format!("Authorization server {}", ui::field(url)));
    rows.row("metadata", &ui::field(&found.url));
    for (title, members) in GROUPS {
        let known = members.iter().filter_map(|(name, meaning)| {
            let value = found.metadata.get(*name).filter(|value| !value.is_null())?;
            Some((shortened(name), format!("{} ({meaning})", ui::plain(value))))
        });
        let known: Vec<_> = known.collect();
        if !known.is_empty() {
            rows.blank();
            rows.heading(title);
            known.iter().for_each(|(name, value)| rows.row(name, value));
        }
    }
    rows.blank();
    rows.heading("What it means");
    remarks(&found.metadata).iter().for_each(|(name, remark)| rows.row(name, remark));
    rows.print()
}

/// Returns the name of a member without the suffix that most of them have.
fn shortened(name: &str) -> &str {
    ["_endpoint", "_values_supported", "_supported"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}
