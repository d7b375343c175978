//! Which profile and account a command uses that names none: by variables, rules and defaults.

use std::path::Path;

use crate::fixture::{PROFILE, TOKEN, grant, plant, planted, with_sandbox};
use crate::followed::{commands, shell};
use crate::support::Home;

/// A home with the profiles `p` (the default) and `q`, and logins `default` and `work` of both.
fn home(rules: &str) -> Home {
    let home = Home::new();
    home.config(&format!(
        "[defaults]\nprofile = \"p\"\n{}{}{rules}",
        "[profiles.p]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n",
        "[profiles.q]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n",
    ));
    for profile in ["p", "q"] {
        for account in ["default", "work"] {
            plant(
                &home,
                &grant(account, &format!("{profile}-{account}-token"), |g| {
                    g["key"]["profile"] = profile.into();
                    g["pin"]["issuer"] = "https://as.example".into();
                    g["pin"]["client_id"] = "c".into();
                }),
            );
        }
    }
    home
}

#[track_caller]
fn token_in(home: &Home, directory: &Path, variables: &[(&str, &str)], args: &[&str]) -> String {
    let mut command = home.command([&["token"], args].concat());
    command.current_dir(directory).envs(variables.iter().copied());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn rule(directory: &Path, more: &str) -> String {
    format!("[[rules]]\ndirectory = {directory:?}\n{more}\n")
}

#[test]
fn rule_of_the_working_directory_selects_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    for below in ["work/deep", "worker", "both"] {
        std::fs::create_dir_all(root.join(below)).unwrap();
    }
    std::os::unix::fs::symlink(root.join("work"), root.join("link")).unwrap();
    let home = home(
        &[
            rule(&root.join("work"), "account = \"work\""),
            rule(&root.join("both"), "profile = \"q\"\naccount = \"work\""),
            rule(&root.join("both"), "profile = \"p\""),
        ]
        .concat(),
    );
    let account = ("OAUTHCTL_ACCOUNT", "default");
    let profile = ("OAUTHCTL_PROFILE", "q");
    // Twice: parsed, and from what the first run kept.
    for _ in 0..2 {
        for (below, variables, args, token) in [
            ("", &[][..], &[][..], "p-default-token"),
            ("work", &[], &[], "p-work-token"),
            ("work/deep", &[], &[], "p-work-token"),
            ("link/deep", &[], &[], "p-work-token"),
            ("worker", &[], &[], "p-default-token"),
            ("work", &[profile], &[], "q-work-token"),
            ("work", &[account], &[], "p-default-token"),
            ("work", &[account], &["--account", "work"], "p-work-token"),
            ("both", &[], &[], "q-work-token"),
            ("both", &[], &["-p", "q"], "q-work-token"),
            ("both", &[], &["-p", "p"], "p-default-token"),
            ("both", &[("OAUTHCTL_PROFILE", "p")], &[], "p-default-token"),
            ("", &[("OAUTHCTL_ACCOUNT", "work")], &[], "p-work-token"),
        ] {
            let found = token_in(&home, &root.join(below), variables, args);
            assert_eq!(found, token, "{below} {variables:?} {args:?}");
        }
    }
}

#[test]
fn profile_show_without_name_follows_the_rules() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let home = home(&rule(&root, "profile = \"q\""));
    home.config(&std::fs::read_to_string(home.config_path()).unwrap().replace(
        "[profiles.q]\nissuer = \"https://as.example\"",
        "[profiles.q]\nissuer = \"https://q.example\"",
    ));
    let shown = |directory: &Path, variables: &[(&str, &str)], args: &[&str]| {
        let mut command = home.command([&["profile", "show", "--json"], args].concat());
        command.current_dir(directory).envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        shown["issuer"].as_str().unwrap().to_owned()
    };
    let of = |name| [("OAUTHCTL_PROFILE", name)];
    let elsewhere = home.root();
    assert_eq!(shown(elsewhere, &[], &[]), "https://as.example", "the default");
    assert_eq!(shown(elsewhere, &of("q"), &[]), "https://q.example");
    assert_eq!(shown(elsewhere, &of("q"), &["p"]), "https://as.example");
    assert_eq!(shown(&root, &[], &[]), "https://q.example", "the rule");
    assert_eq!(shown(&root, &of("p"), &[]), "https://as.example");
    // A command that changes a profile requires its name.
    for command in ["remove", "set-secret"] {
        let failed = home.run(["profile", command]).fails(2);
        assert!(failed.stderr.contains("<PROFILE>"), "{}", failed.stderr);
    }
    let empty = Home::new().run(["profile", "show"]).fails(3);
    assert!(empty.stderr.contains("no profile is configured"), "{}", empty.stderr);
}

#[test]
fn rules_are_read_without_parsing_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let home = home(&rule(&root, "profile = \"q\"\naccount = \"work\""));
    assert_eq!(token_in(&home, &root, &[], &[]), "q-work-token");
    // What the first run kept decides about the second.
    let kept = home.state_dir().join("resolved/default.json");
    let text = std::fs::read_to_string(&kept).unwrap();
    assert!(text.contains("\"account\":\"work\""), "{text}");
    home.write(&kept, &text.replace("\"account\":\"work\"", "\"account\":\"default\""));
    assert_eq!(token_in(&home, &root, &[], &[]), "q-default-token");
}

#[test]
fn rule_that_is_wrong_is_named_with_its_line() {
    for (rules, says) in [
        ("[[rules]]\naccount = \"a\"\n", "[[rules]] needs `directory`"),
        ("[[rules]]\ndirectory = \"/x\"\n", "[[rules]] needs `profile` or `account`"),
        ("[[rules]]\ndirectory = \"x\"\naccount = \"a\"\n", "must be an absolute path"),
        ("[[rules]]\ndirectory = \"/x\"\nacount = \"a\"\n", "`acount`"),
        ("[[rules]]\ndirectory = \"/x\"\nprofile = \"nope\"\n", "unknown profile: `nope`"),
        ("[rules]\ndirectory = \"/x\"\n", "[[rules]]"),
    ] {
        let home = Home::new();
        home.config(&format!(
            "{rules}\n[profiles.p]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n"
        ));
        let output = home.run(["profile", "list"]).fails(3);
        assert!(output.stderr.contains(says), "{rules}: {}", output.stderr);
    }
}

#[test]
fn login_and_logout_use_the_account_of_the_variable() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.set("OAUTHCTL_ACCOUNT", "work");
    assert_eq!(home.run(["login", "s", "--json"]).ok().json()["account"], "work");
    home.unset("OAUTHCTL_ACCOUNT");
    let other = home.run(["login", "s", "--json"]).ok().json();
    assert_eq!(other["account"], "default");
    home.set("OAUTHCTL_ACCOUNT", "work");
    home.run(["logout", "s"]).ok();
    let left = home.run(["status", "--json"]).ok().json();
    assert_eq!((left.as_array().unwrap().len(), &left[0]["account"]), (1, &"default".into()));
    home.run(["token", "-p", "s"]).fails(4);
    home.run(["logout", "s"]).fails(3);
}

#[test]
fn added_scope_is_requested_with_those_of_the_login() {
    let (home, _sandbox) = with_sandbox(None);
    home.run(["login", "s", "--scope", "openid", "--scope", "read offline_access"]).ok();
    let login = home.run(["login", "s", "--add-scope", "write read", "--json"]).ok().json();
    assert_eq!(login["scopes"], serde_json::json!(["openid", "read", "offline_access", "write"]));
    // Another account has no login yet: the profile's scopes.
    let args = ["login", "s", "--account", "b", "--add-scope", "write", "--json"];
    let login = home.run(args).ok().json();
    let scopes = login["scopes"].as_array().unwrap();
    assert!(scopes.contains(&"write".into()) && scopes.len() > 1, "{scopes:?}");
    home.run(["login", "s", "--add-scope", "a", "--scope", "b"]).fails(2);
}

/// The scopes of the only account.
fn scopes(home: &Home) -> serde_json::Value {
    home.run(["status", "--json"]).ok().json()[0]["scopes"].clone()
}

#[test]
fn login_that_loses_scopes_says_how_to_get_them() {
    let (home, _sandbox) = with_sandbox(None);
    home.run(["login", "s", "--add-scope", "write"]).ok();
    let all = scopes(&home);
    let login = home.run(["login", "s"]).ok();
    assert_ne!(scopes(&home), all);
    assert!(login.stderr.contains("scopes that this one lacks: write\n"), "{}", login.stderr);
    assert_eq!(commands(&login), ["oauthctl login s --add-scope write"]);
    let login = shell(&home, &commands(&login)[0], "").ok();
    assert!(!login.stderr.contains("lacks"), "{}", login.stderr);
    assert_eq!(scopes(&home), all);
    // Who names the scopes knows what is missing.
    let login = home.run(["login", "s", "--scope", "openid"]).ok();
    assert!(!login.stderr.contains("lacks"), "{}", login.stderr);
}

#[test]
fn login_again_keeps_the_added_scopes() {
    let (home, sandbox) = with_sandbox(None);
    home.run(["login", "s", "--add-scope", "write read"]).ok();
    let all = scopes(&home);
    let revoke = || {
        let other = Home::new();
        sandbox.profile(&other, "s", None);
        plant(&other, home.run(["export", "s"]).ok().line());
        other.run(["logout", "s"]).ok();
    };
    revoke();
    // Refused now, and known to be refused.
    let login = "oauthctl login s --add-scope write --add-scope read";
    for args in [&["token", "s", "--force-refresh"][..], &["token", "s", "--min-ttl", "2h"]] {
        let failed = home.run(args).fails(4);
        assert_eq!(commands(&failed), [login], "{}", failed.stderr);
    }
    let failed = home.run(["token", "s", "--min-ttl", "2h", "--json"]).fails(4);
    assert!(failed.stderr.contains(&format!("run `{login}`")), "{}", failed.stderr);
    let status = home.run(["status", "s", "--json"]).ok().json();
    assert_eq!(status[0]["hint"], format!("run `{login}`"), "{status}");
    shell(&home, login, "").ok();
    assert_eq!(scopes(&home), all);
    // Nothing is added that the profile requests anyway.
    home.run(["login", "s", "--scope", "openid offline_access"]).ok();
    revoke();
    let failed = home.run(["token", "s", "--force-refresh"]).fails(4);
    assert_eq!(commands(&failed), ["oauthctl login s"]);
}

#[test]
fn logout_without_the_profile_warns_of_valid_tokens() {
    let home = planted(TOKEN);
    home.config(&PROFILE.replace("profiles.p", "profiles.q"));
    let output = home.run(["logout", "--all"]).ok();
    assert!(output.stderr.contains("no profile `p`, so its tokens are not revoked"), "{output:?}");
    assert!(output.stderr.contains("stay valid"), "{output:?}");
    home.config(PROFILE);
    home.run(["token"]).fails(4);
}
