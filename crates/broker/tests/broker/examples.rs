//! The examples as programs, with the broker and the sandbox.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use oauthctl_sandbox::Sandbox;
use reqwest::Client;
use reqwest::redirect::Policy;
use serde_json::Value;

use crate::support::{Broker, Browser, Home, provider};

/// A running example. It is killed when this is dropped.
struct Example {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Example {
    fn start(mut command: Command, broker: &Broker, key: &str, sandbox: &Sandbox) -> Self {
        command
            .env("BROKER_URL", &broker.url)
            .env("BROKER_KEY", key)
            .env("PROVIDER", "sandbox")
            .env("API_URL", format!("{}/resource", sandbox.issuer()));
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// Sends a form of the page, as a browser does.
async fn submit(url: &str, origin: &str) -> (u16, String, String) {
    let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let response = client.post(url).header("origin", origin).send().await.unwrap();
    let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    (response.status().as_u16(), location.unwrap_or_default(), response.text().await.unwrap())
}

#[tokio::test]
async fn web_application_connects_users_and_calls_the_api() {
    let (sandbox, home) = (provider().await, Home::new());
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let origin = format!("http://127.0.0.1:{port}");
    let key = home.tenant("demo", &[&format!("{origin}/")]);
    let broker = home.serve(&[]);
    broker.api(&key).provide("sandbox", sandbox.issuer()).await;
    let built = Path::new(env!("CARGO_BIN_EXE_oauthctl-broker")).parent().unwrap();
    let path = built.join("examples/connected_accounts");
    assert!(path.is_file(), "{} is not there: `cargo build --examples`", path.display());
    let mut command = Command::new(path);
    command.env("LISTEN", format!("127.0.0.1:{port}"));
    let mut example = Example::start(command, &broker, &key, &sandbox);
    assert_eq!(example.line(), format!("open {origin}/"));

    for user in ["ada", "brook"] {
        let (status, link, _) = submit(&format!("{origin}/{user}/connect"), &origin).await;
        assert_eq!(status, 303);
        let page = Browser::default().follow(&link).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(
            page.text.contains(&format!("<tr id={user}><th>{user}<td>connected")),
            "{}",
            page.text
        );
        assert!(page.text.contains("<tr id=chen><th>chen<td>not connected"), "{}", page.text);
    }
    let (status, _, page) = submit(&format!("{origin}/ada/call"), &origin).await;
    assert!(status == 200 && page.contains("The API returned 200"), "{page}");
    // Who is not connected is asked to connect.
    let (status, link, _) = submit(&format!("{origin}/chen/call"), &origin).await;
    assert!(status == 303 && link.starts_with(&broker.url), "{link}");
    let (status, ..) = submit(&format!("{origin}/ada/disconnect"), &origin).await;
    assert_eq!(status, 303);
    broker.api(&key).token("sandbox", "ada").await.problem(404);
    // The form of another site.
    let (status, ..) = submit(&format!("{origin}/brook/disconnect"), "https://evil.example").await;
    assert_eq!(status, 502);
    broker.api(&key).token("sandbox", "brook").await.json(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn python_script_connects_a_user_and_calls_the_api() {
    let (sandbox, home) = (provider().await, Home::new());
    let key = home.tenant("demo", &[]);
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.provide("sandbox", sandbox.issuer()).await;
    let script = || {
        let mut command = Command::new("python3");
        command.arg(folder().join("connected_account.py")).arg("ada / ä");
        Example::start(command, &broker, &key, &sandbox)
    };
    let mut first = script();
    let link = first.line();
    let link = link.strip_prefix("open ").unwrap();
    assert_eq!(Browser::default().follow(link).await.status, 200);
    let answer: Value = serde_json::from_str(&first.line()).unwrap();
    assert!(answer.is_object(), "{answer}");
    assert!(first.process.wait().unwrap().success());
    // The account is connected by now.
    let again: Value = serde_json::from_str(&script().line()).unwrap();
    assert_eq!(again, answer);
}
