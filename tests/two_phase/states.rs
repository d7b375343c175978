//! Responses that must not be completed: exit code 7, and nothing is redeemed.

use std::fs;

use crate::scene::{REDIRECT, Scene, complete, profile};
use crate::support::Home;

#[test]
fn forged_altered_or_truncated_state_is_refused() {
    let scene = Scene::new("honest");
    let (begun, callback) = scene.come_back(&["--user", "alice"]);
    let state = begun["state"].as_str().unwrap();
    let (head, signature) = state.rsplit_once('.').unwrap();
    let none = "eyJhbGciOiJub25lIn0";
    let payload = head.split_once('.').unwrap().1;
    let mut bad = vec![
        String::new(),
        "x".to_owned(),
        state.to_ascii_lowercase(),
        state[..state.len() - 1].to_owned(),
        format!("{state}A"),
        format!("{state}."),
        format!("{none}.{payload}."),
        format!("{none}.{payload}.{signature}"),
        format!("{head}.{}", signature.chars().rev().collect::<String>()),
        "A".repeat(9_000),
    ];
    for at in (0..state.len()).step_by(state.len() / 12) {
        let other = if state.as_bytes()[at] == b'A' { "B" } else { "A" };
        bad.push(format!("{}{other}{}", &state[..at], &state[at + 1..]));
    }
    let mut said = std::collections::BTreeSet::new();
    for state_now in bad {
        let output = scene.refuses(&callback.replace(state, &state_now), &[]);
        if !state_now.is_empty() && state_now.len() < 9_000 {
            said.insert(output.stderr);
        }
    }
    assert_eq!(said.len(), 1, "all read the same: {said:?}");
    scene.complete(&callback, &[]).ok();
}

#[test]
fn misdirected_or_malformed_response_is_refused() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let query = callback.split_once('?').unwrap().1.to_owned();
    let code = query.split('&').find(|p| p.starts_with("code=")).unwrap();
    for url in [
        format!("http://127.0.0.1:4712/callback?{query}"),
        format!("https://127.0.0.1:4711/callback?{query}"),
        format!("http://localhost:4711/callback?{query}"),
        format!("http://127.0.0.1:4711/callback/?{query}"),
        format!("http://127.0.0.1:4711/other?{query}"),
        format!("http://x@127.0.0.1:4711/callback?{query}"),
        query.clone(),
        format!("?{query}"),
        format!("{callback}&{code}"),
        format!("{callback}&state=x"),
        format!("{callback}&error=access_denied"),
        callback.replace(code, "code="),
        callback.replace(code, ""),
        callback.replace("iss=", "iss=x"),
        callback.replace("iss=", "i="),
        callback.replace("code=", "code=%ff"),
        callback.replace("state=", "state=%00"),
        format!("{callback}&x={}", "y".repeat(70_000)),
        String::new(),
    ] {
        scene.refuses(&url, &[]);
    }
    scene.complete(&format!("{callback}&user_ref=mallory&user=mallory"), &[]).ok();
}

#[test]
fn used_expired_or_unknown_state_reads_the_same() {
    let scene = Scene::new("honest");
    let (_, used) = scene.come_back(&[]);
    scene.complete(&used, &[]).ok();
    let (_, expired) = scene.come_back(&["--ttl", "1s"]);
    let now = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let started = now();
    while now() < started + 2 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let (_, unknown) = scene.come_back(&[]);
    fs::remove_dir_all(scene.home.state_dir().join("pending")).unwrap();
    let said: Vec<String> =
        [used, expired, unknown].iter().map(|url| scene.refuses(url, &[]).stderr).collect();
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
}

#[test]
fn state_of_another_profile_or_server_is_refused() {
    let scene = Scene::new("honest");
    let home = &scene.home;
    profile(home, &scene.server, "q", "tag.other", "");
    let (_, callback) = scene.come_back(&[]);
    scene.refuses(&callback, &["--profile", "q"]);
    let honest = scene.server.issuer("honest");
    let other = scene.server.issuer("tag.other");
    let scopes = format!("scopes = [\"api\"]\nredirect_uri = {REDIRECT:?}\n");
    for text in [
        format!("[profiles.p]\nissuer = {other:?}\nclient_id = \"cli\"\n{scopes}"),
        format!("[profiles.p]\nissuer = {honest:?}\nclient_id = \"cli-dpop\"\n{scopes}"),
        format!(
            "[profiles.p]\nissuer = {honest:?}\nclient_id = \"cli\"\nauthorization_endpoint = \"{other}/authorize\"\n{scopes}"
        ),
        format!(
            "[profiles.p]\nissuer = {honest:?}\nclient_id = \"cli\"\ntoken_endpoint = \"{other}/token\"\n{scopes}"
        ),
        format!(
            "[profiles.p]\nissuer = {honest:?}\nclient_id = \"cli\"\nclient_secret = \"s\"\n{scopes}"
        ),
    ] {
        home.config(&text);
        scene.refuses(&callback, &[]);
        assert_eq!(scene.server.requests("tag.other", "token").len(), 0);
    }
    // Without its profile, it belongs to no one.
    home.config("");
    scene.complete(&callback, &[]).fails(3);
    profile(home, &scene.server, "p", "honest", "");
    scene.complete(&callback, &[]).ok();
}

#[test]
fn state_of_another_machine_or_key_is_refused() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let other = Home::new();
    profile(&other, &scene.server, "p", "honest", "");
    complete(&other, &callback, &[]).fails(7);
    assert!(!other.path("config/oauthctl/state.key").exists(), "no key is made to look");
    other.run(["start", "p"]).ok();
    complete(&other, &callback, &[]).fails(7);
    // With the records, but not the key; and with the key, but not the records.
    for (from, to) in [("state/pending", "state/pending"), ("config/oauthctl", "config/oauthctl")] {
        let third = Home::new();
        profile(&third, &scene.server, "p", "honest", "");
        copy(&scene.home.path(from), &third.path(to));
        complete(&third, &callback, &[]).fails(7);
    }
    assert_eq!(scene.redemptions(), 0);
    scene.complete(&callback, &[]).ok();
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    let done = std::process::Command::new("cp").arg("-rT").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

#[test]
fn state_keys_of_the_variable_open_older_states() {
    let mut scene = Scene::new("honest");
    let (first, second) = ("A".repeat(43), format!("{}E", "B".repeat(42)));
    scene.home.set("OAUTHCTL_STATE_KEY", &first);
    let (_, one) = scene.come_back(&[]);
    let (_, two) = scene.come_back(&[]);
    assert!(!scene.home.path("config/oauthctl/state.key").exists());
    scene.home.set("OAUTHCTL_STATE_KEY", &second);
    scene.refuses(&one, &[]);
    scene.home.set("OAUTHCTL_STATE_KEY", format!("{second},{first}"));
    scene.complete(&one, &[]).ok();
    // It is changed where it comes from.
    let output = scene.home.run(["pending", "rotate-key"]).fails(2);
    assert!(output.stderr.contains("OAUTHCTL_STATE_KEY"), "{}", output.stderr);
    assert!(!scene.home.path("config/oauthctl/state.key").exists());
    scene.home.unset("OAUTHCTL_STATE_KEY");
    scene.refuses(&two, &[]);
    for bad in ["x", &"A".repeat(42), &format!("{first},x")] {
        scene.home.set("OAUTHCTL_STATE_KEY", bad);
        let output = scene.home.run(["start", "p"]).fails(3);
        assert!(output.stderr.contains("OAUTHCTL_STATE_KEY") && !output.stderr.contains(&first));
    }
}

#[test]
fn damaged_or_unwritable_store_redeems_nothing() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&[]);
    let pending = scene.home.state_dir().join("pending");
    let flow = scene.home.files().into_iter().find(|p| p.extension().is_some_and(|e| e == "flow"));
    let flow = flow.unwrap();
    let good = fs::read_to_string(&flow).unwrap();
    for text in ["", "{", "[]"] {
        fs::write(&flow, text).unwrap();
        scene.complete(&callback, &[]).fails(10);
    }
    // A record with another content is not one of ours.
    let at = good.find("\"sealed\":\"").unwrap() + 30;
    fs::write(
        &flow,
        format!(
            "{}{}{}",
            &good[..at],
            if good.as_bytes()[at] == b'A' { 'B' } else { 'A' },
            &good[at + 1..]
        ),
    )
    .unwrap();
    scene.refuses(&callback, &[]);
    fs::write(&flow, &good).unwrap();
    // The token store is checked before the flow is claimed.
    let tokens = scene.home.path("data/oauthctl/tokens");
    fs::create_dir_all(tokens.parent().unwrap()).unwrap();
    fs::write(&tokens, "in the way").unwrap();
    scene.complete(&callback, &[]).fails(10);
    assert_eq!(scene.redemptions(), 0);
    fs::remove_file(&tokens).unwrap();
    scene.complete(&callback, &[]).ok();
    let key = scene.home.path("config/oauthctl/state.key");
    fs::write(&key, "{}").unwrap();
    scene.home.run(["start", "p"]).fails(10);
    assert_eq!(fs::read_to_string(&key).unwrap(), "{}");
    fs::remove_dir_all(&pending).unwrap();
    fs::write(&pending, "in the way").unwrap();
    fs::remove_file(&key).unwrap();
    scene.home.run(["start", "p"]).fails(10);
}
