//! `oauthctl discover`: what an authorization server or a protected resource publishes, and what it means.

mod meanings;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueHint};
use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::{FlowManager, Ports};
use oauthctl_core::port::Http;
use oauthctl_core::profile::discovery::{self, Published};
use oauthctl_core::store::{MemoryCoordinator, MemoryStore};
use oauthctl_core::text::shell_word;
use oauthctl_core::{Error, Result};
use serde_json::{Value, json};

use crate::context::Context;
use crate::rows::Rows;
use crate::{manager, run as runner, ui};
use meanings::{GROUPS, remarks};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
oauthctl discover https://accounts.google.com\n  \
oauthctl discover https://mcp.example.com/mcp --json")]
pub struct DiscoverArgs {
    /// URL of an issuer, or of a protected resource such as an MCP server
    #[arg(value_name = "URL", value_hint = ValueHint::Url)]
    url: String,
}

/// What is at a URL.
struct Found {
    /// The protected resource; `None` if the URL is an issuer.
    resource: Option<Resource>,
    issuer: String,
    server: Published,
}

struct Resource {
    identifier: String,
    /// What a login requests.
    scopes: Vec<String>,
    challenge_scopes: Vec<String>,
    scopes_supported: Vec<String>,
}

/// Fetches and prints the metadata of an issuer, or of a resource and its authorization server. Nothing is cached or
/// configured.
///
/// # Errors
///
/// See [`FlowManager::locate`] and [`discovery::published`].
pub fn run(args: &DiscoverArgs, context: &Context) -> Result<ExitCode> {
    let url = completed(&args.url)?;
    let found = runner::block_on(None, find(&url, manager::transport(context)))?;
    if context.ui.json {
        ui::print_json(&to_json(&found))?;
        return Ok(ExitCode::SUCCESS);
    }
    describe(&found)?;
    for name in &found.server.unusable {
        context.ui.warn(&Error::validation(format!("`{name}` is not a valid URL")));
    }
    context.ui.say(match &found.resource {
        Some(_) => format!("To get a token for it, run `oauthctl login {}`.", shell_word(&url)),
        None => format!(
            "To use it, register a client there and run `oauthctl profile add NAME --issuer {} --client-id ID`.",
            shell_word(&found.issuer)
        ),
    });
    Ok(ExitCode::SUCCESS)
}

/// Finds what is at this URL, by the rules of a login by URL: a resource, else an issuer.
async fn find(url: &str, http: Arc<dyn Http>) -> Result<Found> {
    let clock = Arc::new(SystemClock);
    let coordinator = Arc::new(MemoryCoordinator::new(Arc::clone(&clock) as _));
    let ports = Ports::new(Arc::clone(&http), clock, Arc::<MemoryStore>::default(), coordinator);
    let manager = FlowManager::new([], ports);
    let (issuer, resource) = match manager.locate(url, None, None).await {
        Ok(located) => {
            let resource = located.resource.map(|identifier| Resource {
                identifier,
                scopes: located.scopes,
                challenge_scopes: located.challenge_scopes,
                scopes_supported: located.scopes_supported,
            });
            (located.server.issuer.unwrap_or_default(), resource)
        }
        // A server that cannot be used for such a login can still be shown.
        Err(error) => {
            let Ok(server) = discovery::published(url, &*http).await else { return Err(error) };
            return Ok(Found { resource: None, issuer: url.to_owned(), server });
        }
    };
    let server = discovery::published(&issuer, &*http).await?;
    Ok(Found { resource, issuer, server })
}

fn to_json(found: &Found) -> Value {
    let mut object = json!({
        "kind": "authorization_server",
        "issuer": found.issuer,
        "metadata_url": found.server.url,
        "metadata": found.server.metadata,
        "unusable": found.server.unusable,
    });
    if let Some(resource) = &found.resource {
        object["kind"] = json!("protected_resource");
        object["resource"] = json!(resource.identifier);
        object["scopes"] = json!(resource.scopes);
        object["challenge_scopes"] = json!(resource.challenge_scopes);
        object["scopes_supported"] = json!(resource.scopes_supported);
    }
    object
}

/// Returns the URL with a scheme; people type host names.
fn completed(url: &str) -> Result<String> {
    let url = url.trim();
    if url.is_empty() {
        return Err(Error::usage("no URL specified"));
    }
    Ok(if url.contains("://") { url.to_owned() } else { format!("https://{url}") })
}

fn describe(Found { resource, issuer, server: found }: &Found) -> Result<()> {
    let mut rows = Rows::new("  ", 28, "  ");
    if let Some(resource) = resource {
        rows.heading(&format!("Protected resource {}", ui::field(&resource.identifier)));
        for (name, scopes, meaning) in [
            ("scopes of its challenge", &resource.challenge_scopes, "a login requests these"),
            ("scopes supported", &resource.scopes_supported, "what its metadata lists"),
        ] {
            let list = match scopes.is_empty() {
                true => "(none)".to_owned(),
                false => format!("{} ({meaning})", ui::field(&scopes.join(" "))),
            };
            rows.row(name, &list);
        }
        rows.blank();
    }
    rows.heading(&format!("Authorization server {}", ui::field(issuer)));
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
