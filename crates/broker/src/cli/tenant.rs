//! `tenant`: administers tenants and their API keys.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use oauthctl_core::{Error, Result, Secret, Timestamp};
use serde_json::{Value, json};

use super::globals::Globals;
use super::places;
use super::ui::Ui;
use crate::model::{ApiKey, Tenant};
use crate::settings::Section;
use crate::storage::Usage;
use crate::tenants;

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
    /// Issue another API key and print it once; or list or revoke keys
    Key(KeyArgs),
}

/// The options of `tenant key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Name of the tenant
    name: String,
    /// Name of the new key
    #[arg(long, value_name = "LABEL", default_value = "")]
    label: String,
    /// List the keys, without the keys themselves
    #[arg(long, conflicts_with_all = ["label", "revoke"])]
    list: bool,
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
        TenantCommand::Create { name, redirects } => {
            let (tenant, key) = tenants::create(&vault, name, redirects).await?;
            show_key(ui, &tenant.name, &key, None);
        }
        TenantCommand::List => {
            let all = tenants::list(&vault).await?;
            let values: Vec<Value> = all.iter().map(value).collect();
            let lines: Vec<String> = all.iter().map(line).collect();
            ui.result(&Value::Array(values), &lines.join("\n"));
        }
        TenantCommand::Disable { name } | TenantCommand::Enable { name } => {
            let disabled = matches!(command, TenantCommand::Disable { .. });
            let tenant = tenants::change(&vault, name, |tenant| tenant.disabled = disabled).await?;
            ui.result(&value(&tenant), &line(&tenant));
        }
        TenantCommand::Key(args) => key(&vault, args, ui).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn key(vault: &crate::vault::Vault, args: &KeyArgs, ui: Ui) -> Result<()> {
    if args.list {
        let all = tenants::list_keys(vault, &args.name).await?;
        let values = all.iter().map(|key| {
            let created_at = Timestamp::from_unix(key.created_at).to_string();
            json!({ "key_id": key.id, "label": key.name, "created_at": created_at })
        });
        let lines: Vec<String> = all.iter().map(|key| format!("{} {}", key.id, key.name)).collect();
        ui.result(&values.collect(), &lines.join("\n"));
        return Ok(());
    }
    if let Some(id) = &args.revoke {
        if !tenants::revoke_key(vault, &args.name, id).await? {
            return Err(Error::config("the tenant has no API key with this id")
                .hint(format!("run `oauthctl tenant key {} --list`", args.name)));
        }
        ui.result(&json!({ "tenant": args.name, "key_id": id, "revoked": true }), "revoked");
        return Ok(());
    }
    let (issued, secret) = tenants::issue_key(vault, &args.name, &args.label).await?;
    show_key(ui, &args.name, &secret, Some(&issued));
    Ok(())
}

/// Prints a key: the only time that anybody sees it.
fn show_key(ui: Ui, tenant: &str, secret: &Secret, issued: Option<&ApiKey>) {
    let mut shown = json!({ "tenant": tenant, "api_key": secret.expose() });
    if let (Some(issued), Some(object)) = (issued, shown.as_object_mut()) {
        object.insert("key_id".to_owned(), issued.id.clone().into());
    }
    ui.result(&shown, secret.expose());
    ui.say("Keep this API key: it is not shown again.");
}

fn value(tenant: &Tenant) -> Value {
    json!({
        "tenant": tenant.name,
        "created_at": Timestamp::from_unix(tenant.created_at).to_string(),
        "disabled": tenant.disabled,
        "redirects": tenant.redirects,
    })
}

fn line(tenant: &Tenant) -> String {
    let state = if tenant.disabled { "disabled" } else { "enabled" };
    format!("{} {state} {}", tenant.name, tenant.redirects.join(" ")).trim_end().to_owned()
}
