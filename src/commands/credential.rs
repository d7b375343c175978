//! `oauthctl credential`: acts as the credential helper of other programs.

mod setup;

pub use setup::{remove_settings, rewritten};

use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueHint};
use oauthctl_core::http::{HttpClient, Options, Proxy};
use oauthctl_core::port::Http;
use oauthctl_core::profile::{Credential, CredentialTool, Target as Place};
use oauthctl_core::{Error, Result, Secret, Timestamp, text};
use url::Url;

use crate::agent::client::Agent;
use crate::context::Context;
use crate::credential::{self, Usual, aws, cargo, docker, git, kubernetes, netrc};
use crate::target::Target;
use crate::{run as runner, ui};

pub const NOTES: &str = "Each command implements the protocol of one program, and gives it a valid \
token, refreshed if necessary. The tables `[credential.TOOL.\"KEY\"]` of the configuration set the profile \
for each host or URL, which must match exactly. No token is handed out for plain http, except on a \
loopback address.\n\n\
A link to oauthctl named `git-credential-oauthctl`, `docker-credential-oauthctl` or \
`cargo-credential-oauthctl` acts as that helper. A link named `oauthctl-token-PROFILE` prints the token of \
that profile.";

#[derive(Debug, Subcommand)]
pub enum CredentialCommand {
    /// Act as a credential helper for git
    #[command(after_help = "Example:\n  \
        printf 'protocol=https\\nhost=gitlab.com\\n' |\n    oauthctl credential git get")]
    Git(GitArgs),
    /// Act as a credential helper for docker
    #[command(after_help = "docker runs `docker-credential-oauthctl`, a link to oauthctl.\n\n\
        Examples:\n  oauthctl credential setup docker registry.example.com\n  \
        ln -s \"$(command -v oauthctl)\" \\\n    ~/.local/bin/docker-credential-oauthctl")]
    Docker(DockerArgs),
    /// Act as an exec credential plugin for Kubernetes
    #[command(after_help = "`setup` adds a user that runs this command to the kubeconfig.\n\n\
        Examples:\n  oauthctl credential setup kubernetes\n  \
        kubectl config set-context dev \\\n    --user=oauthctl-cluster.example.com:6443")]
    Kubernetes(KeyArgs),
    /// Act as a credential provider for cargo
    #[command(
        after_help = "cargo runs this command for a registry whose `credential-provider` names it.\n\n\
        Example:\n  oauthctl credential setup cargo \\\n    sparse+https://cargo.example.com/index/"
    )]
    Cargo(CargoArgs),
    /// Print temporary AWS credentials for a role, as a `credential_process`
    #[command(after_help = "Examples:\n  oauthctl credential setup aws dev\n  \
        aws --profile dev sts get-caller-identity")]
    Aws(KeyArgs),
    /// Print a netrc file, or write it to a named pipe
    #[command(after_help = "Example:\n  curl --netrc-file <(oauthctl credential netrc) \\\n    \
        https://api.example.com/me")]
    Netrc(NetrcArgs),
    /// Print the value of the `Authorization` header, as a pnpm token helper
    #[command(
        after_help = "For pnpm, create a link named `oauthctl-token-PROFILE`; it runs `oauthctl token`. \
        npm reads the token from an environment variable, which `setup` configures.\n\n\
        Examples:\n  oauthctl credential setup npm https://npm.example.com/\n  \
        oauthctl exec -p registry -- npm install"
    )]
    Npm(KeyArgs),
    /// Configure a tool to use its helper, or undo that
    #[command(after_help = "Examples:\n  oauthctl credential setup git https://gitlab.com\n  \
        oauthctl credential setup git https://gitlab.com --undo")]
    Setup(setup::SetupArgs),
}

#[derive(Debug, Args)]
pub struct GitArgs {
    /// Operation that git requests: get, store or erase
    #[arg(value_name = "OPERATION", value_hint = ValueHint::Other)]
    operation: String,
}

#[derive(Debug, Args)]
pub struct DockerArgs {
    /// Operation that docker requests: get, list, store or erase
    #[arg(value_name = "OPERATION", value_hint = ValueHint::Other)]
    operation: String,
}

#[derive(Debug, Args)]
pub struct KeyArgs {
    /// Table `[credential.TOOL."KEY"]` to use [default: the only one]
    #[arg(value_name = "KEY", value_hint = ValueHint::Other)]
    key: Option<String>,
}

#[derive(Debug, Args)]
pub struct CargoArgs {
    /// Accepted for cargo, which always adds it
    #[arg(long, hide = true)]
    cargo_plugin: bool,
}

#[derive(Debug, Args)]
pub struct NetrcArgs {
    /// Host to print [default: all configured hosts]
    #[arg(value_name = "KEY", value_hint = ValueHint::Other)]
    key: Option<String>,
    /// Write to this named pipe once a program reads it
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pipe: Option<PathBuf>,
}

/// Runs one of the helpers.
///
/// # Errors
///
/// Returns the error of the token, and `Usage` for an invalid request.
pub fn run(command: &CredentialCommand, context: &Context) -> Result<ExitCode> {
    match command {
        CredentialCommand::Git(args) => with_git(&args.operation, context),
        CredentialCommand::Docker(args) => return with_docker(&args.operation, context),
        CredentialCommand::Kubernetes(args) => with_kubernetes(args.key.as_deref(), context),
        CredentialCommand::Cargo(_) => with_cargo(context),
        CredentialCommand::Aws(args) => with_aws(args.key.as_deref(), context),
        CredentialCommand::Setup(args) => return setup::run(args, context),
        CredentialCommand::Netrc(args) => with_netrc(args, context),
        CredentialCommand::Npm(args) => with_npm(args.key.as_deref(), context),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Answers git. For a place without settings, the response is empty, so that git asks its other helpers.
fn with_git(operation: &str, context: &Context) -> Result<()> {
    let request = match operation {
        "get" | "erase" => git::parse(&credential::read_request()?)?,
        // Nothing is stored, because oauthctl itself refreshes the token. Operations of later protocol versions must
        // be ignored.
        _ => return Ok(()),
    };
    let Some(target) = request.target() else { return Ok(()) };
    let found = credential::settings_for(context, CredentialTool::Git, &target)?;
    let Some((_, settings)) = found else { return Ok(()) };
    if operation == "erase" {
        return credential::reject(context, settings, Usual::Access, request.used());
    }
    let token = credential::issue(context, settings, Usual::Access)?;
    let configured = settings.username.as_deref();
    let username = configured.or(request.username()).unwrap_or(credential::USER);
    ui::print(&git::render(&request, username, &token))
}

fn with_docker(operation: &str, context: &Context) -> Result<ExitCode> {
    match docker_answer(operation, context) {
        Ok(answer) => ui::print(&answer).map(|()| ExitCode::SUCCESS),
        Err(None) => {
            ui::print_line(docker::NOT_FOUND)?;
            Ok(ExitCode::from(1))
        }
        Err(Some(error)) => {
            // docker shows stdout to the user, but not stderr.
            ui::print_line(&text::one_line(error.message()))?;
            Err(error)
        }
    }
}

/// Returns what to print, or why there is nothing: no settings, or an error.
fn docker_answer(operation: &str, context: &Context) -> std::result::Result<String, Option<Error>> {
    let tool = CredentialTool::Docker;
    match operation {
        "list" => {
            let all = context.config_for(tool)?.credential.get(&tool);
            return Ok(format!("{}\n", docker::list(all)));
        }
        // `docker login` stores what it received, which is a token from here.
        "store" => return credential::read_request().map(|_| String::new()).map_err(Some),
        "get" | "erase" => {}
        other => {
            let what = format!("unknown operation `{}`", text::one_line(other));
            return Err(Some(Error::usage(what).hint("use get, list, store or erase")));
        }
    }
    let request = credential::read_request()?;
    let (server, target) = docker::parse(&request)?;
    let (_, settings) = credential::settings_for(context, tool, &target)?.ok_or(None)?;
    if operation == "erase" {
        credential::reject(context, settings, Usual::Access, None)?;
        return Ok(String::new());
    }
    let token = credential::issue(context, settings, Usual::Access)?;
    Ok(format!("{}\n", docker::render(server, settings, &token)))
}

fn with_kubernetes(key: Option<&str>, context: &Context) -> Result<()> {
    let request = kubernetes::parse(context.env("KUBERNETES_EXEC_INFO")?.as_deref())?;
    let tool = CredentialTool::Kubernetes;
    let of_server = match (&request.server, key) {
        (Some(server), None) => credential::settings_for(context, tool, server)?,
        _ => None,
    };
    let (name, settings) = match of_server {
        Some(found) => found,
        None => credential::settings_of(context, tool, key)?,
    };
    check_server(name, request.server.as_ref())?;
    let token = credential::issue(context, settings, Usual::Id)?;
    ui::print_line(&kubernetes::render(&request, &token).to_string())
}

/// Refuses a key that is the URL of another server than the one that asks.
fn check_server(key: &str, server: Option<&Place>) -> Result<()> {
    let named = Place::parse(key).ok().filter(Place::is_url);
    match (named, server) {
        (Some(named), Some(server)) if !named.covers(server) => {
            let (key, server) = (text::one_line(key), text::one_line(&server.authority()));
            let what = format!("the credential of `{key}` is not for the cluster at `{server}`");
            Err(Error::config(what))
        }
        _ => Ok(()),
    }
}

/// Answers cargo, line by line, until it closes stdin.
fn with_cargo(context: &Context) -> Result<()> {
    ui::print_line(cargo::HELLO)?;
    let mut requests = std::io::stdin().lock();
    loop {
        let mut line = String::new();
        let read = requests.by_ref().take(credential::LARGEST + 1).read_line(&mut line);
        match read {
            Ok(0) => return Ok(()),
            Ok(length) if length as u64 > credential::LARGEST => {
                return Err(Error::usage("a request of cargo is too long"));
            }
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) => ui::print_line(&cargo_answer(&line, context).to_string())?,
            Err(error) => return Err(Error::usage(format!("cannot read the request: {error}"))),
        }
    }
}

fn cargo_answer(line: &str, context: &Context) -> serde_json::Value {
    let settings = |place: &Place| -> Result<Option<&Credential>> {
        let found = credential::settings_for(context, CredentialTool::Cargo, place)?;
        Ok(found.map(|(_, settings)| settings))
    };
    let answer = match cargo::parse(line) {
        cargo::Request::Refused(answer) => Ok(answer),
        cargo::Request::Get(place) => settings(&place).and_then(|settings| match settings {
            Some(settings) => {
                credential::issue(context, settings, Usual::Access).map(|t| cargo::render(&t))
            }
            None => Ok(cargo::not_supported()),
        }),
        cargo::Request::Logout(place) => settings(&place).and_then(|settings| match settings {
            Some(settings) => credential::reject(context, settings, Usual::Access, None)
                .map(|()| cargo::logged_out()),
            None => Ok(cargo::not_supported()),
        }),
    };
    answer.unwrap_or_else(|error| {
        context.ui.warn(&error);
        cargo::failed(&error)
    })
}

fn with_netrc(args: &NetrcArgs, context: &Context) -> Result<()> {
    let tool = CredentialTool::Netrc;
    let one = match &args.key {
        Some(key) => Some(credential::settings_of(context, tool, Some(key))?),
        None => None,
    };
    let all = context.config_for(tool)?.credential.get(&tool).into_iter().flatten();
    let all: Vec<(&str, &Credential)> = match one {
        Some(one) => vec![one],
        None => all.map(|(key, settings)| (key.as_str(), settings)).collect(),
    };
    if all.is_empty() {
        credential::settings_of(context, tool, None)?;
    }
    let mut file = zeroize::Zeroizing::new(String::new());
    for (key, settings) in all {
        let token = credential::issue(context, settings, Usual::Access)?;
        file.push_str(&netrc::render(key, credential::username(settings), &token)?);
    }
    let warn = |what: Option<&str>| {
        if let Some(what) = what {
            let hint = "run `chmod go-r` on it, or set `umask 077` before it is created";
            context.ui.warn(&Error::usage(what).hint(hint));
        }
    };
    match &args.pipe {
        Some(path) => netrc::write_to_pipe(path, &file, |pipe| warn(netrc::exposure(pipe))),
        None => {
            warn(netrc::exposure(std::io::stdout()));
            ui::print(&file)
        }
    }
}

fn with_aws(key: Option<&str>, context: &Context) -> Result<()> {
    let (_, settings) = credential::settings_of(context, CredentialTool::Aws, key)?;
    let variable = |name: &str| context.env(name).ok().flatten();
    let endpoint = aws::endpoint(settings, variable)?;
    if Agent::named()?.is_some() {
        // The agent holds the tokens: this process has no store for a cache.
        return ui::print_line(&aws_credentials(context, settings, endpoint)?.to_string());
    }
    let target =
        Target::existing(context, settings.profile.as_deref(), settings.account.as_deref())?;
    let grant_id = target.state.account(&target.key)?.map(|entry| entry.grant_id);
    let name = aws::name(settings, &endpoint, &format!("{:?}", target.key));
    let items = &target.store.items;
    let life = aws::duration(settings);
    if let Some(grant_id) = &grant_id
        && let Ok(Some(kept)) = runner::block_on(None, items.get(&name))
        && let Some(found) = aws::reusable(kept.expose(), grant_id, life, Timestamp::now())
    {
        return ui::print_line(&found.to_string());
    }
    let asked_at = Timestamp::now();
    let credentials = aws_credentials(context, settings, endpoint)?;
    if let Some(entry) = target.state.account(&target.key)? {
        let kept = aws::kept(&credentials, &entry.grant_id, asked_at.plus(life));
        let saved = runner::block_on(None, items.set(&name, &Secret::new(kept.as_str())));
        if let Err(error) = saved {
            context.ui.warn(&error.context("the credentials are not kept"));
        }
    }
    ui::print_line(&credentials.to_string())
}

/// Exchanges a token for temporary credentials.
fn aws_credentials(
    context: &Context,
    settings: &Credential,
    endpoint: Url,
) -> Result<serde_json::Value> {
    let token = credential::issue(context, settings, Usual::Id)?;
    let request = aws::request(endpoint, settings, &token);
    let client =
        HttpClient::new(Options { proxy: Proxy::from_environment(), ..Options::default() });
    let response = runner::block_on(None, async {
        client.send(&request).await.map_err(|error| {
            let failed = Error::unavailable(format!("AWS STS: {}", error.message));
            error.hint.map_or(failed.clone(), |hint| failed.hint(hint))
        })
    })?;
    aws::parse(&response)
}

fn with_npm(key: Option<&str>, context: &Context) -> Result<()> {
    let (_, settings) = credential::settings_of(context, CredentialTool::Npm, key)?;
    let token = credential::issue(context, settings, Usual::Access)?;
    ui::print_line(&format!("Bearer {}", token.value.expose()))
}
