//! Who else may read the files of a broker.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Home, run};

/// The group that root lends files to.
const GROUP: u32 = 12_345;

const NOT_RUN: &str =
    "NOT RUN: only root can become another user, who must be able to start the program";

#[test]
fn store_that_others_can_access_is_refused() {
    for (suffix, mode, said) in [
        ("", 0o666, "write to"),
        ("", 0o620, "write to"),
        ("", 0o644, "read"),
        ("-wal", 0o666, "write to"),
        ("-shm", 0o604, "read"),
    ] {
        let home = Home::new();
        let store = format!("sqlite:{}", home.path().join("x.db").display());
        let create = ["tenant", "create", "acme", "--store", &store];
        let file = home.path().join(format!("x.db{suffix}"));
        std::fs::write(&file, "").unwrap();
        let set = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        set(mode);
        let refused = home.run(&create).fails(3).stderr;
        assert!(refused.contains(&format!("other users can {said} ")), "{refused}");
        assert!(refused.contains(&format!("run `chmod 600 {}`", file.display())), "{refused}");
        set(0o600);
        home.run(&create).ok();
    }
}

#[test]
fn store_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT RUN: only root can give files away");
        return;
    }
    let home = Home::new();
    home.tenant("acme", &[]);
    let file = home.path().join("state/broker.db");
    std::os::unix::fs::chown(&file, Some(12_345), None).unwrap();
    let refused = home.run(&["tenant", "list"]).fails(3).stderr;
    assert!(refused.contains("belongs to another user (uid 12345)"), "{refused}");
}

/// A command as a user of that group, who is not root. `None` if this test cannot become one, or that user cannot start
/// the program.
fn as_member(home: &Home, arguments: &[&str]) -> Option<Command> {
    let command = home.command(arguments);
    let mut member = Command::new("setpriv");
    member.args(["--reuid=65534", "--regid=65534", &format!("--groups={GROUP}"), "--"]);
    let mut probe = Command::new("setpriv");
    probe.args(member.get_args()).arg(command.get_program()).arg("--version");
    if !probe.output().is_ok_and(|output| output.status.success()) {
        return None;
    }
    member.arg(command.get_program()).args(command.get_args()).env_clear();
    member.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    member.env("OAUTHCTL_MASTER_KEY", "A".repeat(43));
    set(home.path(), 0o755);
    Some(member)
}

fn set(path: &Path, mode: u32) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

#[test]
fn volume_of_a_group_keeps_its_store_private() {
    let home = Home::new();
    let Some(mut create) = as_member(&home, &["tenant", "create", "acme"]) else {
        println!("{NOT_RUN}");
        return;
    };
    // What a volume looks like that Kubernetes has given to the group of a pod.
    let volume = home.path().join("state");
    std::fs::create_dir(&volume).unwrap();
    chown(&volume, None, Some(GROUP)).unwrap();
    set(&volume, 0o2770);
    run(&mut create).ok();
    let list = || as_member(&home, &["tenant", "list"]).unwrap();
    run(&mut list()).ok();
    // A master key that is generated there can be read again.
    for _ in 0..2 {
        let mut generate = as_member(&home, &["tenant", "list"]).unwrap();
        generate.env("OAUTHCTL_CONFIG", volume.join("config.toml"));
        generate.env("OAUTHCTL_STATE_DIR", volume.join("other"));
        run(generate.env_remove("OAUTHCTL_MASTER_KEY")).ok();
    }
    assert!(volume.join("broker.key").exists());
    let store = volume.join("broker.db");
    assert_eq!(std::fs::metadata(&store).unwrap().permissions().mode() & 0o777, 0o600);
    // What it does to the files at each start, without `fsGroupChangePolicy: OnRootMismatch`.
    set(&store, 0o660);
    let refused = run(&mut list()).fails(3).stderr;
    assert!(refused.contains(&format!("hint: run `chmod 600 {}`", store.display())), "{refused}");
}

/// A home with the files of two keys, and the commands that read them.
fn with_keys() -> (Home, [(PathBuf, Vec<String>); 2]) {
    let home = Home::new();
    home.run(&["tenant", "list"]).ok();
    let keys = home.path().join("keys");
    std::fs::create_dir(&keys).unwrap();
    let admin = keys.join("admin.key");
    std::fs::write(&admin, "k".repeat(40)).unwrap();
    set(&admin, 0o600);
    let serve = ["serve", "--listen", "192.0.2.1:1", "--behind-proxy", "--admin-key-file"];
    let serve = serve.into_iter().chain(admin.to_str()).map(str::to_owned).collect();
    let list = ["tenant", "list"].map(str::to_owned).to_vec();
    let master = home.path().join("config/broker.key");
    (home, [(admin, serve), (master, list)])
}

#[test]
fn secret_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        println!("NOT RUN: only root can give files away");
        return;
    }
    let (home, keys) = with_keys();
    for (key, line) in keys {
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        chown(&key, Some(12_345), None).unwrap();
        let refused = home.run(&line).fails(3).stderr;
        let said = format!("{} belongs to another user (uid 12345)", key.display());
        assert!(refused.contains(&said), "{refused}");
        chown(&key, Some(0), None).unwrap();
        assert_ne!(home.run(&line).status, 3);
    }
}

#[test]
fn secret_that_others_can_replace_is_refused() {
    let (home, keys) = with_keys();
    for (key, line) in keys {
        let (line, directory): (Vec<&str>, _) =
            (line.iter().map(String::as_str).collect(), key.parent().unwrap());
        set(directory, 0o777);
        let refused = home.run(&line).fails(3).stderr;
        let said = format!("`{}` is writable by all users", directory.display());
        assert!(refused.contains(&said), "{refused}");
        set(directory, 0o700);
        assert_ne!(home.run(&line).status, 3);
    }
}

#[test]
fn secret_that_root_lends_to_the_group_is_read() {
    let home = Home::new();
    let config = home.path().join("config/config.toml");
    home.config("[serve]\nstore = \"postgres://u:hunter2@127.0.0.1:1/db\"\n");
    let key = home.path().join("admin.key");
    std::fs::write(&key, "k".repeat(40)).unwrap();
    let serve = ["serve", "--admin-key-file", key.to_str().unwrap()];
    let serve = |home: &Home| as_member(home, &serve);
    if serve(&home).is_none() {
        println!("{NOT_RUN}");
        return;
    }
    let of = |path: &Path, group: u32, mode: u32| {
        chown(path, None, Some(group)).unwrap();
        set(path, mode);
    };
    // Then the store, which nobody serves, is the next failure.
    let accepted = |home: &Home| run(&mut serve(home).unwrap()).fails(10);
    let refused = |home: &Home, path: &Path, can: &str| {
        let stderr = run(&mut serve(home).unwrap()).fails(3).stderr;
        assert!(stderr.contains(&format!("other users can {can} {}", path.display())), "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    };
    of(&config, GROUP, 0o440);
    of(&key, GROUP, 0o640);
    accepted(&home);
    of(&key, GROUP, 0o460);
    refused(&home, &key, "write to");
    for path in [&key, &config] {
        for group in [GROUP, 0] {
            of(path, group, 0o444);
            refused(&home, path, "read");
        }
        chown(path, Some(65_534), None).unwrap();
        of(path, GROUP, 0o440);
        refused(&home, path, "read");
        set(path, 0o400);
        accepted(&home);
    }
}

#[test]
fn password_in_an_open_file_is_refused() {
    let home = Home::new();
    let config = home.path().join("config/config.toml");
    for (line, is_secret) in [
        ("store = \"postgres://u:hunter2@127.0.0.1:1/db\"", true),
        ("store = \"postgres://127.0.0.1:1/db?user=u&password=hunter2\"", true),
        ("store = \"postgres://u:hunter2/3@127.0.0.1:1,127.0.0.1:2/db\"", true),
        ("store = \"redis://:hunter2@127.0.0.1:1\"", true),
        ("smtp = \"smtp://u:hunter2@127.0.0.1\"", true),
        ("smtp = \"smtp://127.0.0.1\"", false),
        ("listen = \"127.0.0.1:0\"", false),
    ] {
        home.config(&format!("[serve]\n{line}\n"));
        for (mode, is_open) in [(0o600, false), (0o640, true), (0o644, true)] {
            set(&config, mode);
            let output = home.run(&["tenant", "list"]);
            let is_refused = output.stderr.contains("other users can read ");
            assert_eq!(is_refused, is_secret && is_open, "{line} {mode:o}: {}", output.stderr);
            assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
        }
    }
}

#[test]
fn password_in_a_flag_is_refused() {
    let home = Home::new();
    let config = home.path().join("config/config.toml");
    for (flag, url) in [
        ("store", "postgres://u:hunter2@127.0.0.1:1/db"),
        ("store", "postgres://u:hunter2/3@127.0.0.1:1,127.0.0.1:2/db"),
        ("store", "postgres://127.0.0.1:1/db?user=u&password=hunter2"),
        ("store", "redis://:hunter2@127.0.0.1:1"),
        ("smtp", "smtps://u:hunter2@mail.example"),
    ] {
        let flags = [&*format!("--{flag}"), url];
        let mut lines = vec![&["serve"][..]];
        if flag == "store" {
            lines.extend([&["serve", "rotate-key"][..], &["tenant", "list"]]);
        }
        for line in lines {
            let refused = home.run(&[line, &flags].concat()).fails(2).stderr;
            assert!(refused.contains(&format!("password in --{flag}\n")), "{url}: {refused}");
            let hint = format!("hint: set `{flag}` under [serve] in {} instead", config.display());
            assert!(refused.contains(&hint), "{url}: {refused}");
            assert!(!refused.contains("hunter2"), "{url}: {refused}");
        }
        home.config(&format!("[serve]\n{flag} = \"{url}\"\n"));
        assert_ne!(home.run(&["tenant", "list"]).status, 2, "{url}");
        std::fs::remove_file(&config).unwrap();
    }
    let file = format!("sqlite:{}", home.path().join("a:b@c").display());
    home.run(&["tenant", "list", "--store", &file]).ok();
}
