//! The settings of a broker: `[serve]` of the configuration, and the flags.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use oauthctl_core::http::Reach;
use oauthctl_core::{Error, Result, Secret};
use serde::Deserialize;
use url::{Url, form_urlencoded};

use crate::mail::{self, Mailer};
use crate::storage::{Location, is_loopback};

/// The settings, after flags and configuration.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on; port 0 selects a free port.
    pub listen: SocketAddr,
    /// The URL under which users and providers reach the broker, if it differs.
    pub public_url: Option<String>,
    /// The store.
    pub store: Location,
    /// Whether developers can sign up.
    pub signup: bool,
    /// The mail server.
    pub smtp: Option<Secret>,
    /// The sender of emails.
    pub mail_from: Option<String>,
    /// Whether provider endpoints and webhooks may have private addresses; `None` if it is not set.
    pub allow_private_endpoints: Option<bool>,
    /// Maximum number of requests per second from one address, for each instance.
    pub requests_per_address: Option<u32>,
    /// Maximum number of open connections of one address; `None` behind a proxy, because all connections come
    /// from it.
    pub connections_per_address: Option<usize>,
    /// The key with which the operator signs in to `/admin`; `None` disables these pages.
    pub admin_key: Option<Secret>,
    /// Whether all users see a page that explains the connection first.
    pub connect_page: bool,
    /// Whether a proxy in front terminates TLS.
    pub behind_proxy: bool,
    /// The certificate chain and its private key, PEM.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The folder for received tokens that are not stored yet.
    pub spool: PathBuf,
}

impl Settings {
    /// Returns the addresses that providers and webhooks may have.
    pub fn reach(&self) -> Reach {
        match self.allow_private_endpoints {
            Some(true) => Reach::Anywhere,
            None if self.listen.ip().is_loopback() => Reach::PublicAndLoopback,
            Some(false) if self.is_local() => Reach::PublicAndLoopback,
            _ => Reach::Public,
        }
    }

    /// Returns whether tenants on other machines can use services of this machine, because the operator has not
    /// decided it.
    pub fn lends_loopback(&self) -> bool {
        self.reach() == Reach::PublicAndLoopback && !self.is_local()
    }

    /// Returns whether the broker is reached only on the loopback interface. A broker behind a reverse proxy
    /// listens there too, but its tenants are on other machines, and must not reach services of this machine.
    pub fn is_local(&self) -> bool {
        let is_public = |origin: &String| !Url::parse(origin).is_ok_and(|url| on_loopback(&url));
        let is_forwarded = self.behind_proxy || self.public_url.as_ref().is_some_and(is_public);
        self.listen.ip().is_loopback() && !is_forwarded
    }
}

/// `[serve]`, or the flags. What is not set is `None`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// See [`Settings::listen`].
    pub listen: Option<String>,
    /// See [`Settings::public_url`].
    pub public_url: Option<String>,
    /// See [`Settings::store`].
    pub store: Option<String>,
    /// See [`Settings::signup`].
    pub signup: Option<bool>,
    /// See [`Settings::smtp`].
    pub smtp: Option<Secret>,
    /// See [`Settings::mail_from`].
    pub mail_from: Option<String>,
    /// See [`Settings::allow_private_endpoints`].
    pub allow_private_endpoints: Option<bool>,
    /// See [`Settings::requests_per_address`].
    pub requests_per_address: Option<u32>,
    /// See [`Settings::connections_per_address`].
    pub connections_per_address: Option<u32>,
    /// The file with [`Settings::admin_key`].
    pub admin_key_file: Option<PathBuf>,
    /// See [`Settings::connect_page`].
    pub connect_page: Option<bool>,
    /// See [`Settings::behind_proxy`].
    pub behind_proxy: Option<bool>,
    /// See [`Settings::tls`].
    pub tls_certificate: Option<PathBuf>,
    /// See [`Settings::tls`].
    pub tls_private_key: Option<PathBuf>,
}

/// The file name of the default store in the state directory.
const USUAL_STORE: &str = "broker.db";

/// Default number of open connections of one address: a quarter of all.
const CONNECTIONS_PER_ADDRESS: usize = 2_048;

/// The name of the spool's folder in the state directory.
const SPOOL: &str = "broker-spool";

impl Section {
    /// Returns these settings, completed by `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            listen: self.listen.or(other.listen),
            public_url: self.public_url.or(other.public_url),
            store: self.store.or(other.store),
            signup: self.signup.or(other.signup),
            smtp: self.smtp.or(other.smtp),
            mail_from: self.mail_from.or(other.mail_from),
            allow_private_endpoints: self.allow_private_endpoints.or(other.allow_private_endpoints),
            requests_per_address: self.requests_per_address.or(other.requests_per_address),
            connections_per_address: self.connections_per_address.or(other.connections_per_address),
            admin_key_file: self.admin_key_file.or(other.admin_key_file),
            connect_page: self.connect_page.or(other.connect_page),
            behind_proxy: self.behind_proxy.or(other.behind_proxy),
            tls_certificate: self.tls_certificate.or(other.tls_certificate),
            tls_private_key: self.tls_private_key.or(other.tls_private_key),
        }
    }

    /// Returns the first key whose value is a URL with a password.
    pub fn password_key(&self) -> Option<&'static str> {
        let urls =
            [("store", self.store.as_deref()), ("smtp", self.smtp.as_ref().map(Secret::expose))];
        let with_password = urls.into_iter().find(|(_, url)| url.is_some_and(has_password));
        with_password.map(|(key, _)| key)
    }

    /// Validates each value by itself.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an invalid one.
    pub fn check(&self) -> Result<()> {
        self.listen.as_deref().map(address).transpose()?;
        self.public_url.as_deref().map(origin).transpose()?;
        self.store.as_deref().map(|store| Location::parse(store, Path::new(""))).transpose()?;
        self.smtp.as_ref().map(mail::server).transpose()?;
        self.mail_from.as_deref().map(mail::mailbox).transpose()?;
        Ok(())
    }

    /// Returns the store. The default is a file in the state directory.
    ///
    /// # Errors
    ///
    /// Returns `Config` for an unknown store.
    pub fn place(&self, state: &Path) -> Result<Location> {
        match &self.store {
            Some(store) => {
                let here = std::env::current_dir().unwrap_or_default();
                Location::parse(store, &here)
            }
            None => Ok(Location::Sqlite(state.join(USUAL_STORE))),
        }
    }

    /// Validates the settings.
    ///
    /// # Errors
    ///
    /// Returns `Config` for what is invalid or not safe.
    pub fn settle(self, state: &Path) -> Result<Settings> {
        let store = self.place(state)?;
        let listen = address(self.listen.as_deref().unwrap_or("127.0.0.1:8700"))?;
        let public_url = self.public_url.as_deref().map(origin).transpose()?;
        let tls = match (self.tls_certificate, self.tls_private_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(Error::config(
                    "`tls_certificate` and `tls_private_key` must be set together",
                ));
            }
        };
        let behind_proxy = self.behind_proxy.unwrap_or(false);
        if !listen.ip().is_loopback() && tls.is_none() && !behind_proxy {
            return Err(Error::config(format!("refusing to serve {listen} without TLS"))
                .hint("set `tls_certificate` and `tls_private_key`, or `behind_proxy` if a proxy terminates TLS"));
        }
        for (name, limit) in [
            ("requests_per_address", self.requests_per_address),
            ("connections_per_address", self.connections_per_address),
        ] {
            if behind_proxy && limit.is_some() {
                return Err(Error::config(format!("`{name}` cannot be used with `behind_proxy`"))
                    .hint("limit addresses in the proxy: the broker sees only that of the proxy"));
            }
        }
        let connections = self.connections_per_address.and_then(|most| usize::try_from(most).ok());
        let connections = connections.unwrap_or(CONNECTIONS_PER_ADDRESS);
        Ok(Settings {
            listen,
            public_url,
            store,
            signup: self.signup.unwrap_or(false),
            smtp: self.smtp,
            mail_from: self.mail_from,
            allow_private_endpoints: self.allow_private_endpoints,
            requests_per_address: self.requests_per_address,
            connections_per_address: (!behind_proxy).then_some(connections),
            admin_key: None,
            connect_page: self.connect_page.unwrap_or(false),
            behind_proxy,
            tls,
            spool: state.join(SPOOL),
        })
    }
}

impl Settings {
    /// Returns the mailer; `None` if sign-up is disabled.
    ///
    /// # Errors
    ///
    /// Returns `Config` for a missing or invalid mail server or sender.
    pub fn mailer(&self) -> Result<Option<Mailer>> {
        if !self.signup {
            return Ok(None);
        }
        match (&self.smtp, &self.mail_from) {
            (Some(smtp), Some(from)) => Mailer::new(smtp, from).map(Some),
            _ => Err(Error::config("`signup` needs `smtp` and `mail_from`")
                .hint("set the mail server and the sender of the emails that confirm addresses")),
        }
    }
}

/// Returns whether a URL contains a password. It need not be valid: PostgreSQL accepts several hosts with ports, and
/// any character in a password.
fn has_password(url: &str) -> bool {
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    let has_user_info = || rest.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    scheme != "sqlite" && (has_user_info() || parameters.any(|(name, _)| name == "password"))
}

fn address(text: &str) -> Result<SocketAddr> {
    let text = text.replacen("localhost:", "127.0.0.1:", 1);
    text.parse().map_err(|_| {
        Error::config("`listen` must be an IP address and a port")
            .hint("for example `127.0.0.1:8700`")
    })
}

/// Parses the public URL, which is an origin.
fn origin(text: &str) -> Result<String> {
    let invalid = |why: &str| Error::config(format!("`public_url` {why}"));
    let url = Url::parse(text).map_err(|_| invalid("must be an absolute URL"))?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let has_user = !url.username().is_empty() || url.password().is_some();
    if !matches!(url.scheme(), "http" | "https") || !is_origin || has_user {
        return Err(invalid("must be `https://HOST` without a path"));
    }
    if url.scheme() == "http" && !on_loopback(&url) {
        return Err(invalid("must be https, or http on a loopback host"));
    }
    Ok(url.origin().ascii_serialization())
}

fn on_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}
