//! Completes what configuration says of an authorization server by what the server says of itself
//! (OpenID Connect Discovery, RFC 8414).

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;
use zeroize::Zeroizing;

use super::id_token::needs_secret;
use super::metadata::{Unique, judge, relevant};
use super::{
    AuthorizationServer, Endpoints, GrantType, LoginFlow, Par, Pkce, Profile, atomic_file, endpoint,
};
use crate::digest::hex_sha256;
use crate::error::{Error, Result};
use crate::port::{Clock, Http, HttpRequest, HttpResponse, Method};
use crate::text::one_line;
use crate::time::Timestamp;

/// The most bytes of a document.
const MAX_BYTES: usize = 1 << 20;
/// How long a document is kept where the server does not ask for less.
const KEPT: Duration = Duration::from_secs(24 * 3_600);
/// How long it is kept at least.
const KEPT_AT_LEAST: Duration = Duration::from_secs(300);
/// The form of cache files.
const CACHE_VERSION: u32 = 1;

/// The authorization server of a profile, with everything that its grant needs. Nothing is fetched
/// where the configuration names all of that. What the configuration names overrides metadata.
/// Metadata is kept in `cache_dir` for a day at most.
///
/// # Errors
/// `Validation` where the metadata is not the issuer's, names an unsafe endpoint, or excludes
/// PKCE with S256; `Config` where there is no metadata or an endpoint is still missing;
/// `Unavailable` where the server does not answer.
pub(crate) async fn resolve(
    profile: &Profile,
    http: &dyn Http,
    clock: &dyn Clock,
    cache_dir: Option<&Path>,
) -> Result<AuthorizationServer> {
    profile.check()?;
    let server = match &profile.issuer {
        Some(issuer) if !missing(profile, &profile.endpoints).is_empty() => {
            let known = known(issuer, http, clock, cache_dir).await?;
            overridden(profile, known)
        }
        _ => overridden(profile, nothing()),
    };
    judge_for(profile, server)
}

/// The same with everything that is known of the server: metadata is fetched wherever there is an
/// issuer. For endpoints that a grant does not need: revocation, introspection, userinfo.
///
/// # Errors
/// As [`resolve`].
pub(crate) async fn resolve_fully(
    profile: &Profile,
    http: &dyn Http,
    clock: &dyn Clock,
    cache_dir: Option<&Path>,
) -> Result<AuthorizationServer> {
    profile.check()?;
    let server = match &profile.issuer {
        Some(issuer) => overridden(profile, known(issuer, http, clock, cache_dir).await?),
        None => overridden(profile, nothing()),
    };
    judge_for(profile, server)
}

/// Whether responses of this profile's server are to carry `iss` (RFC 9207), as the metadata said when
/// it was last fetched into `cache_dir`; `None` where it was not yet, and would have to be.
#[doc(hidden)]
pub fn announces_iss(profile: &Profile, cache_dir: &Path) -> Option<bool> {
    let Some(issuer) = &profile.issuer else { return Some(false) };
    if missing(profile, &profile.endpoints).is_empty() {
        return Some(false);
    }
    let bytes = atomic_file::read(&cache_path(cache_dir, issuer))?;
    let entry: Cached = serde_json::from_slice(&bytes).ok()?;
    let server = judge(issuer, &entry.document).ok().filter(|_| entry.issuer == *issuer)?;
    Some(server.iss_parameter_supported)
}

fn nothing() -> AuthorizationServer {
    AuthorizationServer {
        issuer: None,
        endpoints: Endpoints::default(),
        code_challenge_methods: None,
        iss_parameter_supported: false,
        require_par: false,
        id_token_algs: Vec::new(),
        token_auth_methods: Vec::new(),
    }
}

/// The endpoints that this profile's grant needs and that are not among these.
fn missing(profile: &Profile, endpoints: &Endpoints) -> Vec<&'static str> {
    let code = profile.grant == GrantType::AuthorizationCode;
    let device =
        profile.grant == GrantType::DeviceCode || code && profile.flow.contains(&LoginFlow::Device);
    let openid = profile.scopes.iter().any(|scope| scope == "openid");
    let by_secret = profile.id_token_signed_response_alg.as_deref().is_some_and(needs_secret);
    let keys = openid && profile.grant.needs_person() && !by_secret;
    let pushed = &endpoints.pushed_authorization_request;
    [
        (code, &endpoints.authorization, "authorization_endpoint"),
        (true, &endpoints.token, "token_endpoint"),
        (device, &endpoints.device_authorization, "device_authorization_endpoint"),
        (code && profile.par == Par::Always, pushed, "pushed_authorization_request_endpoint"),
        (keys, &endpoints.jwks_uri, "jwks_uri"),
    ]
    .into_iter()
    .filter(|(needed, endpoint, _)| *needed && endpoint.is_none())
    .map(|(_, _, name)| name)
    .collect()
}

/// What the configuration names, over what the server says.
fn overridden(profile: &Profile, mut server: AuthorizationServer) -> AuthorizationServer {
    let own = &profile.endpoints;
    let of_server = &mut server.endpoints;
    for (own, of_server) in [
        (&own.authorization, &mut of_server.authorization),
        (&own.token, &mut of_server.token),
        (&own.refresh, &mut of_server.refresh),
        (&own.device_authorization, &mut of_server.device_authorization),
        (&own.pushed_authorization_request, &mut of_server.pushed_authorization_request),
        (&own.revocation, &mut of_server.revocation),
        (&own.introspection, &mut of_server.introspection),
        (&own.userinfo, &mut of_server.userinfo),
        (&own.registration, &mut of_server.registration),
        (&own.end_session, &mut of_server.end_session),
        (&own.jwks_uri, &mut of_server.jwks_uri),
    ] {
        if own.is_some() {
            of_server.clone_from(own);
        }
    }
    server.issuer.clone_from(&profile.issuer);
    server
}

/// Whether the server can serve this profile. A device endpoint that only a later choice needs, or
/// keys that only an id_token needs, are missed where they are used.
fn judge_for(profile: &Profile, server: AuthorizationServer) -> Result<AuthorizationServer> {
    let absent: Vec<&str> = missing(profile, &server.endpoints)
        .into_iter()
        .filter(|name| *name != "jwks_uri")
        .filter(|name| {
            *name != "device_authorization_endpoint" || profile.grant == GrantType::DeviceCode
        })
        .collect();
    if let Some(name) = absent.first() {
        let issuer = server.issuer.as_deref().map_or_else(|| "the server".to_owned(), one_line);
        return Err(Error::config(format!("{issuer} has no {name} that is known"))
            .hint(format!("set `{name}` in the profile, if there is one")));
    }
    let without_s256 = server
        .code_challenge_methods
        .as_ref()
        .is_some_and(|methods| !methods.iter().any(|method| method == "S256"));
    if without_s256 && profile.pkce == Pkce::S256 && profile.grant == GrantType::AuthorizationCode {
        let methods = server.code_challenge_methods.unwrap_or_default().join(", ");
        let methods = if methods.is_empty() { "none".to_owned() } else { one_line(&methods) };
        return Err(Error::validation(format!(
            "the server offers PKCE without S256 (it lists {methods}), so a code could be stolen on its way"
        ))
        .hint("ask its operator for S256; `pkce = \"off\"` in the profile goes without"));
    }
    Ok(server)
}

/// The metadata of an issuer, from the cache or from the issuer itself.
async fn known(
    issuer: &str,
    http: &dyn Http,
    clock: &dyn Clock,
    cache_dir: Option<&Path>,
) -> Result<AuthorizationServer> {
    let now = clock.now();
    if let Some(server) = cache_dir.and_then(|dir| cached(dir, issuer, now)) {
        return Ok(server);
    }
    let (document, lifetime) = fetch(issuer, http).await?;
    let server = judge(issuer, &document)?;
    if let Some(dir) = cache_dir {
        let until = now.plus(lifetime);
        let version = CACHE_VERSION;
        let issuer = issuer.to_owned();
        let entry = Cached { version, issuer, fetched_at: now, good_until: until, document };
        keep(dir, &entry);
    }
    Ok(server)
}

#[derive(Serialize, Deserialize)]
struct Cached {
    version: u32,
    issuer: String,
    fetched_at: Timestamp,
    good_until: Timestamp,
    document: Map<String, Value>,
}

fn cache_path(dir: &Path, issuer: &str) -> PathBuf {
    dir.join(format!("{}.json", hex_sha256(&[issuer.as_bytes()])))
}

/// What is kept is judged again, as if it had just come: a damaged file is no file.
fn cached(dir: &Path, issuer: &str, now: Timestamp) -> Option<AuthorizationServer> {
    let bytes = atomic_file::read(&cache_path(dir, issuer))?;
    let entry: Cached = serde_json::from_slice(&bytes).ok()?;
    let current = entry.fetched_at <= now
        && now < entry.good_until
        && entry.good_until <= entry.fetched_at.plus(KEPT);
    if entry.version != CACHE_VERSION || entry.issuer != issuer || !current {
        return None;
    }
    judge(issuer, &entry.document).ok()
}

/// Keeping is an optimisation: where it fails, the next run fetches again.
fn keep(dir: &Path, entry: &Cached) {
    let Ok(bytes) = serde_json::to_vec(entry) else { return };
    if atomic_file::private_directory(dir).is_ok() {
        let _ = atomic_file::write_lazily(&cache_path(dir, &entry.issuer), &bytes);
    }
}

/// Where an issuer's metadata may be: OpenID Connect's place, that of RFC 8414 (between host and
/// path, section 3.1), and, for an issuer with a path, OpenID Connect's document at that place too
/// (section 5).
fn candidates(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/').to_owned();
    let at = |path: String| {
        let mut url = issuer.clone();
        url.set_path(&path);
        url
    };
    let mut urls = vec![
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ];
    if !path.is_empty() {
        urls.push(at(format!("/.well-known/openid-configuration{path}")));
    }
    urls
}

/// Why a place gives no document.
struct Nothing {
    why: String,
    passing: bool,
}

async fn fetch(issuer: &str, http: &dyn Http) -> Result<(Map<String, Value>, Duration)> {
    let url =
        endpoint::check_issuer(issuer).map_err(|why| Error::config(format!("the issuer {why}")))?;
    let mut failures = Vec::new();
    for url in candidates(&url) {
        let shown = one_line(url.as_str());
        let request = HttpRequest {
            purpose: "discovery",
            method: Method::Get,
            url,
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Zeroizing::default(),
        };
        let response = http
            .send(&request)
            .await
            .map_err(|error| error.told(format!("cannot fetch {shown}: {}", error.message)))?;
        match document(&response) {
            Ok(document) => return Ok((relevant(document), lifetime(&response))),
            Err(nothing) => failures.push((shown, nothing)),
        }
    }
    Err(none_found(issuer, &failures))
}

fn none_found(issuer: &str, failures: &[(String, Nothing)]) -> Error {
    let lines = failures.iter().map(|(url, nothing)| format!("  {url}: {}", nothing.why));
    let message = format!("no metadata of {}:", one_line(issuer));
    if failures.iter().any(|(_, nothing)| nothing.passing) {
        return Error::unavailable(message).and_lines(lines).hint("try again later");
    }
    Error::config(message).and_lines(lines).hint(
        "check `issuer`, or name `authorization_endpoint` and `token_endpoint` in the profile",
    )
}

/// The document of an answer, or what the answer was instead.
fn document(response: &HttpResponse) -> Result<Map<String, Value>, Nothing> {
    let because = |why: String| Nothing { why, passing: false };
    match response.status {
        200 => {}
        status @ 300..400 => {
            let to = response
                .header("location")
                .map_or_else(String::new, |to| format!(" to {}", one_line(to)));
            return Err(because(format!(
                "status {status}, a redirect{to}: redirects are not followed"
            )));
        }
        status => {
            let passing = status >= 500 || status == 429;
            return Err(Nothing { why: format!("status {status}"), passing });
        }
    }
    if response.body.len() > MAX_BYTES {
        return Err(because("more than 1 MiB".to_owned()));
    }
    let start = response.body.trim_ascii_start();
    if start.is_empty() {
        return Err(because("an empty answer".to_owned()));
    }
    if start.starts_with(b"<") {
        return Err(because("a web page instead of JSON".to_owned()));
    }
    match serde_json::from_slice::<Unique>(&response.body) {
        Ok(Unique(document)) => Ok(document),
        Err(error) if error.is_data() => {
            Err(because(format!("JSON, but no valid metadata: {}", one_line(&error.to_string()))))
        }
        Err(error) => Err(because(format!("not JSON: {}", one_line(&error.to_string())))),
    }
}

/// How long an answer may be kept: the server can shorten our bound, but not below a few minutes.
fn lifetime(response: &HttpResponse) -> Duration {
    let cache_control = response.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    let asked = cache_control.split(',').map(str::trim).find_map(|directive| {
        match directive.split_once('=') {
            Some(("max-age", seconds)) => {
                seconds.trim_matches('"').parse().ok().map(Duration::from_secs)
            }
            None if directive == "no-store" || directive == "no-cache" => Some(Duration::ZERO),
            _ => None,
        }
    });
    asked.unwrap_or(KEPT).clamp(KEPT_AT_LEAST, KEPT)
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
