//! The dialogue of `profile add` at a terminal: provider, registration, client, scopes.

use oauthctl_core::profile::edit::{self, NewProfile};
use oauthctl_core::profile::presets::{self, Preset, SecretNeed};
use oauthctl_core::profile::{Profile, discovery};
use oauthctl_core::text::{names, one_line};
use oauthctl_core::{Error, Result, Secret};

use crate::context::Context;
use crate::{callbacks, manager, prompt, run as runner};

/// Asks for everything that the command line does not set. Returns the secret, if the client has one.
///
/// # Errors
///
/// Returns `Interrupted` if the user ends the input, and `Config` if the profile cannot be added.
pub fn complete(new: &mut NewProfile, context: &Context) -> Result<Option<Secret>> {
    let path = context.config_path()?;
    let name = one_line(&new.name);
    let ui = &context.ui;
    ui.say(format!(
        "Adding the profile `{name}`. Nothing is written until the end; press Ctrl-C to cancel."
    ));
    if new.provider.is_none() && new.issuer.is_none() && new.set.is_empty() {
        choose_server(new, context)?;
    }
    let preset = new.provider.as_deref().and_then(presets::find);
    for key in preset.map(|preset| &*preset.needs).unwrap_or_default() {
        ask_needed(new, key)?;
    }
    // The client is all that is missing: other mistakes show before the user registers one.
    let has_secret = preset.is_some_and(|preset| preset.secret == SecretNeed::Required);
    let draft = NewProfile {
        client_id: Some("client".to_owned()),
        client_secret_item: has_secret.then(|| "secret".to_owned()),
        ..new.clone()
    };
    let config = edit::preview(&path, &draft)?;
    let is_there = explain_registration(preset, config.profile(&new.name)?, context);
    if new.client_id.is_none() {
        new.client_id = Some(prompt::line("Client ID", None)?);
    }
    let is_set = new.set.iter().any(|(key, _)| key.starts_with("client_"));
    let secret = if is_set { None } else { ask_secret(preset)? };
    if new.scopes.is_empty() {
        // A server that did not respond is not asked again.
        let issuer = new.issuer.as_deref().filter(|_| is_there);
        new.scopes = ask_scopes(preset, issuer, context)?;
    }
    Ok(secret)
}

fn choose_server(new: &mut NewProfile, context: &Context) -> Result<()> {
    loop {
        let answer = prompt::line("Provider (a name, an issuer URL, or ? for a list)", None)?;
        if answer == "?" {
            context.ui.say(names(presets::names()));
        } else if answer.contains("://") {
            new.issuer = Some(answer);
            return Ok(());
        } else if let Some(preset) = presets::find(&answer.to_lowercase()) {
            context.ui.say(format!("{}.", preset.title));
            new.provider = Some(preset.name.clone());
            return Ok(());
        } else {
            context.ui.say(match presets::nearest(&answer) {
                Some(near) => format!("Unknown provider. Did you mean {near}?"),
                None => {
                    "Unknown provider. For another server, enter the URL of its issuer.".to_owned()
                }
            });
        }
    }
}

/// Asks for a key that the preset cannot know.
fn ask_needed(new: &mut NewProfile, key: &str) -> Result<()> {
    if new.set.iter().any(|(known, _)| known == key) || key == "issuer" && new.issuer.is_some() {
        return Ok(());
    }
    match key {
        "issuer" => new.issuer = Some(prompt::line("Issuer URL of your server", None)?),
        "root_url" => {
            let url = prompt::line("URL of your server (the root of its OAuth endpoints)", None)?;
            new.set.push((key.to_owned(), url));
        }
        key => new.set.push((key.to_owned(), prompt::line(&format!("Value of `{key}`"), None)?)),
    }
    Ok(())
}

/// Says what to register, and returns whether the server responded if it was asked.
fn explain_registration(preset: Option<&Preset>, profile: &Profile, context: &Context) -> bool {
    let ui = &context.ui;
    let to_register = callbacks::to_register_now(context, profile);
    match preset.and_then(|preset| preset.register_url.as_deref()) {
        Some(url) => ui.say(format!("Register a client at {url}")),
        None => ui.say("Register a client at the service."),
    }
    to_register.say(context);
    let notes = preset.map(|preset| preset.redirect_note.iter().chain(&preset.notes));
    notes.into_iter().flatten().for_each(|note| ui.say(format!("- {note}")));
    to_register.note.is_none()
}

fn ask_secret(preset: Option<&Preset>) -> Result<Option<Secret>> {
    let need = preset.map_or(SecretNeed::Optional, |preset| preset.secret);
    loop {
        let question = match need {
            SecretNeed::None => return Ok(None),
            SecretNeed::Optional => "Client secret (not shown; Enter if the client has none)",
            SecretNeed::Required => "Client secret (not shown)",
        };
        match (prompt::hidden(question)?, need) {
            (None, SecretNeed::Required) => {}
            (secret, _) => return Ok(secret),
        }
    }
}

fn ask_scopes(
    preset: Option<&Preset>,
    issuer: Option<&str>,
    context: &Context,
) -> Result<Vec<String>> {
    let common = preset.map(|preset| preset.common_scopes.join(" ")).unwrap_or_default();
    if let (Some(issuer), None) = (issuer, preset) {
        show_supported(issuer, context);
    }
    let hint = if common.is_empty() {
        "Scopes, separated by spaces (Enter for none)"
    } else {
        "Scopes, separated by spaces (- for none)"
    };
    let answer = prompt::line(hint, Some(&common))?;
    let answer = if answer == "-" { "" } else { &answer };
    Ok(answer.split_whitespace().map(str::to_owned).collect())
}

/// Shows the scopes that a server announces. Its metadata is not needed before the login.
fn show_supported(issuer: &str, context: &Context) {
    let http = manager::transport(context);
    match runner::block_on(None, discovery::published(issuer, &*http)) {
        Ok(found) => {
            let scopes = found.metadata.get("scopes_supported").and_then(|list| list.as_array());
            let scopes = scopes.into_iter().flatten().filter_map(|scope| scope.as_str());
            let scopes: Vec<&str> = scopes.take(30).collect();
            if !scopes.is_empty() {
                context.ui.say(format!("The server supports: {}", one_line(&scopes.join(" "))));
            }
        }
        Err(error) => context.ui.warn(&Error::context(error, "cannot check the issuer")),
    }
}
