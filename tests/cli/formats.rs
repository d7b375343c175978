//! The formats of a token, and how they escape the characters of tokens.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::fixture::{FAR, TOKEN, grant, plant, planted};

/// Every printable character that a shell, a configuration file or a header might take for its own.
const ODD: &str = r#"a'b"c`id`$(id)${HOME}\n\\;&|<>*?~#!%{}[]=,.-_+/:@^x'"#;

fn format(home: &crate::support::Home, format: &str) -> String {
    home.run(["token", "--format", format]).ok().stdout
}

#[test]
fn each_format_prints_exactly_its_text() {
    let home = planted(TOKEN);
    for (name, expected) in [
        ("token", format!("{TOKEN}\n")),
        ("header", format!("Authorization: Bearer {TOKEN}\n")),
        ("headers", format!("{{\n  \"Authorization\": \"Bearer {TOKEN}\"\n}}\n")),
        ("curl", format!("header = \"Authorization: Bearer {TOKEN}\"\n")),
        ("env", format!("export OAUTH_ACCESS_TOKEN='{TOKEN}'\n")),
        ("fish", format!("set -gx OAUTH_ACCESS_TOKEN '{TOKEN}'\n")),
        ("powershell", format!("$env:OAUTH_ACCESS_TOKEN = '{TOKEN}'\n")),
    ] {
        assert_eq!(format(&home, name), expected, "{name}");
    }
    assert_eq!(home.run(["token"]).ok().stdout, format!("{TOKEN}\n"));
}

#[test]
fn json_has_the_documented_members() {
    let home = planted(TOKEN);
    for args in [["token", "--json"].as_slice(), &["token", "--format", "json"]] {
        let mut object = home.run(args).ok().json();
        let left = object["expires_in"].take().as_u64().unwrap();
        assert!(left > 0 && left < FAR, "{left}");
        assert_eq!(
            object,
            json!({
                "access_token": TOKEN, "token_type": "Bearer", "expires_at": "2100-01-01T00:00:00Z",
                "expires_in": null, "scope": "read write", "profile": "p", "account": "default",
                "grant_id": "g_default",
            })
        );
    }
    // A format that is asked for by name is given, whatever the errors are to be.
    assert_eq!(home.run(["token", "--format", "token", "--json"]).ok().line(), TOKEN);
}

#[test]
fn lifetime_that_is_not_known_is_null() {
    let home = planted(TOKEN);
    let now = oauthctl_core::Timestamp::now().unix();
    plant(
        &home,
        &grant("default", TOKEN, |g| {
            g["tokens"]["expires_at"] = json!(null);
            g["refreshed_at"] = json!(now);
        }),
    );
    let object = home.run(["token", "--json"]).ok().json();
    assert_eq!((&object["expires_at"], &object["expires_in"]), (&json!(null), &json!(null)));
}

#[test]
fn shells_read_back_the_very_token() {
    let home = planted(ODD);
    assert_eq!(home.run(["token"]).ok().line(), ODD);
    let env = format(&home, "env");
    for shell in ["sh", "bash", "dash", "zsh"] {
        let output = Command::new(shell)
            .args(["-c", "eval \"$1\"; printf %s \"$OAUTH_ACCESS_TOKEN\"", shell, &env])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), ODD, "{shell}");
    }
    let quoted = ODD.replace('\\', "\\\\").replace('\'', "\\'");
    assert_eq!(format(&home, "fish"), format!("set -gx OAUTH_ACCESS_TOKEN '{quoted}'\n"));
    let quoted = ODD.replace('\'', "''");
    assert_eq!(format(&home, "powershell"), format!("$env:OAUTH_ACCESS_TOKEN = '{quoted}'\n"));
    for (shell, args, name) in [
        ("fish", ["-c", "source; printf %s $OAUTH_ACCESS_TOKEN"], "fish"),
        (
            "pwsh",
            ["-Command", "$input | iex; Write-Host -NoNewline $env:OAUTH_ACCESS_TOKEN"],
            "powershell",
        ),
    ] {
        let child =
            Command::new(shell).args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else { continue };
        child.stdin.take().unwrap().write_all(format(&home, name).as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), ODD, "{shell}");
    }
}

#[test]
fn user_in_a_format_without_one_is_refused() {
    let home = planted(TOKEN);
    for format in ["token", "json", "header", "headers", "curl", "env", "fish", "powershell"] {
        let call = ["token", "--format", format, "--user", "me@example.com"];
        for more in [&[][..], &["--cached"], &["--account", "default"]] {
            let failed = home.run(call.iter().chain(more)).fails(2);
            assert_eq!(failed.stdout, "");
            for option in ["`--format xoauth2`", "`--format oauthbearer`", "`--account`"] {
                assert!(failed.stderr.contains(option), "{}", failed.stderr);
            }
        }
    }
    home.run(["token", "--user", "me@example.com"]).fails(2);
    home.run(["token", "--json", "--user", "me@example.com"]).fails(2);
}

#[test]
fn curl_sends_the_very_token() {
    let home = planted(ODD);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", server.local_addr().unwrap());
    let mut curl = Command::new("curl")
        .args(["--disable", "--silent", "--noproxy", "*", "-K", "-", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(format(&home, "curl").as_bytes()).unwrap();
    let (mut stream, _) = server.accept().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).unwrap(), 1);
        head.push(byte[0]);
    }
    stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
    assert!(curl.wait().unwrap().success());
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains(&format!("\r\nAuthorization: Bearer {ODD}\r\n")), "{head}");
}

#[test]
fn xoauth2_is_the_sasl_string() {
    let home = planted(ODD);
    let output = home.run(["token", "--format", "xoauth2", "--user", "me@example.com"]).ok();
    let sasl = STANDARD.decode(output.line()).unwrap();
    let expected = format!("user=me@example.com\u{1}auth=Bearer {ODD}\u{1}\u{1}");
    assert_eq!(String::from_utf8(sasl).unwrap(), expected);
    for user in ["", "a\u{1}b", "a\nb"] {
        home.run(["token", "--format", "xoauth2", "--user", user]).fails(2);
    }
}

#[test]
fn token_that_would_leave_its_line_is_not_printed() {
    for token in ["a\nb", "a b", "a\r", "a\u{1b}[31m", "é", ""] {
        let home = planted(TOKEN);
        let line = grant("default", token, |_| ());
        let import = home.run_with(["import", "--replace"], &line);
        if import.status == 0 {
            for name in ["token", "header", "headers", "curl", "env", "fish", "powershell", "json"]
            {
                home.run(["token", "--format", name]).fails(10);
            }
        }
    }
    let home = planted(TOKEN);
    plant(&home, &grant("default", TOKEN, |g| g["tokens"]["token_type"] = json!("Bearer\nX: y")));
    home.run(["token", "--format", "header"]).fails(10);
}

#[test]
fn token_type_is_printed_as_it_is_to_be_sent() {
    let home = planted(TOKEN);
    plant(&home, &grant("default", TOKEN, |g| g["tokens"]["token_type"] = json!("DPoP")));
    assert_eq!(format(&home, "header"), format!("Authorization: DPoP {TOKEN}\n"));
}

/// What a header helper prints is read as JSON, whatever characters the token has.
#[test]
fn headers_is_json_for_any_token() {
    let home = planted(ODD);
    let headers = home.run(["token", "--format", "headers"]).ok().json();
    assert_eq!(headers, json!({ "Authorization": format!("Bearer {ODD}") }));
}

#[test]
fn oauthbearer_is_the_sasl_string() {
    let home = planted(ODD);
    let run = |user: &str| home.run(["token", "--format", "oauthbearer", "--user", user]);
    for (user, name) in [("me@example.com", "me@example.com"), ("a=b,c", "a=3Db=2Cc")] {
        let sasl = STANDARD.decode(run(user).ok().line()).unwrap();
        let expected = format!("n,a={name},\u{1}auth=Bearer {ODD}\u{1}\u{1}");
        assert_eq!(String::from_utf8(sasl).unwrap(), expected);
    }
    for user in ["", "a\u{1}b", "a\nb"] {
        run(user).fails(2);
    }
    home.run(["token", "--format", "oauthbearer"]).fails(2);
}

/// SASL has no place for a proof of possession.
#[test]
fn sasl_formats_are_for_bearer_tokens_only() {
    let home = planted(TOKEN);
    for format in ["xoauth2", "oauthbearer"] {
        let sasl = ["token", "--format", format, "--user", "me@example.com"];
        for token_type in ["DPoP", "dpop", "MAC"] {
            let line = grant("default", TOKEN, |g| g["tokens"]["token_type"] = json!(token_type));
            plant(&home, &line);
            let output = home.run(sasl).fails(2);
            assert!(output.stderr.contains(token_type), "{}", output.stderr);
            assert!(output.stderr.contains("\nhint: ") && !output.stderr.contains(TOKEN));
        }
        plant(&home, &grant("default", TOKEN, |g| g["tokens"]["token_type"] = json!("bearer")));
        home.run(sasl).ok();
    }
}

/// An id_token that a server once signed; the program does not verify it again.
pub fn id_token(expires_at: u64) -> String {
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": "https://as.invalid", "sub": "ada", "exp": expires_at });
    format!("{}.{}.c2ln", part(json!({ "alg": "RS256" })), part(claims))
}

#[test]
fn id_token_replaces_the_access_token() {
    let home = planted(TOKEN);
    let jwt = id_token(FAR);
    let with_it = |g: &mut serde_json::Value| {
        g["tokens"]["id_token"] = json!(jwt);
        // The access token's own end does not matter, nor does its type.
        g["tokens"]["expires_at"] = json!(1_700_000_000);
        g["tokens"]["token_type"] = json!("DPoP");
    };
    plant(&home, &grant("default", TOKEN, with_it));
    assert_eq!(home.run(["token", "--id-token"]).ok().stdout, format!("{jwt}\n"));
    let header = home.run(["token", "--id-token", "--cached", "--format", "header"]).ok();
    assert_eq!(header.stdout, format!("Authorization: Bearer {jwt}\n"));
    home.run(["token", "--cached"]).fails(4);
}

#[test]
fn expired_id_token_is_not_printed() {
    let home = planted(TOKEN);
    let with = |token: String| grant("default", TOKEN, |g| g["tokens"]["id_token"] = json!(token));
    for token in [id_token(1_700_000_000), "a.b.c".to_owned()] {
        plant(&home, &with(token));
        home.run(["token", "--id-token", "--cached"]).fails(4);
        assert_eq!(home.run(["token", "--id-token"]).code(9).stdout, "", "it must be refreshed");
        home.run(["token"]).ok();
    }
}

#[test]
fn account_without_id_token_says_what_to_configure() {
    let home = planted(TOKEN);
    let output = home.run(["token", "--id-token"]).fails(4);
    assert!(output.stderr.contains("no id_token") && output.stderr.contains("`openid`"));
}
