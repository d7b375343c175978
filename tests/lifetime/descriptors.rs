//! A process that may open hardly any file says so, and spends nothing that it could not keep.

use std::process::Command;

use serde_json::json;

use crate::scene::Scene;
use crate::support::{DEADLINE, Home, Output, Running};

/// The program with a limit of open files.
fn limited(home: &Home, limit: u32, args: &[&str]) -> Running {
    let plain = home.command(args);
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n \"$1\" && shift && exec \"$@\"", "sh", &limit.to_string()])
        .arg(plain.get_program())
        .args(plain.get_args())
        .env_clear()
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir(home.path("home"));
    Running::start(&mut command, DEADLINE)
}

/// It succeeded, or says what it lacks.
#[track_caller]
fn is_told(output: &Output, what: &str) -> bool {
    if output.status == 0 {
        return true;
    }
    let said = &output.stderr;
    assert!([9, 10].contains(&output.status), "{what}: exit code {}\n{said}", output.status);
    assert!(said.contains("Too many open files"), "{what}: {said}");
    assert!(said.contains("raise the limit on open files: `ulimit -n"), "{what}: {said}");
    assert_eq!(output.stdout, "", "{what}");
    false
}

#[test]
fn too_few_descriptors_are_reported_and_lose_nothing() {
    let scene = Scene::logged_in("honest", 3600);
    for args in [
        ["token", "-p", "p"].as_slice(),
        &["status", "--json"],
        &["token", "-p", "p", "--force-refresh"],
    ] {
        let mut succeeded = 0;
        for limit in 4..40 {
            let what = format!("{args:?} with {limit}");
            let output = limited(&scene.home, limit, args).wait();
            if is_told(&output, &what) {
                succeeded += 1;
                assert!(output.stdout.len() > 10, "{what}: {}", output.stderr);
            }
            scene.works();
        }
        assert!(succeeded > 0, "{args:?} works with 39 at the latest");
    }
}

#[test]
fn login_without_descriptors_redeems_no_code() {
    let mut scene = Scene::new("honest");
    scene.home.browser(&json!({ "mode": "honest" }));
    let mut redeemed = 0;
    for limit in [4, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28] {
        let output = limited(&scene.home, limit, &["login", "p"]).wait();
        if is_told(&output, &format!("login with {limit}")) {
            redeemed += 1;
        }
        assert_eq!(scene.redemptions(), redeemed, "login with {limit}");
    }
}

#[test]
fn demo_says_what_it_lacks() {
    let home = Home::new();
    let mut works = false;
    for limit in 4..48 {
        let output = limited(&home, limit, &["demo"]).wait();
        let what = format!("demo with {limit}");
        if output.status != 0 {
            assert!(!works, "{what}: {}", output.stderr);
            is_told(&output, &what);
        }
        works |= output.status == 0;
    }
    assert!(works);
}
