//! Connections: TLS, limits, and which servers are refused.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use oauthctl_core::{Error, Result};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::remote::{is_loopback, tls_config};

/// Maximum number of connections of one instance.
const CONNECTIONS: usize = 16;

/// How long to wait for a new or a free connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// The settings of every session: a statement times out before its callers give up, and a commit is on disk
/// when it returns, whatever the role's defaults are.
const SESSION: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
     SET idle_in_transaction_session_timeout = '30s'; SET synchronous_commit = 'on'; \
     SET client_min_messages = 'warning'";

/// Creates a pool. Connections are opened when they are needed.
///
/// # Errors
///
/// Returns `Config` for a URL that cannot be parsed, or whose server would be reached over a network without TLS.
pub(super) fn pool(url: &str) -> Result<Pool> {
    let mut config = Config::from_str(url).map_err(|_| {
        Error::config("the PostgreSQL URL is invalid")
            .hint("expected `postgres://USER:PASSWORD@HOST/DATABASE`")
    })?;
    config
        .application_name("oauthctl-broker")
        .connect_timeout(PATIENCE)
        .keepalives_idle(Duration::from_secs(15))
        .tcp_user_timeout(Duration::from_secs(15))
        // After a failover, this finds the new primary: a standby cannot store a refresh.
        .target_session_attrs(TargetSessionAttrs::ReadWrite);
    let is_local = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => is_loopback(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    });
    if !is_local && config.get_ssl_mode() == SslMode::Disable {
        return Err(Error::config("PostgreSQL on another host requires TLS")
            .hint("remove `sslmode=disable` from the URL"));
    }
    if !is_local {
        config.ssl_mode(SslMode::Require);
    }
    let settings = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = if config.get_ssl_mode() == SslMode::Require {
        let tls = MakeRustlsConnect::new(Arc::unwrap_or_clone(tls_config()?));
        Manager::from_config(config, tls, settings)
    } else {
        config.ssl_mode(SslMode::Disable);
        Manager::from_config(config, NoTls, settings)
    };
    Pool::builder(manager)
        .max_size(CONNECTIONS)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(PATIENCE))
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        }))
        .build()
        .map_err(|_| Error::store("cannot create the pool of PostgreSQL connections"))
}
