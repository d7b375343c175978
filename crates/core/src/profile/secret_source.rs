//! Fetches a secret from its configured source.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{SecretSource, endpoint};
use crate::error::{Error, Result};
use crate::files::trusted;
use crate::port::{Http, HttpRequest, Method, SecretItems};
use crate::process::{self, Failure, Job, Stream, Why};
use crate::secret::Secret;
use crate::text::one_line;

/// Maximum size of a secret, in bytes.
const MAX_BYTES: u64 = 1 << 20;
const TOO_LARGE: &str = "more than 1 MiB";
/// Time limit for a command, and for the writer of a pipe.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// The means to access secrets.
pub struct SecretAccess<'a> {
    /// Returns the value of an environment variable.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The token store's items, if the store supports them.
    pub items: Option<&'a dyn SecretItems>,
    /// The HTTP transport.
    pub http: &'a dyn Http,
}

impl std::fmt::Debug for SecretAccess<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretAccess(…)")
    }
}

/// Fetches a secret. `what` names it in errors: "the client secret of `gitlab`". A single trailing line
/// break, as editors and commands add it, is not part of the secret, regardless of the source.
///
/// # Errors
/// Returns `Config` if the source has none, `Unavailable` if the CI system's server does not respond, and
/// the store's error if the store fails.
pub async fn resolve(
    source: &SecretSource,
    what: &str,
    access: &SecretAccess<'_>,
) -> Result<Secret> {
    let secret = match source {
        SecretSource::Inline(secret) => Ok(secret.clone()),
        SecretSource::Env(name) => (access.variable)(name)
            .map(Secret::new)
            .ok_or_else(|| Error::config(format!("the variable {} is not set", one_line(name)))),
        SecretSource::Gitlab(name) => (access.variable)(name).map(Secret::new).ok_or_else(|| {
            Error::config(format!("the variable {} is not set", one_line(name)))
                .hint("this works in a GitLab job that declares the variable under `id_tokens`")
        }),
        SecretSource::File(path) | SecretSource::Kubernetes(path) | SecretSource::Spiffe(path) => {
            from_file(path).await
        }
        SecretSource::Command(argv) => from_command(argv, COMMAND_LIMIT).await,
        SecretSource::Keyring(name) => from_items(name, access.items).await,
        SecretSource::GithubActions { audience } => from_github(audience, access).await,
        SecretSource::Profile { .. } => {
            Err(Error::config("the token of another profile cannot be used as a secret"))
        }
    };
    match secret.map(without_line_break) {
        Ok(secret) if secret.is_empty() => Err(Error::config(format!("{what} is empty"))),
        Ok(secret) => Ok(secret),
        Err(error) => Err(error.context(format!("cannot get {what}"))),
    }
}

async fn from_file(path: &Path) -> Result<Secret> {
    if std::fs::metadata(path).is_ok_and(|is| !is.is_file()) {
        let path = path.to_owned();
        return apart(move || read_within(path, COMMAND_LIMIT)).await;
    }
    read(path)
}

/// Reads from something that is not a regular file, for instance a pipe: it is unknown whether and when
/// data arrives.
fn read_within(path: PathBuf, limit: Duration) -> Result<Secret> {
    let (sender, receiver) = mpsc::channel();
    let shown = path.display().to_string();
    // The thread remains if nothing writes, and ends with the process.
    in_thread(move || {
        let _ = sender.send(read(&path));
    })?;
    receiver.recv_timeout(limit).unwrap_or_else(|_| {
        let seconds = limit.as_secs();
        let what =
            format!("{shown}: not a regular file, and not closed by its writer within {seconds} s");
        Err(Error::config(what).hint("use a regular file, or a command that prints the secret"))
    })
}

fn read(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let failed =
        |error: std::io::Error| Error::config(format!("{shown}: {error}")).caused_by(&error);
    let file = std::fs::File::open(path).map_err(failed)?;
    trusted::check(&file, path)?;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    text_of(bytes).map_err(|why| Error::config(format!("{shown}: {why}")))
}

/// Removes a single trailing line break.
fn without_line_break(secret: Secret) -> Secret {
    let text = secret.expose();
    match text.strip_suffix('\n') {
        Some(line) => Secret::new(line.strip_suffix('\r').unwrap_or(line)),
        None => secret,
    }
}

fn text_of(bytes: Zeroizing<Vec<u8>>) -> Result<Secret, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(TOO_LARGE.to_owned());
    }
    std::str::from_utf8(&bytes).map(Secret::new).map_err(|_| "not valid UTF-8".to_owned())
}

async fn from_items(name: &str, items: Option<&dyn SecretItems>) -> Result<Secret> {
    let Some(items) = items else {
        return Err(Error::config(format!(
            "`{}` refers to a secret in the token store, but this store does not support named \
             secrets",
            one_line(name)
        )));
    };
    items
        .get(name)
        .await?
        .ok_or_else(|| Error::config(format!("the token store has no secret `{}`", one_line(name))))
}

/// Waits in a separate thread, so that nothing else waits with it.
async fn apart(wait: impl FnOnce() -> Result<Secret> + Send + 'static) -> Result<Secret> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    in_thread(move || {
        // The receiver is gone if the caller has given up.
        let _ = sender.send(wait());
    })?;
    receiver.await.map_err(|_| Error::internal("the thread that reads a secret exited early"))?
}

fn in_thread(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name("secret".to_owned());
    let started = thread.spawn(work);
    started.map(drop).map_err(|e| Error::internal(format!("cannot start a thread: {e}")))
}

/// Runs a command; its standard output is the secret.
async fn from_command(argv: &[String], limit: Duration) -> Result<Secret> {
    let job = Job {
        argv: argv.to_vec(),
        hidden: Vec::new(),
        set: Vec::new(),
        input: None,
        output: Stream::Collected,
        errors: Stream::Collected,
        most: usize::try_from(MAX_BYTES).unwrap_or(usize::MAX),
        limit,
        // It may prompt the user on the terminal.
        has_own_group: false,
    };
    let shown = argv.first().map_or_else(String::new, |program| one_line(program));
    let output = process::run(job).await.map_err(explained)?;
    text_of(output).map_err(|why| Error::config(format!("the command `{shown}` printed {why}")))
}

fn explained(failure: Failure) -> Error {
    let Failure { program, why } = failure;
    match why {
        Why::Empty => Error::config("the command is empty"),
        Why::Thread(error) => Error::internal(format!("cannot start a thread: {error}")),
        Why::NotStarted(error) => {
            Error::config(format!("cannot start the command `{program}`: {error}"))
                .caused_by(&error)
        }
        Why::TooLong(limit) => {
            let seconds = limit.as_secs();
            Error::config(format!("the command `{program}` took more than {seconds} s"))
        }
        Why::TooMuch(_) => Error::config(format!("the command `{program}` printed {TOO_LARGE}")),
        Why::Status(status, said) => {
            let error = Error::config(format!("the command `{program}` failed ({status})"));
            match one_line(&String::from_utf8_lossy(&said)) {
                said if said.is_empty() => error,
                said => error.quoting(&said),
            }
        }
    }
}

/// Requests an id token from GitHub's runner.
async fn from_github(audience: &str, access: &SecretAccess<'_>) -> Result<Secret> {
    let variable = |name: &str| {
        (access.variable)(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            Error::config(format!("{name} is not set"))
                .hint("this works in GitHub Actions, in a job with `permissions: id-token: write`")
        })
    };
    let address = variable("ACTIONS_ID_TOKEN_REQUEST_URL")?;
    let token = Secret::new(variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")?);
    let mut url = endpoint::check(&address)
        .map_err(|why| Error::config(format!("ACTIONS_ID_TOKEN_REQUEST_URL {why}")))?;
    url.query_pairs_mut().append_pair("audience", audience);
    let request = HttpRequest {
        purpose: "id token of the CI job",
        method: Method::Get,
        url,
        headers: vec![
            ("accept".to_owned(), "application/json".to_owned()),
            ("authorization".to_owned(), format!("Bearer {}", token.expose())),
        ],
        body: Zeroizing::default(),
    };
    let sent = access.http.send(&request).await;
    let response = sent.map_err(|error| error.told(&error.message))?;
    match response.status {
        200 => {}
        status @ (429 | 500..) => {
            return Err(Error::unavailable(format!("the CI system returned status {status}")));
        }
        status => {
            return Err(Error::config(format!("the CI system returned status {status}")));
        }
    }
    #[derive(serde::Deserialize)]
    struct Answer {
        value: Secret,
    }
    serde_json::from_slice::<Answer>(&response.body)
        .map(|answer| answer.value)
        .map_err(|_| Error::config("the CI system's response has no `value`"))
}

#[cfg(test)]
mod tests;
