//! Older copies of a record, whose refresh token has been replaced.

use serde_json::{Value, json};

use crate::scene::{Scene, files_like};
use crate::support::Served;

/// Logged in, with a record that has been replaced by a refresh since: the place, and the old content.
fn replaced<S: Served>(scene: Scene<S>) -> (Scene<S>, std::path::PathBuf, Vec<u8>) {
    scene.home.run(["refresh", "p"]).ok();
    let (record, old) = (scene.record(), std::fs::read(scene.record()).unwrap());
    scene.home.run(["refresh", "p"]).ok();
    (scene, record, old)
}

#[test]
fn older_copy_of_a_record_is_not_spent() {
    let (mut scene, record, old) = replaced(Scene::logged_in("honest", 3600));
    let newest = std::fs::read(&record).unwrap();
    std::fs::write(&record, &old).unwrap();
    for args in [
        ["refresh", "p"].as_slice(),
        &["token", "-p", "p", "--force-refresh"],
        &["token", "-p", "p", "--min-ttl", "2h"],
        &["attr", "set", "-p", "p", "k", "v"],
        &["refresh", "p"],
    ] {
        let output = scene.home.run(args).fails(10);
        assert!(output.stderr.contains("is an older copy"), "{args:?}: {}", output.stderr);
        assert!(output.stderr.contains("hint: nothing was sent"), "{args:?}: {}", output.stderr);
    }
    let elsewhere = format!("file:{}", scene.home.path("elsewhere").display());
    let migration = scene.home.run(["store", "migrate", "--to", &elsewhere]);
    // By whatever name its store is called.
    let directory = record.parent().unwrap();
    let copy = scene.home.path("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(&record, copy.join(record.file_name().unwrap())).unwrap();
    for place in [format!("{}/./", directory.display()), copy.display().to_string()] {
        let output =
            scene.home.run(["--store", &format!("file:{place}"), "refresh", "p"]).fails(10);
        assert!(output.stderr.contains("is an older copy"), "{place}: {}", output.stderr);
    }
    assert!(migration.stderr.contains("is an older copy"), "{}", migration.stderr);
    assert_eq!(scene.refreshes(), 2);
    assert_eq!(std::fs::read(&record).unwrap(), old);
    // The newest record works, and so does a new login over the old one.
    std::fs::write(&record, &newest).unwrap();
    scene.home.run(["refresh", "p"]).ok();
    std::fs::write(&record, &newest).unwrap();
    scene.home.run(["refresh", "p"]).fails(10);
    scene.home.login("p");
    scene.home.run(["refresh", "p"]).ok();
    scene.home.run(["logout", "p"]).ok();
    scene.home.login("p");
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
}

/// The line of a record, as a machine exports it that knows nothing of the account.
fn exported_where_nothing_is_known(scene: &Scene) -> String {
    let mut export = scene.home.command(["export", "-p", "p"]);
    let output = export.env("OAUTHCTL_STATE_DIR", scene.home.path("elsewhere")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn older_record_is_accepted_if_meant_or_harmless() {
    // No refresh token was replaced.
    let (scene, record, old) = replaced(Scene::scripted_as("no-rotation").log_in(3600));
    std::fs::write(&record, &old).unwrap();
    scene.home.run(["refresh", "p"]).ok();
    // Nothing is known: a job whose cache holds the records alone.
    let (scene, record, _) = replaced(Scene::logged_in("honest", 3600));
    std::fs::remove_dir_all(scene.home.state_dir()).unwrap();
    assert!(record.exists());
    scene.home.run(["refresh", "p"]).ok();
    // The user explicitly uses the old record.
    let (scene, record, old) = replaced(Scene::logged_in("honest", 3600));
    scene.server.set(&json!({ "grace": 1 }));
    std::fs::write(&record, &old).unwrap();
    scene.home.run(["refresh", "p"]).fails(10);
    let line = exported_where_nothing_is_known(&scene);
    scene.home.run_with(["import", "--replace", "-"], &line).ok();
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
}

/// Makes the index one that says nothing of whether the server replaces refresh tokens, as older versions wrote it.
fn forget_that_tokens_are_replaced(scene: &Scene) {
    let [entry] = files_like(&scene.home, ".json")
        .into_iter()
        .filter(|path| {
            path.parent()
                .is_some_and(|dir| dir.parent().is_some_and(|dir| dir.ends_with("accounts")))
        })
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    let mut value: Value = serde_json::from_slice(&std::fs::read(&entry).unwrap()).unwrap();
    assert_eq!(value.as_object_mut().unwrap().remove("rotates"), Some(json!(true)));
    std::fs::write(&entry, value.to_string()).unwrap();
}

#[test]
fn unknown_history_refuses_an_older_copy_in_place() {
    let (scene, record, old) = replaced(Scene::logged_in("honest", 3600));
    forget_that_tokens_are_replaced(&scene);
    std::fs::write(&record, &old).unwrap();
    let output = scene.home.run(["refresh", "p"]).fails(10);
    assert!(output.stderr.contains("is an older copy"), "{}", output.stderr);
    assert_eq!(scene.refreshes(), 2);
    // A record in another store need not be a copy of this one's.
    let copy = scene.home.path("copy");
    std::fs::create_dir(&copy).unwrap();
    std::fs::copy(&record, copy.join(record.file_name().unwrap())).unwrap();
    scene.server.set(&json!({ "grace": 1 }));
    let copy = format!("file:{}", copy.display());
    scene.home.run(["--store", &copy, "refresh", "p"]).ok();
    assert_eq!(scene.refreshes(), 3);
}

#[test]
fn unknown_history_accepts_an_import_line() {
    let (scene, record, old) = replaced(Scene::logged_in("honest", 3600));
    std::fs::write(&record, &old).unwrap();
    scene.home.run(["export", "-p", "p"]).fails(10);
    let line = exported_where_nothing_is_known(&scene);
    std::fs::remove_file(&record).unwrap();
    scene.home.run_with(["import", "-"], &line).fails(10);
    forget_that_tokens_are_replaced(&scene);
    scene.home.run_with(["import", "-"], &line).ok();
}

/// A client that logs in by itself has no refresh token that an older copy could spend.
#[test]
fn older_copy_of_a_clients_own_record_is_renewed() {
    let scene = Scene::new("honest");
    let secret = scene.server.secrets["service"].as_deref().unwrap();
    let more = format!("client_secret = {secret:?}\ngrant = \"client_credentials\"\n");
    scene.home.profile("s", &scene.server.issuer("honest"), "service", &more);
    scene.home.run(["token", "-p", "s"]).ok();
    let old = std::fs::read(scene.record()).unwrap();
    scene.home.run(["refresh", "s"]).ok();
    std::fs::write(scene.record(), &old).unwrap();
    scene.home.run(["refresh", "s"]).ok();
    assert_eq!(scene.server.requests("honest", "token").len(), 3);
}
