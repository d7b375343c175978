//! Tests of the way to the servers: proxy, DNS, connection, TLS, clock, metadata.

use std::collections::BTreeSet;
use std::time::Duration;

use oauthctl_core::FlowManager;
use oauthctl_core::http::{Proxy, is_proxied, proxy_address, unreadable_exceptions};
use oauthctl_core::port::{Http, HttpRequest, HttpResponse, Method};
use oauthctl_core::profile::Profile;
use oauthctl_core::text::one_line;
use oauthctl_core::{Advice, Error, Result, Timestamp, time};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use url::{Host, Url};

use super::report::{Report, Status};
use crate::context::Context;
use crate::target::Target;
use crate::{environment, manager, run as runner};

/// How long a name or a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The difference of clocks with which id_tokens are still accepted, and the one that is worth a warning.
const MAX_SKEW: u64 = 300;
const NOTABLE_SKEW: u64 = 30;

/// Tests the variables that name a proxy.
pub fn proxy(report: &mut Report) {
    const NAME: &str = "proxy";
    match Proxy::from_environment() {
        Proxy::Url(_) => {
            let error = Error::config("the URL of the proxy is invalid");
            let hint = "correct HTTPS_PROXY or ALL_PROXY: http://HOST:PORT, https:// or socks5h://";
            report.error(NAME, None, Status::Fail, &error.hint(hint));
        }
        _ => {
            let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
            let set = names.into_iter().find(|name| environment::variable_os(name).is_some());
            report.ok(NAME, None, &set.map_or_else(
                || "none".to_owned(),
                |name| format!("{name} is set; loopback and the hosts of NO_PROXY are reached without it"),
            ));
        }
    }
    for entry in unreadable_exceptions() {
        let what = format!("`{}` in NO_PROXY is not a host", one_line(&entry));
        let error =
            Error::config(what).hint("use `corp.test`, `*.corp.test`, an address or a network");
        report.error(NAME, None, Status::Warn, &error);
    }
}

/// Tests the servers of these profiles: each origin once, then the metadata of each profile.
pub fn servers(context: &Context, profiles: &[&Profile], report: &mut Report) {
    let mut seen = BTreeSet::new();
    let mut clock = None;
    let mut built = Vec::new();
    for profile in profiles {
        let manager = Target::named(context, Some(&profile.name), None)
            .and_then(|target| manager::build(context, &target));
        match manager {
            Ok(manager) => built.push((*profile, manager)),
            // The store has been tested on its own.
            Err(_) if !names_a_store(context, profile) => {}
            Err(error) => report.error("profile", Some(&profile.name), Status::Fail, &error),
        }
    }
    let outcome = runner::block_on(None, async {
        for (profile, manager) in &built {
            let mut reachable = true;
            for origin in origins(profile) {
                if seen.insert(origin.clone()) {
                    reachable &= reach(&origin, &*manager.ports().http, report, &mut clock).await;
                }
            }
            if reachable {
                metadata(profile, manager, report).await;
            }
        }
        if !seen.iter().any(is_proxied) {
            unused_proxy(report).await;
        }
        Ok(())
    });
    if let Err(error) = outcome {
        report.error("network", None, Status::Fail, &error);
    }
    if let Some(theirs) = clock {
        compare(theirs, Timestamp::now(), report);
    }
}

/// Returns whether the store of a profile is one that there is.
fn names_a_store(context: &Context, profile: &Profile) -> bool {
    context.config().is_ok_and(|config| context.store_spec(config.store_of(profile)).is_ok())
}

/// Returns the origins of a profile's server.
fn origins(profile: &Profile) -> BTreeSet<Url> {
    let endpoints = [&profile.issuer, &profile.endpoints.authorization, &profile.endpoints.token];
    let urls = endpoints.into_iter().flatten().filter_map(|url| Url::parse(url).ok());
    urls.filter_map(|url| Url::parse(&url.origin().ascii_serialization()).ok()).collect()
}

/// Tests the way to an origin, step by step, and returns whether it responds.
async fn reach(
    origin: &Url,
    http: &dyn Http,
    report: &mut Report,
    clock: &mut Option<Timestamp>,
) -> bool {
    let name = origin.as_str().trim_end_matches('/');
    let is_direct = !is_proxied(origin);
    if is_direct && let Err((step, error)) = connect(origin).await {
        report.error(step, Some(name), Status::Fail, &error);
        return false;
    }
    let step = if origin.scheme() == "https" { "tls" } else { "connection" };
    match get(origin, http).await {
        Ok(response) => {
            let way = if is_direct { "" } else { ", through the proxy" };
            let what = format!("the server responds{way} (status {})", response.status);
            report.ok(step, Some(name), &what);
            *clock = clock.take().or_else(|| response.date());
            true
        }
        Err(error) => {
            let is_of_proxy = error.advice().iter().any(|it| matches!(it, Advice::CheckProxy(_)));
            let step = if is_of_proxy { "proxy" } else { step };
            report.error(step, Some(name), Status::Fail, &error);
            false
        }
    }
}

/// Tests whether the proxy can be reached, although no server of the profiles needs it.
async fn unused_proxy(report: &mut Report) {
    if let Some(address) = proxy_address()
        && let Err((_, error)) = connect(&address).await
    {
        let what = format!("the proxy is unreachable: {}", error.message());
        let hint =
            "check HTTPS_PROXY and ALL_PROXY; no server of the tested profiles needs the proxy";
        report.error("proxy", None, Status::Warn, &Error::unavailable(what).hint(hint));
    }
}

/// Resolves the name and opens a connection, without TLS.
async fn connect(origin: &Url) -> Result<(), (&'static str, Error)> {
    let host = origin.host_str().unwrap_or_default();
    let port = origin.port_or_known_default().unwrap_or(443);
    let failed = |what: String, hint: &str| Error::unavailable(what).hint(hint.to_owned());
    let bare = match origin.host() {
        Some(Host::Ipv6(address)) => address.to_string(),
        _ => host.to_owned(),
    };
    let shown = one_line(host);
    let found = match timeout(PATIENCE, lookup_host((bare, port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(error)) => {
            let what = format!("cannot resolve {shown}: {error}");
            return Err((
                "dns",
                failed(what, "check the name in the profile and the DNS settings of this machine"),
            ));
        }
        Err(_) => {
            let what = format!("DNS did not resolve {shown} within {}", time::describe(PATIENCE));
            return Err((
                "dns",
                failed(what, "check the DNS settings of this machine (VPN, /etc/resolv.conf)"),
            ));
        }
    };
    // No proxy and no firewall on the way.
    let is_here = !found.is_empty() && found.iter().all(|address| address.ip().is_loopback());
    let mut why = "it has no address".to_owned();
    for address in found {
        match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => why = error.to_string(),
            Err(_) => why = format!("no answer within {}", time::describe(PATIENCE)),
        }
    }
    let what = format!("cannot connect to {shown}:{port}: {why}");
    let hint = match is_here {
        true => "start the server on this machine, or correct its URL in the profile",
        false => "check the network and firewall, and whether this machine needs HTTPS_PROXY",
    };
    Err(("connection", failed(what, hint)))
}

async fn get(origin: &Url, http: &dyn Http) -> Result<HttpResponse> {
    let request = HttpRequest {
        purpose: "reachability test",
        method: Method::Get,
        url: origin.clone(),
        headers: Vec::new(),
        body: zeroize::Zeroizing::default(),
    };
    http.send(&request).await.map_err(|failure| {
        let error = Error::unavailable(failure.message);
        match failure.hint {
            Some(hint) => error.hint(hint),
            None => error.hint(Advice::CheckNetwork),
        }
    })
}

async fn metadata(profile: &Profile, manager: &FlowManager, report: &mut Report) {
    const NAME: &str = "endpoints";
    match manager.server(&profile.name).await {
        Ok(server) => {
            let from = match server.issuer {
                Some(issuer) => format!("metadata of {} is valid", one_line(&issuer)),
                None => "set in the profile".to_owned(),
            };
            report.ok(NAME, Some(&profile.name), &from);
        }
        Err(error) => report.error(NAME, Some(&profile.name), Status::Fail, &error),
    }
}

fn compare(theirs: Timestamp, ours: Timestamp, report: &mut Report) {
    let apart = theirs.unix().abs_diff(ours.unix());
    let shown = time::describe(Duration::from_secs(apart));
    let status = match apart {
        0..=NOTABLE_SKEW => {
            return report.ok("clock", None, "within 30 s of a server's clock");
        }
        31..=MAX_SKEW => Status::Warn,
        _ => Status::Fail,
    };
    let way = if ours > theirs { "ahead of" } else { "behind" };
    let error = Error::validation(format!(
        "this machine's clock is {shown} {way} that of a server ({ours} here, {theirs} there)"
    ));
    report.error("clock", None, status, &error.hint("set the clock, for example with NTP"));
}
