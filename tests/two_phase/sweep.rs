//! Killed, or refused a system call, at every file operation: a code is sent at most once, and a flow is
//! either still usable or clearly used.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use crate::scene::{Scene, visit};
use crate::support::{Call, Home, Output, assert_no_secret, calls, killed_at, refused};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// The calls of a run that touch what is kept, send, or print: one of each place in the program, as far as the paths
/// tell them apart.
fn points(home: &Home, args: &[&str]) -> Vec<Call> {
    let root = home.root().to_str().unwrap();
    let kept = ["state", "data", "config"].map(|below| format!("{root}/{below}"));
    let mut seen = BTreeSet::new();
    let all = calls(home, args).into_iter().filter(|call| {
        let is_kept = kept.iter().any(|path| call.line.contains(path));
        (is_kept && !call.line.contains("config.toml"))
            || call.name == "connect"
            || call.line.starts_with("write(1<")
    });
    all.filter(|call| seen.insert(site(&call.line))).collect()
}

/// A call without what differs between two runs: numbers, and names made of hex digits.
fn site(line: &str) -> String {
    let call = line.split(" = ").next().unwrap_or_default();
    let words = call.split(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c)));
    let is_name = |word: &&str| !word.bytes().all(|b| b.is_ascii_hexdigit());
    words.filter(is_name).collect::<Vec<_>>().join(" ")
}

/// The points of a run as it is the first time, when directories are made, and of a later one. The first are those that
/// come before anything is marked.
fn first_and_later(home: &Home, mut command: impl FnMut() -> Vec<String>) -> Vec<(Call, bool)> {
    let mut points_of_next = |anew| {
        forget(home, anew);
        let command = command();
        points(home, &command.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (first, later) = (points_of_next(true), points_of_next(false));
    let sites: BTreeSet<String> = later.iter().map(|call| site(&call.line)).collect();
    let only_first = first.into_iter().filter(|call| !sites.contains(&site(&call.line)));
    only_first.map(|call| (call, true)).chain(later.into_iter().map(|call| (call, false))).collect()
}

fn forget(home: &Home, anew: bool) {
    if anew {
        let _ = std::fs::remove_dir_all(home.path("state/pending.used"));
    }
}

/// Every flow in turn is killed at one of the calls, and then tried again.
fn sweep(scene: &Scene, start: &[&str], more: &[&str]) {
    let (_, first) = scene.come_back(start);
    scene.complete(&first, &[]).ok();
    let points = first_and_later(&scene.home, || {
        let (_, callback) = scene.come_back(start);
        ["complete", &callback].iter().chain(more).map(|word| (*word).to_owned()).collect()
    });
    let (mut died, mut usable) = (0, 0);
    for (point, anew) in &points {
        forget(&scene.home, *anew);
        let (begun, callback) = scene.come_back(start);
        let before = scene.redemptions();
        let command = [&["complete", &callback], more].concat();
        let killed = killed_at(&scene.home, &command, point);
        died += usize::from(killed.is_some());
        let sent = scene.redemptions() - before;
        let again = scene.complete(&callback, &[]);
        match again.status {
            0 => {
                usable += 1;
                assert_eq!(sent, 0, "sent twice: {point:?}");
                assert_eq!(again.json()["grant_id"], begun["grant_id"]);
            }
            7 => assert!(again.stderr.contains("already used"), "{}", again.stderr),
            other => panic!("{other} after {point:?}: {}", again.stderr),
        }
        scene.complete(&callback, &[]).fails(7);
        assert!(scene.redemptions() - before <= 1, "sent twice: {point:?}");
        // The old record or the new one, whole; and what was printed was kept.
        let token = scene.home.run(["token", "-p", "p"]).ok();
        let printed = killed.map(|output| output.stdout).filter(|text| !text.is_empty());
        if let Some(shown) = printed.and_then(|text| serde_json::from_str::<Value>(&text).ok()) {
            assert_eq!(shown["access_token"], token.line());
        }
    }
    assert!(died * 10 >= points.len() * 9, "only {died} of {} died", points.len());
    assert!(usable > 3 && usable < points.len(), "{usable} of {}", points.len());
    assert_eq!(scene.home.run(["pending", "list", "--json"]).ok().json(), serde_json::json!([]));
    assert_no_secret(&scene.home, scene.server.secrets_minted());
    scene.home.assert_private();
}

#[test]
fn completion_killed_at_any_call_loses_nothing() {
    sweep(&Scene::new("honest"), &[], &["--show-token"]);
}

#[test]
fn sealed_completion_killed_anywhere_loses_nothing() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    sweep(&scene, &["--sealed"], &["--show-token"]);
}

/// A URL that was printed can be completed, whatever happened to the process.
fn completes(scene: &Scene, output: &Output) {
    if !output.stdout.is_empty() {
        let begun = output.json();
        let callback = visit(begun["authorization_url"].as_str().unwrap());
        assert_eq!(scene.complete(&callback, &[]).ok().json()["grant_id"], begun["grant_id"]);
    }
}

#[test]
fn start_killed_at_any_call_leaves_no_leftovers() {
    let scene = Scene::new("honest");
    let args = ["start", "p", "--user", "u"];
    // The first of all, which makes the key and the directories; then one of many.
    let first = points(&scene.home, &args);
    let later = points(&scene.home, &args);
    let kept = ["state", "config/oauthctl/state.key", "config/oauthctl/state.key.lock"];
    let mut died = 0;
    for (point, anew) in
        first.iter().map(|point| (point, true)).chain(later.iter().map(|point| (point, false)))
    {
        if anew {
            for below in kept {
                let path = scene.home.path(below);
                let _ = std::fs::remove_dir_all(&path);
                let _ = std::fs::remove_file(&path);
            }
        }
        if let Some(output) = killed_at(&scene.home, &args, point) {
            died += 1;
            completes(&scene, &output);
        }
        completes(&scene, &scene.home.run(args).ok());
    }
    let all = first.len() + later.len();
    assert!(died * 10 >= all * 8, "only {died} of {all} died");
    assert!(leftovers(&scene.home, "config").is_empty(), "half-made keys are removed");
    scene.home.assert_private();
}

fn leftovers(home: &Home, below: &str) -> Vec<PathBuf> {
    let below = home.path(below);
    let is_leftover =
        |path: &PathBuf| path.starts_with(&below) && path.extension().is_some_and(|e| e == "tmp");
    home.files().into_iter().filter(is_leftover).collect()
}

#[test]
fn cancellation_killed_anywhere_is_whole_or_none() {
    let scene = Scene::new("honest");
    let all = first_and_later(&scene.home, || {
        let begun = scene.start(&[]);
        ["pending", "cancel", begun["grant_id"].as_str().unwrap()].map(str::to_owned).into()
    });
    for (point, anew) in &all {
        forget(&scene.home, *anew);
        let (begun, callback) = scene.come_back(&[]);
        let id = begun["grant_id"].as_str().unwrap();
        assert!(killed_at(&scene.home, &["pending", "cancel", id], point).is_some(), "{point:?}");
        let list = scene.home.run(["pending", "list", "--json"]).ok().json();
        let is_pending = !list.as_array().unwrap().is_empty();
        let output = scene.complete(&callback, &[]);
        assert_eq!(output.status == 0, is_pending, "{point:?}: {}", output.stderr);
        scene.home.run(["pending", "cancel", id]).fails(3);
    }
    assert!(all.len() >= 5, "{all:?}");
}

#[test]
fn key_rotation_killed_at_any_call_loses_no_flow() {
    let scene = Scene::new("honest");
    let args = ["pending", "rotate-key"];
    scene.home.run(args).ok();
    let all = points(&scene.home, &args);
    for point in &all {
        let (_, callback) = scene.come_back(&[]);
        assert!(killed_at(&scene.home, &args, point).is_some(), "{point:?}");
        scene.complete(&callback, &[]).ok();
    }
    scene.home.run(args).ok();
    assert!(leftovers(&scene.home, "config").is_empty(), "half-made keys are removed");
    scene.home.assert_private();
}

#[test]
fn attribute_killed_at_any_call_is_old_or_new() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&["--attr", "a=1"]);
    scene.complete(&callback, &[]).ok();
    let value = |home: &Home| {
        let output = home.run(["token", "-p", "p", "--json"]).ok().json();
        assert_eq!(output["attributes"]["a"], "1");
        output["attributes"]["k"].as_str().unwrap_or_default().to_owned()
    };
    let all = points(&scene.home, &["attr", "set", "-p", "p", "k", "0"]);
    for (n, point) in all.iter().enumerate() {
        let (old, new) = (value(&scene.home), (n + 1).to_string());
        let args = ["attr", "set", "-p", "p", "k", &new];
        assert!(killed_at(&scene.home, &args, point).is_some(), "{point:?}");
        let found = value(&scene.home);
        assert!(found == old || found == new, "{found} at {point:?}");
    }
    scene.home.run(["attr", "set", "-p", "p", "k", "end"]).ok();
    assert_eq!(value(&scene.home), "end");
    assert!(leftovers(&scene.home, "data").is_empty());
    scene.home.assert_private();
}

/// What the system says to a call where the disk is full, read-only, or fails.
fn faults(call: &Call) -> &'static [&'static str] {
    match call.name.as_str() {
        "write" => &["error=ENOSPC", "error=EIO"],
        "fsync" => &["error=EIO"],
        "renameat2" | "renameat" | "rename" => &["error=EROFS"],
        "mkdir" | "mkdirat" => &["error=ENOSPC"],
        "openat" if call.line.contains("O_CREAT") => &["error=EROFS", "error=ENOSPC"],
        _ => &[],
    }
}

#[test]
fn failing_disk_at_start_prints_nothing_unusable() {
    let scene = Scene::new("honest");
    let args = ["start", "p"];
    let (first, later) = (points(&scene.home, &args), points(&scene.home, &args));
    let mut failed = 0;
    for (nth, point) in first.iter().chain(&later).enumerate() {
        for fault in faults(point) {
            if nth < first.len() {
                let _ = std::fs::remove_dir_all(scene.home.path("state"));
                let _ = std::fs::remove_file(scene.home.path("config/oauthctl/state.key"));
            }
            let Some(output) = refused(&scene.home, &args, point, fault) else { continue };
            if output.status == 0 {
                completes(&scene, &output);
            } else if !point.line.starts_with("write(1<") {
                failed += 1;
                let output = output.fails(10);
                assert!(output.stderr.contains("error:"), "{}", output.stderr);
            }
        }
    }
    assert!(failed > 5, "{failed}");
    completes(&scene, &scene.home.run(args).ok());
}

#[test]
fn failing_disk_at_completion_redeems_nothing() {
    for sealed in [false, true] {
        let mut scene = Scene::new("honest");
        let start: &[&str] = if sealed { &["--sealed"] } else { &[] };
        scene.home.set("OAUTHCTL_STATE_KEY", KEY);
        let (_, callback) = scene.come_back(start);
        let all = points(&scene.home, &["complete", &callback]);
        let mut failed = 0;
        for point in &all {
            for fault in faults(point) {
                let (_, callback) = scene.come_back(start);
                let before = scene.redemptions();
                let command = ["complete", &callback];
                let Some(output) = refused(&scene.home, &command, point, fault) else { continue };
                if output.status == 0 || point.line.starts_with("write(1<") {
                    assert_eq!(scene.redemptions(), before + 1);
                    continue;
                }
                failed += 1;
                let output = output.fails(10);
                assert!(output.stderr.contains("hint:"), "{point:?} {fault}: {}", output.stderr);
                assert_eq!(scene.redemptions(), before, "redeemed in vain: {point:?} {fault}");
                scene.complete(&callback, &[]).ok();
            }
        }
        assert!(failed > 3, "{failed}");
        scene.home.run(["token", "-p", "p"]).ok();
    }
}

#[test]
fn full_disk_is_told_before_anything_is_spent() {
    let scene = Scene::new("honest");
    let limited = |bytes: &str, args: &[&str]| {
        let limit = format!("--fsize={bytes}:{bytes}");
        scene.home.run_through(&["prlimit", &limit, "--"], args)
    };
    let (_, callback) = scene.come_back(&[]);
    for bytes in ["0", "16", "200"] {
        let output = limited(bytes, &["start", "p"]).fails(10);
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    }
    for bytes in ["0", "8192", "200000"] {
        let output = limited(bytes, &["complete", &callback]).fails(10);
        assert!(output.stderr.contains("hint:"), "{}", output.stderr);
    }
    assert_eq!(scene.redemptions(), 0);
    scene.complete(&callback, &[]).ok();
}
