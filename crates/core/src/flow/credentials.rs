//! The credentials of a client, read from the sources that its profile sets.

use super::turn::Context;
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::profile::{ClientAuth, GrantType, Profile, SecretSource};
use crate::protocol::certificate;
use crate::protocol::client_auth::Credentials;
use crate::protocol::signing_key::SigningKey;
use crate::text::one_line;

/// Reads the client credentials. That can take as long as a command runs, and a pipe can be read only
/// once.
pub(super) async fn credentials(context: Context<'_>) -> Result<Credentials> {
    let [mut secret, mut key, mut assertion, mut certificate] = [None, None, None, None];
    for (name, source) in secret_sources(context.profile) {
        let place = match name {
            "client_secret" => &mut secret,
            "private_key" => &mut key,
            "certificate" => &mut certificate,
            _ => &mut assertion,
        };
        let secret = resolve(context, name, source).await?;
        context.ports().trace.hide(&secret);
        *place = Some(secret);
    }
    let key = key.as_ref().map(SigningKey::read).transpose()?;
    let certificate = certificate.as_ref().map(certificate::first).transpose()?;
    Ok(Credentials { secret, key, assertion, certificate })
}

/// Reads the client's secrets before the user is involved or anything is spent, as far as that requires
/// neither a program nor the network.
pub(super) async fn prove_secrets(context: Context<'_>) -> Result<()> {
    for (name, source) in secret_sources(context.profile) {
        if matches!(source, SecretSource::Env(_) | SecretSource::File(_) | SecretSource::Keyring(_))
        {
            let secret = resolve(context, name, source).await?;
            if name == "private_key" {
                let of_key = |error: Error| {
                    error.context(format!(
                        "`{name}` of profile `{}`",
                        one_line(&context.profile.name)
                    ))
                };
                SigningKey::read(&secret).map_err(of_key)?;
            }
        }
    }
    Ok(())
}

/// Reads the secret that a key of the profile refers to.
pub(super) async fn resolve(
    context: Context<'_>,
    name: &str,
    source: &SecretSource,
) -> Result<Secret> {
    context.ports().secrets.resolve(source).await.map_err(|error| {
        let error = error.context(format!("`{name}` of profile `{}`", context.profile.name));
        match (source, error.advice().is_empty()) {
            (SecretSource::Env(variable), true) => {
                error.hint(format!("set the variable {variable}"))
            }
            (SecretSource::File(_), true) => {
                error.hint(format!("correct the file, or set `{name}` to another one"))
            }
            (SecretSource::Keyring(_), true) if name == "client_secret" => {
                error.hint(Advice::StoreClientSecret(context.profile.name.clone()))
            }
            _ => error,
        }
    })
}

/// Returns the key for the DPoP proofs of a grant: the profile's, else a new one.
pub(super) async fn dpop_key(context: Context<'_>) -> Result<Option<Secret>> {
    if !context.profile.dpop {
        return Ok(None);
    }
    let key = match &context.profile.client.private_key {
        Some(source) => SigningKey::read(&resolve(context, "private_key", source).await?)?,
        None => SigningKey::generate()?,
    };
    key.to_stored().map(Some)
}

/// Returns the sources of the client's secrets, with their configuration keys. The key of a certificate
/// belongs to the transport, and what only the grant requires is read when it is requested.
fn secret_sources(profile: &Profile) -> impl Iterator<Item = (&'static str, &SecretSource)> {
    let auth = profile.client.auth;
    let is_tls = auth.is_some_and(ClientAuth::is_mutual_tls);
    let is_of_grant =
        profile.grant == GrantType::JwtBearer && auth != Some(ClientAuth::PrivateKeyJwt);
    profile.secret_sources().filter(move |(key, _)| match *key {
        "client_secret" => true,
        "private_key" => !is_tls && !is_of_grant,
        "client_assertion" => !is_of_grant,
        "certificate" => !is_tls && !is_of_grant,
        _ => false,
    })
}
