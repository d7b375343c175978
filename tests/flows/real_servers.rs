//! Third-party servers in their default setup: Glewlwyd and django-oauth-toolkit.

use serde_json::{Value, json};

use crate::support::{Foreign, Home, Output, assert_no_secret};

/// A server with a home directory and its profile `p`.
struct Scene {
    server: Foreign,
    home: Home,
}

impl Scene {
    fn glewlwyd(ttl: u64) -> Self {
        Self::of(Foreign::glewlwyd(ttl))
    }

    fn django_toolkit(ttl: u64) -> Self {
        Self::of(Foreign::django_toolkit(ttl))
    }

    fn of(server: Foreign) -> Self {
        let home = Home::new();
        let client = format!("scopes = [\"openid\", \"api\"]\n{}", server.client);
        home.profile("p", &server.issuer, "cli", &client);
        Self { server, home }
    }

    /// Runs `login` with alice at the pages; `more` is what she does otherwise.
    #[track_caller]
    fn login(&mut self, more: &Value) -> Output {
        let mut user = self.server.user.clone();
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.home.browser(&json!({ "mode": "honest", "user": user }));
        self.home.run(["login", "p"])
    }

    #[track_caller]
    fn token(&self) -> String {
        self.home.run(["token"]).ok().line().to_owned()
    }
}

/// Login, refreshes with rotation, 8 processes at once, logout.
fn main_job(mut scene: Scene) {
    scene.login(&json!({})).ok();
    assert_eq!(scene.server.grants("authorization_code").len(), 1);
    let shown = scene.home.run(["status", "--json"]).ok().json();
    assert_eq!(shown[0]["account"], "default", "{shown}");

    scene.server.ttl(3600);
    let all = scene.home.run_many(8, &["token", "--min-ttl", "5m"]);
    let mut tokens: Vec<String> = all.into_iter().map(|one| one.ok().line().to_owned()).collect();
    tokens.dedup();
    assert_eq!((tokens.len(), scene.server.grants("refresh_token").len()), (1, 1));
    assert_eq!(scene.token(), tokens[0]);
    // The refresh token is replaced each time, and the one before serves no longer.
    for _ in 0..2 {
        let forced = scene.home.run(["token", "--force-refresh"]).ok();
        assert_ne!(forced.line(), tokens[0]);
    }
    let refreshes = scene.server.grants("refresh_token");
    assert!(
        refreshes.len() == 3 && refreshes.iter().all(|one| one["status"] == 200),
        "{refreshes:?}"
    );
    assert_no_secret(&scene.home, scene.server.secrets());

    scene.home.run(["logout", "p"]).ok();
    let asked = scene.server.requests();
    let revocations = asked.iter().filter(|one| one["path"].as_str().unwrap().contains("revoke"));
    assert!(
        revocations.clone().count() > 0 && revocations.clone().all(|one| one["status"] == 200),
        "{asked:?}"
    );
    scene.home.run(["token"]).fails(4);
    assert_no_secret(&scene.home, scene.server.secrets());
}

#[test]
fn glewlwyd_serves_the_main_job() {
    let scene = Scene::glewlwyd(30);
    main_job(scene);
}

#[test]
fn django_toolkit_serves_the_main_job() {
    let scene = Scene::django_toolkit(30);
    main_job(scene);
}

/// A grant that the server has ended, because another party used its refresh token.
fn ended(mut scene: Scene) -> Output {
    scene.login(&json!({})).ok();
    scene.home.run(["token", "--force-refresh"]).ok();
    assert!(scene.server.replay() >= 400);
    let refused = scene.home.run(["token", "--force-refresh"]).fails(4);
    assert!(refused.stderr.contains("oauthctl login"), "{}", refused.stderr);
    scene.login(&json!({})).ok();
    scene.token();
    refused
}

/// It refuses with a status and nothing else.
#[test]
fn glewlwyd_ended_grant_requires_a_login() {
    let scene = Scene::glewlwyd(3600);
    ended(scene);
}

#[test]
fn django_toolkit_ended_grant_requires_a_login() {
    let scene = Scene::django_toolkit(3600);
    ended(scene);
}

/// It promises `iss`, and sends none with errors.
#[test]
fn django_toolkit_cancel_is_a_denial() {
    let mut scene = Scene::django_toolkit(3600);
    let denied = scene.login(&json!({ "deny": true })).fails(5);
    assert!(!denied.stderr.contains("attack"), "{}", denied.stderr);
    assert!(scene.server.requests().is_empty());
}
