//! `oauthctl status`: accounts, scopes, remaining lifetime, the last refresh and its error.

mod stored;

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl_core::grant::AccountEntry;
use oauthctl_core::store::StoreSpec;
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, ErrorKind, Result, Timestamp, time};
use serde_json::{Value, json};

use crate::agent::client::Agent;
use crate::args::ProfileOption;
use crate::context::Context;
use crate::rows::Rows;
use crate::run as runner;
use crate::ui::{self, field};
use stored::{Account, needs_user};

#[derive(Debug, Args)]
#[command(
    after_help = "No server is contacted. If a store needs a prompt or does not respond within a \
second, its state as of the last use is shown, with a warning.\n\n\
Examples:\n  oauthctl status\n  \
oauthctl status --check  # at the beginning of a job\n  \
oauthctl status --json |\n    \
jq -r '.[] | [.profile, .account, .expires_at] | @tsv'"
)]
pub struct StatusArgs {
    /// Profile to show [default: all profiles]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    argument: Option<String>,
    #[command(flatten)]
    option: ProfileOption,
    /// Exit with code 4 if an account has a problem, or if no account is logged in
    #[arg(long)]
    check: bool,
}

/// Shows the accounts of the index and of the stores. Does not wait for a store that does not respond at
/// once: the output then shows the index alone, and says so.
///
/// # Errors
///
/// Returns `Config` for a profile that is neither configured nor in the index, and `Store` if no account is
/// known because no record can be read.
pub fn run(args: &StatusArgs, context: &Context) -> Result<ExitCode> {
    let wanted = context.named_profile(args.argument.as_deref(), &args.option)?;
    let wanted = wanted.as_deref();
    if let Err(error) = context.check_config() {
        // Accounts can be listed even if the configuration is invalid.
        context.ui.warn(&error);
    }
    if let Some(store) = &context.globals.store {
        store.parse::<StoreSpec>()?;
    }
    let entries = match wanted {
        Some(name) => context.state()?.some_accounts(name, usize::MAX)?,
        None => context.state()?.accounts()?,
    };
    if let (Some(name), true) = (wanted, entries.is_empty()) {
        context.profile(name)?;
    }
    let (accounts, were_asked) = match entries.is_empty() {
        true => (unindexed(wanted, context)?, true),
        false => stored::compare(entries, context),
    };
    let now = Timestamp::now();
    let is_bad = accounts.is_empty() || accounts.iter().any(|a| problem(a, context, now).is_some());
    let code = match args.check && is_bad {
        true => ExitCode::from(ErrorKind::LoginRequired.exit_code()),
        false => ExitCode::SUCCESS,
    };
    if context.ui.json {
        let objects = accounts.iter().map(|account| to_json(account, context, now));
        ui::print_json(&Value::Array(objects.collect()))?;
        return Ok(code);
    }
    if accounts.is_empty() {
        context.ui.say(nobody(wanted, context)?);
    }
    let mut rows = Rows::new("  ", 10, " ");
    for account in &accounts {
        rows.blank();
        describe(account, context, now, &mut rows);
    }
    rows.print()?;
    if !were_asked {
        context.ui.say(
            "Showing the last recorded state: with so many accounts, the stores were not checked. \
             Run `oauthctl status PROFILE` to check the accounts of one profile.",
        );
    }
    Ok(code)
}

/// Says that no account is logged in, to this profile or at all.
fn nobody(wanted: Option<&str>, context: &Context) -> Result<String> {
    Ok(match wanted {
        Some(name) => {
            let (shown, word) = (one_line(name), shell_word(name));
            let needs_user = |name| {
                let config = context.config().ok()?;
                config.profiles.get(name).map(|profile| profile.grant.needs_user())
            };
            match needs_user(name).unwrap_or(true) {
                true => format!("Not logged in to `{shown}`. Run `oauthctl login {word}`."),
                false => format!("`{shown}` needs no login. Run `oauthctl token {word}`."),
            }
        }
        None if Agent::is_named()? => "No account is logged in on this machine.".to_owned(),
        None => "Not logged in to any profile. Run `oauthctl login PROFILE`, or try `oauthctl \
                     demo`."
            .to_owned(),
    })
}

fn to_json(account: &Account, context: &Context, now: Timestamp) -> Value {
    let entry = &account.entry;
    let is_gone = account.is_stored == Some(false);
    let expires_at = entry.expires_at.filter(|_| !entry.withheld && !is_gone);
    let problem = problem(account, context, now);
    json!({
        "profile": entry.key.profile,
        "account": entry.key.account,
        "identity": entry.identity,
        "scopes": entry.scopes,
        "expires_at": expires_at.map(|t| t.to_string()),
        "expires_in": expires_at.map(|t| t.remaining(now).as_secs()),
        "has_refresh_token": entry.has_refresh_token && !is_gone,
        "login_required": needs_login(account, now),
        "logged_in_at": entry.obtained_at.to_string(),
        "last_refresh": has_been_refreshed(entry).then(|| entry.refreshed_at.to_string()),
        "last_error": entry.last_error.as_ref().map(|e| json!({"at": e.at.to_string(), "message": e.message})),
        "store": entry.store,
        "stored": account.is_stored,
        "problem": problem.as_ref().map(|problem| problem.message()),
        "hint": problem.as_ref().and_then(ui::hint_of),
        "grant_id": entry.grant_id,
        "user": entry.user,
        "attributes": attributes(account, context, now),
    })
}

/// Returns the attributes of a grant. They are in its record, which is read only if it has any; null if it
/// cannot be read now.
fn attributes(account: &Account, context: &Context, now: Timestamp) -> Value {
    let entry = &account.entry;
    if let Some(grant) = &account.grant {
        return json!(grant.attributes_at(now));
    }
    if !entry.has_attributes || account.is_stored == Some(false) {
        return json!({});
    }
    let load = || {
        let store = context.open_store(&entry.store.parse()?)?;
        runner::block_on(None, store.grants.load(&entry.key))
    };
    // A store that has just failed is not tried again.
    let loaded = match &account.problem {
        Some(error) if account.is_stored.is_none() => Err(error.clone()),
        _ => load(),
    };
    match loaded {
        Ok(grant) => json!(grant.map(|grant| grant.attributes_at(now)).unwrap_or_default()),
        Err(error) => {
            context.ui.warn(&error.context("cannot read the attributes"));
            Value::Null
        }
    }
}

/// Returns what keeps `token` from printing a token, and the command that fixes it.
fn problem(account: &Account, context: &Context, now: Timestamp) -> Option<Error> {
    account.problem.clone().or_else(|| {
        needs_login(account, now).then(|| {
            let hint = stored::log_in(&account.entry, context);
            Error::login_required("a new login is required").hint(hint)
        })
    })
}

/// Returns the accounts that exist only in a store. Unreadable records are reported; otherwise the output
/// would suggest that no account is logged in.
fn unindexed(wanted: Option<&str>, context: &Context) -> Result<Vec<Account>> {
    let (accounts, mut unread) = stored::unindexed(wanted, context);
    if accounts.is_empty() && !unread.is_empty() {
        return Err(unread.swap_remove(0));
    }
    for error in &unread {
        context.ui.warn(error);
    }
    Ok(accounts)
}

fn describe(account: &Account, context: &Context, now: Timestamp, rows: &mut Rows) {
    let entry = &account.entry;
    let (profile, name) = (field(&entry.key.profile), field(&entry.key.account));
    rows.heading(&format!("{profile} / {name}"));
    let mut row = |name: &str, value: &str| rows.row(name, value);
    if let Some(label) = entry.identity.label() {
        row("who", &one_line(label));
    }
    row(
        "scopes",
        &if entry.scopes.is_empty() {
            "(none)".to_owned()
        } else {
            one_line(&entry.scopes.join(" "))
        },
    );
    match account.is_stored {
        Some(false) if needs_user(entry) => row("token", "none"),
        Some(false) => row("token", "none, requested again when needed"),
        _ => row("token", &life(account, now)),
    }
    match has_been_refreshed(entry) {
        true => row("refreshed", &ago(entry.refreshed_at, now)),
        false => row("logged in", &ago(entry.obtained_at, now)),
    }
    if let Some(error) = &entry.last_error {
        row("last error", &format!("{}: {}", ago(error.at, now), field(&error.message)));
    }
    row("store", &field(&entry.store));
    if let Some(problem) = problem(account, context, now) {
        row("problem", &field(problem.message()));
        if let Some(hint) = ui::hint_of(&problem) {
            row("hint", &field(&hint));
        }
    }
}

/// Returns whether the tokens have been replaced since the login. Times alone do not show a refresh within the second
/// of the login.
fn has_been_refreshed(entry: &AccountEntry) -> bool {
    let was_requested_again = !needs_user(entry) && entry.generation > 1;
    entry.refreshed_at != entry.obtained_at || entry.rotates.is_some() || was_requested_again
}

fn needs_login(account: &Account, now: Timestamp) -> bool {
    let entry = &account.entry;
    let is_expired = entry.withheld || entry.expires_at.is_some_and(|at| at <= now);
    let is_gone = account.is_stored == Some(false);
    let has_nothing = is_gone || (is_expired && !entry.has_refresh_token);
    entry.login_required || (has_nothing && needs_user(entry))
}

fn life(account: &Account, now: Timestamp) -> String {
    let entry = &account.entry;
    let renewal = match (entry.login_required, entry.has_refresh_token) {
        (true, _) => "then a new login is required",
        (false, true) => "refreshed when needed",
        (false, false) if !needs_user(entry) => "a new one is requested when needed",
        (false, false) => "cannot be refreshed",
    };
    let is_over = needs_login(account, now);
    match entry.expires_at {
        _ if entry.withheld && is_over => "expired".to_owned(),
        _ if entry.withheld => "withheld until the `post_token` hook allows it".to_owned(),
        None if entry.login_required => "no known expiry; a new login is required".to_owned(),
        None => format!("no known expiry, {renewal}"),
        Some(at) if at <= now && is_over => "expired".to_owned(),
        Some(at) if at <= now => format!("expired, {renewal}"),
        Some(at) => format!("{} left, {renewal}", time::describe(at.remaining(now))),
    }
}

fn ago(at: Timestamp, now: Timestamp) -> String {
    match now.remaining(at) {
        Duration::ZERO => "just now".to_owned(),
        elapsed => format!("{} ago", time::describe(elapsed)),
    }
}
