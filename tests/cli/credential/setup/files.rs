//! Which file is written, and what is left of it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::super::planted_with;
use crate::support::Home;

fn tables(tool: &str, keys: &[&str]) -> String {
    keys.iter().map(|key| format!("[credential.{tool}.\"{key}\"]\nprofile = \"p\"\n")).collect()
}

#[test]
fn file_that_setups_created_is_removed_with_the_last() {
    const KEYS: [&str; 3] = ["https://a.example/", "https://b.example/", "https://c.example/"];
    for (tool, file) in [
        ("git", "home/.gitconfig"),
        ("npm", "home/.npmrc"),
        ("cargo", "home/.cargo/config.toml"),
        ("docker", "home/.docker/config.json"),
        ("kubernetes", "home/.kube/config"),
    ] {
        let home = planted_with(&tables(tool, &KEYS));
        let path = home.path(file);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            for key in KEYS {
                home.run(["credential", "setup", tool, key]).ok();
            }
            for number in order {
                assert!(path.exists(), "{tool} {order:?}");
                home.run(["credential", "setup", tool, KEYS[number], "--undo"]).ok();
            }
            assert!(!path.exists(), "{tool} {order:?}");
        }
        for key in KEYS {
            home.run(["credential", "setup", tool, key]).ok();
        }
        home.run(["uninstall", "--yes"]).ok();
        assert!(!path.exists(), "{tool}");
    }
}

#[test]
fn file_that_the_user_filled_since_is_kept() {
    let keys = ["https://a.example", "https://b.example"];
    let home = planted_with(&tables("git", &keys));
    let path = home.path("home/.gitconfig");
    for key in keys {
        home.run(["credential", "setup", "git", key]).ok();
    }
    let both = fs::read_to_string(&path).unwrap();
    home.write(&path, &format!("{both}[user]\n"));
    for key in keys {
        home.run(["credential", "setup", "git", key, "--undo"]).ok();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "[user]\n");
}

/// As programs that manage such files make one.
#[test]
fn link_to_a_file_that_is_not_there_yet_is_kept() {
    let home = planted_with(&tables("git", &["https://git.example"]));
    let (link, file) = (home.path("home/.gitconfig"), home.path("home/dot/files/gitconfig"));
    symlink("second", &link).unwrap();
    symlink(&file, home.path("home/second")).unwrap();
    for _ in 0..2 {
        home.run(["credential", "setup", "git"]).ok();
        assert!(fs::read_to_string(&file).unwrap().contains("credential git"));
        home.run(["credential", "setup", "git"]).ok();
        home.run(["credential", "setup", "git", "--undo"]).ok();
        assert!(!file.exists());
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("second"));
    }
}

/// Sets a tool up, and undoes that, with this file beside the usual one.
#[track_caller]
fn writes_to(home: &Home, tool: &str, used: &str, unused: &str) {
    let before = fs::read_to_string(home.path(used)).ok();
    let other = fs::read_to_string(home.path(unused)).ok();
    home.run(["credential", "setup", tool]).ok();
    let after = fs::read_to_string(home.path(used)).unwrap();
    assert!(after.len() > before.as_ref().map_or(0, String::len), "{after}");
    assert_eq!(fs::read_to_string(home.path(unused)).ok(), other, "{tool}");
    home.run(["credential", "setup", tool, "--undo"]).ok();
    assert_eq!(fs::read_to_string(home.path(used)).ok(), before);
}

/// `git config --global` then writes there too, unless there is another file.
#[test]
fn git_setup_writes_the_file_that_git_changes() {
    let mut home = planted_with(&tables("git", &["https://git.example"]));
    let (usual, xdg, own) = ("home/.gitconfig", "config/git/config", "home/.config/git/config");
    home.write(&home.path(own), "[user]\n");
    let config = home.config_path();
    home.unset("XDG_CONFIG_HOME").set("OAUTHCTL_CONFIG", config);
    writes_to(&home, "git", own, usual);
    home.set("XDG_CONFIG_HOME", home.path("config"));
    writes_to(&home, "git", usual, own);
    home.write(&home.path(xdg), "[core]\n");
    writes_to(&home, "git", xdg, usual);
    home.write(&home.path(usual), "[core]\n");
    writes_to(&home, "git", usual, xdg);
}

/// cargo ignores `config.toml` then.
#[test]
fn cargo_setup_writes_the_file_that_cargo_reads() {
    let home = planted_with(&tables("cargo", &["sparse+https://cargo.example/"]));
    home.write(&home.path("home/.cargo/config"), "[net]\nretry = 3\n");
    writes_to(&home, "cargo", "home/.cargo/config", "home/.cargo/config.toml");
    home.write(&home.path("home/.cargo/config.toml"), "[net]\nretry = 4\n");
    writes_to(&home, "cargo", "home/.cargo/config", "home/.cargo/config.toml");
}

/// npm ignores its case.
#[test]
fn npm_setup_writes_the_file_of_its_variable() {
    let mut home = planted_with(&tables("npm", &["https://npm.example"]));
    home.set("npm_config_userconfig", home.path("home/lower"));
    writes_to(&home, "npm", "home/lower", "home/.npmrc");
    let upper = home.path("home/upper");
    home.unset("npm_config_userconfig").set("NPM_CONFIG_USERCONFIG", upper);
    writes_to(&home, "npm", "home/upper", "home/.npmrc");
}
