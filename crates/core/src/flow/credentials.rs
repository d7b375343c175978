//! The credentials of a client, read from the sources that its profile sets.

use std::sync::Arc;

use super::turn::Context;
use crate::Secret;
use crate::advice::Advice;
use crate::error::Result;
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
    let key = key.as_ref().map(|key| read_key(context, key).map(Arc::new)).transpose()?;
    let certificate = certificate.as_ref().map(certificate::first).transpose()?;
    let is_svid = matches!(context.profile.client.assertion, Some(SecretSource::Spiffe(_)));
    Ok(Credentials { secret, key, assertion, is_svid, certificate })
}

/// Returns credentials that were read before, ready for another request: only the assertion is read again,
/// because its lifetime is short. What prompts the user is not asked twice.
pub(super) async fn renewed(context: Context<'_>, before: &Credentials) -> Result<Credentials> {
    let mut credentials = before.clone();
    let mut sources = secret_sources(context.profile);
    if let Some((name, source)) = sources.find(|(name, _)| *name == "client_assertion") {
        let assertion = resolve(context, name, source).await?;
        context.ports().trace.hide(&assertion);
        credentials.assertion = Some(assertion);
    }
    Ok(credentials)
}

fn read_key(context: Context<'_>, key: &Secret) -> Result<SigningKey> {
    SigningKey::read(key).map_err(|error| {
        error.context(format!("`private_key` of profile `{}`", one_line(&context.profile.name)))
    })
}

/// Reads the client's secrets before the user is involved or anything is spent, as far as that requires
/// neither a program nor the network: another process reads them again.
pub(super) async fn prove_secrets(context: Context<'_>) -> Result<()> {
    for (name, source) in secret_sources(context.profile) {
        if matches!(source, SecretSource::Env(_) | SecretSource::File(_) | SecretSource::Keyring(_))
        {
            let secret = resolve(context, name, source).await?;
            if name == "private_key" {
                read_key(context, &secret)?;
            }
        }
    }
    Ok(())
}

/// Checks the private key and the certificate that are part of a profile and sign its requests. Those of mutual TLS belong
/// to the transport, which checks them.
///
/// # Errors
///
/// Returns `Config` if one of them cannot be used.
pub fn check_signing_key(profile: &Profile) -> Result<()> {
    let client = &profile.client;
    if client.auth.is_some_and(ClientAuth::is_mutual_tls) {
        return Ok(());
    }
    if let Some(SecretSource::Inline(key)) = &client.private_key {
        SigningKey::read(key).map_err(|error| error.context("`private_key`"))?;
    }
    if let Some(SecretSource::Inline(pem)) = &client.certificate {
        certificate::first(pem).map_err(|error| error.context("`certificate`"))?;
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
            (SecretSource::File(_) | SecretSource::Spiffe(_), true) => {
                error.hint(format!("correct the file, or set `{name}` to another one"))
            }
            (SecretSource::Keyring(_), true) if name == "client_secret" => {
                error.hint(Advice::StoreClientSecret(context.profile.name.clone()))
            }
            _ => error,
        }
    })
}

/// Returns the key for the DPoP proofs of a grant: the profile's, else a new one. Credentials that were read
/// before have it already.
pub(super) async fn dpop_key(
    context: Context<'_>,
    credentials: Option<&Credentials>,
) -> Result<Option<Secret>> {
    if !context.profile.dpop {
        return Ok(None);
    }
    if let Some(key) = credentials.and_then(|credentials| credentials.key.as_ref()) {
        return key.to_stored().map(Some);
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
