//! `tenant`: administers tenants and their API keys.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};
use oauthctl_core::time::parse_duration;
use oauthctl_core::{Error, ErrorKind, Result, Secret, Timestamp};
use serde_json::{Value, json};

use super::globals::Globals;
use super::places;
use super::ui::Ui;
use crate::model::{ApiKey, Quota, Tenant};
use crate::settings::Section;
use crate::storage::Usage;
use crate::tenants;
use crate::vault::Vault;

/// The commands of `tenant`.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Create a tenant and print its API key once
    #[command(
        after_help = "Example:\n  oauthctl tenant create shop --allow-redirect https://shop.example/connected"
    )]
    Create {
        /// Name of the tenant
        name: String,
        /// URL to which users may be sent after a connection; can be repeated
        #[arg(long = "allow-redirect", value_name = "URL")]
        redirects: Vec<String>,
        /// Name of the application, as its users know it [default: the name of the tenant]
        #[arg(long, value_name = "TITLE")]
        title: Option<String>,
    },
    /// List tenants
    List,
    /// Reject the requests of a tenant
    Disable {
        /// Name of the tenant
        name: String,
    },
    /// Accept the requests of a tenant again
    Enable {
        /// Name of the tenant
        name: String,
    },
    /// Issue another API key and print it once; or list, rotate or revoke keys
    #[command(
        after_help = "Examples:\n  oauthctl tenant key shop --label ci\n  oauthctl tenant key shop --rotate jV3x0aQpLw2k --grace 2h"
    )]
    Key(KeyArgs),
    /// Show or change the quota of a tenant
    #[command(
        after_help = "Example:\n  oauthctl tenant quota shop --connections 5000 --requests 100"
    )]
    Quota(QuotaArgs),
}

/// The options of `tenant quota`.
#[derive(Debug, Args)]
pub struct QuotaArgs {
    /// Name of the tenant
    name: String,
    /// Maximum number of connections, or `none`
    #[arg(long, value_name = "NUMBER", value_parser = bound)]
    connections: Option<Bound>,
    /// Maximum number of providers, or `none` [at most: 500]
    #[arg(long, value_name = "NUMBER", value_parser = bound)]
    providers: Option<Bound>,
    /// Maximum number of pending links, or `none` [at most: 20000]
    #[arg(long, value_name = "NUMBER", value_parser = bound)]
    pending: Option<Bound>,
    /// Maximum number of requests per second, counted by each instance, or `none`
    #[arg(long, value_name = "NUMBER", value_parser = bound)]
    requests: Option<Bound>,
}

/// A limit as the user enters it.
#[derive(Debug, Clone, Copy)]
struct Bound(Option<u32>);

fn bound(text: &str) -> std::result::Result<Bound, String> {
    match text {
        "none" => Ok(Bound(None)),
        number => number
            .parse()
            .map(|most| Bound(Some(most)))
            .map_err(|_| "expected a number or `none`".to_owned()),
    }
}

/// The options of `tenant key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Name of the tenant
    name: String,
    /// Name of the new key
    #[arg(long, value_name = "LABEL", default_value = "")]
    label: String,
    /// List the keys, without their values
    #[arg(long, conflicts_with_all = ["label", "revoke", "rotate"])]
    list: bool,
    /// Replace the key with this id by a new one
    #[arg(long, value_name = "ID", conflicts_with_all = ["label", "revoke"])]
    rotate: Option<String>,
    /// How long the old key remains valid after `--rotate`
    #[arg(long, value_name = "DURATION", default_value = "1d", requires = "rotate", value_parser = parse_duration)]
    grace: Duration,
    /// Revoke the key with this id
    #[arg(long, value_name = "ID", conflicts_with = "label")]
    revoke: Option<String>,
}

/// Runs a command.
///
/// # Errors
///
/// Returns `Usage` for invalid names, `Config` for unknown tenants, and `Store` if the store fails.
pub async fn run(command: &TenantCommand, globals: &Globals, ui: Ui) -> Result<ExitCode> {
    let section = places::section(globals, Section::default())?;
    let vault = places::vault(globals, &section, Usage::Administer).await?;
    match command {
        TenantCommand::Create { name, redirects, title } => {
            let created = tenants::create(&vault, name, redirects, title.as_deref()).await;
            let (key, secret) = created.map_err(|error| match error.kind() {
                ErrorKind::Config => error.hint(format!(
                    "run `oauthctl tenant key {name}` to issue another API key for it, or choose \
                     another name"
                )),
                _ => error,
            })?;
            let shown = json!({ "tenant": key.tenant, "api_key": secret.expose() });
            show_once(&vault, ui, (&shown, &secret), &key, &key.tenant).await?;
        }
        TenantCommand::List => {
            let all = tenants::list(&vault).await?;
            let values: Vec<Value> = all.iter().map(value).collect();
            let lines: Vec<String> = all.iter().map(line).collect();
            ui.result(&Value::Array(values), &lines.join("\n"))?;
        }
        TenantCommand::Disable { name } | TenantCommand::Enable { name } => {
            let disabled = matches!(command, TenantCommand::Disable { .. });
            let tenant = tenants::change(&vault, name, |tenant| tenant.disabled = disabled).await?;
            ui.result(&value(&tenant), &line(&tenant))?;
        }
        TenantCommand::Key(args) => key(&vault, args, ui).await?,
        TenantCommand::Quota(args) => quota(&vault, args, ui).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn key(vault: &Vault, args: &KeyArgs, ui: Ui) -> Result<()> {
    if args.list {
        let all = tenants::list_keys(vault, &args.name).await?;
        let values = all.iter().map(|key| {
            let created_at = Timestamp::from_unix(key.created_at).to_string();
            let expires_at = key.expires_at.map(|at| Timestamp::from_unix(at).to_string());
            json!({ "key_id": key.id, "label": key.name, "created_at": created_at, "expires_at": expires_at })
        });
        let line = |key: &ApiKey| {
            let until = key.expires_at.map(|at| format!("(until {})", Timestamp::from_unix(at)));
            let parts = [key.id.as_str(), &key.name, until.as_deref().unwrap_or_default()];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let lines: Vec<String> = all.iter().map(line).collect();
        return ui.result(&values.collect(), &lines.join("\n"));
    }
    if let Some(id) = &args.revoke {
        if !tenants::revoke_key(vault, &args.name, id).await? {
            return Err(no_such_key(args));
        }
        let revoked = json!({ "tenant": args.name, "key_id": id, "revoked": true });
        return ui.result(&revoked, "revoked");
    }
    let Some(id) = &args.rotate else {
        let new = tenants::issue_key(vault, &args.name, &args.label).await?;
        return show_key(vault, ui, &new, &args.name).await;
    };
    let Some(old) = tenants::find_key(vault, &args.name, id).await? else {
        return Err(no_such_key(args));
    };
    let new = tenants::issue_key(vault, &args.name, &old.name).await?;
    // A key that could not be shown replaces nothing.
    show_key(vault, ui, &new, &format!("{} --rotate {id}", args.name)).await?;
    tenants::end_key(vault, &old, args.grace).await
}

fn no_such_key(args: &KeyArgs) -> Error {
    Error::config("the tenant has no API key with this id")
        .hint(format!("run `oauthctl tenant key {} --list`", args.name))
}

async fn quota(vault: &Vault, args: &QuotaArgs, ui: Ui) -> Result<()> {
    let change = |tenant: &mut Tenant| {
        let quota = &mut tenant.quota;
        for (part, given) in [
            (&mut quota.connections, args.connections),
            (&mut quota.providers, args.providers),
            (&mut quota.pending, args.pending),
            (&mut quota.requests, args.requests),
        ] {
            if let Some(Bound(most)) = given {
                *part = most;
            }
        }
    };
    let given = [args.connections, args.providers, args.pending, args.requests];
    let tenant = match given.iter().any(Option::is_some) {
        true => tenants::change(vault, &args.name, change).await?,
        false => tenants::get(vault, &args.name).await?,
    };
    let shown = |most: Option<u32>| most.map_or_else(|| "none".to_owned(), |most| most.to_string());
    let Quota { connections, providers, pending, requests } = &tenant.quota;
    let text = format!(
        "connections {}, providers {}, pending {}, requests {}",
        shown(*connections),
        shown(*providers),
        shown(*pending),
        shown(*requests)
    );
    ui.result(&value(&tenant), &text)
}

/// Prints a new key with its id.
async fn show_key(vault: &Vault, ui: Ui, new: &(ApiKey, Secret), again: &str) -> Result<()> {
    let (key, secret) = new;
    let shown = json!({ "tenant": key.tenant, "api_key": secret.expose(), "key_id": key.id });
    show_once(vault, ui, (&shown, secret), key, again).await
}

/// Prints a new key, which cannot be shown again. If that fails, the key is revoked, because nobody knows it, and these
/// arguments of `tenant key` issue another one.
async fn show_once(
    vault: &Vault,
    ui: Ui,
    (shown, secret): (&Value, &Secret),
    ApiKey { tenant, id, .. }: &ApiKey,
    again: &str,
) -> Result<()> {
    if let Err(error) = ui.result(shown, secret.expose()) {
        return Err(error.hint(match tenants::revoke_key(vault, tenant, id).await {
            Ok(_) => format!(
                "the new API key has been revoked; run `oauthctl tenant key {again}` to issue another one"
            ),
            Err(_) => format!(
                "the new API key is valid, but could not be shown; run `oauthctl tenant key {tenant} --revoke {id}` to revoke it"
            ),
        }));
    }
    ui.say("Keep this API key: it is not shown again.");
    Ok(())
}

fn value(tenant: &Tenant) -> Value {
    json!({
        "tenant": tenant.name,
        "title": tenant.title,
        "created_at": Timestamp::from_unix(tenant.created_at).to_string(),
        "disabled": tenant.disabled,
        "redirects": tenant.redirects,
        "quota": tenant.quota,
    })
}

fn line(tenant: &Tenant) -> String {
    let state = if tenant.disabled { "disabled" } else { "enabled" };
    format!("{} {state} {}", tenant.name, tenant.redirects.join(" ")).trim_end().to_owned()
}
