//! The command line: parses it, runs the command and reports how it ended.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use oauthctl_core::{Error, Result};

use crate::agent::client::Agent;
use crate::args::Globals;
use crate::commands::{
    agent, api, attr, complete, completions, credential, demo, discover, doctor, exec, export,
    help, import, inspect, introspect, login, logout, man, pending, profile, providers, proxy,
    refresh, sandbox, serve, start, status, store, token, uninstall, userinfo,
};
use crate::context::Context;
use crate::credential::links;
use crate::ui::Ui;
use crate::wrap::WIDEST;
use crate::{exit_codes, given, notify, plain, run, signals, usage};

/// What the help of the program says below the options.
const NOTES: &str = "A profile in the configuration names a service and the client that is registered with \
it. `oauthctl login` logs the user in with a browser, and stores the tokens in the operating system's keyring \
or in encrypted files. After that, `oauthctl token` prints a valid access token: the stored one, or a \
refreshed one if it is about to expire.\n\n\
Standard output contains only the result, and only if the command succeeded. An error is a line that begins \
with `error:` on standard error, often followed by a line that begins with `hint:`. With `--json`, it is one \
JSON object. The exit code tells scripts what to do. Durations are written as 30s, 5m, 2h or 7d, or as a \
number of seconds.\n\n\
Examples:\n  \
oauthctl demo  # a complete login without any setup\n  \
oauthctl login gitlab  # once, after oauthctl profile add gitlab\n  \
oauthctl token -p gitlab --format curl |\n    \
curl -K - https://gitlab.com/api/v4/user\n  \
oauthctl --no-input token -p gitlab  # in a job, never prompt";

/// Get OAuth 2.0 tokens, keep them safe and fresh, and hand them to the programs that need them.
#[derive(Debug, Parser)]
#[command(
    name = "oauthctl",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = WIDEST,
    after_help = format!("{NOTES}\n\n{}\n\n{}", help::topics::list(), exit_codes::list())
)]
pub struct Cli {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Log in and store the tokens
    Login(login::LoginArgs),
    /// Print a valid access token, refreshed if necessary
    Token(token::TokenArgs),
    /// Run a command with a fresh token in its environment
    Exec(exec::ExecArgs),
    /// Make an authorized request to an API
    Api(api::ApiArgs),
    /// Lend a token to programs through a local proxy
    Proxy(proxy::ProxyArgs),
    /// Hand out tokens to other processes through a Unix socket
    Agent(agent::AgentArgs),
    /// Refresh the tokens of an account now
    Refresh(refresh::RefreshArgs),
    /// Show accounts, their scopes, remaining lifetime and last refresh
    Status(status::StatusArgs),
    /// Test everything that logins and tokens depend on
    Doctor(doctor::DoctorArgs),
    /// Revoke the tokens of an account and remove them
    Logout(logout::LogoutArgs),
    /// Show the server's information about the user
    Userinfo(userinfo::UserinfoArgs),
    /// Ask the server whether a token is active
    Introspect(introspect::IntrospectArgs),
    /// Decode a JWT, verify its signature and explain its claims
    Inspect(inspect::InspectArgs),
    /// Show and explain the metadata of a server
    Discover(discover::DiscoverArgs),
    /// Start an authorization to be completed later or by another process
    Start(start::StartArgs),
    /// Complete an authorization that `start` began
    Complete(complete::CompleteArgs),
    /// List, show or cancel pending authorizations, or replace their key
    #[command(subcommand)]
    Pending(pending::PendingCommand),
    /// Read, set or remove the attributes of a grant
    #[command(subcommand, after_help = attr::NOTES)]
    Attr(attr::AttrCommand),
    /// Act as a credential helper for git, docker, kubectl, cargo and others
    #[command(subcommand, after_help = credential::NOTES)]
    Credential(credential::CredentialCommand),
    /// Add, list, show, edit or remove profiles, or set the default one
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// List the built-in provider presets, or show one
    Providers(providers::ProvidersArgs),
    /// Generate store keys, inspect stores or move accounts between them
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Print an account as one line of text, for CI
    Export(export::ExportArgs),
    /// Import an account that `export` printed
    Import(import::ImportArgs),
    /// Run a complete login, refresh and logout against a built-in server
    Demo(demo::DemoArgs),
    /// Remove the accounts, keys, state and links that oauthctl created
    Uninstall(uninstall::UninstallArgs),
    /// Run a test authorization server on the loopback interface
    Sandbox(sandbox::SandboxArgs),
    /// Run the broker, which manages OAuth connections for applications
    Serve(serve::ServeArgs),
    /// Manage the tenants of the broker
    Tenant(serve::TenantArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print a manual page, or write all of them to a directory
    Man(man::ManArgs),
    /// Print help for a command
    Help(help::HelpArgs),
    /// Print the version
    Version,
    /// Names for completion scripts: a command with its own parser, which no help, page or script mentions.
    #[command(skip)]
    Names(completions::names::NamesArgs),
}

/// Parses the command line, runs the command and reports how it ended.
pub fn main() -> ExitCode {
    run::harden();
    signals::outlive_file_size_limit();
    std::panic::set_hook(Box::new(run::report_panic));
    given::set_program(Cli::command);
    let cli = match read(links::arguments()) {
        Ok((cli, _)) => cli,
        Err(error) => return usage::report(&error, &Cli::command()),
    };
    let globals = &cli.globals;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let ui = Ui::new(globals.json, globals.quiet, globals.verbose, globals.color, no_color);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let context = Context::new(cli.globals.clone(), ui)?;
        let outcome =
            note_agent(&cli.command, &context).and_then(|()| dispatch(cli.command, &context));
        context.tell_warnings();
        context.finish_trace();
        if let Err(error) = &outcome {
            notify::login_required(&context, error);
        }
        outcome
    }));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => ui.fail(&error),
        // The panic hook has printed the location; programs that read JSON read the last line.
        Err(_) if ui.json => ui.fail(&Error::internal("unexpected internal error")),
        Err(_) => ExitCode::from(1),
    }
}

/// How a command line was parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Without clap.
    Plain,
    /// By clap, with only one command.
    OneCommand,
    /// By clap, with every command.
    Whole,
}

/// Parses the command line in the fastest way that can parse it.
pub fn read(arguments: Vec<OsString>) -> clap::error::Result<(Cli, Reader)> {
    if let Some((globals, token)) = plain::parse(&arguments) {
        return Ok((Cli { globals, command: Command::Token(token) }, Reader::Plain));
    }
    if let Some(cli) = one_alone(&arguments) {
        return Ok((cli, Reader::OneCommand));
    }
    Cli::try_parse_from(arguments).map(|cli| (cli, Reader::Whole))
}

/// Parses the command line of `token` and of the other commands that programs run all the time, if it is
/// valid: setting up every command would take a third of their time. Everything else, help included, is
/// left to the full parser.
pub fn one_alone(arguments: &[OsString]) -> Option<Cli> {
    match arguments.get(1)?.to_str()? {
        "token" => alone("token", arguments, Command::Token),
        "exec" => alone("exec", arguments, Command::Exec),
        "api" => alone("api", arguments, Command::Api),
        "credential" => alone_with_commands("credential", arguments, Command::Credential),
        "start" => alone("start", arguments, Command::Start),
        "complete" => alone("complete", arguments, Command::Complete),
        "__names" => alone("__names", arguments, Command::Names),
        _ => None,
    }
}

fn alone<A: Args>(
    name: &'static str,
    arguments: &[OsString],
    command: fn(A) -> Command,
) -> Option<Cli> {
    parsed_alone(A::augment_args(clap::Command::new(name)), arguments, command)
}

fn alone_with_commands<S: Subcommand>(
    name: &'static str,
    arguments: &[OsString],
    command: fn(S) -> Command,
) -> Option<Cli> {
    let inner = S::augment_subcommands(clap::Command::new(name)).subcommand_required(true);
    parsed_alone(inner, arguments, command)
}

fn parsed_alone<A: FromArgMatches>(
    inner: clap::Command,
    arguments: &[OsString],
    command: fn(A) -> Command,
) -> Option<Cli> {
    let program = Globals::augment_args(clap::Command::new("oauthctl")).subcommand(inner);
    let matches = program.try_get_matches_from(arguments).ok()?;
    let (_, of_command) = matches.subcommand()?;
    let args = A::from_arg_matches(of_command).ok()?;
    let globals = Globals::from_arg_matches(&matches).ok()?;
    Some(Cli { globals, command: command(args) })
}

/// Says that a command uses the accounts of this machine, where the user may expect those of an agent.
fn note_agent(command: &Command, context: &Context) -> Result<()> {
    use Command::{
        Attr, Complete, Export, Import, Introspect, Login, Logout, Start, Status, Userinfo,
    };
    let is_local = matches!(
        command,
        Attr(_)
            | Complete(_)
            | Export(_)
            | Import(_)
            | Introspect(_)
            | Login(_)
            | Logout(_)
            | Start(_)
            | Status(_)
            | Userinfo(_)
    );
    if is_local && Agent::is_named()? {
        let command = format!("oauthctl {}", given::Given::command());
        context.ui.say(format!(
            "`{command}` uses the accounts of this machine, not those of the agent that \
             OAUTHCTL_AGENT names."
        ));
    }
    Ok(())
}

fn dispatch(command: Command, context: &Context) -> Result<ExitCode> {
    match command {
        Command::Login(args) => in_own_frame(login::run, &args, context),
        Command::Token(args) => in_own_frame(token::run, &args, context),
        Command::Exec(args) => in_own_frame(exec::run, &args, context),
        Command::Api(args) => in_own_frame(api::run, &args, context),
        Command::Proxy(args) => in_own_frame(proxy::run, &args, context),
        Command::Agent(args) => in_own_frame(agent::run, &args, context),
        Command::Refresh(args) => in_own_frame(refresh::run, &args, context),
        Command::Status(args) => in_own_frame(status::run, &args, context),
        Command::Doctor(args) => in_own_frame(doctor::run, &args, context),
        Command::Logout(args) => in_own_frame(logout::run, &args, context),
        Command::Userinfo(args) => in_own_frame(userinfo::run, &args, context),
        Command::Introspect(args) => in_own_frame(introspect::run, &args, context),
        Command::Inspect(args) => in_own_frame(inspect::run, &args, context),
        Command::Discover(args) => in_own_frame(discover::run, &args, context),
        Command::Start(args) => in_own_frame(start::run, &args, context),
        Command::Complete(args) => in_own_frame(complete::run, &args, context),
        Command::Pending(command) => in_own_frame(pending::run, &command, context),
        Command::Attr(command) => in_own_frame(attr::run, &command, context),
        Command::Credential(command) => in_own_frame(credential::run, &command, context),
        Command::Profile(command) => in_own_frame(profile::run, &command, context),
        Command::Providers(args) => in_own_frame(providers::run, &args, context),
        Command::Store(command) => in_own_frame(store::run, &command, context),
        Command::Export(args) => in_own_frame(export::run, &args, context),
        Command::Import(args) => in_own_frame(import::run, &args, context),
        Command::Demo(args) => in_own_frame(demo::run, &args, context),
        Command::Uninstall(args) => in_own_frame(uninstall::run, &args, context),
        Command::Sandbox(args) => in_own_frame(sandbox::run, &args, context),
        Command::Serve(args) => in_own_frame(serve::serve, &args, context),
        Command::Tenant(args) => in_own_frame(serve::tenant, &args, context),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command(), context),
        Command::Help(args) => help::run(&args, Cli::command()),
        Command::Version => help::version(context),
        Command::Names(args) => in_own_frame(completions::names::run, &args, context),
    }
}

/// Runs a command. If this was inlined into [`dispatch`], all commands would share one large stack frame of
/// many pages, which even the smallest of them would touch.
#[inline(never)]
fn in_own_frame<A>(
    run: fn(&A, &Context) -> Result<ExitCode>,
    args: &A,
    context: &Context,
) -> Result<ExitCode> {
    run(args, context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn single_command_parser_agrees_with_the_full_one() {
        for line in [
            "oauthctl token",
            "oauthctl token a --account b",
            "oauthctl token -p a --account b --min-ttl 5m --format curl --store file --json",
            "oauthctl token --config c.toml -q -v --trace --trace-har h --color never --no-input",
            "oauthctl token --scope a --scope b --resource r --audience x --force-refresh --login",
            "oauthctl token --cached --format xoauth2 --user me@example.com",
            "oauthctl start p",
            "oauthctl start -p p --user u --attr a=b --attr c=d --ttl 5m --redirect-uri http://x/ --json",
            "oauthctl start p --sealed --scope a --scope b --login-hint h --param c=d --trace -v",
            "oauthctl complete - --expect-state s --show-token --store file",
            "oauthctl complete --code c --state s --iss i -p p --require-identity sub=x --no-input",
            "oauthctl exec -p p --env T -- sh -c true --json",
            "oauthctl api me",
            "oauthctl api DELETE me -p p --account a -H a:b -f x=y -i -o f --login --json",
            "oauthctl credential git get",
            "oauthctl credential cargo --cargo-plugin",
            "oauthctl credential kubernetes k --store file",
            "oauthctl credential netrc --pipe p -q",
            "oauthctl credential setup git https://git.example --undo",
        ] {
            let short = one_alone(&words(line)).unwrap_or_else(|| panic!("{line}"));
            let whole = Cli::try_parse_from(words(line)).unwrap();
            assert_eq!(format!("{short:?}"), format!("{whole:?}"));
        }
    }

    #[test]
    fn complex_lines_are_left_to_the_full_parser() {
        for line in [
            "oauthctl",
            "oauthctl --json token",
            "oauthctl status",
            "oauthctl token --help",
            "oauthctl token -h",
            "oauthctl token --version",
            "oauthctl token --cached --login",
            "oauthctl token --no-such-flag",
            "oauthctl tokens",
            "oauthctl start --help",
            "oauthctl start p --ttl soon",
            "oauthctl complete",
            "oauthctl pending list",
            "oauthctl exec -p p",
            "oauthctl api",
            "oauthctl api --help",
            "oauthctl credential",
            "oauthctl credential help",
            "oauthctl credential git",
            "oauthctl credential git --help",
            "oauthctl credential svn get",
        ] {
            assert!(one_alone(&words(line)).is_none(), "{line}");
        }
    }
}
