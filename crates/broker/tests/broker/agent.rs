//! `oauthctl` with the broker in place of an agent.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::process::Output;
use crate::support::*;

/// A machine that has nothing but the URL of a broker and an API key.
struct Client<'s> {
    scene: &'s Scene,
    key: String,
    home: Home,
}

impl<'s> Client<'s> {
    fn new(scene: &'s Scene) -> Self {
        Self { scene, key: scene.key.clone(), home: Home::new() }
    }

    /// Runs a command of `oauthctl` with its options.
    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Output {
        let built = Path::new(env!("CARGO_BIN_EXE_oauthctl-broker")).parent().unwrap();
        let path = built.join("oauthctl");
        assert!(path.is_file(), "{} is not there: `cargo build`", path.display());
        let mut command = Command::new(path);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", self.home.path())
            .env("OAUTHCTL_CONFIG", self.home.path().join("config/config.toml"))
            .env("OAUTHCTL_AGENT", &self.scene.broker.url)
            .env("OAUTHCTL_AGENT_KEY", &self.key);
        let output = run(&mut command);
        assert!(!output.stderr.contains(&self.key), "{}", output.stderr);
        output
    }

    #[track_caller]
    fn token(&self, user: &str, more: &[&str]) -> Output {
        self.run(&[&["token", "-p", "sandbox", "--account", user], more].concat())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn token_for_a_client_is_that_of_the_connection() {
    let scene = Scene::new().await;
    let connected = scene.connect().await;
    let token = connected["access_token"].as_str().unwrap();
    let client = Client::new(&scene);
    assert_eq!(client.token("u-1", &[]).ok().line(), token);
    let told = client.token("u-1", &["--json", "--min-ttl", "1m"]).ok().json();
    assert_eq!((&told["expires_at"], &told["account"]), (&connected["expires_at"], &"u-1".into()));
    let run = ["exec", "-p", "sandbox", "--account", "u-1", "--", "env"];
    let variables = client.run(&run).ok().stdout;
    assert!(variables.contains(&format!("OAUTH_ACCESS_TOKEN={token}\n")), "{variables}");
    assert!(!variables.contains(&client.key), "{variables}");
    // Without the state directory of a store.
    assert_eq!(std::fs::read_dir(client.home.path()).unwrap().count(), 0);
    let said = client.run(&["doctor"]).ok().stdout;
    assert!(said.contains("responds and accepts the API key"), "{said}");
    // A reference to a user may have any characters.
    scene.api.link(&json!({ "provider": "sandbox", "user": "a/b ä?" })).await;
    assert!(client.token("a/b ä?", &[]).fails(4).stderr.contains("has no connection of"));
}

#[tokio::test(flavor = "multi_thread")]
async fn api_of_a_client_sends_the_token_of_the_connection() {
    let scene = Scene::new().await;
    scene.connect().await;
    let client = Client::new(&scene);
    let issuer = scene.sandbox.issuer();
    client.home.config(&format!(
        "[profiles.sandbox]\nissuer = \"{issuer}\"\nclient_id = \"app\"\napi_url = [\"{issuer}/\"]\n"
    ));
    let user = client.run(&["api", "-p", "sandbox", "--account", "u-1", "userinfo"]).ok().json();
    assert_eq!(user["sub"], "person-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn client_that_is_refused_has_the_exit_code() {
    let scene = Scene::new().await;
    scene.api.provide("dead", &scene.sandbox.issuer_with("refresh-invalid-grant")).await;
    scene.connect().await;
    scene.api.connect("dead", "u-1").await;
    let mut client = Client::new(&scene);
    let unknown = client.token("nobody", &[]).fails(4).stderr;
    assert!(unknown.contains("no connection of `nobody` to `sandbox`"), "{unknown}");
    for more in [&["--force-refresh"][..], &["--id-token"], &["--scope", "x"]] {
        client.token("u-1", more).fails(2);
    }
    let dead = ["token", "-p", "dead", "--account", "u-1", "--min-ttl", "2h", "--json"];
    let hint = client.run(&dead).fails(4).error_json()["hint"].clone();
    assert!(hint.as_str().unwrap().contains(&format!("{}/connect/", scene.broker.url)), "{hint}");
    let key = std::mem::replace(&mut client.key, "wrong".to_owned());
    client.token("u-1", &[]).fails(5);
    assert!(client.run(&["doctor"]).code(1).stdout.contains("the broker refused the API key"));
    client.key = key;
    client.token("u-1", &[]).ok();
    scene.broker.process.signal(rustix::process::Signal::KILL);
    client.token("u-1", &[]).fails(9);
}
