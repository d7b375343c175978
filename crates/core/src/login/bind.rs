//! Loopback sockets for a redirect URI, whose text gets the port.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::advice::Advice;
use crate::error::{Error, Result};
use crate::profile::{LoopbackHost, RedirectUri};

/// How many ephemeral ports to try until one is free in both address families.
const ATTEMPTS: usize = 32;

/// Sockets that are bound for one redirect URI.
#[derive(Debug)]
pub(super) struct Bound {
    /// The redirect URI with its port.
    pub(super) redirect_uri: String,
    /// Its host and port as a browser sends them in `Host`.
    pub(super) authority: String,
    /// Its path; `/` if it has none.
    pub(super) path: String,
    /// The sockets, all on one port.
    pub(super) sockets: Vec<TcpListener>,
    /// The port.
    pub(super) port: u16,
}

enum Failure {
    /// Another program uses the port.
    Taken,
    /// This host has no such address.
    NoFamily,
    Other(io::Error),
}

/// Binds the first redirect URI whose port is free.
pub(super) async fn bind_first(
    redirects: &[RedirectUri],
    port: Option<u16>,
    other_family: bool,
) -> Result<Bound> {
    let mut failures = Vec::new();
    let here = redirects.iter().filter(|redirect| redirect.host != LoopbackHost::Elsewhere);
    if !redirects.is_empty() && here.clone().next().is_none() {
        return Err(Error::config("cannot listen on the https redirect URI of the profile")
            .hint(Advice::PasteCallback));
    }
    for redirect in here {
        let wanted = port.or(redirect.port);
        let failure = match bind(redirect.host, wanted).await {
            Ok(sockets) => return finish(redirect, redirect.host, sockets),
            Err(failure) => failure,
        };
        let may_move = other_family && redirect.port.is_none();
        if may_move
            && redirect.host == LoopbackHost::V4
            && matches!(failure, Failure::NoFamily)
            && let Ok(sockets) = bind(LoopbackHost::V6, wanted).await
        {
            return finish(redirect, LoopbackHost::V6, sockets);
        }
        failures.push((redirect.host, wanted, failure));
    }
    Err(explain(&failures))
}

async fn bind(host: LoopbackHost, port: Option<u16>) -> Result<Vec<TcpListener>, Failure> {
    let wanted = port.unwrap_or(0);
    match host {
        LoopbackHost::V4 => Ok(vec![v4(wanted).await?]),
        LoopbackHost::V6 => Ok(vec![v6(wanted).await?]),
        LoopbackHost::Name => both(wanted).await,
        LoopbackHost::Elsewhere => Err(Failure::NoFamily),
    }
}

/// Binds both families on one port, so that no other program can own the other half of `localhost`.
async fn both(wanted: u16) -> Result<Vec<TcpListener>, Failure> {
    // Kept until the end: otherwise the system could assign the same port again.
    let mut unusable = Vec::new();
    for _ in 0..ATTEMPTS {
        let first = match v4(wanted).await {
            Ok(socket) => socket,
            Err(Failure::NoFamily) => return Ok(vec![v6(wanted).await?]),
            Err(failure) => return Err(failure),
        };
        match v6(port_of(&first)?).await {
            Ok(second) => return Ok(vec![first, second]),
            Err(Failure::NoFamily) => return Ok(vec![first]),
            Err(Failure::Taken) if wanted == 0 => unusable.push(first),
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::Taken)
}

async fn v4(port: u16) -> Result<TcpListener, Failure> {
    listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
}

async fn v6(port: u16) -> Result<TcpListener, Failure> {
    listen(SocketAddr::from((Ipv6Addr::LOCALHOST, port))).await
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure::Taken,
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported => Failure::NoFamily,
        _ if error.raw_os_error() == Some(NO_FAMILY) => Failure::NoFamily,
        _ => Failure::Other(error),
    })
}

#[cfg(unix)]
const NO_FAMILY: i32 = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
#[cfg(not(unix))]
const NO_FAMILY: i32 = 10_047;

fn port_of(socket: &TcpListener) -> Result<u16, Failure> {
    Ok(socket.local_addr().map_err(Failure::Other)?.port())
}

fn finish(redirect: &RedirectUri, host: LoopbackHost, sockets: Vec<TcpListener>) -> Result<Bound> {
    let port = sockets.first().and_then(|socket| socket.local_addr().ok()).map(|a| a.port());
    let port = port.ok_or_else(|| Error::internal("the callback listener has no port"))?;
    let name = match host {
        LoopbackHost::V4 => "127.0.0.1",
        LoopbackHost::V6 => "[::1]",
        LoopbackHost::Name | LoopbackHost::Elsewhere => "localhost",
    };
    let moved = (host != redirect.host).then_some(name);
    let path = if redirect.path.is_empty() { "/" } else { &redirect.path };
    Ok(Bound {
        redirect_uri: with_port(&redirect.text, moved, port),
        authority: format!("{name}:{port}"),
        path: path.to_owned(),
        sockets,
        port,
    })
}

/// Returns the URI with this port (and this host, if it changes), with every other byte unchanged.
fn with_port(text: &str, host: Option<&str>, port: u16) -> String {
    let start = text.find("://").map_or(0, |at| at + 3);
    let end = text[start..].find(['/', '?', '#']).map_or(text.len(), |at| start + at);
    let authority = &text[start..end];
    let name_end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let host = host.unwrap_or(&authority[..name_end]);
    format!("{}{host}:{port}{}", &text[..start], &text[end..])
}

fn explain(failures: &[(LoopbackHost, Option<u16>, Failure)]) -> Error {
    let ports: Vec<String> = failures
        .iter()
        .filter(|(_, _, failure)| matches!(failure, Failure::Taken))
        .filter_map(|(_, port, _)| port.map(|port| port.to_string()))
        .collect();
    if !ports.is_empty() {
        let (word, list) = (if ports.len() == 1 { "port" } else { "ports" }, ports.join(", "));
        return Error::unavailable(format!(
            "another program uses the {word} of the redirect URI: {list}"
        ))
        .hint(Advice::FreePorts(ports));
    }
    match failures.first() {
        Some((_, Some(port), Failure::Other(error)))
            if error.kind() == io::ErrorKind::PermissionDenied =>
        {
            Error::config(format!("cannot listen on port {port} of the redirect URI: {error}"))
                .hint(Advice::UseUnprivilegedPort)
        }
        Some((_, _, Failure::Other(error))) => {
            Error::unavailable(format!("cannot open the callback listener: {error}"))
                .hint(Advice::UseAnotherFlow)
                .caused_by(error)
        }
        Some((host, _, Failure::NoFamily)) => {
            let address = if *host == LoopbackHost::V6 { "::1" } else { "127.0.0.1" };
            Error::unavailable(format!("this machine has no loopback address {address}")).hint(
                Advice::configure(
                    &["redirect_uri"],
                    "set `redirect_uri` to the other address family: 127.0.0.1 or [::1]",
                ),
            )
        }
        Some((_, _, Failure::Taken)) => {
            Error::unavailable("no port is free on both 127.0.0.1 and ::1")
        }
        None => Error::config("the profile has no redirect URI"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_inserted_and_nothing_else_changes() {
        for (text, expected) in [
            ("http://127.0.0.1/callback", "http://127.0.0.1:4711/callback"),
            ("http://127.0.0.1", "http://127.0.0.1:4711"),
            ("http://localhost/", "http://localhost:4711/"),
            ("http://[::1]/a%2Fb", "http://[::1]:4711/a%2Fb"),
            ("http://[::1]:80/cb", "http://[::1]:4711/cb"),
            ("http://localhost:8080/cb?x=1:2", "http://localhost:4711/cb?x=1:2"),
            ("http://localhost?x=/", "http://localhost:4711?x=/"),
        ] {
            assert_eq!(with_port(text, None, 4711), expected);
        }
        assert_eq!(with_port("http://127.0.0.1/cb", Some("[::1]"), 9), "http://[::1]:9/cb");
    }

    #[test]
    fn host_without_a_family_is_named() {
        let failures = [(LoopbackHost::V6, None, Failure::NoFamily)];
        let error = explain(&failures);
        assert!(error.message().contains("::1") && !error.advice().is_empty(), "{error}");
    }
}
