//! Values that are stored as long as the grant, or shorter.

use serde_json::json;

use crate::scene::Scene;
use crate::support::{Running, assert_no_secret};

fn attributes(scene: &Scene) -> serde_json::Value {
    scene.home.run(["token", "-p", "p", "--json"]).ok().json()["attributes"].clone()
}

#[test]
fn attributes_survive_refreshes_and_are_shown() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&["--attr", "tenant=acme-and-more"]);
    scene.complete(&callback, &[]).ok();
    let home = &scene.home;
    assert_eq!(attributes(&scene), json!({ "tenant": "acme-and-more" }));
    home.run(["attr", "set", "-p", "p", "plan", "-v \u{1F980}\n\"'"]).ok();
    home.run(["attr", "set", "-p", "p", "gone", "x", "--ttl", "1h"]).ok();
    home.run(["attr", "unset", "-p", "p", "gone"]).ok();
    home.run(["attr", "unset", "-p", "p", "gone"]).ok();
    let refreshed = home.run(["token", "-p", "p", "--force-refresh", "--json"]).ok().json();
    assert_eq!(refreshed["grant_id"], begun["grant_id"]);
    let expected = json!({ "plan": "-v \u{1F980}\n\"'", "tenant": "acme-and-more" });
    assert_eq!(refreshed["attributes"], expected);
    assert_eq!(home.run(["attr", "list", "-p", "p", "--json"]).ok().json(), expected);
    assert_eq!(home.run(["status", "--json"]).ok().json()[0]["attributes"], expected);
    assert_eq!(home.run(["attr", "get", "-p", "p", "tenant"]).ok().line(), "acme-and-more");
    let one = home.run(["attr", "get", "-p", "p", "tenant", "--json"]).ok().json();
    assert_eq!(one, json!({ "name": "tenant", "value": "acme-and-more", "expires_at": null }));
    assert_no_secret(home, ["acme-and-more"]);
    home.run(["attr", "get", "-p", "p", "gone"]).fails(3);
}

#[test]
fn expired_attribute_is_removed() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    scene.home.run(["attr", "set", "-p", "p", "short", "x", "--ttl", "1s"]).ok();
    scene.home.run(["attr", "set", "-p", "p", "long", "y", "--ttl", "1d"]).ok();
    let list = scene.home.run(["attr", "list", "-p", "p"]).ok().stdout;
    let long = list.lines().find(|line| line.starts_with("long=")).unwrap();
    assert!(long.starts_with("long=y  (until 20") && long.ends_with("Z)"), "{list}");
    let one = scene.home.run(["attr", "get", "-p", "p", "long", "--json"]).ok().json();
    assert_eq!((&one["name"], &one["value"]), (&json!("long"), &json!("y")));
    assert!(long.contains(&format!("(until {})", one["expires_at"].as_str().unwrap())), "{one}");
    crate::support::await_some("the end of its time", || {
        (attributes(&scene) == json!({ "long": "y" })).then_some(())
    });
    scene.home.run(["attr", "get", "-p", "p", "short"]).fails(3);
}

#[test]
fn list_has_what_there_is_and_nothing_else() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let scene = Scene::new("honest");
    let home = &scene.home;
    let list = ["attr", "list", "-p", "p"];
    for account in [&["--account", "nobody"][..], &["--account", "", "--json"], &["--json"]] {
        let output = home.run([&list[..], account].concat()).fails(4);
        assert!(output.stderr.contains("oauthctl login p"), "{}", output.stderr);
    }
    let raw = OsStr::from_bytes(b"x\xff");
    home.run(list.map(OsStr::new).into_iter().chain([OsStr::new("--account"), raw])).fails(2);

    // With a grant and no attributes: an empty list, which is no failure.
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let none = home.run(list).ok();
    assert_eq!((&*none.stdout, &*none.stderr), ("", ""));
    assert_eq!(home.run([&list[..], &["--json"]].concat()).ok().json(), json!({}));

    // By name, each on a line; what is no text is JSON, and what has an end says so.
    let values =
        json!({ "attributes": { "z": { "a": [1, null] }, "b": "x\ny=\u{1b}[1m", "n": 7 } });
    let hook = home.path("hook.json");
    home.write(&hook, &values.to_string());
    let before = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{before}\n[profiles.p.hooks]\npre_token = [\"cat\", {hook:?}]\n"));
    home.run(["token", "-p", "p", "--force-refresh"]).ok();
    home.config(&before);
    home.run(["attr", "set", "-p", "p", "m", "", "--ttl", "1h"]).ok();
    home.run(["attr", "set", "-p", "p", "gone", "x", "--ttl", "1s"]).ok();
    crate::support::await_some("the end of its time", || {
        attributes(&scene).get("gone").is_none().then_some(())
    });
    let listed = home.run(list).ok().stdout;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    assert_eq!(lines[0], "b=x y= [1m");
    assert!(lines[1].starts_with("m=  (until 20") && lines[1].ends_with("Z)"), "{listed}");
    assert_eq!(lines[2..], ["n=7", "z={\"a\":[1,null]}"]);
    let json = home.run([&list[..], &["--json"]].concat()).ok().json();
    let mut expected = values["attributes"].clone();
    expected["m"] = json!("");
    assert_eq!(json, expected);
    home.run(["logout", "p"]).ok();
    home.run(list).fails(4);
}

#[test]
fn changes_at_once_are_all_kept() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let mut all: Vec<Running> = (0..12)
        .map(|n| scene.home.spawn(["attr", "set", "-p", "p", &format!("k{n}"), &n.to_string()]))
        .collect();
    all.extend((0..4).map(|_| scene.home.spawn(["token", "-p", "p", "--force-refresh"])));
    for running in all {
        running.wait().ok();
    }
    assert_eq!(attributes(&scene).as_object().unwrap().len(), 12);
}

#[test]
fn attribute_over_a_limit_changes_nothing() {
    let scene = Scene::new("honest");
    scene.home.run(["attr", "set", "-p", "p", "k", "v"]).fails(4);
    scene.home.run(["attr", "list", "-p", "p"]).fails(4);
    scene.home.run(["attr", "list", "-p", "nobody"]).fails(3);
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    scene.complete(&callback, &[]).ok();
    let (long, large) = ("n".repeat(257), "v".repeat(40_000));
    for args in [["", "v"], [&long, "v"], ["k", &large]] {
        scene.home.run(["attr", "set", "-p", "p"].iter().chain(&args)).fails(2);
    }
    scene.home.run(["attr", "set", "-p", "p", "k", "v", "--ttl", "0"]).fails(2);
    assert_eq!(attributes(&scene), json!({ "a": "1" }));
}

#[test]
fn attributes_include_callback_and_response_values() {
    let scene = Scene::with("honest", "keep_from_callback = [\"realmId\"]\n");
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    let done = scene.complete(&format!("{callback}&realmId=4711"), &[]).ok().json();
    assert_eq!(done["attributes"], json!({ "a": "1", "realmId": "4711" }));
    scene.home.run(["token", "-p", "p", "--force-refresh"]).ok();
    assert_eq!(attributes(&scene), json!({ "a": "1", "realmId": "4711" }));
    assert_eq!(scene.home.run(["attr", "get", "-p", "p", "realmId"]).ok().line(), "4711");
}

/// The login is good; only the value is not, and that is said.
#[test]
fn unusable_callback_value_is_dropped_with_a_warning() {
    let scene = Scene::with("honest", "keep_from_callback = [\"realmId\"]\n");
    for odd in ["realmId=a%0d%0ab", "realmId=%FC", "realmId=1&realmId=2"] {
        let (_, callback) = scene.come_back(&[]);
        let output = scene.complete(&format!("{callback}&{odd}"), &[]).ok();
        assert_eq!(output.json()["attributes"], json!({}), "{odd}");
        assert!(output.stderr.contains("`realmId` of the callback was not stored"), "{odd}");
    }
}

#[test]
fn any_text_is_stored_and_other_types_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    let home = &scene.home;
    let values = [
        "",
        " ",
        "-x",
        "--json",
        "a\tb\r\nc",
        "\u{1b}[31m\u{202e}",
        "\u{1F980}",
        "{\"a\":1}",
        "=",
        "null",
    ];
    for (n, value) in values.iter().enumerate() {
        let name = format!("n{n}=\u{1b}\u{e9}");
        home.run(["attr", "set", "-p", "p", &name, "--", value]).ok();
        assert_eq!(home.run(["attr", "get", "-p", "p", &name]).ok().stdout, format!("{value}\n"));
        assert_eq!(attributes(&scene)[&name], **value);
    }
    let list = home.run(["attr", "list", "-p", "p"]).ok().stdout;
    assert_eq!(list.lines().count(), values.len());
    assert!(!list.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{list:?}");
    let before = attributes(&scene);
    let raw = OsStr::from_bytes(b"x\xff");
    for args in [[OsStr::new("k"), raw], [raw, OsStr::new("v")]] {
        let command = ["attr", "set", "-p", "p"].map(OsStr::new);
        home.run(command.iter().copied().chain(args)).fails(2);
    }
    let started = ["start", "p", "--attr"].map(OsStr::new);
    home.run(started.iter().copied().chain([OsStr::from_bytes(b"a=\xff")])).fails(2);
    let user = ["start", "p", "--user"].map(OsStr::new);
    home.run(user.iter().copied().chain([raw])).fails(2);
    assert_eq!(attributes(&scene), before);
}

#[test]
fn invalid_lifetime_is_a_usage_error() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
    for ttl in ["0", "0s", "-1", "1.5h", "x", "", "99999999999999999999d", "184467440737095516160"]
    {
        let output = scene.home.run(["attr", "set", "-p", "p", "k", "v", &format!("--ttl={ttl}")]);
        output.fails(2);
    }
    assert!(attributes(&scene).is_null(), "none were kept");
    // The longest that can be said ends some day, or never: it is not over at once.
    for ttl in ["213503982334601d", "18446744073709551615", "9223372036854775807s", "3650000d"] {
        let output = scene.home.run(["attr", "set", "-p", "p", "k", ttl, "--ttl", ttl]);
        if output.status == 0 {
            assert_eq!(attributes(&scene), json!({ "k": ttl }));
            scene.home.run(["attr", "get", "-p", "p", "k", "--json"]).ok();
        } else {
            output.fails(2);
        }
    }
}

#[test]
fn there_is_room_for_many_and_then_no_more() {
    let scene = Scene::new("honest");
    let given: Vec<String> =
        (0..200).map(|n| format!("key-{n}=a value of some length, number {n}")).collect();
    let args: Vec<&str> = given.iter().flat_map(|pair| ["--attr", pair.as_str()]).collect();
    let (_, callback) = scene.come_back(&args);
    scene.complete(&callback, &[]).ok();
    assert_eq!(attributes(&scene).as_object().unwrap().len(), 200);
    let home = &scene.home;
    let large = "x".repeat(15_000);
    home.run(["attr", "set", "-p", "p", "large", &large]).ok();
    let full = home.run(["attr", "set", "-p", "p", "larger", &large]).fails(2);
    assert!(full.stderr.contains("attr unset"), "{}", full.stderr);
    let mut all: Vec<Running> =
        (0..8).map(|n| home.spawn(["attr", "unset", "-p", "p", &format!("key-{n}")])).collect();
    all.extend((0..8).map(|n| home.spawn(["attr", "set", "-p", "p", &format!("new-{n}"), "v"])));
    for running in all {
        running.wait().ok();
    }
    assert_eq!(attributes(&scene).as_object().unwrap().len(), 201);
    home.run(["attr", "unset", "-p", "p", "large"]).ok();
    home.run(["attr", "set", "-p", "p", "larger", &large]).ok();
    home.run(["token", "-p", "p", "--force-refresh"]).ok();
}

#[test]
fn attribute_of_the_server_cannot_be_unset() {
    let scene = Scene::with("honest", "keep_from_callback = [\"realmId\"]\n");
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&format!("{callback}&realmId=4711"), &[]).ok();
    let output = scene.home.run(["attr", "unset", "-p", "p", "realmId"]).ok();
    assert!(
        output.stderr.contains("was set by the server and cannot be removed"),
        "{}",
        output.stderr
    );
    assert_eq!(attributes(&scene), json!({ "realmId": "4711" }));
    // An attribute that the user set takes precedence until it is removed.
    scene.home.run(["attr", "set", "-p", "p", "realmId", "mine"]).ok();
    assert_eq!(attributes(&scene), json!({ "realmId": "mine" }));
    scene.home.run(["attr", "unset", "-p", "p", "realmId"]).ok();
    assert_eq!(attributes(&scene), json!({ "realmId": "4711" }));
}
