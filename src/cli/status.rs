//! `oauthctl status`: accounts, scopes, time left, the last refresh and its error.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueHint};
use oauthctl::grant::AccountEntry;
use oauthctl::port::Coordinator as _;
use oauthctl::profile::GrantType;
use oauthctl::text::{one_line, shell_word};
use oauthctl::{Result, Timestamp, time};
use serde_json::{Value, json};

use super::context::Context;
use super::report::field;
use super::target::{ProfileOption, one_of};
use super::{report, run as runner};

#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Profile to show [default: all profiles]
    #[arg(id = "profile_argument", value_name = "PROFILE", value_hint = ValueHint::Other)]
    argument: Option<String>,
    #[command(flatten)]
    option: ProfileOption,
}

/// Shows what the index of accounts says. It needs no store, so it works while a keyring is locked.
///
/// # Errors
///
/// `Config` for a profile that is neither configured nor in the index.
pub fn run(args: &StatusArgs, context: &Context) -> Result<ExitCode> {
    let wanted = one_of(args.argument.as_deref(), args.option.profile.as_deref())?;
    if let Err(error) = context.check_config() {
        // What is logged in can be told without a configuration that is right.
        context.voice.warn(&error);
    }
    let shown = match wanted {
        Some(name) => context.state()?.some_accounts(name, usize::MAX)?,
        None => context.state()?.accounts()?,
    };
    if let (Some(name), true) = (wanted, shown.is_empty()) {
        context.profile(name)?;
    }
    if context.voice.json {
        let now = Timestamp::now();
        let objects = shown.iter().map(|entry| {
            let mut object = to_json(entry, now);
            object["user"] = json!(entry.user);
            object["attributes"] = attributes(entry, context, now);
            object
        });
        report::print_json(&Value::Array(objects.collect()))?;
        return Ok(ExitCode::SUCCESS);
    }
    if shown.is_empty() {
        context.voice.say(match wanted {
            Some(name) => {
                let (shown, word) = (one_line(name), shell_word(name));
                format!("Nobody is logged in to `{shown}`. Run `oauthctl login {word}`.")
            }
            None => "Nobody is logged in. Run `oauthctl login PROFILE`, or try `oauthctl demo`."
                .to_owned(),
        });
    }
    let blocks: Vec<String> = shown.iter().map(|e| describe(e, Timestamp::now())).collect();
    report::print(&blocks.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn to_json(entry: &AccountEntry, now: Timestamp) -> Value {
    let expires_at = entry.expires_at.filter(|_| !is_withheld(entry));
    json!({
        "profile": entry.key.profile,
        "account": entry.key.account,
        "identity": entry.identity,
        "scopes": entry.scopes,
        "expires_at": expires_at.map(|t| t.to_string()),
        "expires_in": expires_at.map(|t| t.remaining(now).as_secs()),
        "has_refresh_token": entry.has_refresh_token,
        "login_required": needs_login(entry, now),
        "logged_in_at": entry.obtained_at.to_string(),
        "last_refresh": has_been_refreshed(entry).then(|| entry.refreshed_at.to_string()),
        "last_error": entry.last_error.as_ref().map(|e| json!({"at": e.at.to_string(), "message": e.message})),
        "store": entry.store,
        "grant_id": entry.grant_id,
    })
}

/// The values kept with a grant. They are in its store, which is opened only where there are any;
/// where it cannot be read just now, they are null.
fn attributes(entry: &AccountEntry, context: &Context, now: Timestamp) -> Value {
    if !entry.has_attributes {
        return json!({});
    }
    let load = || {
        let store = context.open_store(&entry.store.parse()?)?;
        runner::block_on(None, store.grants.load(&entry.key))
    };
    match load() {
        Ok(grant) => json!(grant.map(|grant| grant.attributes_at(now)).unwrap_or_default()),
        Err(error) => {
            context.voice.warn(&error.context("the attributes could not be read"));
            Value::Null
        }
    }
}

fn describe(entry: &AccountEntry, now: Timestamp) -> String {
    let (profile, account) = (field(&entry.key.profile), field(&entry.key.account));
    let mut text = format!("{profile} / {account}\n");
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<10} {value}\n"));
    if let Some(label) = entry.identity.label() {
        row("who", &field(label));
    }
    row(
        "scopes",
        &if entry.scopes.is_empty() { "(none)".to_owned() } else { field(&entry.scopes.join(" ")) },
    );
    row("token", &life(entry, now));
    match has_been_refreshed(entry) {
        true => row("refreshed", &ago(entry.refreshed_at, now)),
        false => row("logged in", &ago(entry.obtained_at, now)),
    }
    if let Some(error) = &entry.last_error {
        row("last error", &format!("{}: {}", ago(error.at, now), field(&error.message)));
    }
    row("store", &field(&entry.store));
    text
}

fn has_been_refreshed(entry: &AccountEntry) -> bool {
    entry.refreshed_at != entry.obtained_at
}

/// A rule denied the tokens of the last refresh: they count as expired since ever, until it allows them.
fn is_withheld(entry: &AccountEntry) -> bool {
    entry.expires_at == Some(Timestamp::from_unix(0))
}

fn needs_login(entry: &AccountEntry, now: Timestamp) -> bool {
    let expired = entry.expires_at.is_some_and(|at| at <= now);
    entry.login_required || (expired && !entry.has_refresh_token && needs_user(entry))
}

/// Whether only the user can obtain a new grant. Where nothing is known of its type, it is one that a user gave.
fn needs_user(entry: &AccountEntry) -> bool {
    let known = GrantType::ALL.iter().find(|(name, _)| *name == entry.grant_type);
    known.is_none_or(|(_, grant)| grant.needs_person())
}

fn life(entry: &AccountEntry, now: Timestamp) -> String {
    let renewal = match (entry.login_required, entry.has_refresh_token) {
        (true, _) => "then a new login is needed",
        (false, true) => "refreshed when needed",
        (false, false) if !needs_user(entry) => "requested again when needed",
        (false, false) => "cannot be refreshed",
    };
    match entry.expires_at {
        None => format!("no known expiry, {renewal}"),
        Some(_) if is_withheld(entry) && !needs_login(entry, now) => {
            "withheld by a rule (the hook `post_token`) until it allows one".to_owned()
        }
        Some(at) if at <= now && needs_login(entry, now) => {
            "expired: a new login is needed".to_owned()
        }
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
