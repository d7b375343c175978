//! Keys that the server rotates between logins and refreshes.

use serde_json::json;

use crate::scene::Scene;

/// The scenario in which refreshes return id_tokens too.
const SCENARIO: &str = "refresh-id-token.honest.0";

fn fetches(scene: &Scene) -> usize {
    scene.server.requests(SCENARIO, "jwks").len()
}

#[test]
fn each_key_rotation_causes_one_fetch() {
    let mut scene = Scene::new(SCENARIO);
    let issuer = scene.server.issuer(SCENARIO);
    scene.home.config("").profile("p", &issuer, "cli", "scopes = [\"openid\", \"api\"]");
    scene.home.login("p");
    assert_eq!(fetches(&scene), 1);
    for (key, publish, after) in [
        // Known from the login.
        ("k1", vec!["k1"], 1),
        // Published before it signs, and the old one withdrawn later: a fetch when it is first met.
        ("k2", vec!["k1", "k2"], 2),
        ("k2", vec!["k2"], 2),
        // Rotated again, without notice.
        ("k3", vec!["k3"], 3),
        ("k3", vec!["k3"], 3),
    ] {
        scene.server.set(&json!({ "sign": key, "publish": publish }));
        scene.home.run(["refresh", "p"]).ok();
        assert_eq!(fetches(&scene), after, "{key} of {publish:?}");
        assert_eq!(scene.stored()["identity"]["sub"], "alice");
    }
    // One that the server does not publish is asked for once a run, and never believed.
    let id_token = scene.stored()["tokens"]["id_token"].clone();
    scene.server.set(&json!({ "sign": "k4" }));
    for after in [4, 5] {
        let said = scene.home.run(["refresh", "p"]).ok().stderr;
        assert!(said.contains("warning: the id_token was dropped"), "{said}");
        assert_eq!(fetches(&scene), after);
        assert_eq!(scene.stored()["tokens"]["id_token"], id_token);
    }
}

#[test]
fn kill_during_key_fetch_keeps_the_new_refresh_token() {
    let mut scene = Scene::new(SCENARIO);
    let issuer = scene.server.issuer(SCENARIO);
    scene.home.config("").profile("p", &issuer, "cli", "scopes = [\"openid\", \"api\"]");
    scene.home.login("p");
    scene.server.set(&json!({ "sign": "k2", "publish": ["k2"] }));
    scene.server.hold("jwks", 1);
    let killed = scene.home.spawn(["refresh", "p"]);
    scene.server.await_held("jwks", 1);
    killed.signal(rustix::process::Signal::KILL);
    killed.wait().fails(137);
    scene.server.release("jwks");
    assert_eq!(scene.stored()["tokens"]["refresh_token"], scene.newest("refresh_token"));
    scene.home.run(["refresh", "p"]).ok();
    scene.works();
}
