//! Fetches a secret from where the configuration says that it is.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::{SecretSource, endpoint};
use crate::error::{Error, Result};
use crate::port::{Http, HttpRequest, Method, SecretItems};
use crate::secret::Secret;
use crate::text::one_line;

/// The most bytes of a secret.
const MAX_BYTES: u64 = 1 << 20;
/// How long a command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// How often a command that has closed its output is asked whether it has ended.
const POLL: Duration = Duration::from_millis(5);

/// Variables of this program that hold keys, grants or tokens. No command that it runs inherits them.
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

/// Through what secrets are reached.
pub struct SecretAccess<'a> {
    /// Looks an environment variable up.
    pub variable: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// The token store's items, where there is a store that has such.
    pub items: Option<&'a dyn SecretItems>,
    /// Sends requests.
    pub http: &'a dyn Http,
}

impl std::fmt::Debug for SecretAccess<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretAccess(…)")
    }
}

/// Fetches a secret. `what` names it in errors: "the client secret of `gitlab`". One newline at
/// the end of a file or of a command's output is not part of the secret.
///
/// # Errors
/// Of kind `Config` where the place does not give one; of kind `Unavailable` where the CI system's
/// server does not answer; of the store's kind where that fails.
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
        SecretSource::File(path) => from_file(path),
        SecretSource::Command(argv) => from_command(argv.clone()).await,
        SecretSource::Keyring(name) => from_items(name, access.items).await,
        SecretSource::GithubActions { audience } => from_github(audience, access).await,
    };
    match secret {
        Ok(secret) if secret.is_empty() => Err(Error::config(format!("{what} is empty"))),
        Ok(secret) => Ok(secret),
        Err(error) => Err(error.context(format!("cannot get {what}"))),
    }
}

fn from_file(path: &Path) -> Result<Secret> {
    let shown = path.display();
    let mut bytes = Zeroizing::new(Vec::new());
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| Error::config(format!("{shown}: {error}")))?;
    text_of(bytes).map_err(|why| Error::config(format!("{shown}: {why}")))
}

/// Text without one newline at its end.
fn text_of(mut bytes: Zeroizing<Vec<u8>>) -> Result<Secret, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err("more than 1 MiB".to_owned());
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    std::str::from_utf8(&bytes).map(Secret::new).map_err(|_| "not UTF-8 text".to_owned())
}

async fn from_items(name: &str, items: Option<&dyn SecretItems>) -> Result<Secret> {
    let Some(items) = items else {
        return Err(Error::config(format!(
            "`{}` is to be found in the token store, and this store keeps no secrets by name",
            one_line(name)
        )));
    };
    items.get(name).await?.ok_or_else(|| {
        Error::config(format!("the token store has no secret `{}`", one_line(name)))
            .hint("`oauthctl profile add … --client-secret-stdin` puts one there")
    })
}

async fn from_command(argv: Vec<String>) -> Result<Secret> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("secret command".to_owned())
        .spawn(move || {
            // The receiver is gone where the caller has given up.
            let _ = sender.send(run(&argv, COMMAND_LIMIT));
        })
        .map_err(|error| Error::internal(format!("cannot start a thread: {error}")))?;
    receiver.await.map_err(|_| Error::internal("the thread of a secret's command ended early"))?
}

/// Runs a command without a shell, and takes its standard output for the secret.
fn run(argv: &[String], limit: Duration) -> Result<Secret> {
    let deadline = Instant::now() + limit;
    let (program, arguments) =
        argv.split_first().ok_or_else(|| Error::config("the command is empty"))?;
    let shown = one_line(program);
    let mut child = prepared(program, arguments)
        .spawn()
        .map_err(|error| Error::config(format!("the command `{shown}` did not start: {error}")))?;
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
        let said = complaint
            .and_then(|complaint| received(&complaint, deadline.min(Instant::now() + POLL * 20)))
            .map(|bytes| one_line(&String::from_utf8_lossy(&bytes)))
            .filter(|said| !said.is_empty())
            .map(|said| format!(": {said}"))
            .unwrap_or_default();
        return Err(Error::config(format!("the command `{shown}` failed ({status}){said}")));
    }
    text_of(bytes).map_err(|why| Error::config(format!("the command `{shown}` gave {why}")))
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

/// Reads a pipe to its end in a thread of its own. What is past the limit is drained, so that the
/// writer can end.
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

/// Asks GitHub's runner for an id token of its own.
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
            return Err(Error::unavailable(format!("the CI system answered with status {status}")));
        }
        status => {
            return Err(Error::config(format!("the CI system answered with status {status}")));
        }
    }
    #[derive(serde::Deserialize)]
    struct Answer {
        value: Secret,
    }
    serde_json::from_slice::<Answer>(&response.body)
        .map(|answer| answer.value)
        .map_err(|_| Error::config("the CI system's answer has no `value`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::port::{BoxFuture, HttpError, HttpResponse};
    use std::sync::Mutex;

    /// Answers every request alike, and keeps what it was asked.
    struct Runner {
        answer: (u16, &'static str),
        asked: Mutex<Vec<HttpRequest>>,
    }

    impl Http for Runner {
        fn send<'a>(
            &'a self,
            request: &'a HttpRequest,
        ) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
            self.asked.lock().unwrap().push(request.clone());
            let (status, body) = self.answer;
            let body = Zeroizing::new(body.as_bytes().to_vec());
            Box::pin(async move { Ok(HttpResponse { status, headers: Vec::new(), body }) })
        }
    }

    struct Items;

    impl SecretItems for Items {
        fn get<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Secret>>> {
            Box::pin(async move { Ok((name == "there").then(|| Secret::new("from the store"))) })
        }
        fn set<'a>(&'a self, _: &'a str, _: &'a Secret) -> BoxFuture<'a, Result<()>> {
            Box::pin(async { Ok(()) })
        }
        fn unset<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<bool>> {
            Box::pin(async { Ok(false) })
        }
    }

    fn variable(name: &str) -> Option<String> {
        match name {
            "SECRET" => Some("from the environment".to_owned()),
            "EMPTY" => Some(String::new()),
            "ACTIONS_ID_TOKEN_REQUEST_URL" => Some("http://127.0.0.1:1/token?v=1".to_owned()),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some("request-token".to_owned()),
            _ => None,
        }
    }

    fn get(source: SecretSource) -> (Result<Secret>, Vec<HttpRequest>) {
        get_answered(source, (200, r#"{"value":"from the runner","count":1}"#))
    }

    fn get_answered(
        source: SecretSource,
        answer: (u16, &'static str),
    ) -> (Result<Secret>, Vec<HttpRequest>) {
        let http = Runner { answer, asked: Mutex::default() };
        let access = SecretAccess { variable: &variable, items: Some(&Items), http: &http };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = runtime.block_on(resolve(&source, "the secret", &access));
        (result, http.asked.into_inner().unwrap())
    }

    fn command(argv: &[&str]) -> SecretSource {
        SecretSource::Command(argv.iter().map(|a| (*a).to_owned()).collect())
    }

    #[test]
    fn each_place_gives_its_secret() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, " from a file \r\n").unwrap();
        for (source, value) in [
            (SecretSource::Inline(Secret::new("inline")), "inline"),
            (SecretSource::Env("SECRET".into()), "from the environment"),
            (SecretSource::File(path), " from a file "),
            (SecretSource::Keyring("there".into()), "from the store"),
            (SecretSource::GithubActions { audience: "a".into() }, "from the runner"),
        ] {
            assert_eq!(get(source).0.unwrap().expose(), value);
        }
    }

    #[test]
    fn a_place_without_a_secret_is_a_configuration_error() {
        let directory = tempfile::tempdir().unwrap();
        let binary = directory.path().join("binary");
        std::fs::write(&binary, b"\xff\xfe").unwrap();
        for (source, words) in [
            (SecretSource::Env("NONE".into()), "the variable NONE is not set"),
            (SecretSource::Env("EMPTY".into()), "the secret is empty"),
            (SecretSource::File(directory.path().join("none")), "none: "),
            (SecretSource::File(binary), "not UTF-8 text"),
            (SecretSource::Keyring("absent".into()), "has no secret `absent`"),
        ] {
            let error = get(source).0.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.message().contains(words), "{error}");
        }
    }

    #[test]
    fn the_runner_is_asked_for_the_audience_with_its_token() {
        let (_, asked) = get(SecretSource::GithubActions { audience: "a b&c".into() });
        assert_eq!(asked[0].url.as_str(), "http://127.0.0.1:1/token?v=1&audience=a+b%26c");
        assert!(
            asked[0].headers.contains(&("authorization".into(), "Bearer request-token".into()))
        );
        let source = || SecretSource::GithubActions { audience: "a".into() };
        for (answer, kind) in [
            ((503, ""), ErrorKind::Unavailable),
            ((401, "{}"), ErrorKind::Config),
            ((200, "<html>"), ErrorKind::Config),
        ] {
            assert_eq!(get_answered(source(), answer).0.unwrap_err().kind(), kind);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_commands_output_is_the_secret_and_no_shell_reads_its_arguments() {
        let secret = get(command(&["printf", "%s\n\n", "$HOME;*"])).0.unwrap();
        assert_eq!(secret.expose(), "$HOME;*\n", "one newline is trimmed, not two");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_gets_no_input() {
        assert_eq!(get(command(&["sh", "-c", "cat; echo end"])).0.unwrap().expose(), "end");
    }

    #[test]
    fn a_command_inherits_none_of_our_keys() {
        let command = prepared("x", &[]);
        for name in PRIVATE_VARIABLES {
            let change = command.get_envs().find(|(changed, _)| *changed == name);
            assert_eq!(change, Some((name.as_ref(), None)), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_failing_command_says_why_and_its_words_are_made_harmless() {
        let (result, _) =
            get(command(&["sh", "-c", "echo s3cret; printf 'no \\033[31mkey\\n' >&2; exit 3"]));
        let message = result.unwrap_err().message().to_owned();
        assert!(message.contains("no  [31mkey") && message.contains('3'), "{message}");
        assert!(!message.contains("s3cret") && !message.contains('\u{1b}'), "{message}");
        let (result, _) = get(command(&["/nowhere/at/all"]));
        assert!(result.unwrap_err().message().contains("did not start"));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_that_does_not_end_is_ended() {
        for script in ["exec sleep 1000", "exec >&-; exec sleep 1000", "sleep 1000 & echo x"] {
            let argv = ["sh", "-c", script].map(str::to_owned);
            let error = run(&argv, Duration::from_millis(300)).unwrap_err();
            assert!(error.message().contains("took more than"), "{script}: {error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_flood_is_refused() {
        let argv = ["sh", "-c", "yes | head -c 3000000"].map(str::to_owned);
        let error = run(&argv, COMMAND_LIMIT).unwrap_err();
        assert!(error.message().contains("more than 1 MiB"), "{error}");
    }
}
