//! `uninstall` removes what the program has left, and nothing else.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::json;

use crate::fixture::{PROFILE, TOKEN, grant, plant, planted};
use crate::support::{AtTerminal, Home, SecretService, program};

/// The kinds of things that would be removed.
fn kinds(home: &Home, args: &[&str]) -> Vec<String> {
    let found = home.run([&["uninstall", "--json"], args].concat()).ok().json();
    let items = found["items"].as_array().unwrap();
    items.iter().map(|item| item["kind"].as_str().unwrap().to_owned()).collect()
}

/// A directory in `PATH` with a link to the program, and links that are none of its business.
fn with_links(home: &mut Home) -> [PathBuf; 3] {
    let bin = home.path("home/bin");
    std::fs::create_dir_all(&bin).unwrap();
    let links = ["docker-credential-oauthctl", "another-name", "git-credential-oauthctl"];
    let links = links.map(|name| bin.join(name));
    symlink(program(), &links[0]).unwrap();
    symlink(program(), &links[1]).unwrap();
    symlink("/bin/true", &links[2]).unwrap();
    home.set("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    links
}

#[test]
fn uninstall_removes_what_the_program_left() {
    let mut home = planted(TOKEN);
    let [link, other_name, other_program] = with_links(&mut home);
    home.run(["token"]).ok();
    home.run(["start", "p"]).ok();
    let before = home.files();
    let dry = kinds(&home, &["--dry-run"]);
    assert!(dry.contains(&"link".to_owned()) && dry.contains(&"directory".to_owned()), "{dry:?}");
    assert_eq!(home.files(), before);
    let text = home.run(["uninstall", "--dry-run"]).ok().stdout;
    assert!(text.contains(&format!("link: {}", link.display())), "{text}");

    let done = home.run(["uninstall", "--yes", "--json"]).ok().json();
    assert_eq!(
        (&done["removed"], done["items"].as_array().unwrap().len()),
        (&json!(true), dry.len())
    );
    let left: Vec<PathBuf> =
        home.files().into_iter().filter(|p| !p.starts_with(home.path("home"))).collect();
    assert_eq!(left, [home.config_path()]);
    assert!(!home.state_dir().exists());
    assert!(link.symlink_metadata().is_err());
    assert!(other_name.symlink_metadata().is_ok() && other_program.symlink_metadata().is_ok());
    home.run(["token"]).fails(4);
    home.run(["uninstall", "--yes", "--with-config"]).ok();
    assert!(!home.config_path().exists());
    for directory in ["data/oauthctl", "config/oauthctl", "run/oauthctl"] {
        assert!(!home.path(directory).exists(), "{directory}");
    }
}

/// git would call a program that is gone.
#[test]
fn uninstall_undoes_the_setup_of_tools() {
    let home = planted(TOKEN);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!(
        "{config}[credential.git.\"https://git.example\"]\nprofile = \"p\"\n\
         [credential.npm.\"https://npm.example\"]\nprofile = \"p\"\n"
    ));
    let [git, npm] = [".gitconfig", ".npmrc"].map(|name| home.path("home").join(name));
    home.write(&git, "[user]\n\tname = Ada\n");
    for tool in ["git", "npm"] {
        home.run(["credential", "setup", tool]).ok();
    }
    // What the user has removed is no longer there to be removed.
    std::fs::remove_file(&npm).unwrap();
    let text = home.run(["uninstall", "--dry-run"]).ok().stdout;
    assert!(text.contains(&format!("settings: added to {}\n", git.display())), "{text}");
    assert!(!text.contains(".npmrc"), "{text}");
    home.run(["uninstall", "--yes"]).ok();
    assert_eq!(std::fs::read_to_string(&git).unwrap(), "[user]\n\tname = Ada\n");
    assert!(!home.state_dir().exists() && !npm.exists());
}

#[test]
fn uninstall_undoes_what_kubectl_has_rewritten() {
    let home = planted(TOKEN);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    home.config(&format!(
        "{config}[credential.kubernetes.\"https://k8s.example\"]\nprofile = \"p\"\n"
    ));
    let path = home.path("home/.kube/config");
    home.run(["credential", "setup", "kubernetes"]).ok();
    let program = home.command([""]).get_program().to_string_lossy().into_owned();
    let user = format!(
        "users:\n- name: oauthctl-k8s.example\n  user:\n    exec:\n      args:\n      - credential\n      - kubernetes\n\
         \x20     - https://k8s.example\n      command: {program}\n"
    );
    home.write(&path, &user);
    let remove = format!(
        "`kubectl config --kubeconfig {} delete-user oauthctl-k8s.example`",
        path.display()
    );
    // It is not certain what else the comment is about.
    home.write(&path, &format!("{} # mine\n", user.trim_end()));
    let said = home.run(["uninstall", "--dry-run"]).ok().stderr;
    assert!(said.contains(&remove), "{said}");
    home.write(&path, &user);
    for how in ["--dry-run", "--yes"] {
        let output = home.run(["uninstall", how]);
        let said = output.ok();
        assert!(!said.stderr.contains("delete-user"), "{how}: {}", said.stderr);
        let listed = format!("settings: added to {}\n", path.display());
        assert!(said.stdout.contains(&listed), "{how}: {}", said.stdout);
    }
    assert!(!path.exists());
}

/// A home with two hosts set up for docker. The second one is inside the text of the first one.
fn with_docker_hosts(before: &str) -> (Home, PathBuf) {
    let home = planted(TOKEN);
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    let hosts = ["one.example", "two.example"];
    let tables = hosts.map(|host| format!("[credential.docker.\"{host}\"]\nprofile = \"p\"\n"));
    home.config(&format!("{config}{}", tables.concat()));
    let docker = home.path("home/.docker/config.json");
    home.write(&docker, before);
    for host in hosts {
        home.run(["credential", "setup", "docker", host]).ok();
    }
    (home, docker)
}

#[test]
fn uninstall_undoes_a_setup_inside_another_one() {
    for before in ["{\"auths\": {}}", "{}", "{\"credHelpers\": {}}"] {
        let (home, docker) = with_docker_hosts(before);
        home.run(["uninstall", "--yes"]).ok();
        assert_eq!(std::fs::read_to_string(&docker).unwrap(), before);
        assert!(!home.state_dir().exists());
    }
}

/// Without the record, they could not be removed later.
#[test]
fn uninstall_keeps_the_record_of_remaining_settings() {
    let (home, docker) = with_docker_hosts("{\"auths\": {}}");
    let after = std::fs::read_to_string(&docker).unwrap();
    // It can no longer be read.
    std::fs::write(&docker, [after.as_bytes(), b"\xff"].concat()).unwrap();
    let failed = home.run(["uninstall", "--yes"]);
    assert_eq!(failed.status, 10, "{}", failed.stderr);
    assert!(failed.stderr.contains("settings that were not removed"), "{}", failed.stderr);
    assert!(home.state_dir().join("set-up").is_dir());
    home.write(&docker, &after);
    home.run(["uninstall", "--yes"]).ok();
    assert_eq!(std::fs::read_to_string(&docker).unwrap(), "{\"auths\": {}}");
    assert!(!home.state_dir().exists());
}

#[test]
fn uninstall_asks_or_is_told_to() {
    let home = planted(TOKEN);
    let output = home.run(["uninstall"]).fails(2);
    assert!(output.stderr.contains("`--dry-run`") && output.stderr.contains("`--yes`"));
    home.run(["uninstall", "--yes", "--dry-run"]).fails(2);
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
    let nothing = "Nothing was removed: these would be removed without `--dry-run`.\n";
    let dry = home.run(["uninstall", "--dry-run"]).ok();
    assert!(dry.stderr.contains(nothing) && !dry.stdout.contains(nothing), "{}", dry.stderr);
    let json = home.run(["uninstall", "--dry-run", "--json"]).ok();
    assert!(!json.stderr.contains("Nothing was removed"), "{}", json.stderr);
    assert_eq!(json.json()["removed"], false);
    assert!(!home.run(["uninstall", "--yes"]).ok().stderr.contains("Nothing was removed"));
    assert!(!home.run(["uninstall", "--dry-run"]).ok().stderr.contains("these would be removed"));
    assert!(home.run(["uninstall", "--yes"]).ok().stderr.contains("nothing to remove"));
}

#[test]
fn uninstall_answered_no_says_that_nothing_is_removed() {
    let home = planted(TOKEN);
    let mut terminal = AtTerminal::start(&home.command(["uninstall"]));
    terminal.await_text("Remove all of this?", 1);
    terminal.press("n\r");
    let (status, screen) = terminal.wait();
    assert_eq!(status, 0, "{screen}");
    assert!(screen.ends_with("Nothing was removed.\r\n"), "{screen}");
    assert_eq!(home.run(["token"]).ok().line(), TOKEN);
}

/// Its socket may be in the runtime directory, or in the state directory.
#[test]
fn uninstall_stops_the_agent() {
    for has_runtime in [true, false] {
        let mut home = planted(TOKEN);
        if !has_runtime {
            home.unset("XDG_RUNTIME_DIR");
        }
        let started = home.run(["agent", "--json"]).ok().json();
        let socket =
            PathBuf::from(started["agent"].as_str().unwrap().strip_prefix("unix:").unwrap());
        let agent = format!("agent: process {} at {}\n", started["pid"], socket.display());
        let text = home.run(["uninstall", "--dry-run"]).ok().stdout;
        assert!(text.contains(&agent), "{text}");
        home.run(["agent", "--status"]).ok();
        let output = home.run(["uninstall", "--yes"]).ok();
        assert!(output.stdout.contains(&agent), "{}", output.stdout);
        assert!(!output.stderr.contains("did not create"), "{}", output.stderr);
        assert!(!socket.exists() && !home.state_dir().exists());
        home.run(["agent", "--status"]).fails(9);
    }
}

#[test]
fn uninstall_removes_the_socket_of_a_killed_agent() {
    let home = planted(TOKEN);
    let mut agent = home.spawn(["agent", "--foreground"]);
    agent.await_stdout(|text| text.ends_with('\n').then_some(()));
    agent.signal(Signal::KILL);
    agent.wait();
    let socket = home.path("run/oauthctl/agent.sock");
    assert!(socket.exists());
    home.run(["uninstall", "--yes"]).ok();
    assert!(!socket.exists());
}

#[test]
fn uninstall_names_an_agent_at_another_socket() {
    let mut home = planted(TOKEN);
    home.set("OAUTHCTL_AGENT", "unix:/tmp/of another.sock");
    let output = home.run(["uninstall", "--dry-run"]).ok();
    let command = "`oauthctl agent --socket '/tmp/of another.sock' --stop`";
    assert!(output.stderr.contains(command), "{}", output.stderr);
}

/// Removing a token does not revoke it.
#[test]
fn uninstall_says_that_the_tokens_remain_valid() {
    let home = planted(TOKEN);
    let dry = home.run(["uninstall", "--dry-run"]).ok();
    assert!(dry.stdout.contains("account: `p` in the store `file`\n"), "{}", dry.stdout);
    assert!(dry.stderr.contains("warning: the tokens of these accounts remain valid"));
    assert!(dry.stderr.contains("hint: run `oauthctl logout --all` first"), "{}", dry.stderr);
    let done = home.run(["uninstall", "--yes"]).ok();
    assert!(done.stderr.contains("warning: the tokens were not revoked"), "{}", done.stderr);
    // Nobody is logged in any more.
    assert!(!home.run(["uninstall", "--dry-run"]).ok().stderr.contains("valid"));
}

#[test]
fn uninstall_says_whether_the_configuration_remains() {
    let home = planted(TOKEN);
    let config = home.config_path();
    let said = home.run(["uninstall", "--yes"]).ok().stderr;
    let remains =
        format!("Done. The program itself remains, and the configuration {}.\n", config.display());
    assert!(said.ends_with(&remains), "{said}");
    let said = home.run(["uninstall", "--yes", "--with-config"]).ok().stderr;
    assert!(said.ends_with("Done. The program itself remains.\n"), "{said}");
}

#[test]
fn uninstall_keeps_what_is_not_the_programs() {
    let home = planted(TOKEN);
    let theirs = home.state_dir().join("theirs/file");
    home.write(&theirs, "theirs");
    let output = home.run(["uninstall", "--yes"]).ok();
    assert!(output.stderr.contains("Keeping ") && theirs.exists(), "{}", output.stderr);
    assert_eq!(std::fs::read_dir(home.state_dir()).unwrap().count(), 1);
}

#[test]
fn uninstall_keeps_the_store_of_the_broker() {
    let mut home = planted(TOKEN);
    home.unset("OAUTHCTL_STATE_DIR");
    let state = home.path("xdg-state/oauthctl");
    home.run(["start", "p"]).ok();
    assert!(state.join("pending").is_dir());
    let of_broker = ["broker-spool", "broker.db", "broker.db-wal"];
    home.write(&state.join("broker-spool/token"), "a token that could not be stored yet");
    of_broker[1..].iter().for_each(|name| home.write(&state.join(name), "of many users"));
    let output = home.run(["uninstall", "--yes"]).ok();
    let paths = of_broker.map(|name| state.join(name).display().to_string()).join(", ");
    let kept = format!(
        "Keeping the data of the broker, which may contain the connections of many users: {paths}."
    );
    assert!(output.stderr.contains(&kept), "{}", output.stderr);
    assert!(!output.stderr.contains("did not create"), "{}", output.stderr);
    let left = std::fs::read_dir(&state).unwrap().map(|e| e.unwrap().file_name().into_string());
    let mut left: Vec<_> = left.map(Result::unwrap).collect();
    left.sort();
    assert_eq!(left, of_broker);
}

#[test]
fn uninstall_removes_records_of_another_store() {
    let mut home = Home::new();
    home.unset("OAUTHCTL_STORE");
    let other = home.path("elsewhere");
    home.config(&format!("{PROFILE}store = \"file:{}\"\n", other.display()));
    plant(&home, &grant("default", TOKEN, |_| ()));
    home.run(["token"]).ok();
    assert!(kinds(&home, &["--dry-run"]).contains(&"account".to_owned()));
    home.run(["uninstall", "--yes"]).ok();
    let records = std::fs::read_dir(&other).unwrap().flatten();
    assert_eq!(records.filter(|e| e.path().extension().is_some_and(|x| x == "age")).count(), 0);
}

#[test]
fn uninstall_empties_the_keyring() {
    let service = SecretService::start();
    let mut home = Home::new();
    home.keyring(&service);
    home.config(&format!("{PROFILE}client_secret = {{ keyring = \"p/client_secret\" }}\n"));
    home.run_with(["profile", "set-secret", "p"], "CANARY").ok();
    plant(&home, &grant("default", TOKEN, |_| ()));
    let found = kinds(&home, &["--yes"]);
    assert!(found.contains(&"account".to_owned()) && found.contains(&"client secret".to_owned()));
    home.run(["token"]).fails(4);
    let missing = home.run(["refresh", "p"]);
    assert_eq!(missing.status, 4, "{}", missing.stderr);
}
