//! The `oauthctl` program: parse, run, report.

mod agent;
mod app;
mod args;
mod audit;
mod authorizer;
mod browser;
mod by_url;
mod callbacks;
mod challenge;
mod child;
mod client_secret;
mod commands;
mod confirm;
mod context;
mod credential;
mod descriptors;
#[cfg(test)]
mod docs;
mod environment;
mod exit_codes;
mod format;
mod get_token;
mod given;
mod hint;
mod login_flow;
mod login_turn;
mod manager;
mod migrated;
mod notify;
mod plain;
mod progress;
mod prompt;
mod proxy;
mod qr;
mod rows;
mod run;
mod scopes;
mod signals;
#[cfg(unix)]
mod socket;
mod source;
mod target;
mod ui;
mod usage;
mod wrap;
mod write_back;

fn main() -> std::process::ExitCode {
    app::main()
}
