//! The command line: one file a command, each with its `Args` and its `run`.

mod complete;
mod completions;
mod context;
mod demo;
mod exec;
mod export;
mod format;
mod import;
mod login;
mod logout;
mod manager;
mod pending;
mod profile;
mod providers;
mod refresh;
mod report;
mod run;
mod sandbox;
mod start;
mod status;
mod store;
mod token;
mod write_back;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use oauthctl::{Error, Result};

use context::Context;
use report::{ColorChoice, Voice};

/// Gets OAuth 2.0 tokens, keeps them safe and fresh, and hands them to anything that needs one.
#[derive(Debug, Parser)]
#[command(
    name = "oauthctl",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100,
    after_help = "Try `oauthctl demo` to see everything work without an account.\n\
Exit codes: 0 done, 2 usage, 3 configuration, 4 login required, 5 denied, 6 timed out,\n\
7 validation failed, 8 refused by the server, 9 network, 10 token store, 1 a bug."
)]
pub struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// The flags of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// The configuration file [env: OAUTHCTL_CONFIG]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,
    /// The token store: keyring, file or file:DIR [env: OAUTHCTL_STORE]
    #[arg(long, global = true, value_name = "STORE")]
    store: Option<String>,
    /// Print the result, and an error, as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more
    #[arg(short, long, global = true)]
    verbose: bool,
    /// Explain every protocol step on stderr, with secrets redacted
    #[arg(long, global = true)]
    trace: bool,
    /// Write every exchange to a HAR file, with secrets redacted
    #[arg(long, global = true, value_name = "FILE")]
    trace_har: Option<PathBuf>,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// Never ask and never open a browser: fail with exit code 4 instead
    #[arg(long, global = true)]
    no_input: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Log in: a browser opens, and the tokens go into the token store
    Login(login::LoginArgs),
    /// Print a working access token, refreshed when needed
    Token(token::TokenArgs),
    /// Run a command with a fresh token in its environment
    Exec(exec::ExecArgs),
    /// Refresh an account's tokens now
    Refresh(refresh::RefreshArgs),
    /// Show accounts, scopes, time left and the last refresh
    Status(status::StatusArgs),
    /// Revoke an account's tokens and forget them
    Logout(logout::LogoutArgs),
    /// Start an authorization whose response comes elsewhere or later
    Start(start::StartArgs),
    /// Complete an authorization that `start` began
    Complete(complete::CompleteArgs),
    /// List, show or cancel authorizations that wait for their response
    #[command(subcommand)]
    Pending(pending::PendingCommand),
    /// Add, list, show or remove profiles
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// List the providers that have a preset, or show one
    Providers(providers::ProvidersArgs),
    /// Make keys for the file store, look at stores, move between them
    #[command(subcommand)]
    Store(store::StoreCommand),
    /// Print one account as one line of text, for CI
    Export(export::ExportArgs),
    /// Take an account that `export` printed
    Import(import::ImportArgs),
    /// Show the whole main job on a machine with nothing set up
    Demo(demo::DemoArgs),
    /// Run an authorization server for tests, on loopback
    Sandbox(sandbox::SandboxArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
}

/// Parses the command line, runs the command, reports how it ended.
pub fn main() -> ExitCode {
    run::harden();
    std::panic::set_hook(Box::new(run::report_panic));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let globals = &cli.globals;
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let voice = Voice::new(globals.json, globals.quiet, globals.verbose, globals.color, no_color);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let context = Context::new(cli.globals.clone(), voice)?;
        let outcome = dispatch(cli.command, &context);
        context.tell_warnings();
        context.finish_trace().and(outcome)
    }));
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => voice.fail(&error),
        Err(_) => ExitCode::from(1),
    }
}

fn dispatch(command: Command, context: &Context) -> Result<ExitCode> {
    match command {
        Command::Login(args) => login::run(&args, context),
        Command::Token(args) => token::run(&args, context),
        Command::Exec(args) => exec::run(&args, context),
        Command::Refresh(args) => refresh::run(&args, context),
        Command::Status(args) => status::run(&args, context),
        Command::Logout(args) => logout::run(&args, context),
        Command::Start(args) => start::run(&args, context),
        Command::Complete(args) => complete::run(&args, context),
        Command::Pending(command) => pending::run(&command, context),
        Command::Profile(command) => profile::run(&command, context),
        Command::Providers(args) => providers::run(&args, context),
        Command::Store(command) => store::run(&command, context),
        Command::Export(args) => export::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Demo(args) => demo::run(&args, context),
        Command::Sandbox(args) => sandbox::run(&args, context),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
    }
}

/// Help and version are results; everything else that clap says is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let rendered = error.render();
    if matches!(error.kind(), DisplayHelp | DisplayVersion) {
        return match report::print(&rendered.to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => Voice::new(false, false, false, ColorChoice::Never, true).fail(&error),
        };
    }
    let wants_json = std::env::args_os().take_while(|a| a != "--").any(|a| a == "--json");
    let voice = Voice::new(wants_json, false, false, ColorChoice::Never, true);
    let text = rendered.to_string();
    if !wants_json {
        voice.insist(text.trim_end());
        return ExitCode::from(2);
    }
    let first = text.lines().next().unwrap_or("").trim_start_matches("error: ").to_owned();
    voice.fail(&Error::usage(first).hint("see `oauthctl --help`"))
}
