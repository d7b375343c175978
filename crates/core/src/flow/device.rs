//! The device authorization grant (RFC 8628): the user logs in on any device, while this program polls.

mod pace;

use std::collections::BTreeMap;
use std::time::Duration;

use self::pace::Pace;
use super::authorize::check_extra;
use super::commit::{Room, Warnings, prove_store, prove_store_again, show};
use super::credentials::{credentials, dpop_key};
use super::critical::CriticalPart;
use super::exchange::{Exchange, Spends, exchange_with};
use super::first_tokens::{Completed, Requested, accept_and_store};
use super::hooks;
use super::load::load;
use super::ownership::replaced;
use super::pin::pin;
use super::turn::{Context, Peer, Turn, lock_wait};
use crate::Secret;
use crate::advice::Advice;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::{Attribute, GrantKey, Pin};
use crate::profile::discovery::Purpose;
use crate::profile::{AuthorizationServer, Endpoint, GrantType, Profile, scopes};
use crate::protocol::answer::Answer;
use crate::protocol::client_auth::Credentials;
use crate::protocol::device::{self, Poll};
use crate::protocol::random;
use crate::time::Timestamp;

/// How long codes are assumed to be valid if the server does not say.
const USUAL_LIFE: Duration = Duration::from_secs(900);

const EXPIRED: &str = "the code expired before the login was approved";

/// A request to [`FlowManager::authorize_device`](crate::FlowManager::authorize_device).
#[derive(Clone)]
#[non_exhaustive]
pub struct DeviceRequest {
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The scopes, one per element or several separated by spaces. If empty, those of the profile are used.
    pub scopes: Vec<String>,
    /// Additional parameters of the device authorization request that are not reserved.
    pub extra: Vec<(String, String)>,
    /// How long to wait for the user at most. The server's codes may expire earlier.
    pub ttl: Option<Duration>,
}

crate::redact::debug::redacted_debug!(DeviceRequest {
    key,
    scopes,
    extra => pairs,
    ttl,
});

impl DeviceRequest {
    /// A request for what the profile of the key says, which ends when the server's codes expire.
    pub fn new(key: GrantKey) -> Self {
        Self { key, scopes: Vec::new(), extra: Vec::new(), ttl: None }
    }
}

/// A pending device authorization. Show [`user_code`](Self::user_code) and
/// [`verification_uri`](Self::verification_uri) to the user: both are safe for a terminal. `Debug` omits the device
/// code, which is never shown.
#[non_exhaustive]
pub struct DeviceAuthorization {
    /// The code that the user enters.
    pub user_code: String,
    /// The page where the user enters it: https, or http on a loopback host.
    pub verification_uri: String,
    /// The same page with the code filled in, on the same server. Show the code even where this page is opened,
    /// so that the user can compare it (RFC 8628, section 3.3.1).
    pub verification_uri_complete: Option<String>,
    /// The key under which the grant will be stored.
    pub key: GrantKey,
    /// The requested scopes.
    pub scopes: Vec<String>,
    /// When polling ends.
    pub expires_at: Timestamp,
    /// The id that the grant will have.
    pub grant_id: String,
    handle: Handle,
    dpop_key: Option<Secret>,
    credentials: Credentials,
    server: AuthorizationServer,
    pin: Pin,
    attributes: BTreeMap<String, Attribute>,
    pace: Pace,
    /// Whether the wait ends before the codes expire.
    is_cut: bool,
    prepared: Option<Prepared>,
    _room: Room,
}

/// What is polled for.
enum Handle {
    /// A device code (RFC 8628).
    DeviceCode(Secret),
    /// An authentication request that the server takes to the user by itself (OpenID Connect CIBA).
    Backchannel(Secret),
}

impl Handle {
    /// Returns the grant type of the polls.
    fn grant(&self) -> GrantType {
        match self {
            Self::DeviceCode(_) => GrantType::DeviceCode,
            Self::Backchannel(_) => GrantType::Ciba,
        }
    }

    /// Returns its parameter in a poll.
    fn parameter(&self) -> (String, String) {
        let (name, value) = match self {
            Self::DeviceCode(code) => ("device_code", code),
            Self::Backchannel(id) => ("auth_req_id", id),
        };
        (name.to_owned(), value.expose().to_owned())
    }
}

/// What happens once, before the first poll.
struct Prepared {
    /// What the hooks add to the requests.
    params: BTreeMap<String, String>,
    /// The generation of the grant that the new one replaces.
    replaces: u64,
    warnings: Warnings,
}

impl std::fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("grant_id", &self.grant_id)
            .field("key", &self.key)
            .field("verification_uri", &self.verification_uri)
            .field("scopes", &self.scopes)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl DeviceAuthorization {
    /// Returns the authorization server.
    pub fn server(&self) -> &AuthorizationServer {
        &self.server
    }

    /// Returns whether the server asks the user by itself, on a device that it knows (OpenID Connect CIBA). There
    /// is then no code and no page.
    pub fn is_backchannel(&self) -> bool {
        matches!(self.handle, Handle::Backchannel(_))
    }

    /// Returns the time until the next poll.
    pub fn wait(&self) -> Duration {
        self.pace.wait()
    }

    fn requested(&self) -> Requested<'_> {
        Requested {
            key: &self.key,
            grant_id: &self.grant_id,
            scopes: &self.scopes,
            user: None,
            attributes: &self.attributes,
            // No message of this grant carries a nonce.
            nonce: None,
            dpop_key: self.dpop_key.as_ref(),
            pin: &self.pin,
            is_claimed: false,
        }
    }
}

/// The outcome of one poll.
#[derive(Debug)]
#[non_exhaustive]
pub enum DevicePoll {
    /// The user has not decided yet: poll again.
    Pending,
    /// There was no answer, for this reason: poll again.
    Unanswered(String),
    /// The user has granted; the tokens are stored.
    Completed(Box<Completed>),
}

/// Returns the profile as one of this grant type: a login of any profile may use the device flow, unless the
/// server asks the user by itself.
pub(super) fn of_device(profile: &Profile) -> Profile {
    if profile.grant == GrantType::Ciba {
        return profile.clone();
    }
    Profile { grant: GrantType::DeviceCode, ..profile.clone() }
}

/// Requests the codes.
pub(super) async fn authorize(
    context: Context<'_>,
    request: DeviceRequest,
) -> Result<DeviceAuthorization> {
    let profile = context.profile;
    check_extra(&request.extra)?;
    scopes::check(&request.scopes)?;
    let room = prove_store(context.ports(), &request.key).await?;
    let credentials = credentials(context).await?;
    let server = context.server(Purpose::Login).await?;
    let peer = context.with(&server);
    let pin = pin(profile, &server)?;
    let dpop_key = dpop_key(context, Some(&credentials)).await?;
    let scopes = if request.scopes.is_empty() { &profile.scopes } else { &request.scopes };
    let scopes = scopes::split(scopes, &profile.scope_separator);
    let sent_at = context.now();
    let answer = send_request(peer, &credentials, &scopes, &request.extra).await?;
    let is_backchannel = profile.grant == GrantType::Ciba;
    let reply = match is_backchannel {
        true => device::read_backchannel(&answer, profile)?,
        false => device::read(&answer, profile)?,
    };
    context.ports().trace.hide(&reply.device_code);
    let handle = match is_backchannel {
        true => Handle::Backchannel(reply.device_code),
        false => Handle::DeviceCode(reply.device_code),
    };
    let life = reply.expires_in.unwrap_or(USUAL_LIFE);
    let is_cut = request.ttl.is_some_and(|ttl| ttl < life);
    let life = request.ttl.map_or(life, |ttl| ttl.min(life));
    Ok(DeviceAuthorization {
        user_code: reply.user_code,
        verification_uri: reply.verification_uri,
        verification_uri_complete: reply.verification_uri_complete,
        key: request.key,
        scopes,
        expires_at: sent_at.plus(life),
        grant_id: random::grant_id()?,
        handle,
        dpop_key,
        credentials,
        pin,
        server,
        attributes: BTreeMap::new(),
        pace: Pace::new(reply.interval, life),
        is_cut,
        prepared: None,
        _room: room,
    })
}

/// Sends the device authorization request (section 3.1).
async fn send_request(
    peer: Peer<'_>,
    credentials: &Credentials,
    scopes: &[String],
    extra: &[(String, String)],
) -> Result<Answer> {
    let Peer { profile, server, .. } = peer;
    let known = match profile.grant {
        GrantType::Ciba => Endpoint::BackchannelAuthentication,
        _ => Endpoint::DeviceAuthorization,
    };
    let endpoint = server.endpoints.get(known).ok_or_else(|| {
        let title = known.title();
        Error::config(format!("no {title} endpoint is known for profile `{}`", profile.name))
    })?;
    let mut form = vec![("client_id".to_owned(), profile.client.id.clone())];
    if known == Endpoint::BackchannelAuthentication {
        peer.trace_step("Asking the server to ask the user", "OpenID Connect CIBA, section 7.1");
        form.extend(backchannel_parameters(profile, extra)?);
    } else {
        peer.trace_step("Requesting a code for the user", "RFC 8628, section 3.1");
    }
    let mut push = |name: &str, value: String| form.push((name.to_owned(), value));
    if !scopes.is_empty() {
        push(&profile.scope_param, scopes.join(&profile.scope_separator));
    }
    if let Some(audience) = &profile.audience {
        push("audience", audience.clone());
    }
    for resource in &profile.resource {
        push("resource", resource.clone());
    }
    if !profile.authorization_details.is_empty() {
        let details = serde_json::Value::Array(profile.authorization_details.clone());
        push("authorization_details", details.to_string());
    }
    for (name, value) in &profile.authorization_params {
        // There is no response in a browser.
        if name != "response_mode" && !extra.iter().any(|(n, _)| n == name) {
            push(name, value.clone());
        }
    }
    form.extend(extra.iter().cloned());
    let request = Exchange {
        purpose: known.purpose(),
        endpoint,
        form,
        spends: Spends::Again,
        dpop_key: None,
        may_be_json: false,
    };
    exchange_with(peer, credentials, &request).await.map_err(|no_answer| no_answer.error)
}

/// Returns who is asked, and what the user sees. Hints of the caller take precedence.
fn backchannel_parameters(
    profile: &Profile,
    extra: &[(String, String)],
) -> Result<Vec<(String, String)>> {
    let given = |name: &str| {
        let all = extra.iter().map(|(n, _)| n).chain(profile.authorization_params.keys());
        all.into_iter().any(|known| known == name)
    };
    let inputs = &profile.inputs;
    let has_hint = ["login_hint", "login_hint_token", "id_token_hint"].into_iter().any(given);
    if inputs.login_hint.is_none() && !has_hint {
        let what = format!("profile `{}` does not say who is to log in", profile.name);
        return Err(Error::config(what).hint(Advice::configure(
            &["login_hint"],
            "set `login_hint` in the profile, for example to an e-mail address",
        )));
    }
    let own = [
        ("login_hint", inputs.login_hint.as_ref().filter(|_| !has_hint)),
        ("binding_message", inputs.binding_message.as_ref()),
    ];
    let own = own.into_iter().filter(|(name, _)| !given(name));
    Ok(own.filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))).collect())
}

/// Waits until the next poll is due, and polls once.
pub(super) async fn poll(
    context: Context<'_>,
    authorization: &mut DeviceAuthorization,
) -> Result<DevicePoll> {
    wait(context, authorization).await?;
    if authorization.prepared.is_none() {
        authorization.prepared = Some(prepare(context, authorization).await?);
    }
    let Context { shared, profile } = context;
    let ports = &shared.ports;
    let mut lock = ports.coordinator.lock(&authorization.key, lock_wait(profile)).await?;
    // The store may have been locked or filled meanwhile.
    prove_store_again(ports, &authorization.key).await?;
    let server = authorization.server.clone();
    let pin = authorization.pin.clone();
    let mut turn = Turn { shared, profile, server: &server, pin, lock: &mut *lock };
    send_poll(&mut turn, authorization).await
}

/// Waits for the interval. Both clocks count: the wall clock goes on while a laptop sleeps, and the time
/// that was waited also passes if the wall clock is set back.
async fn wait(context: Context<'_>, authorization: &mut DeviceAuthorization) -> Result<()> {
    let remaining = authorization.expires_at.remaining(context.now());
    let wait = authorization.pace.wait().min(remaining);
    context.clock().sleep(wait).await;
    authorization.pace.waited(wait);
    let is_over = authorization.expires_at.remaining(context.now()).is_zero();
    if is_over || wait < authorization.pace.wait() || authorization.pace.is_over() {
        return Err(match authorization.is_cut {
            true => Error::new(ErrorKind::Timeout, "timed out waiting for the user to log in")
                .hint(Advice::WaitLonger),
            false => Error::new(ErrorKind::Timeout, EXPIRED).hint(Advice::StartAgain),
        });
    }
    Ok(())
}

/// Finds whatever prevents the new grant before anything is spent.
async fn prepare(
    context: Context<'_>,
    authorization: &mut DeviceAuthorization,
) -> Result<Prepared> {
    let (attributes, params) = authorization.requested().ask_hooks(context).await?;
    authorization.attributes = attributes;
    let wait = lock_wait(context.profile);
    let lock = context.ports().coordinator.lock(&authorization.key, wait).await?;
    let (old, warnings) = replaced(context.ports(), &authorization.key, None).await?;
    drop(lock);
    Ok(Prepared { params, replaces: old.map_or(0, |old| old.generation), warnings })
}

/// Polls, and stores the tokens that arrive.
async fn send_poll(
    turn: &mut Turn<'_>,
    authorization: &mut DeviceAuthorization,
) -> Result<DevicePoll> {
    let (peer, profile) = (turn.peer(), turn.profile);
    let critical = turn.shared.critical.enter(CriticalPart::Redemption);
    peer.trace_step("Polling for the user's decision", "RFC 8628, section 3.4");
    let mut form = vec![
        ("grant_type".to_owned(), authorization.handle.grant().wire().to_owned()),
        authorization.handle.parameter(),
    ];
    form.extend(profile.resource.iter().map(|r| ("resource".to_owned(), r.clone())));
    form.extend(profile.token_params.clone());
    let params = authorization.prepared.as_ref().map(|prepared| prepared.params.clone());
    hooks::add(&mut form, params.unwrap_or_default());
    let request = Exchange {
        purpose: Endpoint::Token.purpose(),
        endpoint: peer.token_endpoint()?,
        form,
        spends: Spends::Polled,
        dpop_key: authorization.dpop_key.as_ref(),
        may_be_json: true,
    };
    let answer = match exchange_with(peer, &authorization.credentials, &request).await {
        Ok(answer) => answer,
        Err(no_answer) if no_answer.error.is_transient() => {
            authorization.pace.unanswered();
            return Ok(DevicePoll::Unanswered(no_answer.error.message().to_owned()));
        }
        Err(no_answer) => return Err(no_answer.error),
    };
    match device::judge_poll(&answer) {
        Poll::Pending => authorization.pace.answered(),
        Poll::SlowDown(interval) => authorization.pace.slow_down(interval),
        Poll::Unanswered(why) => {
            authorization.pace.unanswered();
            return Ok(DevicePoll::Unanswered(why));
        }
        Poll::Expired(oauth) => {
            let error = Error::new(ErrorKind::Timeout, EXPIRED).with_oauth(oauth);
            return Err(error.hint(Advice::StartAgain));
        }
        Poll::Decided => {
            let completed = finish(turn, authorization, &answer).await?;
            drop(critical);
            return Ok(DevicePoll::Completed(Box::new(completed)));
        }
    }
    Ok(DevicePoll::Pending)
}

/// Validates and stores the tokens.
async fn finish(
    turn: &mut Turn<'_>,
    authorization: &mut DeviceAuthorization,
    answer: &Answer,
) -> Result<Completed> {
    let context = turn.context();
    let prepared = authorization.prepared.take();
    let (replaces, mut warnings) =
        prepared.map_or((0, Warnings::new()), |p| (p.replaces, p.warnings));
    let requested = authorization.requested();
    let client_secret = authorization.credentials.secret.as_ref();
    let validated = requested.validated(turn.peer(), answer, client_secret).await;
    let (reply, identified) = validated.map_err(|error| match error.kind() {
        ErrorKind::AccessDenied if error.advice().is_empty() => error.hint(Advice::AllowAccess),
        _ => error,
    })?;
    let notes = reply.notes.clone();
    let mut grant = requested.grant(context, reply, identified, &mut warnings);
    // The old grant may have been refreshed while the user was logging in.
    let old = load(turn.ports(), &authorization.key).await.ok().flatten();
    let replaces = old.map_or(0, |old| old.generation).max(replaces);
    grant.generation = replaces.saturating_add(1);
    warnings.extend(accept_and_store(turn, &mut grant, None, false).await?);
    warnings.extend(show(context, &grant).await);
    Ok(Completed { grant, warnings, notes })
}
