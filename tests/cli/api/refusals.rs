//! What the server refuses, and what is done about it.

use crate::fixture::with_sandbox;
use crate::support::{Api, Asked, Home, Replied};

fn is_stored(asked: &Asked) -> bool {
    asked.header("authorization") == Some("Bearer stored")
}

#[test]
fn refused_token_is_refreshed_once_and_tried_again() {
    let api = Api::start(|asked| match is_stored(asked) {
        true => Replied::new(401, &["www-authenticate: Bearer error=\"invalid_token\""], "old"),
        false => {
            Replied::ok(&format!("{} {}", asked.header("authorization").unwrap(), asked.text()))
        }
    });
    let home = api.home("", "");
    assert_eq!(home.run(["api", "x", "-d", "data"]).ok().stdout, "Bearer fresh-1 data");
    assert_eq!((api.asked().len(), api.refreshes()), (2, 1));
    assert_eq!(home.run(["token"]).ok().line(), "fresh-1", "the new token is stored");
}

#[test]
fn token_refused_twice_exits_with_8() {
    let api = Api::start(|_| Replied::new(401, &[], "go away"));
    let refused = api.home("", "").run(["api", "x?key=CANARY"]).code(8);
    assert_eq!(refused.stdout, "go away");
    assert!(refused.stderr.contains("/x: 401 Unauthorized"), "{refused:?}");
    assert!(!refused.stderr.contains("CANARY"), "{refused:?}");
    assert_eq!((api.asked().len(), api.refreshes()), (2, 1));
}

#[test]
fn refused_token_without_refresh_exits_with_4() {
    let api = Api::start(|_| Replied::new(401, &[], "go away"));
    let home = Home::new();
    api.add(&home, "", "", |grant| {
        grant["tokens"].as_object_mut().unwrap().remove("refresh_token");
    });
    let refused = home.run(["api", "x", "--json"]).code(4);
    assert_eq!(refused.stdout, "go away");
    let hint = refused.error_json()["hint"].clone();
    assert!(hint.as_str().unwrap().contains("oauthctl login p"), "{hint}");
    assert_eq!((api.asked().len(), api.refreshes()), (1, 0));
}

#[test]
fn status_decides_the_exit_code() {
    let api = Api::start(|asked| {
        let status = asked.target[1..].parse().unwrap();
        Replied::new(status, &[], format!("body of {status}"))
    });
    let home = api.home("", "");
    for (status, code) in [
        (200, 0),
        (204, 0),
        (299, 0),
        (304, 0),
        (400, 8),
        (403, 8),
        (404, 8),
        (418, 8),
        (429, 8),
        (500, 9),
        (503, 9),
        (599, 9),
    ] {
        let output = home.run(["api", &status.to_string()]).code(code);
        let body = if matches!(status, 204 | 304) { "" } else { &*format!("body of {status}") };
        assert_eq!(output.stdout, body);
    }
    assert_eq!(home.run(["api", "404", "--json"]).error_json()["error"], "server_refused");
}

#[test]
fn unreachable_server_exits_with_9() {
    let home = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let home = Api::echo().home("", "");
        let config = std::fs::read_to_string(home.config_path()).unwrap();
        let line = |l: &str| {
            l.starts_with("api_url").then(|| format!("api_url = \"http://127.0.0.1:{port}\""))
        };
        let lines = config.lines().map(|l| line(l).unwrap_or_else(|| l.to_owned()));
        home.config(&lines.collect::<Vec<_>>().join("\n"));
        home
    };
    home.run(["api", "x"]).fails(9);
}

#[test]
fn truncated_body_exits_with_9() {
    let api = Api::start(|_| Replied::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"));
    let cut = api.home("", "").run(["api", "x"]).code(9);
    assert_eq!(cut.stdout, "part");
    assert!(cut.stderr.contains("was interrupted"), "{cut:?}");
}

#[test]
fn missing_scope_exits_with_4_and_named() {
    let api = Api::start(|_| {
        let challenge =
            "www-authenticate: Bearer error=\"insufficient_scope\", scope=\"admin $(x)\"";
        Replied::new(403, &[challenge], "no")
    });
    let refused = api.home("", "").run(["api", "x", "--json"]).code(4);
    assert_eq!((refused.stdout.as_str(), api.refreshes()), ("no", 0));
    let hint = refused.error_json()["hint"].as_str().unwrap().to_owned();
    assert!(hint.contains("`oauthctl login p --add-scope admin --add-scope '$(x)'`"), "{hint}");
}

#[test]
fn bound_token_is_sent_with_a_proof_and_a_nonce() {
    let (home, sandbox) = with_sandbox(Some("dpop-nonce"));
    let resource = format!("{}/s/dpop-nonce/resource", sandbox.issuer);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}dpop = true\napi_url = [{resource:?}]\n"));
    home.run(["login", "s"]).ok();
    let answer = home.run(["api", "-p", "s", &format!("{resource}?x=1"), "--trace"]).ok();
    assert_eq!(answer.json()["message"], "welcome", "{answer:?}");
    assert_eq!(answer.stderr.matches("(API request)").count(), 2, "{answer:?}");
}

#[test]
fn login_gets_the_scope_that_is_missing() {
    let (home, sandbox) = with_sandbox(None);
    let issuer = &sandbox.issuer;
    home.config(&format!(
        "[profiles.s]\nissuer = {issuer:?}\nclient_id = \"demo\"\nscopes = [\"offline_access\"]\n\
         api_url = [{issuer:?}]\n"
    ));
    home.run(["login", "s"]).ok();
    let refused = home.run(["api", "userinfo"]).code(4);
    assert!(refused.stderr.contains("`oauthctl login s --add-scope openid`"), "{refused:?}");
    let answer = home.run(["api", "userinfo", "--login"]).ok();
    assert!(answer.json()["sub"].is_string(), "{answer:?}");
    let scopes = home.run(["token", "--json"]).ok().json()["scope"].clone();
    assert_eq!(scopes, "offline_access openid");
}
