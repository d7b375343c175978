//! Fetches a secret from its configured source.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{SecretSource, endpoint};
use crate::error::{Error, Result};
use crate::files::trusted;
use crate::port::{Http, HttpRequest, Method, SecretItems};
use crate::secret::Secret;
use crate::text::one_line;

/// Maximum size of a secret, in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Time limit for a command, and for the writer of a pipe.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How often to check whether a command that has closed its output has ended.
const POLL: Duration = Duration::from_millis(5);

/// Variables of this program that contain keys, grants or tokens. Commands that it runs do not inherit
/// them.
pub const PRIVATE_VARIABLES: [&str; 8] = [
    "OAUTHCTL_STORE_KEY",
    "OAUTHCTL_STORE_KEY_FILE",
    "OAUTHCTL_MASTER_KEY",
    "OAUTHCTL_NEW_MASTER_KEY",
    "OAUTHCTL_STATE_KEY",
    "OAUTHCTL_IMPORT",
    "OAUTHCTL_BROKER",
    "OAUTH_ACCESS_TOKEN",
];

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
/// break, as editors and commands write it, is not part of the secret, whatever its source.
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
        SecretSource::File(path) => from_file(path).await,
        SecretSource::Command(argv) => {
            let argv = argv.clone();
            apart(move || run(&argv, COMMAND_LIMIT)).await
        }
        SecretSource::Keyring(name) => from_items(name, access.items).await,
        SecretSource::GithubActions { audience } => from_github(audience, access).await,
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
        return Err("more than 1 MiB".to_owned());
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
    receiver.await.map_err(|_| Error::internal("the thread of a secret ended early"))?
}

fn in_thread(work: impl FnOnce() + Send + 'static) -> Result<()> {
    let thread = std::thread::Builder::new().name("secret".to_owned());
    let started = thread.spawn(work);
    started.map(drop).map_err(|e| Error::internal(format!("cannot start a thread: {e}")))
}

/// Runs a command without a shell; its standard output is the secret.
fn run(argv: &[String], limit: Duration) -> Result<Secret> {
    let deadline = Instant::now() + limit;
    let (program, arguments) =
        argv.split_first().ok_or_else(|| Error::config("the command is empty"))?;
    let shown = one_line(program);
    let mut child = prepared(program, arguments).spawn().map_err(|error| {
        Error::config(format!("cannot start the command `{shown}`: {error}")).caused_by(&error)
    })?;
    let output = child.stdout.take().map(collect);
    let complaint = child.stderr.take().map(collect);
    let collected = output.and_then(|output| received(&output, deadline));
    let status = collected.as_ref().and_then(|_| ended(&mut child, deadline));
    let (Some(bytes), Some(status)) = (collected, status) else {
        let _ = child.kill();
        let _ = child.wait();
        let seconds = limit.as_secs();
        return Err(Error::config(format!("the command `{shown}` took more than {seconds} s")));
    };
    if !status.success() {
        let error = Error::config(format!("the command `{shown}` failed ({status})"));
        let said = complaint
            .and_then(|complaint| received(&complaint, deadline.min(Instant::now() + POLL * 20)))
            .map(|bytes| one_line(&String::from_utf8_lossy(&bytes)))
            .filter(|said| !said.is_empty());
        return Err(match said {
            Some(said) => error.quoting(&said),
            None => error,
        });
    }
    text_of(bytes).map_err(|why| Error::config(format!("the command `{shown}` printed {why}")))
}

fn prepared(program: &str, arguments: &[String]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    for name in PRIVATE_VARIABLES {
        command.env_remove(name);
    }
    command
}

type Collected = mpsc::Receiver<Zeroizing<Vec<u8>>>;

/// Reads a pipe to its end in a separate thread. Data beyond the limit is discarded, so that the writer can
/// end.
fn collect(mut pipe: impl Read + Send + 'static) -> Collected {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::new());
        let _ = pipe.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        let _ = sender.send(bytes);
    });
    receiver
}

fn received(collected: &Collected, deadline: Instant) -> Option<Zeroizing<Vec<u8>>> {
    collected.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()
}

fn ended(child: &mut Child, deadline: Instant) -> Option<std::process::ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(POLL),
            _ => return None,
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
