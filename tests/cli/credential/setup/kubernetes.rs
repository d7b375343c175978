use std::fs;
use std::path::Path;

use super::super::planted_with;
use super::SETTINGS;
use crate::support::Home;

#[test]
fn setup_writes_the_first_file_of_kubeconfig() {
    let mut home = planted_with(SETTINGS);
    let files = [home.path("home/one"), home.path("home/two")];
    home.set("KUBECONFIG", format!(":{}:{}", files[0].display(), files[1].display()));
    let said = home.run(["credential", "setup", "kubernetes"]).ok().stderr;
    assert!(said.contains("--user=oauthctl-k8s.example`"), "{said}");
    assert!(files[0].is_file() && !files[1].exists());
    home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
    assert!(!files[0].exists());
}

/// Each user runs the program for its own table.
#[test]
fn kubernetes_users_of_two_tables_are_told_apart() {
    let users = |keys: [&str; 2]| {
        let tables =
            keys.map(|key| format!("[credential.kubernetes.\"{key}\"]\nprofile = \"p\"\n"));
        let home = planted_with(&tables.concat());
        (home.path("home/.kube/config"), home)
    };
    let keys = ["https://k8s.example/a", "https://k8s.example/b"];
    let (path, home) = users(keys);
    for (key, name) in keys.into_iter().zip(["a", "b"]) {
        let said = home.run(["credential", "setup", "kubernetes", key]).ok().stderr;
        assert!(said.contains(&format!("--user=oauthctl-k8s.example/{name}`")), "{said}");
        let file = fs::read_to_string(&path).unwrap();
        let user = file.split("- name: ").find(|user| user.contains(&format!("/{name}\"\n")));
        assert!(
            user.unwrap().contains(&format!("args: [credential, kubernetes, \"{key}\"]")),
            "{file}"
        );
    }
    for keys in [["prod", "https://prod"], ["https://prod", "prod"]] {
        let (path, home) = users(keys);
        home.run(["credential", "setup", "kubernetes", keys[0]]).ok();
        let before = fs::read_to_string(&path).unwrap();
        let refused = home.run(["credential", "setup", "kubernetes", keys[1]]).fails(3).stderr;
        let table = format!("of the table [credential.kubernetes.\"{}\"]", keys[0]);
        assert!(refused.contains(&table) && !refused.contains("delete-user"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        // As the hint says.
        home.write(&path, &before.replace("oauthctl-prod", "first"));
        home.run(["credential", "setup", "kubernetes", keys[1]]).ok();
        let undone = home.run(["credential", "setup", "kubernetes", keys[1], "--undo"]);
        undone.ok();
        assert_eq!(fs::read_to_string(&path).unwrap(), before.replace("oauthctl-prod", "first"));
    }
}

/// A pipe that nobody writes to.
#[test]
fn setup_with_a_pipe_in_place_of_its_file_ends() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    for args in [
        &["credential", "setup", "kubernetes"] as &[&str],
        &["credential", "setup", "kubernetes", "--undo"],
        &["uninstall", "--dry-run"],
    ] {
        if args.len() > 3 || args[0] == "uninstall" {
            home.run(["credential", "setup", "kubernetes"]).ok();
            fs::remove_file(&path).unwrap();
        } else {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let output = home.run(args.iter().copied());
        if args[0] == "credential" {
            let said = output.fails(3).stderr;
            assert!(said.contains("config: it is not a regular file"), "{said}");
        } else {
            output.ok();
        }
        fs::remove_file(&path).unwrap();
    }
}

/// kubectl writes `users: null` into a file without users.
#[test]
fn kubernetes_setup_without_users_is_undone() {
    let keys = ["https://one.example", "https://two.example"];
    let tables = keys.map(|key| format!("[credential.kubernetes.\"{key}\"]\nprofile = \"p\"\n"));
    let home = planted_with(&tables.concat());
    let path = home.path("home/.kube/config");
    for users in [
        "users: null",
        "users:",
        "users: []\r",
        "\"users\":   ~  ",
        "users: [ ] # none yet",
        "users: # none yet",
        "users:\n# none yet",
    ] {
        for (head, tail) in [("", "\n"), ("clusters: null\n", "\ncontexts: null\n"), ("", "")] {
            let before = format!("{head}{users}{tail}");
            for order in [keys, [keys[1], keys[0]]] {
                home.write(&path, &before);
                for key in keys {
                    home.run(["credential", "setup", "kubernetes", key]).ok();
                }
                let again = home.run(["credential", "setup", "kubernetes", keys[0]]).ok().stderr;
                assert!(again.contains("is already set up for"), "{again}");
                let after = fs::read_to_string(&path).unwrap();
                let is_users = |line: &&str| line.starts_with(['u', '"']);
                assert_eq!(after.lines().filter(is_users).count(), 1, "{after}");
                are_undone(&home, &path, order, &before);
            }
        }
    }
}

#[test]
fn kubernetes_setup_of_another_notation_is_refused() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    for file in
        ["users: {}\n", "users: null # a\ru: b\n", "{\"users\": null}\n", "a: b\n---\nc: d\n"]
    {
        home.write(&path, file);
        let refused = home.run(["credential", "setup", "kubernetes"]).fails(3).stderr;
        assert!(refused.contains("`kubectl config set-credentials`"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), file);
    }
}

/// Undoes the set-up of two users in this order, each of which leaves the other alone.
#[track_caller]
fn are_undone(home: &Home, path: &Path, order: [&str; 2], before: &str) {
    home.run(["credential", "setup", "kubernetes", order[0], "--undo"]).ok();
    let after = fs::read_to_string(path).unwrap();
    assert!(after.contains(order[1]) && !after.contains(order[0]), "{after}");
    home.run(["credential", "setup", "kubernetes", order[1], "--undo"]).ok();
    assert_eq!(fs::read_to_string(path).unwrap(), before, "{order:?}");
}

/// Lists in brackets, JSON, and names that stand for other values.
#[test]
fn kubernetes_setup_in_brackets_is_undone() {
    let keys = ["https://one.example", "https://two.example"];
    let tables = keys.map(|key| format!("[credential.kubernetes.\"{key}\"]\nprofile = \"p\"\n"));
    let home = planted_with(&tables.concat());
    let path = home.path("home/.kube/config");
    for before in [
        "users: [{name: a}]\n",
        "users: [\n]\n",
        "users:\n  []\n",
        "a: b\nusers: [ {name: a} , ] # c\n",
        "{\"users\": [{\"name\": \"a\"}]}",
        "{\"users\": []}\n",
        "{\"kind\": \"Config\"}\n",
        "{}",
        "  a: b\n  users:\n  - &u\n    name: a\n  c: *u\n",
    ] {
        for order in [keys, [keys[1], keys[0]]] {
            home.write(&path, before);
            for key in keys {
                home.run(["credential", "setup", "kubernetes", key]).ok();
                let again = home.run(["credential", "setup", "kubernetes", key]).ok().stderr;
                assert!(again.contains("is already set up for"), "{again}");
            }
            are_undone(&home, &path, order, before);
        }
    }
}

/// The context may be in another file than the user.
#[test]
fn kubernetes_setup_names_the_context_of_its_user() {
    let mut home = planted_with(SETTINGS);
    let files = [home.path("home/one"), home.path("home/two")];
    home.set("KUBECONFIG", format!("{}:{}", files[0].display(), files[1].display()));
    let next = |context: &str| {
        home.write(&files[1], &format!("contexts:\n- name: c\n  context: {context}\n"));
        let said = home.run(["credential", "setup", "kubernetes"]).ok().stderr;
        home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
        said.lines().last().unwrap().to_owned()
    };
    let selects = "The context `c` already selects this user.";
    assert_eq!(next("{user: oauthctl-k8s.example}"), selects);
    assert!(next("{user: another}").contains("set-context CONTEXT --user="));
}
