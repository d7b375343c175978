//! Asks the agent that `OAUTHCTL_AGENT` names: one round trip, without configuration, store or runtime.

use std::path::PathBuf;

use oauthctl_core::flow::AccessToken;
use oauthctl_core::text::one_line;
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, Secret, Timestamp};
use serde_json::Value;

use crate::environment;

/// The variable that names the agent.
const VARIABLE: &str = "OAUTHCTL_AGENT";

/// An agent.
#[derive(Debug, Clone)]
pub struct Agent {
    path: PathBuf,
}

impl Agent {
    /// Returns the agent at this socket.
    pub fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Returns the agent that the environment names, if it does.
    ///
    /// # Errors
    ///
    /// Returns `Config` for a value of another form than `unix:PATH`.
    pub fn named() -> Result<Option<Self>> {
        let Some(value) = environment::variable(VARIABLE)? else { return Ok(None) };
        match value.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Some(Self::at(path.into()))),
            _ => Err(Error::config(format!("{VARIABLE} must be `unix:PATH`"))
                .hint("set it to what `oauthctl agent` prints, or unset it")),
        }
    }

    /// Asks for a token.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn token(&self, request: &Value) -> Result<AccessToken> {
        let answer = self.ask(request)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let malformed = || Error::unavailable("the agent sent an invalid response");
        let value = Secret::new(text("access_token").ok_or_else(malformed)?);
        let key = GrantKey::new(
            text("profile").ok_or_else(malformed)?,
            text("account").ok_or_else(malformed)?,
        );
        let token_type = text("token_type").ok_or_else(malformed)?;
        let mut token =
            AccessToken::lent(value, token_type, key, text("grant_id").unwrap_or_default());
        token.expires_at = answer["expires_at"].as_u64().map(Timestamp::from_unix);
        token.lifetime = answer["lifetime"].as_u64();
        token.id_token = text("id_token").map(Secret::new);
        token.id_token_expires_at =
            answer["id_token_expires_at"].as_u64().map(Timestamp::from_unix);
        let scopes = answer["scopes"].as_array().into_iter().flatten();
        token.scopes = scopes.filter_map(|scope| scope.as_str().map(str::to_owned)).collect();
        token.warning = text("warning").map(Error::unavailable);
        Ok(token)
    }

    /// Sends a request and returns the response.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn ask(&self, request: &Value) -> Result<Value> {
        let answer = self.exchange(request).map_err(|error| {
            let path = one_line(&self.path.display().to_string());
            Error::unavailable(format!("the agent at {path} does not answer: {error}"))
                .caused_by(&error)
                .hint("start it with `oauthctl agent`, or unset OAUTHCTL_AGENT")
        })?;
        let Some(word) = answer["error"].as_str() else { return Ok(answer) };
        let kind = ErrorKind::ALL.into_iter().find(|kind| kind.word() == word);
        let message = one_line(answer["message"].as_str().unwrap_or("the agent refused"));
        let error = Error::new(kind.unwrap_or(ErrorKind::Internal), message);
        Err(match answer["hint"].as_str() {
            Some(hint) => error.hint(format!("where the agent runs: {}", one_line(hint))),
            None => error,
        })
    }

    #[cfg(unix)]
    fn exchange(&self, request: &Value) -> std::io::Result<Value> {
        use super::message;
        let stream = std::os::unix::net::UnixStream::connect(&self.path)?;
        message::write(&stream, request)?;
        message::read(&stream, message::RESPONSE)
    }

    #[cfg(not(unix))]
    fn exchange(&self, _: &Value) -> std::io::Result<Value> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
