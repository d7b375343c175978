//! Hints that give a call other options, or name another call.

use oauthctl_sandbox::{CONFIDENTIAL_CLIENT, CONFIDENTIAL_SECRET};
use serde_json::json;

use super::{commands, set, shell, span, spans, with_option};
use crate::fixture::{TOKEN, grant, plant, planted, with_sandbox};
use crate::support::Home;

#[test]
fn option_of_a_hint_lets_the_login_succeed() {
    for (key, call, beginning) in [
        ("redirect_uri = \"https://app.example/cb\"", &["login", "s"][..], "redirect_uri = "),
        ("", &["login", "s", "--param", "scope=openid"], "--scope"),
        ("", &["login", "s", "--scope", "openid,email"], "--scope "),
        ("", &["login", "s", "--store", "keyring"], "--store file"),
    ] {
        let (mut home, _sandbox) = with_sandbox(None);
        home.unset("OAUTHCTL_STORE").unset("DBUS_SESSION_BUS_ADDRESS");
        home.set("OAUTHCTL_STORE", "file");
        if !key.is_empty() {
            set(&home, "s", key);
        }
        let failed = home.run(call);
        let told = span(&failed, beginning);
        if beginning.ends_with(" = ") {
            set(&home, "s", &told);
        }
        let option = match &*told {
            // The scope that was to be a parameter.
            "--scope" => "--scope openid",
            told if told.starts_with("--") => told,
            _ => "",
        };
        home.browser(&json!({ "mode": "honest" }));
        let done = with_option(&home, &call[..2], option);
        assert_eq!(done.status, 0, "{call:?} {option}: {}", done.stderr);
        assert!(!done.stderr.contains("warning:"), "{call:?} {option}: {}", done.stderr);
    }
}

#[test]
fn login_that_nobody_answers_gets_longer_as_told() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.set("BROWSER", "true");
    let failed = home.run(["login", "s", "--timeout", "1s"]).fails(6);
    let option = span(&failed, "--timeout ");
    home.browser(&json!({ "mode": "honest" }));
    with_option(&home, &["login", "s"], &option).ok();
}

#[test]
fn proxy_on_a_port_in_use_gets_another_as_told() {
    let home = planted(TOKEN);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("{config}api_url = [\"https://api.example.com/\"]\n"));
    let call = ["proxy", "-p", "p", "--listen", &address, "--", "true"];
    let failed = home.run(call).fails(9);
    assert!(failed.stderr.contains("or omit `--listen`"), "{}", failed.stderr);
    home.run(["proxy", "-p", "p", "--", "true"]).ok();
}

#[test]
fn port_in_use_is_replaced_as_told() {
    let (mut home, _sandbox) = with_sandbox(None);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let failed = home.run(["login", "s", "--port", &port]);
    let option = span(&failed, "--port ");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = free.local_addr().unwrap().port().to_string();
    drop(free);
    home.browser(&json!({ "mode": "honest" }));
    with_option(&home, &["login", "s"], &option.replace('N', &other)).ok();
    drop(taken);
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "s", "--port", &port]).ok();
}

#[test]
fn login_without_input_runs_without_the_option() {
    let (mut home, _sandbox) = with_sandbox(None);
    let failed = home.run(["login", "s", "--no-input"]).fails(4);
    assert!(failed.stderr.contains("without `--no-input`"), "{}", failed.stderr);
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "s"]).ok();
    let failed = home.run(["complete", "-", "--no-input"]);
    assert_ne!(failed.status, 0);
}

#[test]
fn login_that_status_lacks_is_made_as_told() {
    let (mut home, _sandbox) = with_sandbox(None);
    let said = home.run(["status", "s"]).ok();
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &commands(&said)[0], "").ok();
    assert!(home.run(["status", "s"]).ok().stdout.contains("s / default"));
    let said = Home::new().run(["status"]).ok();
    let filled = commands(&said)[0].replace("PROFILE", "s");
    home.browser(&json!({ "mode": "honest" }));
    shell(&home, &filled, "").ok();
    let failed = home.run(["status", "--account", "x"]).fails(2);
    shell(&home, &commands(&failed)[0].replace("PROFILE", "s"), "").ok();
}

#[test]
fn one_account_of_several_is_named_as_told() {
    let home = planted(TOKEN);
    plant(&home, &grant("two", TOKEN, |_| ()));
    plant(&home, &grant("three", TOKEN, |_| ()));
    home.run(["logout", "p", "--local"]).ok();
    for call in
        [&["token", "p"][..], &["export", "p"], &["attr", "list", "p"], &["logout", "p", "--local"]]
    {
        let failed = home.run(call).fails(3);
        let option = span(&failed, "--account");
        let (_, names) =
            failed.stderr.split_once(": three").unwrap_or_else(|| panic!("{}", failed.stderr));
        assert!(names.starts_with(", two"), "{}", failed.stderr);
        with_option(&home, call, &format!("{option} two")).ok();
    }
    plant(&home, &grant("two", TOKEN, |_| ()));
    let failed = home.run(["logout", "p", "--local"]).fails(3);
    with_option(&home, &["logout", "p", "--local"], &span(&failed, "--all")).ok();
    let failed = home.run(["logout", "p", "--account", "nobody"]).fails(3);
    shell(&home, &commands(&failed)[0], "").ok();
}

#[test]
fn one_profile_of_several_is_named_as_told() {
    let home = planted(TOKEN);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&(config.clone() + &config.replace("profiles.p", "profiles.q")));
    let failed = home.run(["token"]).fails(3);
    assert!(spans(&failed).contains(&"-p".to_owned()), "{}", failed.stderr);
    with_option(&home, &["token"], "-p p").ok();
    let said = spans(&failed);
    for word in ["profile", "[defaults]"] {
        assert!(said.contains(&word.to_owned()), "{}", failed.stderr);
    }
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!("[defaults]\nprofile = \"p\"\n{config}"));
    home.run(["token"]).ok();
}

#[test]
fn format_and_import_hints_work_as_told() {
    let home = planted(TOKEN);
    let failed = home.run(["token", "p", "--format", "xoauth2"]).fails(2);
    with_option(&home, &["token", "p", "--format", "xoauth2"], &span(&failed, "--user me")).ok();
    let warned = home.run(["export", "p"]).ok();
    let option = span(&warned, "--recipient ");
    let failed = home.run(["export", "p", "--recipient", "bogus"]).fails(2);
    let made = shell(&home, &commands(&failed)[0], "").ok();
    let recipient = made.stderr.split_whitespace().find(|word| word.starts_with("age1")).unwrap();
    let recipient = recipient.trim_end_matches(['.', ',']);
    let sealed = with_option(&home, &["export", "p"], &option.replace("age1…", recipient)).ok();
    assert!(sealed.stdout.starts_with("oauthctl-1-age."), "{}", sealed.stdout);
    let failed = home.run_with(["import"], &warned.stdout).fails(3);
    let option = span(&failed, "--replace");
    shell(&home, &format!("oauthctl import {option}"), &warned.stdout).ok();
    let failed = home.run(["token", "p", "--scope", ""]).fails(2);
    let option = spans(&failed).into_iter().find(|span| span == "--scope").unwrap();
    let next = with_option(&home, &["token", "p"], &format!("{option} read"));
    assert_eq!(next.status, 9, "nothing answers there: {}", next.stderr);
}

#[test]
fn profiles_are_added_and_replaced_as_told() {
    let home = Home::new();
    let add = ["profile", "add", "q", "--client-id", "c"];
    let failed = home.run(add).fails(3);
    let options = spans(&failed);
    let provider = options.iter().find(|option| option.starts_with("--provider ")).unwrap();
    with_option(&home, &add, &provider.replace("NAME", "gitlab")).ok();
    home.run(["profile", "remove", "q"]).ok();
    let issuer = options.iter().find(|option| option.starts_with("--issuer ")).unwrap();
    with_option(&home, &add, &issuer.replace("URL", "https://as.example")).ok();
    let secret = ["profile", "add", "r", "--client-id", "c", "--issuer", "https://as.example"];
    let failed = home.run(secret.iter().chain(&["--set", "client_secret=plain"])).fails(2);
    with_option(&home, &secret, &span(&failed, "--set ")).ok();
    let failed =
        home.run(["profile", "add", "z", "--client-id", "c", "--provider", "zzz"]).fails(3);
    shell(&home, &commands(&failed)[0], "").ok();
    let failed = home.run(["man", "--dir", "/proc/no"]).fails(2);
    let dir = home.path("pages");
    with_option(&home, &["man"], &format!("{} {}", span(&failed, "--dir"), dir.display())).ok();
}

#[test]
fn attributes_find_room_as_told() {
    let home = planted(TOKEN);
    let many = "x".repeat(3_000);
    let mut failed = None;
    for number in 0..12 {
        let output = home.run(["attr", "set", "p", &format!("a{number}"), &many]);
        if output.status != 0 {
            failed = Some(output);
            break;
        }
    }
    let failed = failed.expect("a limit").fails(2);
    shell(&home, &commands(&failed)[0].replace("NAME", "a0"), "").ok();
    home.run(["attr", "set", "p", "again", &many]).ok();
    // A flow has room for less.
    let home = planted(TOKEN);
    let attributes: Vec<String> = (0..6).map(|number| format!("a{number}={many}")).collect();
    let options = attributes.iter().flat_map(|pair| ["--attr", pair]);
    let start: Vec<&str> = ["start", "p"].into_iter().chain(options).collect();
    let failed = home.run(&start).fails(2);
    let command = commands(&failed)[0].replace("NAME", "later").replace("VALUE", "v");
    home.run(&start[..4]).ok();
    shell(&home, &command, "").ok();
    // A sealed state has room for less again.
    let sealed: Vec<&str> = start[..8].iter().copied().chain(["--sealed"]).collect();
    let failed = home.run(&sealed).fails(2);
    assert!(spans(&failed).contains(&"--sealed".to_owned()), "{}", failed.stderr);
    home.run(&sealed[..sealed.len() - 1]).ok();
}

#[test]
fn flows_start_and_start_again_as_told() {
    let (mut home, _sandbox) = with_sandbox(None);
    let failed = home.run(["complete", "http://127.0.0.1/callback?code=x&state=y"]).fails(7);
    shell(&home, &commands(&failed)[0], "").ok();
    let failed = home.run(["pending", "show", "g_none"]).fails(3);
    shell(&home, &commands(&failed)[0], "").ok();
    home.browser(&json!({ "mode": "honest" }));
    home.run(["login", "s", "--account", "ada"]).ok();
    let start = ["start", "s", "--user", "ada"];
    let failed = home.run(start).fails(3);
    shell(&home, &commands(&failed)[0], "").ok();
    home.run(start).ok();
}

#[test]
fn profile_for_a_web_application_starts_as_told() {
    let (home, sandbox) = with_sandbox(None);
    let set = "redirect_uri=https://app.example/cb";
    let add = ["profile", "add", "web", "--client-id", "demo", "--issuer", &sandbox.issuer];
    let added = home.run(add.iter().chain(&["--set", set])).ok();
    shell(&home, &commands(&added)[0], "").ok();
    let failed = home.run(["login", "--config", "/no/such/file.toml", "web"]).fails(3);
    let option = spans(&failed).into_iter().find(|span| span == "--config").unwrap();
    let right = home.config_path();
    let listed = with_option(&home, &["profile", "list"], &format!("{option} {}", right.display()));
    assert!(listed.ok().stdout.contains("web"));
}

/// A grant whose login the server has ended.
fn dead_grant(id: &str) -> String {
    grant("default", TOKEN, |grant| {
        grant["id"] = json!(id);
        grant["tokens"]["expires_at"] = json!(1_700_000_100);
        grant["dead"] = json!({ "since": 1_700_000_100, "reason": "invalid_grant" });
    })
}

#[test]
fn job_whose_login_ended_takes_a_new_line_as_told() {
    let mut job = Home::new();
    job.config(crate::fixture::PROFILE);
    plant(&job, &dead_grant("g_former"));
    // The line that the job began with is not tried again.
    job.set("OAUTHCTL_IMPORT", dead_grant("g_former"));
    let failed = job.run(["token", "p"]).fails(4);
    assert_eq!(commands(&failed), ["oauthctl login p", "oauthctl export p"], "{}", failed.stderr);
    assert!(failed.stderr.contains("set OAUTHCTL_IMPORT to the output of"), "{}", failed.stderr);
    // The new login, made elsewhere.
    let other = planted(TOKEN);
    let line = shell(&other, &commands(&failed)[1], "").ok().stdout;
    job.set("OAUTHCTL_IMPORT", line.trim());
    let token = job.run(["token", "p"]).ok();
    assert_eq!(token.line(), TOKEN);
    assert!(token.stderr.contains("Imported"), "{}", token.stderr);
    assert!(!job.run(["token", "p"]).ok().stderr.contains("Imported"));
}

#[test]
fn variable_without_a_line_is_said_to_be_empty() {
    let mut job = Home::new();
    job.config(crate::fixture::PROFILE);
    for empty in ["", " \n"] {
        job.set("OAUTHCTL_IMPORT", empty);
        let failed = job.run(["token", "p"]).fails(4);
        let told = "run `oauthctl login p`; OAUTHCTL_IMPORT is set, but empty";
        assert!(failed.stderr.contains(told), "{}", failed.stderr);
    }
}

#[test]
fn verbose_commands_say_that_a_token_is_new() {
    let home = Home::new();
    let sandbox = crate::fixture::Sandbox::start(&home);
    let more = format!("grant = \"client_credentials\"\nclient_secret = {CONFIDENTIAL_SECRET:?}");
    home.profile("s", &sandbox.issuer, CONFIDENTIAL_CLIENT, &more);
    let said = "The server issued a new token for `s` that is valid for ";
    for (call, is_new) in [
        (&["-v", "token", "s"][..], true),
        (&["-v", "token", "s"], false),
        (&["token", "s", "--force-refresh"], false),
        (&["-v", "exec", "-p", "s", "--min-ttl", "59m", "--", "true"], false),
        (&["-v", "token", "s", "--force-refresh"], true),
    ] {
        let output = home.run(call).ok();
        assert_eq!(output.stderr.contains(said), is_new, "{call:?}: {}", output.stderr);
    }
}
