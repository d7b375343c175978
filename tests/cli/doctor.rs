//! `doctor` names what is broken, and only that.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::fixture::{PROFILE, REFRESH, Sandbox, TOKEN, planted};
use crate::support::{Home, Output, SecretService, assert_not_shown};

/// A home in which everything works, and the server of its profile `s`.
fn healthy() -> (Home, Sandbox) {
    let mut home = Home::new();
    let sandbox = Sandbox::start(&home);
    sandbox.profile(&home, "s", None);
    home.set("BROWSER", "true");
    (home, sandbox)
}

/// The checks that are not ok: name, status, and message with hint.
fn faults(output: &Output) -> Vec<(String, String, String)> {
    let report = output.json();
    let checks = report["checks"].as_array().unwrap();
    let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let bad = checks.iter().filter(|check| check["status"] != "ok");
    bad.map(|check| {
        let said = format!("{} {}", text(check, "message"), text(check, "hint"));
        (text(check, "check"), text(check, "status"), said)
    })
    // A machine of the tests may have no IPv6.
    .filter(|(name, status, _)| (name.as_str(), status.as_str()) != ("loopback", "warn"))
    .collect()
}

/// The only fault of a run that fails.
#[track_caller]
fn failure(home: &Home, args: &[&str]) -> (String, String) {
    let output = home.run([&["doctor", "--json"], args].concat()).code(1);
    let mut faults = faults(&output);
    faults.retain(|(_, status, _)| status == "fail");
    let [(name, _, said)] = faults.as_slice() else { panic!("{}", output.stdout) };
    assert_eq!(output.json()["ok"], false);
    (name.clone(), said.clone())
}

#[test]
fn doctor_finds_nothing_wrong_with_a_good_setup() {
    let (home, _sandbox) = healthy();
    let output = home.run(["doctor", "--json"]).ok();
    assert_eq!(faults(&output), []);
    assert_eq!(output.json()["ok"], true);
    let report = output.json();
    let names: Vec<&str> =
        report["checks"].as_array().unwrap().iter().map(|c| c["check"].as_str().unwrap()).collect();
    for name in [
        "config",
        "permissions",
        "state",
        "store",
        "browser",
        "loopback",
        "proxy",
        "connection",
        "endpoints",
        "clock",
    ] {
        assert!(names.contains(&name), "{name} {names:?}");
    }
    let text = home.run(["doctor", "s"]).ok();
    assert!(text.stdout.lines().all(|line| !line.starts_with("fail")), "{}", text.stdout);
    assert!(text.stderr.contains("Everything works"), "{}", text.stderr);
}

#[test]
fn doctor_leaves_no_record_and_shows_no_secret() {
    let home = planted(TOKEN);
    let status = || {
        let mut status = home.run(["status", "--json"]).ok().json();
        status[0]["expires_in"].take();
        status
    };
    let before = status();
    let count = home.files().len();
    for args in [&["doctor", "--offline"][..], &["doctor", "--offline", "--json", "--trace"]] {
        let output = home.run(args);
        assert_not_shown(&(output.stdout + &output.stderr), [TOKEN, REFRESH]);
    }
    assert_eq!(home.files().len(), count);
    assert_eq!(status(), before);
}

#[test]
fn doctor_invalid_configuration_does_not_end_it() {
    let (home, _sandbox) = healthy();
    home.config("[profiles.p]\nissuer = 1\nclinet_id = \"c\"\n");
    let output = home.run(["doctor", "--json"]).code(1);
    let config = faults(&output).into_iter().find(|(name, ..)| name == "config").unwrap();
    assert!(config.2.contains("clinet_id"), "{config:?}");
    assert!(output.stdout.contains("\"loopback\""), "{}", output.stdout);
    let home = Home::new();
    let faults = faults(&home.run(["doctor", "--json", "--offline"]).ok());
    assert!(faults.iter().any(|(name, status, _)| (&**name, &**status) == ("config", "warn")));
}

#[test]
fn doctor_open_files_are_named_with_their_remedy() {
    let home = planted(TOKEN);
    let key = home.path("config/oauthctl/store.key");
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(&home.path("data/oauthctl/tokens"), 0o755);
    let found = faults(&home.run(["doctor", "--json", "--offline"]).ok());
    assert!(found.iter().any(|(name, status, _)| (&**name, &**status) == ("permissions", "warn")));
    open(&key, 0o644);
    let output = home.run(["doctor", "--json", "--offline"]).code(1);
    let found = faults(&output).into_iter().find(|(name, ..)| name == "permissions").unwrap();
    assert_eq!(found.1, "fail");
    let command = found.2.split('`').nth(1).unwrap();
    let done = std::process::Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(done.success(), "{command}");
    let found = faults(&home.run(["doctor", "--json", "--offline"]).ok());
    assert!(found.iter().all(|(name, ..)| name != "permissions"), "{found:?}");
}

#[test]
fn doctor_state_that_is_no_directory_fails() {
    let (mut home, _sandbox) = healthy();
    let file = home.path("file");
    home.write(&file, "");
    home.set("OAUTHCTL_STATE_DIR", &file);
    let output = home.run(["doctor", "--json"]).code(1);
    assert!(faults(&output).iter().any(|(name, ..)| name == "state"), "{}", output.stdout);
}

/// Nobody can create a directory there, not even root.
#[test]
fn doctor_state_that_is_not_writable_fails() {
    let (mut home, _sandbox) = healthy();
    home.set("OAUTHCTL_STATE_DIR", "/proc/oauthctl");
    let (name, said) = failure(&home, &["--offline"]);
    assert_eq!(name, "state");
    assert!(said.contains("/proc/oauthctl") && said.contains("`OAUTHCTL_STATE_DIR`"), "{said}");
}

#[test]
fn doctor_without_a_browser_warns() {
    let (mut home, _sandbox) = healthy();
    home.set("BROWSER", "no-such-browser %s");
    let named = faults(&home.run(["doctor", "--json"]).ok());
    home.unset("BROWSER").unset("DISPLAY").unset("WAYLAND_DISPLAY");
    let none = faults(&home.run(["doctor", "--json"]).ok());
    for (found, what) in [(named, "no-such-browser"), (none, "there is no display")] {
        let [(name, status, said)] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((name.as_str(), status.as_str()), ("browser", "warn"));
        assert!(said.contains(what) && said.contains("--browser"), "{said}");
    }
}

/// A network namespace whose loopback interface is down.
#[test]
fn doctor_blocked_loopback_is_a_failure() {
    let (home, _sandbox) = healthy();
    let args = ["doctor", "--json", "--offline"];
    let output = home.command_through(&["unshare", "--net"], &args).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let failed: Vec<&Value> = checks.iter().filter(|check| check["status"] == "fail").collect();
    let [check] = failed.as_slice() else { panic!("{report}") };
    assert_eq!((&check["check"], &check["subject"]), (&json!("loopback"), &json!("127.0.0.1")));
    assert!(check["hint"].as_str().unwrap().contains("`--flow paste`"), "{check}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn doctor_counts_the_profiles_of_the_file() {
    let (mut home, sandbox) = healthy();
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", &sandbox.issuer]).ok();
    let output = home.run(["doctor", "--offline"]).ok();
    assert!(output.stdout.contains("config.toml: 1 profile\n"), "{}", output.stdout);
}

#[test]
fn doctor_store_without_a_meaning_is_named_once() {
    let (mut home, _sandbox) = healthy();
    home.set("OAUTHCTL_STORE", "bogus");
    let (name, said) = failure(&home, &[]);
    assert!(name == "store" && said.starts_with("unknown store `bogus`"), "{said}");
    let line = home.run(["doctor"]).code(1).stdout;
    assert_eq!(line.matches("bogus").count(), 1, "{line}");
}

#[test]
fn doctor_without_a_bus_names_it() {
    let mut home = Home::new();
    home.config(PROFILE);
    home.set("OAUTHCTL_STORE", "keyring");
    let (name, said) = failure(&home, &["--offline"]);
    assert_eq!(name, "store");
    assert!(said.contains("there is no session bus") && said.contains("--store file"), "{said}");
}

#[test]
fn doctor_locked_keyring_is_told_from_no_bus() {
    let service = SecretService::start_locked();
    let mut home = Home::new();
    home.config(PROFILE);
    home.keyring(&service);
    let (name, said) = failure(&home, &["--offline"]);
    assert_eq!(name, "store");
    assert!(said.contains("locked") && said.contains("unlock"), "{said}");
}

#[test]
fn doctor_unreachable_servers_have_distinct_reasons() {
    let (home, sandbox) = healthy();
    for (issuer, check, words) in [
        ("https://no-such-host.invalid", "dns", "cannot resolve"),
        ("http://127.0.0.1:1", "connection", "refused"),
        (&*format!("{}/none", sandbox.issuer), "endpoints", "no metadata"),
        (&*format!("{}/s/discovery-slash-issuer", sandbox.issuer), "endpoints", "issuer"),
    ] {
        home.config("");
        home.profile("s", issuer, "demo", "");
        let (name, said) = failure(&home, &["s"]);
        assert_eq!(name, check, "{issuer}: {said}");
        assert!(said.contains(words), "{issuer}: {said}");
        assert!(!said.contains("PROXY"), "{issuer}: {said}");
        // Nothing of it matters without the network.
        home.run(["doctor", "--offline"]).ok();
    }
    home.run(["doctor", "bogus"]).fails(3);
}

#[test]
fn doctor_proxy_variables_are_tested() {
    let (mut home, _sandbox) = healthy();
    home.set("HTTPS_PROXY", "http://user:CANARY@proxy.invalid:3128");
    home.set("NO_PROXY", "corp.test,*corp.test");
    let output = home.run(["doctor", "--json", "--offline"]).ok();
    let found = faults(&output);
    assert!(
        matches!(&*found, [(name, status, _)] if name == "proxy" && status == "warn"),
        "{found:?}"
    );
    assert!(!output.stdout.contains("CANARY"), "{}", output.stdout);
    home.set("HTTPS_PROXY", "gopher://user:CANARY@proxy.invalid");
    let (name, said) = failure(&home, &["--offline"]);
    assert!(name == "proxy" && !said.contains("CANARY"), "{said}");
}

/// The fault is of the proxy, not of the TLS behind it. One proxy is not there, the other one says nothing.
#[test]
fn doctor_unreachable_proxy_is_told_from_tls() {
    let mut home = Home::new();
    home.set("BROWSER", "true");
    home.profile("s", "https://issuer.corp.test", "demo", "");
    home.set("HTTPS_PROXY", "http://user:CANARY@127.0.0.1:1");
    let (name, said) = failure(&home, &[]);
    assert!(
        name == "proxy" && said.contains("is unreachable") && !said.contains("CANARY"),
        "{said}"
    );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    home.set("HTTPS_PROXY", format!("http://{}", silent.local_addr().unwrap()));
    let (name, said) = failure(&home, &[]);
    assert!(name == "proxy" && said.contains("through the proxy within 10 s"), "{said}");
}

/// Logins work without the proxy, but the variable is wrong all the same.
#[test]
fn doctor_unreachable_proxy_without_use_is_a_warning() {
    let (mut home, _sandbox) = healthy();
    home.set("HTTPS_PROXY", "socks5h://user:CANARY@127.0.0.1:1");
    let found = faults(&home.run(["doctor", "--json"]).ok());
    let [(name, status, said)] = found.as_slice() else { panic!("{found:?}") };
    assert!(name == "proxy" && status == "warn", "{found:?}");
    assert!(said.contains("127.0.0.1:1: ") && !said.contains("CANARY"), "{said}");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    home.set("HTTPS_PROXY", listener.local_addr().unwrap().to_string());
    assert_eq!(faults(&home.run(["doctor", "--json"]).ok()), []);
}

/// A server whose clock shows 2001.
#[test]
fn doctor_wrong_clock_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let metadata = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/a"),
        "token_endpoint": format!("{issuer}/t"), "code_challenge_methods_supported": ["S256"],
    })
    .to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2001 00:00:00 GMT\r\nContent-Length: {}\r\n\
                 Connection: close\r\n\r\n{metadata}",
                metadata.len()
            );
        }
    });
    let mut home = Home::new();
    home.set("BROWSER", "true");
    home.profile("s", &issuer, "demo", "");
    let (name, said) = failure(&home, &[]);
    assert_eq!(name, "clock");
    assert!(said.contains("ahead of that of a server"), "{said}");
}
