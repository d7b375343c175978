//! How the browser is started, what it inherits, and logins without one.

use serde_json::json;

use crate::support::*;
use crate::user::*;

#[test]
fn missing_browser_prints_the_url_and_waits() {
    let mut home = home("tag.printed");
    let browser = home.browser(&json!({ "mode": "honest" }));
    let (running, url) = listening(&home, &["p"]);
    let to = callback(&url);
    assert_eq!(visit(&to).unwrap().status, 200);
    let output = running.wait().ok();
    assert!(visit(&to).is_none(), "the listener outlives the login");
    assert_eq!(output.stdout, "");
    assert!(browser.openings().is_empty());
    // Quiet is no reason to hide the only way in.
    let mut running = home.spawn(["login", "p", "--no-browser", "-q"]);
    let url = url_to_open(&mut running);
    visit(&callback(&url)).unwrap();
    running.wait().ok();
}

/// No display, no `BROWSER`: nothing can be opened, so the URL is printed.
#[test]
fn machine_without_a_browser_is_told_the_url() {
    let home = home("tag.headless");
    let mut running = home.spawn(["login", "p"]);
    let url = url_to_open(&mut running);
    assert_eq!(visit(&callback(&url)).unwrap().status, 200);
    running.wait().ok();
}

#[test]
fn browser_gets_no_variable_with_a_secret() {
    let mut home = home("tag.variables");
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!(
        "{config}\n[profiles.ci]\nissuer = \"https://as.example\"\nclient_id = \"ci\"\n\
         grant = \"jwt_bearer\"\nclient_assertion = {{ github_actions = {{ audience = \"a\" }} }}\n\
         [profiles.own]\nissuer = \"https://as.example\"\nclient_id = \"own\"\n\
         client_secret = {{ env = \"OWN_SECRET\" }}\n"
    ));
    let hidden = ["ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL", "OWN_SECRET"];
    for name in hidden.into_iter().chain(["OF_THE_PERSON"]) {
        home.set(name, "a-value");
    }
    let browser = home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "p"]).ok();
    let environ = &browser.openings()[0].environ;
    assert!(environ.contains_key("OF_THE_PERSON"));
    for name in hidden {
        assert!(!environ.contains_key(name), "{name}");
    }
}

#[test]
fn no_input_opens_no_browser_and_prompts_for_nothing() {
    let mut home = home("tag.no-input");
    let browser = home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "p", "--no-input"]).fails(4);
    home.run(["login", "p", "--flow", "paste", "--no-browser"]).fails(4);
    assert!(browser.openings().is_empty());
}

/// What the browser gets: the URL as its last argument, and none of what is the program's own.
#[test]
fn browser_inherits_no_secret() {
    let mut home = Home::new();
    let scenario = "tag.inherited";
    let secret = hostile().secrets["cli-post"].as_deref().unwrap();
    home.set("APP_SECRET", secret);
    let key = home.run(["store", "keygen"]).ok().stdout;
    let key = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY-")).unwrap();
    home.set("OAUTHCTL_STORE_KEY", key);
    home.set("OAUTH_ACCESS_TOKEN", "CANARY-of-the-shell");
    let more = "client_secret = { env = \"APP_SECRET\" }\nclient_auth = \"client_secret_post\"\nscopes = [\"api\"]\n";
    home.profile("p", &hostile().issuer(scenario), "cli-post", more);
    let browser = home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "p"]).ok();
    let opened = &browser.openings()[0];
    assert_eq!(opened.argv.last(), Some(&opened.url));
    let everything = format!("{:?} {:?}", opened.argv, opened.environ);
    assert_not_shown(&everything, hostile().secrets_minted());
    assert_not_shown(&everything, [key, "CANARY-of-the-shell"]);
    let mine: Vec<&String> = opened
        .descriptors
        .values()
        .filter(|to| to.contains(home.root().to_str().unwrap()))
        .collect();
    assert!(mine.is_empty(), "{mine:?}");
    let sockets = opened.descriptors.values().filter(|to| to.starts_with("socket:")).count();
    assert_eq!(sockets, 0, "{:?}", opened.descriptors);
}

#[test]
fn unavailable_browser_is_reported_once_with_the_url() {
    let mut home = home("tag.no-such-browser");
    for (name, value, why) in [
        ("BROWSER", "no-such-browser", "not found in PATH"),
        ("OAUTHCTL_BROWSER", "./own", "relative paths are not accepted; use an absolute path"),
    ] {
        home.set(name, value);
        let mut running = home.spawn(["login", "p"]);
        let url = url_to_open(&mut running);
        visit(&callback(&url)).unwrap();
        let said = running.wait().ok().stderr;
        let told =
            format!("Could not open a browser: cannot start a browser ({value} in {name}: {why}).");
        assert_eq!(said.matches(&told).count(), 1, "{said}");
    }
}

#[test]
fn unusable_browser_of_the_flag_fails_at_once() {
    let home = home("tag.unusable-browser");
    for (value, why) in [
        ("./own", "relative paths are not accepted"),
        ("no-such-browser", "not found in PATH"),
        ("/no/such/browser %s", "not a program"),
    ] {
        for profile in ["p", "https://as.invalid/mcp"] {
            let failed = home.run(["login", profile, "--browser", value]).fails(2);
            let told = "error: the value of `--browser` cannot be used: ";
            assert!(failed.stderr.starts_with(told), "{}", failed.stderr);
            assert!(failed.stderr.contains(why), "{}", failed.stderr);
            assert!(!failed.stderr.contains("https:"), "no URL is opened: {}", failed.stderr);
        }
    }
}
