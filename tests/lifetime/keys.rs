//! Keys that the server rotates between logins and refreshes.

use oauthctl_sandbox::Moment;

use crate::scene::Scene;
use crate::support::signed::{jwk, keys, written};
use crate::support::{CODE_GRANT, REFRESH_GRANT, Scripted};

fn fetches(scene: &Scene<Scripted>) -> usize {
    scene.server.requests_at("jwks").len()
}

/// From now on, id_tokens are signed with this key.
fn sign(scene: &Scene<Scripted>, key: &'static str) {
    for grant_type in [CODE_GRANT, REFRESH_GRANT] {
        scene.server.reply(grant_type, &written(move |token| token.by_key(key)));
    }
}

fn publish(scene: &Scene<Scripted>, names: &[&str]) {
    scene.server.reply("jwks", &keys(names.iter().map(|name| jwk(name)).collect()));
}

/// Logged in with an id_token that `k1` has signed.
fn logged_in() -> Scene<Scripted> {
    let scene = Scene::scripted();
    let lines = "scopes = [\"openid\", \"api\"]";
    scene.home.config("").profile("p", scene.server.issuer(), "cli", lines);
    sign(&scene, "k1");
    publish(&scene, &["k1"]);
    scene.log_in(3600)
}

#[test]
fn each_key_rotation_causes_one_fetch() {
    let scene = logged_in();
    assert_eq!(fetches(&scene), 1);
    let user = scene.stored()["identity"]["sub"].clone();
    for (key, published, after) in [
        // Known from the login.
        ("k1", &["k1"][..], 1),
        // Published before it signs, and the old one withdrawn later: a fetch when it is first met.
        ("k2", &["k1", "k2"], 2),
        ("k2", &["k2"], 2),
        // Rotated again, without notice.
        ("k3", &["k3"], 3),
        ("k3", &["k3"], 3),
    ] {
        sign(&scene, key);
        publish(&scene, published);
        scene.home.run(["refresh", "p"]).ok();
        assert_eq!(fetches(&scene), after, "{key} of {published:?}");
        assert_eq!(scene.stored()["identity"]["sub"], user);
    }
    // One that the server does not publish is asked for once a run, and never believed.
    let id_token = scene.stored()["tokens"]["id_token"].clone();
    sign(&scene, "k4");
    for after in [4, 5] {
        let said = scene.home.run(["refresh", "p"]).ok().stderr;
        assert!(said.contains("warning: the id_token was dropped"), "{said}");
        assert_eq!(fetches(&scene), after);
        assert_eq!(scene.stored()["tokens"]["id_token"], id_token);
    }
}

#[test]
fn kill_during_key_fetch_keeps_the_new_refresh_token() {
    let scene = logged_in();
    sign(&scene, "k2");
    publish(&scene, &["k2"]);
    scene.server.hold("jwks", Moment::Received, 1);
    let killed = scene.home.spawn(["refresh", "p"]);
    scene.server.await_held(1);
    killed.signal(rustix::process::Signal::KILL);
    killed.wait().fails(137);
    scene.server.release();
    assert_eq!(scene.stored()["tokens"]["refresh_token"], scene.newest("refresh_token"));
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
}
