//! `oauthctl providers`: the built-in presets.

use std::process::ExitCode;

use clap::{Args, ValueHint};
use oauthctl_core::profile::presets::{self, Preset, SecretNeed};
use oauthctl_core::{Error, Result};
use serde_json::{Value, json};

use crate::context::Context;
use crate::rows::Rows;
use crate::ui;

#[derive(Debug, Args)]
#[command(after_help = "Shows where to register a client, and how the service deviates from the \
standards.\n\nExample:\n  oauthctl providers gitlab")]
pub struct ProvidersArgs {
    /// Provider to show
    #[arg(value_name = "PROVIDER", value_hint = ValueHint::Other)]
    name: Option<String>,
}

/// Lists the presets, or shows one: its endpoints, where to register, known quirks.
///
/// # Errors
///
/// Returns `Config` for a provider that has no preset.
pub fn run(args: &ProvidersArgs, context: &Context) -> Result<ExitCode> {
    match &args.name {
        None if context.ui.json => {
            ui::print_json(&presets::all().iter().map(to_json).collect::<Vec<_>>().into())?;
        }
        None => {
            let mut rows = Rows::new("", 16, " ");
            presets::all().iter().for_each(|preset| rows.row(&preset.name, &preset.title));
            rows.print()?;
        }
        Some(name) => {
            let preset = presets::find(name).ok_or_else(|| unknown(name))?;
            if context.ui.json {
                ui::print_json(&to_json(preset))?;
            } else {
                describe(preset)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn unknown(name: &str) -> Error {
    let name = oauthctl_core::text::one_line(name);
    let error = Error::config(format!("unknown provider `{name}`"));
    match presets::nearest(&name) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(
            "run `oauthctl providers` to list the presets; for another provider, set `issuer` or \
             the endpoints in the profile",
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
        "common_scopes": preset.common_scopes,
        "needs": preset.needs,
        "notes": preset.notes,
        "profile": preset.profile,
    })
}

fn describe(preset: &Preset) -> Result<()> {
    let mut rows: Vec<(&str, String)> = Vec::new();
    rows.extend(preset.register_url.iter().map(|url| ("register at", url.clone())));
    rows.extend(preset.redirect_uri.iter().map(|uri| ("redirect URI", uri.clone())));
    let note_row = if preset.redirect_uri.is_some() { "" } else { "redirect URI" };
    rows.extend(preset.redirect_note.iter().map(|note| (note_row, note.clone())));
    rows.push(("client secret", secret_words(preset.secret).to_owned()));
    if !preset.common_scopes.is_empty() {
        rows.push(("common scopes", preset.common_scopes.join(" ")));
    }
    if !preset.needs.is_empty() {
        rows.push(("you must set", format!("client_id, {}", preset.needs.join(", "))));
    }
    // The redirect URI has its row already.
    let keys = preset.profile.iter().filter(|(key, _)| *key != "redirect_uri");
    rows.extend(keys.map(|(key, value)| {
        // No preset contains a TOML value that JSON cannot represent.
        (key.as_str(), ui::plain(&serde_json::to_value(value).unwrap_or_default()))
    }));
    rows.extend(preset.notes.iter().map(|note| ("note", note.clone())));
    let names = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut table = Rows::new("  ", names, "  ").at_most(80);
    table.heading(&format!("{} ({})", preset.title, preset.name));
    rows.iter().for_each(|(name, text)| table.row(name, text));
    table.print()
}
