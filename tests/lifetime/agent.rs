//! `oauthctl agent`: tokens for processes that have neither configuration nor store.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Api, FAKETIME, Home, Replied, Running, await_some, mode};

mod broker;
mod consent;
mod local;
mod notifications;
mod other_users;
mod slow;
mod units;

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
    let stopped = home.run(["agent", "--socket", socket, "--status"]).fails(9);
    assert!(stopped.stderr.contains("no agent is running at"), "{}", stopped.stderr);
    assert!(!agent.path.exists());
}

#[test]
fn agent_that_is_controlled_says_what_it_is() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let socket = agent.path.to_str().unwrap();
    for (flag, said) in [
        ("--lock", "The agent is locked.\n"),
        ("--unlock", "The agent is unlocked.\n"),
        ("--stop", "The agent has stopped.\n"),
    ] {
        let output = home.run(["agent", "--socket", socket, flag]).ok();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", said));
    }
}

#[test]
fn background_agent_outlives_its_command() {
    let home = Api::echo().home("", "");
    let started = home.run(["agent"]).ok();
    let path = home.path("run/oauthctl/agent.sock");
    assert_eq!(started.line(), format!("OAUTHCTL_AGENT=unix:{}", path.display()));
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    let second = home.run(["agent"]).fails(9);
    assert!(second.stderr.contains("error: an agent is already running: process "));
    assert!(second.stderr.contains("stop it with `oauthctl agent --stop`"), "{}", second.stderr);
    let at = ["agent", "--socket", path.to_str().unwrap()];
    let stop = format!("`oauthctl agent --socket {} --stop`", path.display());
    assert!(home.run(at).fails(9).stderr.contains(&stop));
    let mut client = Home::new();
    client.set("OAUTHCTL_AGENT", started.line().split_once('=').unwrap().1);
    assert_eq!(client.run(["token"]).ok().line(), "stored");
    home.run(["agent", "--stop"]).ok();
    // It has ended by then.
    assert!(!path.exists());
    home.run(["agent"]).ok();
    home.run(["agent", "--stop"]).ok();
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

/// What `api` and `proxy` send goes to the URLs of the agent's profile.
#[test]
fn api_asks_the_agent_and_refreshes_through_it() {
    let api = Api::start(|asked| match asked.header("authorization") {
        Some("Bearer stored") => Replied::new(401, &[], ""),
        other => Replied::ok(other.unwrap_or("no token")),
    });
    let home = api.home("/v1/", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    assert_eq!(client.run(["api", "-p", "p", "me"]).ok().stdout, "Bearer fresh-1");
    assert_eq!((api.refreshes(), api.asked()[0].target.as_str()), (1, "/v1/me"));
    client.run(["api", "-p", "p", "https://elsewhere.example/"]).fails(2);
    client.run(["api", "-p", "other", "me"]).fails(3);
    client.run(["api", "-p", "p", "--account", "other", "me", "--login"]).fails(4);
    assert_eq!(api.asked().len(), 2);
    assert!(client.files().is_empty(), "{:?}", client.files());
}

#[test]
fn proxy_lends_the_token_of_the_agent() {
    let api = Api::echo();
    let home = api.home("", "");
    let agent = Agent::start(&home, &[]);
    let client = agent.client();
    let mut proxy = client.spawn(["proxy", "-p", "p"]);
    let line = proxy.await_stdout(|text| text.ends_with('\n').then(|| text.to_owned()));
    let at: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&at["profile"], &at["account"]), (&"p".into(), &"default".into()));
    let url = at["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let (host, path) = url.split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let request = format!("GET /{path}me HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("Bearer stored"), "{answer}");
    proxy.signal(Signal::TERM);
    proxy.wait().ok();
}

/// Without a configuration where git runs, that of the agent says who gets which token.
#[test]
fn credential_helpers_use_the_tables_of_the_agent() {
    let api = Api::echo();
    let home = api.home("", "");
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!(
        "{config}[credential.git.\"https://git.example\"]\nprofile = \"p\"\nusername = \"ada\"\n\
         [credential.npm.x]\nprofile = \"p\"\n"
    ));
    let agent = Agent::start(&home, &[]);
    let mut client = agent.client();
    let get = "protocol=https\nhost=git.example\n\n";
    let ask = |client: &Home, question| {
        client.run_with(["credential", "git", "get"], question).ok().stdout
    };
    let answer = ask(&client, get);
    assert!(answer.contains("username=ada\npassword=stored\n"), "{answer}");
    assert_eq!(ask(&client, "protocol=https\nhost=git.example.evil\n\n"), "");
    assert_eq!(client.run(["credential", "npm"]).ok().line(), "Bearer stored");
    client.run(["credential", "cargo"]).ok();
    client.run(["credential", "kubernetes"]).fails(3);
    // Own tables come first.
    client.set("OAUTHCTL_CONFIG", client.config_path());
    client.config("[credential.git.\"https://own.example\"]\nprofile = \"p\"\n[profiles.p]\nissuer = \"https://as.invalid\"\nclient_id = \"c\"\n");
    assert_eq!(ask(&client, get), "");
    assert!(ask(&client, "protocol=https\nhost=own.example\n\n").contains("password=stored\n"));
}

#[test]
fn account_of_the_variable_is_asked_for() {
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let mut client = agent.client();
    client.set("OAUTHCTL_ACCOUNT", "other");
    client.run(["token", "-p", "p"]).fails(4);
    client.run(["api", "-p", "p", "me"]).fails(4);
    client.set("OAUTHCTL_ACCOUNT", "default");
    client.run(["token", "-p", "p"]).ok();
}

/// The clock that stands still during sleep is turned back: it falls behind the other one.
#[test]
fn sleep_ends_the_consent_and_locks_on_request() {
    let questions = "printf x >> questions";
    for (arguments, is_locked, asked) in [
        (&["--lock-after-sleep"][..], true, ""),
        (&["--confirm", questions], false, "xx"),
        (&[], false, ""),
    ] {
        let mut home = Api::echo().home("", "");
        let times = home.path("times");
        home.write(&times, "+0");
        home.set("LD_PRELOAD", FAKETIME).set("FAKETIME_DISABLE_SHM", "1");
        home.set("FAKETIME_TIMESTAMP_FILE", &times).set("FAKETIME_NO_CACHE", "1");
        let agent = Agent::start(&home, arguments);
        let ask = || agent.raw(b"{\"op\":\"token\"}\n");
        assert_eq!(ask()["access_token"], "stored");
        home.write(&times, "-1h");
        let begun = Instant::now();
        await_some("a sleep of more than a second", || {
            (begun.elapsed() > Duration::from_secs(2)).then_some(())
        });
        assert_eq!(ask()["error"] == "access_denied", is_locked, "{arguments:?}");
        let questions = std::fs::read_to_string(home.path("home/questions"));
        assert_eq!(questions.unwrap_or_default(), asked);
        agent.raw(b"{\"op\":\"unlock\"}\n");
        assert_eq!(ask()["access_token"], "stored");
    }
}

/// Without a network: sshd serves the connection that ssh opens to it as a command.
#[test]
fn agent_is_reached_through_ssh() {
    const SETTINGS: &str = "UsePAM no\nStrictModes no\nPidFile none\nPermitRootLogin yes\n\
        PasswordAuthentication no\nKbdInteractiveAuthentication no\n";
    let home = Api::echo().home("", "");
    let agent = Agent::start(&home, &[]);
    let at = |name: &str| home.path(name).display().to_string();
    for key in ["host", "user"] {
        let mut make = home.tool("ssh-keygen");
        make.args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]);
        assert!(make.status().unwrap().success());
    }
    let sshd = format!("HostKey {}\nAuthorizedKeysFile {}\n{SETTINGS}", at("host"), at("user.pub"));
    home.write(&home.path("sshd"), &sshd);
    let forwarded = home.path("forwarded.sock");
    let user = home.tool("id").arg("-un").output().unwrap().stdout;
    let remote = format!(
        "env -i OAUTHCTL_AGENT=unix:{} HOME={} sh -c '{program} token -p p && {program} api -p p me'",
        forwarded.display(),
        at("tmp"),
        program = crate::support::program().display()
    );
    let mut ssh = home.tool("ssh");
    ssh.args(["-F", "none", "-i", &at("user"), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"])
        .args(["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"])
        .args(["-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=ERROR"])
        .args(["-o", &format!("ProxyCommand=/usr/sbin/sshd -i -f {}", at("sshd"))])
        .arg("-R")
        .arg(format!("{}:{}", forwarded.display(), agent.path.display()))
        .arg(format!("{}@localhost", String::from_utf8(user).unwrap().trim()))
        .arg(remote);
    let output = ssh.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "stored\nBearer stored", "{said}");
}
