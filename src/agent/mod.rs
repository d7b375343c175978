//! The agent: a process that holds tokens and hands them out on a Unix socket. `docs/agent.md` describes its
//! protocol.

mod broker;
pub mod client;
#[cfg(unix)]
pub mod message;
#[cfg(unix)]
pub mod server;
#[cfg(unix)]
pub mod sleep;
#[cfg(unix)]
pub mod slots;
pub mod tables;

use std::path::PathBuf;

use oauthctl_core::Result;

use crate::environment;

/// Returns the usual socket of the user.
///
/// # Errors
///
/// Returns `Config` if neither a variable nor a home directory determines it.
pub fn usual_socket() -> Result<PathBuf> {
    let runtime = environment::variable_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    Ok(match runtime.filter(|path| path.is_absolute()) {
        Some(path) => path.join("oauthctl").join("agent.sock"),
        None => environment::state_path()?.join("agent.sock"),
    })
}
