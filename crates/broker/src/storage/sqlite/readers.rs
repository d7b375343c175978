//! Connections that read, each used by one task at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use oauthctl_core::{Error, Result};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::blocking::{failed, run};
use super::schema;

/// Number of connections.
const COUNT: usize = 4;

/// The connections that are idle.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path) -> Result<Self> {
        let idle: Result<Vec<Connection>> = (0..COUNT).map(|_| schema::connect(path)).collect();
        Ok(Self { idle: Arc::new(Mutex::new(idle?)), free: Arc::new(Semaphore::new(COUNT)) })
    }

    /// Runs a query on an idle connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let closed = || Error::store("the store is closed");
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| closed())?;
        let idle = Arc::clone(&self.idle);
        run(move || {
            let _permit = permit;
            let taken = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let db = taken.ok_or_else(closed)?;
            let result = query(&db);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
            result.map_err(|e| failed(&e))
        })
        .await
    }
}
