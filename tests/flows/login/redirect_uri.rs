//! Redirect URIs: hosts, paths, ports and lists.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::json;

use super::profile_at;
use crate::support::*;
use crate::user::*;

#[test]
fn redirect_uri_is_the_same_in_both_requests() {
    let has_v6 = TcpListener::bind("[::1]:0").is_ok();
    // Client, redirect URI, what the browser is sent back to.
    let rows = [
        ("cli", "http://127.0.0.1/callback", "http://127.0.0.1:"),
        ("cli-localhost", "http://localhost/callback", "http://localhost:"),
        ("cli-ipv6", "http://[::1]/callback", "http://[::1]:"),
    ];
    let mut home = Home::new();
    for (client, uri, start) in rows {
        if uri.contains("[::1]") && !has_v6 {
            continue;
        }
        profile_at(&home, provider(), client, &format!("redirect_uri = {uri:?}\n"));
        let browser = home.browser(&json!({ "mode": "honest" }));
        home.run(["login", "p"]).ok();
        let asked = parameters(&browser.openings()[0].url)["redirect_uri"].clone();
        assert!(asked.starts_with(start) && asked.ends_with("/callback"), "{asked}");
        let path = url::Url::parse(&browser.await_visit().callback.unwrap()).unwrap();
        assert_eq!(&path[..url::Position::AfterPath], asked);
    }
}

/// The hostile server compares both requests' redirect URIs byte for byte.
#[test]
fn paths_ports_and_lists_are_kept_to() {
    let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let taken = held.local_addr().unwrap().port();
    let mut home = Home::new();
    let (one, two, three) = (free_port(), free_port(), free_port());
    let list = format!("[\"http://127.0.0.1:{taken}/cb\", \"http://127.0.0.1:{two}/cb\"]");
    let three_flag = three.to_string();
    let rows: [(String, Vec<&str>, String); 4] = [
        ("\"http://127.0.0.1/a/b/c\"".to_owned(), vec![], "/a/b/c".to_owned()),
        (format!("\"http://127.0.0.1:{one}/\""), vec![], format!("http://127.0.0.1:{one}/")),
        (list, vec![], format!("http://127.0.0.1:{two}/cb")),
        (
            "\"http://127.0.0.1/callback\"".to_owned(),
            vec!["--port", &three_flag],
            format!("http://127.0.0.1:{three}/callback"),
        ),
    ];
    for (uri, flags, end) in &rows {
        profile(&home, "tag.ports", &format!("redirect_uri = {uri}\n"));
        let browser = home.browser(&json!({ "mode": "honest" }));
        home.run([&["login", "p"], flags.as_slice()].concat()).ok();
        let asked = parameters(&browser.openings()[0].url)["redirect_uri"].clone();
        assert!(asked.ends_with(end), "{asked}");
    }
    // A fixed port that is in use is an error, and no other port is tried.
    profile(&home, "tag.ports", &format!("redirect_uri = \"http://127.0.0.1:{taken}/cb\"\n"));
    let browser = home.browser(&json!({ "mode": "honest" }));
    let output = home.run(["login", "p"]);
    assert!(output.status != 0 && output.stderr.contains(&taken.to_string()), "{output:?}");
    assert!(browser.openings().is_empty());
}
