//! Which logins a flow may replace.

use serde_json::json;

use crate::scene::Scene;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[test]
fn users_flow_over_the_operators_login_is_refused() {
    let mut scene = Scene::new("honest");
    scene.home.set("OAUTHCTL_STATE_KEY", KEY);
    // These were started before any login.
    let (_, kept) = scene.come_back(&["--user", "default"]);
    let (_, sealed) = scene.come_back(&["--user", "default", "--sealed"]);
    let (_, operator) = scene.come_back(&[]);
    scene.complete(&operator, &[]).ok();
    let token = scene.home.run(["token", "-p", "p"]).ok().stdout;
    // The text says how long is left, which changes.
    let pending = scene.home.run(["pending", "list", "--json"]).ok().stdout;

    for more in [&[][..], &["--sealed"]] {
        let start = ["start", "p", "--user", "default"];
        let refused = scene.home.run(start.iter().chain(more)).fails(3);
        assert!(refused.stderr.contains("was not made for user `default`"), "{}", refused.stderr);
        assert!(refused.stderr.contains("hint: use another user reference"), "{}", refused.stderr);
    }
    let now = scene.home.run(["pending", "list", "--json"]).ok().stdout;
    assert_eq!(now, pending, "nothing was started");
    let before = scene.redemptions();
    for callback in [&kept, &sealed] {
        let refused = scene.complete(callback, &[]).fails(3);
        assert!(refused.stderr.contains("was not made for user `default`"), "{}", refused.stderr);
    }
    assert_eq!(scene.redemptions(), before);
    assert_eq!(scene.home.run(["token", "-p", "p"]).ok().stdout, token);

    // The hint's command makes room, and the state was not used up.
    scene.home.run(["logout", "p", "--account", "default"]).ok();
    assert_eq!(scene.complete(&kept, &[]).ok().json()["user"], "default");
}

#[test]
fn users_flow_replaces_that_users_login() {
    let scene = Scene::new("honest");
    for round in 1..3 {
        let (_, callback) = scene.come_back(&["--user", "default"]);
        scene.complete(&callback, &[]).ok();
        assert_eq!(scene.redemptions(), round);
    }
    // A flow without a user is the operator's: it replaces any login, and then that is the operator's.
    let (_, users) = scene.come_back(&["--user", "default"]);
    let (_, operators) = scene.come_back(&[]);
    assert_eq!(scene.complete(&operators, &[]).ok().json()["user"], json!(null));
    scene.complete(&users, &[]).fails(3);
}

#[test]
fn damaged_record_is_replaced_by_its_user_alone() {
    let scene = Scene::new("honest");
    let (_, users) = scene.come_back(&["--user", "default"]);
    let damage = || {
        let files = scene.home.files();
        let record = files.iter().find(|path| path.extension().is_some_and(|e| e == "age"));
        std::fs::write(record.expect("a record"), "damaged").unwrap();
    };
    let (_, operator) = scene.come_back(&[]);
    scene.complete(&operator, &[]).ok();
    damage();
    scene.complete(&users, &[]).fails(3);
    scene.home.run(["logout", "p"]);
    scene.complete(&users, &[]).ok();
    damage();
    let (_, again) = scene.come_back(&["--user", "default"]);
    scene.complete(&again, &[]).ok();
}

#[test]
fn names_with_line_breaks_forge_no_error() {
    let scene = Scene::new("honest");
    for n in 0..12 {
        let user = format!("u{n:02}\nerror: forged\nhint: run `evil`");
        let (_, callback) = scene.come_back(&["--user", &user]);
        scene.complete(&callback, &[]).ok();
    }
    let one = ["logout", "p", "--account", "u\nerror: forged"];
    let listed = [&["token", "-p", "p"][..], &["logout", "p"], &one, &["status", "p"]];
    for args in listed {
        let output = scene.home.run(args);
        for text in [&output.stderr, &output.stdout] {
            let forged = text.lines().filter(|line| line.contains("forged"));
            assert!(!forged.clone().any(|line| line.starts_with("error: f")), "{args:?}: {text}");
        }
        if output.status == 3 && args.len() == 3 {
            assert!(output.stderr.contains(r"$'u09\nerror: forged"), "{}", output.stderr);
            assert!(output.stderr.contains(", and 2 more"), "{}", output.stderr);
        }
    }
}
