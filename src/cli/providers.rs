//! `oauthctl providers`: the presets.

use std::process::ExitCode;

use clap::Args;
use oauthctl::profile::presets::{self, Preset, SecretNeed};
use oauthctl::{Error, Result};
use serde_json::{Value, json};

use super::context::Context;
use super::report;

#[derive(Debug, Args)]
pub struct ProvidersArgs {
    /// The provider to show
    name: Option<String>,
}

/// Lists the presets, or shows one: its endpoints, where to register, what to watch for.
///
/// # Errors
///
/// `Config` for a provider that has no preset.
pub fn run(args: &ProvidersArgs, context: &Context) -> Result<ExitCode> {
    match &args.name {
        None if context.voice.json => {
            report::print_json(&presets::all().iter().map(to_json).collect::<Vec<_>>().into())?;
        }
        None => {
            let rows = presets::all().iter().map(|p| format!("{:<16} {}\n", p.name, p.title));
            report::print(&rows.collect::<String>())?;
        }
        Some(name) => {
            let preset = presets::find(name).ok_or_else(|| unknown(name))?;
            if context.voice.json {
                report::print_json(&to_json(preset))?;
            } else {
                report::print(&describe(preset))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> Error {
    let name = oauthctl::text::one_line(name);
    let error = Error::config(format!("there is no preset for the provider `{name}`"));
    match presets::nearest(&name) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(
            "`oauthctl providers` lists them; without a preset, set `issuer`, or the endpoints, in the profile",
        ),
    }
}

fn secret_words(need: SecretNeed) -> &'static str {
    match need {
        SecretNeed::None => "none",
        SecretNeed::Optional => "optional",
        SecretNeed::Required => "required",
    }
}

fn to_json(preset: &Preset) -> Value {
    json!({
        "name": preset.name,
        "title": preset.title,
        "register_url": preset.register_url,
        "redirect_uri": preset.redirect_uri,
        "redirect_note": preset.redirect_note,
        "client_secret": secret_words(preset.secret),
        "needs": preset.needs,
        "notes": preset.notes,
        "profile": preset.profile,
    })
}

fn describe(preset: &Preset) -> String {
    let mut text = format!("{} ({})\n", preset.title, preset.name);
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:<15} {value}\n"));
    if let Some(url) = &preset.register_url {
        row("register at", url);
    }
    if let Some(uri) = &preset.redirect_uri {
        row("redirect URI", uri);
    }
    if let Some(note) = &preset.redirect_note {
        row("", note);
    }
    row("client secret", secret_words(preset.secret));
    if !preset.needs.is_empty() {
        row("you must set", &format!("client_id, {}", preset.needs.join(", ")));
    }
    for (key, value) in &preset.profile {
        row(key, &plain(value));
    }
    for note in &preset.notes {
        row("note", note);
    }
    text
}

fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
