//! Opens the store that the configuration names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use oauthctl_core::{Error, Result, Secret};

use super::contract::Storage;
use super::postgres::Postgres;
use super::record::Usage;
use super::redis::Redis;
use super::sqlite::Sqlite;

/// Where records are stored.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// `sqlite:PATH`: a file.
    Sqlite(PathBuf),
    /// `postgres://…`: a database.
    Postgres(Secret),
    /// `redis://…` or `rediss://…`: a server.
    Redis(Secret),
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "Sqlite({})", path.display()),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
            Self::Redis(_) => f.write_str("Redis(…)"),
        }
    }
}

impl Location {
    /// Parses the value of `store`. A relative path is relative to `directory`.
    ///
    /// # Errors
    ///
    /// Returns `Config` for a store that does not exist. The message shows nothing of a URL, which may contain a
    /// password.
    pub fn parse(text: &str, directory: &Path) -> Result<Self> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(Error::config("`sqlite:` needs the path of a file"));
            }
            return Ok(Self::Sqlite(directory.join(path)));
        }
        let scheme = text.split(':').next().unwrap_or_default();
        match scheme {
            "postgres" | "postgresql" => return Ok(Self::Postgres(Secret::new(text))),
            "redis" | "rediss" => return Ok(Self::Redis(Secret::new(text))),
            _ => {}
        }
        Err(Error::config(format!("unknown store `{}`", oauthctl_core::text::one_line(scheme)))
            .hint("expected `sqlite:PATH`, `postgres://…` or `redis://…`"))
    }
}

/// Opens a store. `usage` says whether this process serves from it or only administers it.
///
/// # Errors
///
/// Returns `Store` if it cannot be opened, belongs to a newer version, or is served by another process already where
/// only one can.
pub async fn open(place: &Location, usage: Usage) -> Result<Arc<dyn Storage>> {
    match place {
        Location::Sqlite(path) => Ok(Arc::new(Sqlite::open(path, usage).await?)),
        Location::Postgres(url) => Ok(Arc::new(Postgres::open(url.expose()).await?)),
        Location::Redis(url) => Ok(Arc::new(Redis::open(url.expose()).await?)),
    }
}
