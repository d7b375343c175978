//! The client secret of a profile, in the token store.

use std::process::ExitCode;

use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::profile::{SecretSource, edit};
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, Result};

use crate::context::Context;
use crate::{client_secret, run as runner};

/// Returns the item of the token store that holds a profile's client secret.
pub(super) fn item_of(profile: &str) -> String {
    format!("{profile}/client_secret")
}

/// Stores the client secret of a profile in the token store, and refers to it in a profile that has none.
///
/// # Errors
///
/// Returns `Config` for a profile that is unknown or has a secret of another source, and `Store` if it cannot be stored.
pub(super) fn set(name: &str, context: &Context) -> Result<ExitCode> {
    let shown = one_line(name);
    let source = match context.profile(name) {
        Ok(profile) => profile.client.secret.clone(),
        // It is unknown.
        Err(error) if context.config().is_ok() => return Err(error),
        // The profile may be invalid only because it has no secret.
        Err(error) => return refer_to_secret(name, context, Some(error)),
    };
    match source {
        Some(SecretSource::Keyring(item)) => {
            let store = context.store_of(context.profile(name)?)?;
            runner::block_on(None, store.items.set(&item, &client_secret::read(context)?))?;
            context.ui.say(format!("Stored the client secret of `{shown}`."));
            Ok(ExitCode::SUCCESS)
        }
        Some(_) => {
            let what = format!("`client_secret` of the profile `{shown}` has a different source");
            Err(Error::config(what).hint(format!(
                "to use the token store, replace that line: `client_secret = {{ keyring = \"{}\" }}`",
                one_line(&item_of(name))
            )))
        }
        None if is_url(name) => {
            let what = format!("`{shown}` is a login by URL, which is not in the configuration");
            Err(Error::config(what).hint(format!(
                "run `oauthctl login {} --client-id ID --client-secret-stdin`",
                shell_word(name)
            )))
        }
        None => refer_to_secret(name, context, None),
    }
}

/// Stores a client secret, and sets it in the profile. If that is not possible either, the error is `invalid`, which
/// says why the profile cannot be used now.
fn refer_to_secret(name: &str, context: &Context, invalid: Option<Error>) -> Result<ExitCode> {
    let (path, item) = (context.config_path()?, item_of(name));
    let secret = client_secret::read(context)?;
    let mut is_valid = false;
    let set = edit::set_client_secret(&path, name, &item, |config| {
        is_valid = true;
        let spec = context.store_spec(config.store_of(config.profile(name)?))?;
        let store = context.open_store(&spec)?;
        runner::block_on(None, store.items.set(&item, &secret))
    });
    set.map_err(|error| invalid.filter(|_| !is_valid).unwrap_or(error))?;
    let (shown, item) = (one_line(name), one_line(&item));
    context.ui.say(format!(
        "Stored the client secret of `{shown}`, and set `client_secret = {{ keyring = \"{item}\" }}` in {}.",
        path.display()
    ));
    Ok(ExitCode::SUCCESS)
}
