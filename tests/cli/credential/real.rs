//! The real programs, against servers that want a token.

mod aws;
mod cargo;
mod docker;
mod kubernetes;
mod mail;
mod npm;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::planted_with;
use crate::fixture::TOKEN;
use crate::support::Home;

/// A request: its first line, its headers in lower case, and its body.
struct Request {
    line: String,
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| {
            line.get(..start.len()).filter(|head| head.eq_ignore_ascii_case(&start))?;
            line.get(start.len()..)
        })
    }

    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") && head != "\r\n" {
            reader.read_line(&mut head).ok().filter(|length| *length > 0)?;
        }
        let mut request = Self { line, head, body: Vec::new() };
        let length = request.header("content-length").and_then(|length| length.parse().ok());
        request.body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut request.body).ok()?;
        Some(request)
    }
}

/// A server that answers each request on a connection of its own; it ends with the test's process.
struct Served {
    url: String,
    authorizations: Arc<Mutex<Vec<String>>>,
}

impl Served {
    fn start(answer: impl Fn(&Request) -> Vec<u8> + Send + 'static) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", server.local_addr().unwrap());
        let authorizations = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&authorizations);
        std::thread::spawn(move || {
            for mut stream in server.incoming().map_while(Result::ok) {
                let Some(request) = Request::read(&stream) else { continue };
                let sent = request.header("authorization").unwrap_or_default();
                seen.lock().unwrap().push(sent.to_owned());
                let _ = stream.write_all(&answer(&request));
            }
        });
        Self { url, authorizations }
    }

    fn last(&self) -> String {
        self.authorizations.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

#[track_caller]
fn run(home: &Home, words: &[&str]) -> Output {
    let output = home.tool(words[0]).args(&words[1..]).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let both = [text(&output.stdout), text(&output.stderr)];
    assert!(output.status.success(), "{words:?}: {both:?}");
    output
}

/// Answers a request of git as `git http-backend` does.
fn backend(root: &str, request: &Request) -> Vec<u8> {
    let mut words = request.line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut git = std::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&request.body).unwrap();
    let output = git.wait_with_output().unwrap().stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&output[..end]);
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    let others = head.lines().filter(|line| !line.starts_with("Status: "));
    let headers: String = others.map(|line| format!("{line}\r\n")).collect();
    answer(status, &headers, &output[end + 4..])
}

#[test]
fn git_clones_with_basic_and_with_bearer() {
    let basic = format!("Basic {}", STANDARD.encode(format!("oauth2:{TOKEN}")));
    for (challenge, expected) in [("Basic", basic), ("Bearer", format!("Bearer {TOKEN}"))] {
        let home = planted_with("");
        let root = home.path("served");
        let root = root.to_str().unwrap().to_owned();
        run(&home, &["git", "init", "-q", "--bare", &format!("{root}/notes.git")]);
        let authorization = expected.clone();
        let served = Served::start(move |request| {
            if request.header("authorization") == Some(&authorization) {
                return backend(&root, request);
            }
            let header = format!("www-authenticate: {challenge} realm=\"x\"\r\n");
            answer("401 Unauthorized", &header, b"")
        });
        let config = std::fs::read_to_string(home.config_path()).unwrap();
        home.config(&format!("{config}[credential.git.\"{}\"]\nprofile = \"p\"\n", served.url));
        home.run(["credential", "setup", "git"]).ok();
        run(&home, &["git", "clone", "-q", &format!("{}/notes.git", served.url), "copy"]);
        assert_eq!(served.last(), expected);
    }
}

#[test]
fn curl_reads_the_netrc_file() {
    let served = Served::start(|_| answer("204 No Content", "", b""));
    let home =
        planted_with("[credential.netrc.\"127.0.0.1\"]\nprofile = \"p\"\nusername = \"ada\"\n");
    home.write(&home.path("netrc"), &home.run(["credential", "netrc"]).ok().stdout);
    let file = home.path("netrc");
    run(
        &home,
        &["curl", "-sS", "--noproxy", "*", "--netrc-file", file.to_str().unwrap(), &served.url],
    );
    assert_eq!(served.last(), format!("Basic {}", STANDARD.encode(format!("ada:{TOKEN}"))));
}
