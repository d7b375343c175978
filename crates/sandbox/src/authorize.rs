//! The authorization endpoint with its consent page, and pushed requests (RFC 9126).

use serde_json::json;
use url::{Host, Url};

use super::client;
use super::issuer::Issuer;
use super::keys::random;
use super::page;
use super::reply::{Outcome, Refusal, Reply, object};
use super::request::{Call, Params};
use super::scenario::{Response, Rule};
use super::store::{AuthorizationRequest, Code, Pushed, Store, Transaction};
use super::users::{self, USERS, User};

/// How long a code can be redeemed, in seconds.
const CODE_TTL: u64 = 60;
/// How long a consent page stays open, in seconds.
const PAGE_TTL: u64 = 600;
/// How long a pushed request can be used, in seconds.
const PUSHED_TTL: u64 = 90;
const URN: &str = "urn:ietf:params:oauth:request_uri:sandbox";

/// Why there is no consent page.
enum Failure {
    /// The client cannot be informed, so the user is.
    Page(String),
    /// The client is informed (RFC 6749, section 4.1.2.1).
    Client { redirect_uri: String, state: Option<String>, error: &'static str, description: String },
}

/// The authorization endpoint.
pub(super) fn authorize(issuer: &Issuer, call: &Call) -> Reply {
    let request = match request(issuer, &mut issuer.store(), call.params()) {
        Ok(request) => request,
        Err(Failure::Page(problem)) => return page::failed(400, &problem),
        Err(Failure::Client { redirect_uri, state, error, description }) => {
            let response = vec![("error", error.to_owned()), ("error_description", description)];
            return respond(issuer, 302, &redirect_uri, state, response);
        }
    };
    let hinted = request.login_hint.as_deref().and_then(users::find);
    if issuer.effects.rule(Rule::Deny) {
        return decide(issuer, 302, request, None);
    }
    if issuer.shared.options.auto_consent {
        return decide(issuer, 302, request, Some(hinted.unwrap_or(&USERS[0])));
    }
    if request.prompt.as_deref() == Some("none") {
        let response = vec![("error", "login_required".to_owned())];
        return respond(issuer, 302, &request.redirect_uri, request.state, response);
    }
    let Ok(transaction) = random("transaction") else {
        return page::failed(500, "no random numbers");
    };
    let reply = page::consent(issuer, &transaction, &request, hinted.unwrap_or(&USERS[0]));
    let expires = issuer.now() + PAGE_TTL;
    issuer.store().transactions.insert(transaction, Transaction { request, expires });
    reply
}

/// Handles the form of the consent page.
pub(super) fn consent(issuer: &Issuer, call: &Call) -> Reply {
    if !is_own_form(issuer, call) {
        return page::failed(403, "This form was sent by another site.");
    }
    let transaction =
        call.form.get("transaction").and_then(|id| issuer.store().transactions.take(id));
    let Some(transaction) = transaction.filter(|t| t.expires > issuer.now()) else {
        return page::failed(403, "This page has already been used or has expired. Start again.");
    };
    let user = call.form.get("person").and_then(users::find);
    match (call.form.get("decision"), user) {
        (Some("allow"), Some(user)) => decide(issuer, 303, transaction.request, Some(user)),
        _ => decide(issuer, 303, transaction.request, None),
    }
}

/// Returns whether a form comes from a page of this server, as far as the browser reports it.
pub(super) fn is_own_form(issuer: &Issuer, call: &Call) -> bool {
    // `Referrer-Policy: no-referrer` makes browsers send `null` for the page's own origin.
    let origin = call.header("origin").is_none_or(|o| o == issuer.shared.origin || o == "null");
    let site = call.header("sec-fetch-site").is_none_or(|s| s == "same-origin" || s == "none");
    origin && site
}

/// The pushed authorization request endpoint.
pub(super) fn push(issuer: &Issuer, call: &Call) -> Outcome {
    let mut store = issuer.store();
    let caller = client::authenticate(issuer, &mut store, call)?;
    if call.form.get("request_uri").is_some() {
        return Err(Refusal::request("request_uri cannot be pushed"));
    }
    if call.form.get("client_id").is_some_and(|id| id != caller.id) {
        return Err(Refusal::request("the request names a different client"));
    }
    let request = read(&store, &call.form, &caller.id).map_err(|failure| match failure {
        Failure::Page(problem) => Refusal::request(problem),
        Failure::Client { error, description, .. } => Refusal::new(error, description),
    })?;
    let uri = random(URN)?;
    let ttl = if issuer.effects.rule(Rule::PushedExpires) { 0 } else { PUSHED_TTL };
    store.pushed.insert(uri.clone(), Pushed { request, expires: issuer.now() + ttl });
    // A lifetime of zero would not be a lifetime (RFC 9126, section 2.2).
    let mut reply = Reply::json(object(json!({"request_uri": uri, "expires_in": ttl.max(1)})));
    reply.status = 201;
    Ok(reply)
}

fn request(
    issuer: &Issuer,
    store: &mut Store,
    params: &Params,
) -> Result<AuthorizationRequest, Failure> {
    let Some(client_id) = params.get("client_id") else {
        return Err(Failure::Page("The request has no client_id.".to_owned()));
    };
    if let Some(uri) = params.get("request_uri") {
        return store
            .pushed
            .take(uri)
            .filter(|p| p.expires > issuer.now() && p.request.client_id == client_id)
            .map(|p| p.request)
            .ok_or_else(|| {
                Failure::Page("The pushed request is unknown, already used or expired.".to_owned())
            });
    }
    let request = read(store, params, client_id)?;
    if issuer.effects.rule(Rule::RequirePushed) {
        return Err(refuse(&request, "invalid_request", "the request must be pushed"));
    }
    Ok(request)
}

fn refuse(request: &AuthorizationRequest, error: &'static str, description: &str) -> Failure {
    Failure::Client {
        redirect_uri: request.redirect_uri.clone(),
        state: request.state.clone(),
        error,
        description: description.to_owned(),
    }
}

/// Parses and validates the parameters of an authorization request.
fn read(store: &Store, params: &Params, client_id: &str) -> Result<AuthorizationRequest, Failure> {
    if let Some(name) = params.repeated() {
        return Err(Failure::Page(format!("The parameter {name} is repeated.")));
    }
    let text = |name: &str| params.get(name).map(str::to_owned);
    let Some(redirect_uri) = text("redirect_uri") else {
        return Err(Failure::Page("The request has no redirect_uri.".to_owned()));
    };
    if !may_return_to(store, client_id, &redirect_uri) {
        return Err(Failure::Page(
            "The redirect_uri is neither on the loopback interface (http://127.0.0.1, \
             http://[::1] or http://localhost, with any port) nor registered."
                .to_owned(),
        ));
    }
    let mut audience = params.all("resource");
    audience.extend(params.all("audience"));
    let request = AuthorizationRequest {
        client_id: client_id.to_owned(),
        redirect_uri,
        state: text("state"),
        scope: text("scope").unwrap_or_default(),
        challenge: text("code_challenge").unwrap_or_default(),
        nonce: text("nonce"),
        audience,
        prompt: text("prompt"),
        login_hint: text("login_hint"),
        jkt: text("dpop_jkt"),
    };
    let problem = match () {
        () if params.get("response_type") != Some("code") => {
            Some(("unsupported_response_type", "response_type must be code"))
        }
        () if params.get("response_mode").is_some_and(|mode| mode != "query") => {
            Some(("invalid_request", "response_mode must be query"))
        }
        () if params.get("request").is_some() => {
            Some(("request_not_supported", "request objects are not supported"))
        }
        () if params.get("code_challenge_method") != Some("S256") => {
            Some(("invalid_request", "code_challenge_method must be S256"))
        }
        () if !is_challenge(&request.challenge) => {
            Some(("invalid_request", "code_challenge must be 43 characters of base64url"))
        }
        () => None,
    };
    match problem {
        Some((error, description)) => Err(refuse(&request, error, description)),
        None => Ok(request),
    }
}

fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Returns whether the browser may be redirected there: to a loopback URI with any port (RFC 8252, section
/// 7.3), or to a registered URI.
pub(super) fn may_return_to(store: &Store, client_id: &str, uri: &str) -> bool {
    let registered = store.clients.get(client_id).map_or(&[][..], |c| &c.redirect_uris);
    let Some(url) = Url::parse(uri).ok().filter(|u| u.fragment().is_none()) else { return false };
    let clean = uri.bytes().all(|b| b.is_ascii_graphic());
    let known = registered.iter().any(|known| known == uri)
        || is_loopback(&url)
            && (registered.is_empty() || registered.iter().any(|known| same_but_port(known, &url)));
    clean && known
}

fn is_loopback(url: &Url) -> bool {
    let host = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "http" && host && url.username().is_empty() && url.password().is_none()
}

fn same_but_port(known: &str, url: &Url) -> bool {
    let without_port = |url: &Url| {
        let mut url = url.clone();
        let _ = url.set_port(None);
        url
    };
    Url::parse(known)
        .is_ok_and(|known| is_loopback(&known) && without_port(&known) == without_port(url))
}

/// Ends a request with what the user decided.
fn decide(
    issuer: &Issuer,
    status: u16,
    request: AuthorizationRequest,
    user: Option<&'static User>,
) -> Reply {
    let (redirect_uri, state) = (request.redirect_uri.clone(), request.state.clone());
    let response = match (user, random("sandbox-code")) {
        (Some(user), Ok(code)) => {
            let now = issuer.now();
            let expires = now + CODE_TTL;
            let record = Code { request, user, auth_time: now, expires, redeemed: None };
            issuer.store().codes.insert(code.clone(), record);
            vec![("code", code)]
        }
        (Some(_), Err(_)) => vec![("error", "server_error".to_owned())],
        (None, _) => vec![
            ("error", "access_denied".to_owned()),
            ("error_description", "the user denied the request".to_owned()),
        ],
    };
    respond(issuer, status, &redirect_uri, state, response)
}

/// Sends the browser back to the client (RFC 6749, section 4.1.2; RFC 9207, section 2).
fn respond(
    issuer: &Issuer,
    status: u16,
    redirect_uri: &str,
    state: Option<String>,
    mut response: Response,
) -> Reply {
    response.extend(state.map(|state| ("state", state)));
    response.push(("iss", issuer.identifier.clone()));
    issuer.effects.respond(&mut response, &issuer.cue());
    Reply::redirect(status, with_query(redirect_uri, response))
}

/// Sends the browser back after a logout.
pub(super) fn return_to(uri: &str, state: Option<&str>) -> Reply {
    Reply::redirect(302, with_query(uri, state.map(|state| ("state", state))))
}

/// Adds parameters to a URI, whose own query stays byte for byte the same.
fn with_query<V: AsRef<str>>(
    uri: &str,
    pairs: impl IntoIterator<Item = (&'static str, V)>,
) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let joint = if uri.contains('?') { '&' } else { '?' };
    if query.is_empty() { uri.to_owned() } else { format!("{uri}{joint}{query}") }
}
