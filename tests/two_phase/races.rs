//! A state works once, whoever tries, and whichever process dies.

use rustix::process::Signal;

use crate::scene::Scene;
use crate::support::shapes::oauth_error;
use crate::support::{CODE_GRANT, Running, await_some};

#[test]
fn one_of_many_completions_redeems() {
    let scene = Scene::new("honest");
    let (_, callback) = scene.come_back(&["--user", "alice"]);
    let all: Vec<Running> = (0..32)
        .map(|_| {
            let mut running = scene.home.spawn(["complete", "-"]);
            running.write(&format!("{callback}\n"));
            running
        })
        .collect();
    let codes: Vec<i32> = all.into_iter().map(|running| running.wait().status).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
    assert!(codes.iter().all(|code| [0, 7].contains(code)), "{codes:?}");
    assert_eq!(scene.redemptions(), 1);
    scene.home.run(["token", "-p", "p", "--account", "alice"]).ok();
}

#[test]
fn completion_killed_during_redemption_is_final() {
    let scene = Scene::new("honest");
    for at in ["token", "token-answer"] {
        let (_, callback) = scene.come_back(&[]);
        let before = scene.redemptions();
        scene.server.hold(at, 1);
        let mut running = scene.home.spawn(["complete", "-"]);
        running.write(&format!("{callback}\n"));
        running.close_stdin();
        scene.server.await_held(at, 1);
        running.signal(Signal::KILL);
        await_some("its death", || running.ended());
        scene.server.release(at);
        scene.complete(&callback, &[]).fails(7);
        assert!(scene.redemptions() <= before + 1);
    }
    let (_, callback) = scene.come_back(&[]);
    scene.complete(&callback, &[]).ok();
}

#[test]
fn refused_code_is_not_sent_again() {
    let scene = Scene::scripted("");
    let unavailable = oauth_error("temporarily_unavailable", 503);
    scene.server.refuse(CODE_GRANT, &unavailable, usize::MAX);
    let (_, callback) = scene.come_back(&[]);
    let first = scene.complete(&callback, &[]);
    assert_ne!(first.status, 0);
    let sent = scene.redemptions();
    scene.refuses(&callback, &[]);
    assert_eq!(scene.redemptions(), sent);
}
