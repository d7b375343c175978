//! The known users, and what is recorded of their consents: an SQLite file.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;

use oauthctl_core::GrantInfo;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Result, Row, params};

use crate::page::Problem;

/// The users are those of the sandbox; an application has its own.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS users (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE);
    CREATE TABLE IF NOT EXISTS consents (
        user_id INTEGER PRIMARY KEY REFERENCES users (id),
        grant_id TEXT NOT NULL, sub TEXT, email TEXT, consented_at TEXT NOT NULL);
    INSERT OR IGNORE INTO users (id, name, email) VALUES
        (1, 'Ada Quill', 'ada@sandbox.example'),
        (2, 'Brook Lindqvist', 'brook@sandbox.example'),
        (3, 'Chen Okafor', 'chen@sandbox.example');";

const USERS: &str = "
    SELECT users.id, users.name, users.email, consents.consented_at, consents.sub, consents.email
    FROM users LEFT JOIN consents ON consents.user_id = users.id";

pub struct User {
    pub id: i64,
    pub name: String,
    pub email: String,
    pub consent: Option<Consent>,
}

/// When a user consented, and the user's identity at the authorization server.
pub struct Consent {
    pub at: String,
    pub sub: Option<String>,
    pub email: Option<String>,
}

pub struct Users(Connection);

impl Users {
    /// Opens the table in this directory, which may be a link. The file must not be one: it would be
    /// created wherever the link leads.
    pub fn open(dir: &Path) -> Result<Self, Problem> {
        let path = dir.canonicalize()?.join("users.db");
        // SQLite would create it readable for all users, and creates its other files with the same mode.
        let mut private = OpenOptions::new();
        private.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut private, 0o600);
        match private.open(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch(SCHEMA)?;
        Ok(Self(connection))
    }

    pub fn all(&self) -> Result<Vec<User>> {
        let mut query = self.0.prepare(&format!("{USERS} ORDER BY users.name"))?;
        query.query_map([], user)?.collect()
    }

    pub fn one(&self, id: i64) -> Result<Option<User>> {
        self.0.query_row(&format!("{USERS} WHERE users.id = ?1"), [id], user).optional()
    }

    /// Records the current grant of a user, or that there is none.
    pub fn note(&self, id: i64, grant: Option<&GrantInfo>) -> Result<()> {
        match grant {
            Some(GrantInfo { id: grant_id, identity, obtained_at, .. }) => self.0.execute(
                "INSERT OR REPLACE INTO consents VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id, grant_id, identity.sub, identity.email, obtained_at.to_string()],
            ),
            None => self.0.execute("DELETE FROM consents WHERE user_id = ?1", [id]),
        }
        .map(drop)
    }
}

fn user(row: &Row) -> Result<User> {
    let at: Option<String> = row.get(3)?;
    let (sub, email) = (row.get(4)?, row.get(5)?);
    let consent = at.map(|at| Consent { at, sub, email });
    Ok(User { id: row.get(0)?, name: row.get(1)?, email: row.get(2)?, consent })
}
