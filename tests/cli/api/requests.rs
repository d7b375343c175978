//! What is sent, and what is printed.

use serde_json::json;

use crate::support::{Api, Replied, assert_not_shown, mode};

#[test]
fn path_is_below_the_first_api_url() {
    let api = Api::echo();
    let home = api.home("/api/v4/", "");
    for path in ["user?a=b", "/user?a=b", "/api/v4/user?a=b"] {
        assert_eq!(home.run(["api", path]).ok().stdout, "Bearer stored");
    }
    home.run(["api", &format!("{}/api/v4/user?a=b", api.origin)]).ok();
    let asked = api.asked();
    assert_eq!(asked.len(), 4);
    for asked in asked {
        assert_eq!((&*asked.method, &*asked.target), ("GET", "/api/v4/user?a=b"));
        assert_eq!(asked.header("accept"), Some("*/*"));
        assert!(asked.header("user-agent").unwrap().starts_with("oauthctl/"));
        assert_eq!((asked.header("content-type"), asked.text().as_str()), (None, ""));
    }
    assert_eq!(api.refreshes(), 0);
}

#[test]
fn data_make_a_post_of_json() {
    let api = Api::echo();
    let home = api.home("", "");
    let file = home.path("home/data");
    home.write(&file, "from a file");
    home.run(["api", "a", "-d", "{\"x\": 1}"]).ok();
    home.run(["api", "a", "-d", "@data", "-H", "Content-Type: text/plain"]).ok();
    home.run_with(["api", "a", "-d", "-"], "from stdin").ok();
    home.run(["api", "a", "-f", "title=a=b", "-f", "n=1", "-H", "X-One:  two "]).ok();
    home.run(["api", "put", "a", "-d", "-1"]).ok();
    let asked = api.asked();
    let sent: Vec<_> = asked
        .iter()
        .map(|asked| (&*asked.method, asked.header("content-type").unwrap(), asked.text()))
        .collect();
    assert_eq!(sent[0], ("POST", "application/json", "{\"x\": 1}".to_owned()));
    assert_eq!(sent[1], ("POST", "text/plain", "from a file".to_owned()));
    assert_eq!(sent[2], ("POST", "application/json", "from stdin".to_owned()));
    assert_eq!(sent[3].2, json!({"title": "a=b", "n": "1"}).to_string());
    assert_eq!(asked[3].header("x-one"), Some("two"));
    assert_eq!((sent[4].0, &*sent[4].2), ("PUT", "-1"));
    assert!(asked.iter().all(|asked| asked.header("content-length").is_some()));
}

#[test]
fn fields_of_a_get_are_its_query() {
    let api = Api::echo();
    api.home("", "").run(["api", "GET", "a?x=1", "-f", "q=a b&c", "-f", "n="]).ok();
    let asked = &api.asked()[0];
    assert_eq!((&*asked.target, asked.text().as_str()), ("/a?x=1&q=a+b%26c&n=", ""));
}

#[test]
fn include_prints_status_and_headers() {
    let api = Api::start(|_| Replied::new(201, &["x-id: 7"], "made"));
    let printed = api.home("", "").run(["api", "-i", "DELETE", "a"]).ok().stdout;
    let (head, body) = printed.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 201 Created\r\n") && head.contains("\r\nx-id: 7"), "{head}");
    assert_eq!(body, "made");
}

#[test]
fn output_file_is_private_and_gets_success_only() {
    let api = Api::start(|asked| match &*asked.target {
        "/good" => Replied::ok("content"),
        _ => Replied::new(404, &[], "no such thing"),
    });
    let home = api.home("", "");
    let file = home.path("home/out");
    let run = |path: &str| home.run(["api", path, "-o", "out"]);
    assert_eq!(run("good").ok().stdout, "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "content");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(run("bad").code(8).stdout, "no such thing");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "content");
    home.run(["api", "good", "-o", "/no/such/folder/out"]).fails(2);
    assert_eq!(api.asked().len(), 2, "the file is tried first");
}

#[test]
fn large_body_arrives_byte_for_byte() {
    let body: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_be_bytes).collect();
    let sent = body.clone();
    let api = Api::start(move |_| Replied::new(200, &[], sent.clone()));
    let home = api.home("", "");
    home.run(["api", "a", "-o", "out"]).ok();
    assert!(std::fs::read(home.path("home/out")).unwrap() == body);
    home.run(["api", "a", "-d", "@out", "-o", "/dev/null"]).ok();
    assert!(api.asked()[1].body == body);
}

#[test]
fn trace_shows_the_request_without_secrets() {
    let api = Api::start(|_| Replied::new(200, &["set-cookie: s=CANARY-cookie"], "CANARY-body"));
    let home = api.home("", "");
    let words =
        ["api", "a?q=CANARY-query", "--trace", "-H", "X-Key: CANARY-key", "-d", "CANARY-data"];
    let traced = home.run(words).ok();
    assert!(traced.stderr.contains(&format!("POST {}/a  (API request)", api.origin)), "{traced:?}");
    assert!(traced.stderr.contains("<- 200 OK"), "{traced:?}");
    assert_not_shown(&traced.stderr, ["CANARY-", "stored"]);
}

/// The URL of a path's query does not make it a URL of its own.
#[test]
fn url_in_the_query_of_a_path_is_sent() {
    let api = Api::echo();
    let home = api.home("/api", "");
    for path in ["import?url=https://other.test/x", "/api/import?url=https://other.test/x"] {
        home.run(["api", path]).ok();
    }
    let asked = api.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|asked| asked.target == "/api/import?url=https://other.test/x"));
}

/// A script may look whether the file is there.
#[test]
fn output_file_of_a_failed_request_is_not_created() {
    let api = Api::start(|asked| match &*asked.target {
        "/cut" => Replied::raw(""),
        "/empty" => Replied::ok(""),
        _ => Replied::new(404, &[], "no such thing"),
    });
    let home = api.home("", "");
    home.run(["api", "bad", "-o", "out"]).code(8);
    home.run(["api", "cut", "-o", "out"]).fails(9);
    assert!(!home.path("home/out").exists());
    home.run(["api", "empty", "-o", "out"]).ok();
    assert_eq!(std::fs::read(home.path("home/out")).unwrap(), b"");
    home.run(["api", "bad", "-o", "out"]).code(8);
    assert!(home.path("home/out").exists(), "it was there before");
}

#[test]
fn output_file_of_another_program_is_kept() {
    let other = std::sync::Arc::new(std::sync::OnceLock::<std::path::PathBuf>::new());
    let path = other.clone();
    let api = Api::start(move |asked| {
        // Another program writes the file while this one waits.
        let path = path.get().unwrap();
        let replaced = asked.target == "/replaced";
        let written = if replaced { path.with_extension("new") } else { path.clone() };
        std::fs::write(&written, "theirs").unwrap();
        std::fs::rename(written, path).unwrap();
        Replied::new(404, &[], "no such thing")
    });
    let home = api.home("", "");
    let path = other.get_or_init(|| home.path("home/out"));
    for target in ["replaced", "written"] {
        home.run(["api", target, "-o", "out"]).code(8);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "theirs");
        std::fs::remove_file(path).unwrap();
    }
}

/// As with curl.
#[test]
fn hyphen_as_output_file_is_standard_output() {
    let api = Api::echo();
    let home = api.home("", "");
    assert_eq!(home.run(["api", "x", "-o", "-"]).ok().stdout, "Bearer stored");
    assert!(!home.path("home/-").exists());
}

/// Only one of them could be sent.
#[test]
fn field_of_json_with_two_values_is_refused() {
    let api = Api::echo();
    let home = api.home("", "");
    let refused = home.run(["api", "x", "-f", "a=1", "-f", "b=2", "-f", "a=3"]).fails(2).stderr;
    assert!(refused.starts_with("error: the field `a` has two values\nhint: "), "{refused}");
    assert_eq!(api.asked().len(), 0);
    home.run(["api", "GET", "x", "-f", "a=1", "-f", "a=3"]).ok();
    assert_eq!(api.asked()[0].target, "/x?a=1&a=3");
}
