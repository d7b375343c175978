//! Asks the agent that `OAUTHCTL_AGENT` names: one round trip, without configuration, store or runtime.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use oauthctl_core::flow::{AccessToken, TokenRequest};
use oauthctl_core::profile::api_url::ApiUrls;
use oauthctl_core::profile::{Credential, CredentialTool};
use oauthctl_core::text::{one_line, shell_word};
use oauthctl_core::{Error, ErrorKind, GrantKey, Result, Secret, Timestamp};
use serde_json::{Value, json};

use super::broker::Broker;
use super::tables;
use crate::environment;

/// The variable that names the agent.
const VARIABLE: &str = "OAUTHCTL_AGENT";

/// Time limit for an answer. The agent may be asking its user meanwhile, who has five minutes, and may then have to
/// refresh the token.
#[cfg(unix)]
const ANSWER: std::time::Duration = std::time::Duration::from_secs(400);

/// What an agent says about an account.
#[derive(Debug)]
pub struct LentAccount {
    /// The profile and the account.
    pub key: GrantKey,
    /// Where its token may be sent.
    pub urls: ApiUrls,
}

/// An agent, or a broker in its place.
#[derive(Debug, Clone)]
pub enum Agent {
    /// An agent at this socket.
    Socket(PathBuf),
    /// A broker, which only hands out tokens.
    Broker(Broker),
}

/// Returns the question for a token of this account.
pub fn token_request(key: &GrantKey, request: &TokenRequest) -> Value {
    json!({
        "op": "token",
        "profile": key.profile,
        "account": key.account,
        "force": request.force,
    })
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn no_agent() -> Error {
    Error::usage("a broker only hands out tokens")
}

fn malformed() -> Error {
    Error::unavailable("the agent sent an invalid response")
}

impl Agent {
    /// Returns the agent at this socket.
    pub fn at(path: PathBuf) -> Self {
        Self::Socket(path)
    }

    /// Returns the agent that the environment names, if it does.
    ///
    /// # Errors
    ///
    /// Returns `Config` for a value of another form than `unix:PATH` or the URL of a broker.
    pub fn named() -> Result<Option<Self>> {
        let Some(value) = environment::variable(VARIABLE)? else { return Ok(None) };
        match value.strip_prefix("unix:") {
            Some(path) if !path.is_empty() => Ok(Some(Self::at(path.into()))),
            None if value.contains("://") => Ok(Some(Self::Broker(Broker::at(&value)?))),
            _ => {
                Err(Error::config(format!("{VARIABLE} must be `unix:PATH` or the URL of a broker"))
                    .hint("set it to what `oauthctl agent` prints, or unset it"))
            }
        }
    }

    /// Returns whether the environment names an agent, even if not in a valid way.
    ///
    /// # Errors
    ///
    /// Returns `Config` for a value that is not valid UTF-8.
    pub fn is_named() -> Result<bool> {
        Ok(environment::variable(VARIABLE)?.is_some())
    }

    /// Asks for a token.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn token(&self, request: &Value) -> Result<AccessToken> {
        let answer = self.ask(request)?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let value = Secret::new(text("access_token").ok_or_else(malformed)?);
        let key = GrantKey::new(
            text("profile").ok_or_else(malformed)?,
            text("account").ok_or_else(malformed)?,
        );
        let token_type = text("token_type").ok_or_else(malformed)?;
        let grant_id = text("grant_id").unwrap_or_default();
        let mut token = AccessToken::from_elsewhere(value, token_type, key, grant_id);
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

    /// Asks which account this is, and where its token may be sent.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn account(&self, profile: Option<&str>, account: Option<&str>) -> Result<LentAccount> {
        let request = json!({ "op": "account", "profile": profile, "account": account });
        let answer = self.ask(&request)?;
        let text = |name: &str| answer[name].as_str().ok_or_else(malformed);
        let urls = answer["api_url"].as_array().into_iter().flatten();
        let urls = ApiUrls::named(urls.filter_map(Value::as_str)).map_err(|_| malformed())?;
        Ok(LentAccount { key: GrantKey::new(text("profile")?, text("account")?), urls })
    }

    /// Asks for the proof of one request with a token that is bound to a key.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn proof(
        &self,
        key: &GrantKey,
        (method, url): (&str, &str),
        nonce: Option<&str>,
        token: &Secret,
    ) -> Result<Secret> {
        let answer = self.ask(&json!({
            "op": "proof",
            "profile": key.profile,
            "account": key.account,
            "method": method,
            "url": url,
            "nonce": nonce,
            "access_token": token.expose(),
        }))?;
        answer["proof"].as_str().map(Secret::new).ok_or_else(malformed)
    }

    /// Asks what the credential helper of a tool hands out, by the tables of the agent's configuration.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn credentials(&self, tool: CredentialTool) -> Result<BTreeMap<String, Credential>> {
        let answer = self.ask(&json!({ "op": "credentials", "tool": tool.name() }))?;
        tables::read(&answer["credentials"]).ok_or_else(malformed)
    }

    /// Returns what the agent says about itself; `None` if no agent is running at this socket.
    ///
    /// # Errors
    ///
    /// Returns an error if it does not answer as an agent does.
    pub fn status(&self) -> Result<Option<Value>> {
        match self {
            Self::Socket(path) => match exchange(path, &json!({ "op": "status" })) {
                Err(error) if is_absent(&error) => Ok(None),
                Err(error) => Err(unanswered(path, &error)),
                Ok(answer) => understood(answer).map(Some),
            },
            Self::Broker(_) => Err(no_agent()),
        }
    }

    /// Stops the agent, and waits until it has ended: by then, what it was refreshing is saved.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn stop(&self) -> Result<()> {
        // A connection without a request ends with the agent.
        #[cfg(unix)]
        let ending = match self {
            Self::Socket(path) => connect(path).ok(),
            Self::Broker(_) => None,
        };
        self.ask(&json!({ "op": "stop" }))?;
        #[cfg(unix)]
        if let Some(ending) = ending {
            let _ = super::message::read(&ending, 0, super::message::PATIENCE);
        }
        Ok(())
    }

    /// Sends a request and returns the response.
    ///
    /// # Errors
    ///
    /// Returns the agent's error, or `Unavailable` if it does not answer.
    pub fn ask(&self, request: &Value) -> Result<Value> {
        let path = match self {
            Self::Socket(path) => path,
            Self::Broker(broker) if request["op"] == "token" => return broker.token(request),
            Self::Broker(_) => return Err(no_agent()),
        };
        understood(exchange(path, request).map_err(|error| unanswered(path, &error))?)
    }
}

/// Returns the error of a request that the agent did not answer.
fn unanswered(path: &Path, error: &io::Error) -> Error {
    let shown = one_line(&path.display().to_string());
    if error.kind() == io::ErrorKind::PermissionDenied {
        let what = format!("this user is not allowed to connect to the agent at {shown}");
        return Error::new(ErrorKind::AccessDenied, what)
            .hint("ask the user who runs the agent to start it with `--allow-uid UID`")
            .caused_by(error);
    }
    let what = match is_absent(error) {
        true => format!("no agent is running at {shown}"),
        false => format!("the agent at {shown} does not respond: {error}"),
    };
    let command = match super::usual_socket() {
        Ok(usual) if usual == path => "oauthctl agent".to_owned(),
        _ => format!("oauthctl agent --socket {}", shell_word(&path.display().to_string())),
    };
    let start = format!("start it with `{command}`");
    let error = Error::unavailable(what).caused_by(error);
    match Agent::named() {
        Ok(Some(_)) => error.hint(format!("{start}, or unset OAUTHCTL_AGENT")),
        _ => error.hint(start),
    }
}

/// Returns the response, or the error that it contains.
fn understood(answer: Value) -> Result<Value> {
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
fn exchange(path: &Path, request: &Value) -> std::io::Result<Value> {
    use super::message;
    let stream = connect(path).map_err(message::named)?;
    message::write(&stream, request, message::PATIENCE)?;
    // Only a request for a token may have to wait, for the user or for the server.
    let is_control = matches!(request["op"].as_str(), Some("status" | "stop" | "lock" | "unlock"));
    let patience = if is_control { message::PATIENCE } else { ANSWER };
    message::read(&stream, message::RESPONSE, patience)
}

/// Connects. An agent that accepts nobody lets its queue fill up, and the system waits for a place in it as long
/// as for a write.
#[cfg(unix)]
fn connect(path: &Path) -> std::io::Result<std::os::unix::net::UnixStream> {
    use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketType, sockopt};
    let socket = net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    let limit = Some(super::message::PATIENCE);
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Send, limit)?;
    net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

#[cfg(not(unix))]
fn exchange(_: &Path, _: &Value) -> std::io::Result<Value> {
    Err(std::io::ErrorKind::Unsupported.into())
}
