use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use super::planted_with;
use crate::fixture::{TOKEN, grant, plant};
use crate::support::Home;

const CREDENTIALS: &str = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>\
    <Credentials><AccessKeyId>ASIAEXAMPLE</AccessKeyId><SecretAccessKey>CANARY-secret</SecretAccessKey>\
    <SessionToken>CANARY-session</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration>\
    </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";

/// A stand-in for STS that answers one request, and returns it.
fn sts(home: &mut Home, status: &str, body: &str) -> JoinHandle<String> {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    home.set("AWS_ENDPOINT_URL_STS", format!("http://{}", server.local_addr().unwrap()));
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = Vec::new();
        let is_whole = |request: &[u8]| {
            let text = String::from_utf8_lossy(request).to_ascii_lowercase();
            let length =
                text.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            let length =
                length.and_then(|length| length.parse::<usize>().ok()).unwrap_or(usize::MAX);
            text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.len() >= length)
        };
        while !is_whole(&request) {
            let mut bytes = [0; 4096];
            let read = stream.read(&mut bytes).unwrap();
            assert!(read > 0);
            request.extend_from_slice(&bytes[..read]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    })
}

const SETTINGS: &str = "[credential.aws.dev]\nprofile = \"p\"\n\
    role_arn = \"arn:aws:iam::123456789012:role/dev\"\nrole_session_name = \"ada\"\nduration = \"15m\"\n";

#[test]
fn aws_gets_credentials_for_the_role_and_keeps_them() {
    let mut home = planted_with(SETTINGS);
    let server = sts(&mut home, "200 OK", CREDENTIALS);
    let first = home.run(["credential", "aws"]).ok().json();
    assert_eq!((&first["Version"], &first["AccessKeyId"]), (&1.into(), &"ASIAEXAMPLE".into()));
    let request = server.join().unwrap();
    for part in [
        "Action=AssumeRoleWithWebIdentity",
        "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdev",
        "RoleSessionName=ada",
        "DurationSeconds=900",
        &format!("WebIdentityToken={TOKEN}"),
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    // The server is gone: these are kept.
    assert_eq!(home.run(["credential", "aws", "dev"]).ok().json(), first);
    crate::support::assert_no_secret(&home, ["CANARY-secret", "CANARY-session"]);
    // Credentials of a login do not outlive it.
    plant(&home, &grant("default", TOKEN, |g| g["id"] = "g_other".into()));
    assert_eq!(home.run(["credential", "aws"]).fails(9).stdout, "");
}

#[test]
fn aws_refusal_and_failure_are_told_apart() {
    let refusal = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no\u{1b}[m</Message></Error></ErrorResponse>";
    for (status, body, code) in [
        ("403 Forbidden", refusal, 8),
        ("503 Service Unavailable", "", 9),
        ("200 OK", "<Credentials></Credentials>", 7),
    ] {
        let mut home = planted_with(SETTINGS);
        let server = sts(&mut home, status, body);
        let output = home.run(["credential", "aws"]).fails(code);
        assert!(!output.stderr.contains('\u{1b}') && !output.stderr.contains(TOKEN));
        server.join().unwrap();
    }
    let mut home = planted_with(SETTINGS);
    home.set("AWS_ENDPOINT_URL_STS", "http://sts.example");
    home.run(["credential", "aws"]).fails(3);
}
