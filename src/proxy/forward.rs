//! One request: through the gate, to the server, and back.

use std::sync::Arc;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use oauthctl_core::http::api::{ApiResponse, Body};
use oauthctl_core::{Error, ErrorKind, Result, Timestamp};
use url::Url;

use super::gate::{self, Passed, Refused};
use super::kept::{KEPT, Kept};
use super::metered::{Entry, Metered};
use super::shared::Proxy;
use super::{headers, reply, upgrade};
use crate::authorizer::{Answer, Outgoing};
use crate::confirm::Question;

/// A client's end of a connection.
#[derive(Clone, Copy)]
pub struct Peer {
    /// Its process, where the system tells.
    pub pid: Option<i32>,
}

/// Answers a request.
pub async fn answer(
    proxy: Arc<Proxy>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Metered> {
    let at = Timestamp::now();
    let method = request.method().as_str().to_owned();
    let (path, mut response) = attempt(&proxy, peer, request).await;
    // Without the capability, nobody may keep a connection busy with requests whose responses are not read.
    if path.is_none() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let entry = Entry { at, method, path, pid: peer.pid };
    let status = response.status().as_u16();
    response.map(|body| Metered::new(body, proxy, status, entry))
}

/// Returns the path at the server, and the response.
async fn attempt(
    proxy: &Arc<Proxy>,
    peer: Peer,
    mut request: Request<Incoming>,
) -> (Option<String>, Response<Body>) {
    let client = upgrade::client(&mut request);
    let (head, body) = request.into_parts();
    let Passed { url } = match gate::check(proxy, &head) {
        Ok(passed) => passed,
        Err(Refused { why, path }) => return (path, reply::refused(why)),
    };
    let path = Some(url.path().to_owned());
    match consented(proxy, peer, &head.method, &url).await {
        Ok(true) => {}
        Ok(false) => return (path, reply::refused("the user did not consent")),
        Err(error) if error.kind() == ErrorKind::AccessDenied => {
            return (path, reply::refused(error.message()));
        }
        Err(error) => {
            proxy.ui.warn(&error);
            return (path, reply::refused("cannot run the confirm command"));
        }
    }
    let is_upgrade = client.is_some() && headers::wanted_upgrade(&head.headers).is_some();
    let outgoing = Outgoing {
        method: &head.method,
        url: &url,
        headers: &headers::of_request(proxy, &head.headers),
        may_upgrade: is_upgrade,
    };
    let length = head.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok());
    let response = match sent(proxy, &outgoing, length, body).await {
        Ok(Answer { response, not_refreshed }) => {
            if let Some(error) = not_refreshed {
                proxy.ui.warn(&error);
            }
            response
        }
        Err(NotSent::Body) => return (path, reply::malformed()),
        Err(NotSent::Request(error)) => {
            if error.kind() != ErrorKind::Unavailable {
                proxy.ui.warn(&error);
            }
            return (path, reply::failed(&error));
        }
    };
    (path, passed_on(proxy, &url, response, client.filter(|_| is_upgrade)))
}

async fn consented(proxy: &Proxy, peer: Peer, method: &Method, url: &Url) -> Result<bool> {
    let Some(confirm) = &proxy.confirm else { return Ok(true) };
    let mut about = vec![
        ("OAUTHCTL_CONFIRM_PROFILE", proxy.profile.clone()),
        ("OAUTHCTL_CONFIRM_ACCOUNT", proxy.account.clone()),
        ("OAUTHCTL_CONFIRM_METHOD", method.to_string()),
        ("OAUTHCTL_CONFIRM_PATH", url.path().to_owned()),
    ];
    about.extend(peer.pid.map(|pid| ("OAUTHCTL_CONFIRM_PID", pid.to_string())));
    // The consent is for everything that passes this proxy, so there is one question at a time.
    confirm.ask(Question { asker: 0, subject: String::new(), about }).await
}

/// Why there is no response from the server.
enum NotSent {
    /// The client disconnected, or sent an invalid body.
    Body,
    /// There is no token, or the server cannot be reached.
    Request(Error),
}

/// Sends a request. One whose body is small, or that has none, can be sent again.
async fn sent(
    proxy: &Proxy,
    outgoing: &Outgoing<'_>,
    length: Option<usize>,
    body: Incoming,
) -> Result<Answer, NotSent> {
    use hyper::body::Body as _;
    let is_known = body.is_end_stream() || length.is_some_and(|length| length <= KEPT);
    if !is_known {
        let kept = Kept::default();
        let mut first = Some(kept.passed_on(body));
        let mut bodies = || first.take().or_else(|| kept.again()).map(|body| Ok(Some(body)));
        let outcome = proxy.authorizer.send(outgoing, &mut bodies).await;
        return outcome.map_err(|error| match kept.is_broken() {
            true => NotSent::Body,
            false => NotSent::Request(error),
        });
    }
    let bytes: Bytes = match Limited::new(body, KEPT).collect().await {
        Ok(whole) => whole.to_bytes(),
        Err(_) => return Err(NotSent::Body),
    };
    let has_body = length.is_some();
    let mut bodies = || Some(Ok(has_body.then(|| bytes.clone().into())));
    let first = proxy.authorizer.send(outgoing, &mut bodies).await;
    // A server may close a connection just when it is used again.
    let is_safe = matches!(*outgoing.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let outcome = match first {
        Err(error)
            if is_safe && error.kind() == ErrorKind::Unavailable && !outgoing.may_upgrade =>
        {
            proxy.authorizer.send(outgoing, &mut bodies).await
        }
        outcome => outcome,
    };
    outcome.map_err(NotSent::Request)
}

fn passed_on(
    proxy: &Proxy,
    url: &Url,
    response: ApiResponse,
    client: Option<upgrade::Client>,
) -> Response<Body> {
    let status = response.status();
    let mut head = headers::of_response(proxy, url, response.headers());
    let body = match (status, client) {
        (StatusCode::SWITCHING_PROTOCOLS, Some(client)) => {
            upgrade::keep_headers(&mut head, response.headers());
            upgrade::join(client, response);
            Body::default()
        }
        (StatusCode::SWITCHING_PROTOCOLS, None) => {
            let what = "the server switched protocols without a request";
            return reply::failed(&Error::unavailable(what));
        }
        _ => response.into_body(),
    };
    let mut passed = Response::new(body);
    *passed.status_mut() = status;
    *passed.headers_mut() = head;
    passed
}
