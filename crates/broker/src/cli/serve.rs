//! `serve`: runs the broker.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use oauthctl_core::{Result, Secret};
use serde_json::json;
use tokio::signal;

use super::globals::Globals;
use super::places;
use super::ui::Ui;
use crate::broker::Broker;
use crate::metrics::METRICS;
use crate::settings::{Section, Settings};
use crate::storage::Usage;
use crate::{audit, feed, rotation, server, worker};

/// The options of `serve`. Each is also a key of `[serve]` in the configuration.
#[derive(Debug, Clone, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Example:\n  oauthctl serve --listen 127.0.0.1:8700"
)]
pub struct ServeArgs {
    #[command(subcommand)]
    command: Option<ServeCommand>,
    /// Address to listen on; port 0 selects a free port [default: 127.0.0.1:8700]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// URL at which users and providers reach the broker [default: that of `--listen`]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Let developers sign up
    #[arg(long)]
    signup: bool,
    /// Mail server, as an `smtp://` or `smtps://` URL; a URL with a password is only accepted in the configuration
    #[arg(long, value_name = "URL")]
    smtp: Option<String>,
    /// Sender of emails
    #[arg(long, value_name = "ADDRESS")]
    mail_from: Option<String>,
    /// Allow provider endpoints and webhooks on private, link-local and loopback addresses
    #[arg(long)]
    allow_private_endpoints: bool,
    /// Maximum number of requests per second from one address
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    requests_per_address: Option<u32>,
    /// Maximum number of open connections from one address [default: 2048]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_address: Option<u32>,
    /// File with the admin key, with which the operator signs in to `/admin` [env: OAUTHCTL_ADMIN_KEY]
    #[arg(long, value_name = "FILE")]
    admin_key_file: Option<PathBuf>,
    /// Show every user a page with the application and the provider before the provider's own
    #[arg(long)]
    connect_page: bool,
    /// A reverse proxy terminates TLS; allows listening on addresses other than loopback
    #[arg(long)]
    behind_proxy: bool,
    /// Certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE")]
    tls_private_key: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
enum ServeCommand {
    /// Write a consistent copy of the store while the broker is running
    Backup {
        /// The new file
        file: PathBuf,
    },
    /// Re-encrypt the store with OAUTHCTL_NEW_MASTER_KEY while the broker is running
    RotateKey,
}

impl ServeArgs {
    fn section(&self) -> Section {
        Section {
            listen: self.listen.clone(),
            public_url: self.public_url.clone(),
            store: None,
            signup: self.signup.then_some(true),
            smtp: self.smtp.as_deref().map(Secret::new),
            mail_from: self.mail_from.clone(),
            allow_private_endpoints: self.allow_private_endpoints.then_some(true),
            requests_per_address: self.requests_per_address,
            connections_per_address: self.connections_per_address,
            admin_key_file: self.admin_key_file.clone(),
            connect_page: self.connect_page.then_some(true),
            behind_proxy: self.behind_proxy.then_some(true),
            tls_certificate: self.tls_certificate.clone(),
            tls_private_key: self.tls_private_key.clone(),
        }
    }
}

/// Runs the broker until a signal ends it.
///
/// # Errors
///
/// Returns `Config` for invalid settings, `Store` if the store cannot be opened, and `Unavailable` if the address is in
/// use.
pub async fn run(args: &ServeArgs, globals: &Globals, ui: Ui) -> Result<ExitCode> {
    let section = places::section(globals, args.section())?;
    match &args.command {
        Some(ServeCommand::Backup { file }) => {
            let vault = places::vault(globals, &section, Usage::Administer).await?;
            vault.storage().backup(file).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Some(ServeCommand::RotateKey) => return rotate_key(globals, &section, ui).await,
        None => {}
    }
    log(globals);
    raise_open_files();
    let admin_key = places::admin_key(&section)?;
    let settings = Settings { admin_key, ..section.clone().settle(&places::state_dir()?)? };
    let vault = places::vault(globals, &section, Usage::Serve).await?;
    if settings.lends_loopback() {
        tracing::warn!(
            "tenants can name services on this machine's loopback interface as providers and webhooks; \
             to refuse them, set `allow_private_endpoints` under [serve] to false"
        );
    }
    let (listener, local) = server::bind(settings.listen).await?;
    let tls = settings.tls.as_ref().map(|(chain, key)| server::tls::acceptor(chain, key));
    let tls = tls.transpose()?;
    let url = format!("{}://{local}", if tls.is_some() { "https" } else { "http" });
    let public_url = settings.public_url.clone().unwrap_or_else(|| url.clone());
    let broker = Arc::new(Broker::new(settings, public_url, vault)?);
    // Before any refresh: these tokens replace stored ones that are spent.
    broker.flow.spool.load().await;
    METRICS.set_key(places::metrics_key());
    tokio::spawn(feed::follow(Arc::clone(&broker)));
    tokio::spawn(worker::run(Arc::clone(&broker)));
    tokio::spawn(audit::run(Arc::clone(&broker)));
    let spool = Arc::clone(&broker.flow.spool);
    tokio::spawn(async move { spool.run().await });
    ui.insist(&format!("listening on {url}"));
    server::serve(listener, tls, broker, ended()).await;
    Ok(ExitCode::SUCCESS)
}

async fn rotate_key(globals: &Globals, section: &Section, ui: Ui) -> Result<ExitCode> {
    let next = places::new_master_key()?;
    let text = next.expose();
    let vault = places::vault(globals, section, Usage::Administer).await?;
    let count = rotation::rotate(&vault, next).await?;
    places::keep_master_key(globals, &text)?;
    let printed = ui.result(
        &json!({ "records": count }),
        &format!("{count} records are encrypted with the new key"),
    );
    ui.say("Set OAUTHCTL_MASTER_KEY to the new key before you restart an instance.");
    printed?;
    Ok(ExitCode::SUCCESS)
}

/// Waits for a signal to stop.
async fn ended() {
    #[cfg(unix)]
    {
        let terminate = signal::unix::signal(signal::unix::SignalKind::terminate());
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}

/// Raises the limit of open files as far as the system allows. Many systems start programs with 1,024, which is less than
/// the connections, refreshes and messages of one instance need.
fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Nofile).maximum;
        // A system that refuses leaves the limit as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Sets up the log on stderr.
fn log(globals: &Globals) {
    let level = match globals.verbose {
        0 if globals.quiet => tracing::Level::ERROR,
        0 => tracing::Level::INFO,
        _ => tracing::Level::DEBUG,
    };
    let _ = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_ansi(false)
        .with_target(false)
        .try_init();
}
