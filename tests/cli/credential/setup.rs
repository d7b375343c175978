mod cargo;
mod files;
mod kubernetes;
mod rewritten;

use std::fs;

use super::planted_with;
use crate::fixture::TOKEN;

const SETTINGS: &str = "[credential.git.\"https://git.example\"]\nprofile = \"p\"\n\
    [credential.docker.\"registry.example\"]\nprofile = \"p\"\n\
    [credential.cargo.\"sparse+https://cargo.example/\"]\nprofile = \"p\"\n\
    [credential.npm.\"https://npm.example\"]\nprofile = \"p\"\n\
    [credential.kubernetes.\"https://k8s.example\"]\nprofile = \"p\"\n\
    [credential.aws.dev]\nrole_arn = \"x\"\n";

#[test]
fn setup_is_undone_byte_for_byte() {
    let home = planted_with(SETTINGS);
    for (tool, file, before) in [
        ("git", "home/.gitconfig", "[user]\n\tname = Ada   # me"),
        (
            "docker",
            "home/.docker/config.json",
            "{ \"auths\": {},\n  \"credHelpers\": {\"a\": \"b\"} }",
        ),
        ("cargo", "home/.cargo/config.toml", "[net]\r\noffline = false\r\n"),
        ("npm", "home/.npmrc", "//other.example/:_authToken=CANARY-other\n"),
        (
            "kubernetes",
            "home/.kube/config",
            "apiVersion: v1\nusers:   \n  - name: ada # me\n    user: {token: CANARY-other}\r\n",
        ),
        ("aws", "home/.aws/config", "[default]\nregion = eu-central-1\n\n"),
    ] {
        let path = home.path(file);
        for exists in [true, false] {
            let _ = fs::remove_file(&path);
            if exists {
                home.write(&path, before);
            }
            let said = home.run(["credential", "setup", tool]).ok().stderr;
            assert!(said.contains(path.to_str().unwrap()), "{said}");
            let next = match tool {
                "docker" => "/usr/local/bin/docker-credential-oauthctl`",
                "kubernetes" => "`kubectl config set-context CONTEXT --user=oauthctl-k8s.example`",
                "aws" => "`aws --profile dev`",
                "npm" => "`oauthctl exec -p p -- npm install`",
                _ => "",
            };
            assert!(said.contains(next), "{said}");
            let after = fs::read_to_string(&path).unwrap();
            assert!(after.len() > before.len() * usize::from(exists), "{tool}: {after}");
            let again = home.run(["credential", "setup", tool]).ok();
            assert!(again.stderr.contains("is already set up for"), "{}", again.stderr);
            let json = home.run(["credential", "setup", tool, "--json"]).ok().json();
            assert_eq!(json["added"], serde_json::Value::Null);
            assert_eq!(fs::read_to_string(&path).unwrap(), after, "{tool}");
            home.run(["credential", "setup", tool, "--undo"]).ok();
            assert_eq!(
                fs::read_to_string(&path).ok().as_deref(),
                exists.then_some(before),
                "{tool}"
            );
            home.run(["credential", "setup", tool, "--undo"]).fails(3);
        }
    }
    let state: String = home
        .files()
        .iter()
        .filter(|path| path.starts_with(home.state_dir()))
        .map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned())
        .collect();
    assert!(!state.contains("CANARY-other"), "what else is in the file is not recorded");
}

/// Sets up two keys of a tool, and undoes that in both orders.
fn undone_in_each_order(tool: &str, keys: [&str; 2], file: &str, before: &str) {
    let tables = keys.map(|key| format!("[credential.{tool}.\"{key}\"]\nprofile = \"p\"\n"));
    let home = planted_with(&tables.concat());
    let path = home.path(file);
    for order in [keys, [keys[1], keys[0]]] {
        home.write(&path, before);
        for key in keys {
            home.run(["credential", "setup", tool, key]).ok();
        }
        let names = |key: &str| fs::read_to_string(&path).unwrap().contains(key);
        home.run(["credential", "setup", tool, order[0], "--undo"]).ok();
        let after = fs::read_to_string(&path).unwrap();
        if tool == "docker" {
            home.run(["credential", "setup", tool, order[1]]).ok();
            assert!(serde_json::from_str::<serde_json::Value>(&after).is_ok(), "{after}");
            assert!(!names(order[0]) && names(order[1]), "{after}");
        } else {
            let provider = after.find("credential-provider").unwrap();
            let index = after[..provider].rfind("index = ").unwrap();
            assert!(after[index..provider].contains(order[1]), "{order:?}: {after}");
        }
        home.run(["credential", "setup", tool, order[1], "--undo"]).ok();
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "{order:?}");
    }
}

#[test]
fn docker_setups_are_undone_in_each_order() {
    for before in [
        "{\n\t\"credHelpers\": {}\n}\n",
        "{\"credHelpers\": {\"x\": \"y\" }, \"auths\": {}}",
        // The first setup adds the object that the second one adds to.
        "{ \"auths\": {} }\n",
        "{}",
    ] {
        let keys = ["one.example", "two.example"];
        undone_in_each_order("docker", keys, "home/.docker/config.json", before);
    }
}

#[test]
fn docker_undo_keeps_a_helper_added_since() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.docker/config.json");
    home.write(&path, "{\"credHelpers\": {}}");
    home.run(["credential", "setup", "docker"]).ok();
    let after = fs::read_to_string(&path).unwrap();
    home.write(&path, &after.replace("\"oauthctl\"", "\"oauthctl\", \"x\": \"y\""));
    home.run(["credential", "setup", "docker", "--undo"]).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"credHelpers\": { \"x\": \"y\"}}");
}

/// The last line of the file has no line break.
#[test]
fn git_setups_are_undone_in_each_order() {
    let keys = ["https://one.example", "https://two.example"];
    let tables = keys.map(|key| format!("[credential.git.\"{key}\"]\nprofile = \"p\"\n"));
    let home = planted_with(&tables.concat());
    let path = home.path("home/.gitconfig");
    for order in [keys, [keys[1], keys[0]]] {
        home.write(&path, "[user]\n\tname = Ada # me");
        for key in keys {
            home.run(["credential", "setup", "git", key]).ok();
        }
        home.run(["credential", "setup", "git", order[0], "--undo"]).ok();
        let after = fs::read_to_string(&path).unwrap();
        assert!(after.contains(&format!("\n[credential \"{}\"]\n", order[1])), "{after}");
        home.run(["credential", "setup", "git", order[1], "--undo"]).ok();
        assert_eq!(fs::read_to_string(&path).unwrap(), "[user]\n\tname = Ada # me");
    }
}

/// The first setup creates the file, and the second one is inside what it wrote.
#[test]
fn setups_of_a_new_file_are_undone_in_each_order() {
    for (tool, file) in
        [("docker", "home/.docker/config.json"), ("kubernetes", "home/.kube/config")]
    {
        let keys = ["https://one.example", "https://two.example"];
        let tables = keys.map(|key| format!("[credential.{tool}.\"{key}\"]\nprofile = \"p\"\n"));
        let home = planted_with(&tables.concat());
        let path = home.path(file);
        for order in [keys, [keys[1], keys[0]]] {
            for key in keys {
                home.run(["credential", "setup", tool, key]).ok();
            }
            home.run(["credential", "setup", tool, order[0], "--undo"]).ok();
            let after = fs::read_to_string(&path).unwrap();
            let host = |key: &'static str| key.trim_start_matches("https://");
            assert!(after.contains(host(order[1])) && !after.contains(host(order[0])), "{after}");
            home.run(["credential", "setup", tool, order[1]]).ok();
            home.run(["credential", "setup", tool, order[1], "--undo"]).ok();
            assert!(!path.exists(), "{tool} {order:?}");
        }
    }
}

#[test]
fn setup_is_undone_after_its_table_is_gone() {
    let home = planted_with(SETTINGS);
    home.run(["credential", "setup", "git"]).ok();
    home.config(crate::fixture::PROFILE);
    home.run(["credential", "setup", "git", "--undo"]).fails(3);
    home.run(["credential", "setup", "git", "https://other.example", "--undo"]).fails(3);
    home.run(["credential", "setup", "git", "https://git.example", "--undo"]).ok();
    assert!(!home.path("home/.gitconfig").exists());
}

#[test]
fn setup_again_repairs_what_the_user_removed() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.gitconfig");
    home.run(["credential", "setup", "git"]).ok();
    let after = fs::read_to_string(&path).unwrap();
    home.write(&path, "[user]\n");
    home.run(["credential", "setup", "git"]).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("[user]\n{after}"));
}

#[test]
fn setup_with_another_program_or_file_says_to_undo_it() {
    let mut home = planted_with(SETTINGS);
    home.run(["credential", "setup", "git"]).ok();
    let mut moved = home.tool(crate::fixture::alone());
    let output = moved.args(["credential", "setup", "git"]).output().unwrap();
    let hint = "hint: run `oauthctl credential setup git https://git.example --undo` first";
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(3) && said.contains("with another program"), "{said}");
    assert!(said.contains(hint), "{said}");
    home.set("GIT_CONFIG_GLOBAL", home.path("home/other"));
    let said = home.run(["credential", "setup", "git"]).fails(3).stderr;
    assert!(said.contains("in another file") && said.contains(hint), "{said}");
    home.run(["credential", "setup", "git", "https://git.example", "--undo"]).ok();
    home.run(["credential", "setup", "git"]).ok();
}

#[test]
fn setup_undo_keeps_what_was_added_since() {
    let home = planted_with(SETTINGS);
    let path = home.path("home/.gitconfig");
    home.run(["credential", "setup", "git"]).ok();
    let after = fs::read_to_string(&path).unwrap();
    home.write(&path, &format!("[user]\n{after}[core]\n"));
    home.run(["credential", "setup", "git", "--undo"]).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), "[user]\n[core]\n");
    home.run(["credential", "setup", "git"]).ok();
    home.write(&path, &format!("[user]\n{}", after.replace("\thelper =\n", "")));
    let changed = home.run(["credential", "setup", "git", "--undo"]).fails(3).stderr;
    assert!(changed.contains("has changed since it was set up"), "{changed}");
    // As the hint says.
    home.write(&path, "[user]\n");
    let gone = home.run(["credential", "setup", "git", "--undo"]).fails(3).stderr;
    assert!(gone.contains("git is not set up for"), "{gone}");
}

/// docker runs the first program of this name in PATH.
#[test]
fn docker_setup_with_a_link_prints_no_next_step() {
    let mut home = planted_with(SETTINGS);
    let name = "docker-credential-oauthctl";
    let link = super::links::link(&home, name);
    let other = home.path("other").join(name);
    home.write(&other, "#!/bin/sh\n");
    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    let directory = |file: &std::path::Path| file.parent().unwrap().display().to_string();
    let (ours, others) = (directory(&link), directory(&other));
    for (path, executable, is_ready) in [
        (format!("/nowhere:{ours}:{others}"), true, true),
        (format!("{others}:{ours}"), false, true),
        (format!("{others}:{ours}"), true, false),
        (others.clone(), true, false),
        ("../bin".to_owned(), true, false),
    ] {
        fs::set_permissions(&other, mode(if executable { 0o700 } else { 0o600 })).unwrap();
        home.set("PATH", &path);
        let said = home.run(["credential", "setup", "docker"]).ok().stderr;
        assert_eq!(!said.contains("Create a link"), is_ready, "{path}: {said}");
        home.run(["credential", "setup", "docker", "--undo"]).ok();
    }
}

/// Its path is relative to where the command ran.
#[test]
fn setup_of_a_relative_file_is_undone_from_elsewhere() {
    let mut home = planted_with(SETTINGS);
    home.set("KUBECONFIG", "new.yaml").set("DOCKER_CONFIG", "docker");
    for (tool, file) in [("kubernetes", "home/new.yaml"), ("docker", "home/docker/config.json")] {
        home.run(["credential", "setup", tool]).ok();
        assert!(home.path(file).is_file());
        let mut undo = home.command(["credential", "setup", tool, "--undo"]);
        assert!(undo.current_dir(home.path("")).output().unwrap().status.success(), "{tool}");
        assert!(!home.path(file).exists());
    }
}

#[test]
fn setup_writes_no_netrc_file() {
    let home = planted_with("[credential.netrc.\"api.example\"]\nprofile = \"p\"\n");
    let said = home.run(["credential", "setup", "netrc"]).fails(2).stderr;
    assert!(said.contains("`curl --netrc-file <(oauthctl credential netrc) URL`"), "{said}");
}

/// The real program reads what was written, and asks the helper.
#[test]
fn setup_lets_git_ask_the_helper() {
    let home = planted_with(SETTINGS);
    home.run(["credential", "setup", "git"]).ok();
    let mut git = home.tool("git");
    git.args(["credential", "fill"]).env("GIT_TERMINAL_PROMPT", "0");
    git.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut git = git.spawn().unwrap();
    use std::io::Write;
    git.stdin.take().unwrap().write_all(b"protocol=https\nhost=git.example\n\n").unwrap();
    let output = git.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("password={TOKEN}\n")), "{text}");
}

/// git tells a helper the path only if it is configured to.
#[test]
fn setup_of_a_path_lets_git_tell_it() {
    let key = "https://git.example/group";
    let home = planted_with(&format!("[credential.git.\"{key}\"]\nprofile = \"p\"\n"));
    home.run(["credential", "setup", "git"]).ok();
    let filled = |path: &str| {
        let ask = format!("printf 'url=https://git.example/{path}\\n' | git credential fill");
        let mut shell = home.tool("sh");
        shell.args(["-c", &ask]).env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "false");
        String::from_utf8(shell.output().unwrap().stdout).unwrap()
    };
    let found = filled("group/project.git");
    assert!(found.contains(&format!("password={TOKEN}\n")), "{found}");
    assert_eq!(filled("other/project.git"), "");
    assert_eq!(filled(""), "");
}
