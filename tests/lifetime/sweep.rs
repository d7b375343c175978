//! Killed at every system call that touches a file: what is stored is whole, old or new.

use serde_json::json;

use crate::scene::{Scene, files_like, stored};
use crate::support::{Call, Home, assert_no_secret, calls, killed_at, traced, traced_with};

/// Every call that the program makes in a run that succeeds.
fn points(home: &Home, args: &[&str]) -> Vec<Call> {
    // What only a first run writes is written by then.
    home.run(args).ok();
    calls(home, args)
}

#[test]
fn refresh_killed_at_any_call_loses_nothing() {
    let scene = Scene::logged_in("honest", 3600);
    // Forgiving: so that every kill can be followed by a token, and a loss is ours.
    scene.server.set(&json!({ "grace": 1_000_000 }));
    let args = ["token", "-p", "p", "--force-refresh"];
    let points = points(&scene.home, &args);
    let mut died = 0;
    for point in &points {
        let before = scene.stored();
        if let Some(output) = killed_at(&scene.home, &args, point) {
            died += 1;
            if !output.stdout.is_empty() {
                // What was printed was durable before.
                assert_eq!(
                    scene.stored()["tokens"]["access_token"],
                    output.stdout.trim_end(),
                    "at {point:?}"
                );
            }
        }
        let after = scene.stored();
        let is_new = after["generation"].as_u64() == before["generation"].as_u64().map(|g| g + 1);
        assert!(after == before || is_new, "at {point:?}: {after}");
        scene.home.run(["token", "-p", "p"]).ok();
        scene.home.run(args).ok();
        assert!(files_like(&scene.home, ".tmp").is_empty(), "at {point:?}: leftovers are swept");
        scene.home.assert_private();
    }
    assert!(died * 10 >= points.len() * 9, "only {died} of {} points", points.len());
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}

#[test]
fn refresh_killed_at_a_strict_server_may_need_login() {
    let mut scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    let points = points(&scene.home, &args);
    let sent = points.iter().position(|call| call.name == "connect").unwrap();
    for point in &points[sent..] {
        killed_at(&scene.home, &args, point);
        scene.stored();
        // It works, or says honestly that it is over; after a login it works.
        let output = scene.home.run(args);
        if output.status != 0 {
            output.fails(4);
            scene.home.login("p");
        }
        scene.works();
    }
}

/// Where in these points a refresh writes its record: the calls from the one after that until it counts.
fn between_record_and_rename(points: &[Call]) -> &[Call] {
    let sent = points.iter().position(|call| call.name == "connect").unwrap();
    let is_record = |call: &Call| call.name == "write" && call.line.contains(".age.0.tmp>");
    let written = points.iter().rposition(is_record).unwrap();
    let is_rename = |call: &Call| call.name.starts_with("rename") && call.line.contains(".age\"");
    let renamed = points.iter().rposition(is_rename).unwrap();
    assert!(sent < written && written < renamed, "{points:?}");
    &points[written + 1..=renamed]
}

#[test]
fn refresh_killed_before_its_rename_is_not_lost() {
    // Nothing is forgiven: the token that is stored was spent, and sending it again ends the grant.
    let scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    let points = points(&scene.home, &args);
    let between = between_record_and_rename(&points);
    for (ways, point) in between.iter().enumerate() {
        let before = scene.stored();
        killed_at(&scene.home, &args, point).expect("killed");
        assert_eq!(scene.stored(), before, "at {point:?}: it does not count yet");
        let sent = scene.refreshes();
        match ways % 2 {
            // Whatever takes the account's turn next puts the record in its place.
            0 => scene.home.run(["attr", "set", "-p", "p", "color", "blue"]).ok(),
            _ => scene.home.run(args).ok(),
        };
        scene.works();
        assert_eq!(scene.refreshes() - sent, ways % 2, "at {point:?}");
        assert!(files_like(&scene.home, ".tmp").is_empty(), "at {point:?}");
    }
    assert!(between.len() >= 2, "{between:?}");
    scene.home.assert_private();
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}

#[test]
fn export_after_a_kill_prints_the_newer_record() {
    let scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    let points = points(&scene.home, &args);
    killed_at(&scene.home, &args, between_record_and_rename(&points).last().unwrap()).unwrap();
    let newest = scene.newest("refresh_token");
    assert_ne!(scene.stored()["tokens"]["refresh_token"], newest);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    assert_eq!(scene.stored()["tokens"]["refresh_token"], newest);
    let other = Home::new();
    other.profile("p", &scene.server.issuer("honest"), "cli", "scopes = [\"api\"]");
    other.run_with(["import", "-"], &line).ok();
    other.run(args).ok();
}

#[test]
fn recovery_that_fails_is_tried_again() {
    let scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    let points = points(&scene.home, &args);
    killed_at(&scene.home, &args, between_record_and_rename(&points).last().unwrap()).unwrap();
    let sent = scene.refreshes();
    traced(&scene.home, &["-e", "inject=fsync:error=EIO:when=1"], &["export", "-p", "p"]).fails(10);
    assert_eq!(files_like(&scene.home, ".tmp").len(), 1);
    scene.home.run(["export", "-p", "p"]).ok();
    assert_eq!(scene.stored()["tokens"]["refresh_token"], scene.newest("refresh_token"));
    assert_eq!(scene.refreshes(), sent);
}

#[test]
fn record_cut_off_before_a_logout_is_revoked() {
    let scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    let points = points(&scene.home, &args);
    killed_at(&scene.home, &args, between_record_and_rename(&points).last().unwrap()).unwrap();
    let newest = scene.newest("refresh_token");
    scene.home.run(["logout", "p"]).ok();
    let revoked = scene.server.requests("honest", "revoke");
    assert!(
        revoked.iter().any(|entry| entry["body"].as_str().unwrap().contains(&newest)),
        "{revoked:?}"
    );
    assert!(files_like(&scene.home, ".tmp").is_empty());
}

#[test]
fn login_killed_at_any_call_loses_nothing() {
    let mut scene = Scene::logged_in("honest", 3600);
    let args = ["login", "p"];
    scene.home.browser(&json!({ "mode": "honest" }));
    let points = points(&scene.home, &args);
    let mut died = 0;
    // Those before the browser opens only read; those after it matter most.
    let half = points.len() / 2;
    let chosen = points[..half].iter().step_by(8).chain(points[half..].iter().step_by(3));
    for point in chosen {
        let before = scene.stored();
        scene.home.browser(&json!({ "mode": "honest" }));
        died += u32::from(killed_at(&scene.home, &args, point).is_some());
        let after = stored(&scene.home);
        let is_newer = after["generation"].as_u64() > before["generation"].as_u64();
        assert!(after == before || is_newer, "at {point:?}");
        scene.home.run(["token", "-p", "p"]).ok();
    }
    assert!(died >= 10, "only {died} of {} points", points.len());
    scene.home.login("p");
    scene.works();
    assert_eq!(files_like(&scene.home, ".tmp"), Vec::<std::path::PathBuf>::new());
    scene.home.assert_private();
}

#[test]
fn killed_first_login_leaves_nothing_incomplete() {
    let mut scene = Scene::new("honest");
    let args = ["login", "p"];
    let calls = [("write", 6), ("fsync", 12), ("renameat", 8), ("mkdir", 6), ("unlinkat", 2)];
    let points = calls.iter().flat_map(|(name, count)| {
        (1..=*count).map(|nth| Call { name: name.to_string(), nth, line: String::new() })
    });
    for point in points {
        scene.home.browser(&json!({ "mode": "honest" }));
        killed_at(&scene.home, &args, &point);
        let output = scene.home.run(["token", "-p", "p"]);
        assert!([0, 4].contains(&output.status), "at {point:?}: {}", output.stderr);
    }
    scene.home.login("p");
    scene.works();
}

#[test]
fn record_and_directory_are_synced_before_output() {
    let scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    // The first refresh of an account also makes the name of its lock durable.
    scene.home.run(args).ok();
    let trace = "trace=openat,write,fsync,fdatasync,rename,renameat,renameat2,connect";
    traced(&scene.home, &["-y", "-e", trace], &args).ok();
    let log = std::fs::read_to_string(scene.home.path("tmp/strace")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let at = |what: &str, from: usize, fits: &dyn Fn(&str) -> bool| {
        let found = lines[from..].iter().position(|line| fits(line));
        from + found.unwrap_or_else(|| panic!("{what} is missing:\n{log}"))
    };
    let intent = at("the intent", 0, &|l| l.contains("write(") && l.contains(".lock>"));
    let synced = |l: &str| l.contains("fdatasync(") && l.contains(".lock>");
    let intent_synced = at("its sync", intent, &synced);
    let sent = at("the request", intent_synced, &|l| l.contains("connect("));
    let written =
        at("the record's sync", sent, &|l| l.contains("fsync(") && l.contains("tokens/."));
    let renamed = at("the rename", written, &|l| l.contains("rename") && l.contains(".age"));
    let synced =
        at("the directory's sync", renamed, &|l| l.contains("fsync(") && l.contains("tokens>"));
    at("the output", synced, &|l| l.contains("write(1<"));
    // Each wait for the disk costs more than everything else here: there is none too many.
    let waits: Vec<&&str> = lines.iter().filter(|l| l.contains("sync(")).collect();
    assert_eq!(waits.len(), 3, "{waits:#?}");
    // Modes are right from the first instant.
    for line in lines.iter().filter(|line| line.contains("O_CREAT")) {
        assert!(line.contains("0600"), "{line}");
    }
}

#[test]
fn first_key_survives_kills_without_renameat2() {
    // A file system that cannot rename to a free name alone: the key gets its name as a second one first.
    let scene = Scene::logged_in("honest", 3600);
    let line = scene.home.run(["export", "-p", "p"]).ok().stdout;
    let mut halfway = 0;
    for nth in 1.. {
        let home = Home::new();
        home.profile("p", &scene.server.issuer("honest"), "cli", "scopes = [\"api\"]");
        let kill = format!("inject=unlinkat:signal=KILL:when={nth}");
        let options = ["-e", "inject=renameat2:error=EINVAL", "-e", &kill];
        let output = traced_with(&home, &options, &["import", "-"], &line);
        if output.status != 137 {
            break;
        }
        let key = home.path("config/oauthctl/store.key");
        let has_two_names = |path: &std::path::Path| {
            use std::os::unix::fs::MetadataExt;
            std::fs::metadata(path).is_ok_and(|is| is.nlink() == 2)
        };
        let was_halfway = has_two_names(&key);
        halfway += usize::from(was_halfway);
        home.run_with(["import", "-", "--replace"], &line).ok();
        assert_eq!(home.run(["token", "-p", "p"]).ok().line(), scene.newest("access_token"));
        assert!(!has_two_names(&key));
        assert!(!was_halfway || files_like(&home, ".tmp").is_empty(), "killed at the {nth}th");
    }
    assert!(halfway > 0, "no run was killed between the two names");
}
