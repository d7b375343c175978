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
        Box::pin(async move { Ok((name == "there").then(|| Secret::new("from the store\r\n"))) })
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
        "LINE" => Some("from the environment\n".to_owned()),
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

#[cfg(unix)]
fn run(argv: &[String], limit: Duration) -> Error {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(from_command(argv, limit)).unwrap_err()
}

fn command(argv: &[&str]) -> SecretSource {
    SecretSource::Command(argv.iter().map(|a| (*a).to_owned()).collect())
}

#[test]
fn each_source_yields_its_secret() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, " from a file \r\n").unwrap();
    for (source, value) in [
        (SecretSource::Inline(Secret::new("inline")), "inline"),
        (SecretSource::Inline(Secret::new("two\n\n")), "two\n"),
        (SecretSource::Inline(Secret::new("one\r")), "one\r"),
        (SecretSource::Env("SECRET".into()), "from the environment"),
        (SecretSource::Env("LINE".into()), "from the environment"),
        (SecretSource::File(path), " from a file "),
        (SecretSource::Keyring("there".into()), "from the store"),
        (SecretSource::GithubActions { audience: "a".into() }, "from the runner"),
    ] {
        assert_eq!(get(source).0.unwrap().expose(), value);
    }
}

#[test]
fn source_without_a_secret_is_a_config_error() {
    let directory = tempfile::tempdir().unwrap();
    let binary = directory.path().join("binary");
    std::fs::write(&binary, b"\xff\xfe").unwrap();
    for (source, words) in [
        (SecretSource::Env("NONE".into()), "the variable NONE is not set"),
        (SecretSource::Env("EMPTY".into()), "the secret is empty"),
        (SecretSource::Inline(Secret::new("\n")), "the secret is empty"),
        (SecretSource::File(directory.path().join("none")), "none: "),
        (SecretSource::File(binary), "not valid UTF-8"),
        (SecretSource::Keyring("absent".into()), "has no secret `absent`"),
    ] {
        let error = get(source).0.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains(words), "{error}");
    }
}

#[test]
fn runner_gets_audience_and_its_own_token() {
    let (_, asked) = get(SecretSource::GithubActions { audience: "a b&c".into() });
    assert_eq!(asked[0].url.as_str(), "http://127.0.0.1:1/token?v=1&audience=a+b%26c");
    assert!(asked[0].headers.contains(&("authorization".into(), "Bearer request-token".into())));
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
fn command_output_is_the_secret_without_a_shell() {
    let secret = get(command(&["printf", "%s\n\n", "$HOME;*"])).0.unwrap();
    assert_eq!(secret.expose(), "$HOME;*\n", "one newline is trimmed, not two");
}

#[cfg(unix)]
#[test]
fn command_gets_no_input() {
    assert_eq!(get(command(&["sh", "-c", "cat; echo end"])).0.unwrap().expose(), "end");
}

#[cfg(unix)]
#[test]
fn failing_command_is_quoted_without_control_codes() {
    let (result, _) =
        get(command(&["sh", "-c", "echo s3cret; printf 'no \\033[31mkey\\n' >&2; exit 3"]));
    let message = result.unwrap_err().message().to_owned();
    assert!(message.contains("no  [31mkey") && message.contains('3'), "{message}");
    assert!(!message.contains("s3cret") && !message.contains('\u{1b}'), "{message}");
    let (result, _) = get(command(&["/nowhere/at/all"]));
    assert!(result.unwrap_err().message().contains("cannot start the command"));
}

#[cfg(unix)]
#[test]
fn command_that_does_not_end_is_ended() {
    for script in ["exec sleep 1000", "exec >&-; exec sleep 1000", "sleep 1000 & echo x"] {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let error = run(&argv, Duration::from_millis(300));
        assert!(error.message().contains("took more than"), "{script}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn pipe_is_read_but_not_waited_for_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = read_within(pipe, Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("not closed by its writer"), "{error}");
    // The reader above is still there: another pipe for the one that is written.
    let written = directory.path().join("written");
    assert!(std::process::Command::new("mkfifo").arg(&written).status().unwrap().success());
    let into = written.clone();
    let writer = std::thread::spawn(move || std::fs::write(into, "through a pipe\n").unwrap());
    assert_eq!(get(SecretSource::File(written)).0.unwrap().expose(), "through a pipe");
    writer.join().unwrap();
    let error = get(SecretSource::File("/dev/zero".into())).0.unwrap_err();
    assert!(error.message().contains("more than 1 MiB"), "{error}");
    let error = get(SecretSource::File(directory.path().to_owned())).0.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[cfg(unix)]
#[test]
fn oversized_secret_is_refused() {
    let argv = ["sh", "-c", "yes | head -c 3000000"].map(str::to_owned);
    let error = run(&argv, COMMAND_LIMIT);
    assert!(error.message().contains("more than 1 MiB"), "{error}");
}
