//! How it starts and ends, who is asked, and what is written down.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use rustix::process::Signal;
use serde_json::Value;

use super::client::Proxy;
use crate::support::{Api, Replied, mode};

#[test]
fn command_gets_the_url_and_no_token() {
    let api = Api::echo();
    let mut home = api.home("", "");
    home.set("OAUTHCTL_STATE_KEY", "CANARY-key");
    let script = "env; exec 3<>/dev/tcp/${OAUTHCTL_PROXY_URL:7:9}/$(echo $OAUTHCTL_PROXY_URL | cut -d: -f3 | \
        cut -d/ -f1); printf 'GET /%s/x HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' \
        $(echo $OAUTHCTL_PROXY_URL | cut -d/ -f4) $(echo $OAUTHCTL_PROXY_URL | cut -d/ -f3) >&3; cat <&3; exit 7";
    let output = home.run(["proxy", "-p", "p", "--", "bash", "-c", script]).code(7);
    let (env, reply) = output.stdout.split_once("HTTP/1.1 200").unwrap();
    assert!(reply.ends_with("Bearer stored"), "{reply}");
    assert!(env.contains("OAUTHCTL_PROXY_URL=http://127.0.0.1:"), "{env}");
    assert!(!env.contains("stored") && !env.contains("CANARY"), "{env}");
    assert_eq!(output.stderr, "");
    home.run(["proxy", "-p", "p", "--", "no-such-command"]).fails(127);
}

#[test]
fn signals_reach_the_command_and_end_the_proxy() {
    let home = Api::echo().home("", "");
    let script = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.01; done";
    let mut running = home.spawn(["proxy", "-p", "p", "--", "bash", "-c", script]);
    running.await_stdout(|text| text.contains("ready").then_some(()));
    running.signal(Signal::TERM);
    assert_eq!(running.wait().code(9).stdout, "ready\ncaught\n");
    for signal in [Signal::TERM, Signal::INT] {
        let proxy = Proxy::start(&home, &[]);
        proxy.process.signal(signal);
        proxy.process.wait().ok();
    }
}

#[test]
fn socket_is_private_and_removed_at_the_end() {
    let api = Api::echo();
    let home = api.home("", "");
    let path = home.path("run/proxy.sock");
    let listen = format!("unix:{}", path.display());
    for _ in 0..2 {
        let proxy = Proxy::start(&home, &["--listen", &listen]);
        assert_eq!(proxy.at["socket"], path.to_str().unwrap());
        assert_eq!(mode(&path), 0o600);
        home.run(["proxy", "-p", "p", "--listen", &listen]).fails(9);
        let mut stream = UnixStream::connect(&path).unwrap();
        let request =
            format!("GET {}/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", proxy.key);
        stream.write_all(request.as_bytes()).unwrap();
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).unwrap();
        assert_eq!(crate::support::Reply::parse(&raw).unwrap().body, "Bearer stored");
        proxy.process.signal(Signal::TERM);
        proxy.process.wait().ok();
        assert!(!path.exists());
    }
    // A process that was killed leaves its socket.
    let mut proxy = Proxy::start(&home, &["--listen", &listen]);
    proxy.process.signal(Signal::KILL);
    crate::support::await_some("the end", || proxy.process.ended());
    assert!(path.exists());
    drop(Proxy::start(&home, &["--listen", &listen]));
    home.write(&path.with_extension("file"), "kept");
    let file = format!("unix:{}", path.with_extension("file").display());
    home.run(["proxy", "-p", "p", "--listen", &file]).fails(2);
}

#[test]
fn addresses_of_other_machines_are_refused() {
    let home = Api::echo().home("", "");
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.com:80", "unix:"] {
        home.run(["proxy", "-p", "p", "--listen", address]).fails(2);
    }
}

#[test]
fn audit_has_one_line_a_request_without_secrets() {
    let api = Api::start(|_| Replied::new(201, &[], "12345"));
    let home = api.home("/api", "");
    let (file, socket) = (home.path("home/audit.jsonl"), home.path("run/audit.sock"));
    let arguments = ["--audit", "audit.jsonl", "--allow", "* /api/a/**"];
    let proxy = Proxy::start(&home, &arguments);
    assert_eq!(proxy.get("/a/b?token=CANARY").status, 201);
    assert_eq!(proxy.ask("HEAD", "/a/", &["X: CANARY"]).status, 201);
    assert_eq!(proxy.get("/other").status, 403);
    let host = &proxy.address;
    assert_eq!(
        proxy
            .raw(&format!("GET /guess/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
            .status,
        403
    );
    drop(proxy);
    let listen = format!("unix:{}", socket.display());
    let proxy = Proxy::start(&home, &[&arguments[..], &["--listen", &listen]].concat());
    let mut stream = UnixStream::connect(&socket).unwrap();
    let request =
        format!("PUT {}/a/b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", proxy.key);
    stream.write_all(request.as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(mode(&file), 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in ["CANARY", "stored", proxy.key.trim_start_matches('/'), "guess"] {
        assert!(!text.contains(secret), "{text}");
    }
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|l| {
            format!("{} {} {} {}", l["method"], l["path"], l["status"], l["bytes"]).replace('"', "")
        })
        .collect();
    assert_eq!(told[..2], ["GET /api/a/b 201 5", "HEAD /api/a/ 201 0"]);
    assert!(
        told[2].starts_with("GET /api/other 403 ") && told[3].starts_with("GET null 403 "),
        "{told:?}"
    );
    assert_eq!(
        (told[4].as_str(), &lines[4]["pid"]),
        ("PUT /api/a/b 201 5", &std::process::id().into())
    );
    assert!(lines.iter().all(|line| line["time"].as_str().unwrap().ends_with('Z')));
    home.run(["proxy", "-p", "p", "--audit", "/no/such/folder/x"]).fails(2);
}

#[test]
fn user_is_asked_before_the_first_use() {
    let api = Api::echo();
    let home = api.home("", "");
    let script = "echo $OAUTHCTL_CONFIRM_PROFILE $OAUTHCTL_CONFIRM_METHOD $OAUTHCTL_CONFIRM_PATH \
        $OAUTH_ACCESS_TOKEN >> asked; test -e yes";
    let proxy = Proxy::start(&home, &["--confirm", script]);
    let asked = || std::fs::read_to_string(home.path("home/asked")).unwrap_or_default();
    assert_eq!(asked(), "");
    assert_eq!((proxy.get("/x").status, api.asked().len()), (403, 0));
    home.write(&home.path("home/yes"), "");
    assert_eq!(proxy.get("/y?q").status, 200);
    assert_eq!(proxy.ask("DELETE", "/z", &[]).status, 200);
    assert_eq!(asked(), "p GET /x\np GET /y\n");
}

#[test]
fn user_is_asked_again_when_the_consent_is_over() {
    let api = Api::echo();
    let home = api.home("", "");
    let confirm = ["--confirm", "echo >> asked", "--confirm-for"];
    let count = || std::fs::read_to_string(home.path("home/asked")).unwrap_or_default().len();
    let proxy = Proxy::start(&home, &[&confirm[..], &["0s"]].concat());
    assert_eq!((proxy.get("/x").status, proxy.get("/x").status, count()), (200, 200, 2));
    let proxy = Proxy::start(&home, &[&confirm[..], &["1h"]].concat());
    assert_eq!((proxy.get("/x").status, proxy.get("/x").status, count()), (200, 200, 3));
}
