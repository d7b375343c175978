//! `oauthctl sandbox` and `oauthctl demo`.

use rustix::process::Signal;
use serde_json::Value;

use crate::fixture::settled;
use crate::followed::shell;
use crate::snapshot::check;
use crate::support::Home;

#[test]
fn sandbox_prints_its_issuer_and_ends_on_a_signal() {
    for signal in [Signal::TERM, Signal::INT] {
        let home = Home::new();
        let mut running = home.spawn(["sandbox"]);
        let issuer = running.await_stdout(|text| text.strip_suffix('\n').map(str::to_owned));
        assert!(issuer.starts_with("http://127.0.0.1:"), "{issuer}");
        running.await_stderr(|text| text.contains("oauthctl login sandbox").then_some(()));
        running.signal(signal);
        let output = running.wait().ok();
        assert_eq!(output.stdout, format!("{issuer}\n"));
        assert!(!output.stderr.contains("error:"), "{}", output.stderr);
    }
}

#[test]
fn lines_to_try_work_without_a_keyring() {
    let mut home = Home::new();
    home.unset("OAUTHCTL_STORE");
    home.browser(&serde_json::json!({ "mode": "honest" }));
    let mut running = home.spawn(["sandbox", "--auto-consent"]);
    let last = "oauthctl login sandbox\n";
    let said = running.await_stderr(|text| text.ends_with(last).then(|| text.to_owned()));
    let (_, lines) = said.split_once("Try:\n").unwrap();
    assert!(lines.lines().all(|line| line.len() <= 80), "{lines}");
    shell(&home, &format!("set -e\n{lines}oauthctl token sandbox"), "").ok();
}

#[test]
fn sandbox_takes_the_port_it_is_given_or_none() {
    let home = Home::new();
    let mut first = home.spawn(["sandbox", "--json"]);
    let at: Value = first
        .await_stdout(|text| text.ends_with('\n').then(|| serde_json::from_str(text).unwrap()));
    let port = at["issuer"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let second = home.run(["sandbox", "--port", &port]).fails(9);
    assert!(second.stderr.contains(&port), "{}", second.stderr);
    first.signal(Signal::TERM);
    first.wait().ok();
    let mut third = home.spawn(["sandbox", "--port", &port]);
    let issuer = third.await_stdout(|text| text.strip_suffix('\n').map(str::to_owned));
    assert_eq!(issuer, format!("http://127.0.0.1:{port}"));
}

#[test]
fn sandbox_lists_all_scenarios_that_it_accepts() {
    let home = Home::new();
    let listed = home.run(["sandbox", "--scenario", "help"]).ok().stdout;
    let json = home.run(["sandbox", "--scenario", "help", "--json"]).ok().json();
    let all = json.as_array().unwrap();
    assert!(all.len() > 100);
    assert_eq!(listed.lines().count(), all.len());
    for scenario in all {
        let name = scenario["name"].as_str().unwrap();
        assert!(listed.lines().any(|line| line.starts_with(name)), "{name}");
    }
    let joined = home.run(["sandbox", "--scenario", "deny,rotat"]).fails(2).stderr;
    assert!(joined.contains("`rotat`") && joined.contains("`rotate`"), "{joined}");
    let unknown = home.run(["sandbox", "--scenario", "rotat"]).fails(2);
    assert!(unknown.stderr.contains("`rotate`"), "{}", unknown.stderr);
}

#[test]
fn scenario_of_the_flag_decides_the_login() {
    let mut home = Home::new();
    let mut running = home.spawn(["sandbox", "--scenario", "deny,rotate", "--json", "-q"]);
    let at: Value = running
        .await_stdout(|text| text.ends_with('\n').then(|| serde_json::from_str(text).unwrap()));
    home.profile("s", at["issuer"].as_str().unwrap(), "demo", "");
    home.browser(&serde_json::json!({ "mode": "honest" }));
    home.run(["login", "s"]).fails(5);
    assert_eq!(running.stderr_so_far(), "");
}

#[test]
fn demo_works_on_a_machine_with_nothing() {
    let mut home = Home::new();
    for name in
        ["OAUTHCTL_CONFIG", "OAUTHCTL_STATE_DIR", "OAUTHCTL_STORE", "HOME", "XDG_CONFIG_HOME"]
    {
        home.unset(name);
    }
    let output = home.run(["demo"]).ok();
    check("demo", &settled(&home, &output.stderr).replace("59 min 59 s", "1 h"));
    let tokens: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(tokens.len(), 2, "{}", output.stdout);
    assert_ne!(tokens[0], tokens[1]);
    crate::support::assert_not_shown(&output.stderr, &tokens);
    assert_eq!(home.files(), [] as [std::path::PathBuf; 0]);
    for dir in ["tmp", "home", "config", "data", "cache", "run", "xdg-state"] {
        let left: Vec<_> = std::fs::read_dir(home.path(dir)).unwrap().collect();
        assert!(left.is_empty() || dir == "config" && left.len() == 1, "{dir}: {left:?}");
    }
}

#[test]
fn demo_in_json_has_its_keys_and_no_token() {
    let home = Home::new();
    let output = home.run(["demo", "--json"]).ok();
    let json = output.json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["issuer", "identity", "grant_id", "scopes", "rotated", "requests"]);
    assert_eq!(json["rotated"], true);
    assert!(
        !output.stdout.contains("sandbox-access-") && !output.stderr.contains("sandbox-access-")
    );
    let quiet = home.run(["demo", "-q"]).ok();
    assert_eq!((quiet.stdout.lines().count(), quiet.stderr.as_str()), (2, ""));
}

/// The launcher does nothing, and the user goes there.
#[test]
fn demo_with_a_browser_shows_the_whole_url() {
    let home = Home::new();
    for quiet in [&[][..], &["-q"]] {
        let mut running = home.spawn([&["demo", "--browser", "true"], quiet].concat());
        let url = running.await_stderr(|text| {
            let line = text.lines().find(|line| line.contains("/authorize?"))?;
            text.contains(&format!("{line}\n")).then(|| line.trim().to_owned())
        });
        assert!(url.starts_with("http://127.0.0.1:") && url.contains("&state="), "{url}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let page =
            runtime.block_on(async { reqwest::get(&url).await.unwrap().text().await.unwrap() });
        assert!(page.contains("<form"), "{page}");
        running.signal(Signal::TERM);
        running.wait().fails(143);
    }
}

#[test]
fn interrupted_demo_leaves_nothing() {
    let home = Home::new();
    let mut running = home.spawn(["demo", "--browser", "true"]);
    running.await_stderr(|text| text.contains("response_type").then_some(()));
    running.signal(Signal::TERM);
    running.wait().fails(143);
    assert!(std::fs::read_dir(home.path("tmp")).unwrap().next().is_none());
}
