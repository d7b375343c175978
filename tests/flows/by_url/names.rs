//! How a URL is written, and which login it names.

use serde_json::json;

use super::Scene;

/// The way in which a URL is written at the login is none that the user has to remember.
#[test]
fn url_is_found_in_every_spelling() {
    let scene = Scene::new();
    scene.login().ok();
    let port = scene.server.base.rsplit(':').next().unwrap();
    let base = format!("HTTP://127.0.0.1:{port}");
    for url in [format!("{}/", scene.url), format!("{base}/mcp"), format!("{base}/mcp/")] {
        let url = url.as_str();
        let shown = scene.home.run(["status", url, "--check", "--json"]).ok().json();
        assert_eq!(shown[0]["profile"], json!(scene.url), "{url}");
        scene.home.run(["token", "-p", url]).ok();
        scene.home.run(["profile", "show", url]).ok();
        scene.home.run(["attr", "set", "-p", url, "K", "V"]).ok();
        scene.home.run(["doctor", url, "--offline"]).ok();
        let again = scene.home.run(["login", url, "--json"]).ok().json();
        assert_eq!(again["profile"], json!(scene.url), "{url}");
    }
    assert_eq!(scene.count("/a/register"), 1);
    scene.home.run(["logout", &format!("{}/", scene.url)]).ok();
    scene.home.run(["status", &scene.url, "--check"]).code(4);
}

#[test]
fn logins_with_and_without_a_slash_stay_apart() {
    for is_lost in [false, true] {
        let scene = Scene::new();
        let with_slash = format!("{}/", scene.url);
        let kept = || {
            let all = scene.home.files().into_iter();
            all.filter(|path| path.to_string_lossy().contains("/urls/")).collect::<Vec<_>>()
        };
        scene.login().ok();
        // As an earlier version may have kept it beside the other one.
        let without = kept();
        let text = std::fs::read_to_string(&without[0]).unwrap();
        scene.home.run(["logout", &scene.url]).ok();
        scene.home.run(["login", &with_slash]).ok();
        let other = kept();
        assert!(other.len() == 1 && other != without, "{other:?}");
        std::fs::write(&without[0], text).unwrap();
        if is_lost {
            std::fs::remove_file(&other[0]).unwrap();
            scene.home.run(["logout", "--all"]).ok();
        } else {
            scene.home.run(["logout", "--all", &with_slash]).ok();
        }
        assert_eq!(kept(), without, "the login to the other URL stays");
        let status = scene.home.run(["status", "--json"]).ok().json();
        assert_eq!(status.as_array().map(Vec::len), Some(0), "{status}");
    }
}

#[test]
fn host_without_a_scheme_is_named_as_a_url() {
    let scene = Scene::new();
    let host = scene.url.split("//").nth(1).unwrap();
    let failed = scene.home.run(["login", host]).fails(3);
    assert!(
        failed.stderr.contains(&format!("`oauthctl login {}`", scene.url)),
        "{}",
        failed.stderr
    );
    let failed = scene.home.run(["token", "-p", "mcp.example.com/mcp"]).fails(3);
    let command = "`oauthctl login https://mcp.example.com/mcp`";
    assert!(failed.stderr.contains(command), "{}", failed.stderr);
}

#[test]
fn url_can_be_the_default_profile() {
    let scene = Scene::new();
    scene.home.run(["profile", "default", &scene.url]).ok();
    let config = std::fs::read_to_string(scene.home.config_path()).unwrap();
    assert!(config.contains(&format!("profile = \"{}\"", scene.url)), "{config}");
    scene.home.run(["token"]).fails(4);
    let login = scene.home.run(["login", "--json"]).ok().json();
    assert_eq!(login["profile"], scene.url);
    // The same URL in another spelling, and a rule instead of the default.
    let token = scene.home.run(["token"]).ok().line().to_owned();
    let other = scene.url.replace("http:", "HTTP:");
    let directory = scene.home.path("").display().to_string();
    for config in [
        format!("[defaults]\nprofile = \"{other}\"\n"),
        format!("[[rules]]\ndirectory = \"{directory}\"\nprofile = \"{other}\"\n"),
    ] {
        scene.home.config(&config);
        assert_eq!(scene.home.run(["token"]).ok().line(), token, "{config}");
        assert_eq!(scene.home.run(["status", "--json"]).ok().json()[0]["profile"], scene.url);
    }
    // The account of a rule too, whichever way the URL is selected.
    scene.home.run(["login", "--account", "work"]).ok();
    scene.home.config(&format!("[[rules]]\ndirectory = \"{directory}\"\naccount = \"work\"\n"));
    let work = scene.home.run(["token", "-p", &scene.url]).ok().line().to_owned();
    assert_ne!(work, token);
    assert_eq!(scene.home.run(["token"]).ok().line(), work);
    scene.home.config(&format!("[defaults]\nprofile = \"{other}\"\n"));
    scene.home.run(["logout", "--all"]).ok();
    assert_eq!(scene.home.run(["login", "--json"]).ok().json()["profile"], other);
}
