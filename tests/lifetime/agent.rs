//! `oauthctl agent`: tokens for processes that have neither configuration nor store.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Api, Home, Running};

/// An agent in the foreground. It ends when this is dropped.
struct Agent {
    process: Running,
    path: PathBuf,
}

impl Agent {
    #[track_caller]
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let path = home.path("run/agent.sock");
        let words = ["agent", "--foreground", "--socket", path.to_str().unwrap()];
        let mut process = home.spawn(words.iter().chain(arguments));
        let line = process.await_stdout(|text| text.ends_with('\n').then(|| text.to_owned()));
        assert_eq!(line, format!("OAUTHCTL_AGENT=unix:{}\n", path.display()));
        Self { process, path }
    }

    /// A home with nothing in it but the way to this agent.
    fn client(&self) -> Home {
        let mut home = Home::new();
        home.unset("OAUTHCTL_CONFIG").unset("OAUTHCTL_STORE");
        home.set("OAUTHCTL_AGENT", format!("unix:{}", self.path.display()));
        home
    }

    /// Whatever is to be said; the answer.
    #[track_caller]
    fn raw(&self, bytes: &[u8]) -> Value {
        let mut stream = UnixStream::connect(&self.path).unwrap();
        let _ = stream.write_all(bytes);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        serde_json::from_str(&answer).unwrap_or_else(|_| panic!("{answer:?}"))
    }
}

#[test]
fn client_needs_no_configuration_and_no_store() {
    let api = Api::echo();
    let home = api.home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    assert_eq!(client.run(["token"]).ok().line(), "stored");
    assert_eq!(
        client.run(["token", "-p", "p", "--format", "header"]).ok().line(),
        "Authorization: Bearer stored"
    );
    let told = client.run(["token", "p", "--json"]).ok().json();
    assert_eq!((&told["profile"], &told["account"]), (&"p".into(), &"default".into()));
    assert_eq!(told["expires_at"], "2100-01-01T00:00:00Z");
    let run = client.run(["exec", "-p", "p", "--", "printenv", "OAUTH_ACCESS_TOKEN"]).ok();
    assert_eq!(run.line(), "stored");
    client.run(["token", "-p", "other"]).fails(3);
    client.run(["token", "-p", "p", "--account", "other"]).fails(4);
    assert!(client.files().is_empty(), "{:?}", client.files());
}

#[test]
fn refresh_happens_where_the_agent_is() {
    let api = Api::echo();
    let home = api.home("", "");
    let agent = Agent::start(&home, &[]);
    assert_eq!(agent.client().run(["token", "--force-refresh"]).ok().line(), "fresh-1");
    assert_eq!(api.refreshes(), 1);
    assert_eq!(home.run(["token"]).ok().line(), "fresh-1");
    let answer = agent.raw(b"{\"op\":\"token\",\"profile\":\"p\"}\n");
    assert!(!answer.to_string().contains("refresh"), "{answer}");
}

#[test]
fn many_clients_cause_one_refresh() {
    let api = Api::echo();
    let home = Home::new();
    api.add(&home, "", "", |grant| grant["tokens"]["expires_at"] = 1_700_000_000.into());
    let agent = Agent::start(&home, &[]);
    let clients: Vec<_> = (0..16).map(|_| agent.client()).collect();
    let running: Vec<_> = clients.iter().map(|client| client.spawn(["token"])).collect();
    for client in running {
        assert_eq!(client.wait().ok().line(), "fresh-1");
    }
    assert_eq!(api.refreshes(), 1);
}

#[test]
fn locked_agent_hands_out_nothing() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let socket = agent.path.to_str().unwrap();
    let control = |flag: &str| home.run(["agent", "--socket", socket, flag, "--json"]).ok();
    assert_eq!(control("--status").json()["locked"], false);
    control("--lock");
    assert_eq!(control("--status").json()["locked"], true);
    agent.client().run(["token"]).fails(5);
    control("--unlock");
    agent.client().run(["token"]).ok();
    control("--stop");
    agent.process.wait().ok();
    home.run(["agent", "--socket", socket, "--status"]).fails(9);
    assert!(!agent.path.exists());
}

#[test]
fn background_agent_outlives_its_command() {
    let home = Api::echo().home("", "");
    let started = home.run(["agent"]).ok();
    let path = home.path("run/oauthctl/agent.sock");
    assert_eq!(started.line(), format!("OAUTHCTL_AGENT=unix:{}", path.display()));
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    home.run(["agent"]).code(9);
    let mut client = Home::new();
    client.set("OAUTHCTL_AGENT", started.line().split_once('=').unwrap().1);
    assert_eq!(client.run(["token"]).ok().line(), "stored");
    home.run(["agent", "--stop"]).ok();
    crate::support::await_some("the end", || (!path.exists()).then_some(()));
}

#[test]
fn confirm_decides_and_audit_remembers() {
    let home = Api::echo().home("", "");
    let arguments = ["--confirm", "test -e yes", "--audit", "audit.jsonl"];
    let agent = Agent::start(&home, &arguments);
    let client = agent.client();
    client.run(["token", "-p", "p"]).fails(5);
    home.write(&home.path("home/yes"), "");
    client.run(["token", "-p", "p"]).ok();
    let text = std::fs::read_to_string(home.path("home/audit.jsonl")).unwrap();
    assert!(!text.contains("stored"), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["error"]), (2, &"access_denied".into()));
    assert!(
        lines[1]["error"].is_null() && lines[1]["pid"].is_number() && lines[1]["profile"] == "p"
    );
}

#[test]
fn hostile_request_gets_an_error_and_ends_nothing() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let long = [b"{\"op\":\"".as_slice(), &b"x".repeat(100_000), b"\"}\n"].concat();
    for bytes in [
        &b"\n"[..],
        b"{}\n",
        b"[]\n",
        b"{\"op\":7}\n",
        b"{\"op\":\"export\"}\n",
        b"\xff\xfe\n",
        b"no\n",
        b"GET / HTTP/1.1\r\n\r\n",
        &b"[".repeat(60_000),
        &long,
    ] {
        let answer = if bytes.ends_with(b"\n") {
            agent.raw(bytes)
        } else {
            agent.raw(&[bytes, b"\n"].concat())
        };
        assert_eq!(answer["error"], "usage", "{answer}");
    }
    let idle: Vec<_> = (0..50).map(|_| UnixStream::connect(&agent.path).unwrap()).collect();
    agent.client().run(["token"]).ok();
    drop(idle);
    agent.process.signal(Signal::TERM);
}

/// Asks as the user `nobody`, who can read neither this program nor its files.
fn asked_by_another(agent: &Agent) -> String {
    const ASK: &str = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.settimeout(60); \
         s.connect(sys.argv[1]); s.sendall(b'{\"op\":\"token\"}\\n'); print(s.makefile().readline())";
    let output = std::process::Command::new("setpriv")
        .args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "/usr/bin/python3",
            "-c",
            ASK,
        ])
        .arg(&agent.path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn other_user_needs_allow_uid() {
    let home = Api::echo().home("", "");
    for path in ["", "run"] {
        std::fs::set_permissions(home.path(path), std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    // The mode of the socket keeps others out.
    assert_eq!(asked_by_another(&Agent::start(&home, &[])), "");
    let said = asked_by_another(&Agent::start(&home, &["--allow-uid", "65534"]));
    assert!(said.contains("\"access_token\":\"stored\""), "{said}");
    // So do their credentials.
    let said = asked_by_another(&Agent::start(&home, &["--allow-uid", "12345"]));
    assert!(said.contains("access_denied") && !said.contains("stored"), "{said}");
}
