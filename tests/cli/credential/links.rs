use std::path::PathBuf;
use std::process::Stdio;

use super::planted_with;
use crate::fixture::TOKEN;
use crate::support::{Home, program};

/// A link to the program under this name.
pub fn link(home: &Home, name: &str) -> PathBuf {
    let path = home.path("bin").join(name);
    std::fs::create_dir_all(home.path("bin")).unwrap();
    std::os::unix::fs::symlink(program(), &path).unwrap();
    path
}

/// Runs the link with this on stdin.
fn output(home: &Home, name: &str, args: &[&str], input: &str) -> (String, Option<i32>) {
    use std::io::Write;
    let mut command = home.tool(link(home, name));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

#[test]
fn link_acts_as_the_helper_of_its_name() {
    let home = planted_with(
        "[credential.git.\"https://a.example\"]\n[credential.docker.\"a.example\"]\n\
         [credential.cargo.\"sparse+https://a.example\"]\n",
    );
    let (git, _) =
        output(&home, "git-credential-oauthctl", &["get"], "protocol=https\nhost=a.example\n");
    assert!(git.contains(&format!("password={TOKEN}\n")), "{git}");
    let (docker, _) = output(&home, "docker-credential-oauthctl", &["get"], "a.example");
    assert!(docker.contains(TOKEN));
    let (cargo, _) = output(&home, "cargo-credential-oauthctl", &["--cargo-plugin"], "");
    assert_eq!(cargo, "{\"v\":[1]}\n");
    assert_eq!(output(&home, "oauthctl-token-p", &[], ""), (format!("{TOKEN}\n"), Some(0)));
    assert_eq!(output(&home, "oauthctl-token-q", &[], ""), (String::new(), Some(3)));
}
