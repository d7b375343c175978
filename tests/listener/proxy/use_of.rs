//! What passes, and how it changes.

use std::collections::HashSet;
use std::sync::Mutex;

use super::client::Proxy;
use crate::support::{Api, Home, Replied};

#[test]
fn request_goes_below_api_url_with_the_token() {
    let api = Api::echo();
    let home = api.home("/api/v4/", "");
    let proxy = Proxy::start(&home, &[]);
    assert_eq!((&proxy.at["profile"], &proxy.at["account"]), (&"p".into(), &"default".into()));
    assert!(proxy.at["socket"].is_null() && proxy.at["url"].as_str().unwrap().ends_with('/'));
    assert!(proxy.key.len() >= 43, "{}", proxy.key);
    for path in ["/user?a=b%20c&d", "//user?a=b%20c&d", "/x/../user?a=b%20c&d", "/%75ser?a=b%20c&d"]
    {
        let reply = proxy.get(path);
        assert_eq!((reply.status, reply.body.as_str()), (200, "Bearer stored"), "{path}");
    }
    let asked = api.asked();
    assert!(asked.iter().all(|asked| asked.target == "/api/v4/user?a=b%20c&d"), "{asked:?}");
    assert_eq!(proxy.get("").status, 200);
    assert_eq!(api.asked().last().unwrap().target, "/api/v4/");
}

#[test]
fn headers_of_the_client_are_cleaned() {
    let api = Api::echo();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let referer = format!("Referer: http://{}{}/page", proxy.address, proxy.key);
    let reply = proxy.ask(
        "GET",
        "/x",
        &[
            "Authorization: Bearer CLIENT",
            "Proxy-Authorization: Basic x",
            "DPoP: x",
            "Cookie: session=x",
            "Connection: close, X-Hop, keep-alive",
            "X-Hop: 1",
            "Keep-Alive: 5",
            "TE: trailers",
            "Trailer: x",
            "X-Forwarded-For: 1.2.3.4",
            "Forwarded: for=x",
            "X-Original-URL: /admin",
            "X-Real-IP: 1.2.3.4",
            "X_Real_IP: 1.2.3.4",
            "X_Forwarded_User: root",
            "Accept: text/csv",
            "X-Custom: kept",
            "User-Agent: me",
            referer.as_str(),
        ],
    );
    assert_eq!((reply.status, reply.body.as_str()), (200, "Bearer stored"));
    let asked = &api.asked()[0];
    let mut names: Vec<_> = asked.headers.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "host", "user-agent", "x-custom"], "{asked:?}");
    assert_eq!(asked.header("host"), api.origin.strip_prefix("http://"));
}

#[test]
fn headers_of_the_server_are_cleaned() {
    let api = Api::start(|_| {
        Replied::new(
            200,
            &[
                "Set-Cookie: a=b",
                "Strict-Transport-Security: max-age=1",
                "Connection: x-hop",
                "X-Hop: 1",
                "Keep-Alive: timeout=5",
                "Proxy-Authenticate: Basic",
                "Alt-Svc: h2=\":1\"",
                "ETag: \"7\"",
            ],
            "body",
        )
    });
    let home = api.home("", "");
    let reply = Proxy::start(&home, &[]).get("/");
    for name in [
        "set-cookie",
        "strict-transport-security",
        "x-hop",
        "keep-alive",
        "proxy-authenticate",
        "alt-svc",
    ] {
        assert_eq!(reply.header(name), None, "{reply:?}");
    }
    assert_eq!(reply.header("etag"), Some("\"7\""));
}

#[test]
fn redirects_below_api_url_lead_through_the_proxy() {
    let api = Api::start(|asked| {
        let to = asked.target.split_once("to=").unwrap().1.replace("%2F", "/");
        Replied::new(
            302,
            &[&format!("location: {to}"), &format!("link: <{to}>; rel=\"next\", <{to}>; rel=x")],
            "",
        )
    });
    let home = api.home("/api", "");
    let proxy = Proxy::start(&home, &[]);
    let url = proxy.at["url"].as_str().unwrap();
    for (to, expected) in [
        (format!("{}/api/a?b=c", api.origin), format!("{url}a?b=c")),
        ("/api/a/".to_owned(), format!("{url}a/")),
        ("a".to_owned(), format!("{url}a")),
        ("/api".to_owned(), url.to_owned()),
        ("/other".to_owned(), format!("{}/other", api.origin)),
        ("/apix".to_owned(), format!("{}/apix", api.origin)),
        (
            "https://elsewhere.example/api/a".to_owned(),
            "https://elsewhere.example/api/a".to_owned(),
        ),
    ] {
        let reply = proxy.get(&format!("/x?to={to}"));
        assert_eq!((reply.status, reply.header("location")), (302, Some(&*expected)), "{to}");
        let link = format!("<{expected}>; rel=\"next\", <{expected}>; rel=x");
        assert_eq!(reply.header("link"), Some(&*link), "{to}");
    }
}

#[test]
fn refused_token_is_refreshed_once_for_many_clients() {
    let api = Api::start(|asked| match asked.header("authorization") {
        Some("Bearer stored") => Replied::new(401, &[], "old"),
        token => Replied::ok(&format!("{} {}", token.unwrap(), asked.text())),
    });
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    std::thread::scope(|scope| {
        for number in 0..16 {
            let proxy = &proxy;
            scope.spawn(move || {
                let body = format!("body {number}");
                let length = format!("Content-Length: {}", body.len());
                let host = format!("Host: {}", proxy.address);
                let reply = proxy.raw(&format!(
                    "POST {}/x HTTP/1.1\r\n{host}\r\n{length}\r\nConnection: close\r\n\r\n{body}",
                    proxy.key
                ));
                assert_eq!((reply.status, reply.body), (200, format!("Bearer fresh-1 {body}")));
            });
        }
    });
    assert_eq!(api.refreshes(), 1);
}

#[test]
fn token_that_is_always_refused_is_refreshed_once() {
    let api = Api::start(|_| Replied::new(401, &[], "never"));
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    for _ in 0..5 {
        let reply = proxy.get("/x");
        assert_eq!((reply.status, reply.body.as_str()), (401, "never"));
    }
    assert_eq!((api.refreshes(), api.asked().len()), (1, 6));
}

/// A server that refuses each path once, whatever the token.
fn refusing_once() -> Api {
    let refused = Mutex::new(HashSet::new());
    Api::start(move |asked| match refused.lock().unwrap().insert(asked.target.clone()) {
        true => Replied::new(401, &[], "refused"),
        false => Replied::ok(&asked.text()),
    })
}

#[test]
fn token_that_was_accepted_is_refreshed_again() {
    let api = refusing_once();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    for number in 1..=5 {
        let reply = proxy.get(&format!("/{number}"));
        assert_eq!((reply.status, api.refreshes()), (200, number));
    }
    // Within the limit of a minute.
    assert_eq!((proxy.get("/6").status, api.refreshes()), (401, 5));
}

#[test]
fn small_chunked_body_is_sent_again() {
    let api = refusing_once();
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let (key, host) = (&proxy.key, &proxy.address);
    for (number, size) in [0, 5, 200_000, 300_000].into_iter().enumerate() {
        let body = "x".repeat(size);
        let chunk = if size == 0 { String::new() } else { format!("{size:x}\r\n{body}\r\n") };
        let reply = proxy.raw(&format!(
            "POST {key}/{number} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
        ));
        // More than 256 KiB are not kept.
        let expected = if size < 256 * 1024 { (200, body) } else { (401, "refused".to_owned()) };
        assert_eq!((reply.status, reply.body), expected, "{size}");
    }
}

#[test]
fn rules_decide_about_the_normalized_path() {
    let api = Api::echo();
    let home = api.home("/api/v4", "");
    let proxy =
        Proxy::start(&home, &["--allow", "GET /api/v4/projects/**", "--allow", "POST /api/v4/x"]);
    for (method, path, status) in [
        ("GET", "/projects/7", 200),
        ("GET", "/projects/a%2Fb", 200),
        ("GET", "/y/../projects/7", 200),
        ("POST", "/x", 200),
        ("POST", "/projects/7", 403),
        ("DELETE", "/projects/7", 403),
        ("GET", "/users", 403),
        ("GET", "/projects/../users", 403),
        ("GET", "/projects/%2e%2e/users", 403),
        ("GET", "/projects/%2E%2e/users", 403),
        ("GET", "/projects/..%2fusers", 403),
        ("GET", "/projects/..%5cusers", 403),
        ("GET", "/projects/..\\users", 403),
        ("GET", "/projects/..;/users", 403),
        ("GET", "/projects/%252e%252e/users", 403),
        ("GET", "/../projects/7", 403),
        ("GET", "/PROJECTS/7", 403),
    ] {
        assert_eq!(proxy.ask(method, path, &[]).status, status, "{method} {path}");
    }
    for header in [
        "X-HTTP-Method-Override: DELETE",
        "X_HTTP_Method_Override: DELETE",
        "X-Rewrite-URL: /users",
        "X-Method-Override: PUT",
    ] {
        assert_eq!(proxy.ask("POST", "/x", &[header]).status, 403, "{header}");
    }
    assert_eq!(api.asked().len(), 4);
    home.run(["proxy", "-p", "p", "--allow", "GET"]).fails(2);
}

#[test]
fn server_that_is_gone_is_502() {
    let api = Api::start(|_| Replied::raw(""));
    let home = api.home("", "");
    let proxy = Proxy::start(&home, &[]);
    let reply = proxy.ask("POST", "/x", &["Content-Length: 0"]);
    let told: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((reply.status, &told["error"]), (502, &"unavailable".into()));
    assert_eq!(api.asked().len(), 1, "a POST is not sent again");
}

#[test]
fn proxy_without_a_login_does_not_start() {
    let api = Api::echo();
    let home = Home::new();
    api.add(&home, "", "", |_| ());
    home.run(["logout", "p", "--local"]).ok();
    home.run(["proxy", "-p", "p"]).fails(4);
}
