//! Explains why there is no response, and whether anything was sent.
//!
//! reqwest's own message contains the whole URL, so only its innermost cause is ever quoted.

use std::error::Error;
use std::io;
use std::path::Path;
use std::time::Duration;

use url::Url;

use super::certificate::Presented;
use super::options::Options;
use super::target::Target;
use crate::advice::Advice;
use crate::error::is_out_of_descriptors;
use crate::port::HttpError;
use crate::text;

const CHECK_PROXY: &str = "check HTTPS_PROXY and ALL_PROXY, or add the host to NO_PROXY";
const CHECK_NETWORK: &str = "check the network, and HTTPS_PROXY if this machine requires a proxy";

fn maybe_sent(message: String, hint: Option<Advice>) -> HttpError {
    HttpError { not_sent: false, message, hint, misconfigured: false }
}

/// A failure before anything was sent that only a change of the configuration can fix.
fn misconfigured(message: impl Into<String>, hint: &'static str) -> HttpError {
    HttpError { misconfigured: true, ..HttpError::not_sent(message, Some(hint.into())) }
}

/// The CA file cannot be used.
pub(super) fn of_ca_file(path: &Path, why: &dyn std::fmt::Display) -> HttpError {
    misconfigured(
        format!("cannot use the CA file {}: {why}", text::one_line(&path.display().to_string())),
        "set `ca_file` to a file with certificates in PEM",
    )
}

/// Another user can write to the CA file.
pub(super) fn of_writable_ca_file(error: &crate::Error) -> HttpError {
    let message = format!("cannot use the CA file: {}", error.message());
    HttpError {
        misconfigured: true,
        ..HttpError::not_sent(message, error.advice().first().cloned())
    }
}

/// The client certificate cannot be used.
pub(super) fn of_client_certificate() -> HttpError {
    misconfigured(
        "cannot use the client certificate",
        "use a PEM file with the certificate and its unencrypted private key",
    )
}

/// The host is an address that is out of reach.
pub(super) fn of_reach(target: &Target) -> HttpError {
    let what =
        format!("{} is a private or special address, which is not allowed here", target.host);
    HttpError::not_sent(what, None)
}

/// The proxy URL is invalid. It is not shown, because it may contain a password.
pub(super) fn of_proxy_url() -> HttpError {
    misconfigured(
        "the URL of the proxy is invalid",
        "correct HTTPS_PROXY or ALL_PROXY: http://HOST:PORT, https:// or socks5h://",
    )
}

/// TLS could not be set up.
pub(super) fn of_set_up(error: &reqwest::Error, options: &Options) -> HttpError {
    let causes = Causes::of(error);
    if causes.mention("No CA certificates were loaded") {
        return match replaced_authorities() {
            Some(place) => HttpError::not_sent(
                format!("{place} contains no certificate authorities"),
                Some(
                    "correct the variable, which replaces the system's authorities, or unset it"
                        .into(),
                ),
            ),
            None => HttpError::not_sent(
                "this machine has no certificate authorities",
                Some("install the system's ca-certificates, or set `ca_file`".into()),
            ),
        };
    }
    if let Some(path) = &options.ca_file
        && causes.mention("certificate")
    {
        return of_ca_file(path, &causes.innermost());
    }
    if options.client_certificate.is_some() {
        return of_client_certificate();
    }
    HttpError::not_sent(format!("cannot set up TLS: {}", causes.innermost()), None)
}

/// The whole exchange took too long.
pub(super) fn of_time(url: &Url, limit: Duration) -> HttpError {
    let host = url.host_str().unwrap_or_default();
    let seconds = limit.as_secs_f32();
    maybe_sent(
        format!("{host} did not send a complete response within {seconds} s"),
        Some(CHECK_NETWORK.into()),
    )
}

/// The response is too large.
pub(super) fn of_size(target: &Target, part: &str, limit: usize) -> HttpError {
    let kib = limit / 1024;
    maybe_sent(format!("the {part} of the response from {} exceeds {kib} KiB", target.host), None)
}

/// The response began but could not be read to its end.
pub(super) fn of_reading(error: reqwest::Error, target: &Target) -> HttpError {
    let error = error.without_url();
    let causes = Causes::of(&error);
    let host = &target.host;
    // A body or a connection that ends early is not an encoding error.
    let lost = matches!(
        causes.io,
        Some(
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe
        )
    );
    let ended = lost || causes.mention("connection closed") || causes.mention("end of file before");
    let what = if ended { "was interrupted" } else { "cannot be decoded" };
    maybe_sent(format!("the response from {host} {what}: {}", causes.innermost()), None)
}

/// The response arrived, but its compressed body is invalid or ends early.
pub(super) fn of_decoding(error: &io::Error, target: &Target) -> HttpError {
    let host = &target.host;
    match error.kind() {
        io::ErrorKind::UnexpectedEof => maybe_sent(
            format!("the response from {host} was interrupted: unexpected end of file"),
            None,
        ),
        _ => maybe_sent(format!("the response from {host} cannot be decoded: {error}"), None),
    }
}

/// There was no response.
pub(super) fn of_sending(
    error: reqwest::Error,
    target: &Target,
    options: &Options,
    presented: Option<&Presented>,
) -> HttpError {
    let error = error.without_url();
    let causes = Causes::of(&error);
    let (host, port) = (&target.host, target.port);
    if error.is_builder() {
        return HttpError::not_sent(format!("the request to {host} is malformed"), None);
    }
    if error.is_connect() {
        return of_connecting(&error, &causes, target, (options, presented));
    }
    if causes.mention("message head is too large") {
        return maybe_sent(format!("the head of the response from {host} is too large"), None);
    }
    if let Some(alert) = causes.alert() {
        return maybe_sent(
            format!("{host} closed the TLS connection: {alert}"),
            Some("the server may require a different client certificate".into()),
        );
    }
    let what = match causes.io {
        _ if causes.mention("connection closed") => "closed the connection without a response",
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            "reset the connection before responding"
        }
        Some(_) => "failed before responding",
        None => "returned a response that is not HTTP",
    };
    maybe_sent(format!("{host}:{port} {what}"), None)
}

fn of_connecting(
    error: &reqwest::Error,
    causes: &Causes,
    target: &Target,
    (options, presented): (&Options, Option<&Presented>),
) -> HttpError {
    let (host, port) = (&target.host, target.port);
    if causes.lacks_descriptors {
        let message = format!("cannot connect to {host}:{port}: {}", causes.innermost());
        return HttpError::not_sent(message, Some(Advice::RaiseFileLimit));
    }
    // A tunnel error covers the proxy itself, TLS with the proxy included.
    if causes.mention("tunnel error") {
        return of_proxy(causes, host);
    }
    if causes.mention("invalid peer certificate") {
        return of_certificate(causes, host, options, presented);
    }
    if let Some(alert) = causes.alert() {
        let hint = match options.client_certificate {
            Some(_) => "the server may not accept the client certificate or this TLS version",
            None => "the server may require a client certificate or another TLS version",
        };
        return HttpError::not_sent(
            format!("{host} refused the TLS handshake: {alert}"),
            Some(hint.into()),
        );
    }
    if causes.mention("corrupt message") {
        return HttpError::not_sent(
            format!("{host}:{port} does not speak TLS"),
            Some("check the scheme and the port of the URL".into()),
        );
    }
    if causes.mention("socks proxy") {
        return of_proxy(causes, host);
    }
    if error.is_dns() {
        return HttpError::not_sent(
            format!("cannot resolve {host}: {}", causes.innermost()),
            Some(format!("check the name; {CHECK_NETWORK}").into()),
        );
    }
    let hint = Some(match target.loopback {
        true => "check that the server on this machine is running".into(),
        false => CHECK_NETWORK.into(),
    });
    if error.is_timeout() {
        let seconds = options.connect_timeout.as_secs_f32();
        return HttpError::not_sent(
            format!("cannot connect to {host}:{port} within {seconds} s"),
            hint,
        );
    }
    let why = match causes.io {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(io::ErrorKind::UnexpectedEof) => "it closed the connection".to_owned(),
        _ => causes.innermost(),
    };
    HttpError::not_sent(format!("cannot connect to {host}:{port}: {why}"), hint)
}

/// Returns what replaces the system's certificate authorities, as in other programs: OpenSSL, Go and rustls
/// read these variables (on Linux and the BSDs).
fn replaced_authorities() -> Option<String> {
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return None;
    }
    ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find_map(|name| {
        let place = std::env::var_os(name)?;
        Some(format!("{name} ({})", text::one_line(&place.to_string_lossy())))
    })
}

fn of_proxy(causes: &Causes, host: &str) -> HttpError {
    let (why, hint) = if causes.mention("proxy authorization required") {
        ("it requires a user name and a password", "set them in HTTPS_PROXY: http://USER:PASS@HOST")
    } else if causes.mention("invalid peer certificate") {
        ("its certificate is not trusted", "set `ca_file` to the authority that issued it")
    } else if causes.mention("error resolving for socks proxy") {
        let hint = "use socks5h:// or socks4a:// in HTTPS_PROXY to let the proxy resolve names";
        ("this machine cannot resolve the name", hint)
    } else if causes.mention("failed to create underlying connection") {
        ("it is unreachable", CHECK_PROXY)
    } else {
        ("it refused the connection", "allow the host in the proxy, or add it to NO_PROXY")
    };
    let what = format!("cannot reach {host} through the proxy: {why}");
    HttpError::not_sent(what, Some(Advice::CheckProxy(hint)))
}

/// Returns the error for a connection through the proxy that exceeds the time limit.
pub(super) fn of_silent_proxy(target: &Target, limit: Duration) -> HttpError {
    let (host, seconds) = (&target.host, limit.as_secs_f32());
    let what = format!("cannot reach {host} through the proxy within {seconds} s");
    HttpError::not_sent(what, Some(Advice::CheckProxy(CHECK_PROXY)))
}

/// Returns whether the certificate of the server itself is not trusted.
pub(super) fn is_of_certificate(error: &reqwest::Error) -> bool {
    let causes = Causes::of(error);
    error.is_connect()
        && !causes.mention("tunnel error")
        && causes.mention("invalid peer certificate")
}

fn of_certificate(
    causes: &Causes,
    host: &str,
    options: &Options,
    presented: Option<&Presented>,
) -> HttpError {
    let (own, replaced) = (options.ca_file.as_deref(), replaced_authorities());
    let loaded = match (own.map(|path| text::one_line(&path.display().to_string())), replaced) {
        (Some(path), None) => {
            format!("; the CA file {path} was loaded in addition to the system's authorities")
        }
        (Some(path), Some(place)) => format!("; the CA file {path} and {place} were loaded"),
        (None, Some(place)) => format!("; {place} was loaded instead of the system's authorities"),
        (None, None) => String::new(),
    };
    let (why, hint) = if causes.mention("not valid for name") {
        let names = causes.innermost();
        let names = names.split_once("; ").map_or("", |(_, names)| names);
        (format!("it is for another host ({names})"), "check the host in the URL".to_owned())
    } else if causes.mention("not valid yet") || causes.mention("expired") {
        let hint = "check this machine's clock; otherwise the server's certificate must be renewed";
        ("it has expired or is not valid yet".to_owned(), hint.to_owned())
    } else if causes.mention("UnknownIssuer") || causes.mention("BadSignature") {
        let why = match causes.mention("BadSignature") {
            true => "the trusted authority of this name has a different key",
            false => "it was issued by an untrusted authority",
        };
        match &options.ca_file {
            Some(_) => (
                format!("{why}{loaded}"),
                "add the authority that issued the server's certificate to that `ca_file`"
                    .to_owned(),
            ),
            None => (
                format!("{why}{loaded}"),
                "if the server, or a proxy that inspects TLS, uses a private authority, set \
                 `ca_file` to its certificate"
                    .to_owned(),
            ),
        }
    } else if causes.mention("CaUsedAsEndEntity") {
        let hint = "create the server certificate with `basicConstraints=CA:FALSE` (for `openssl \
                    req -x509`, use `-addext basicConstraints=CA:FALSE`), and set `ca_file` to it \
                    or to the authority that signed it";
        let why = "it is a CA certificate (CA:TRUE), which a server must not present";
        (why.to_owned(), hint.to_owned())
    } else {
        let hint = "set `ca_file` to add a private authority";
        (causes.innermost() + &loaded, hint.to_owned())
    };
    let shown = presented.map(|it| format!("; the server presents {it}")).unwrap_or_default();
    HttpError::not_sent(
        format!("the certificate of {host} is not trusted: {why}{shown}"),
        Some(hint.into()),
    )
}

/// The chain of causes of an error.
///
/// The types of the TLS and proxy layers are private to other crates, so errors are recognized by their
/// text, which tests verify.
struct Causes {
    texts: Vec<String>,
    io: Option<io::ErrorKind>,
    /// No connection can be opened because too many files are.
    lacks_descriptors: bool,
}

impl Causes {
    fn of(error: &reqwest::Error) -> Self {
        let mut causes = Self { texts: Vec::new(), io: None, lacks_descriptors: false };
        let mut next = error.source();
        while let Some(cause) = next {
            causes.texts.push(cause.to_string());
            if let Some(error) = cause.downcast_ref::<io::Error>() {
                causes.io = Some(error.kind());
                causes.lacks_descriptors |= is_out_of_descriptors(error);
                // An `io::Error` skips itself: its source is that of the error it wraps.
                if let Some(inner) = error.get_ref() {
                    causes.texts.push(inner.to_string());
                    next = inner.source();
                    continue;
                }
            }
            next = cause.source();
        }
        causes
    }

    fn mention(&self, words: &str) -> bool {
        self.texts.iter().any(|text| text.contains(words))
    }

    fn alert(&self) -> Option<String> {
        let text = self.texts.iter().find_map(|text| text.split_once("fatal alert: "))?;
        Some(text::one_line(text.1))
    }

    fn innermost(&self) -> String {
        self.texts.last().map_or_else(|| "unknown cause".to_owned(), |text| text::one_line(text))
    }
}
