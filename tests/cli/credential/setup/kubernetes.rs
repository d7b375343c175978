use std::fs;

use super::super::planted_with;
use super::SETTINGS;

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

/// `kubectl config` writes the whole file anew: the next step of the setup is such a command.
#[test]
fn kubernetes_setup_survives_a_rewrite_by_kubectl() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let head = "apiVersion: v1\ncontexts:\n- context:\n    user: oauthctl-k8s.example\n  name: dev\n\
        kind: Config\nusers:\n";
    let user = format!(
        "- name: oauthctl-k8s.example\n  user:\n    exec:\n      args:\n      - credential\n      - kubernetes\n\
         \x20     - https://k8s.example\n      command: {program}\n"
    );
    let rewritten = format!("{head}{user}");
    home.write(&path, &rewritten);
    let again = home.run(["credential", "setup", "kubernetes"]).ok().stderr;
    assert!(again.contains("is already set up for"), "{again}");
    assert_eq!(fs::read_to_string(&path).unwrap(), rewritten);
    let undone = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
    let remove = format!(
        "`kubectl config --kubeconfig {} delete-user oauthctl-k8s.example`",
        path.display()
    );
    assert!(undone.contains(&remove), "{undone}");
    // A user of this name that another program wrote stays alone.
    home.write(&path, &rewritten.replace(&program, "another"));
    let taken = home.run(["credential", "setup", "kubernetes"]).fails(3).stderr;
    assert!(taken.contains("`kubectl config delete-user oauthctl-k8s.example`"), "{taken}");
    // As the hint says.
    home.write(&path, head);
    let undone = home.run(["credential", "setup", "kubernetes", "--undo"]).fails(3).stderr;
    assert!(undone.contains("is not set up for"), "{undone}");
    home.run(["credential", "setup", "kubernetes"]).ok();
    home.run(["credential", "setup", "kubernetes", "--undo"]).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), head);
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
                home.run(["credential", "setup", "kubernetes", order[0], "--undo"]).ok();
                let after = fs::read_to_string(&path).unwrap();
                assert!(after.contains(order[1]) && !after.contains(order[0]), "{after}");
                home.run(["credential", "setup", "kubernetes", order[1], "--undo"]).ok();
                assert_eq!(fs::read_to_string(&path).unwrap(), before, "{order:?}");
            }
        }
    }
}

#[test]
fn kubernetes_setup_of_another_notation_is_refused() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.kube/config");
    for file in [
        "users: [{name: a}]\n",
        "users: [\n]\n",
        "users: {}\n",
        "users: null # a\ru: b\n",
        "users:\n  []\n",
        "{\"users\": null}\n",
    ] {
        home.write(&path, file);
        let refused = home.run(["credential", "setup", "kubernetes"]).fails(3).stderr;
        assert!(refused.contains("`kubectl config set-credentials`"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), file);
    }
}
