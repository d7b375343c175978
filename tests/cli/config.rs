//! Precedence of settings, where configuration is read from, and the errors for an invalid file.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::fixture::{PROFILE, TOKEN, grant, planted, settled};
use crate::snapshot::check;
use crate::support::{Browser, Home, make_pipe};

fn store_in_use(home: &Home, more: &[&str]) -> String {
    let args = [&["store", "info", "--json"], more].concat();
    home.run(args).ok().json()["store"].as_str().unwrap().to_owned()
}

#[test]
fn config_flag_overrides_variable_and_platform() {
    let mut home = Home::new();
    let path = |home: &Home, args: &[&str]| {
        home.run([&["profile", "path"], args].concat()).ok().line().to_owned()
    };
    home.set("OAUTHCTL_CONFIG", "/from/variable.toml");
    assert_eq!(path(&home, &["--config", "/from/flag.toml"]), "/from/flag.toml");
    assert_eq!(path(&home, &[]), "/from/variable.toml");
    home.set("OAUTHCTL_CONFIG", "");
    assert_eq!(path(&home, &[]), home.path("config/oauthctl/config.toml").to_str().unwrap());
    home.unset("OAUTHCTL_CONFIG").unset("XDG_CONFIG_HOME");
    let expected = home.path("home/.config/oauthctl/config.toml");
    assert_eq!(path(&home, &[]), expected.to_str().unwrap());
    let json = home.run(["profile", "path", "--json"]).ok().json();
    assert_eq!(json["path"], expected.to_str().unwrap());
}

#[test]
fn very_large_invalid_file_has_a_short_error() {
    let home = Home::new();
    let profile = |n: usize| {
        format!("[profiles.p{n}]\nclient_idd = \"c\"\nscops = []\nissuer = \"https://a.example\"\n")
    };
    home.config(&(0..20_000).map(profile).collect::<String>());
    let output = home.run(["token", "-p", "p1"]).fails(3);
    assert!(output.stderr.contains("config.toml:2:1: unknown key `client_idd`"));
    assert!(output.stderr.contains("did you mean `scopes`?"));
    let lines: Vec<&str> = output.stderr.lines().collect();
    assert_eq!(lines.len(), 101, "{}", output.stderr);
    let others = lines[100].rsplit_once("config.toml: and ").expect(lines[100]).1;
    assert!(others.ends_with("9900 more"), "{others}");
}

#[test]
fn unknown_profile_suggests_only_a_similar_one() {
    let home = Home::new();
    let profile = |name: &str| PROFILE.replace("[profiles.p]", &format!("[profiles.{name}]"));
    let exchange = "grant = \"token_exchange\"\nsubject_token = { profile = \"NAME\" }\n";
    for text in [
        format!("[defaults]\nprofile = \"NAME\"\n{}", profile("gitlab")),
        format!("{}{}{exchange}", profile("gitlab"), profile("other")),
    ] {
        for (name, near) in [("gitlb", ", did you mean `gitlab`?\n"), ("work", "\n")] {
            home.config(&text.replace("NAME", name));
            let said = home.run(["profile", "list"]).fails(3).stderr;
            assert!(said.contains(&format!("unknown profile: `{name}`{near}")), "{said}");
            assert!(!said.contains("nearest"), "{said}");
        }
    }
}

#[test]
fn state_dir_variable_overrides_the_platform() {
    let mut home = Home::new();
    let state = |home: &Home| home.run(["store", "info", "--json"]).ok().json()["state"].clone();
    assert_eq!(state(&home), home.state_dir().to_str().unwrap());
    home.unset("OAUTHCTL_STATE_DIR");
    assert_eq!(state(&home), home.path("xdg-state/oauthctl").to_str().unwrap());
}

#[test]
fn store_flag_overrides_variable_profile_defaults() {
    let mut home = Home::new();
    home.config(&format!("[defaults]\nstore = \"file:/defaults\"\n{PROFILE}"));
    home.set("OAUTHCTL_STORE", "file:/variable");
    assert_eq!(store_in_use(&home, &["--store", "file:/flag"]), "file:/flag");
    assert_eq!(store_in_use(&home, &[]), "file:/variable");
    home.unset("OAUTHCTL_STORE");
    assert_eq!(store_in_use(&home, &[]), "file:/defaults");
    home.config("");
    assert_eq!(store_in_use(&home, &[]), "keyring");
}

#[test]
fn store_of_a_profile_overrides_the_defaults() {
    let mut home = Home::new();
    let dir = |name: &str| format!("file:{}", home.path(name).display());
    let (of_profile, of_defaults, of_variable) = (dir("sp"), dir("sd"), dir("sv"));
    home.config(&format!(
        "[defaults]\nstore = \"{of_defaults}\"\n{PROFILE}store = \"{of_profile}\"\n"
    ));
    home.unset("OAUTHCTL_STORE");
    let line = grant("default", TOKEN, |_| ());
    home.run_with(["import"], &line).ok();
    assert!(home.path("sp").is_dir() && !home.path("sd").exists());
    assert_eq!(home.run(["status", "--json"]).ok().json()[0]["store"], of_profile.as_str());
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    home.set("OAUTHCTL_STORE", &of_variable);
    home.run(["token", "--cached"]).fails(4);
    home.run(["token", "--store", &of_profile]).ok();
}

#[test]
fn profile_flag_overrides_variable_and_defaults() {
    let mut home = Home::new();
    let profile = |name: &str| PROFILE.replace("[profiles.p]", &format!("[profiles.{name}]"));
    let chosen = |home: &Home, args: &[&str]| {
        let said = home.run([&["token", "--cached"], args].concat()).fails(4).stderr;
        said.split('`').nth(1).unwrap().to_owned()
    };
    home.config(&profile("only"));
    assert_eq!(chosen(&home, &[]), "only");
    home.config(&format!(
        "[defaults]\nprofile = \"b\"\n{}{}{}",
        profile("a"),
        profile("b"),
        profile("c")
    ));
    assert_eq!(chosen(&home, &[]), "b");
    home.set("OAUTHCTL_PROFILE", "c");
    assert_eq!(chosen(&home, &[]), "c");
    assert_eq!(chosen(&home, &["-p", "a"]), "a");
    assert_eq!(chosen(&home, &["--profile", "a"]), "a");
    let list = home.run(["profile", "list", "--json"]).ok().json();
    let defaults: Vec<&str> = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|p| p["default"] == true)
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(defaults, ["b"]);
}

#[test]
fn browser_is_the_flags_then_ours_then_everybodys() {
    let mut home = Home::new();
    let sandbox = crate::fixture::Sandbox::start(&home);
    sandbox.profile(&home, "s", None);
    let mode = serde_json::json!({ "mode": "honest" });
    let [flag, ours, everybodys] = ["flag", "ours", "all"]
        .map(|name| Browser::new(&home.path(&format!("browser/{name}")), &mode));
    home.set("OAUTHCTL_BROWSER", ours.command());
    home.set("BROWSER", format!("no-such-browser:{}", everybodys.command()));
    let opened = || [&flag, &ours, &everybodys].map(|browser| browser.openings().len());
    home.run(["login", "s", "--browser", &flag.command()]).ok();
    assert_eq!(opened(), [1, 0, 0]);
    home.run(["login", "s"]).ok();
    assert_eq!(opened(), [1, 1, 0]);
    home.unset("OAUTHCTL_BROWSER");
    home.run(["login", "s"]).ok();
    assert_eq!(opened(), [1, 1, 1]);
}

#[test]
fn in_ci_the_url_is_printed_and_no_browser_is_opened() {
    let mut home = Home::new();
    let sandbox = crate::fixture::Sandbox::start(&home);
    sandbox.profile(&home, "s", None);
    home.set("CI", "true").set("DISPLAY", ":0");
    let mut running = home.spawn(["login", "s"]);
    running.await_stderr(|text| text.contains("/authorize?").then_some(()));
    assert!(running.stderr_so_far().contains("Open this URL in a browser:"));
    running.signal(rustix::process::Signal::TERM);
    running.wait().fails(143);
    home.run(["login", "s", "--no-input"]).fails(4);
}

#[test]
fn all_errors_of_a_file_are_shown_with_lines() {
    let home = Home::new();
    home.config(
        "[defaults]\nprofle = \"a\"\nstore = \"drawer\"\n\n\
         [profiles.a]\nclient_id = 7\nissuer = \"http://as.example\"\nscops = [\"x\"]\n\
         redirect_uri = \"http://192.0.2.1/callback\"\nauthorization_params = { state = \"x\" }\n\n\
         [profiles.b]\nprovider = \"gitlap\"\nclient_id = \"c\"\nmin_ttl = \"soon\"\n",
    );
    let output = home.run(["token"]).fails(3);
    check("bad-config", &settled(&home, &output.stderr));
    for line in ["login a", "profile list", "profile show a", "store info", "exec -- true"] {
        let same = home.run(line.split(' ')).fails(3);
        assert_eq!(same.stderr, output.stderr, "{line}");
    }
    home.config("[profiles.a\n");
    check("bad-toml", &settled(&home, &home.run(["token"]).fails(3).stderr));
}

#[test]
fn secret_in_a_file_that_others_can_read_is_refused() {
    let home = Home::new();
    home.config(&format!("{PROFILE}client_secret = \"hunter2-hunter2\"\n"));
    home.run(["profile", "list"]).ok();
    for mode in [0o644, 0o640, 0o604] {
        std::fs::set_permissions(home.config_path(), Permissions::from_mode(mode)).unwrap();
        let output = home.run(["token"]).fails(3);
        assert!(output.stderr.contains("chmod 600"), "{}", output.stderr);
        assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    }
    home.config(PROFILE);
    std::fs::set_permissions(home.config_path(), Permissions::from_mode(0o644)).unwrap();
    home.run(["profile", "list"]).ok();
}

#[test]
fn nothing_is_read_from_the_working_directory() {
    let home = planted(TOKEN);
    let inner = home.path("home/repo/sub");
    std::fs::create_dir_all(&inner).unwrap();
    for dir in [&inner, &home.path("home/repo")] {
        for name in
            ["oauthctl.toml", "config.toml", ".oauthctl.toml", ".env", "store.key", ".netrc"]
        {
            home.write(&dir.join(name), "hostile = 1\nOAUTHCTL_CONFIG=/nowhere\n");
        }
        home.write(&dir.join(".oauthctl/config.toml"), "hostile = 1\n");
        home.write(&dir.join("oauthctl/config.toml"), "hostile = 1\n");
    }
    let trace = home.path("home/trace");
    for line in ["token", "profile list", "status", "token --force-refresh"] {
        let program = home.command([""]);
        let status = Command::new("strace")
            .args(["-f", "-e", "trace=%file", "-o"])
            .arg(&trace)
            .arg(program.get_program())
            .args(line.split(' '))
            .env_clear()
            .envs(program.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .current_dir(&inner)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(if line.contains("force") { 9 } else { 0 }), "{line}");
        let calls = std::fs::read_to_string(&trace).unwrap();
        let reads = calls.contains("config/oauthctl/config.toml");
        assert!(reads || line == "status", "{calls}");
        let local = calls.lines().find(|call| {
            let mut names = call.split('"').skip(1).step_by(2);
            let relative = |name: &str| !name.starts_with('/') && !name.is_empty();
            !call.contains("execve")
                && names.any(|n| n.contains("/home/repo") || relative(n))
                && !call.contains("dirfd")
                && call.contains("AT_FDCWD")
        });
        assert_eq!(local, None, "{line}");
    }
}

#[test]
fn store_info_says_what_is_used() {
    let mut home = planted(TOKEN);
    check("store-info", &settled(&home, &home.run(["store", "info"]).ok().stdout));
    let info = home.run(["store", "info", "--json"]).ok().json();
    let keys: Vec<&String> = info.as_object().unwrap().keys().collect();
    let expected = [
        "store",
        "directory",
        "key",
        "accounts",
        "accounts_elsewhere",
        "profiles",
        "config",
        "state",
    ];
    assert_eq!(keys, expected);
    assert_eq!(info["profiles"], json!({}));
    assert_eq!(info["accounts"], 1);
    home.set("OAUTHCTL_STORE_KEY", "AGE-SECRET-KEY-CANARY");
    let said = home.run(["store", "info"]).ok().stdout;
    assert!(said.contains("OAUTHCTL_STORE_KEY") && !said.contains("CANARY"), "{said}");
}

#[test]
fn store_info_names_the_stores_of_profiles() {
    let mut home = Home::new();
    home.unset("OAUTHCTL_STORE");
    let other = PROFILE.replace("[profiles.p]", "[profiles.q]\nstore = \"keyring\"");
    home.config(&format!("[defaults]\nstore = \"file\"\n{PROFILE}{other}"));
    let info = home.run(["store", "info", "--json"]).ok().json();
    assert_eq!((&info["store"], &info["profiles"]), (&json!("file"), &json!({"q": "keyring"})));
    let said = home.run(["store", "info"]).ok().stdout;
    assert!(said.contains("elsewhere  keyring is the store of q\n"), "{said}");
    // What a flag names is the store of all of them.
    let info = home.run(["--store", "file", "store", "info", "--json"]).ok().json();
    assert_eq!(info["profiles"], json!({}));
}

#[test]
fn keygen_prints_a_key_that_works() {
    let mut home = Home::new();
    let made = home.run(["store", "keygen"]).ok();
    assert!(made.line().starts_with("AGE-SECRET-KEY-1"), "{}", made.stdout);
    assert!(
        made.stderr.contains("age1") && !made.stderr.contains("AGE-SECRET-KEY"),
        "{}",
        made.stderr
    );
    let json = home.run(["store", "keygen", "--json", "-q"]).ok();
    assert_eq!(json.json().as_object().unwrap().len(), 2);
    assert_ne!(json.json()["identity"], made.line());
    home.config(PROFILE).run(["profile", "list"]).ok();
    home.set("OAUTHCTL_STORE_KEY", made.line());
    crate::fixture::plant(&home, &grant("default", TOKEN, |_| ()));
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    assert!(!home.path("config/oauthctl/store.key").exists(), "a given key needs no generated one");
}

/// What is no plain file: read where it comes to an end, refused where it does not, and never replaced.
#[test]
fn configuration_that_is_no_plain_file_never_hangs() {
    let home = planted(TOKEN);
    let pipe = home.path("home/pipe");
    make_pipe(&pipe);
    for place in [pipe.to_str().unwrap(), "/dev/zero", home.root().to_str().unwrap()] {
        for line in [
            "token",
            "status",
            "profile list",
            "profile add q --issuer https://q.example --client-id c",
        ] {
            // `status` may need no configuration.
            let args: Vec<&str> = line.split(' ').chain(["--config", place]).collect();
            let output = home.run(&args);
            assert!(output.status == 3 || line == "status", "{line} {place}: {output:?}");
        }
    }
    let script = "\"$1\" token --config <(cat \"$2\")";
    let shell = ["bash", "-c", script, "bash"];
    let mut command = home.command_through(&shell, &[]);
    let output = command.arg(home.config_path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), TOKEN, "{output:?}");
    assert_eq!(home.run(["profile", "list", "--config", "/dev/null"]).ok().stdout, "");
    use std::os::unix::fs::FileTypeExt;
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
    let device = std::fs::metadata("/dev/zero").unwrap().file_type();
    assert!(device.is_char_device());
}

#[test]
fn edit_waits_for_another_in_bounded_time() {
    let home = planted(TOKEN);
    let folder = home.path("config/oauthctl");
    let held = std::fs::File::open(&folder).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let before = std::fs::read_to_string(home.config_path()).unwrap();
    for line in ["profile add q --issuer https://q.example --client-id c", "profile remove p"] {
        let output = home.run(line.split(' ')).fails(3);
        let holder = format!("another process (process {}) holds", std::process::id());
        assert!(output.stderr.contains(&holder), "{}", output.stderr);
        assert!(output.stderr.contains(folder.to_str().unwrap()), "{}", output.stderr);
    }
    assert_eq!(std::fs::read_to_string(home.config_path()).unwrap(), before);
    let waiting = home.spawn(["profile", "remove", "p"]);
    drop(held);
    waiting.wait().ok();
}
