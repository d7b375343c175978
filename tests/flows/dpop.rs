//! Tokens that are bound to a key, used at an API that verifies each proof.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Home, OidcProvider, Servers, assert_no_secret};

/// A login of the client that the server gives only bound tokens.
fn bound(options: &[&str]) -> (OidcProvider, Home) {
    let (server, mut home) = (Servers::oidc_provider_with(options), Home::new());
    home.profile("p", &server.issuer, "cli-dpop", "dpop = true\nscopes = [\"openid\"]\n");
    home.login("p");
    (server, home)
}

/// Sends a request with what was printed for `curl -K -`. Returns the head and the body.
#[track_caller]
fn curl(url: &str, config: &str) -> (String, String) {
    let mut curl = Command::new("curl")
        .args(["-sS", "-i", "-K", "-", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
    let output = String::from_utf8(curl.wait_with_output().unwrap().stdout).unwrap();
    let (head, body) = output.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

#[test]
fn proof_for_one_request_is_accepted_once() {
    let (server, home) = bound(&[]);
    let who = format!("{}/who", server.issuer);
    let request = format!("GET {who}?page=2#top");
    let printed = home.run(["token", "--dpop", &request, "--format", "curl"]).ok();
    let (head, body) = curl(&format!("{who}?page=2"), &printed.stdout);
    assert!(head.contains(" 200 ") && body.contains("alice-of-who"), "{head}\n{body}");
    let (again, _) = curl(&format!("{who}?page=2"), &printed.stdout);
    assert!(again.contains(" 401 "), "a proof serves once: {again}");
    let other = home.run(["token", "--dpop", &format!("POST {who}"), "--format", "curl"]).ok();
    assert!(curl(&who, &other.stdout).0.contains(" 401 "), "a proof of another method");
    assert_eq!(server.count("refresh_token"), 0);
}

#[test]
fn nonce_of_the_api_is_in_the_proof() {
    let (server, home) = bound(&["--dpop-nonce", "1"]);
    let who = format!("{}/who", server.issuer);
    let request = format!("GET {who}");
    let first = home.run(["token", "--dpop", &request, "--format", "curl"]).ok();
    let (head, _) = curl(&who, &first.stdout);
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let (_, nonce) = headers.find(|(name, _)| name.eq_ignore_ascii_case("dpop-nonce")).unwrap();
    let args = ["token", "--dpop", &request, "--dpop-nonce", nonce, "--format", "curl"];
    let (head, body) = curl(&who, &home.run(args).ok().stdout);
    assert!(head.contains(" 200 "), "{head}\n{body}");
}

#[test]
fn proof_is_in_every_format_that_has_headers() {
    let (server, home) = bound(&[]);
    let request = format!("GET {}/who", server.issuer);
    let print = |format: &str| home.run(["token", "--dpop", &request, "--format", format]);
    let token = home.run(["token"]).ok().line().to_owned();
    let headers = print("headers").ok().json();
    assert_eq!(headers["Authorization"], format!("DPoP {token}"));
    let lines = print("header").ok().stdout;
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[0], format!("Authorization: DPoP {token}"));
    let proof = lines[1].strip_prefix("DPoP: ").unwrap();
    assert_ne!(headers["DPoP"], proof, "each is fresh");
    assert_eq!(proof.split('.').count(), 3);
    let json = print("json").ok().json();
    assert_eq!((&json["token_type"], json["dpop"].is_string()), (&json!("DPoP"), true));
    for format in ["token", "env", "fish"] {
        assert!(print(format).fails(2).stderr.contains("--format header"), "{format}");
    }
    for bad in ["GET", "GET /me", "GET ftp://x/", "G@T https://x/", "GET https://x/ more", ""] {
        home.run(["token", "--dpop", bad, "--format", "json"]).fails(2);
    }
    assert_no_secret(&home, [token, proof.to_owned()]);
}

#[test]
fn unbound_token_has_no_proof() {
    let (server, mut home) = (Servers::oidc_provider(), Home::new());
    home.profile("p", &server.issuer, "cli", "scopes = [\"openid\"]\n");
    home.login("p");
    let refused = home.run(["token", "--dpop", "GET https://api.example/", "--json"]).fails(2);
    let error: Value = serde_json::from_str(&refused.stderr).unwrap();
    assert!(error["hint"].as_str().unwrap().contains("dpop = true"), "{error}");
    let lines = "dpop = true\nscopes = [\"openid\"]\n";
    home.config("").profile("p", &server.issuer, "cli-dpop", lines);
    home.login("p");
    home.run(["token", "--dpop", "GET https://api.example/", "--json"]).ok();
}

#[test]
fn nonce_of_the_server_is_kept_for_the_next_process() {
    let (server, home) = bound(&["--dpop-nonce", "1"]);
    let refused = || {
        let all = server.control.get("/journal")["requests"].clone();
        let all = all.as_array().unwrap().iter().filter(|one| one["error"] == "use_dpop_nonce");
        all.filter(|one| one["path"] == "/token").count()
    };
    // The login is one process, each refresh another.
    assert_eq!(refused(), 1);
    for _ in 0..2 {
        home.run(["token", "--force-refresh"]).ok();
    }
    assert_eq!(refused(), 1);
    // A nonce that has expired costs one more request, once.
    let mut files = vec![home.state_dir()];
    let mut kept = None;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.file_name().unwrap().to_str().unwrap().starts_with("nonce-") {
            kept = Some(path);
        }
    }
    let kept = kept.expect("no nonce is kept");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&kept).unwrap()).unwrap();
    for nonce in ["expired", "not a nonce\r\n"] {
        let before = refused();
        record["nonce"] = nonce.into();
        std::fs::write(&kept, record.to_string()).unwrap();
        home.run(["token", "--force-refresh"]).ok();
        home.run(["token", "--force-refresh"]).ok();
        assert_eq!(refused(), before + 1, "{nonce}");
    }
}
