//! The token stays below `api_url`.

use crate::support::{Api, Home, Replied};

#[test]
fn url_elsewhere_gets_no_request() {
    let (api, other) = (Api::echo(), Api::echo());
    let home = api.home("/api", "");
    let port = api.origin.rsplit(':').next().unwrap();
    for url in [
        format!("{}/api/x", other.origin),
        format!("{}/apix", api.origin),
        format!("{}/", api.origin),
        format!("{}/api/../x", api.origin),
        format!("{}/api/%2e%2e/x", api.origin),
        format!("{}/api/..%2fx", api.origin),
        format!("{}/api/..;/x", api.origin),
        format!("http://localhost:{port}/api/x"),
        format!("http://u:p@127.0.0.1:{port}/api/x"),
        format!("https://127.0.0.1:{port}/api/x"),
        "../x".to_owned(),
        "a/../../x".to_owned(),
        "javascript://x".to_owned(),
    ] {
        let refused = home.run(["api", &url]).fails(2);
        assert!(
            refused.stderr.contains("api_url") || refused.stderr.contains("URL"),
            "{refused:?}"
        );
        assert!(!refused.stderr.contains("u:p@"), "{refused:?}");
        // Such a URL may well be below `api_url`.
        let has_user = refused.stderr.contains("contains a user name or a password");
        assert_eq!(has_user, url.contains('@'), "{refused:?}");
    }
    assert_eq!((api.asked().len(), other.asked().len()), (0, 0));
}

#[test]
fn api_url_that_is_missing_is_set_as_told() {
    let api = Api::echo();
    let home = api.home("", "");
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    let without: String =
        config.lines().filter(|l| !l.contains("api_url")).map(|l| format!("{l}\n")).collect();
    home.config(&without);
    let hint = home.run(["api", "x", "--json"]).fails(3).error_json()["hint"].clone();
    let told = hint.as_str().unwrap().split('`').nth(1).unwrap();
    assert_eq!(told, "api_url = [\"https://api.example.com/\"]");
    home.config(&(without + &told.replace("https://api.example.com/", &api.origin)));
    home.run(["api", "x"]).ok();
}

#[test]
fn method_is_named_before_the_url_as_told() {
    let api = Api::echo();
    let home = api.home("", "");
    let url = format!("{}/x", api.origin);
    let refused = home.run(["api", &url, "POST"]).fails(2);
    assert!(refused.stderr.contains("`oauthctl api POST URL`"), "{refused:?}");
    home.run(["api", "POST", &url]).ok();
}

/// `oauthctl token p` is right, but `oauthctl api p x` would send the method `P`.
#[test]
fn profile_in_place_of_the_method_is_not_sent() {
    let api = Api::echo();
    let home = api.home("", "");
    for word in ["p", "propfind"] {
        let refused = home.run(["api", word, "x"]).fails(2).stderr;
        let named =
            format!("error: unknown method `{word}` (expected GET, HEAD, POST, PUT, PATCH, ");
        let hint = format!("hint: to select a profile, use `-p {word}`");
        assert!(refused.starts_with(&named) && refused.contains(&hint), "{refused}");
    }
    assert_eq!(api.asked().len(), 0);
    home.run(["api", "PROPFIND", "x"]).ok();
    home.run(["api", "options", "x"]).ok();
    let refused = home.run(["proxy", "p", "--", "true"]).fails(2).stderr;
    assert!(refused.contains("select the profile with `-p PROFILE`"), "{refused}");
}

#[test]
fn resource_stands_in_for_api_url() {
    let api = Api::echo();
    let home = Home::new();
    api.add(&home, "", "", |_| ());
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&config.replace("api_url", "resource"));
    assert_eq!(home.run(["api", "x"]).ok().stdout, "Bearer stored");
}

#[test]
fn redirect_is_followed_below_api_url_only() {
    let other = Api::echo();
    let elsewhere = format!("location: {}/api/end", other.origin);
    let api = Api::start(move |asked| match &*asked.target {
        "/api/start" => Replied::new(307, &["location: ../api/middle"], ""),
        "/api/middle" => Replied::new(303, &["location: /api/end"], ""),
        "/api/out" => Replied::new(302, &["location: /elsewhere"], "moved"),
        "/api/away" => Replied::new(308, &[elsewhere.as_str()], "moved"),
        "/api/loop" => Replied::new(302, &["location: loop"], ""),
        _ => Replied::ok("end"),
    });
    let home = api.home("/api", "");
    assert_eq!(home.run(["api", "start", "-d", "data"]).ok().stdout, "end");
    let asked = api.asked();
    let told: Vec<_> =
        asked.iter().map(|a| format!("{} {} {}", a.method, a.target, a.text())).collect();
    assert_eq!(told, ["POST /api/start data", "POST /api/middle data", "GET /api/end "]);
    assert!(asked.iter().all(|asked| asked.header("authorization") == Some("Bearer stored")));
    for path in ["out", "away"] {
        let stopped = home.run(["api", path]).ok();
        assert_eq!(stopped.stdout, "moved");
        assert!(stopped.stderr.contains("not following a redirect"), "{stopped:?}");
    }
    assert_eq!(other.asked().len(), 0);
    home.run(["api", "loop"]).fails(9);
}

#[test]
fn headers_of_the_program_cannot_be_set() {
    let api = Api::echo();
    let home = api.home("", "");
    for header in [
        "Authorization: x",
        "host: evil.example",
        "DPoP: x",
        "Connection: x",
        "no colon",
        "a b: c",
        "X: a\r\nY: b",
        "Content-Length: 3",
        "Transfer-Encoding: chunked",
    ] {
        home.run(["api", "x", "-H", header]).fails(2);
    }
    for method in ["G/T", "CONNECT", "a b", "TRACE"] {
        home.run(["api", method, "x"]).fails(2);
    }
    assert_eq!(api.asked().len(), 0);
}

#[test]
fn preset_gives_no_api_url_to_another_server() {
    let home = Home::new();
    let shown = |more: &str| {
        home.config(&format!("[profiles.g]\nprovider = \"gitlab\"\nclient_id = \"c\"\n{more}"));
        home.run(["profile", "show", "g", "--json"]).ok().json()["api_url"].clone()
    };
    assert_eq!(shown("")[0], "https://gitlab.com/api/v4/");
    assert!(shown("root_url = \"https://git.example/oauth/\"").is_null());
}
