//! The end of an authorization: redeems the code, validates the response and stores the tokens.

use std::collections::BTreeMap;

use super::authorize::Authorization;
use super::commit::{Warnings, prove_store, show};
use super::credentials::{credentials, renewed};
use super::critical::CriticalPart;
use super::exchange::{Exchange, Spends, exchange_with};
use super::first_tokens::{Completed, Requested, accept_and_store, used_up};
use super::hooks;
use super::ownership::replaced;
use super::pending::Claim;
use super::required::RequiredIdentity;
use super::turn::{Context, Peer, Turn, lock_wait};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Attribute, Grant};
use crate::profile::{Endpoint, Profile};
use crate::protocol::answer::Answer;
use crate::protocol::client_auth::Credentials;
use crate::protocol::state::refused;

/// Maximum size of a stored callback value, in bytes.
const LARGEST_KEPT: usize = 8 * 1024;

/// Requirements in addition to the rules of the protocol.
#[derive(Default)]
pub(super) struct Terms<'a> {
    /// Claimed right before the code is sent, so that it is sent once.
    pub(super) claim: Option<Claim<'a>>,
    /// The identity that must have granted.
    pub(super) identity: Option<&'a RequiredIdentity>,
}

/// The callback's parameters, and the answers of the hooks.
struct Response<'a> {
    code: &'a Secret,
    callback: &'a [(String, String)],
    params: BTreeMap<String, String>,
    attributes: BTreeMap<String, Attribute>,
    credentials: Credentials,
}

/// Redeems the code of an authenticated response, in the process that sent the request.
pub(super) async fn redeem(
    context: Context<'_>,
    authorization: &Authorization,
    code: &Secret,
    callback: &[(String, String)],
) -> Result<Completed> {
    if context.now() > authorization.expires_at {
        return Err(Error::new(ErrorKind::Timeout, "the authorization response arrived too late")
            .hint(Advice::StartAgain));
    }
    redeem_once(context, authorization, (code, callback), &Terms::default()).await
}

/// Redeems the code if the terms allow it, and stores the tokens if they meet the terms.
pub(super) async fn redeem_once(
    context: Context<'_>,
    pending: &Authorization,
    (code, callback): (&Secret, &[(String, String)]),
    terms: &Terms<'_>,
) -> Result<Completed> {
    let Context { shared, profile } = context;
    let ports = &shared.ports;
    let credentials = match &pending.credentials {
        Some(before) => renewed(context, before).await?,
        None => credentials(context).await?,
    };
    let (attributes, params) = pending.requested().ask_hooks(context).await?;
    let mut lock = ports.coordinator.lock(&pending.key, lock_wait(profile)).await?;
    let _room = prove_store(ports, &pending.key).await?;
    if let Some(claim) = &terms.claim {
        // The hooks and the lock may have taken a while.
        claim.claims.check_time(ports.now())?;
    }
    // Whatever prevents the new grant is found before anything is spent.
    let (replaced, moved) = replaced(ports, &pending.key, pending.user.as_deref()).await?;
    let response = Response { code, callback, params, attributes, credentials };
    let (server, pin) = (&pending.server, pending.pin.clone());
    let mut turn = Turn { shared, profile, server, pin, lock: &mut *lock };
    match spend(&mut turn, pending, response, replaced, terms).await {
        Ok(mut done) => {
            done.warnings.splice(0..0, moved);
            Ok(done)
        }
        // There is no point in looking for a record that was moved.
        Err(error) => Err(match moved.first() {
            Some(warning) => error.context(warning.message()),
            None => error,
        }),
    }
}

/// Claims the flow, sends the code and stores the tokens.
async fn spend(
    turn: &mut Turn<'_>,
    pending: &Authorization,
    response: Response<'_>,
    replaced: Option<Grant>,
    terms: &Terms<'_>,
) -> Result<Completed> {
    let (peer, profile) = (turn.peer(), turn.profile);
    let critical = turn.shared.critical.enter(CriticalPart::Redemption);
    if let Some(claim) = &terms.claim {
        // Whatever became of the marks, the grant of this code exists.
        if replaced.as_ref().is_some_and(|grant| grant.id == pending.grant_id) {
            return Err(refused());
        }
        claim.take().await?;
    }
    let requested = Requested { is_claimed: terms.claim.is_some(), ..pending.requested() };
    let Requested { is_claimed, .. } = requested;
    let (code, params) = (response.code, response.params);
    let answer = send_code(peer, pending, code, params, &response.credentials).await;
    let answer = answer.map_err(|error| used_up(error, is_claimed))?;
    let client_secret = response.credentials.secret.as_ref();
    let (reply, identified) = requested.validated(peer, &answer, client_secret).await?;
    let notes = reply.notes.clone();
    let mut warnings = Warnings::new();
    let mut grant = requested.grant(peer.context(), reply, identified, &mut warnings);
    grant.generation = replaced.map_or(1, |old| old.generation.saturating_add(1));
    let (kept, unusable) = kept_from_callback(profile, response.callback);
    grant.kept.extend(kept);
    warnings.extend(unusable);
    grant.attributes.extend(response.attributes);
    warnings.extend(accept_and_store(turn, &mut grant, terms.identity, is_claimed).await?);
    drop(critical);
    warnings.extend(show(peer.context(), &grant).await);
    Ok(Completed::of(peer.context(), grant, warnings, notes))
}

async fn send_code(
    peer: Peer<'_>,
    pending: &Authorization,
    code: &Secret,
    params: BTreeMap<String, String>,
    credentials: &Credentials,
) -> Result<Answer> {
    let profile = peer.profile;
    peer.trace_step("Redeeming the code for tokens", "RFC 6749, section 4.1.3");
    let mut form = vec![
        ("grant_type".to_owned(), "authorization_code".to_owned()),
        ("code".to_owned(), code.expose().to_owned()),
        ("redirect_uri".to_owned(), pending.redirect_uri.clone()),
    ];
    if let Some(verifier) = &pending.verifier {
        form.push(("code_verifier".to_owned(), verifier.expose().to_owned()));
    }
    form.extend(profile.resource.iter().map(|r| ("resource".to_owned(), r.clone())));
    form.extend(profile.token_params.clone());
    hooks::add(&mut form, params);
    let request = Exchange {
        purpose: Endpoint::Token.purpose(),
        endpoint: peer.token_endpoint()?,
        form,
        spends: Spends::Once,
        dpop_key: pending.dpop_key.as_ref(),
        may_be_json: true,
    };
    let answer = exchange_with(peer, credentials, &request).await;
    answer.map_err(|no_answer| no_answer.error)
}

/// Returns the callback values that the profile stores. An unusable value is omitted with a warning,
/// because the tokens are valid.
fn kept_from_callback(
    profile: &Profile,
    callback: &[(String, String)],
) -> (BTreeMap<String, serde_json::Value>, Warnings) {
    let (mut kept, mut warnings) = (BTreeMap::new(), Warnings::new());
    for name in &profile.keep_from_callback {
        let mut values = callback.iter().filter(|(n, _)| n == name).map(|(_, value)| value);
        let Some(value) = values.next() else { continue };
        let fault = if values.any(|other| other != value) {
            "it appears more than once"
        } else if value.len() > LARGEST_KEPT {
            "it is longer than 8 KiB"
        } else if value.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            "it contains a control character or is not valid UTF-8"
        } else {
            kept.insert(name.clone(), value.clone().into());
            continue;
        };
        let what = format!("`{name}` of the callback was not stored: {fault}");
        warnings.push(Error::validation(what));
    }
    (kept, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_value_is_kept_only_if_it_is_clean() {
        let text = "[profiles.p]\nclient_id = \"c\"\nissuer = \"https://s.example\"\n\
                    keep_from_callback = [\"realmId\"]\n";
        let config = crate::profile::ConfigFile::of_text("c.toml".as_ref(), text).parse().unwrap();
        let profile = config.profile("p").unwrap();
        for (raw, kept) in [
            ("realmId=1%2F2&realmId=1/2", Some("1/2")),
            ("realmId=f%C3%BCr+x", Some("für x")),
            ("realmId=100%", Some("100%")),
            ("other=1", None),
            ("realmId=1&realmId=2", None),
            ("realmId=a%0d%0ab", None),
            ("realmId=a%C2%85", None),
            ("realmId=%FC", None),
            (&format!("realmId={}", "x".repeat(LARGEST_KEPT + 1)), None),
        ] {
            let callback = crate::protocol::callback::parse_query(raw).unwrap().to_pairs();
            let (found, warnings) = kept_from_callback(profile, &callback);
            assert_eq!(found.get("realmId").and_then(|v| v.as_str()), kept, "{raw}");
            let is_warned = kept.is_none() && raw.starts_with("realmId");
            assert_eq!(warnings.len(), usize::from(is_warned), "{raw}: {warnings:?}");
        }
    }
}
