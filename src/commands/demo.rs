//! `oauthctl demo`: a complete login, refresh and logout against a built-in server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueHint};
use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::{AccessToken, FlowManager, Ports, TokenRequest};
use oauthctl_core::http::{HttpClient, Options};
use oauthctl_core::login::Browser;
use oauthctl_core::login::attempt::{self, Attempt, Progress};
use oauthctl_core::port::{Http, HttpRequest, Method};
use oauthctl_core::profile::{ConfigFile, Profile};
use oauthctl_core::protocol::state::StateKey;
use oauthctl_core::store::{FileStore, KeySource, StateDir};
use oauthctl_core::{Error, GrantInfo, GrantKey, Result};
use oauthctl_sandbox::SandboxOptions;
use serde_json::json;
use url::Url;

use crate::commands::sandbox;
use crate::context::Context;
use crate::progress::new_lifetime;
use crate::{browser, run as runner, ui};

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  oauthctl demo")]
pub struct DemoArgs {
    /// Log in manually in a browser, started with COMMAND if specified
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString, num_args = 0..=1, default_missing_value = "")]
    browser: Option<String>,
}

/// Demonstrates sandbox, login, store, token, refresh and revocation, and leaves nothing behind.
///
/// # Errors
///
/// Returns an error if a step fails.
pub fn run(args: &DemoArgs, context: &Context) -> Result<ExitCode> {
    let place = Place::make()?;
    let work = show(args, context, &place.0);
    runner::block_on(None, work)?;
    Ok(ExitCode::SUCCESS)
}

/// A directory that is removed when the demo ends.
struct Place(PathBuf);

impl Place {
    fn make() -> Result<Self> {
        let name = format!("oauthctl-demo-{}", StateKey::generate()?.expose());
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|e| {
            Error::store(format!("cannot create a temporary directory: {e}"))
                .caused_by(&e)
                .hint("set TMPDIR to a writable directory")
        })?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Leftover files hold only tokens of a sandbox that no longer runs.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn show(args: &DemoArgs, context: &Context, place: &Path) -> Result<()> {
    let auto_consent = args.browser.is_none();
    let sandbox =
        sandbox::start(SandboxOptions { auto_consent, ..SandboxOptions::default() }).await?;
    let mut step = Steps { context, number: 0 };
    step.tell(&format!("A sandbox authorization server is running at {}.", sandbox.issuer()));
    let profile = profile(sandbox.issuer(), place)?;
    let http: Arc<dyn Http> = Arc::new(HttpClient::new(Options::default()));
    let manager = manager(context, profile.clone(), place, &http);
    let key = GrantKey::new("demo", "default");

    let (manager, profile, key, http) = (&manager, &profile, &key, &http);
    let grant = log_in(&Demo { args, context, manager, profile, key, http }, &mut step).await?;
    step.tell(&format!(
        "Redeemed the code with its PKCE verifier. The id_token's signature, issuer, audience and \
         nonce are valid: {} is logged in.",
        grant.identity.label().unwrap_or("the user")
    ));
    step.tell(
        "Stored the tokens in an age-encrypted file in a temporary directory. Real logins use the keyring.",
    );

    let request = TokenRequest::default();
    let stored = manager.token(key, &request).await?;
    step.tell(&format!(
        "`oauthctl token` prints the stored token without a network request; {}.",
        life(&stored)
    ));
    if !context.ui.json {
        ui::print_line(stored.value.expose())?;
    }

    let forced = manager.token(key, &request.force()).await?;
    let rotated = manager.grant(key).await?.and_then(|grant| grant.rotates) == Some(true);
    step.tell(if rotated {
        "The refresh returned a new access token and a new refresh token. Both were stored before \
         the access token was printed:"
    } else {
        "The refresh returned a new access token. It was stored before it was printed:"
    });
    if !context.ui.json {
        ui::print_line(forced.value.expose())?;
    }

    manager.revoke(key).await?;
    step.tell("`oauthctl logout` revoked the tokens at the server and removed them locally.");
    let requests = sandbox.journal().len();
    step.tell(&format!(
        "Done: {requests} requests over loopback; nothing is left on this machine."
    ));
    if context.ui.json {
        ui::print_json(&json!({
            "issuer": sandbox.issuer(), "identity": grant.identity, "grant_id": grant.id,
            "scopes": forced.scopes, "rotated": rotated, "requests": requests,
        }))?;
    }
    context.ui.say(
        "\nNext: choose a preset from `oauthctl providers`, then run\n  \
             oauthctl profile add NAME --provider PROVIDER --client-id ID\n  \
             oauthctl login NAME",
    );
    sandbox.stop().await;
    Ok(())
}

fn profile(issuer: &str, place: &Path) -> Result<Profile> {
    let text = format!(
        "[profiles.demo]\nissuer = \"{issuer}\"\nclient_id = \"demo\"\nscopes = [\"openid\", \"email\", \"offline_access\"]\n"
    );
    let config = ConfigFile::of_text(&place.join("config.toml"), &text).parse()?;
    config.profile("demo").cloned()
}

fn manager(context: &Context, profile: Profile, place: &Path, http: &Arc<dyn Http>) -> FlowManager {
    let key = KeySource::Generated(place.join("store.key"));
    let store = Arc::new(FileStore::open(place.join("tokens"), key));
    let state = Arc::new(StateDir::open(place.join("state"), Arc::new(SystemClock)));
    let ports = Ports::new(Arc::clone(http), Arc::new(SystemClock), store, state);
    FlowManager::new([profile], ports.with_trace(context.trace.clone()))
}

/// What the login of the demo needs.
struct Demo<'a> {
    args: &'a DemoArgs,
    context: &'a Context,
    manager: &'a FlowManager,
    profile: &'a Profile,
    key: &'a GrantKey,
    http: &'a Arc<dyn Http>,
}

/// Returns the browser of this command; that of the desktop if the command is empty.
fn browser(command: &str) -> Result<Option<Browser>> {
    let path = std::env::var_os("PATH");
    let lookup = |name: &str| std::env::var_os(name).and_then(|v| v.into_string().ok());
    match command {
        "" => Ok(Some(Browser::desktop(&lookup, path.as_deref()))),
        command => browser::named(Some(command)),
    }
}

async fn log_in(demo: &Demo<'_>, step: &mut Steps<'_>) -> Result<GrantInfo> {
    let Demo { args, context, manager, profile, key, http } = *demo;
    let browser = args.browser.as_deref().map(browser).transpose()?.flatten();
    let attempt = Attempt {
        key: key.clone(),
        scopes: Vec::new(),
        extra: Vec::new(),
        port: None,
        timeout: profile.timeout,
        listen: true,
        asks: false,
        pasted: None,
        countdown: false,
        server: None,
        may_change_family: true,
        browser,
    };
    let (urls, mut opened) = tokio::sync::mpsc::unbounded_channel();
    let mut tell = |progress: Progress<'_>| match progress {
        Progress::Open(url) | Progress::Asking(url) | Progress::Opening(url) => {
            // The receiver lives as long as the login.
            let _ = urls.send(url.to_owned());
        }
        Progress::RejectedRequest(what) => ui::quote(&what),
        Progress::NotPasted(error) => context.ui.warn(&error),
        Progress::BrowserFailed(_, why) => {
            context.ui.insist(format!("Could not open a browser: {why}. Open the URL yourself."));
        }
        Progress::Server(_)
        | Progress::Redeeming
        | Progress::Unconfirmed(_)
        | Progress::Listening(..)
        | Progress::Waiting(_) => {}
    };
    let login = attempt::log_in(manager, attempt, &mut tell);
    tokio::pin!(login);
    let completed = tokio::select! {
        completed = &mut login => completed?,
        visited = async {
            let url = opened.recv().await.unwrap_or_default();
            step.tell("Started a listener on a loopback port, and sent the browser to the server with \
                       state, nonce and a PKCE challenge:");
            if args.browser.is_some() {
                // Whether a browser opens cannot be known.
                context.ui.insist(format!("\n   {url}\n"));
                step.quote("If no browser opens, open that URL yourself. Then allow or deny access \
                            on that page.");
                return std::future::pending().await;
            }
            step.quote(&shorten(&url));
            visit(&**http, &url).await
        } => {
            visited?;
            login.await?
        }
    };
    Ok(completed.grant)
}

/// Plays the browser of a user who consents: follows the redirect to the loopback listener.
async fn visit(http: &dyn Http, url: &str) -> Result<()> {
    let mut next = url.to_owned();
    for _ in 0..5 {
        let url = Url::parse(&next)
            .map_err(|_| Error::internal("the demo was redirected to an invalid URL"))?;
        let request = HttpRequest {
            purpose: "browser",
            method: Method::Get,
            url: url.clone(),
            headers: vec![("accept".to_owned(), "text/html".to_owned())],
            body: zeroize::Zeroizing::default(),
        };
        let response = http.send(&request).await.map_err(|e| Error::unavailable(e.message))?;
        match response.header("location") {
            Some(location) => {
                let target = url.join(location).map_err(|_| {
                    Error::internal(
                        "the demo was redirected to an \
                                                                    invalid URL",
                    )
                })?;
                next = target.into();
            }
            None => return Ok(()),
        }
    }
    Err(Error::internal("the demo was redirected too many times"))
}

/// A URL without the values of its parameters: what matters is which there are.
fn shorten(url: &str) -> String {
    let (endpoint, query) = url.split_once('?').unwrap_or((url, ""));
    let names: Vec<&str> = query.split('&').filter_map(|p| p.split('=').next()).collect();
    format!("{endpoint} with {}", names.join(", "))
}

fn life(token: &AccessToken) -> String {
    match token.expires_at {
        Some(at) => format!("it expires in {}", new_lifetime(at)),
        None => "it has no known expiry".to_owned(),
    }
}

struct Steps<'a> {
    context: &'a Context,
    number: u32,
}

impl Steps<'_> {
    fn tell(&mut self, text: &str) {
        self.number += 1;
        self.context.ui.say_behind(&format!("{}.", self.number), text);
    }

    fn quote(&self, text: &str) {
        self.context.ui.say_behind("  ", text);
    }
}
