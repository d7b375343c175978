//! Many users and many processes at once.

use std::sync::Mutex;

use crate::scene::{Scene, visit};
use crate::support::{Output, Running};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[test]
fn everybody_ends_with_their_own_grant() {
    const FLOWS: usize = 96;
    const USERS: usize = 24;
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    let (next, open) = (Mutex::new(0..FLOWS), Mutex::new(Vec::new()));
    let worker = |work: &(dyn Fn() -> bool + Sync)| while work() {};
    let start = || {
        let Some(n) = next.lock().unwrap().next() else { return false };
        let (user, mark) = (format!("user {}", n % USERS), format!("mark={n}"));
        let sealed: &[&str] = if n % 3 == 0 { &["--sealed"] } else { &[] };
        let (begun, callback) =
            scene.come_back(&[&["--user", &user, "--attr", &mark], sealed].concat());
        open.lock().unwrap().push((n, begun, callback));
        true
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| worker(&start)))));
    // In another order than they came.
    open.lock().unwrap().sort_by_key(|(n, ..)| (n * 37) % 101);
    let complete = || {
        let Some((n, begun, callback)) = open.lock().unwrap().pop() else { return false };
        let done = scene.complete(&callback, &[]).ok().json();
        assert_eq!(done["grant_id"], begun["grant_id"]);
        assert_eq!(done["user"], format!("user {}", n % USERS));
        assert_eq!(done["account"], done["user"]);
        assert_eq!(done["attributes"]["mark"], n.to_string());
        true
    };
    std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(|| worker(&complete)))));
    assert_eq!(scene.redemptions(), FLOWS);
    let all = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!(all.as_array().unwrap().len(), USERS);
    for entry in all.as_array().unwrap() {
        assert_eq!(entry["user"], entry["account"]);
    }
}

#[test]
fn one_completion_of_a_sealed_state_redeems() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    let (_, callback) = scene.come_back(&["--sealed", "--user", "alice"]);
    let all = scene.home.run_many(32, &["complete", &callback]);
    let codes: Vec<i32> = all.iter().map(|output| output.status).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [0, 7].contains(code)), "{codes:?}");
    assert_eq!(scene.redemptions(), 1);
}

#[test]
fn completion_or_cancellation_wins_alone() {
    let scene = Scene::new("honest");
    for _ in 0..8 {
        let before = scene.redemptions();
        let (begun, callback) = scene.come_back(&[]);
        let completing = scene.home.spawn(["complete", &callback]);
        let cancelling =
            scene.home.spawn(["pending", "cancel", begun["grant_id"].as_str().unwrap()]);
        let codes = (completing.wait().status, cancelling.wait().status);
        assert!([(0, 3), (7, 0)].contains(&codes), "{codes:?}");
        assert_eq!(scene.redemptions() - before, usize::from(codes.0 == 0));
        scene.complete(&callback, &[]).fails(7);
    }
}

#[test]
fn flow_started_during_key_rotation_completes() {
    let scene = Scene::new("honest");
    scene.start(&[]);
    let mut starting: Vec<Running> = (0..6).map(|_| scene.home.spawn(["start", "p"])).collect();
    let rotating = scene.home.spawn(["pending", "rotate-key", "--alg", "EdDSA"]);
    starting.extend((0..6).map(|_| scene.home.spawn(["start", "p", "--ttl", "1h"])));
    rotating.wait().ok();
    let begun: Vec<Output> = starting.into_iter().map(|running| running.wait().ok()).collect();
    for output in begun {
        let callback = visit(output.json()["authorization_url"].as_str().unwrap());
        scene.complete(&callback, &[]).ok();
    }
}
