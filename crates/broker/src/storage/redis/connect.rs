//! Connections: TLS, limits, and which servers are refused.

use std::sync::Arc;
use std::time::Duration;

use oauthctl_core::{Error, Result};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, ConnectionAddr, FromRedisValue, IntoConnectionInfo, RedisError, ScriptInvocation,
};
use tokio::sync::{Mutex, RwLock};

use super::super::remote::is_loopback;
use super::values::failed;

/// How long to wait for a response, or for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that is opened again when it breaks.
pub(super) struct Connection(Arc<Shared>);

struct Shared {
    client: Client,
    /// The connection, and which one it is of those opened so far.
    current: RwLock<(u64, ConnectionManager)>,
    /// Held while a new connection is opened.
    renewal: Mutex<()>,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// See [`super::Redis::open`].
    pub(super) async fn open(url: &str) -> Result<Self> {
        let invalid = || {
            Error::config("the Redis URL is invalid")
                .hint("expected `redis://:PASSWORD@HOST/0`, or `rediss://` for TLS")
        };
        let info = url.into_connection_info().map_err(|_| invalid())?;
        if let ConnectionAddr::Tcp(host, _) = info.addr()
            && !is_loopback(host)
        {
            return Err(Error::config("Redis on another host requires TLS")
                .hint("use a URL that begins with `rediss://`"));
        }
        if let ConnectionAddr::TcpTls { insecure: true, .. } = info.addr() {
            return Err(Error::config("the certificate of Redis must be validated")
                .hint("remove `#insecure` from the URL"));
        }
        let client = Client::open(info).map_err(|_| invalid())?;
        let current = connect(&client).await.map_err(|e| failed(&e))?;
        let (current, renewal) = (RwLock::new((0, current)), Mutex::new(()));
        Ok(Self(Arc::new(Shared { client, current, renewal })))
    }

    /// Runs a command.
    ///
    /// # Errors
    ///
    /// Returns `Store` if the server refuses it or does not answer: it may or may not have run.
    pub(super) async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        let (number, mut connection) = self.0.current.read().await.clone();
        self.checked(number, command.query_async(&mut connection).await)
    }

    /// Runs a script.
    ///
    /// # Errors
    ///
    /// As [`query`](Self::query).
    pub(super) async fn call<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T> {
        let (number, mut connection) = self.0.current.read().await.clone();
        self.checked(number, call.invoke_async(&mut connection).await)
    }

    fn checked<T>(&self, number: u64, outcome: std::result::Result<T, RedisError>) -> Result<T> {
        outcome.map_err(|error| {
            // A server that has become a replica stays one, and one that does not respond may be gone for good. A new
            // connection may find the primary.
            if error.code() == Some("READONLY") || error.is_timeout() {
                let shared = Arc::clone(&self.0);
                tokio::spawn(async move { shared.renew(number).await });
            }
            failed(&error)
        })
    }
}

impl Shared {
    /// Replaces the connection with this number, unless that is being done or has been done.
    async fn renew(&self, number: u64) {
        let Ok(_turn) = self.renewal.try_lock() else { return };
        if self.current.read().await.0 == number
            && let Ok(new) = connect(&self.client).await
        {
            *self.current.write().await = (number + 1, new);
        }
    }
}

async fn connect(client: &Client) -> std::result::Result<ConnectionManager, RedisError> {
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(1)
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    ConnectionManager::new_with_config(client.clone(), config).await
}
