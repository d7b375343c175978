//! Who else can write to what the program relies on, and how it handles existing modes.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{PROFILE, TOKEN, grant, plant, planted, with_sandbox};
use crate::support::{AS_NOBODY, Home, Output, give_away, mode, set_mode, without_root};

/// The output refuses this path, and names the command that mends it, which is then run.
#[track_caller]
fn mended_by_hint(output: &Output, path: &Path, change: &str) {
    let command = format!("chmod {change} {}", path.display());
    assert!(output.stderr.contains(&format!("`{command}`")), "{}", output.stderr);
    assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
}

#[test]
fn configuration_others_can_write_is_refused() {
    let home = planted(TOKEN);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    let config = home.config_path();
    let directory = config.parent().unwrap().to_owned();
    for (path, loose, strict) in
        [(&config, 0o666, 0o600), (&config, 0o602, 0o600), (&directory, 0o777, 0o700)]
    {
        set_mode(path, loose);
        for line in ["token", "login p", "exec -- true", "profile list", "profile remove p"] {
            let output = home.run(line.split(' ')).fails(3);
            assert!(output.stderr.contains("is writable by all users"), "{}", output.stderr);
            assert_eq!(output.stdout, "");
        }
        mended_by_hint(&home.run(["token"]).fails(3), path, "go-w");
        assert_eq!(home.run(["token"]).ok().line(), TOKEN);
        set_mode(path, strict);
    }
    set_mode(&directory, 0o777);
    fs::remove_file(&config).unwrap();
    let add = ["profile", "add", "q", "--client-id", "c", "--issuer", "https://as.example"];
    mended_by_hint(&home.run(add).fails(3), &directory, "go-w");
    assert!(!config.exists());
    home.run(add).ok();
    // As everywhere, a directory like `/tmp` protects what is in it.
    set_mode(&directory, 0o1777);
    home.run(["profile", "list"]).ok();
}

#[test]
fn link_is_as_safe_as_each_of_its_places() {
    let home = planted(TOKEN);
    let elsewhere = home.path("dotfiles");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(home.config_path(), elsewhere.join("oauthctl.toml")).unwrap();
    symlink(elsewhere.join("oauthctl.toml"), home.config_path()).unwrap();
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    set_mode(&elsewhere, 0o777);
    mended_by_hint(&home.run(["token"]).fails(3), &elsewhere, "go-w");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
}

#[test]
fn file_of_another_group_or_owner_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT RUN: only root can give files away");
        return;
    }
    let home = planted(TOKEN);
    let config = home.config_path();
    set_mode(&config, 0o660);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN, "the user's own private group");
    chown(&config, None, Some(12345)).unwrap();
    mended_by_hint(&home.run(["token"]).fails(3), &config, "g-w");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    chown(&config, Some(12345), None).unwrap();
    let output = home.run(["token"]).fails(3);
    assert!(output.stderr.contains("belongs to another user (uid 12345)"), "{}", output.stderr);
    chown(&config, Some(0), Some(0)).unwrap();
    chown(config.parent().unwrap(), Some(12345), None).unwrap();
    let output = home.run(["token"]).fails(3);
    assert!(output.stderr.contains("belongs to another user (uid 12345)"), "{}", output.stderr);
}

#[test]
fn roots_configuration_serves_everybody() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT RUN: only root can give files away");
        return;
    }
    let home = Home::new();
    home.config(PROFILE);
    for path in [home.root().to_owned(), home.path("config"), home.path("config/oauthctl")] {
        set_mode(&path, 0o755);
    }
    set_mode(&home.config_path(), 0o644);
    let program = home.command(["profile", "list"]);
    let output = Command::new(AS_NOBODY[0])
        .args(&AS_NOBODY[1..])
        .arg(program.get_program())
        .args(program.get_args())
        .env_clear()
        .envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("ermission denied") && !said.contains("oauthctl") {
        println!("NOT RUN: nobody cannot start the program from where it was built");
        return;
    }
    assert!(output.status.success(), "{said}");
}

#[test]
fn keys_and_secrets_others_can_write_are_refused() {
    let mut home = planted(TOKEN);
    let key = home.path("config/oauthctl/store.key");
    let keys = key.parent().unwrap().to_owned();
    let config = home.path("elsewhere/config.toml");
    home.write(&config, PROFILE);
    home.set("OAUTHCTL_CONFIG", &config);
    set_mode(&key, 0o666);
    mended_by_hint(&home.run(["token"]).fails(3), &key, "go-w");
    set_mode(&keys, 0o777);
    mended_by_hint(&home.run(["token"]).fails(3), &keys, "go-w");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);

    let named = home.path("elsewhere/named.key");
    fs::copy(&key, &named).unwrap();
    home.set("OAUTHCTL_STORE_KEY_FILE", &named);
    set_mode(&named, 0o666);
    mended_by_hint(&home.run(["token"]).fails(3), &named, "go-w");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);

    home.run(["pending", "rotate-key"]).ok();
    let states = home.path("config/oauthctl/state.key");
    set_mode(&states, 0o666);
    mended_by_hint(&home.run(["start", "p"]).fails(3), &states, "go-w");
    home.run(["pending", "list"]).ok();
}

#[test]
fn secret_and_ca_files_others_can_write_are_refused() {
    let home = Home::new();
    let [secret, authority] = ["secret", "ca.pem"].map(|name| home.path("home").join(name));
    home.write(&secret, "hunter2");
    home.write(&authority, "");
    let profile = |more: &str| {
        home.config(&format!(
            "[profiles.p]\ntoken_endpoint = \"https://127.0.0.1:9/token\"\nclient_id = \"c\"\n\
             grant = \"client_credentials\"\nclient_secret = {{ file = {secret:?} }}\n{more}"
        ));
    };
    profile("");
    set_mode(&secret, 0o666);
    let output = home.run(["token"]).fails(3);
    assert!(output.stderr.contains("cannot get the "), "{}", output.stderr);
    mended_by_hint(&output, &secret, "go-w");
    home.run(["token"]).fails(9);
    profile(&format!("ca_file = {authority:?}\n"));
    set_mode(&authority, 0o666);
    mended_by_hint(&home.run(["token"]).fails(3), &authority, "go-w");
}

/// The directories that the user made, as they are in a home.
fn directories(home: &Home) -> [PathBuf; 3] {
    [home.path("srv"), home.state_dir(), home.path("config/oauthctl")]
}

#[test]
fn directories_that_are_there_keep_their_mode() {
    let mut home = Home::new();
    home.set("OAUTHCTL_STORE", format!("file:{}", home.path("srv").display()));
    home.config(PROFILE);
    for path in directories(&home) {
        fs::create_dir_all(&path).unwrap();
        set_mode(&path, 0o755);
    }
    plant(&home, &grant("default", TOKEN, |_| ()));
    for line in ["status", "token", "pending list", "start p", "logout p --local"] {
        let output = home.run(line.split(' ')).ok();
        assert!(!output.stderr.contains("accessible to others"), "{line}: {}", output.stderr);
    }
    for path in directories(&home) {
        assert_eq!(mode(&path), 0o755, "{}", path.display());
        for entry in fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()) {
            assert_eq!(mode(&entry), if entry.is_dir() { 0o700 } else { 0o600 }, "{entry:?}");
        }
    }
}

#[test]
fn store_and_state_others_can_write_are_refused() {
    let mut home = planted(TOKEN);
    let store = home.path("data/oauthctl/tokens");
    for (path, line) in
        [(&store, "token"), (&home.state_dir(), "status"), (&home.state_dir(), "logout p")]
    {
        set_mode(path, 0o777);
        let output = home.run(line.split(' ')).fails(10);
        assert_eq!(mode(path), 0o777, "not repaired: what is there may be somebody else's");
        mended_by_hint(&output, path, "go-w");
    }
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    let missing = home.path("missing/tokens");
    home.set("OAUTHCTL_STORE", format!("file:{}", missing.display()));
    home.run(["status"]).ok();
    assert!(!missing.parent().unwrap().exists());
}

#[test]
fn nothing_is_written_to_a_refused_state_directory() {
    let (mut home, _sandbox) = with_sandbox(None);
    home.login("s");
    let state = home.path("refused");
    fs::create_dir(&state).unwrap();
    home.set("OAUTHCTL_STATE_DIR", &state);
    let refuse_all = |owner: &str| {
        for line in [
            "token",
            "token --force-refresh",
            "login s --timeout 1",
            "start s",
            "complete http://127.0.0.1/callback?code=c&state=s",
            "status",
            "pending list",
            "exec -- true",
            "logout s",
            "attr set -p s k v",
            "profile list",
            "profile show s",
        ] {
            home.run(line.split(' '));
            let written: Vec<_> = fs::read_dir(&state).unwrap().flatten().collect();
            assert!(written.is_empty(), "{owner}, {line}: {written:?}");
        }
    };
    set_mode(&state, 0o777);
    refuse_all("everybody's");
    if rustix::process::geteuid().is_root() {
        set_mode(&state, 0o700);
        chown(&state, Some(12345), None).unwrap();
        refuse_all("owned by another user");
    }
}

#[test]
fn caches_are_not_written_through_links() {
    let home = planted(TOKEN);
    let victim = home.path("victim");
    fs::create_dir(&victim).unwrap();
    fs::create_dir_all(home.state_dir()).unwrap();
    for name in ["resolved", "discovery"] {
        let cache = home.state_dir().join(name);
        let _ = fs::remove_dir_all(&cache);
        symlink(&victim, &cache).unwrap();
    }
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

/// Runs the program as a user without root's rights, under this umask. `None` where that user cannot start it.
fn as_nobody(home: &Home, umask: &str, line: &str, stdin: &str) -> Option<Output> {
    let script = format!("umask {umask}; exec \"$@\"");
    let way = [without_root(), &["sh", "-c", &script, "sh"]].concat();
    let mut running = home.spawn_through(&way, &line.split(' ').collect::<Vec<_>>());
    running.write(stdin);
    let output = running.wait();
    (output.status != 126 && output.status != 127).then_some(output)
}

#[test]
fn no_umask_makes_files_unusable() {
    for umask in ["0777", "0", "027"] {
        let mut home = Home::new();
        home.set("OAUTHCTL_CONFIG", home.path("fresh/config/config.toml"));
        home.set("OAUTHCTL_STORE", format!("file:{}", home.path("fresh/store").display()));
        home.set("OAUTHCTL_STATE_DIR", home.path("fresh/state"));
        home.set("XDG_CONFIG_HOME", home.path("fresh/keys"));
        give_away(&home);
        let add = "profile add p --client-id c --set token_endpoint=https://as.invalid/token \
                   --set authorization_endpoint=https://as.invalid/authorize";
        let imported = grant("default", TOKEN, |_| ());
        let har = format!("token --force-refresh --trace-har {}", home.path("fresh/har").display());
        for (line, stdin, status) in [
            (add, "", 0),
            ("import -", &*imported, 0),
            ("import - --replace", &*imported, 0),
            ("token", "", 0),
            ("start p", "", 0),
            ("start p", "", 0),
            ("pending list", "", 0),
            (&*har, "", 9),
            (&*har, "", 9),
            ("status", "", 0),
        ] {
            let Some(output) = as_nobody(&home, umask, line, stdin) else {
                println!("NOT RUN: nobody cannot start the program from where it was built");
                return;
            };
            assert_eq!(output.status, status, "{line} under {umask}: {}", output.stderr);
        }
        for file in home.files().iter().filter(|file| file.starts_with(home.path("fresh"))) {
            for path in file.ancestors().take_while(|path| *path != home.root()) {
                let expected = if path.is_dir() { 0o700 } else { 0o600 };
                assert_eq!(mode(path), expected, "{} under {umask}", path.display());
            }
        }
    }
}
