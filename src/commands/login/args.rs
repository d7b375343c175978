//! The arguments of `oauthctl login`.

use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use oauthctl_core::profile::{LoginFlow, Profile};
use oauthctl_core::{Error, time};

use crate::args::ProfileArg;
use crate::context::Context;

#[derive(Debug, Args, Default)]
#[command(
    after_help = "The store is tested, and the listener for the callback is ready, before the \
browser opens. The browser shows success only after the tokens are stored. `oauthctl token` prints \
them; `login` does not.\n\n\
On a machine without a browser, the URL is printed. Open it in a browser on any machine. That browser \
then fails to load a page at the redirect URI: paste the URL of that page at the prompt.\n\n\
Examples:\n  \
oauthctl login gitlab\n  \
oauthctl login gitlab --account work --login-hint me@example.com\n  \
oauthctl login gitlab --add-scope write_repository\n  \
oauthctl login gitlab --no-browser  # print the URL instead\n  \
oauthctl login github --flow device  # enter a code on any device\n  \
oauthctl login gitlab --flow paste  # then paste the callback URL\n  \
oauthctl login https://mcp.example.com/mcp  # without a profile"
)]
pub struct LoginArgs {
    #[command(flatten)]
    pub profile: ProfileArg,
    /// Account name; a profile can have several accounts [env: OAUTHCTL_ACCOUNT] [default: default]
    #[arg(long, value_name = "ACCOUNT", value_hint = ValueHint::Other)]
    pub account: Option<String>,
    /// Login flow: `browser` with a loopback listener, `device` to enter a code on any device, or `paste` to
    /// paste the callback URL [default: the first flow of the profile that works here]
    #[arg(long, value_name = "FLOW")]
    pub flow: Option<FlowArg>,
    /// Print the URL instead of opening a browser
    #[arg(long)]
    pub no_browser: bool,
    /// Browser command; %s stands for the URL [env: OAUTHCTL_BROWSER, BROWSER]
    #[arg(long, value_name = "COMMAND", conflicts_with = "no_browser", value_hint = ValueHint::CommandString)]
    pub browser: Option<String>,
    /// Show the verification URL of the device flow as a QR code
    #[arg(long)]
    pub qr: bool,
    /// Scope to request instead of the profile's; can be repeated
    #[arg(long = "scope", value_name = "SCOPE", value_hint = ValueHint::Other)]
    pub scopes: Vec<String>,
    /// Scope to request in addition to those of the stored login; can be repeated
    #[arg(long = "add-scope", value_name = "SCOPE", value_hint = ValueHint::Other, conflicts_with = "scopes")]
    pub add_scopes: Vec<String>,
    /// Value of the `login_hint` parameter: the user who will log in
    #[arg(long, value_name = "HINT", value_hint = ValueHint::EmailAddress)]
    pub login_hint: Option<String>,
    /// Value of the OIDC `prompt` parameter: select_account, consent or login
    #[arg(long, value_name = "PROMPT", value_hint = ValueHint::Other)]
    pub prompt: Option<String>,
    /// Extra parameter of the authorization request; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_parameter, value_hint = ValueHint::Other)]
    pub params: Vec<(String, String)>,
    /// Port of the loopback listener [default: from the profile]
    #[arg(long, value_name = "PORT", value_hint = ValueHint::Other, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// How long to wait for the user [default: from the profile, else 5m]
    #[arg(long, value_name = "DURATION", value_parser = time::parse_duration, value_hint = ValueHint::Other)]
    pub timeout: Option<Duration>,
    /// Login by URL: ID of a client that is registered with the server
    #[arg(long, value_name = "ID", value_hint = ValueHint::Other)]
    pub client_id: Option<String>,
    /// Login by URL: read the secret of that client from standard input
    #[arg(long, requires = "client_id")]
    pub client_secret_stdin: bool,
    /// Login by URL: the `WWW-Authenticate` value that the resource returned
    #[arg(long, value_name = "VALUE", value_hint = ValueHint::Other)]
    pub challenge: Option<String>,
}

/// `--flow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FlowArg {
    // A browser and the loopback listener.
    Browser,
    // The callback URL pasted by hand.
    Paste,
    // A code that is entered on another device.
    Device,
}

impl FlowArg {
    /// Returns the flow.
    pub fn flow(self) -> LoginFlow {
        match self {
            Self::Browser => LoginFlow::Browser,
            Self::Paste => LoginFlow::Paste,
            Self::Device => LoginFlow::Device,
        }
    }
}

impl LoginArgs {
    /// Warns about options that have no effect in this flow.
    pub fn warn_of_unused(&self, context: &Context, flow: LoginFlow) {
        let (draws, listens) = (flow == LoginFlow::Device, flow == LoginFlow::Browser);
        for (is_unused, option, hint) in [
            (self.qr && !draws, "--qr", "to log in on another device, add `--flow device`"),
            (
                self.port.is_some() && !listens,
                "--port",
                "to listen on a port, add `--flow browser`",
            ),
        ] {
            if is_unused {
                let what = format!("`{option}` has no effect in the {} flow", flow.as_str());
                context.ui.warn(&Error::usage(what).hint(hint));
            }
        }
    }

    /// Warns about options that have no effect because the profile needs no user.
    pub fn warn_of_no_user(&self, context: &Context, profile: &Profile) {
        let unused: Vec<&str> = [
            (self.flow.is_some(), "--flow"),
            (self.no_browser, "--no-browser"),
            (self.browser.is_some(), "--browser"),
            (self.qr, "--qr"),
            (!self.scopes.is_empty(), "--scope"),
            (!self.add_scopes.is_empty(), "--add-scope"),
            (self.login_hint.is_some(), "--login-hint"),
            (self.prompt.is_some(), "--prompt"),
            (!self.params.is_empty(), "--param"),
            (self.port.is_some(), "--port"),
            (self.timeout.is_some(), "--timeout"),
        ]
        .into_iter()
        .filter_map(|(is_set, option)| is_set.then_some(option))
        .collect();
        if unused.is_empty() {
            return;
        }
        let what = format!(
            "without effect, because the grant {} needs no user: {}",
            profile.grant.as_str(),
            unused.join(", ")
        );
        context.ui.warn(&Error::usage(what).hint("set `scopes` and `token_params` in the profile"));
    }

    /// Returns the arguments of a login to this account that another command needs.
    pub fn of_account(account: Option<&str>) -> Self {
        Self { account: account.map(str::to_owned), ..Self::default() }
    }
}

/// Parses `NAME=VALUE`.
///
/// # Errors
///
/// Returns an error if there is no name or no `=`.
pub fn parse_parameter(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
