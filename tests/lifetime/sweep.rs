//! Killed at every system call that touches a file: what is stored is whole, old or new.

use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::scene::{Scene, files_like, stored};
use crate::support::{Home, Output, Running, assert_no_secret};

const CALLS: &str = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate,mkdir,mkdirat,fchmod";

/// Runs the program until the `nth` of these calls, which kills it. `None` where it came to its end before.
fn killed_at(home: &Home, args: &[&str], nth: u32) -> Option<Output> {
    let program = home.command(args);
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={CALLS}")])
        .args(["-e", &format!("inject={CALLS}:signal=KILL:when={nth}")])
        .arg("--")
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.path("home"));
    let output = Running::start(&mut strace, Duration::from_secs(60)).wait();
    (output.status == 137).then_some(output)
}

/// The calls at which to die: all of the last ones, every so many of those before, when the program is only loaded.
fn points(total: u32) -> impl Iterator<Item = u32> {
    (1..=total).filter(move |nth| nth % 8 == 0 || nth + 45 > total)
}

fn count_calls(home: &Home, args: &[&str]) -> u32 {
    let program = home.command(args);
    let log = home.path("tmp/strace");
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-qq", "-e", &format!("trace={CALLS}"), "-o"])
        .arg(&log)
        .arg("--")
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.path("home"));
    let output = Running::start(&mut strace, Duration::from_secs(60)).wait();
    assert_eq!(output.status, 0, "strace: {}", output.stderr);
    let calls = std::fs::read_to_string(&log).unwrap();
    std::fs::remove_file(log).unwrap();
    calls.lines().filter(|line| line.contains('(') && !line.contains("resumed")).count() as u32
}

#[test]
fn a_refresh_that_is_killed_anywhere() {
    let scene = Scene::logged_in("honest", 3600);
    // Forgiving: so that every kill can be followed by a token, and a loss is ours.
    scene.server.set(&json!({ "grace": 1_000_000 }));
    let args = ["token", "-p", "p", "--force-refresh"];
    let total = count_calls(&scene.home, &args);
    let mut died = 0;
    for nth in points(total) {
        let before = scene.stored();
        if let Some(output) = killed_at(&scene.home, &args, nth) {
            died += 1;
            if !output.stdout.is_empty() {
                // What was printed was durable before.
                assert_eq!(
                    scene.stored()["tokens"]["access_token"],
                    output.stdout.trim_end(),
                    "at {nth}"
                );
            }
        }
        let after = scene.stored();
        let is_new = after["generation"].as_u64() == before["generation"].as_u64().map(|g| g + 1);
        assert!(after == before || is_new, "at {nth}: {after}");
        scene.home.run(["token", "-p", "p"]).ok();
        scene.home.run(args).ok();
        assert!(files_like(&scene.home, ".tmp").is_empty(), "at {nth}: leftovers are swept");
        scene.home.assert_private();
    }
    assert!(died >= 20, "only {died} of {total} points");
    assert_no_secret(&scene.home, scene.server.secrets_minted());
}

#[test]
fn a_refresh_that_is_killed_where_nothing_is_forgiven() {
    let mut scene = Scene::logged_in("honest", 3600);
    let args = ["token", "-p", "p", "--force-refresh"];
    let total = count_calls(&scene.home, &args);
    for nth in points(total).filter(|nth| nth + 24 > total) {
        killed_at(&scene.home, &args, nth);
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

#[test]
fn a_login_that_is_killed_anywhere() {
    let mut scene = Scene::logged_in("honest", 3600);
    // The callback is pasted: no browser stands between the program and its end.
    let args = ["login", "p"];
    scene.home.browser(&json!({ "mode": "honest" }));
    let total = count_calls(&scene.home, &args);
    let mut died = 0;
    // The browser's own calls count too, so the points lie closer at the end and wider before it.
    let step = (total / 30).max(1);
    for nth in (1..total).step_by(step as usize) {
        let before = scene.stored();
        scene.home.browser(&json!({ "mode": "honest" }));
        died += u32::from(killed_at(&scene.home, &args, nth).is_some());
        let after = stored(&scene.home);
        let is_newer = after["generation"].as_u64() > before["generation"].as_u64();
        assert!(after == before || is_newer, "at {nth}");
        scene.home.run(["token", "-p", "p"]).ok();
    }
    assert!(died >= 5, "only {died} of {total} points");
    scene.home.login("p");
    scene.works();
    assert!(files_like(&scene.home, ".tmp").is_empty());
    scene.home.assert_private();
}

#[test]
fn a_first_login_that_is_killed_leaves_nothing_half_made() {
    let mut scene = Scene::new("honest");
    let args = ["login", "p"];
    for nth in (5..120).step_by(9) {
        scene.home.browser(&json!({ "mode": "honest" }));
        killed_at(&scene.home, &args, nth);
        let output = scene.home.run(["token", "-p", "p"]);
        assert!([0, 4].contains(&output.status), "at {nth}: {}", output.stderr);
    }
    scene.home.login("p");
    scene.works();
}

#[test]
fn both_the_record_and_its_directory_are_synced_before_anything_is_printed() {
    let scene = Scene::logged_in("honest", 30);
    let program = scene.home.command(["token", "-p", "p"]);
    let log = scene.home.path("tmp/strace");
    let mut strace = Command::new("strace");
    strace
        .args([
            "-f",
            "-y",
            "-qq",
            "-e",
            "trace=openat,write,fsync,rename,renameat,renameat2,sendto",
            "-o",
        ])
        .arg(&log)
        .arg("--")
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(scene.home.path("home"));
    Running::start(&mut strace, Duration::from_secs(60)).wait().ok();
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    let at = |what: &str, from: usize, fits: &dyn Fn(&str) -> bool| {
        let found = lines[from..].iter().position(|line| fits(line));
        from + found.unwrap_or_else(|| panic!("{what} is missing:\n{log}"))
    };
    let intent = at("the intent", 0, &|l| l.contains("rename") && l.contains("intents"));
    let intent_synced = at("its sync", intent, &|l| l.contains("fsync(") && l.contains("intents>"));
    let sent = at("the request", intent_synced, &|l| l.contains("POST ") || l.contains("sendto("));
    let written =
        at("the record's sync", sent, &|l| l.contains("fsync(") && l.contains("tokens/."));
    let renamed = at("the rename", written, &|l| l.contains("rename") && l.contains(".age"));
    let synced =
        at("the directory's sync", renamed, &|l| l.contains("fsync(") && l.contains("tokens>"));
    at("the output", synced, &|l| l.contains("write(1<"));
    // Modes are right from the first instant.
    for line in lines.iter().filter(|line| line.contains("O_CREAT")) {
        assert!(line.contains("0600"), "{line}");
    }
}
