//! Builds the flow manager of a profile.

use std::collections::BTreeMap;
use std::sync::Arc;

use oauthctl_core::clock::SystemClock;
use oauthctl_core::flow::{Committed, FlowManager, Ports, Secrets};
use oauthctl_core::grant::Grant;
use oauthctl_core::hook::CommandHooks;
use oauthctl_core::http::{HttpClient, Options, Proxy, client_certificate};
use oauthctl_core::port::{BoxFuture, Http, SecretItems};
use oauthctl_core::profile::programs;
use oauthctl_core::profile::secret_source::{self, SecretAccess};
use oauthctl_core::profile::url_login::is_url;
use oauthctl_core::profile::{ClientAuth, Profile, SecretSource};
use oauthctl_core::store::{MemoryCoordinator, MemoryStore, StateDir, Store, portable};
use oauthctl_core::{Error, Result, Secret, text};

use crate::context::Context;
use crate::target::Target;
use crate::ui::Ui;
use crate::write_back;
use crate::{by_url, environment};

/// Builds the manager of a profile.
///
/// # Errors
///
/// Returns an error if the client certificate cannot be used.
pub fn build(context: &Context, target: &Target<'_>) -> Result<FlowManager> {
    let ports = ports(context, target)?;
    if is_url(&target.profile.name) {
        let profiles = by_url::Profiles::new(context.url_logins()?, target.profile.clone());
        return Ok(FlowManager::with_profiles(Arc::new(profiles), ports));
    }
    match target.profile.sources().next() {
        None => Ok(FlowManager::new([target.profile.clone()], ports)),
        Some(_) => with_others(context, ports),
    }
}

/// Builds the same with all other profiles, for a code that may arrive without its redirect URI: the
/// servers of the other profiles must be told apart from this one's.
///
/// # Errors
///
/// See [`build`]; also returns an error if the configuration cannot be read.
pub fn build_among_others(context: &Context, target: &Target<'_>) -> Result<FlowManager> {
    among_others(context, target, ports(context, target)?)
}

/// Builds the same for a login by URL, with the observer that keeps it.
///
/// # Errors
///
/// See [`build_among_others`].
pub fn build_by_url(
    context: &Context,
    target: &Target<'_>,
    keeper: Arc<dyn Committed>,
) -> Result<FlowManager> {
    // Such a profile has no `write_back`, which is the other observer.
    among_others(context, target, ports(context, target)?.with_committed(keeper))
}

fn among_others(context: &Context, target: &Target<'_>, ports: Ports) -> Result<FlowManager> {
    // The profile of a login by URL is not in the configuration yet.
    let others = context.config()?.profiles.values().filter(|one| one.name != target.profile.name);
    let all = others.chain([target.profile]).cloned();
    Ok(FlowManager::new(all, ports))
}

/// Builds a manager of all profiles over the ports of one of them.
///
/// # Errors
///
/// Returns an error if the configuration cannot be read.
pub fn with_others(context: &Context, ports: Ports) -> Result<FlowManager> {
    Ok(FlowManager::new(context.config()?.profiles.values().cloned(), ports))
}

/// Returns the ports from which the manager of a profile is built.
///
/// # Errors
///
/// See [`build`].
pub fn ports(context: &Context, target: &Target<'_>) -> Result<Ports> {
    let ports = ports_over(context, Some(target.profile), &target.store, target.state.clone())?;
    Ok(ports.with_others(ports_of_sources(context, target)?))
}

/// Returns the ports of all profiles whose tokens this one is obtained with, directly or through others.
fn ports_of_sources(context: &Context, target: &Target<'_>) -> Result<BTreeMap<String, Ports>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<&str> = target.profile.sources().map(|(_, name)| name).collect();
    while let Some(name) = open.pop() {
        if found.contains_key(name) {
            continue;
        }
        let source = context.config()?.profile(name)?;
        let store = context.store_of(source)?;
        let ports = ports_over(context, Some(source), &store, target.state.clone())?;
        found.insert(name.to_owned(), ports);
        open.extend(source.sources().map(|(_, name)| name));
    }
    Ok(found)
}

/// Builds a manager over a store that is not the profile's. Without a profile, grants can only be removed.
///
/// # Errors
///
/// See [`build`].
pub fn build_over(
    context: &Context,
    profile: Option<&Profile>,
    opened: &Store,
    state: StateDir,
) -> Result<FlowManager> {
    Ok(FlowManager::new(profile.cloned(), ports_over(context, profile, opened, state)?))
}

fn ports_over(
    context: &Context,
    profile: Option<&Profile>,
    opened: &Store,
    state: StateDir,
) -> Result<Ports> {
    environment::warn_of_no_proxy(&context.ui);
    // A refused state directory stops whatever needs it, and gets no cache.
    let cache = state.place("discovery").ok();
    let plain: Arc<dyn Http> = Arc::new(HttpClient::new(Options {
        ca_file: profile.and_then(|p| p.ca_file.clone()),
        proxy: Proxy::from_environment(),
        ..Options::default()
    }));
    let secrets =
        Arc::new(ProfileSecrets { items: Arc::clone(&opened.items), http: Arc::clone(&plain) });
    let http = match profile {
        Some(profile) if profile.client.auth.is_some_and(ClientAuth::is_mutual_tls) => {
            with_certificate(profile, &*secrets)?
        }
        _ => plain,
    };
    let (clock, store) = (Arc::new(SystemClock), Arc::clone(&opened.grants));
    let ports = Ports::new(http, clock, store, Arc::new(state))
        .with_secrets(secrets)
        .with_hooks(Arc::new(CommandHooks))
        .with_trace(context.trace.clone());
    let ports = match cache {
        Some(cache) => ports.with_discovery_cache(cache),
        None => ports,
    };
    Ok(match profile.is_some_and(|p| !p.write_back.is_empty()) {
        true => ports.with_committed(Arc::new(WriteBack(context.ui))),
        false => ports,
    })
}

/// Builds a manager that only reads the metadata of a profile's server, into the cache of all commands.
///
/// # Errors
///
/// Returns an error if the state directory cannot be used.
pub fn of_server(context: &Context, profile: &Profile) -> Result<FlowManager> {
    let http = HttpClient::new(Options {
        ca_file: profile.ca_file.clone(),
        proxy: Proxy::from_environment(),
        ..Options::default()
    });
    let ports = Ports::new(
        context.trace.wrap(Arc::new(http)),
        Arc::new(SystemClock),
        Arc::<MemoryStore>::default(),
        Arc::new(MemoryCoordinator::new(Arc::new(SystemClock))),
    );
    let cache = context.state()?.place("discovery")?;
    Ok(FlowManager::new([profile.clone()], ports.with_discovery_cache(cache)))
}

/// Returns a transport without a profile, whose exchanges the trace shows.
pub fn transport(context: &Context) -> Arc<dyn Http> {
    environment::warn_of_no_proxy(&context.ui);
    let options = Options { proxy: Proxy::from_environment(), ..Options::default() };
    context.trace.wrap(Arc::new(HttpClient::new(options)))
}

/// Returns the client certificate of a profile that has one, for requests with its token: the token may be bound
/// to the certificate (RFC 8705, section 3).
///
/// # Errors
///
/// Returns an error if the certificate or its key cannot be used.
pub fn client_certificate_of(context: &Context, target: &Target<'_>) -> Result<Option<Secret>> {
    if !target.profile.client.auth.is_some_and(ClientAuth::is_mutual_tls) {
        return Ok(None);
    }
    let http = transport(context);
    let secrets = ProfileSecrets { items: Arc::clone(&target.store.items), http };
    certificate(target.profile, &secrets).map(Some)
}

/// Returns the PEM of the client certificate and its key (RFC 8705). Without `certificate`, the PEM of
/// `private_key` contains it.
fn certificate(profile: &Profile, secrets: &dyn Secrets) -> Result<Secret> {
    let read = |key: &'static str, source: &SecretSource| {
        let value = crate::run::block_on(None, secrets.resolve(source));
        value.map_err(|error| of_key(profile, key, error))
    };
    let Some(source) = &profile.client.private_key else {
        let what = "a client certificate requires `private_key` in PEM format";
        return Err(Error::config(what));
    };
    let key = read("private_key", source)?;
    let (name, pem) = match &profile.client.certificate {
        None => ("private_key", key),
        Some(source) => {
            let certificate = read("certificate", source)?;
            let pem = client_certificate(&certificate, &key);
            ("certificate", pem.map_err(|error| of_key(profile, "private_key", error))?)
        }
    };
    // The CA file is checked under its own key, `ca_file`.
    let alone =
        HttpClient::new(Options { client_certificate: Some(pem.clone()), ..Options::default() });
    alone.check_options().map_err(|error| of_key(profile, name, error))?;
    Ok(pem)
}

/// Returns a transport that presents the client certificate.
fn with_certificate(profile: &Profile, secrets: &dyn Secrets) -> Result<Arc<dyn Http>> {
    Ok(Arc::new(HttpClient::new(Options {
        ca_file: profile.ca_file.clone(),
        client_certificate: Some(certificate(profile, secrets)?),
        proxy: Proxy::from_environment(),
        ..Options::default()
    })))
}

fn of_key(profile: &Profile, key: &str, error: Error) -> Error {
    let error = match error.advice().is_empty() {
        false => error,
        true => error.hint(format!("correct the file, or set another one in `{key}`")),
    };
    error.context(format!("`{key}` of profile `{}`", text::one_line(&profile.name)))
}

/// Checks what a login needs besides the server: a defect that shows only after the user has consented
/// costs a login.
///
/// # Errors
///
/// Returns `Config`, naming the key, if the CA file, the client's certificate or a program cannot be used.
pub fn check_files_and_programs(profile: &Profile) -> Result<()> {
    programs::check(profile, std::env::var_os("PATH").as_deref())?;
    let ca_file = profile.ca_file.clone();
    let client = HttpClient::new(Options { ca_file, ..Options::default() });
    client.check_options().map_err(|error| of_key(profile, "ca_file", error))
}

/// Reads the secrets that a profile names.
struct ProfileSecrets {
    items: Arc<dyn SecretItems>,
    http: Arc<dyn Http>,
}

impl Secrets for ProfileSecrets {
    fn resolve<'a>(&'a self, source: &'a SecretSource) -> BoxFuture<'a, Result<Secret>> {
        Box::pin(async move {
            let variable = |name: &str| std::env::var_os(name).and_then(|v| v.into_string().ok());
            let access =
                SecretAccess { variable: &variable, items: Some(&*self.items), http: &*self.http };
            secret_source::resolve(source, "the secret", &access).await
        })
    }
}

/// Passes every new generation of tokens to the profile's `write_back` command.
struct WriteBack(Ui);

impl Committed for WriteBack {
    fn committed<'a>(
        &'a self,
        profile: &'a Profile,
        grant: &'a Grant,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let line = portable::export(grant, &[])?;
            write_back::feed(profile, &grant.key, &line, self.0).await.map_err(|e| {
                e.context(
                    "`write_back` failed, so the tokens are stored only \
                                        locally",
                )
            })
        })
    }
}
