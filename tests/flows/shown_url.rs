//! It is impossible to know whether a browser opens, so the user always sees the URL.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::support::*;
use crate::user::*;

/// A directory with a program of this name, which does nothing and succeeds, to be put on the `PATH`.
fn launcher_that_does_nothing(home: &Home, name: &str) -> String {
    let file = home.path("launchers").join(name);
    home.write(&file, "#!/bin/sh\nexit 0\n");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    format!("{}:{}", file.parent().unwrap().display(), path.display())
}

/// The authorization URL, which is on a separate line.
fn shown(running: &mut Running) -> String {
    running.await_stderr(|text| {
        let is_whole =
            |line: &&str| line.starts_with("  http") && text.contains(&format!("{line}\n"));
        let line = text.lines().find(is_whole)?;
        Some(line.trim_start().to_owned())
    })
}

#[test]
fn login_without_a_browser_says_where_it_waits() {
    let mut home = Home::new();
    profile(&home, "tag.where", WITH_DEVICE);
    for name in ["BROWSER", "OAUTHCTL_BROWSER", "DISPLAY", "WAYLAND_DISPLAY"] {
        home.unset(name);
    }
    for args in [&["--flow", "browser"][..], &["--no-browser"]] {
        let mut running = home.spawn([&["login", "p", "--timeout", "90s"], args].concat());
        let url = shown(&mut running);
        let redirect_uri = parameters(&url)["redirect_uri"].clone();
        let place = format!(" for the response at {redirect_uri}.");
        running.await_stderr(|text| text.contains(&place).then_some(()));
        running.await_stderr(|text| text.contains("`--flow device`").then_some(()));
        visit(&callback(&url)).unwrap();
        running.wait().ok();
    }
}

#[test]
fn options_without_effect_are_told() {
    let home = home("tag.no-effect");
    let paste = ["login", "p", "--flow", "paste", "--qr", "--port", "4711"];
    let output = home.run(paste).fails(4);
    for option in ["--qr", "--port"] {
        let told = format!("warning: `{option}` has no effect in the paste flow");
        assert!(output.stderr.contains(&told), "{}", output.stderr);
    }
    let browser = ["login", "p", "--flow", "browser", "--no-browser", "--qr", "--timeout", "1s"];
    let output = home.run(browser).fails(6);
    assert!(
        output.stderr.contains("`--qr` has no effect in the browser flow"),
        "{}",
        output.stderr
    );
    let (_server, device) = crate::device::device();
    let output = device.run(["login", "p", "--flow", "device", "--qr", "--port", "4711"]).ok();
    assert!(!output.stderr.contains("`--qr` has"), "{}", output.stderr);
    assert!(
        output.stderr.contains("`--port` has no effect in the device flow"),
        "{}",
        output.stderr
    );
}

#[test]
fn url_is_shown_whatever_the_launcher_does() {
    let mut home = home("tag.shown");
    let desktop = launcher_that_does_nothing(&home, "xdg-open");
    launcher_that_does_nothing(&home, "wslview");
    home.set("LC_ALL", "en_US.ISO-8859-1").set("COLUMNS", "40");
    let variables = [
        &[("BROWSER", "true")][..],
        &[("BROWSER", "echo %s")],
        &[("BROWSER", "sleep 60 --")],
        &[("BROWSER", "false:true")],
        &[("OAUTHCTL_BROWSER", "true")],
        &[("BROWSER", " : "), ("DISPLAY", ":0"), ("PATH", &desktop)],
        &[("BROWSER", ""), ("WSL_DISTRO_NAME", "Debian"), ("PATH", &desktop)],
    ];
    for set in variables {
        for name in ["BROWSER", "OAUTHCTL_BROWSER", "DISPLAY", "WSL_DISTRO_NAME"] {
            home.unset(name);
        }
        for (name, value) in set {
            home.set(name, value);
        }
        let mut running = home.spawn(["login", "p"]);
        let url = shown(&mut running);
        let said = running.stderr_so_far();
        assert!(said.contains("Opening the browser"), "{set:?}: {said}");
        assert_eq!(visit(&callback(&url)).unwrap().status, 200, "{set:?}");
        running.wait().ok();
    }
}

#[test]
fn pasting_user_sees_the_url_and_what_to_paste() {
    for quiet in [&[][..], &["-q"]] {
        let mut home = Home::new();
        pasting(&home, "tag.shown-paste", "");
        home.set("BROWSER", "true");
        let mut running = home.spawn([&["login", "p", "--flow", "paste"], quiet].concat());
        let url = shown(&mut running);
        running.await_stderr(|text| text.contains("paste the URL from the browser").then_some(()));
        running.write(&format!("{}\n", callback(&url)));
        running.wait().ok();
    }
}

#[test]
fn quiet_login_shows_the_url_only_without_a_browser() {
    let mut home = home("tag.shown-quiet");
    home.browser(&json!({ "mode": "honest" }));
    assert_eq!(home.run(["login", "p", "-q"]).ok().stderr, "");
    // The launcher has succeeded, but no request arrives.
    home.set("BROWSER", "true");
    let mut running = home.spawn(["login", "p", "-q"]);
    let url = url_to_open(&mut running);
    assert_eq!(visit(&callback(&url)).unwrap().status, 200);
    running.wait().ok();
    // A browser that stays open is one.
    let waits = home.path("waits");
    let browser = home.browser(&json!({ "mode": "honest", "after": waits }));
    let running = home.spawn(["login", "p", "-q"]);
    browser.await_callback();
    fs::write(&waits, "").unwrap();
    assert_eq!(running.wait().ok().stderr, "");
}

/// Values that a terminal would obey or a shell would split are never part of it.
#[test]
fn url_that_no_browser_may_open_is_not_shown() {
    let home = Home::new();
    home.config(
        "[profiles.p]\nclient_id = \"c\"\nauthorization_endpoint = \"https://as.example/\u{e4}`id`\"\n\
         token_endpoint = \"https://as.example/token\"\n",
    );
    let output = home.run(["login", "p", "--no-browser"]).fails(7);
    assert!(!output.stderr.contains("  https://"), "{}", output.stderr);
}
